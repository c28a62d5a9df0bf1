"""When a request is sent again: the table as data, and how long to wait.

The client obeys this table for every request, and the documentation prints it (``python -m octopost_core.retry``).
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from octopost_core.errors import (
    APIError,
    ConnectFailed,
    InvalidResponse,
    OctopostError,
    RateLimited,
    ServerError,
    TransportError,
)


class Request(StrEnum):
    """Name the kinds of request that differ in what a second sending would do."""

    GET = "GET"
    DELETE = "DELETE"
    PUT = "PUT (whole body)"
    CREATE = "POST create"
    PUBLISH = "POST publish"


class Failure(StrEnum):
    """Name the ways in which a request fails."""

    NO_CONNECTION = "no connection"
    LOST = "timeout / reset / unreadable reply"
    SERVER_ERROR = "5xx"
    RATE_LIMITED = "429"
    REFUSED = "other 3xx, 4xx"


class Action(StrEnum):
    """Name what is done next."""

    RETRY = "retry"
    RETRY_GONE_IS_DONE = "retry, 404 counts as done"
    WAIT = "wait as told, within the budget"
    COMPARE = "get, compare, then retry"
    LOOK_UP = "look up before a second create"
    SETTLE = "settle: get until the state is known"
    CONFLICT_SETTLES = "409: settle; else raise"
    RAISE = "raise"


_ORDER = (Failure.NO_CONNECTION, Failure.LOST, Failure.SERVER_ERROR, Failure.RATE_LIMITED, Failure.REFUSED)


def _row(*actions: Action) -> dict[Failure, Action]:
    return dict(zip(_ORDER, actions, strict=True))


#: Request by failure: the whole policy.
TABLE: dict[Request, dict[Failure, Action]] = {
    Request.GET: _row(Action.RETRY, Action.RETRY, Action.RETRY, Action.WAIT, Action.RAISE),
    Request.DELETE: _row(Action.RETRY, Action.RETRY_GONE_IS_DONE, Action.RETRY_GONE_IS_DONE, Action.WAIT, Action.RAISE),
    Request.PUT: _row(Action.RETRY, Action.COMPARE, Action.COMPARE, Action.WAIT, Action.RAISE),
    Request.CREATE: _row(Action.RETRY, Action.LOOK_UP, Action.LOOK_UP, Action.WAIT, Action.RAISE),
    Request.PUBLISH: _row(Action.RETRY, Action.SETTLE, Action.SETTLE, Action.WAIT, Action.CONFLICT_SETTLES),
}

#: Actions that the client carries out by itself; all others are the caller's.
RESENDS = frozenset({Action.RETRY, Action.RETRY_GONE_IS_DONE, Action.WAIT})

MAX_ATTEMPTS = 5
BACKOFF_BASE = 0.5  # seconds, doubled each time
BACKOFF_CAP = 8.0  # seconds
#: A told time beyond this is not believed: the docs' own examples disagree by two years.
BELIEVABLE = 3600.0  # seconds


def classify(error: OctopostError) -> Failure:
    """Name the way in which a request failed.

    :param error: What the client raised.
    """
    if isinstance(error, ConnectFailed):
        return Failure.NO_CONNECTION
    if isinstance(error, TransportError | InvalidResponse):
        return Failure.LOST
    if isinstance(error, ServerError):
        return Failure.SERVER_ERROR
    if isinstance(error, RateLimited):
        return Failure.RATE_LIMITED
    return Failure.REFUSED


def decide(request: Request, error: OctopostError) -> Action:
    """Look the next action up in the table.

    :param request: What was sent.
    :param error: How it failed.
    """
    action = TABLE[request][classify(error)]
    if action is Action.CONFLICT_SETTLES:
        return Action.SETTLE if isinstance(error, APIError) and error.status == 409 else Action.RAISE
    return action


def backoff(attempt: int) -> float:
    """Return seconds to wait before another try: exponential, full jitter, capped.

    :param attempt: How many tries have failed, from 1.
    """
    return random.uniform(0, min(BACKOFF_CAP, BACKOFF_BASE * 2.0 ** (attempt - 1)))


def told_wait(headers: Mapping[str, str], details: Any, now: datetime) -> float | None:
    """Return the seconds the server asks to wait, or ``None`` where it tells nothing believable.

    In this order: Retry-After (seconds or date), ``details.retry_after``, ``details.reset_at``, X-RateLimit-Reset
    (documented: rate-limits page). Times in the past or over an hour ahead are ignored (inferred: the docs' examples
    contradict each other).

    :param headers: Reply headers, case-insensitive.
    :param details: The error envelope's ``details``.
    :param now: The server's clock where it told it, else ours (aware).
    """
    told = details if isinstance(details, Mapping) else {}
    candidates = (
        headers.get("Retry-After"),
        told.get("retry_after"),
        told.get("reset_at"),
        _epoch(headers.get("X-RateLimit-Reset")),
    )
    for candidate in candidates:
        seconds = _seconds(candidate, now)
        if seconds is not None and 0 <= seconds <= BELIEVABLE:
            return seconds
    return None


def _epoch(value: str | None) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(value or ""), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _seconds(value: Any, now: datetime) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, datetime):
        return (value - now).total_seconds()
    text = str(value).strip()
    try:
        return float(text)
    except ValueError:
        pass
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = parse(text)
        except (ValueError, TypeError):
            continue
        return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()
    return None


def markdown_table() -> str:
    """Return the table as Markdown, for the documentation."""
    lines = [
        "| request | " + " | ".join(_ORDER) + " |",
        "| --- |" + " --- |" * len(_ORDER),
    ]
    lines += [f"| {request} | " + " | ".join(row[name] for name in _ORDER) + " |" for request, row in TABLE.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    print(markdown_table())
