"""An event loop with a trigger per post, as a triggerer has it. Runs in a process of its own."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from bench.measure import resident

#: Triggers started at once, with a turn of the loop between; Airflow's triggerer hands them out in batches, too.
BATCH = 100
BEAT = 0.01  # seconds

Waiting = tuple[str, str, str | None]  # a post's id, its creation, when it is scheduled
Make = Callable[[Waiting], AsyncIterator[Any]]
Close = Callable[[], Awaitable[None]]


def wait(
    base_url: str,
    api_key: str,
    kind: str,
    posts: list[Waiting],
    probes: dict[str, float],
    seconds: float,
    interval: float,
) -> dict[str, Any]:
    """
    Wait for posts, and say what it cost.

    :param kind: ``ours`` or ``naive``.
    :param posts: Id, creation and scheduled time of each.
    :param probes: When each of some posts ends, in seconds since the epoch.
    :param seconds: How long to watch after the last trigger has started.
    """
    os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="octopost-bench-")
    os.environ["AIRFLOW_CONN_BENCH"] = json.dumps({"conn_type": "octopost", "host": base_url, "password": api_key})
    return asyncio.run(_wait(base_url, api_key, kind, posts, probes, seconds, interval))


async def _wait(
    base_url: str,
    api_key: str,
    kind: str,
    posts: list[Waiting],
    probes: dict[str, float],
    seconds: float,
    interval: float,
) -> dict[str, Any]:
    noticed: dict[str, float] = {}
    make, close = _ours(interval) if kind == "ours" else await _naive(base_url, api_key, interval)

    async def follow(post: Waiting) -> None:
        async for _ in make(post):
            noticed[post[0]] = time.time()

    # What is loaded with the first wait is no post's.
    first = asyncio.create_task(follow(posts[0]))
    await asyncio.sleep(2)
    beats: list[tuple[float, float]] = []
    heart = asyncio.create_task(_beat(beats, Collections()))
    await asyncio.sleep(min(5.0, seconds))
    idle = max(late for late, _ in beats)
    gc.collect()
    await asyncio.sleep(10 * BEAT)  # so that the collection above is not taken for a block
    beats.clear()
    before, started = resident(), time.monotonic()
    tasks = [first]
    for begin in range(1, len(posts), BATCH):
        tasks += [asyncio.create_task(follow(post)) for post in posts[begin : begin + BATCH]]
        await asyncio.sleep(0.05)
    grown = resident() - before
    await asyncio.sleep(max(0.0, max(probes.values(), default=0) + 4 * interval - time.time()))
    await asyncio.sleep(max(0.0, seconds - (time.monotonic() - started)))
    watched = time.monotonic() - started
    heart.cancel()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await close()
    return {
        "watched": watched,
        "block": max(late for late, _ in beats),
        "block_uncollected": max(late - collecting for late, collecting in beats),
        "idle_block": idle,
        "bytes_each": grown / (len(posts) - 1),
        "delays": [noticed[post] - ended for post, ended in probes.items() if post in noticed],
        "missed": sum(1 for post in probes if post not in noticed),
    }


class Collections:
    """The time that Python's garbage collections take."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._began: float | None = None
        gc.callbacks.append(self._note)

    @property
    def seconds(self) -> float:
        """All of it until now. One in a thread has blocked the loop before that thread comes to say that it is over."""
        return self._seconds + (time.perf_counter() - self._began if self._began is not None else 0.0)

    def _note(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.perf_counter()
        elif self._began is not None:
            self._seconds, self._began = self.seconds, None


async def _beat(beats: list[tuple[float, float]], collections: Collections) -> None:
    """Note by how much each short sleep was too long, and the seconds of garbage collection in it."""
    while True:
        asked, collected = time.perf_counter(), collections.seconds
        await asyncio.sleep(BEAT)
        beats.append((time.perf_counter() - asked - BEAT, collections.seconds - collected))


def _ours(interval: float) -> tuple[Make, Close]:
    from airflow_provider_octopost.triggers.octopost import OctopostPostTrigger

    def make(post: Waiting) -> Any:
        post_id, created_at, due = post
        return OctopostPostTrigger(
            octopost_conn_id="bench",
            post_ids=[post_id],
            deadline=time.time() + 3600,
            poll_interval=interval,
            created_at=created_at,
            due=due,
        ).run()

    async def close() -> None:
        """Leave it to the poller, which ends itself."""

    return make, close


async def _naive(base_url: str, api_key: str, interval: float) -> tuple[Make, Close]:
    """The trigger one writes first: each reads its own post until it has ended. All share one client."""
    import aiohttp
    from airflow.triggers.base import BaseTrigger, TriggerEvent

    session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {api_key}"})

    class Naive(BaseTrigger):
        def __init__(self, post_id: str) -> None:
            super().__init__()
            self.post_id = post_id

        def serialize(self) -> tuple[str, dict[str, Any]]:
            return ("bench.triggerer.Naive", {"post_id": self.post_id})

        async def run(self) -> Any:
            await asyncio.sleep(random.random() * interval)
            while True:
                async with session.get(f"{base_url}/posts/{self.post_id}") as reply:
                    if (await reply.json())["status"] in ("published", "failed"):
                        yield TriggerEvent({"status": "settled"})
                        return
                await asyncio.sleep(interval)

    return lambda post: Naive(post[0]).run(), session.close
