"""The sandbox's own clock: it can be frozen, moved and set, and every stamp it gives is later than the one before."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Literal

Precision = Literal["seconds", "milliseconds", "microseconds"]
MICROS = 1_000_000


def to_iso(micros: int, precision: Precision = "seconds") -> str:
    """Write a time as ISO 8601 in UTC with ``Z``, cut (not rounded) to the precision.

    Documented: every example in the posts, accounts, presets and webhooks pages uses ``Z`` and whole seconds.
    """
    moment = datetime.fromtimestamp(micros // MICROS, UTC).replace(microsecond=micros % MICROS)
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


def from_iso(text: str) -> int:
    """Read an ISO 8601 time with an offset; return microseconds since 1970.

    Raises ValueError when the text is no such time or has no offset (unknown: what Octopost takes such a time to mean).
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("the time has no offset; write it in UTC with a final Z")
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * MICROS + delta.microseconds


class Clock:
    """A clock that runs with the machine's until it is frozen or moved."""

    def __init__(self, offset: int = 0, frozen_at: int | None = None) -> None:
        self._offset = offset
        self._frozen_at = frozen_at
        self._last_stamp = 0

    @property
    def frozen(self) -> bool:
        """Tell whether time stands still."""
        return self._frozen_at is not None

    def now(self) -> int:
        """Return the sandbox's time in microseconds since 1970."""
        if self._frozen_at is not None:
            return self._frozen_at
        return time.time_ns() // 1000 + self._offset

    def stamp(self) -> int:
        """Return the time for a new record: now, but always later than the stamp before, also while frozen.

        Only a clock set back by more than a second takes its stamps back with it.
        """
        now = self.now()
        if now < self._last_stamp - MICROS:
            self._last_stamp = now
        self._last_stamp = max(now, self._last_stamp + 1)
        return self._last_stamp

    def remember(self, stamp: int) -> None:
        """Keep later stamps behind one that was given before a restart."""
        self._last_stamp = max(self._last_stamp, stamp)

    def freeze(self, at: int | None = None) -> None:
        """Stop the clock, now or at the given time."""
        self._frozen_at = self.now() if at is None else at

    def resume(self) -> None:
        """Let a frozen clock run on from where it stands."""
        if self._frozen_at is not None:
            self._offset = self._frozen_at - time.time_ns() // 1000
            self._frozen_at = None

    def move_to(self, at: int) -> None:
        """Set the time; a running clock runs on from there."""
        if self._frozen_at is not None:
            self._frozen_at = at
        else:
            self._offset = at - time.time_ns() // 1000

    def advance(self, seconds: float) -> None:
        """Move the time by some seconds."""
        self.move_to(self.now() + round(seconds * MICROS))

    def http_date(self, at: int | None = None) -> str:
        """Return the value of a Date header, for now or for the given time."""
        return formatdate((self.now() if at is None else at) // MICROS, usegmt=True)

    def state(self) -> dict[str, int | None]:
        """Return what a restart needs to go on with the same clock."""
        return {"offset": self._offset, "frozen_at": self._frozen_at}
