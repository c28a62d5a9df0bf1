"""`make demo` as a newcomer sees it: it ends well, says why when it does not, and writes the key nowhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.e2e


def demo(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts/demo.py"), *options],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def test_it_publishes_through_both_wings_and_writes_the_key_nowhere(tmp_path: Path) -> None:
    kept = tmp_path / "a folder with a space"
    done = demo("--keep", str(kept))
    assert done.returncode == 0, done.stdout + done.stderr
    for who, network in (
        ("Airflow", "bluesky"),
        ("Airflow", "linkedin"),
        ("action", "twitter"),
        ("action", "mastodon"),
    ):
        assert re.search(rf"^ +{who} +{network} +published +http://127\.0\.0\.1", done.stdout, re.M), done.stdout
    assert "operation: created" in done.stdout
    assert "live on 4 networks" in done.stdout
    assert "oct_test_" not in done.stdout + done.stderr
    written = [path for path in kept.rglob("*") if path.is_file()]
    assert any(path.suffix == ".db" for path in written), "Airflow's database is among what is searched"
    assert any(path.suffix == ".log" for path in written), "and so is the log of the tasks"
    assert [path for path in written if b"oct_test_" in path.read_bytes()] == []


def test_it_says_why_it_failed(tmp_path: Path) -> None:
    broken = tmp_path / "event.json"
    broken.write_text("{not json")
    done = demo("--event", str(broken))
    assert done.returncode == 1
    assert f"The demo failed: {broken} is no event payload" in done.stderr
    assert "Traceback" not in done.stderr
