"""Every benchmark still runs: with tiny counts, judging the shape of what it prints and never a time."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/performance.md"
ROWS = ("imports", "parsing", "action", "node", "image", "client", "waiting", "limits", "memory")


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "scripts/bench.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)


@pytest.mark.bench
@pytest.mark.parametrize("row", ROWS)
def test_a_row_prints_its_table_and_leaves_the_page_alone(row: str) -> None:
    before = PAGE.read_bytes() if PAGE.exists() else None
    done = bench("--quick", row)

    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert lines[0] == "| What | Ours | Against | Theirs | Ratio | Goal | Met |"
    figures = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines[2:]]
    assert figures
    assert {len(cells) for cells in figures} == {7}
    assert all(cells[0].strip() and cells[1].strip() for cells in figures)
    judged = [cells for cells in figures if cells[5].strip()]
    assert judged
    assert {cells[6].strip() for cells in judged} <= {"yes", "**no**"}
    assert (PAGE.read_bytes() if PAGE.exists() else None) == before


def test_an_unknown_row_is_refused_with_those_there_are() -> None:
    done = bench("--quick", "typing")

    assert done.returncode == 2
    assert "typing" in done.stderr
    assert all(row in done.stderr for row in ROWS)


def test_every_row_has_its_module() -> None:
    for row in ROWS:
        assert (ROOT / f"scripts/bench/{row}.py").is_file()
