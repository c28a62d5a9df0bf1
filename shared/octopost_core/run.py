"""What one run of the publishing protocol shares between its steps: events, the deadline, and what it is about."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from octopost_core.errors import OutcomeUnknown
from octopost_core.outcome import Event


class Run:
    """Keep the clock and the record of one run.

    :param deadline: Seconds for the whole.
    :param on_event: Called with every step.
    """

    def __init__(self, deadline: float, on_event: Callable[[Event], None] | None = None) -> None:
        self.events: list[Event] = []
        #: The post that is being worked on; errors name it.
        self.current: str | None = None
        self._until = time.monotonic() + deadline
        self._on_event = on_event
        self._waiting_since: dict[str, float] = {}

    def tell(
        self, step: str, message: str, post_id: str | None = None, level: Literal["info", "warning"] = "info"
    ) -> None:
        """Record a step."""
        event = Event(step, message, level, post_id)
        self.events.append(event)
        if self._on_event:
            self._on_event(event)

    def sleep(self, seconds: float, seen: str) -> None:
        """Wait, within the deadline.

        :param seen: What was last seen, for the report when time is used up.
        :raises OutcomeUnknown: When it is.
        """
        if time.monotonic() + seconds > self._until:
            raise OutcomeUnknown(self.current, f"{seen}, and the time allowed is used up.")
        time.sleep(seconds)

    def patient(self, what: str, limit: float) -> bool:
        """Tell whether to go on waiting for something.

        :param what: What is waited for; counted from the first time it is named.
        :param limit: Seconds.
        """
        now = time.monotonic()
        return now - self._waiting_since.setdefault(what, now) < limit
