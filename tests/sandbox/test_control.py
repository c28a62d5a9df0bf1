"""The duplicate detector, the call log and the rest of the control API."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import requests

from octopost_sandbox.process import Sandbox, SandboxError


def test_a_duplicate_is_the_same_text_twice_on_one_network(octopost_sandbox: Sandbox, api: Any) -> None:
    first = api.announce("Version 1.0 is out", ("twitter", "bluesky"))
    api.announce("Version 1.1 is out", ("twitter",))
    assert octopost_sandbox.duplicates() == []
    second = api.announce("Version 1.0 is out", ("twitter",))
    (found,) = octopost_sandbox.duplicates()
    assert (found["network"], found["count"]) == ("twitter", 2)
    assert found["post_ids"] == [first["id"], second["id"]]
    api.call("DELETE", f"/posts/{second['id']}")
    assert octopost_sandbox.duplicates() == []
    assert len(octopost_sandbox.duplicates(ever=True)) == 1


def test_composed_and_decomposed_letters_are_the_same_text(octopost_sandbox: Sandbox, api: Any) -> None:
    api.announce("Caf\u00e9")
    api.announce("Cafe\u0301")
    assert len(octopost_sandbox.duplicates()) == 1


def test_threads_that_differ_in_a_reply_differ(octopost_sandbox: Sandbox, api: Any) -> None:
    api.announce("root", segments=[{"content": "a"}])
    api.announce("root", segments=[{"content": "b"}])
    assert octopost_sandbox.duplicates() == []


def test_duplicates_by_the_url_they_announce(octopost_sandbox: Sandbox, api: Any) -> None:
    url = "https://example.org/releases/1.0"
    api.announce(f"Out now: {url}")
    api.announce(f"Released! {url}")
    assert octopost_sandbox.duplicates() == []
    assert octopost_sandbox.duplicates(url=url)[0]["count"] == 2


def test_the_log_tells_every_call_and_no_key(octopost_sandbox: Sandbox, api: Any) -> None:
    post = api.announce(f"a key: {octopost_sandbox.api_key}")
    api.call("GET", "/posts", headers={})
    calls = octopost_sandbox.calls()
    assert [call["operation"] for call in calls] == ["create", "publish", "list"]
    assert [call["status"] for call in calls] == [201, 200, 401]
    assert calls[0]["post_id"] == calls[1]["post_id"] == post["id"]
    assert calls[0]["request"].startswith('{"content"')
    assert post["id"] in calls[0]["reply"]
    assert octopost_sandbox.api_key not in str(calls)
    assert octopost_sandbox.calls(post_id=post["id"], operation="publish") == [calls[1]]


def test_a_reset_goes_back_to_the_start(octopost_sandbox: Sandbox, api: Any) -> None:
    api.announce()
    octopost_sandbox.dialect(publish="async")
    octopost_sandbox.clock(freeze="2030-01-01T00:00:00Z")
    octopost_sandbox.fault("list", "reset_before")
    octopost_sandbox.expire_account("twitter")
    octopost_sandbox.fail_network("bluesky")
    octopost_sandbox.reset()
    assert (octopost_sandbox.posts(), octopost_sandbox.calls(), octopost_sandbox.faults()) == ([], [], [])
    assert octopost_sandbox.dialect()["publish"] == "sync"
    assert octopost_sandbox.clock()["frozen"] is False
    post = api.announce(platforms=("twitter", "bluesky"))
    assert all(entry["success"] for entry in post["platform_results"].values())


def test_wait_ends_when_the_post_is_there(octopost_sandbox: Sandbox, api: Any) -> None:
    post_id = api.create()["id"]

    def later() -> None:
        time.sleep(0.3)
        api.publish(post_id)

    thread = threading.Thread(target=later)
    thread.start()
    assert octopost_sandbox.wait("published", timeout=10)["id"] == post_id
    thread.join()
    with pytest.raises(SandboxError, match="408"):
        octopost_sandbox.wait("failed", timeout=0.1)


def test_accounts_can_be_added_and_removed(octopost_sandbox: Sandbox, api: Any) -> None:
    made = octopost_sandbox.control("POST", "/accounts", {"platform": "mastodon", "username": "second"})
    assert made["username"] == "second"
    octopost_sandbox.control("DELETE", f"/accounts/{made['id']}")
    octopost_sandbox.control("DELETE", "/accounts/acc_twitter")
    post = api.announce(platforms=("twitter", "mastodon"))
    assert post["platform_results"]["twitter"]["error"] == "No X account is connected."
    assert post["platform_results"]["mastodon"]["success"] is True


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/clock", {"advance": "x"}),
        ("POST", "/clock", {"set": "9999-99-99"}),
        ("POST", "/clock", {"advance": 1e308}),
        ("POST", "/clock", {"stop": True}),
        ("POST", "/tier", {"tier": "gold"}),
        ("POST", "/tier", {"tier": ["pro"]}),
        ("POST", "/keys", {"key": "oct_live_1"}),
        ("POST", "/keys", {"key": 3}),
        ("POST", "/keys", {"key": "oct_test_1", "scopes": ["posts:all"]}),
        ("POST", "/accounts", {"platform": "x"}),
        ("POST", "/accounts/acc_twitter", {"platform": "bluesky"}),
        ("POST", "/networks", {"x": "down"}),
        ("POST", "/seed", {"posts": {}}),
    ],
)
def test_wrong_control_calls_get_400(octopost_sandbox: Sandbox, method: str, path: str, body: dict[str, Any]) -> None:
    with pytest.raises(SandboxError, match="400"):
        octopost_sandbox.control(method, path, body)


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({"Host": "evil.example"}, "--allow-remote"),
        ({"Host": "[::1"}, "malformed"),
        ({"Origin": "https://evil.example"}, "evil.example"),
        ({"Origin": "http://127.0.0.1:1"}, "not this sandbox"),
        ({"Origin": "null"}, "not this sandbox"),
    ],
)
def test_web_pages_elsewhere_cannot_reach_it(octopost_sandbox: Sandbox, headers: dict[str, str], says: str) -> None:
    for path in ("/_sandbox/reset", "/v1/posts"):
        reply = requests.post(octopost_sandbox.root + path, headers=headers, timeout=10)
        assert reply.status_code == 403
        assert says in reply.json()["error"]
