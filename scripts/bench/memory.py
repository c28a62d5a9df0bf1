"""Whether a client that lives long keeps its size."""

from __future__ import annotations

import gc

from bench.measure import child, resident
from bench.stub import stub
from bench.table import Figure, Section

#: Growth from the first tenth to the end that still counts as flat, in bytes.
FLAT = 1_000_000
REASON = "the memory after each tenth of the calls, below, tells whether it still grows."


def measure(quick: bool) -> Section:
    """Make 100,000 calls with one client."""
    calls = 200 if quick else 100_000
    with stub() as base_url:
        sizes = child("memory:sizes", base_url=base_url, calls=calls)
    grown = sizes[-1] - sizes[0]
    figures = [
        Figure(f"a client after {calls:,} calls", f"{sizes[-1] / 1e6:.1f} MB", f"itself after {calls // 10:,}",
               f"{sizes[0] / 1e6:.1f} MB", f"{grown / 1e3:+.0f} kB", "flat (within 1 MB)", abs(grown) <= FLAT,
               "" if abs(grown) <= FLAT else REASON),
    ]  # fmt: skip
    steps = ", ".join(f"{size / 1e6:.2f}" for size in sizes)
    how = (
        "One client creates, publishes, gets and lists, in turns, against a server that answers at once; the process's "
        f"resident memory after each tenth, in MB: {steps}."
    )
    return Section("Memory of a long-lived client", figures, how)


def sizes(base_url: str, calls: int) -> list[int]:
    """Return this process's resident memory after each tenth of the calls."""
    from octopost_core import OctopostClient, PostDraft

    draft, found = PostDraft(content="Version 1.4.0 is out", platforms=["twitter", "bluesky"]), []
    with OctopostClient("oct_test_bench", base_url) as client:
        turns = (
            lambda: client.create_post(draft),
            lambda: client.publish_post("post_1"),
            lambda: client.get_post("post_1"),
            lambda: list(client.list_posts()),
        )
        for number in range(1, calls + 1):
            turns[number % len(turns)]()
            if number % (calls // 10) == 0:
                gc.collect()
                found.append(resident())
    return found
