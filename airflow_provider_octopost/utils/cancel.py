"""What a killed task takes back: a schedule. A draft is harmless and stays, what is live cannot be taken back."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_octopost.version_compat import AIRFLOW_V_3_0_PLUS

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

    from airflow_provider_octopost.hooks.octopost import ClientSettings

log = logging.getLogger(__name__)

#: States of a task that a user has ended. A cleared one is in none of them: it runs again and finds its post.
ENDED = frozenset({"failed", "success", "skipped", "upstream_failed", "removed"})


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


async def state_of(ti: Any) -> str | None:
    """
    Ask Airflow for the present state of a task, on the triggerer's event loop.

    :param ti: The trigger's task instance.
    """
    if not AIRFLOW_V_3_0_PLUS:
        return await asyncio.to_thread(_state_in_database, ti)
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
    from asgiref.sync import sync_to_async

    # asgiref's thread and no other: the call finds its way back to this event loop through it.
    by_run = await sync_to_async(RuntimeTaskInstance.get_task_states)(
        dag_id=ti.dag_id, task_ids=[ti.task_id], run_ids=[ti.run_id], map_index=ti.map_index
    )
    return next((_word(state) for state in by_run.get(ti.run_id, {}).values()), None)


def _state_in_database(ti: Any) -> str | None:
    """Airflow 2 triggers may read the database."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    with create_session() as session:
        state = (
            session.query(TaskInstance.state)
            .filter_by(dag_id=ti.dag_id, run_id=ti.run_id, task_id=ti.task_id, map_index=ti.map_index)
            .scalar()
        )
    return _word(state)


def _word(state: Any) -> str | None:
    return None if state is None else str(getattr(state, "value", state))


async def to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """
    Do some work to its end, also where this task is cancelled meanwhile.

    Airflow cancels a killed trigger anew with every heartbeat, and so within a second or two.

    :param work: What to do; has to come to an end by itself.
    """
    task = asyncio.create_task(work)
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(task)
