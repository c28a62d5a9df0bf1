"""The ways Octopost may answer where its documentation is silent."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from octopost_sandbox.dialect import TABLE
from octopost_sandbox.process import Sandbox, SandboxError


def test_every_choice_is_labelled_and_served(octopost_sandbox: Sandbox) -> None:
    shown = octopost_sandbox.control("GET", "/dialect")
    assert shown["dialect"] == {choice.name: choice.default for choice in TABLE}
    assert {choice["label"] for choice in shown["choices"]} <= {"documented", "inferred", "guess"}
    assert all(choice["about"] for choice in shown["choices"])


@pytest.mark.parametrize("choices", [{"publish": "maybe"}, {"publsh": "sync"}, {"page_size": "-1"}, {"page_size": "x"}])
def test_a_choice_that_does_not_exist_changes_nothing(octopost_sandbox: Sandbox, choices: dict[str, str]) -> None:
    before = octopost_sandbox.dialect()
    with pytest.raises(SandboxError, match="400"):
        octopost_sandbox.dialect(wrap="data", **choices)
    assert octopost_sandbox.dialect() == before


def test_publish_async_by_polls(octopost_sandbox: Sandbox, api: Any) -> None:
    octopost_sandbox.dialect(publish="async", publish_polls=2)
    post_id = api.create()["id"]
    reply = api.publish(post_id)
    assert (reply.status_code, reply.json()["status"]) == (202, "publishing")
    assert api.publish(post_id).status_code == 409
    assert octopost_sandbox.live() == []
    assert [api.get(post_id)["status"] for _ in range(3)] == ["publishing", "publishing", "published"]
    assert len(octopost_sandbox.live()) == 1


def test_publish_async_by_seconds_of_the_sandboxes_clock(octopost_sandbox: Sandbox, api: Any) -> None:
    octopost_sandbox.clock(freeze=True)
    octopost_sandbox.dialect(publish="async", publish_seconds=60)
    post_id = api.create()["id"]
    api.publish(post_id)
    assert api.call("DELETE", f"/posts/{post_id}").status_code == 409
    octopost_sandbox.clock(advance=59)
    assert api.get(post_id)["status"] == "publishing"
    octopost_sandbox.clock(advance=1)
    assert api.get(post_id)["status"] == "published"


def test_publish_without_a_body(octopost_sandbox: Sandbox, api: Any) -> None:
    octopost_sandbox.dialect(publish="empty")
    post_id = api.create()["id"]
    reply = api.publish(post_id)
    assert (reply.status_code, reply.content) == (204, b"")
    assert api.get(post_id)["status"] == "published"


def test_a_synchronous_publish_is_held_until_it_is_done(octopost_sandbox: Sandbox, api: Any) -> None:
    octopost_sandbox.dialect(publish_seconds=0.5)
    post_id = api.create()["id"]
    with pytest.raises(requests.exceptions.ReadTimeout):
        api.call("POST", f"/posts/{post_id}/publish", timeout=0.1)
    assert api.get(post_id)["status"] == "publishing"
    assert api.publish(post_id).status_code == 409
    assert octopost_sandbox.wait("published", post_id)["id"] == post_id
    assert api.announce("again")["status"] == "published"


@pytest.mark.parametrize("wrap", ["posts", "data", "items", "bare"])
@pytest.mark.parametrize("paging", ["cursor", "page", "offset", "none"])
@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_lists(octopost_sandbox: Sandbox, api: Any, wrap: str, paging: str, order: str) -> None:
    octopost_sandbox.dialect(list_wrap=wrap, paging=paging, order=order, page_size=3)
    octopost_sandbox.seed([{"content": f"post {number}", "platforms": ["twitter"]} for number in range(7)])
    found: list[str] = []
    query: dict[str, Any] = {}
    for _ in range(10):
        reply = api.call("GET", "/posts", params=query)
        body = reply.json()
        posts = body if wrap == "bare" else body[wrap]
        found += [post["content"] for post in posts]
        if wrap == "bare":
            if "next" not in reply.links:
                break
            query = dict(pair.split("=") for pair in reply.links["next"]["url"].partition("?")[2].split("&"))
        elif body.get("next_cursor"):
            assert body["has_more"] is True
            query = {"cursor": body["next_cursor"]}
        elif paging == "page" and body["page"] < body["total_pages"]:
            query = {"page": body["page"] + 1}
        elif paging == "offset" and body["offset"] + body["limit"] < body["total"]:
            query = {"offset": body["offset"] + body["limit"]}
        else:
            break
    expected = [f"post {number}" for number in range(7)]
    assert found == (expected[::-1] if order == "newest" else expected)


def test_a_cursor_holds_while_posts_arrive(octopost_sandbox: Sandbox, api: Any) -> None:
    octopost_sandbox.dialect(page_size=2)
    for number in range(4):
        api.create(f"post {number}")
    first = api.call("GET", "/posts").json()
    api.create("late")
    second = api.call("GET", "/posts", params={"cursor": first["next_cursor"]}).json()
    assert [post["content"] for post in second["posts"]] == ["post 1", "post 0"]
    assert api.call("GET", "/posts", params={"cursor": "???"}).status_code == 422


def test_filters(octopost_sandbox: Sandbox, api: Any) -> None:
    api.create("draft")
    api.announce("out", ("bluesky",))
    query = {"status": "published", "platform": "bluesky", "limit": "5"}
    assert [post["content"] for post in api.call("GET", "/posts", params=query).json()["posts"]] == ["out"]
    octopost_sandbox.dialect(list_filters="ignored")
    assert len(api.call("GET", "/posts", params=query).json()["posts"]) == 2


def test_a_new_post_lags_in_lists(octopost_sandbox: Sandbox, api: Any) -> None:
    octopost_sandbox.clock(freeze=True)
    octopost_sandbox.dialect(list_lag_seconds=5)
    post_id = api.create()["id"]
    assert api.get(post_id)["id"] == post_id
    assert api.call("GET", "/posts").json()["posts"] == []
    octopost_sandbox.clock(advance=6)
    assert len(api.call("GET", "/posts").json()["posts"]) == 1


@pytest.mark.parametrize("wrap", ["post", "data"])
def test_single_posts_can_be_wrapped(octopost_sandbox: Sandbox, api: Any, wrap: str) -> None:
    octopost_sandbox.dialect(wrap=wrap)
    post_id = api.create()[wrap]["id"]
    assert api.get(post_id)[wrap]["id"] == post_id


def test_put_merges_or_replaces(octopost_sandbox: Sandbox, api: Any) -> None:
    media = {"images": [{"url": "https://example.org/a.png", "alt_text": "A"}], "video": None}
    post_id = api.create(media=media)["id"]
    assert api.call("PUT", f"/posts/{post_id}", json={"content": "b"}).json()["media"] == media
    octopost_sandbox.dialect(put="replace")
    assert api.call("PUT", f"/posts/{post_id}", json={"content": "c"}).status_code == 422
    body = {"content": "c", "platforms": ["bluesky"]}
    replaced = api.call("PUT", f"/posts/{post_id}", json=body).json()
    assert (replaced["media"], replaced["platforms"]) == ({"images": [], "video": None}, ["bluesky"])


def test_put_may_not_schedule(octopost_sandbox: Sandbox, api: Any) -> None:
    post_id = api.create()["id"]
    body = {"scheduled_for": "2090-01-01T00:00:00Z"}
    octopost_sandbox.dialect(put_schedules="no")
    assert api.call("PUT", f"/posts/{post_id}", json=body).json()["status"] == "draft"
    octopost_sandbox.dialect(put_schedules="refused")
    assert api.call("PUT", f"/posts/{post_id}", json=body).status_code == 422


def test_threads_under_either_name(octopost_sandbox: Sandbox, api: Any) -> None:
    dropped = api.announce("root", thread=[{"content": "a"}, {"content": "b"}])
    assert (dropped["content"], dropped["segments"]) == ("root", None)
    octopost_sandbox.dialect(threads="thread")
    body = {"thread": [{"content": "first"}, {"content": "second"}], "platforms": ["twitter"]}
    made = api.call("POST", "/posts", json=body).json()
    post = api.get(made["id"])
    assert post["content"] == "first"
    assert [part["content"] for part in post["thread"]] == ["first", "second"]
    assert "segments" not in post
    ignored = api.get(api.create("root", segments=[{"content": "a"}])["id"])
    assert ignored["thread"] is None


def test_replies_with_fields_nobody_knows(octopost_sandbox: Sandbox, api: Any) -> None:
    octopost_sandbox.dialect(extra_fields="yes", create_reply="full", create_status=200)
    made = api.create()
    assert made["workspace_id"] == "ws_sandbox"
    assert "platform_results" in made


def test_unknown_fields_may_be_refused(octopost_sandbox: Sandbox, api: Any) -> None:
    body = {"content": "x", "platforms": ["twitter"], "mood": "good"}
    assert api.call("POST", "/posts", json=body).status_code == 201
    octopost_sandbox.dialect(unknown_fields="reject")
    assert list(api.call("POST", "/posts", json=body).json()["details"]["fields"]) == ["mood"]


@pytest.mark.parametrize(("choice", "shown"), [("null", None), ("empty", {}), ("absent", "absent")])
def test_results_before_publishing(octopost_sandbox: Sandbox, api: Any, choice: str, shown: object) -> None:
    octopost_sandbox.dialect(empty_results=choice)
    assert api.get(api.create()["id"]).get("platform_results", "absent") == shown


def test_too_long_a_text_may_be_an_error(octopost_sandbox: Sandbox, api: Any) -> None:
    octopost_sandbox.dialect(limit_violation="error")
    post_id = api.create("x" * 281, ("mastodon", "twitter"))["id"]
    reply = api.publish(post_id)
    assert (reply.status_code, reply.json()["details"]) == (422, {"platform": "twitter"})
    assert api.get(post_id)["status"] == "draft"


def test_a_failed_post_may_be_published_again(octopost_sandbox: Sandbox, api: Any) -> None:
    octopost_sandbox.fault("publish", "partial_network_failure", networks=["twitter"])
    post_id = api.announce()["id"]
    octopost_sandbox.dialect(republish_failed="conflict")
    assert api.publish(post_id).status_code == 409
    octopost_sandbox.dialect(republish_failed="allowed")
    assert api.publish(post_id).json()["status"] == "published"


def test_delete_answers_and_reaches(octopost_sandbox: Sandbox, api: Any) -> None:
    octopost_sandbox.dialect(delete="200")
    post_id = api.announce()["id"]
    assert api.call("DELETE", f"/posts/{post_id}").json() == {"id": post_id, "deleted": True}
    assert octopost_sandbox.live() == []
    octopost_sandbox.dialect(delete_reach="record")
    api.call("DELETE", f"/posts/{api.announce('stays')['id']}")
    assert len(octopost_sandbox.live()) == 1


@pytest.mark.parametrize(("precision", "length"), [("seconds", 20), ("milliseconds", 24), ("microseconds", 27)])
def test_times_have_the_precision(octopost_sandbox: Sandbox, api: Any, precision: str, length: int) -> None:
    octopost_sandbox.dialect(time_precision=precision)
    post = api.announce()
    assert {len(post[name]) for name in ("created_at", "updated_at", "published_at")} == {length}


def test_headers_of_a_publish_may_describe_the_general_window(octopost_sandbox: Sandbox, api: Any) -> None:
    octopost_sandbox.tier("starter")
    octopost_sandbox.dialect(publish_headers="general")
    assert api.publish(api.create()["id"]).headers["X-RateLimit-Limit"] == "300"


def test_options_come_back_or_not(octopost_sandbox: Sandbox, api: Any) -> None:
    options = {"tiktok": {"privacy_level": "SELF_ONLY"}}
    post_id = api.create(platform_options=options)["id"]
    assert api.get(post_id)["platform_options"] == options
    octopost_sandbox.dialect(echo_options="no")
    assert "platform_options" not in api.get(post_id)


def test_the_documented_minute_of_the_scheduler(start_octopost_sandbox: Any) -> None:
    sandbox = start_octopost_sandbox("--scheduler-interval", "60")
    sandbox.clock(freeze="2030-01-01T00:00:00Z")
    time.sleep(0.5)  # the job has looked once at the frozen time
    (post_id,) = sandbox.seed([{"content": "x", "platforms": ["twitter"], "scheduled_for": "2030-01-01T00:00:10Z"}])
    sandbox.clock(advance=20)
    assert sandbox.post(post_id)["status"] == "scheduled"
    sandbox.clock(advance=40)
    assert sandbox.post(post_id)["status"] == "published"
