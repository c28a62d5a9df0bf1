"""Figures, and the page they are written to."""

from __future__ import annotations

import os
import platform
import statistics
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path


@dataclass
class Figure:
    """One line of the table.

    :param what: What was measured.
    :param ours: Our figure, with its unit.
    :param against: What it is compared with.
    :param theirs: The peer's or the limit's figure, with its unit.
    :param ratio: How the two compare.
    :param goal: The goal in words; empty for a line that only informs.
    :param met: Whether it is met; ``None`` without a goal.
    :param reason: Why not, where it is not met.
    """

    what: str
    ours: str
    against: str = ""
    theirs: str = ""
    ratio: str = ""
    goal: str = ""
    met: bool | None = None
    reason: str = ""

    def cells(self) -> list[str]:
        """Return the line's cells."""
        verdict = "" if self.met is None else "yes" if self.met else "**no**"
        return [self.what, self.ours, self.against, self.theirs, self.ratio, self.goal, verdict]


@dataclass
class Section:
    """One row of the issue: its figures, how they were taken, and where the time goes."""

    title: str
    figures: list[Figure]
    how: str
    profile: list[str] = field(default_factory=list)


HEAD = ["What", "Ours", "Against", "Theirs", "Ratio", "Goal", "Met"]


def markdown_table(head: list[str], rows: list[list[str]]) -> list[str]:
    """Return the lines of a Markdown table."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in [head, ["---"] * len(head), *rows]]
    return [f"| {' | '.join(row)} |" for row in cells]


def render(section: Section) -> str:
    """Return a section as Markdown."""
    lines = [f"## {section.title}", "", *markdown_table(HEAD, [figure.cells() for figure in section.figures]), ""]
    lines += [
        f"**Why {figure.what} misses its goal:** {figure.reason}\n" for figure in section.figures if figure.reason
    ]
    lines += [section.how, ""]
    if section.profile:
        lines += ["Where it goes:", "", *(f"- {line}" for line in section.profile), ""]
    return "\n".join(lines)


def page(sections: list[Section], versions: dict[str, str], took: float) -> str:
    """Return the whole of docs/performance.md."""
    goals = [figure for section in sections for figure in section.figures if figure.met is not None]
    met = sum(1 for figure in goals if figure.met)
    load = ", ".join(f"{number:.1f}" for number in os.getloadavg())
    lines = [
        "# Performance",
        "",
        "<!-- Written by `make bench`; change scripts/bench/ instead. -->",
        "",
        f"Taken on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC in one run of {took / 60:.0f} minutes by `make bench`, all "
        f"on the same machine: {machine()}. Load average at the end: {load}. {met} of {len(goals)} goals are met.",
        "",
        "Times are medians. What is compared is run in turns, in an order that changes every round, so that "
        "whatever else the machine does falls on all alike; a ratio is the median of the rounds' own ratios. Times "
        "of processes and imports are taken by [pyperf](https://pyperf.readthedocs.io/), one fresh process a value.",
        "",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()) + ".",
        "",
    ]
    return "\n".join([*lines, *map(render, sections)]).rstrip() + "\n"


def machine() -> str:
    """Describe this machine in a few words."""
    model = "processor of unknown make"
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    return f"{os.cpu_count()} cores ({model}), {platform.system()} {platform.machine()}"


# --- writing numbers -------------------------------------------------------------------------------------------------


def ms(seconds: float) -> str:
    """Write a time."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.{0 if seconds >= 0.1 else 1}f} ms"


def ratio_of(ours: list[float], theirs: list[float]) -> float:
    """Return the median of the rounds' ratios."""
    return statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))
