"""Wait for posts in the triggerer. Triggers only read: a triggerer may run one twice, or start it again."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_octopost.triggers.events import OctopostPostEventTrigger
from airflow_provider_octopost.triggers.poller import PollFailed, PostMissing, wait_for_posts
from airflow_provider_octopost.utils.failures import words_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

log = logging.getLogger(__name__)

__all__ = ["EVENT_STATUSES", "OctopostPostEventTrigger", "OctopostPostTrigger", "validate_event"]

#: All the words an event's ``status`` can be.
EVENT_STATUSES = ("settled", "timeout", "missing", "error")
#: Seconds for one last look where the deadline passed while no triggerer was running.
LAST_LOOK = 15.0
#: Seconds that taking a killed task's schedule back may take; Airflow's own limit is 30.
KILL_TIMEOUT = 25.0
#: Airflow tells a trigger that its task was killed from 3.3 on; before, it only cancels the trigger.
_TOLD_OF_KILLS = hasattr(BaseTrigger, "on_kill")


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
    :param cancel_on_kill: Whether the posts are the waiting task's own, to be unscheduled when a user ends it.
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
        cancel_on_kill: bool = False,
    ) -> None:
        super().__init__()
        self.octopost_conn_id = octopost_conn_id
        self.post_ids = post_ids
        self.deadline = deadline
        self.poll_interval = poll_interval
        self.created_at = created_at
        self.due = due
        self.cancel_on_kill = cancel_on_kill

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
                "cancel_on_kill": self.cancel_on_kill,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Fire exactly one event."""
        try:
            event = await self._wait()
        except asyncio.CancelledError:
            if not _TOLD_OF_KILLS:
                await self.on_kill()
            raise
        yield TriggerEvent(event)

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
        """Unschedule what is not live yet, when a user ends the deferred task."""
        from airflow_provider_octopost.utils.cancel import to_the_end

        if self.cancel_on_kill:
            await to_the_end(self._take_back())

    async def _take_back(self) -> None:
        """
        Unschedule the posts if the task has ended.

        A trigger is cancelled for other reasons too, and on every version: its task was cleared, and the next try may
        have taken the post over already; the triggerer stops; another triggerer has taken the trigger from a stalled
        one. In none of them may the schedule be touched: the post would be lost, and the task green.
        """
        from airflow_provider_octopost.hooks.octopost import OctopostHook
        from airflow_provider_octopost.utils.cancel import ENDED, state_of, unschedule

        try:
            async with asyncio.timeout(KILL_TIMEOUT):
                state = await state_of(self.task_instance)
                if state in ENDED:
                    settings = await OctopostHook.async_settings(self.octopost_conn_id)
                    await asyncio.to_thread(unschedule, settings, self.post_ids)
                else:
                    log.info("The task is %s, not ended: its posts stay as they are.", state or "to run again")
        except Exception as error:
            ids = ", ".join(self.post_ids)
            log.warning("Post %s may still be scheduled; it could not be cancelled. %s", ids, words_of(error))


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
