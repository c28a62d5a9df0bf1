"""How much of the account's limit parallel workers use, and how often they run into it."""

from __future__ import annotations

import json
import subprocess
import time
from itertools import pairwise
from pathlib import Path
from statistics import median

from bench.measure import PYTHON, BenchFailed, child_environ
from bench.table import Figure, Section
from octopost_sandbox.process import SandboxProcess

WORKERS = 4
LIMIT, WINDOW = 1000, 60  # documented: rate-limits page, tier Pro
REASON = (
    "a worker that meets the end of a window waits until the time that the server told, in whole seconds, and a "
    "little more."
)


def measure(quick: bool) -> Section:
    """Let four processes create posts at once under the real limiter."""
    each = 5 if quick else 2 * LIMIT // WORKERS
    with SandboxProcess("--tier", "unlimited" if quick else "pro") as sandbox:
        begin = time.time() + 3
        workers = [start(sandbox.base_url, sandbox.api_key, each, begin) for _ in range(WORKERS)]
        results = [finish(worker) for worker in workers]
        statuses = [call["status"] for call in sandbox.calls("create")]
    done = sorted(moment for result in results for moment in result["done"])
    surfaced = [error for result in results for error in result["errors"]]
    refused = statuses.count(429) / len(statuses)
    return Section("Limits", figures(done, begin, len(statuses), refused, surfaced), HOW, [])


HOW = (
    "Four processes with a client each and one key, started together; the sandbox counts as documented: 1,000 "
    "requests a minute at tier Pro, a window opening with its first call. The limit's own time is one window plus "
    "what the last 1,000 creates take when nothing holds them up (as long as the first 1,000 took)."
)


def figures(done: list[float], begin: float, calls: int, refused: float, surfaced: list[str]) -> list[Figure]:
    """Compare what was done with what the limit allows."""
    took = done[-1] - begin
    burst = done[: min(LIMIT, len(done))][-1] - begin
    least = burst + (WINDOW if len(done) > LIMIT else 0)
    used = least / took
    return [
        Figure(f"{len(done):,} creates by {WORKERS} workers", f"{took:.1f} s", "the limit's own time", f"{least:.1f} s",
               f"{used:.1%} of the limit", "at least 95 %", used >= 0.95, "" if used >= 0.95 else REASON),
        Figure("replies 429", f"{refused:.2%} of {calls:,}", goal="at most 1 %", met=refused <= 0.01,
               reason="" if refused <= 0.01 else REASON),
        Figure("errors that reached the caller", str(len(surfaced)), goal="none", met=not surfaced,
               reason="; ".join(sorted(set(surfaced))[:3])),
        Figure("median time between two creates", f"{1000 * median(b - a for a, b in pairwise(done)):.1f} ms"),
    ]  # fmt: skip


def start(base_url: str, api_key: str, count: int, begin: float) -> subprocess.Popen[str]:
    """Start a worker."""
    command = [PYTHON, "-m", "bench.limits", base_url, api_key, str(count), str(begin)]
    return subprocess.Popen(command, env=child_environ(), stdout=subprocess.PIPE, text=True)


def finish(worker: subprocess.Popen[str]) -> dict[str, list]:
    """Wait for a worker and read what it did."""
    said, _ = worker.communicate(timeout=600)
    if worker.returncode:
        raise BenchFailed(f"a worker of {Path(__file__).name} ended with {worker.returncode}")
    return json.loads(said)


def work(base_url: str, api_key: str, count: int, begin: float) -> dict[str, list]:
    """Create posts one after another; return when each was made, and the errors that surfaced."""
    from octopost_core import OctopostClient, OctopostError, PostDraft

    done: list[float] = []
    errors: list[str] = []
    with OctopostClient(api_key, base_url) as client:
        time.sleep(max(0.0, begin - time.time()))
        for number in range(count):
            try:
                client.create_post(PostDraft(content=f"Post {number} of {begin}", platforms=["twitter"]))
                done.append(time.time())
            except OctopostError as error:
                errors.append(f"{type(error).__name__}: {error}")
    return {"done": done, "errors": errors}


if __name__ == "__main__":
    import sys

    print(json.dumps(work(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))))
