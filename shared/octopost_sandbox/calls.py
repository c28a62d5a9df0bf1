"""The log of API calls, with every key masked before it is kept."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from octopost_sandbox.storage import Storage

_SECRET = re.compile(r"\b(oct_(?:live_|test_)?|whsec_)[A-Za-z0-9_\-]+")
KEPT_CHARACTERS = 20_000  # of a request or reply; longer ones are cut so that the log stays small


def mask(text: str) -> str:
    """Replace every API key and webhook secret in a text, keeping the kind of it."""
    return _SECRET.sub(r"\1***", text)


@dataclass
class Call:
    """One call: what was asked, what was answered (status None: nothing was), and which fault hit it."""

    id: str
    at: int
    method: str
    path: str
    query: str
    operation: str
    post_id: str | None
    key: str
    request: str
    status: int | None = None
    reply: str = ""
    fault: str | None = None
    milliseconds: float = 0.0


class CallLog:
    """The newest calls, oldest first."""

    def __init__(self, at_most: int, storage: Storage) -> None:
        self._calls: deque[Call] = deque()
        self._by_post: dict[str, deque[Call]] = {}
        self._at_most = at_most
        self._storage = storage
        self._made = 0

    def next_id(self) -> str:
        """Return the id for the next call; it is also the reply's X-Request-Id (a guess)."""
        self._made += 1
        return f"req_{self._made:09d}"

    def add(self, call: Call) -> None:
        """Keep a call, masked and cut."""
        call.key, call.query = mask(call.key), mask(call.query)
        call.path = mask(call.path)
        call.request = mask(call.request)[:KEPT_CHARACTERS]
        call.reply = mask(call.reply)[:KEPT_CHARACTERS]
        self._take(call)
        self._storage.put("call", call.id, asdict(call))
        while len(self._calls) > self._at_most:
            self._forget(self._calls.popleft())

    def _take(self, call: Call) -> None:
        self._calls.append(call)
        if call.post_id is not None:
            self._by_post.setdefault(call.post_id, deque()).append(call)

    def _forget(self, oldest: Call) -> None:
        self._storage.delete("call", oldest.id)
        if oldest.post_id is not None:
            calls = self._by_post[oldest.post_id]
            calls.popleft()
            if not calls:
                del self._by_post[oldest.post_id]

    def load(self) -> None:
        """Take up the calls of an earlier run."""
        for record in self._storage.load("call"):
            self._take(Call(**record))
        self._made = max((int(call.id.removeprefix("req_")) for call in self._calls), default=0)

    def select(self, post_id: str | None = None, operation: str | None = None) -> Iterable[Call]:
        """Yield the calls about a post and of a kind, oldest first."""
        for call in self._calls if post_id is None else self._by_post.get(post_id, ()):
            if operation in (None, call.operation):
                yield call

    def as_list(self, post_id: str | None = None, operation: str | None = None) -> list[dict[str, Any]]:
        """Return these calls as JSON-able objects."""
        return [asdict(call) for call in self.select(post_id, operation)]
