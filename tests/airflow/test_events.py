"""Asset events: every change once, over restarts, with several assets on one trigger."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_octopost.triggers.events import CURSOR_KEY, Cursor, OctopostPostEventTrigger
from octopost_core.models import Post
from octopost_sandbox.process import Sandbox


class AssetState(dict[str, Any]):
    """One asset's state."""

    async def aget(self, key: str, default: Any = None) -> Any:
        return self.get(key, default)

    async def aset(self, key: str, value: Any) -> None:
        assert len(value) < 65_535
        self[key] = value


def states(*names: str) -> Any:
    """Return what Airflow 3.3 gives a trigger that watches these assets; direct calls work for one asset only."""
    return SimpleNamespace(_by_name={name: AssetState() for name in names}, _by_uri={})


class Watching:
    """A running event trigger, and the events it has fired."""

    def __init__(self, state: Any = None, **options: Any) -> None:
        self.trigger = OctopostPostEventTrigger(poll_interval=0.1, **options)
        self.trigger.asset_state_store = state
        self.events: list[dict[str, Any]] = []

    async def __aenter__(self) -> Watching:
        async def run() -> None:
            async for event in self.trigger.run():
                self.events.append(event.payload)

        self._task = asyncio.create_task(run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def polled(self, sandbox: Sandbox, times: int = 3) -> None:
        """Wait for so many further polls."""
        before = len(sandbox.calls("list"))
        while len(sandbox.calls("list")) < before + times:  # noqa: ASYNC110 - another process counts
            await asyncio.sleep(0.05)


def publish(sandbox: Sandbox, content: str, **fields: Any) -> str:
    [post_id] = sandbox.seed([{"content": content, "platforms": ["bluesky"], "publish": True, **fields}])
    return post_id


async def test_every_change_once(sandbox: Sandbox) -> None:
    publish(sandbox, "Before anybody watched")
    [draft] = sandbox.seed([{"content": "Draft", "platforms": ["bluesky"]}])
    async with Watching() as watching:
        await watching.polled(sandbox)
        assert watching.events == []
        sandbox.control("POST", f"/posts/{draft}/publish")
        new = publish(sandbox, "New")
        sandbox.fail_network("bluesky", "Closed.")
        failed = publish(sandbox, "Fails")
        await watching.polled(sandbox, 5)

    found = {event["post_id"]: event for event in watching.events}
    assert len(watching.events) == len(found) == 3
    assert {post_id: event["status"] for post_id, event in found.items()} == {
        draft: "published",
        new: "published",
        failed: "failed",
    }
    assert found[new]["urls"]["bluesky"]
    assert found[failed]["failed"] == {"bluesky": "Closed."}


async def test_only_the_wanted_statuses(sandbox: Sandbox) -> None:
    async with Watching(statuses=["failed"]) as watching:
        await watching.polled(sandbox)
        publish(sandbox, "Works")
        await watching.polled(sandbox)

    assert watching.events == []


@pytest.mark.parametrize("assets", [("one",), ("one", "two", "three")], ids=["one asset", "several"])
async def test_a_restarted_triggerer_goes_on_where_it_was(sandbox: Sandbox, assets: tuple[str, ...]) -> None:
    state = states(*assets)
    async with Watching(state) as first:
        await first.polled(sandbox)
        told = publish(sandbox, "Told by the first")
        await first.polled(sandbox)
    missed = publish(sandbox, "While no triggerer ran")
    async with Watching(state) as second:
        await second.polled(sandbox)

    assert [event["post_id"] for event in first.events] == [told]
    assert [event["post_id"] for event in second.events] == [missed]


async def test_two_triggerers_at_once_tell_each_change_once(sandbox: Sandbox) -> None:
    """One stalls, another takes its trigger over and tells a change; then the first wakes up with an old memory."""
    state = states("one")
    stalled = Watching(state).trigger
    await stalled._poll()
    told = publish(sandbox, "Told by the other")
    async with Watching(state) as other:
        await other.polled(sandbox)
    ended, _ = await stalled._poll()

    assert [event["post_id"] for event in other.events] == [told]
    assert ended == []


async def test_a_spoilt_cursor_is_left_out(sandbox: Sandbox) -> None:
    state = states("one", "two")
    async with Watching(state) as first:
        await first.polled(sandbox)
        publish(sandbox, "Told by the first")
        await first.polled(sandbox)
    state._by_name["one"][CURSOR_KEY] = "edited by hand"
    missed = publish(sandbox, "While no triggerer ran")
    async with Watching(state) as second:
        await second.polled(sandbox)

    assert [event["post_id"] for event in second.events] == [missed]


async def test_an_asset_that_joins_later_hears_nothing_twice(sandbox: Sandbox) -> None:
    state = states("one")
    async with Watching(state) as first:
        await first.polled(sandbox)
        publish(sandbox, "Told by the first")
        await first.polled(sandbox)
    state._by_name["two"] = AssetState()
    async with Watching(state) as second:
        await second.polled(sandbox)

    assert second.events == []


async def test_failed_polls_lose_nothing(sandbox: Sandbox) -> None:
    async with Watching(states("one")) as watching:
        await watching.polled(sandbox)
        sandbox.fault("list", "unauthorized", count=2)
        post_id = publish(sandbox, "During the trouble")
        await watching.polled(sandbox, 6)

    assert [event["post_id"] for event in watching.events] == [post_id]


async def test_a_scheduled_post_is_told_when_it_goes_out(sandbox: Sandbox) -> None:
    when = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    [post_id] = sandbox.seed([{"content": "Later", "platforms": ["bluesky"], "scheduled_for": when}])
    for number in range(25):  # a page further down
        publish(sandbox, f"Between {number}")
    async with Watching(states("one")) as watching:
        await watching.polled(sandbox)
        sandbox.clock(jump=True)
        watching.trigger._cursor.open[post_id] = (datetime.now(UTC) - timedelta(minutes=1), None)
        await watching.polled(sandbox)

    assert [event["post_id"] for event in watching.events] == [post_id]


def post(post_id: str, created_at: datetime | None, status: str = "published") -> Post:
    return Post.model_validate({"id": post_id, "status": status, "created_at": created_at and created_at.isoformat()})


NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_a_post_that_the_list_shows_late_is_told() -> None:
    cursor = Cursor(NOW - timedelta(hours=1))
    younger, older = post("younger", NOW), post("older", NOW - timedelta(seconds=20))

    assert cursor.take([younger], NOW) == [younger]
    assert cursor.take([younger, older], NOW) == [older]
    assert cursor.take([younger, older], NOW + timedelta(hours=1)) == []


def test_one_post_dated_into_the_future_hides_no_other() -> None:
    cursor = Cursor(NOW - timedelta(hours=1))
    odd, usual = post("odd", NOW + timedelta(days=365)), post("usual", NOW + timedelta(minutes=5))

    assert cursor.take([odd], NOW) == [odd]
    assert cursor.take([odd, usual], NOW + timedelta(minutes=5)) == [usual]
    assert cursor.take([odd, usual], NOW + timedelta(minutes=6)) == []


def test_a_post_without_any_date_is_never_told_twice() -> None:
    cursor = Cursor(NOW)

    assert [cursor.take([post("undated", None)], NOW + timedelta(minutes=n)) for n in range(3)] == [[], [], []]


def test_thousands_of_posts_in_one_second_are_told_once_and_remembered_in_bounds() -> None:
    cursor = Cursor(NOW - timedelta(hours=1))
    many = [post(f"post_{'0' * 30}{n}", NOW) for n in range(2000)]
    many += [post(f"open_{'0' * 30}{n}", NOW, "scheduled") for n in range(1000)]

    assert len(cursor.take(many, NOW)) == 2000
    assert Cursor.from_json(cursor.to_json()).take(many[:2000], NOW) == []
    assert len(cursor.to_json()) < 65_535


def test_the_cursor_survives_its_own_text() -> None:
    now = datetime.now(UTC)
    cursor = Cursor(now, {"post_1": now}, {"post_2": (now, None), "post_3": (now, now + timedelta(days=1))})

    assert Cursor.from_json(cursor.to_json()) == cursor
    assert set(cursor.due(now)) == {"post_2"}


def test_serialization_is_deterministic(connect: Callable[..., None]) -> None:
    one = OctopostPostEventTrigger(statuses=["published", "failed"]).serialize()
    other = OctopostPostEventTrigger(statuses=("failed", "published")).serialize()

    assert one == other
    assert OctopostPostEventTrigger(**one[1]).serialize() == one
    assert CURSOR_KEY
