"""The examples of the API overview: requests byte for byte, replies with what they show and nothing more."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from octopost_core import OctopostClient, PostDraft
from tests.core.scripted_server import Received, reply, scripted

KEY = "oct_your_api_key_here"
OVERVIEW = Path(__file__).parents[3] / "shared" / "octopost-api-overview.txt"

CREATED = {
    "id": "post_abc123",
    "content": "Hello from the Octopost API!",
    "platforms": ["twitter", "bluesky"],
    "status": "draft",
    "created_at": "2026-04-03T12:00:00Z",
    "updated_at": "2026-04-03T12:00:00Z",
}


def test_create_is_the_documented_request() -> None:
    with scripted(reply(201, CREATED)) as server, OctopostClient(KEY, server.url) as client:
        post = client.create_post(PostDraft(content="Hello from the Octopost API!", platforms=["twitter", "bluesky"]))
    (request,) = server.received
    assert (request.method, request.target) == ("POST", "/v1/posts")
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.headers["Content-Type"] == "application/json"
    assert request.body == b'{"content": "Hello from the Octopost API!", "platforms": ["twitter", "bluesky"]}'
    assert post.id == "post_abc123"
    assert post.status == "draft"
    assert post.platforms == ["twitter", "bluesky"]
    assert post.created_at is not None
    assert post.created_at.isoformat() == "2026-04-03T12:00:00+00:00"
    assert (post.scheduled_for, post.media, post.segments, post.platform_results, post.published_at) == (
        None,
        None,
        None,
        {},
        None,
    )


def test_publish_is_the_documented_request() -> None:
    with scripted(reply(200, {**CREATED, "status": "published"})) as server, OctopostClient(KEY, server.url) as client:
        client.publish_post("post_abc123")
    (request,) = server.received
    assert (request.method, request.target, request.body) == ("POST", "/v1/posts/post_abc123/publish", b"")
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.headers["Content-Type"] == "application/json"


@pytest.mark.skipif(not OVERVIEW.exists(), reason="the API overview lies beside the checkout, not in it")
def test_the_overview_still_shows_these_examples() -> None:
    text = OVERVIEW.read_text()
    create, publish = re.findall(r"curl -X (POST \S+)", text)
    assert create == "POST https://api.octopost.ink/v1/posts"
    assert publish == "POST https://api.octopost.ink/v1/posts/post_abc123/publish"
    body = re.search(r"-d '(\{.*?\})'", text, re.S)
    assert body is not None
    assert json.loads(body[1]) == {"content": CREATED["content"], "platforms": CREATED["platforms"]}
    shown = re.search(r"^\{\n  \"id\".*?^\}", text, re.S | re.M)
    assert shown is not None
    assert json.loads(shown[0]) == CREATED


def test_unknown_fields_are_kept_and_odd_ones_do_no_harm() -> None:
    odd = {
        **CREATED,
        "status": "embargoed",
        "brand_new": {"a": 1},
        "media": "none",
        "published_at": "soon",
        "platforms": ["twitter", 7],
        "platform_results": {
            "twitter": {"success": True, "post_url": "https://x.example/1", "likes": 3},
            "bluesky": {"error": {"code": "expired", "message": "Reconnect."}},
            "mastodon": None,
        },
    }
    with scripted(reply(200, {"data": odd})) as server, OctopostClient(KEY, server.url) as client:
        post = client.get_post("post_abc123")
    assert post.to_dict()["brand_new"] == {"a": 1}
    assert (post.platform_results["twitter"].model_extra or {})["likes"] == 3
    assert post.status == "embargoed"
    assert (post.media, post.published_at, post.platforms) == (None, None, ["twitter"])
    assert post.live == {"twitter": "https://x.example/1"}
    assert post.failed == {"bluesky": "Reconnect."}
    assert post.platform_results["bluesky"].error_code == "expired"
    assert post.platform_results["mastodon"].success is None


def test_the_key_goes_to_the_base_url_only_and_no_redirect_is_followed() -> None:
    with scripted(reply(200, {"posts": []})) as elsewhere:
        moved = reply(302, None, Location=elsewhere.url + "/posts")
        with scripted(moved) as server, OctopostClient(KEY, server.url) as client:
            with pytest.raises(Exception, match="302") as caught:
                client.create_post(PostDraft(content="Hello", platforms=["twitter"]))
            with pytest.raises(Exception, match="302"):
                list(client.list_posts())
        assert elsewhere.received == []
    assert type(caught.value).__name__ == "UnexpectedRedirect"


def test_netrc_does_not_replace_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with scripted(reply(200, CREATED)) as server, OctopostClient(KEY, server.url) as client:
        client.get_post("post_abc123")
    assert _only(server.received).headers["Authorization"] == f"Bearer {KEY}"


def test_who_asks_is_told() -> None:
    with scripted(reply(200, CREATED)) as server, OctopostClient(KEY, server.url, user_agent="airflow/3.3.2") as client:
        client.get_post("a/b c")
    request = _only(server.received)
    assert re.fullmatch(
        r"octopost-python/\d+\.\d+\.\d+ \(python 3\.\d+\.\d+\) airflow/3\.3\.2", request.headers["User-Agent"]
    )
    assert re.fullmatch(r"[0-9a-f-]{36}", request.headers["X-Request-Id"])
    assert request.target == "/v1/posts/a%2Fb%20c"


def _only(received: list[Received]) -> Received:
    (request,) = received
    return request
