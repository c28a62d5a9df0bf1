"""Where a publication remembers its posts between tries, so that a second try continues the first."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from octopost_core.errors import InvalidInput


@dataclass(frozen=True)
class LedgerEntry:
    """Remember what one identity has made.

    :param post_ids: The posts, oldest first.
    :param fingerprint: Of the draft they were made from.
    :param committed: Those of them whose publish or schedule call may have been sent.
    """

    post_ids: tuple[str, ...]
    fingerprint: str
    committed: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Return the entry as one line of JSON."""
        return json.dumps(
            {"post_ids": self.post_ids, "fingerprint": self.fingerprint, "committed": self.committed}, sort_keys=True
        )

    @classmethod
    def from_json(cls, text: str) -> LedgerEntry:
        """Read an entry back.

        :param text: What :meth:`to_json` wrote.
        :raises InvalidInput: For anything else; an unreadable memory must not read as an empty one.
        """
        try:
            raw = json.loads(text)
            ids, committed = (tuple(map(str, raw[name])) for name in ("post_ids", "committed"))
            return cls(ids, str(raw["fingerprint"]), committed)
        except (ValueError, KeyError, TypeError):
            raise InvalidInput(
                "The stored record of an earlier try cannot be read.",
                field="ledger",
                cure="Look in the Octopost dashboard whether the post is live, then remove the record.",
            ) from None


class Ledger(Protocol):
    """Remember entries by identity."""

    def recall(self, identity: str) -> LedgerEntry | None:
        """Return what is known of an identity."""

    def record(self, identity: str, entry: LedgerEntry) -> None:
        """Store an entry; when this returns it must survive the death of the process."""


class NoLedger:
    """Remember nothing: look-up alone has to find an earlier try."""

    def recall(self, identity: str) -> LedgerEntry | None:
        """Return ``None``."""
        return None

    def record(self, identity: str, entry: LedgerEntry) -> None:
        """Do nothing."""


class FileLedger:
    """Remember in a JSON file, safe for several processes of one machine.

    :param path: The file; it and its folder are made when needed.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)

    def recall(self, identity: str) -> LedgerEntry | None:
        """Return what is known of an identity.

        :raises InvalidInput: Where the file is not ours.
        """
        text = self._load().get(identity)
        return None if text is None else LedgerEntry.from_json(text)

    def record(self, identity: str, entry: LedgerEntry) -> None:
        """Store an entry on disk, whole or not at all."""
        with self._locked():
            known = {**self._load(), identity: entry.to_json()}
            handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(known, file, indent=1, sort_keys=True)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self._path)

    def _load(self) -> dict[str, str]:
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError:
            known = None
        if not isinstance(known, dict):
            raise InvalidInput(
                f"{self._path} is not a ledger of posts.", field="ledger", cure="Name another file, or remove this one."
            )
        return known

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_name(self._path.name + ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
