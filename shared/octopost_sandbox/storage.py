"""Where the sandbox keeps its state over a restart: nowhere, or a SQLite file."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

UPSERT = "INSERT INTO records VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body"


class Storage:
    """Keep records in a SQLite file, one row each; without a file, keep nothing.

    The living state is in memory. Each change is written through in its own transaction, so a killed sandbox comes back
    with all it had answered.
    """

    def __init__(self, path: Path | None) -> None:
        self._db: sqlite3.Connection | None = None
        if path is not None:
            # The state's own lock guards every use, whichever thread it comes from.
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS records (kind TEXT, id TEXT, body TEXT, PRIMARY KEY (kind, id))"
            )

    def put(self, kind: str, record_id: str, body: dict[str, Any]) -> None:
        """Write one record."""
        if self._db is not None:
            self._db.execute(UPSERT, (kind, record_id, json.dumps(body)))

    def delete(self, kind: str, record_id: str) -> None:
        """Remove one record."""
        if self._db is not None:
            self._db.execute("DELETE FROM records WHERE kind = ? AND id = ?", (kind, record_id))

    def load(self, kind: str) -> list[dict[str, Any]]:
        """Return every record of a kind, in the order they were first written."""
        if self._db is None:
            return []
        rows = self._db.execute("SELECT body FROM records WHERE kind = ? ORDER BY rowid", (kind,))
        return [json.loads(body) for (body,) in rows]

    def clear(self) -> None:
        """Remove everything."""
        if self._db is not None:
            self._db.execute("DELETE FROM records")

    def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            self._db.close()
