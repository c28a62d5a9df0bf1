"""What thousands of waiting posts cost one triggerer and the account."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bench.measure import child, say
from bench.table import Figure, Section
from octopost_sandbox.process import Sandbox, SandboxProcess

# Documented: rate-limits page, tier Pro. So many posts can go out at most, scheduled ones counted in or not (unknown).
PUBLISHES_AN_HOUR = 300
NAIVE_INTERVAL = 10.0  # seconds
REASON_BLOCK = (
    "it is a full collection of Python's garbage collector, over everything that Airflow has loaded and thousands of "
    "whatever waits; it comes while the triggers start, and the naive ones meet it too. The line says what the longest "
    "block is apart from collections."
)
REASON_DELAY = (
    "posts that are due are read at one request a minute for each hundred of them, so that a thousand cost the account "
    "a handful; where all of them are due at once, each is seen about once a minute. It cannot be like that for long: "
    "an account may publish 300 posts an hour."
)


@dataclass(frozen=True)
class Scale:
    """Seconds: until the first post ends (seeding and starting come before), to watch, between two polls."""

    start: float
    seconds: float
    interval: float


# Id, creation and scheduled time of each post; and when each of some of them ends, in seconds since the epoch.
Seeded = tuple[list[tuple[str, str, str | None]], dict[str, float]]
Seed = Callable[[Sandbox, int, Scale], Seeded]


def measure(quick: bool) -> Section:
    """Wait for scheduled posts, and for posts that all publish at once; then the naive way."""
    scale = Scale(start=8.0, seconds=3.0, interval=1.0) if quick else Scale(start=25.0, seconds=60.0, interval=15.0)
    figures = []
    for count in (20, 40) if quick else (1_000, 10_000):
        naive_rate = count * 60 / NAIVE_INTERVAL
        for seed, words in (
            (seed_scheduled, "scheduled posts, going out 300 an hour"),
            (seed_publishing, "posts, all publishing at once"),
        ):
            say(f"waiting: {count:,} {words}")
            found = watch(seed, count, scale)
            figures += compare(f"{count:,} {words}", found, naive_rate, scale.interval)
    figures += naive(20 if quick else 1_000, scale)
    return Section("Waiting", figures, HOW, [])


HOW = (
    "One event loop holds a trigger per post, started 100 at a time, and counts for a minute what reaches the "
    "sandbox. An account of tier Pro may publish 300 posts an hour, so thousands of waiting posts are scheduled "
    "ones; that all of them publish at once is the worst case, of an Octopost that is stuck. Poll interval 15 s "
    "(the default), list pages of 100 posts (asked for, and granted by the sandbox; the most that the API grants is "
    "unknown). The naive trigger reads its own post every 10 s with an asynchronous client that all share: 1,000 of "
    "them are run; for 10,000 their requests are reckoned, for they exceed any tier. Block: how much later than asked "
    "a task that sleeps 10 ms woke up. Memory: growth of the process, Airflow's trigger object and asyncio's task "
    "included."
)


def compare(what: str, found: dict, naive_rate: float, interval: float) -> list[Figure]:
    """Judge one run of ours."""
    fewer = naive_rate / found["a_minute"] if found["a_minute"] else math.inf
    worst = max(found["delays"], default=math.nan)
    typical = statistics.median(found["delays"]) if found["delays"] else math.nan
    noticed = not found["missed"] and worst <= 2 * interval
    kept = found["bytes_each"] / 1000
    checks = [
        (f"{what}: requests a minute", f"{found['a_minute']:.0f}", "a naive trigger per post, every 10 s",
         f"{naive_rate:,.0f}", f"{fewer:,.0f}× fewer", "at least 50× fewer", fewer >= 50, ""),
        (f"longest block of the event loop ({found['block_uncollected'] * 1000:.0f} ms without garbage collections)",
         f"{found['block'] * 1000:.0f} ms", "the same loop, nobody waiting",
         f"{found['idle_block'] * 1000:.0f} ms", "", "under 50 ms", found["block"] < 0.05, REASON_BLOCK),
        ("memory per post", f"{kept:.1f} kB", "", "", "", "under 4 kB", kept < 4, ""),
        (f"delay until noticed, worst of {len(found['delays'])} (median {typical:.1f} s)",
         f"{worst:.1f} s" if not found["missed"] else f"{found['missed']} not noticed in time", "the poll interval",
         f"{interval:.0f} s", f"{worst / interval:.1f} intervals", "at most 2 intervals", noticed, REASON_DELAY),
    ]  # fmt: skip
    return [Figure(*check, reason="" if check[-1] else reason) for *check, reason in checks]


def naive(count: int, scale: Scale) -> list[Figure]:
    """Run the naive triggers on the same harness."""
    say(f"waiting: {count:,} naive triggers")
    with sandbox_for_waiting() as sandbox:
        posts, probes = seed_publishing(sandbox, count, scale)
        found = run(sandbox, "naive", posts, probes, scale.seconds, NAIVE_INTERVAL)
    return [
        Figure(f"{count:,} naive triggers, really run: requests a minute", f"{found['a_minute']:,.0f}"),
        Figure("their longest block of the event loop", f"{found['block'] * 1000:.0f} ms"),
        Figure("their memory per post", f"{found['bytes_each'] / 1000:.1f} kB"),
    ]


def sandbox_for_waiting() -> SandboxProcess:
    """Start a sandbox in which publishing takes as long as the dialect says."""
    dialects = ("--dialect", "publish=async", "--dialect", "publish_seconds=100000")
    return SandboxProcess("--tier", "unlimited", "--max-calls", "100000", *dialects)


def watch(seed: Seed, count: int, scale: Scale) -> dict:
    """Seed a fresh sandbox and wait for its posts with our triggers."""
    with sandbox_for_waiting() as sandbox:
        posts, probes = seed(sandbox, count, scale)
        return run(sandbox, "ours", posts, probes, scale.seconds, scale.interval)


def run(sandbox: Sandbox, kind: str, posts: list, probes: dict[str, float], seconds: float, interval: float) -> dict:
    """Wait in a fresh process; add the requests a minute to what it found."""
    before = len(sandbox.calls())
    found = child(
        "triggerer:wait",
        base_url=sandbox.base_url,
        api_key=sandbox.api_key,
        kind=kind,
        posts=posts,
        probes=probes,
        seconds=seconds,
        interval=interval,
    )
    found["a_minute"] = (len(sandbox.calls()) - before) * 60 / found["watched"]
    return found


def seed_scheduled(sandbox: Sandbox, count: int, scale: Scale) -> Seeded:
    """Make posts that go out one every twelve seconds from now on; each publishes within a second of its time."""
    sandbox.dialect(publish_seconds=0)
    start, every = datetime.now(UTC) + timedelta(seconds=scale.start), 3600 / PUBLISHES_AN_HOUR
    due = [start + timedelta(seconds=number * every) for number in range(count)]
    made = _seed(sandbox, [{"scheduled_for": moment.isoformat()} for moment in due])
    created = _created(sandbox)
    posts = [(post, created[post], moment.isoformat()) for post, moment in zip(made, due, strict=True)]
    until = start + timedelta(seconds=scale.seconds / 2)
    return posts, {post: moment.timestamp() for post, moment in zip(made, due, strict=True) if moment <= until}


def seed_publishing(sandbox: Sandbox, count: int, scale: Scale) -> Seeded:
    """Make posts that publish for a day, and among them, of every age, twenty that end within the time watched."""
    probes: dict[str, float] = {}
    made: list[str] = []
    groups = 10
    for _ in range(groups):
        sandbox.dialect(publish_seconds=100_000)
        made += _seed(sandbox, [{"publish": True}] * (count // groups - 2))
        for _probe in range(2):
            ends = scale.start + scale.seconds / 2 * len(probes) / (2 * groups)
            now = datetime.now(UTC).timestamp()
            sandbox.dialect(publish_seconds=ends)
            (post,) = _seed(sandbox, [{"publish": True}])
            probes[post] = now + ends
            made.append(post)
    created = _created(sandbox)
    return [(post, created[post], None) for post in made], probes


def _seed(sandbox: Sandbox, settings: list[dict]) -> list[str]:
    made: list[str] = []
    for begin in range(0, len(settings), 500):
        part = settings[begin : begin + 500]
        made += sandbox.seed(
            [{"content": f"Post {json.dumps(one)}", "platforms": ["twitter", "bluesky"], **one} for one in part]
        )
    return made


def _created(sandbox: Sandbox) -> dict[str, str]:
    return {post["id"]: post["created_at"] for post in sandbox.posts()}
