"""What the tests of the core share: counting what the protocol has survived, printed at the end of the run."""

from __future__ import annotations

import os
import platform
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Protocol

import pytest

_SENTENCES = {
    "matrix": "{cases} cases of call x fault x dialect, {killed} killed there; at most {reruns_max} re-run(s)",
    "race": "{rounds} rounds of {processes_max} processes at once, {faults_hit} faults hit",
    "walk": "{examples} random walks, {deaths} processes killed at a random line",
    "model": "{schedules} schedules of pausing and dying workers in the model",
}
_VERDICT = "no duplicate, no loss, no untrue report"


class Evidence(Protocol):
    """Count something for the summary of the run."""

    def __call__(self, name: str, **counts: int) -> None: ...


@pytest.fixture
def evidence(record_property: pytest.RecordProperty) -> Evidence:
    """Return a function that adds to what is printed at the end."""

    def add(name: str, **counts: int) -> None:
        record_property(f"evidence {name}", {key: int(count) for key, count in counts.items()})

    return add


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the sums over all tests that passed, whichever process ran them."""
    totals: dict[str, Counter[str]] = {}
    for report in terminalreporter.stats.get("passed", []):
        for name, counts in report.user_properties:
            if name.startswith("evidence "):
                total = totals.setdefault(name.removeprefix("evidence "), Counter())
                for key, count in counts.items():
                    total[key] += count
                    total[f"{key}_max"] = max(total[f"{key}_max"], count)
    lines = [f"{name}: {_SENTENCES[name].format(**total)}; {_VERDICT}" for name, total in sorted(totals.items())]
    if lines:
        terminalreporter.section("never twice, never lost, always told")
    for line in lines:
        terminalreporter.line(line)
    if lines and (path := os.environ.get("OCTOPOST_EVIDENCE")):
        Path(path).write_text(_page(lines), encoding="utf-8")


def _page(lines: list[str]) -> str:
    return "\n".join(
        [
            "# Evidence",
            "",
            "What the publishing protocol has survived in one run of its tests, every fault at every call of a real",
            "server in a process of its own. `make evidence` writes this page; `make test` prints the same for a",
            "thinned choice of cases, and CI for all.",
            "",
            f"Run on {date.today():%Y-%m-%d} with Python {platform.python_version()}.",
            "",
            *(f"- **{name}**: {rest.strip()}" for name, _, rest in (line.partition(":") for line in lines)),
            "",
        ]
    )
