"""The operators, corner by corner, against a real sandbox; test_dag_runs.py runs them in a real Airflow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

from airflow_provider_octopost.operators.octopost import (
    OctopostCreatePostOperator,
    OctopostDeletePostOperator,
    OctopostPublishOperator,
    OctopostUpdatePostOperator,
)
from airflow_provider_octopost.sensors.octopost import OctopostPostSensor
from octopost_core.errors import OctopostError, RateLimited
from octopost_sandbox.process import Sandbox
from tests.airflow.stand_ins import Store, announce, context, in_an_hour

pytestmark = pytest.mark.usefixtures("airflow_home")  # Airflow 2 looks into its database


# --- never twice -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("store", [Store(), None], ids=["3.3", "before 3.3"])
def test_a_cleared_task_returns_the_post_it_has_made(
    sandbox: Sandbox, task_log: Callable[[], str], store: Store | None
) -> None:
    first = announce().execute(context(store=store))
    again = announce().execute(context(store=store, try_number=2))

    assert again["id"] == first["id"]
    assert again["operation"] == "unchanged"
    assert len(sandbox.live()) == 2
    assert "Nothing was sent" in (told := task_log())
    assert "republish_after" in told


@pytest.mark.parametrize("store", [Store(), None], ids=["3.3", "before 3.3"])
def test_republish_after_posts_again_once(sandbox: Sandbox, store: Store | None) -> None:
    first = announce().execute(context(store=store))
    sandbox.clock(advance=5)  # whole seconds: the two posts must not share one
    moment = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    second = announce(republish_after=moment).execute(context(store=store, try_number=2))
    third = announce(republish_after=moment).execute(context(store=store, try_number=3))

    assert second["operation"] == "created"
    assert second["id"] != first["id"]
    assert (third["id"], third["operation"]) == (second["id"], "unchanged")


def test_the_same_text_in_the_next_run_is_posted(sandbox: Sandbox) -> None:
    first = announce().execute(context(run_id="week 1"))
    sandbox.clock(advance=7 * 86400)
    now = datetime.now(UTC) + timedelta(days=7)
    second = announce().execute(context(run_id="week 2", try_number=2, started=now, start_date=now, run_after=now))

    assert first["id"] != second["id"]
    assert len(sandbox.live()) == 4


def test_another_text_under_the_same_identity_is_refused(sandbox: Sandbox) -> None:
    store = Store()
    announce().execute(context(store=store))
    with pytest.raises(AirflowFailException, match="different text"):
        announce(content="Something else").execute(context(store=store, try_number=2))

    assert len(sandbox.posts()) == 1


# --- what fails, and how ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"operation": "create", "kind": "unauthorized"}, "401"),
        ({"operation": "publish", "kind": "partial_network_failure", "networks": ["bluesky"]}, "bluesky"),
        ({"operation": "publish", "kind": "partial_network_failure", "networks": ["bluesky", "mastodon"]}, "every"),
    ],
    ids=["refused key", "partial failure", "failed everywhere"],
)
def test_what_no_retry_cures(sandbox: Sandbox, fault: dict[str, Any], words: str) -> None:
    sandbox.fault(**fault)
    with pytest.raises(AirflowFailException, match=words) as raised:
        announce().execute(context())

    assert raised.value.__cause__ is None
    assert sandbox.api_key not in str(raised.value)


def test_what_a_retry_may_cure_stays_a_plain_error(sandbox: Sandbox, connect: Callable[..., None]) -> None:
    connect(sandbox, max_wait=1)
    sandbox.fault("create", "rate_limited")
    with pytest.raises(RateLimited):
        announce().execute(context())


def test_a_missing_connection_is_told_with_its_cure() -> None:
    with pytest.raises(AirflowFailException, match="octopost_conn_id"):
        announce(octopost_conn_id="no_such_connection").execute(context())


def test_partial_failure_as_a_warning(sandbox: Sandbox, task_log: Callable[[], str]) -> None:
    sandbox.fail_network("mastodon", "Instance is down.")
    result = announce(on_partial_failure="warn").execute(context())

    assert set(result["urls"]) == {"bluesky"}
    assert result["failed_platforms"] == ["mastodon"]
    assert "mastodon failed: Instance is down." in task_log()


def test_retry_failed_posts_to_the_failed_networks_only(sandbox: Sandbox) -> None:
    store = Store()
    sandbox.fail_network("mastodon")
    with pytest.raises(OctopostError, match="failed on mastodon"):
        announce(retry_failed=True).execute(context(store=store))
    sandbox.fail_network("mastodon", None)
    result = announce(retry_failed=True).execute(context(store=store, try_number=2))

    assert set(result["urls"]) == {"bluesky", "mastodon"}
    assert sorted(copy["network"] for copy in sandbox.live()) == ["bluesky", "mastodon"]


# --- content ---------------------------------------------------------------------------------------------------------


def test_a_preset_is_expanded(sandbox: Sandbox) -> None:
    result = announce(platforms=None, preset="All Platforms").execute(context())

    assert "bluesky" in result["platforms"]
    assert len(result["platforms"]) > 2


def test_an_unknown_preset_is_told_with_the_known_ones(sandbox: Sandbox) -> None:
    with pytest.raises(AirflowFailException, match="All Platforms"):
        announce(platforms=None, preset="Nobody knows").execute(context())


def test_templated_text_is_checked_when_it_is_known(sandbox: Sandbox) -> None:
    operator = announce(content="{{ params.text }}")
    operator.content = "x" * 301
    with pytest.raises(AirflowFailException, match="301 of 300"):
        operator.execute(context())
    assert sandbox.posts() == []


def test_a_rendered_list_of_networks_is_read(sandbox: Sandbox) -> None:
    operator = announce(platforms="{{ params.platforms }}")
    operator.platforms = "['bluesky', 'mastodon']"

    assert operator.execute(context())["platforms"] == ["bluesky", "mastodon"]


# --- the other operators ---------------------------------------------------------------------------------------------


def test_create_then_publish(sandbox: Sandbox) -> None:
    created = OctopostCreatePostOperator(task_id="create", content="Draft", platforms=["bluesky"]).execute(context())
    assert (created["operation"], created["status"]) == ("drafted", "draft")
    assert sandbox.live() == []

    operator = OctopostPublishOperator(task_id="publish", post_id=created["id"])
    assert operator.execute(context())["operation"] == "resumed"
    assert operator.execute(context(try_number=2))["operation"] == "unchanged"
    assert len(sandbox.live()) == 1


@pytest.mark.parametrize("rendered", ["None", "", None])
def test_a_post_id_that_was_rendered_to_nothing(sandbox: Sandbox, rendered: Any) -> None:
    operator = OctopostPublishOperator(task_id="publish", post_id="{{ nothing }}")
    operator.post_id = rendered
    with pytest.raises(AirflowFailException, match="XCom"):
        operator.execute(context())


def test_update_and_delete_leave_live_posts_alone(sandbox: Sandbox) -> None:
    [live, draft] = sandbox.seed(
        [{"content": "Live", "platforms": ["bluesky"], "publish": True}, {"content": "Draft", "platforms": ["bluesky"]}]
    )
    for operator in (
        OctopostUpdatePostOperator(task_id="update", post_id=live, content="Changed"),
        OctopostDeletePostOperator(task_id="delete", post_id=live),
    ):
        with pytest.raises(AirflowFailException, match="published on bluesky"):
            operator.execute(context())
    when = in_an_hour()
    update = OctopostUpdatePostOperator(task_id="update", post_id=draft, scheduled_for=when)
    assert update.execute(context())["status"] == "scheduled"
    unschedule = OctopostUpdatePostOperator(task_id="update", post_id=draft, unschedule=True)
    assert unschedule.execute(context())["status"] == "draft"
    delete = OctopostDeletePostOperator(task_id="delete", post_id=draft)
    delete.execute(context())
    delete.execute(context(try_number=2))
    assert [post["id"] for post in sandbox.posts()] == [live]


def test_the_sensor(sandbox: Sandbox) -> None:
    [live, draft] = sandbox.seed(
        [{"content": "Live", "platforms": ["bluesky"], "publish": True}, {"content": "Draft", "platforms": ["bluesky"]}]
    )
    found = OctopostPostSensor(task_id="wait", post_id=live).poke(context())
    assert found.is_done
    assert set(found.xcom_value["urls"]) == {"bluesky"}
    assert not OctopostPostSensor(task_id="wait", post_id=draft).poke(context()).is_done
    with pytest.raises(TaskDeferred):
        OctopostPostSensor(task_id="wait", post_id=draft, deferrable=True).execute(context())
    with pytest.raises(AirflowFailException, match="404"):
        OctopostPostSensor(task_id="wait", post_id="post_never_made").poke(context())


def test_the_sensor_asks_nothing_before_the_scheduled_time(sandbox: Sandbox) -> None:
    [post_id] = sandbox.seed(
        [{"content": "Later", "platforms": ["bluesky"], "scheduled_for": in_an_hour().isoformat()}]
    )
    sensor = OctopostPostSensor(task_id="wait", post_id=post_id)
    for _ in range(3):
        assert not sensor.poke(context()).is_done
    assert len(sandbox.calls("get")) == 1


# --- links -----------------------------------------------------------------------------------------------------------


def test_links_before_and_after_a_run(sandbox: Sandbox) -> None:
    operator = announce()
    assert [link.name for link in operator.operator_extra_links] == ["Post on Bluesky", "Post on Mastodon"]
    sandbox.fail_network("mastodon")
    with pytest.raises(AirflowFailException):
        operator.execute(context())
    operator = announce(on_partial_failure="ignore", content="Once more")
    result = operator.execute(context())
    [link] = operator.operator_extra_links
    assert link.xcom_key == "octopost_url_bluesky"
    assert result["urls"]["bluesky"]


# --- post files ------------------------------------------------------------------------------------------------------


def test_a_post_file_with_a_text_of_its_own_for_a_network(sandbox: Sandbox, tmp_path: Path) -> None:
    """Two texts are two posts of one announcement: each once, over tries, and one result."""
    path = tmp_path / "post.yaml"
    path.write_text("content: Hello\nplatforms: [bluesky, mastodon, slack]\noverrides:\n  slack: Hello team\n")
    store = Store()
    first = announce(content=None, platforms=None, post_file=str(path)).execute(context(store=store))
    again = announce(content=None, platforms=None, post_file=str(path)).execute(context(store=store, try_number=2))

    assert set(first["urls"]) == {"bluesky", "mastodon", "slack"} == set(again["urls"])
    assert (first["operation"], again["operation"]) == ("created", "unchanged")
    assert len(first["post_ids"]) == 2
    assert len(sandbox.live()) == 3


def test_a_mistake_in_a_post_file_is_told_with_its_line(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "post.yaml"
    path.write_text("content: Hello\nplatform: [bluesky]\n")
    with pytest.raises(AirflowFailException, match="line 2"):
        announce(content=None, post_file=str(path)).execute(context())
    with pytest.raises(AirflowFailException, match="cannot be read"):
        announce(content=None, post_file=str(tmp_path / "none.yaml")).execute(context())
