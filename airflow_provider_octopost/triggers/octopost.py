"""Wait for posts in the triggerer. Triggers only read: a triggerer may run one twice, or start it again."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_octopost.triggers.events import OctopostPostEventTrigger
from airflow_provider_octopost.triggers.poller import PollFailed, PostMissing, wait_for_posts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["EVENT_STATUSES", "OctopostPostEventTrigger", "OctopostPostTrigger", "validate_event"]

#: All the words an event's ``status`` can be.
EVENT_STATUSES = ("settled", "timeout", "missing", "error")
#: Seconds for one last look where the deadline passed while no triggerer was running.
LAST_LOOK = 15.0


class OctopostPostTrigger(BaseTrigger):
    """
    Wait until posts are published or failed, and fire one event.

    The event's ``status`` is ``settled`` (``posts`` holds them), ``timeout``, ``missing`` or ``error`` (``message``
    says more).

    :param octopost_conn_id: Connection of type ``octopost``.
    :param post_ids: The posts.
    :param deadline: When to give up, in seconds since the epoch. Wall clock and absolute, for the trigger may move to
        another process, where a monotonic clock means something else and a duration would start anew.
    :param poll_interval: Seconds between two polls.
    :param created_at: ISO 8601, when the oldest of them was created.
    :param due: ISO 8601, when they are scheduled; nothing is asked before.
    """

    def __init__(
        self,
        *,
        octopost_conn_id: str,
        post_ids: list[str],
        deadline: float,
        poll_interval: float = 15.0,
        created_at: str | None = None,
        due: str | None = None,
    ) -> None:
        super().__init__()
        self.octopost_conn_id = octopost_conn_id
        self.post_ids = post_ids
        self.deadline = deadline
        self.poll_interval = poll_interval
        self.created_at = created_at
        self.due = due

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what another process needs to make this trigger again; nothing of it is secret."""
        return (
            "airflow_provider_octopost.triggers.octopost.OctopostPostTrigger",
            {
                "octopost_conn_id": self.octopost_conn_id,
                "post_ids": self.post_ids,
                "deadline": self.deadline,
                "poll_interval": self.poll_interval,
                "created_at": self.created_at,
                "due": self.due,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Fire exactly one event."""
        yield TriggerEvent(await self._wait())

    async def _wait(self) -> dict[str, Any]:
        try:
            async with asyncio.timeout(max(self.deadline - time.time(), LAST_LOOK)):
                posts = await wait_for_posts(
                    self.octopost_conn_id,
                    self.post_ids,
                    created_at=_moment(self.created_at),
                    due=_moment(self.due),
                    interval=self.poll_interval,
                )
                return {"status": "settled", "posts": posts}
        except TimeoutError:
            return {"status": "timeout", "message": f"Post {', '.join(self.post_ids)} was not settled in time."}
        except PostMissing as error:
            return {"status": "missing", "message": str(error)}
        except PollFailed as error:
            return {"status": "error", "message": str(error)}

    async def on_kill(self) -> None:
        """Unschedule what is not live yet, when a user ends the deferred task (Airflow 3.3 and newer call this)."""
        from airflow_provider_octopost.hooks.octopost import OctopostHook
        from airflow_provider_octopost.utils.cancel import unschedule

        settings = await OctopostHook.async_settings(self.octopost_conn_id)
        await asyncio.to_thread(unschedule, settings, self.post_ids)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def validate_event(event: Any) -> dict[str, Any]:
    """
    Return the event, or refuse one that no trigger of ours fires: it must not pass for success.

    :param event: What Airflow hands to the resumed task.
    :raises RuntimeError: For ``None``, another type or an unknown status.
    """
    if not isinstance(event, dict) or event.get("status") not in EVENT_STATUSES:
        raise RuntimeError(f"The trigger's event is not one of {', '.join(EVENT_STATUSES)}: {event!r}")
    return event
