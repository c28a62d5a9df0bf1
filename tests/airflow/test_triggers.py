"""Waiting in the triggerer: one poller for all posts, which only reads, and says what became of each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_octopost.triggers import poller as poller_module
from airflow_provider_octopost.triggers.octopost import OctopostPostTrigger, validate_event
from octopost_sandbox.process import Sandbox


def seed(sandbox: Sandbox, count: int, **fields: Any) -> list[str]:
    made: list[str] = []
    for start in range(0, count, 200):
        posts = [
            {"content": f"Post {number}", "platforms": ["bluesky"], **fields}
            for number in range(start, min(count, start + 200))
        ]
        made += sandbox.seed(posts)
    return made


def trigger(*post_ids: str, seconds: float = 60, **options: Any) -> OctopostPostTrigger:
    options.setdefault("poll_interval", 0.2)
    return OctopostPostTrigger(
        octopost_conn_id="octopost_default", post_ids=list(post_ids), deadline=time.time() + seconds, **options
    )


async def fire(waiting: OctopostPostTrigger) -> dict[str, Any]:
    events = [event async for event in waiting.run()]
    assert len(events) == 1
    return validate_event(events[0].payload)


async def test_a_published_post_settles(sandbox: Sandbox) -> None:
    [post_id] = seed(sandbox, 1, publish=True)
    event = await fire(trigger(post_id))

    assert event["status"] == "settled"
    assert event["posts"][0]["id"] == post_id
    assert event["posts"][0]["platform_results"]["bluesky"]["success"] is True


async def test_several_posts_of_one_announcement_make_one_event(sandbox: Sandbox) -> None:
    ids = seed(sandbox, 3, publish=True)
    event = await fire(trigger(*ids))

    assert [post["id"] for post in event["posts"]] == ids


async def test_only_reads(sandbox: Sandbox) -> None:
    ids = seed(sandbox, 3, publish=True)
    await fire(trigger(*ids))

    assert {call["operation"] for call in sandbox.calls()} <= {"get", "list"}


def test_survives_serialization(sandbox: Sandbox) -> None:
    first = trigger("post_1", "post_2", due="2026-11-23T12:00:00+00:00", created_at="2026-11-23T11:00:00+00:00")
    path, kwargs = first.serialize()

    assert path == f"{OctopostPostTrigger.__module__}.{OctopostPostTrigger.__qualname__}"
    assert OctopostPostTrigger(**kwargs).serialize() == first.serialize()
    assert sandbox.api_key not in str(kwargs)


async def test_a_deleted_post_is_missing(sandbox: Sandbox) -> None:
    event = await fire(trigger("post_never_made"))

    assert event["status"] == "missing"
    assert "post_never_made" in event["message"]


async def test_an_expired_deadline_still_allows_one_last_look(sandbox: Sandbox) -> None:
    [post_id] = seed(sandbox, 1, publish=True)

    assert (await fire(trigger(post_id, seconds=-60)))["status"] == "settled"


async def test_a_deadline_in_the_future_ends_the_wait(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_octopost.triggers.octopost.LAST_LOOK", 0.0)
    [draft] = seed(sandbox, 1)

    event = await fire(trigger(draft, seconds=1))
    assert event["status"] == "timeout"


async def test_failed_polls_are_tolerated(sandbox: Sandbox) -> None:
    [post_id] = seed(sandbox, 1, publish=True)
    sandbox.fault("get", "reset_before", count=3)

    assert (await fire(trigger(post_id)))["status"] == "settled"


async def test_too_many_failed_polls_in_a_row_end_the_wait(
    sandbox: Sandbox, connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octopost_core.retry.BACKOFF_BASE", 0.01)
    [post_id] = seed(sandbox, 1, publish=True)
    sandbox.fault("get", "error_before", status=503, count=1000)
    event = await fire(trigger(post_id))

    assert event["status"] == "error"
    assert "503" in event["message"]
    assert sandbox.api_key not in event["message"]


async def test_a_refused_key_is_told_and_a_new_one_is_taken_up(sandbox: Sandbox, connect: Callable[..., None]) -> None:
    [post_id] = seed(sandbox, 1, publish=True)
    sandbox.fault("get", "unauthorized", count=2)

    assert (await fire(trigger(post_id)))["status"] == "settled"


async def test_nothing_is_asked_before_the_scheduled_time(sandbox: Sandbox) -> None:
    [post_id] = seed(sandbox, 1, publish=True)
    due = datetime.now(UTC) + timedelta(seconds=2)
    waiting = asyncio.create_task(fire(trigger(post_id, due=due.isoformat())))
    await asyncio.sleep(1)
    assert sandbox.calls() == []
    await waiting

    assert datetime.fromisoformat(sandbox.calls()[0]["at"]) >= due


async def test_a_scheduled_post_is_left_alone_until_it_is_due(sandbox: Sandbox) -> None:
    """Its time may have been moved since the task was deferred: the first look tells."""
    when = datetime.now(UTC) + timedelta(hours=1)
    [post_id] = seed(sandbox, 1, scheduled_for=when.strftime("%Y-%m-%dT%H:%M:%SZ"))
    waiting = asyncio.create_task(fire(trigger(post_id)))
    await asyncio.sleep(2)
    waiting.cancel()

    assert len(sandbox.calls()) == 1


async def test_the_poller_ends_when_nobody_waits(sandbox: Sandbox) -> None:
    [draft] = seed(sandbox, 1)
    waiting = asyncio.create_task(fire(trigger(draft)))
    await asyncio.sleep(0.5)
    [running] = poller_module._pollers[asyncio.get_running_loop()].values()
    waiting.cancel()
    await asyncio.wait([waiting, running._task], timeout=10)

    assert running._task.done()
    assert poller_module._pollers[asyncio.get_running_loop()] == {}


async def test_a_rate_limit_is_waited_out(sandbox: Sandbox) -> None:
    [post_id] = seed(sandbox, 1, publish=True)
    sandbox.fault("get", "rate_limited")  # asks for half a minute
    waiting = asyncio.create_task(fire(trigger(post_id)))
    await asyncio.sleep(2)
    waiting.cancel()

    assert [call["status"] for call in sandbox.calls()] == [429]


# --- killing ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def task_is(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Return a function that says what Airflow answers when asked for the task's state."""

    def say(state: Any) -> None:
        async def state_of(ti: Any) -> str | None:
            if isinstance(state, Exception):
                raise state
            return state

        monkeypatch.setattr("airflow_provider_octopost.utils.cancel.state_of", state_of)

    return say


def seed_scheduled(sandbox: Sandbox) -> str:
    when = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    [post_id] = seed(sandbox, 1, scheduled_for=when)
    return post_id


@pytest.mark.parametrize(
    ("state", "left"),
    [
        ("failed", "draft"),
        ("success", "draft"),
        (None, "scheduled"),  # cleared
        ("running", "scheduled"),  # cleared, and begun anew
        ("deferred", "scheduled"),  # another triggerer has it
        (RuntimeError("No answer."), "scheduled"),
    ],
)
async def test_a_schedule_is_taken_back_only_where_the_task_has_ended(
    sandbox: Sandbox, task_is: Callable[[Any], None], state: Any, left: str, caplog: pytest.LogCaptureFixture
) -> None:
    task_is(state)
    post_id = seed_scheduled(sandbox)
    await trigger(post_id, cancel_on_kill=True).on_kill()

    assert sandbox.post(post_id)["status"] == left
    if isinstance(state, Exception):
        assert f"Post {post_id} may still be scheduled" in caplog.text


async def test_a_sensor_that_is_killed_touches_nothing(sandbox: Sandbox, task_is: Callable[[Any], None]) -> None:
    task_is("failed")
    post_id = seed_scheduled(sandbox)
    await trigger(post_id).on_kill()

    assert sandbox.post(post_id)["status"] == "scheduled"
    assert sandbox.calls() == []


async def test_taking_back_survives_being_cancelled_again(sandbox: Sandbox, task_is: Callable[[Any], None]) -> None:
    """Airflow cancels a killed trigger with every heartbeat until it is gone."""
    task_is("failed")
    post_id = seed_scheduled(sandbox)
    sandbox.fault("get", "slow", seconds=2)
    killing = asyncio.create_task(trigger(post_id, cancel_on_kill=True).on_kill())
    for _ in range(5):
        await asyncio.sleep(0.3)
        killing.cancel()
    await asyncio.wait([killing])

    assert sandbox.post(post_id)["status"] == "draft"


async def test_an_unknown_event_is_refused() -> None:
    for event in (None, "settled", {}, {"status": "success"}):
        with pytest.raises(RuntimeError, match="not one of"):
            validate_event(event)


def test_two_event_loops_in_one_process_do_not_mix(sandbox: Sandbox) -> None:
    [post_id] = seed(sandbox, 1, publish=True)
    for _ in range(2):
        assert asyncio.run(fire(trigger(post_id)))["status"] == "settled"


async def test_posts_that_come_during_a_poll_quicken_it(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A poll for few posts reads a long list slowly; many more must not wait for its end at that pace."""
    monkeypatch.setattr(poller_module, "POSTS_PER_REQUEST", 1)
    ids = seed(sandbox, 1000)
    oldest = [asyncio.create_task(fire(trigger(post_id, poll_interval=15.0))) for post_id in ids[:11]]
    await asyncio.sleep(2)  # six of ten pages are read at once, and then eleven a minute
    others = [asyncio.create_task(fire(trigger(post_id, poll_interval=15.0))) for post_id in ids[11:]]
    await asyncio.sleep(8)
    for wait in oldest + others:
        wait.cancel()
    assert len(sandbox.calls()) >= 10, "the poll went on at its old pace"


@pytest.mark.slow
async def test_a_thousand_waiting_posts_cost_a_handful_of_requests_a_minute(
    sandbox: Sandbox, record_property: Callable[[str, object], None]
) -> None:
    """A thousand drafts, any of which may be published at any moment, are waited for."""
    ids = seed(sandbox, 1000)
    waits = []
    for post_id in ids:
        waits.append(asyncio.create_task(fire(trigger(post_id, seconds=900, poll_interval=15.0))))
        await asyncio.sleep(0)  # a triggerer starts them one by one too
    blocked = asyncio.create_task(longest_block())
    await asyncio.sleep(60)
    calls = len(sandbox.calls())
    blocked.cancel()
    longest = await blocked
    for wait in waits:
        wait.cancel()
    print(
        f"\n1,000 waiting posts: {calls} requests in a minute; the event loop was held {longest * 1000:.0f} ms at most."
    )
    record_property("requests_in_a_minute", calls)
    record_property("longest_block_ms", round(longest * 1000))

    burst = poller_module.REQUESTS_PER_MINUTE
    assert calls <= 1000 / poller_module.POSTS_PER_REQUEST + burst


async def longest_block() -> float:
    """Return the longest time the loop was held, in seconds, until cancelled."""
    longest, before = 0.0, time.monotonic()
    try:
        while True:
            await asyncio.sleep(0.005)
            now = time.monotonic()
            longest, before = max(longest, now - before - 0.005), now
    except asyncio.CancelledError:
        return longest
