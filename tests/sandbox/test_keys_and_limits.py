"""Keys, scopes and rate limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from octopost_sandbox.process import Sandbox, SandboxProcess


def test_any_test_key_works(octopost_sandbox: Sandbox, api: Any) -> None:
    reply = api.call("GET", "/posts", headers={"Authorization": "Bearer oct_test_whatever"})
    assert reply.status_code == 200


@pytest.mark.parametrize(
    "header", [None, "", "Basic b2N0OnRlc3Q=", "Bearer", "Bearer oct_test_", "Bearer sk_1234", "Bearer oct_unknown"]
)
def test_what_is_no_key_gets_401(api: Any, header: str | None) -> None:
    reply = api.call("GET", "/posts", headers={} if header is None else {"Authorization": header})
    assert (reply.status_code, reply.json()["code"]) == (401, "unauthorized")
    assert reply.headers["X-RateLimit-Limit"]


def test_a_live_key_is_refused_loudly(start_octopost_sandbox: Callable[..., SandboxProcess]) -> None:
    sandbox = start_octopost_sandbox()
    headers = {"Authorization": "Bearer oct_live_secret1234"}
    reply = requests.get(f"{sandbox.base_url}/posts", headers=headers, timeout=10)
    assert reply.status_code == 401
    assert "sandbox" in reply.json()["error"]
    assert "refused a live key" in sandbox.output()
    assert "secret1234" not in sandbox.output() + str(sandbox.calls())


def test_scopes(octopost_sandbox: Sandbox, api: Any) -> None:
    post_id = api.create()["id"]
    api.headers = {"Authorization": f"Bearer {octopost_sandbox.key('oct_test_reader', scopes=['posts:read'])}"}
    assert api.call("GET", "/posts").status_code == 200
    for method, path in (("POST", f"/posts/{post_id}/publish"), ("DELETE", f"/posts/{post_id}"), ("GET", "/accounts")):
        reply = api.call(method, path)
        assert (reply.status_code, reply.json()["code"]) == (403, "forbidden")


def test_a_revoked_key_stops_at_once(octopost_sandbox: Sandbox, api: Any) -> None:
    assert api.call("GET", "/posts").status_code == 200
    octopost_sandbox.key(octopost_sandbox.api_key, revoked=True)
    assert api.call("GET", "/posts").status_code == 401


@pytest.mark.parametrize(("tier", "per_minute"), [("free", 60), ("starter", 300), ("pro", 1000)])
def test_every_reply_has_the_tiers_headers(octopost_sandbox: Sandbox, api: Any, tier: str, per_minute: int) -> None:
    octopost_sandbox.tier(tier)
    first, second = api.call("GET", "/posts"), api.call("GET", "/posts/post_none")
    assert first.headers["X-RateLimit-Limit"] == str(per_minute)
    assert first.headers["X-RateLimit-Remaining"] == str(per_minute - 1)
    assert second.headers["X-RateLimit-Remaining"] == str(per_minute - 2)
    assert second.headers["X-RateLimit-Reset"] == first.headers["X-RateLimit-Reset"]


def test_over_the_minutes_limit(octopost_sandbox: Sandbox, api: Any) -> None:
    octopost_sandbox.tier("free")
    octopost_sandbox.clock(freeze="2030-01-01T00:00:00Z")
    replies = [api.call("GET", "/posts") for _ in range(61)]
    assert [reply.status_code for reply in replies] == [200] * 60 + [429]
    assert replies[-1].headers["Retry-After"] == "60"
    assert replies[-1].json() == {
        "error": "Rate limit exceeded. Please try again in 60 seconds.",
        "code": "rate_limited",
        "details": {"limit": 60, "remaining": 0, "reset_at": "2030-01-01T00:01:00Z", "retry_after": 60},
    }
    octopost_sandbox.clock(advance=60)
    assert api.call("GET", "/posts").status_code == 200


def test_publishes_have_an_hour_of_their_own(octopost_sandbox: Sandbox, api: Any) -> None:
    octopost_sandbox.tier("free")
    posts = [api.create(f"post {number}")["id"] for number in range(11)]
    replies = [api.publish(post_id) for post_id in posts]
    assert [reply.status_code for reply in replies] == [200] * 10 + [429]
    assert replies[0].headers["X-RateLimit-Limit"] == "10"
    assert int(replies[-1].headers["Retry-After"]) > 3500
    assert api.get(posts[-1])["status"] == "draft"


def test_windows_are_per_key(octopost_sandbox: Sandbox, api: Any) -> None:
    octopost_sandbox.key("oct_test_small", tier="free")
    small = api.call("GET", "/posts", headers={"Authorization": "Bearer oct_test_small"})
    assert (small.headers["X-RateLimit-Limit"], small.headers["X-RateLimit-Remaining"]) == ("60", "59")
    assert api.call("GET", "/posts").headers["X-RateLimit-Limit"] != "60"
