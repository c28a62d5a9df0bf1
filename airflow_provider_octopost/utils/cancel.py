"""What a killed task takes back: a schedule. A draft is harmless and stays, what is live cannot be taken back."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_octopost.hooks.octopost import ClientSettings

log = logging.getLogger(__name__)


def unschedule(settings: ClientSettings, post_ids: Iterable[str]) -> list[str]:
    """
    Unschedule posts that are not live yet; return one sentence per post that says how it stands now.

    :param settings: The connection. A client of its own is used: the task's may be in the middle of a call.
    :param post_ids: The posts of the killed task.
    """
    from octopost_core.errors import OctopostError

    said = []
    with settings.client(max_wait=5) as client:
        for post_id in post_ids:
            try:
                post = client.get_post(post_id)
                if post.status == "scheduled":
                    post = client.update_post(post_id, scheduled_for=None)
                    said.append(f"Post {post_id} was scheduled and is {post.status} now.")
                elif post.status == "draft":
                    said.append(f"Post {post_id} is a draft; it stays, and goes out only if somebody publishes it.")
                elif post.live:
                    said.append(f"Post {post_id} is already live on {', '.join(post.live)}; that is not taken back.")
                else:
                    said.append(f"Post {post_id} is {post.status}; nothing could be taken back.")
            except OctopostError as error:
                said.append(f"Post {post_id} could not be cancelled: {error}")
    for sentence in said:
        log.warning("%s", sentence)
    return said
