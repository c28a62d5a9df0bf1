"""Take times: interleaved rounds, and single processes timed by pyperf."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SUBJECTS = Path(__file__).resolve().parent / "subjects"
CACHE = ROOT / ".cache/bench"
# The newest Airflow with the peers' providers; the action as its image has it; the tools.
PYTHON = ROOT / ".venvs/bench/bin/python"
ACTION_PYTHON = ROOT / ".venvs/bench-action/bin/python"


class BenchFailed(RuntimeError):
    """A measured program did not do what it should; the message holds its words."""


def say(text: str) -> None:
    """Print one line of progress."""
    print(f"[bench] {text}", file=sys.stderr, flush=True)


def environ(**more: str) -> dict[str, str]:
    """Return the environment of measured processes: with bytecode, as installed packages have it."""
    left_out = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "VIRTUAL_ENV", "PYTHONUNBUFFERED")
    return {**{name: value for name, value in os.environ.items() if name not in left_out}, **more}


def run(command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, timeout: float = 1800) -> str:
    """Run a program to its end and return what it printed."""
    done = subprocess.run(
        command, env=env or environ(), cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False
    )
    if done.returncode:
        said = (done.stdout + done.stderr)[-3000:]
        raise BenchFailed(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{said}")
    return done.stdout


def _pyperf(arguments: Sequence[str | Path], env: Mapping[str, str] | None) -> float:
    """Let pyperf take one value in one fresh process; return it in seconds."""
    with tempfile.TemporaryDirectory(prefix="octopost-bench-") as folder:
        result = Path(folder, "result.json")
        once = [
            "--processes=1",
            "--values=1",
            "--loops=1",
            "--warmups=0",
            "--copy-env",
            "--quiet",
            f"--output={result}",
        ]
        run([PYTHON, "-m", "pyperf", arguments[0], *once, *arguments[1:]], env=env)
        return float(json.loads(result.read_text())["benchmarks"][0]["runs"][0]["values"][0])


def time_statement(setup: str, statement: str) -> float:
    """Return the seconds a statement takes in a fresh interpreter after its setup (``pyperf timeit``)."""
    return _pyperf(["timeit", "--setup", setup, statement], None)


def time_command(command: Sequence[str | Path], env: Mapping[str, str] | None = None) -> float:
    """Return the seconds from a program's start to its exit (``pyperf command``)."""
    return _pyperf(["command", "--", *command], env)


def interleave(subjects: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Take a value of each subject in every round, in an order that changes; one round before is thrown away."""
    values: dict[str, list[float]] = {name: [] for name in subjects}
    for number in range(rounds + 1):
        order = list(subjects)
        random.shuffle(order)
        for name in order:
            value = subjects[name]()
            if number:
                values[name].append(value)
    return values


def child(function: str, **arguments: object) -> Any:
    """Call ``module:name`` of this package in a fresh process of the measured environment; return its JSON result."""
    module, name = function.split(":")
    code = (
        f"import json, sys, pathlib; from bench.{module} import {name}; file = pathlib.Path(sys.argv[1]); "
        f"file.write_text(json.dumps({name}(**json.loads(file.read_text()))))"
    )
    with tempfile.TemporaryDirectory(prefix="octopost-bench-") as folder:
        # By file: ten thousand posts are too long for a command line, and Airflow logs to standard output.
        path = Path(folder, "exchange.json")
        path.write_text(json.dumps(arguments))
        run([PYTHON, "-c", code, path], env=child_environ())
        return json.loads(path.read_text())


def child_environ() -> dict[str, str]:
    """Return the environment in which this package and the tests' harness can be imported."""
    return environ(PYTHONPATH=os.pathsep.join([str(ROOT / "scripts"), str(ROOT), str(ROOT / "shared")]))


def resident() -> int:
    """Return the resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
