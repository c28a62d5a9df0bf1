"""What the client adds to the calls it makes."""

from __future__ import annotations

import cProfile
import pstats
import statistics
from pathlib import Path
from time import perf_counter
from typing import Any

from bench.measure import child
from bench.stub import stub
from bench.table import Figure, Section, ms, ratio_of
from octopost_sandbox.process import SandboxProcess

MOST = 1.15
BODY = {"content": "Version 1.4.0 is out: https://example.org/releases/1.4.0", "platforms": ["twitter", "bluesky"]}
REASON = "what the client adds is the reading of replies into models and of the rate limit's headers (see below)."


def measure(quick: bool) -> Section:
    """Create and publish with the client and with requests, in turns, on kept connections."""
    rounds = 5 if quick else 400
    with SandboxProcess("--tier", "unlimited") as sandbox:
        real = child("client:pairs", base_url=sandbox.base_url, api_key=sandbox.api_key, rounds=rounds)
    with stub() as base_url:
        bare = child("client:pairs", base_url=base_url, api_key="oct_test_bench", rounds=rounds * 3)
        profile = child("client:profile", base_url=base_url, calls=20 if quick else 2000)
    ratio = ratio_of(real["ours"], real["theirs"])
    added = (statistics.median(bare["ours"]) - statistics.median(bare["theirs"])) / 2
    figures = [
        Figure("create and publish, kept connection, sandbox", ms(statistics.median(real["ours"])), "requests.Session",
               ms(statistics.median(real["theirs"])), f"{ratio:.2f}", "at most 1.15", ratio <= MOST,
               "" if ratio <= MOST else REASON),
        Figure("the same, a server that answers at once", ms(statistics.median(bare["ours"])), "requests.Session",
               ms(statistics.median(bare["theirs"])), f"{ratio_of(bare['ours'], bare['theirs']):.2f}"),
        Figure("what the client adds to a call", f"{added * 1e6:.0f} µs"),
    ]  # fmt: skip
    how = (
        "One process makes both calls with the client, then both with `requests.Session` (replies read as JSON), "
        "and so on; a pair's time is compared with its neighbour's. The second server is a few lines that parse "
        "nothing, so that only the clients' own work is left."
    )
    return Section("Client", figures, how, profile)


def pairs(base_url: str, api_key: str, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of a create and a publish, ours and bare, pair by pair."""
    import requests

    from octopost_core import OctopostClient, PostDraft

    client, draft = OctopostClient(api_key, base_url), PostDraft(**BODY)
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {api_key}"

    def ours() -> None:
        client.publish_post(client.create_post(draft).id)

    def theirs() -> None:
        made = session.post(f"{base_url}/posts", json=BODY, timeout=30)
        made.raise_for_status()
        done = session.post(f"{base_url}/posts/{made.json()['id']}/publish", timeout=300)
        done.raise_for_status()
        done.json()

    values: dict[str, list[float]] = {"ours": [], "theirs": []}
    for number in range(rounds + 5):
        order = [("ours", ours), ("theirs", theirs)]
        for name, function in order if number % 2 else reversed(order):
            started = perf_counter()
            function()
            if number >= 5:
                values[name].append(perf_counter() - started)
    return values


def profile(base_url: str, calls: int) -> list[str]:
    """Return which modules the client's own time goes to, by cProfile."""
    from octopost_core import OctopostClient, PostDraft

    client, draft = OctopostClient("oct_test_bench", base_url), PostDraft(**BODY)
    client.create_post(draft)
    with cProfile.Profile() as profiler:
        for _ in range(calls):
            client.create_post(draft)
    own: dict[str, float] = {}
    stats: Any = pstats.Stats(profiler)
    for (file, _, name), (_, _, seconds, *_) in stats.stats.items():
        path = Path(file)
        where = path.parent.name if path.parent.name in _PACKAGES else path.name if file != "~" else name
        own[where] = own.get(where, 0.0) + seconds
    top = sorted(own, key=lambda where: own[where], reverse=True)[:8]
    names = ", ".join(f"`{where}` {own[where] / stats.total_tt:.0%}" for where in top)
    return [f"cProfile of {calls} creates, own time by package: {names}"]


_PACKAGES = {"octopost_core", "requests", "urllib3", "pydantic", "http", "email", "json"}
