"""The memory between tries: whole or not at all, for several processes, never read as empty by mistake."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from octopost_core import FileLedger, InvalidInput, LedgerEntry

ENTRY = LedgerEntry(("post_1", "post_2"), "abc", ("post_1",))


def test_what_is_recorded_is_recalled(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "ledger.json"
    FileLedger(path).record("a", ENTRY)
    FileLedger(path).record("b", LedgerEntry(("post_3",), "def"))
    assert FileLedger(path).recall("a") == ENTRY
    assert FileLedger(path).recall("b") == LedgerEntry(("post_3",), "def", ())
    assert FileLedger(path).recall("c") is None
    assert [item.name for item in path.parent.iterdir() if "ledger.json" not in item.name] == []


@pytest.mark.parametrize("text", ["", "[]", "not json", '{"a": "not an entry"}', '{"a": "{}"}', '{"a": 7}'])
def test_an_unreadable_memory_stops_everything(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ledger.json"
    path.write_text(text)
    with pytest.raises(InvalidInput):
        FileLedger(path).recall("a")


def test_processes_do_not_lose_each_other_s_entries(tmp_path: Path) -> None:
    program = (
        "import sys; from octopost_core import FileLedger, LedgerEntry\n"
        "for n in range(50): FileLedger(sys.argv[1]).record(f'{sys.argv[2]}/{n}', LedgerEntry((str(n),), 'f'))"
    )
    path = tmp_path / "ledger.json"
    writers = [subprocess.Popen([sys.executable, "-c", program, str(path), str(number)]) for number in range(4)]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    ledger = FileLedger(path)
    assert all(ledger.recall(f"{number}/{n}") for number in range(4) for n in range(50))
