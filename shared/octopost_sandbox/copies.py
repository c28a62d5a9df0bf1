"""What stands on the networks: live copies, and the detector that sees when one content stands there twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from octopost_sandbox.storage import Storage


@dataclass
class LiveCopy:
    """A post as it stands on one network."""

    id: str
    network: str
    post_id: str
    network_post_id: str
    fingerprint: str
    parts: list[str]
    at: int
    removed_at: int | None = None


class Copies:
    """The live copies, and those that were removed."""

    def __init__(self, storage: Storage) -> None:
        self.all: dict[str, LiveCopy] = {}
        self.doubled = 0  # standing copies beyond the first of their network and content
        self.duplicate_seen = False  # whether there ever was one
        self._storage = storage
        self._standing: Counter[tuple[str, str]] = Counter()  # per network and fingerprint

    def load(self) -> None:
        """Take up the copies of an earlier run."""
        for record in self._storage.load("live"):
            self._stand(LiveCopy(**record))

    def add(self, copy: LiveCopy) -> None:
        """Let a copy stand on its network."""
        self._stand(copy)
        self._storage.put("live", copy.id, asdict(copy))

    def _stand(self, copy: LiveCopy) -> None:
        self.all[copy.id] = copy
        if copy.removed_at is None:
            self._standing[copy.network, copy.fingerprint] += 1
            if self._standing[copy.network, copy.fingerprint] > 1:
                self.doubled += 1
                self.duplicate_seen = True

    def _fall(self, copy: LiveCopy) -> None:
        if copy.removed_at is None:
            self._standing[copy.network, copy.fingerprint] -= 1
            if self._standing[copy.network, copy.fingerprint] > 0:
                self.doubled -= 1

    def remove(self, post_id: str, at: int) -> None:
        """Take a post off its networks."""
        for copy in self.all.values():
            if copy.post_id == post_id and copy.removed_at is None:
                self._fall(copy)
                copy.removed_at = at
                self._storage.put("live", copy.id, asdict(copy))

    def forget(self, post_id: str) -> None:
        """Drop all that is known of a post's copies."""
        for copy in [copy for copy in self.all.values() if copy.post_id == post_id]:
            self._fall(copy)
            del self.all[copy.id]
            self._storage.delete("live", copy.id)

    def duplicates(self, url: str | None = None, ever: bool = False) -> list[dict[str, Any]]:
        """Return the groups of live copies of one content on one network.

        With ``url``, copies whose text contains it count as the same content. With ``ever``, removed copies count too.
        """
        groups: dict[tuple[str, str], list[LiveCopy]] = {}
        for copy in self.all.values():
            if copy.removed_at is not None and not ever:
                continue
            if url is not None and not any(url in part for part in copy.parts):
                continue
            groups.setdefault((copy.network, url or copy.fingerprint), []).append(copy)
        return [
            {
                "network": network,
                "fingerprint": copies[0].fingerprint,
                "content": copies[0].parts[0],
                "count": len(copies),
                "post_ids": [copy.post_id for copy in copies],
            }
            for (network, _), copies in groups.items()
            if len(copies) > 1
        ]
