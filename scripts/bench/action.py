"""How long the action takes from its start to its exit."""

from __future__ import annotations

import statistics
import subprocess
from functools import partial

from bench.announcing import ACTION, BARE, announcing
from bench.measure import ACTION_PYTHON, environ, interleave
from bench.table import Figure, Section, ms, ratio_of

MOST = 1.5
REASON = (
    "loading code is nearly all of it (see below). The script loads requests; the action also pydantic, which its "
    "models are made of and which costs more than all of the action's own modules, markdown-it to clean the notes "
    "and regex to count as the networks do. The calls beyond the script's two, which are what keeps a re-run from "
    "publishing twice, take a few milliseconds each."
)


def measure(quick: bool) -> Section:
    """Announce a release with the action and with a bare script, in turns."""
    with announcing("microseconds") as fine:
        values = interleave(
            {
                "ours": partial(fine.time, ACTION),
                "bare": partial(fine.time, BARE),
                "dry": partial(fine.time, ACTION, **{"dry-run": "true"}),
            },
            1 if quick else 25,
        )
        fine.time(ACTION)
        calls = fine.calls()
    with announcing("seconds") as coarse:
        waiting = interleave({"ours": partial(coarse.time, ACTION)}, 1 if quick else 9)["ours"]
    ratio, middle = ratio_of(values["ours"], values["bare"]), statistics.median(values["ours"])
    bare = ms(statistics.median(values["bare"]))
    figures = [
        Figure("a release announced, process start to exit", ms(middle), "a bare script with requests, the two calls",
               bare, f"{ratio:.2f}", "at most 1.5", ratio <= MOST, "" if ratio <= MOST else REASON),
        Figure("the same with times in whole seconds (documented)", ms(statistics.median(waiting)), "the same script",
               bare, f"{statistics.median(waiting) / statistics.median(values['bare']):.2f}"),
        Figure("a dry run of it (reads, writes, measures the text; no call)", ms(statistics.median(values["dry"])),
               "the same script", bare, f"{ratio_of(values['dry'], values['bare']):.2f}"),
    ]  # fmt: skip
    how = (
        "`pyperf command` in an environment that holds what the image holds, with the image's Python flags; a "
        f"sandbox on the loopback answers and is emptied before each run. The action makes {len(calls)} calls "
        f"({', '.join(calls)}), the script two. With times in whole seconds the election waits until the second of "
        "the draft's creation is over."
    )
    return Section("Action", figures, how, start_up())


def start_up() -> list[str]:
    """Return the packages whose import costs the action most, by ``python -X importtime``."""
    command = [ACTION_PYTHON, "-I", "-X", "importtime", "-c", "import github_action.run, octopost_core.publishing"]
    log = subprocess.run(command, env=environ(), capture_output=True, text=True, check=True).stderr
    own: dict[str, int] = {}
    for line in log.splitlines():
        parts = line.removeprefix("import time:").split("|")
        if len(parts) == 3 and parts[0].strip().isdigit():
            package = parts[2].strip().split(".")[0]
            own[package] = own.get(package, 0) + int(parts[0])
    top = sorted(own, key=lambda name: own[name], reverse=True)[:8]
    names = ", ".join(f"`{name}` {own[name] / 1000:.0f} ms" for name in top)
    return [f"`python -X importtime`: {sum(own.values()) / 1000:.0f} ms of imports in all, of which {names}"]
