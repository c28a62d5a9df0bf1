"""DAGs run by a real Airflow against a real sandbox: what users see, on every supported version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from octopost_sandbox.process import Sandbox
from tests.airflow.harness import dag_bag

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("airflow-dag-runs")]


def test_announce_returns_the_post_and_its_links(run_dag: Callable[..., Any], sandbox: Sandbox) -> None:
    run = run_dag("announce")

    announce = run.tasks["announce"]
    assert (run.state, announce.state, announce.tries) == ("success", "success", 1)
    [post] = sandbox.posts()
    live = {network: entry["post_url"] for network, entry in post["platform_results"].items()}
    assert set(live) == {"bluesky", "mastodon"}
    assert announce.result["urls"] == live
    assert announce.result["operation"] == "created"
    assert announce.xcom["post_id"] == announce.result["id"]
    assert {name: announce.xcom[f"octopost_url_{name}"] for name in live} == live
    assert post["content"] == f"Hello from {run.run_id}"


def test_announce_deferred(run_dag: Callable[..., Any], sandbox: Sandbox) -> None:
    sandbox.dialect(publish="async", publish_seconds=3)
    run = run_dag("announce_deferred")

    assert run.state == "success"
    assert set(run.tasks["announce"].result["urls"]) == {"bluesky", "mastodon"}
    assert len(sandbox.live()) == 2


def test_mapped_tasks_with_different_texts_are_different_posts(run_dag: Callable[..., Any], sandbox: Sandbox) -> None:
    run = run_dag("announce_mapped")

    assert run.state == "success"
    assert sorted(post["content"] for post in sandbox.posts()) == [
        f"First of {run.run_id}",
        f"Second of {run.run_id}",
        f"Third of {run.run_id}",
    ]
    assert len(sandbox.live()) == 3


def test_create_update_publish_wait_delete(run_dag: Callable[..., Any], sandbox: Sandbox) -> None:
    run = run_dag("life_of_a_draft")

    assert {name: task.state for name, task in run.tasks.items()} == dict.fromkeys(run.tasks, "success")
    [post] = sandbox.control("GET", "/posts")["posts"]
    assert post["content"] == f"Better draft of {run.run_id}"
    assert post["deleted_at"] is not None
    assert set(run.tasks["wait"].result["urls"]) == {"bluesky", "mastodon"}


def test_a_retry_goes_on_with_the_first_trys_draft(run_dag: Callable[..., Any], sandbox: Sandbox) -> None:
    """Try 1 makes the draft and then cannot read the list; the store (3.3) or look-up (before) leads try 2 to it."""
    sandbox.fault("list", "error_before", status=503, count=5)
    run = run_dag("announce")

    announce = run.tasks["announce"]
    assert (announce.state, announce.tries) == ("success", 2)
    assert announce.result["operation"] == "resumed"
    assert len(sandbox.calls("create")) == 1
    assert len(sandbox.live()) == 2


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"operation": "create", "kind": "unauthorized"}, "401"),
        ({"operation": "publish", "kind": "partial_network_failure", "networks": ["mastodon"]}, "mastodon"),
    ],
)
def test_what_no_retry_cures_fails_at_once(
    run_dag: Callable[..., Any], sandbox: Sandbox, fault: dict[str, Any], said: str
) -> None:
    sandbox.fault(**fault)
    announce = run_dag("announce").tasks["announce"]

    assert (announce.state, announce.tries) == ("failed", 1)


# --- the examples, as they stand -------------------------------------------------------------------------------------


def test_example_release(run_dag: Callable[..., Any], sandbox: Sandbox) -> None:
    run = run_dag("example_octopost_release", conf={"version": "2.0.0"})

    assert run.state == "success"
    [post] = sandbox.posts()
    assert "Version 2.0.0 is out" in post["content"]
    assert {copy["network"] for copy in sandbox.live()} == {"bluesky", "mastodon", "linkedin"}
    assert run.tasks["report"].result.count("http") == 3


def test_example_digest(run_dag: Callable[..., Any], sandbox: Sandbox) -> None:
    run = run_dag("example_octopost_digest")

    assert run.state == "success"
    assert len(sandbox.posts()) == 3
    assert len(sandbox.live()) == 6


def test_example_notifier(run_dag: Callable[..., Any], sandbox: Sandbox) -> None:
    run = run_dag("example_octopost_notifier")

    assert run.state == "failed"
    [post] = sandbox.posts()
    assert "failed in load" in post["content"]
    assert post["status"] == "published"


def test_example_campaign(run_dag: Callable[..., Any], sandbox: Sandbox) -> None:
    run = run_dag("example_octopost_campaign")

    assert run.state == "success"
    assert [post["status"] for post in sandbox.posts()] == ["scheduled"] * 3
    days = {post["scheduled_for"][:10] for post in sandbox.posts()}
    assert len(days) == 3
    for _ in range(3):
        sandbox.clock(jump=True)
    assert len(sandbox.live()) == 7


def test_example_approval(run_dag: Callable[..., Any], sandbox: Sandbox) -> None:
    if "example_octopost_approval" not in dag_bag().dags:
        pytest.skip("Airflow has no human in the loop before 3.1")
    run = run_dag("example_octopost_approval", mark_success_pattern="approve")

    assert run.state == "success"
    assert {copy["network"] for copy in sandbox.live()} == {"bluesky", "linkedin"}


def test_example_events(run_dag: Callable[..., Any], sandbox: Sandbox) -> None:
    if "example_octopost_events" not in dag_bag().dags:
        pytest.skip("Airflow has no asset watchers before 3.0")

    assert run_dag("example_octopost_events").state == "success"
