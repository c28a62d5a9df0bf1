"""Posts over HTTP as the API facts tell it: objects, statuses, the error envelope."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from octopost_sandbox.process import Sandbox

ISO = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")


def in_future(**delta: int) -> str:
    return (datetime.now(UTC) + timedelta(**delta)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_the_overviews_example(octopost_sandbox: Sandbox, api: Any) -> None:
    octopost_sandbox.key("oct_your_api_key_here")
    api.headers = {"Authorization": "Bearer oct_your_api_key_here", "Content-Type": "application/json"}
    body = b'{\n    "content": "Hello from the Octopost API!",\n    "platforms": ["twitter", "bluesky"]\n  }'
    reply = api.call("POST", "/posts", data=body)
    made = reply.json()
    assert reply.status_code == 201
    assert list(made) == ["id", "content", "platforms", "status", "created_at", "updated_at"]
    assert made["status"] == "draft"
    assert ISO.match(made["created_at"])
    del api.headers["Content-Type"]  # the documented publish has neither a body nor a content type
    out = api.publish(made["id"])
    assert out.status_code == 200
    assert out.json()["status"] == "published"


def test_a_post_has_every_documented_field(api: Any) -> None:
    post = api.get(api.create(media={"images": ["https://example.org/a.png"]})["id"])
    assert set(post) == {
        "id", "content", "platforms", "status", "scheduled_for", "media", "segments", "platform_results",
        "created_at", "updated_at", "published_at",
    }  # fmt: skip
    assert post["media"] == {"images": [{"url": "https://example.org/a.png", "alt_text": None}], "video": None}
    assert post["platform_results"] is None
    assert post["published_at"] is None


def test_publishing_gives_a_result_per_network(octopost_sandbox: Sandbox, api: Any) -> None:
    octopost_sandbox.expire_account("linkedin")
    post = api.announce(platforms=("twitter", "bluesky", "linkedin"))
    assert post["status"] == "published"
    assert ISO.match(post["published_at"])
    results = post["platform_results"]
    assert results["twitter"]["success"] is True
    assert results["twitter"]["post_id"].isdigit()
    assert results["twitter"]["post_url"].startswith(octopost_sandbox.inbox_url)
    assert results["bluesky"]["post_id"].startswith("at://")
    assert results["linkedin"] == {"success": False, "error": results["linkedin"]["error"]}
    assert "expired" in results["linkedin"]["error"]
    assert [copy["network"] for copy in octopost_sandbox.live()] == ["twitter", "bluesky"]


def test_failing_everywhere_is_failed(octopost_sandbox: Sandbox, api: Any) -> None:
    octopost_sandbox.fail_network("twitter", "X is down.")
    post = api.announce()
    assert post["status"] == "failed"
    assert post["platform_results"] == {"twitter": {"success": False, "error": "X is down."}}
    assert post["published_at"] is None
    assert octopost_sandbox.live() == []


@pytest.mark.parametrize(
    ("content", "platforms", "more", "says"),
    [
        ("x" * 281, "twitter", {}, "281 of 280"),
        ("x" * 3001, "linkedin", {}, "3,001 of 3,000"),
        ("x", "instagram", {}, "need an image or a video"),
        ("x", "tiktok", {}, "need a video"),
        ("x", "bluesky", {"media": {"video": "https://example.org/a.mp4"}}, "Video is not supported"),
        ("x", "bluesky", {"media": {"images": ["https://example.org/a.png"] * 5}}, "at most 4 images"),
        ("x", "mastodon", {"segments": [{"content": "y" * 501}]}, "part 2 of 2"),
    ],
)
def test_a_network_refuses_what_breaks_its_rules(
    api: Any, content: str, platforms: str, more: dict[str, Any], says: str
) -> None:
    post = api.announce(content, (platforms,), **more)
    assert post["status"] == "failed"
    assert says in post["platform_results"][platforms]["error"]


def test_of_forty_publishes_at_once_one_commits(octopost_sandbox: Sandbox, api: Any) -> None:
    post_id = api.create()["id"]
    with ThreadPoolExecutor(20) as pool:
        statuses = sorted(reply.status_code for reply in pool.map(lambda _: api.publish(post_id), range(40)))
    assert statuses == [200] + [409] * 39
    assert len(octopost_sandbox.live("twitter")) == 1


def test_a_published_post_is_neither_published_nor_changed_again(api: Any) -> None:
    post_id = api.announce()["id"]
    for reply in (api.publish(post_id), api.call("PUT", f"/posts/{post_id}", json={"content": "other"})):
        assert reply.status_code == 409
        assert reply.json() == {"error": f"Post '{post_id}' has already been published.", "code": "conflict"}


def test_updating_and_deleting_a_draft(octopost_sandbox: Sandbox, api: Any) -> None:
    post_id = api.create()["id"]
    changed = api.call("PUT", f"/posts/{post_id}", json={"content": "Other"}).json()
    assert (changed["content"], changed["platforms"], changed["status"]) == ("Other", ["twitter"], "draft")
    assert api.call("DELETE", f"/posts/{post_id}").status_code == 204
    gone = api.call("GET", f"/posts/{post_id}")
    assert (gone.status_code, gone.json()["code"]) == (404, "not_found")
    assert octopost_sandbox.posts() == []
    assert octopost_sandbox.post(post_id)["deleted_at"] is not None


def test_scheduling_and_unscheduling_by_update(octopost_sandbox: Sandbox, api: Any) -> None:
    post_id = api.create()["id"]
    at = in_future(hours=2)
    scheduled = api.call("PUT", f"/posts/{post_id}", json={"scheduled_for": at}).json()
    assert (scheduled["status"], scheduled["scheduled_for"]) == ("scheduled", at)
    back = api.call("PUT", f"/posts/{post_id}", json={"scheduled_for": None}).json()
    assert (back["status"], back["scheduled_for"]) == ("draft", None)


def test_a_scheduled_post_goes_out_when_its_time_comes(octopost_sandbox: Sandbox, api: Any) -> None:
    octopost_sandbox.clock(freeze=True)
    first = api.create("first", scheduled_for=in_future(hours=1))
    second = api.create("second", scheduled_for=in_future(hours=2))
    assert first["status"] == "scheduled"
    octopost_sandbox.clock(advance=3500)
    assert api.get(first["id"])["status"] == "scheduled"
    octopost_sandbox.clock(jump=True)
    assert api.get(first["id"])["status"] == "published"
    assert api.get(second["id"])["status"] == "scheduled"
    octopost_sandbox.clock(advance=3600)
    assert api.get(second["id"])["status"] == "published"


def test_a_scheduled_post_goes_out_by_itself(octopost_sandbox: Sandbox, api: Any) -> None:
    post = api.create(scheduled_for=in_future(seconds=2))
    assert octopost_sandbox.wait("published", post["id"], timeout=10)["platform_results"]["twitter"]["success"]


def test_the_clock_is_on_every_reply(octopost_sandbox: Sandbox, api: Any) -> None:
    octopost_sandbox.clock(freeze="2030-05-06T07:08:09Z")
    reply = api.call("POST", "/posts", json={"content": "x", "platforms": ["twitter"]})
    assert parsedate_to_datetime(reply.headers["Date"]).isoformat() == "2030-05-06T07:08:09+00:00"
    assert reply.json()["created_at"] == "2030-05-06T07:08:09Z"
    octopost_sandbox.clock(resume=True, advance=60)
    assert api.call("GET", "/posts").headers["Date"] > "Mon, 06 May 2030 07:09"


def test_a_frozen_clock_still_orders_posts(octopost_sandbox: Sandbox, api: Any) -> None:
    octopost_sandbox.clock(freeze=True)
    octopost_sandbox.dialect(time_precision="microseconds", create_reply="full")
    stamps = [api.create(f"post {number}")["created_at"] for number in range(5)]
    assert stamps == sorted(set(stamps))


def test_a_thread_of_at_most_24_replies(octopost_sandbox: Sandbox, api: Any) -> None:
    replies = [{"content": f"reply {number}"} for number in range(24)]
    post = api.announce("root", ("twitter", "linkedin"), segments=replies)
    assert [segment["content"] for segment in post["segments"]] == [reply["content"] for reply in replies]
    assert len(octopost_sandbox.live("twitter")[0]["parts"]) == 25
    assert octopost_sandbox.live("linkedin")[0]["parts"] == ["root"]
    too_long = {"content": "root", "platforms": ["twitter"], "segments": [*replies, {"content": "one more"}]}
    assert api.call("POST", "/posts", json=too_long).status_code == 422


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"platforms": ["twitter"]}, "content"),
        ({"content": 7, "platforms": ["twitter"]}, "content"),
        ({"content": "  ", "platforms": ["twitter"]}, "content"),
        ({"content": "x"}, "platforms"),
        ({"content": "x", "platforms": []}, "platforms"),
        ({"content": "x", "platforms": ["x"]}, "platforms"),
        ({"content": "x", "platforms": [["twitter"]]}, "platforms"),
        ({"content": "x", "platforms": ["twitter"], "scheduled_for": "2020-01-01T00:00:00Z"}, "scheduled_for"),
        ({"content": "x", "platforms": ["twitter"], "scheduled_for": "2090-01-01T00:00:00"}, "scheduled_for"),
        ({"content": "x", "platforms": ["twitter"], "scheduled_for": "soon"}, "scheduled_for"),
        ({"content": "x", "platforms": ["twitter"], "media": {"images": [1]}}, "media"),
        ({"content": "x", "platforms": ["twitter"], "segments": [{"text": "y"}]}, "content"),
        ({"content": "x", "platforms": ["twitter"], "platform_options": []}, "platform_options"),
    ],
)
def test_wrong_fields_get_422_that_names_them(api: Any, body: dict[str, Any], field: str) -> None:
    reply = api.call("POST", "/posts", json=body)
    assert reply.status_code == 422
    assert reply.json()["code"] == "validation_error"
    assert list(reply.json()["details"]["fields"]) == [field]


@pytest.mark.parametrize(
    ("method", "path", "headers", "data"),
    [
        ("PATCH", "/posts", {"Content-Type": "application/json"}, b"{}"),
        ("POST", "/posts/post_1", {"Content-Type": "application/json"}, b"{}"),
        ("POST", "/posts", {}, b'{"content": "x", "platforms": ["twitter"]}'),
        ("POST", "/posts", {"Content-Type": "application/json"}, b'{"content": '),
        ("POST", "/posts", {"Content-Type": "application/json"}, b'["content"]'),
        ("POST", "/posts", {"Content-Type": "application/json"}, b'{"content": NaN}'),
        ("POST", "/posts", {"Content-Type": "application/json"}, rb'{"content": "\ud800"}'),
        ("POST", "/posts", {"Content-Type": "application/json"}, b"[" * 100_000),
    ],
)
def test_what_is_no_request_gets_400(api: Any, method: str, path: str, headers: dict[str, str], data: bytes) -> None:
    reply = api.call(method, path, headers=api.headers | headers, data=data)
    assert (reply.status_code, reply.json()["code"]) == (400, "bad_request")


def test_accounts_presets_and_webhooks(api: Any) -> None:
    accounts = api.call("GET", "/accounts").json()["accounts"]
    assert {account["platform"] for account in accounts} >= {"twitter", "bluesky", "telegram"}
    assert set(accounts[0]) == {
        "id", "platform", "platform_user_id", "username", "display_name", "avatar_url", "is_active", "connected_at",
        "last_used_at",
    }  # fmt: skip
    system = api.call("GET", "/presets").json()["presets"][0]
    assert system["platforms"] == ["twitter", "linkedin", "bluesky", "mastodon", "threads"]
    assert api.call("PUT", f"/presets/{system['id']}", json={"name": "Mine"}).status_code == 403
    own = api.call("POST", "/presets", json={"name": "Mine", "platforms": ["twitter"], "is_default": True})
    assert own.status_code == 201
    clash = api.call("POST", "/presets", json={"name": "Too", "platforms": ["twitter"], "is_default": True})
    assert (clash.status_code, clash.json()["code"]) == (409, "conflict")
    assert api.call("DELETE", f"/presets/{own.json()['id']}").status_code == 204
    hook = api.call("POST", "/webhooks", json={"url": "http://127.0.0.1:9/", "events": ["post.published"]}).json()
    assert hook["id"].startswith("wh_")
    assert hook["secret"].startswith("whsec_")
    assert api.call("GET", "/webhooks").json() == {"webhooks": [hook]}
    assert api.call("DELETE", f"/webhooks/{hook['id']}").status_code == 204
