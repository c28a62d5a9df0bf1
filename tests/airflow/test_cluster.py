"""Airflow for real: its own scheduler, triggerer and API server, with processes killed at the worst moments."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_octopost.version_compat import AIRFLOW_V_3_0_PLUS
from octopost_sandbox.process import SandboxProcess
from tests.airflow.cluster import Cluster
from tests.airflow.conftest import connection_json

# One process of a parallel run takes the whole file: its tests share an Airflow.
pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.xdist_group("airflow-cluster")]

#: Posts that wait while the triggerer is killed; 200 take six minutes on two cores.
WAITING = int(os.environ.get("OCTOPOST_TEST_WAITING", "40"))
airflow_3 = pytest.mark.skipif(not AIRFLOW_V_3_0_PLUS, reason="Airflow 2 has no such API, and runs one task at a time")


@pytest.fixture(scope="module")
def running() -> Iterator[SandboxProcess]:
    with SandboxProcess("--tier", "unlimited") as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def cluster(running: SandboxProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp("airflow")
    with Cluster(home, {"AIRFLOW_CONN_OCTOPOST_DEFAULT": connection_json(running)}) as started:
        yield started


@pytest.fixture
def sandbox(running: SandboxProcess) -> SandboxProcess:
    running.reset()
    return running


def pid_of(cluster: Cluster, dag_id: str, run_id: str, tries: int = 1) -> int:
    file = cluster.home / f"{dag_id}.{run_id}.{tries}.pid"
    cluster.wait_for(lambda: file.exists() and file.read_text(), f"try {tries} of {run_id} has started")
    return int(file.read_text())


@pytest.mark.parametrize(
    ("moment", "fault", "status"),
    [
        ("between_create_and_publish", {"operation": "list", "kind": "slow", "commit": "after"}, "draft"),
        ("between_publish_and_return", {"operation": "publish", "kind": "slow", "commit": "before"}, "published"),
    ],
)
def test_a_task_killed_hard_is_retried_and_posts_once(
    cluster: Cluster, sandbox: SandboxProcess, moment: str, fault: dict[str, Any], status: str
) -> None:
    sandbox.fault(**fault, seconds=600)
    cluster.trigger("killed", moment)
    pid = pid_of(cluster, "killed", moment)
    sandbox.wait(status, timeout=60)
    cluster.wait_for(lambda: any(rule["fired"] for rule in sandbox.faults()), "the task hangs in the call")
    os.kill(pid, signal.SIGKILL)
    sandbox.clear_faults()

    assert cluster.wait_for_run("killed", moment) == "success", cluster.last_words()
    state, tries = cluster.states("killed", moment)["announce", -1]
    assert (state, tries) == ("success", 2)
    [result] = cluster.xcom("killed", moment)
    [post] = sandbox.posts()
    assert result["id"] == post["id"]
    assert set(result["urls"]) == {"bluesky", "mastodon"}
    assert sandbox.duplicates(ever=True) == []
    assert len(sandbox.live()) == 2
    print(f"\nKilled {moment.replace('_', ' ')}: one live copy per network, task green in try {tries}.")


def test_a_cleared_task_posts_nothing_again_unless_told(cluster: Cluster, sandbox: SandboxProcess) -> None:
    cluster.trigger("cleared", "run")
    assert cluster.wait_for_run("cleared", "run") == "success", cluster.last_words()
    [first] = cluster.xcom("cleared", "run")

    def clear(tries: int) -> Any:
        cluster.airflow("tasks", "clear", "cleared", "--yes", "--task-regex", "announce")
        cluster.wait_for(
            lambda: cluster.states("cleared", "run")["announce", -1] == ("success", tries), f"try {tries} succeeds"
        )
        [result] = cluster.xcom("cleared", "run")
        return result

    second = clear(2)
    assert (second["id"], second["operation"]) == (first["id"], "unchanged")
    assert len(sandbox.live()) == 2

    moment = datetime.now(UTC).isoformat()
    cluster.airflow("variables", "set", "republish_after", moment)
    third = clear(3)
    assert third["id"] != first["id"]
    assert len(sandbox.live()) == 4
    cluster.airflow("variables", "delete", "republish_after")
    log = cluster.last_words()
    assert "Nothing was sent" in log
    assert sandbox.api_key not in log


@airflow_3
def test_the_triggerer_is_killed_while_posts_wait(cluster: Cluster, sandbox: SandboxProcess) -> None:
    ids = []
    for start in range(0, WAITING, 100):
        count = min(100, WAITING - start)
        ids += sandbox.seed([{"content": f"Waiting {start + n}", "platforms": ["bluesky"]} for n in range(count)])
    cluster.trigger("many_waiting", "killed_triggerer", {"post_ids": ids})

    def deferred() -> int:
        states = cluster.states("many_waiting", "killed_triggerer").values()
        return sum(state == "deferred" for state, _ in states)

    cluster.wait_for(lambda: deferred() == WAITING, f"{WAITING} tasks are deferred", patience=1200)
    before = len(sandbox.calls())
    cluster.kill("triggerer")
    for post_id in ids:
        sandbox.control("POST", f"/posts/{post_id}/publish")
    cluster.start("triggerer")

    assert cluster.wait_for_run("many_waiting", "killed_triggerer", patience=1200) == "success"
    results = cluster.xcom("many_waiting", "killed_triggerer")
    assert len([result for result in results if isinstance(result, dict)]) == WAITING
    polls = [call for call in sandbox.calls()[before:] if call["operation"] in ("list", "get")]
    print(f"\n{WAITING} posts waited while the triggerer was killed: {len(polls)} requests until all were told.")
    assert {call["operation"] for call in sandbox.calls()[before:]} <= {"list", "get"}


def schedule(cluster: Cluster, sandbox: SandboxProcess, dag_id: str, run_id: str, state: str) -> dict[str, Any]:
    """Run a DAG that schedules a post for later, until its task is in a state; return the post."""
    when = (datetime.now(UTC) + timedelta(hours=2)).replace(microsecond=0).isoformat()
    cluster.trigger(dag_id, run_id, {"scheduled_for": when})
    post = sandbox.wait("scheduled", timeout=120)
    wait_until(cluster, dag_id, run_id, state, 1)
    return post


def wait_until(cluster: Cluster, dag_id: str, run_id: str, state: str, tries: int) -> None:
    """Wait until a task is in a state, and where it is deferred, until its trigger runs."""
    now = (state, tries)
    cluster.wait_for(lambda: cluster.states(dag_id, run_id)["announce", -1] == now, f"try {tries} is {state}")
    if state == "deferred":
        started = f"trigger {dag_id}/{run_id}/announce/-1/{tries} "
        cluster.wait_for(lambda: cluster.said(started), "the trigger runs")


@pytest.mark.parametrize("state", ["running", "deferred"])
def test_killing_a_task_unschedules_its_post(cluster: Cluster, sandbox: SandboxProcess, state: str) -> None:
    dag_id = f"{state}_until_killed"
    post = schedule(cluster, sandbox, dag_id, "killed", state)
    cluster.mark_failed(dag_id, "killed", "announce")

    assert sandbox.wait("draft", post["id"], timeout=60)["scheduled_for"] is None
    assert cluster.wait_for_run(dag_id, "killed") == "failed"


def test_clearing_a_deferred_task_leaves_its_post_scheduled(cluster: Cluster, sandbox: SandboxProcess) -> None:
    """The trigger is cancelled as for a kill, and the next try may have found the post before it comes to that."""
    dag_id = "deferred_until_cleared"
    post = schedule(cluster, sandbox, dag_id, "cleared", "deferred")
    cluster.airflow("tasks", "clear", dag_id, "--yes", "--task-regex", "announce")
    wait_until(cluster, dag_id, "cleared", "deferred", 2)
    cluster.wait_for(lambda: cluster.said("not ended: its posts stay"), "the first try's trigger has ended")

    assert [post["id"] for post in sandbox.posts()] == [post["id"]]
    assert sandbox.post(post["id"])["status"] == "scheduled"
    cluster.mark_failed(dag_id, "cleared", "announce")
    sandbox.wait("draft", post["id"], timeout=60)


# Before the connection test: in Airflow 3.1 the API server loses extra fields once anything else has loaded the hooks.
@airflow_3
def test_the_connection_form_as_the_ui_gets_it(cluster: Cluster) -> None:
    [form] = [hook for hook in cluster.api("GET", "/ui/connections/hook_meta") if hook["connection_type"] == "octopost"]

    fields = form["standard_fields"]
    assert fields["password"]["title"] == "API key"
    assert fields["url_schema"]["hidden"]
    assert fields["host"]["placeholder"].startswith("https://")
    assert set(form["extra_fields"]) == {"read_timeout", "publish_timeout", "max_wait", "thread_field", "ca_bundle"}


@airflow_3
def test_the_connection_is_tested_from_the_ui(cluster: Cluster, sandbox: SandboxProcess) -> None:
    sandbox.expire_account("linkedin")
    body = {
        "connection_id": "any",
        "conn_type": "octopost",
        "host": sandbox.base_url,
        "password": sandbox.api_key,
        "extra": "{}",
    }
    told = cluster.api("POST", "/api/v2/connections/test", body)

    assert told["status"] is True
    assert "bluesky" in told["message"]
    assert "linkedin" in told["message"].partition("expired")[2]


@airflow_3
def test_the_extra_links_as_the_ui_gets_them(cluster: Cluster, sandbox: SandboxProcess) -> None:
    cluster.trigger("killed", "links")
    assert cluster.wait_for_run("killed", "links") == "success", cluster.last_words()
    found = cluster.api("GET", "/api/v2/dags/killed/dagRuns/links/taskInstances/announce/links")["extra_links"]
    [result] = cluster.xcom("killed", "links")

    assert {name: url for name, url in found.items() if url} == {
        "Post on Bluesky": result["urls"]["bluesky"],
        "Post on Mastodon": result["urls"]["mastodon"],
    }


@airflow_3
def test_asset_events_tell_each_post_once(cluster: Cluster, sandbox: SandboxProcess) -> None:
    def told() -> dict[str, list[str]]:
        rows = cluster.query("select asset.name, e.extra from asset_event e join asset on asset.id = e.asset_id")
        found: dict[str, list[str]] = {}
        for name, extra in rows:
            found.setdefault(name, []).append(json.loads(extra)["payload"]["post_id"])
        return found

    def runs() -> list[list[str]]:
        rows = cluster.query("select value from xcom where dag_id = 'watching' and key = 'return_value'")
        values = [json.loads(value) for (value,) in rows]
        return [json.loads(value) if isinstance(value, str) else value for value in values]

    def publish(content: str) -> str:
        [post_id] = sandbox.seed([{"content": content, "platforms": ["bluesky"], "publish": True}])
        return post_id

    def wait_for(post_id: str) -> None:
        watching = ["posts", "posts_too"]
        cluster.wait_for(lambda: all(post_id in told().get(name, []) for name in watching), f"{post_id} is told")

    publish("Before anybody watched")
    cluster.unpause("watching")
    # Airflow notices with the next reading of the file, half a minute apart; there are two different triggers.
    cluster.wait_for(lambda: len(sandbox.calls("list")) >= 6, "the watchers poll")
    published = publish("Published")
    sandbox.fail_network("bluesky", "Closed.")
    failed = publish("Fails")
    sandbox.fail_network("bluesky", None)
    wait_for(published)
    wait_for(failed)
    cluster.kill("triggerer")
    missed = publish("While no triggerer ran")
    cluster.start("triggerer")
    wait_for(missed)
    expected = [published, failed, missed]
    before = len(sandbox.calls("list"))
    cluster.wait_for(lambda: len(sandbox.calls("list")) >= before + 6, "the watchers poll on")
    cluster.wait_for(lambda: {post for run in runs() for post in run} == set(expected), "each has started a run")

    assert {name: sorted(ids) for name, ids in told().items()} == {
        "posts": sorted(expected),
        "posts_too": sorted(expected),
        "failures": [failed],
    }
    cluster.airflow("dags", "pause", "watching", "--yes")


def test_the_key_is_in_no_file(cluster: Cluster, running: SandboxProcess) -> None:
    """Searches all that the runs above have written: logs, database, rendered fields, XComs."""
    secret = running.api_key.encode()
    leaks = [
        str(path.relative_to(cluster.home))
        for path in Path(cluster.home).rglob("*")
        if path.is_file() and secret in path.read_bytes()
    ]
    assert leaks == []
