"""The operators while they wait: here, in the triggerer, for a limit; and when they are killed at that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowTaskTimeout, TaskDeferred

from airflow_provider_octopost.sensors.octopost import OctopostPostSensor
from octopost_core.errors import RateLimited
from octopost_sandbox.process import Sandbox
from tests.airflow.stand_ins import announce, context, in_an_hour

pytestmark = pytest.mark.usefixtures("airflow_home")  # Airflow 2 looks into its database


# --- waiting ---------------------------------------------------------------------------------------------------------


def test_deferring_hands_the_trigger_ids_and_no_secret(sandbox: Sandbox) -> None:
    sandbox.dialect(publish="async", publish_seconds=30)
    found = context()
    with pytest.raises(TaskDeferred) as deferred:
        announce(deferrable=True).execute(found)
    path, kwargs = deferred.value.trigger.serialize()

    assert kwargs["post_ids"] == [found["ti"].xcom["post_id"]]
    assert sandbox.api_key not in str(kwargs) + str(deferred.value.kwargs)
    assert deferred.value.timeout > timedelta(seconds=60)
    assert path.endswith("OctopostPostTrigger")


def test_a_fresh_instance_completes(sandbox: Sandbox) -> None:
    sandbox.dialect(publish="async", publish_seconds=1)
    with pytest.raises(TaskDeferred) as deferred:
        announce(deferrable=True).execute(context())
    [post_id] = deferred.value.trigger.post_ids
    post = sandbox.wait("published", post_id)
    resumed = context()
    event = {"status": "settled", "posts": [{"id": post_id, **post}]}
    result = announce(deferrable=True).execute_complete(resumed, event, **deferred.value.kwargs)

    assert set(result["urls"]) == {"bluesky", "mastodon"}
    assert result["operation"] == "created"
    assert resumed["ti"].xcom["octopost_url_bluesky"] == result["urls"]["bluesky"]


@pytest.mark.parametrize(
    ("event", "error", "words"),
    [
        ({"status": "timeout", "message": "Post p was not settled in time."}, AirflowFailException, "Clearing"),
        ({"status": "missing", "message": "Post p no longer exists."}, AirflowFailException, "no longer exists"),
        ({"status": "error", "message": "Post p could not be read."}, RuntimeError, "could not be read"),
        ({"status": "success"}, RuntimeError, "not one of"),
        (None, RuntimeError, "not one of"),
    ],
)
def test_every_other_event_fails(event: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        announce().execute_complete(context(), event, networks=["bluesky"], operation="created")


def test_a_scheduled_post_is_not_waited_for_unless_told(sandbox: Sandbox) -> None:
    when = in_an_hour()
    result = announce(scheduled_for=when).execute(context())

    assert (result["operation"], result["status"]) == ("scheduled", "scheduled")
    with pytest.raises(TaskDeferred) as deferred:
        announce(scheduled_for=when, content="Wait for me", wait_for_completion=True, deferrable=True).execute(
            context()
        )
    assert deferred.value.trigger.due == when.isoformat()
    assert deferred.value.trigger.deadline == pytest.approx(when.timestamp() + 60, abs=1)


def test_the_execution_timeout_goes_on_while_a_task_is_deferred(sandbox: Sandbox, task_log: Callable[[], str]) -> None:
    """Airflow 3 forgets it there. When it is over, what a kill does is done, and the next try goes on."""
    operator = announce(
        scheduled_for=in_an_hour(), wait_for_completion=True, deferrable=True, execution_timeout=timedelta(minutes=5)
    )
    now = context()
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(now)
    assert deferred.value.trigger.deadline == pytest.approx(now["ti"].start_date.timestamp() + 300, abs=1)

    event = {"status": "timeout", "message": "Post was not settled in time."}
    with pytest.raises(AirflowTaskTimeout, match="execution_timeout"):
        announce().execute_complete(context(), event, **deferred.value.kwargs)
    [post] = sandbox.posts()
    assert post["status"] == "draft"
    with pytest.raises(TaskDeferred):
        operator.execute(context(try_number=2))
    [post] = sandbox.posts()
    assert post["status"] == "scheduled"


def test_no_limit_is_waited_for_beyond_the_execution_timeout(sandbox: Sandbox, connect: Callable[..., None]) -> None:
    connect(sandbox, max_wait=1)
    sandbox.fault("publish", "rate_limited")
    with pytest.raises(RateLimited):
        announce(deferrable=True, execution_timeout=timedelta(seconds=10)).execute(context())


def test_the_sensor_keeps_its_execution_timeout_while_deferred(sandbox: Sandbox) -> None:
    [post_id] = sandbox.seed([{"content": "Draft", "platforms": ["bluesky"]}])
    settings = {"task_id": "wait", "post_id": post_id, "deferrable": True, "timeout": 600}
    sensor = OctopostPostSensor(**settings, execution_timeout=timedelta(minutes=5))
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute(context())
    assert deferred.value.trigger.deadline < datetime.now(UTC).timestamp() + 301

    event = {"status": "timeout", "message": "Post was not settled in time."}
    with pytest.raises(AirflowTaskTimeout, match="execution_timeout"):
        sensor.execute_complete(context(), event, **deferred.value.kwargs)


def test_a_rate_limit_frees_the_worker_of_a_deferrable_task(sandbox: Sandbox, connect: Callable[..., None]) -> None:
    connect(sandbox, max_wait=1)
    sandbox.fault("publish", "rate_limited")
    first = context()
    with pytest.raises(TaskDeferred) as deferred:
        announce(deferrable=True).execute(first)
    assert deferred.value.method_name == "execute_after_limit"
    assert deferred.value.trigger.moment > datetime.now(UTC) + timedelta(seconds=5)

    result = announce(deferrable=True).execute_after_limit(context(), None, **deferred.value.kwargs)
    assert result["id"] == first["ti"].xcom["post_id"], "the draft of the first part is used"
    assert len(sandbox.posts()) == 1
    assert len(sandbox.live()) == 2


# --- killing ---------------------------------------------------------------------------------------------------------


def test_killing_unschedules_what_is_not_live(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    operator = announce(scheduled_for=in_an_hour())
    result = operator.execute(context())
    operator.on_kill()

    assert sandbox.post(result["id"])["status"] == "draft"
    assert "was scheduled and is draft now" in caplog.text


def test_killing_says_what_is_live_already(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    operator = announce()
    operator.execute(context())
    operator.on_kill()

    assert "already live on bluesky, mastodon" in caplog.text
    assert len(sandbox.live()) == 2


def test_a_killed_task_sends_nothing_more(sandbox: Sandbox) -> None:
    """The signal comes while the draft is made; in Airflow 3 the process then goes on until it is killed hard."""
    operator, found = announce(), context()
    operator.hook.get_conn()
    pushed = found["ti"].xcom_push

    def killed_by_now(key: str, value: Any) -> None:
        pushed(key=key, value=value)
        operator.on_kill()

    found["ti"].xcom_push = killed_by_now
    with pytest.raises(AirflowFailException, match="killed"):
        operator.execute(found)
    assert sandbox.live() == []
    assert [post["status"] for post in sandbox.posts()] == ["draft"]
