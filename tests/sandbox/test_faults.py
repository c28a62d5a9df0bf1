"""Faults on the wire: what the client sees, and what had happened by then."""

from __future__ import annotations

import threading
import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from octopost_sandbox.process import Sandbox, SandboxError

COMMITTED = ["reset_after", "truncated_json", "html_200", "empty_200", "error_after"]
NOT_COMMITTED = [
    ("reset_before", {}),
    ("error_before", {"status": 503}),
    ("truncated_json", {"commit": "never"}),
    ("html_200", {"commit": "never"}),
    ("empty_200", {"commit": "never"}),
    ("rate_limited", {}),
    ("unauthorized", {}),
]


def seen_by_client(api: Any, post_id: str) -> str:
    try:
        reply = api.publish(post_id)
    except requests.exceptions.ChunkedEncodingError:
        return "truncated"
    except requests.exceptions.ConnectionError as error:
        return "reset" if "reset by peer" in str(error) else "closed"
    if reply.headers.get("Content-Type", "").startswith("text/html"):
        return "html"
    return "empty" if not reply.content else str(reply.status_code)


SIGHT = {
    "reset_before": "reset", "reset_after": "reset", "truncated_json": "truncated", "html_200": "html",
    "empty_200": "empty", "error_after": "500", "error_before": "503", "rate_limited": "429", "unauthorized": "401",
}  # fmt: skip


@pytest.mark.parametrize("kind", COMMITTED)
def test_the_work_is_done_although_the_reply_is_lost(octopost_sandbox: Sandbox, api: Any, kind: str) -> None:
    post_id = api.create()["id"]
    octopost_sandbox.fault("publish", kind)
    assert seen_by_client(api, post_id) == SIGHT[kind]
    assert octopost_sandbox.post(post_id)["status"] == "published"
    assert len(octopost_sandbox.live("twitter")) == 1
    assert [call["fault"] for call in octopost_sandbox.calls("publish")] == [kind]


@pytest.mark.parametrize(("kind", "settings"), NOT_COMMITTED)
def test_the_work_is_not_done(octopost_sandbox: Sandbox, api: Any, kind: str, settings: dict[str, Any]) -> None:
    post_id = api.create()["id"]
    octopost_sandbox.fault("publish", kind, **settings)
    assert seen_by_client(api, post_id) == SIGHT[kind]
    assert octopost_sandbox.post(post_id)["status"] == "draft"
    assert api.publish(post_id).status_code == 200


@pytest.mark.parametrize("operation", ["create", "list", "get", "update", "delete", "accounts", "presets"])
def test_every_operation_can_be_hit(octopost_sandbox: Sandbox, api: Any, operation: str) -> None:
    post_id = api.create()["id"]
    octopost_sandbox.fault(operation, "error_before", status=502)
    calls = {
        "create": lambda: api.call("POST", "/posts", json={"content": "x", "platforms": ["twitter"]}),
        "list": lambda: api.call("GET", "/posts"),
        "get": lambda: api.call("GET", f"/posts/{post_id}"),
        "update": lambda: api.call("PUT", f"/posts/{post_id}", json={"content": "y"}),
        "accounts": lambda: api.call("GET", "/accounts"),
        "presets": lambda: api.call("GET", "/presets"),
        "delete": lambda: api.call("DELETE", f"/posts/{post_id}"),
    }
    for name, call in calls.items():
        assert call().status_code == 502 if name == operation else call().ok


def test_skip_and_count(octopost_sandbox: Sandbox, api: Any) -> None:
    octopost_sandbox.fault("list", "error_before", skip=1, count=2)
    assert [api.call("GET", "/posts").status_code for _ in range(5)] == [200, 500, 500, 200, 200]
    assert octopost_sandbox.faults()[0]["fired"] == 2


def test_probability_is_the_same_on_every_run(octopost_sandbox: Sandbox, api: Any) -> None:
    runs = []
    for seed in (7, 7, 8):
        octopost_sandbox.clear_faults()
        octopost_sandbox.fault("list", "error_before", probability=0.5, count=100, seed=seed)
        runs.append([api.call("GET", "/posts").status_code for _ in range(20)])
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]
    assert 4 <= runs[0].count(500) <= 16


def test_a_fault_for_one_post(octopost_sandbox: Sandbox, api: Any) -> None:
    one, other = api.create("one")["id"], api.create("other")["id"]
    octopost_sandbox.fault("publish", "error_before", post_id=other)
    assert [api.publish(post_id).status_code for post_id in (one, other)] == [200, 500]


def test_slow_work_before_the_wait(octopost_sandbox: Sandbox, api: Any) -> None:
    post_id = api.create()["id"]
    octopost_sandbox.fault("publish", "timeout_after", seconds=30)
    with pytest.raises(requests.exceptions.ReadTimeout):
        api.call("POST", f"/posts/{post_id}/publish", timeout=0.3)
    assert octopost_sandbox.post(post_id)["status"] == "published"


def test_slow_work_after_the_wait_happens_although_the_client_left(octopost_sandbox: Sandbox, api: Any) -> None:
    post_id = api.create()["id"]
    octopost_sandbox.fault("publish", "slow", seconds=1, commit="after")
    with pytest.raises(requests.exceptions.ReadTimeout):
        api.call("POST", f"/posts/{post_id}/publish", timeout=0.3)
    assert octopost_sandbox.post(post_id)["status"] == "draft"
    assert octopost_sandbox.wait("published", post_id, timeout=5)["status"] == "published"


def test_a_late_publish_loses_against_one_that_overtook_it(octopost_sandbox: Sandbox, api: Any) -> None:
    post_id = api.create()["id"]
    octopost_sandbox.fault("publish", "slow", seconds=1, commit="after")
    late: list[int] = []
    thread = threading.Thread(target=lambda: late.append(api.publish(post_id).status_code))
    thread.start()
    while not octopost_sandbox.faults()[0]["fired"]:
        time.sleep(0.01)
    assert api.publish(post_id).status_code == 200
    thread.join()
    assert late == [409]
    assert len(octopost_sandbox.live("twitter")) == 1


@pytest.mark.parametrize(
    ("manner", "header"),
    [
        ("seconds", "20"),
        ("missing", None),
        ("negative", "-5"),
        ("far", "Sat, 01 Jan 3000 00:00:00 GMT"),
        ("text", "soon"),
    ],
)
@pytest.mark.parametrize("details", [True, False])
def test_retry_after(octopost_sandbox: Sandbox, api: Any, manner: str, header: str | None, details: bool) -> None:
    octopost_sandbox.fault("list", "rate_limited", seconds=20, retry_after=manner, details=details)
    reply = api.call("GET", "/posts")
    assert reply.status_code == 429
    assert reply.headers.get("Retry-After") == header
    assert reply.headers["X-RateLimit-Remaining"] == "0"
    assert ("details" in reply.json()) == details


def test_retry_after_as_a_date(octopost_sandbox: Sandbox, api: Any) -> None:
    octopost_sandbox.fault("list", "rate_limited", seconds=20, retry_after="date")
    reply = api.call("GET", "/posts")
    wait = parsedate_to_datetime(reply.headers["Retry-After"]) - parsedate_to_datetime(reply.headers["Date"])
    assert 19 <= wait.total_seconds() <= 21


def test_a_key_revoked_midway(octopost_sandbox: Sandbox, api: Any) -> None:
    octopost_sandbox.fault("publish", "unauthorized", revoke=True)
    post_id = api.create()["id"]
    assert api.publish(post_id).status_code == 401
    assert api.call("GET", f"/posts/{post_id}").status_code == 401


def test_some_networks_fail(octopost_sandbox: Sandbox, api: Any) -> None:
    octopost_sandbox.fault("publish", "partial_network_failure", networks=["bluesky"], error="Bluesky is tired.")
    post = api.announce(platforms=("twitter", "bluesky"))
    assert post["status"] == "published"
    assert post["platform_results"]["bluesky"] == {"success": False, "error": "Bluesky is tired."}
    assert api.announce("next", ("bluesky",))["status"] == "published"


def test_a_token_expires_midway(octopost_sandbox: Sandbox, api: Any) -> None:
    octopost_sandbox.fault("publish", "expired_account", networks=["twitter"])
    assert api.announce()["status"] == "failed"
    accounts = {account["platform"]: account for account in api.call("GET", "/accounts").json()["accounts"]}
    assert accounts["twitter"]["is_active"] is False


def test_a_scheduled_publish_can_fail_partly(octopost_sandbox: Sandbox, api: Any) -> None:
    octopost_sandbox.clock(freeze="2030-01-01T00:00:00Z")
    octopost_sandbox.fault("scheduled", "partial_network_failure", networks=["bluesky"])
    post = api.create(platforms=("twitter", "bluesky"), scheduled_for="2030-01-01T01:00:00Z")
    octopost_sandbox.clock(jump=True)
    results = api.get(post["id"])["platform_results"]
    assert {name: entry["success"] for name, entry in results.items()} == {"twitter": True, "bluesky": False}


@pytest.mark.parametrize(
    "rule",
    [
        {"operation": "publsh", "kind": "slow"},
        {"operation": "publish", "kind": "explode"},
        {"operation": "publish", "kind": "error_after", "status": 404},
        {"operation": "publish", "kind": "reset_after", "commit": "never"},
        {"operation": "publish", "kind": "slow", "seconds": "long"},
        {"operation": "list", "kind": "partial_network_failure", "networks": ["twitter"]},
        {"operation": "publish", "kind": "expired_account"},
        {"operation": "scheduled", "kind": "slow"},
        {"operation": "publish", "kind": "slow", "often": 3},
        {"kind": "slow"},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(octopost_sandbox: Sandbox, rule: dict[str, Any]) -> None:
    with pytest.raises(SandboxError, match="400"):
        octopost_sandbox.control("POST", "/faults", rule)
