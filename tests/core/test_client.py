"""The client's errors, retries and waits, over real sockets; only sleeping is patched."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from octopost_core import OctopostClient, OctopostError, PostDraft, Timeout, errors
from octopost_core.client import Page
from octopost_sandbox.process import Sandbox
from tests.core.scripted_server import reply, scripted

KEY = "oct_test_0123456789abcdef"
POST = {"id": "post_1", "content": "Hello", "platforms": ["twitter"], "status": "draft"}
DRAFT = PostDraft(content="Hello", platforms=["twitter"])

Call = Callable[[OctopostClient], Any]
CREATE: Call = lambda client: client.create_post(DRAFT)  # noqa: E731
GET: Call = lambda client: client.get_post("post_1")  # noqa: E731
DELETE: Call = lambda client: client.delete_post("post_1")  # noqa: E731
PUBLISH: Call = lambda client: client.publish_post("post_1")  # noqa: E731


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Sleep not at all, and keep what was asked for."""
    naps: list[float] = []
    monkeypatch.setattr(time, "sleep", naps.append)
    return naps


def connect(server: Any, **settings: Any) -> OctopostClient:
    return OctopostClient(KEY, server.url, Timeout(connect=2, read=0.3, publish=0.3), **settings)


def envelope(code: str, words: str, **more: Any) -> dict[str, Any]:
    return {"error": words, "code": code, **more}


@pytest.mark.parametrize(
    ("status", "body", "kind", "exit_code", "says"),
    [
        (400, envelope("bad_request", "Request body must be valid JSON"), errors.BadRequest, 2, "valid JSON"),
        (
            401,
            envelope("unauthorized", "Invalid or expired API key"),
            errors.AuthenticationError,
            2,
            "Settings > API Keys",
        ),
        (403, envelope("forbidden", "Missing scope"), errors.PermissionDenied, 2, "posts:write"),
        (404, envelope("not_found", "Post not found"), errors.NotFound, 2, "Check the id"),
        (409, envelope("conflict", "Post is publishing"), errors.Conflict, 1, "may already be live"),
        (
            422,
            envelope("validation_error", "Invalid", details={"platforms": ["must not be empty"]}),
            errors.UnprocessableContent,
            2,
            "platforms: must not be empty",
        ),
        (418, "I am a teapot", errors.BadRequest, 2, "I am a teapot"),
    ],
)
def test_each_refusal_has_its_error_and_is_sent_once(
    status: int, body: Any, kind: type[errors.APIError], exit_code: int, says: str
) -> None:
    script = reply(status, text=body) if isinstance(body, str) else reply(status, body)
    with scripted(script) as server, connect(server) as client, pytest.raises(kind) as caught:
        CREATE(client)
    assert len(server.received) == 1
    assert caught.value.status == status
    assert caught.value.exit_code == exit_code
    assert says in str(caught.value)
    assert not caught.value.retryable
    assert not caught.value.may_have_happened
    assert caught.value.request_id


@pytest.mark.parametrize("call", [CREATE, PUBLISH])
@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (None, errors.ResponseLost),
        (reply(200, text="<html>Welcome</html>"), errors.InvalidResponse),
        (reply(200, POST)[:-20], errors.ResponseLost),
        (reply(500, envelope("internal_error", "Oops")), errors.ServerError),
        (reply(503, text="<h1>Unavailable</h1>"), errors.ServerError),
    ],
)
def test_a_write_whose_fate_is_unknown_is_sent_once_and_says_so(
    call: Call, script: bytes | None, kind: type[OctopostError]
) -> None:
    with scripted(script) as server, connect(server) as client, pytest.raises(kind) as caught:
        call(client)
    assert len(server.received) == 1
    assert caught.value.may_have_happened


def test_a_write_without_reply_in_time_may_have_happened() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        with (
            OctopostClient(KEY, url, Timeout(read=0.2, publish=0.2)) as client,
            pytest.raises(errors.ResponseLost, match=r"No reply to POST /posts/post_1/publish within 0\.2 s") as caught,
        ):
            PUBLISH(client)
    assert caught.value.may_have_happened


@pytest.mark.parametrize("call", [CREATE, PUBLISH, GET, DELETE])
def test_a_refused_connection_is_tried_again_and_told(call: Call, slept: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with (
        OctopostClient(KEY, f"http://127.0.0.1:{port}/v1") as client,
        pytest.raises(errors.ConnectFailed, match=r"refused.*Check the base URL") as caught,
    ):
        call(client)
    assert len(slept) == 4
    assert not caught.value.may_have_happened


@pytest.mark.parametrize("trouble", [None, reply(500, text="no"), reply(200, text="<html>")])
def test_a_read_is_tried_again(trouble: bytes | None) -> None:
    with scripted(trouble, trouble, reply(200, POST)) as server, connect(server) as client:
        assert GET(client).id == "post_1"
    assert len(server.received) == 3


def test_a_deleted_post_counts_as_deleted_only_when_we_may_have_done_it() -> None:
    gone = reply(404, envelope("not_found", "Post not found"))
    with scripted(None, gone) as server, connect(server) as client:
        DELETE(client)
    with scripted(gone) as server, connect(server) as client, pytest.raises(errors.NotFound):
        DELETE(client)
    assert len(server.received) == 1


def test_an_update_is_compared_before_it_is_sent_again() -> None:
    later = datetime(2030, 1, 1, 12, tzinfo=UTC)
    changed = {**POST, "status": "scheduled", "scheduled_for": "2030-01-01T12:00:00+00:00"}
    with scripted(reply(200, POST), None, reply(200, changed)) as server, connect(server) as client:
        assert client.update_post("post_1", scheduled_for=later).status == "scheduled"
    assert [request.method for request in server.received] == ["GET", "PUT", "GET"]
    assert b'"scheduled_for": "2030-01-01T12:00:00Z"' in server.received[1].body
    assert b'"content": "Hello"' in server.received[1].body
    with scripted(reply(200, POST), None, reply(200, POST), reply(200, changed)) as server, connect(server) as client:
        client.update_post("post_1", scheduled_for=later)
    assert [request.method for request in server.received] == ["GET", "PUT", "GET", "PUT"]


@pytest.mark.parametrize(
    ("headers", "details", "wait"),
    [
        ({"Retry_After": "7"}, None, 7),
        ({"Retry_After": "3", "X_RateLimit_Reset": "1"}, {"retry_after": 50}, 3),
        ({}, {"retry_after": 9}, 9),
        ({"Retry_After": "-5"}, {"retry_after": 4}, 4),
        ({"Retry_After": "99999999"}, {"retry_after": 4}, 4),
        ({"Retry_After": "soon"}, {"reset_at": "ISO in 30 s"}, 30),
        ({"Retry_After": "HTTP date in 40 s"}, None, 40),
        # The docs' own sample: a reset two years before the request.
        ({"X_RateLimit_Reset": "1712150460"}, {"reset_at": "2124-04-03T12:00:00Z"}, None),
    ],
)
def test_a_429_is_waited_out_as_told(
    headers: dict[str, str], details: Any, wait: float | None, slept: list[float]
) -> None:
    now = datetime.now(UTC)  # taken here: the parameters were made long before this test's turn came
    moments = {
        "ISO in 30 s": (now + timedelta(seconds=30)).isoformat(),
        "HTTP date in 40 s": format_datetime(now + timedelta(seconds=40), usegmt=True),
    }
    headers = {name: moments.get(value, value) for name, value in headers.items()}
    details = details and {name: moments.get(value, value) for name, value in details.items()}
    limited = reply(429, envelope("rate_limited", "Slow down", details=details), **headers)
    with scripted(limited, reply(201, POST)) as server, connect(server) as client:
        CREATE(client)
    assert len(server.received) == 2
    (nap,) = slept
    if wait is None:
        assert 0 < nap <= 8
    else:
        assert wait - 3 <= nap <= wait + 1


def test_a_wait_beyond_the_budget_is_told_not_slept(slept: list[float]) -> None:
    limited = reply(429, envelope("rate_limited", "Slow down"), Retry_After="1800")
    with scripted(limited) as server, connect(server) as client, pytest.raises(errors.RateLimited) as caught:
        PUBLISH(client)
    assert slept == []
    assert caught.value.exit_code == 5
    assert caught.value.retry_after == 1800
    assert caught.value.reset_at is not None
    assert abs((caught.value.reset_at - datetime.now(UTC)).total_seconds() - 1800) < 5
    assert "Run it again not before" in str(caught.value)


def test_a_window_known_to_be_used_up_is_waited_out_before_asking(slept: list[float]) -> None:
    reset = str(int(time.time()) + 20)
    used_up = {"X_RateLimit_Limit": "60", "X_RateLimit_Remaining": "0", "X_RateLimit_Reset": reset}
    with scripted(reply(200, POST, **used_up), reply(200, POST)) as server, connect(server) as client:
        GET(client)
        assert slept == []
        assert client.rate_limit is not None
        assert (client.rate_limit.limit, client.rate_limit.remaining) == (60, 0)
        PUBLISH(client)  # publishing has a window of its own
        assert slept == []
        GET(client)
    assert len(slept) == 1
    assert 15 < slept[0] < 22
    assert len(server.received) == 3


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("oct_live_abc def", "malformed"),
        ("oct_\u200babc", "malformed"),
        ("a\nb", "malformed"),
    ],
)
def test_a_key_that_cannot_be_sent_is_refused_without_repeating_it(key: str, says: str) -> None:
    with pytest.raises(errors.InvalidInput, match=says) as caught:
        OctopostClient(key)
    assert not key.strip() or key.strip() not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "url", "fine"),
    [
        ("oct_live_x", "https://api.octopost.ink/v1", True),
        ("oct_live_x", "http://127.0.0.1:8787/v1", True),
        ("oct_live_x", "http://[::1]:8787/v1", True),
        ("oct_live_x", "http://localhost:8787/v1", True),
        ("oct_test_x", "http://sandbox:8787/v1", True),
        ("oct_live_x", "http://api.octopost.ink/v1", False),
        ("oct_live_x", "http://127.0.0.1.evil.example/v1", False),
        ("oct_live_x", "https://user:pass@api.octopost.ink/v1", False),
        ("oct_live_x", "https://api.octopost.ink/v1?x=1", False),
        ("oct_live_x", "ftp://api.octopost.ink", False),
        ("oct_live_x", "api.octopost.ink/v1", False),
        ("oct_live_x", "https://api.octopost.ink:port/v1", False),
    ],
)
def test_the_key_leaves_this_machine_only_encrypted(key: str, url: str, fine: bool) -> None:
    if fine:
        OctopostClient(key, url).close()
        return
    with pytest.raises(errors.InvalidInput) as caught:
        OctopostClient(key, url)
    assert caught.value.field == "base_url"


def test_the_key_is_nowhere_to_be_read(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    echo = reply(400, envelope("bad_request", f"cannot use Bearer {KEY}", details={"seen": KEY}))
    with scripted(echo) as server, connect(server) as client:
        with pytest.raises(errors.BadRequest) as caught:
            GET(client)
        shown = [repr(client), str(client.__dict__), repr(caught.value), str(caught.value), str(caught.value.details)]
    assert KEY not in "".join([*shown, caplog.text])
    assert caught.value.__context__ is None or KEY not in repr(caught.value.__context__)


def test_an_empty_id_never_reaches_the_list() -> None:
    with scripted(reply(200, POST)) as server, connect(server) as client, pytest.raises(errors.InvalidInput):
        client.delete_post(" ")
    assert server.received == []


# --- lists -----------------------------------------------------------------------------------------------------------


def _item(number: int) -> dict[str, Any]:
    return {**POST, "id": f"post_{number}", "created_at": f"2026-01-01T12:00:{59 - number:02}Z"}


@pytest.mark.parametrize(
    ("first", "query"),
    [
        ({"posts": [_item(1)], "next_cursor": "c2"}, "cursor=c2"),
        ({"data": [_item(1)], "pagination": {"has_more": True, "cursor": "c2"}}, "cursor=c2"),
        ({"items": [_item(1)], "page": 1, "total_pages": 2}, "page=2"),
        ({"posts": [_item(1)], "meta": {"page": 1, "total": 2}}, "page=2"),
        ({"posts": [_item(1)], "total": 2, "offset": 0}, "offset=1"),
        ({"posts": [_item(1)], "has_more": True}, "offset=1"),
        ({"posts": [_item(1)], "next": "https://evil.example/v1/posts?cursor=c2&limit=1"}, "cursor=c2&limit=1"),
        ({"data": {"posts": [_item(1)], "next_cursor": "c2"}}, "cursor=c2"),
    ],
)
def test_the_next_page_is_found_however_it_is_told(first: Any, query: str) -> None:
    with scripted(reply(200, first), reply(200, {"posts": [_item(2)]})) as server, connect(server) as client:
        assert [post.id for post in client.list_posts()] == ["post_1", "post_2"]
    assert [request.target for request in server.received] == ["/v1/posts", f"/v1/posts?{query}"]


def test_a_server_that_ignores_paging_is_not_asked_forever() -> None:
    same = reply(200, {"posts": [_item(1)], "has_more": True})
    with scripted(same) as server, connect(server) as client:
        pages = list(client.list_pages())
    assert len(server.received) == 2
    assert [page.more for page in pages] == [True], "the caller must see that not everything was read"


def test_long_pages_are_asked_for_on_each_page() -> None:
    pages = [reply(200, {"posts": [_item(1)], "next_cursor": "c2"}), reply(200, {"posts": [_item(2)]})]
    with scripted(*pages) as server, connect(server) as client:
        assert [post.id for page in client.list_pages(page_size=100) for post in page.posts] == ["post_1", "post_2"]
    assert [request.target for request in server.received] == ["/v1/posts?limit=100", "/v1/posts?limit=100&cursor=c2"]


@pytest.mark.parametrize("status", [400, 422])
def test_a_server_that_knows_no_page_size_is_asked_without(status: int) -> None:
    refusal = reply(status, {"error": "Unknown parameter limit", "code": "validation_error"})
    pages = [reply(200, {"posts": [_item(1)], "next_cursor": "c2"}), reply(200, {"posts": [_item(2)]})]
    with scripted(refusal, *pages) as server, connect(server) as client:
        assert [post.id for page in client.list_pages(page_size=100) for post in page.posts] == ["post_1", "post_2"]
    assert [request.target for request in server.received][1:] == ["/v1/posts", "/v1/posts?cursor=c2"]


def test_an_empty_first_page_is_a_page() -> None:
    """Its Date header is what the election waits for."""
    with scripted(reply(200, {"posts": []})) as server, connect(server) as client:
        assert [page.posts for page in client.list_pages(page_size=100)] == [[]]
    assert len(server.received) == 1


def test_reading_stops_where_the_past_begins() -> None:
    since = datetime(2026, 1, 1, 12, 0, 57, tzinfo=UTC)
    scripts = [reply(200, {"posts": [_item(number)], "next_cursor": f"c{number}"}) for number in (1, 2, 3, 4)]
    with scripted(*scripts) as server, connect(server) as client:
        pages = list(client.list_pages(since=since))
    assert [post.id for page in pages for post in page.posts] == ["post_1", "post_2", "post_3"]
    assert len(server.received) == 3
    assert not pages[-1].more, "all that matters was read"


def test_oldest_first_is_read_to_the_end() -> None:
    since = datetime(2026, 1, 1, 12, 0, 57, tzinfo=UTC)
    pages = [reply(200, {"posts": [_item(n)], "next_cursor": f"c{n}" if n > 1 else None}) for n in (4, 3, 2, 1)]
    with scripted(*pages) as server, connect(server) as client:
        assert [post.id for post in client.list_posts(since=since)] == ["post_2", "post_1"]
    assert len(server.received) == 4


def test_an_odd_item_never_fails_a_list() -> None:
    with scripted(reply(200, [_item(1), "odd", {"no": "id"}, None, _item(2)])) as server, connect(server) as client:
        assert [post.id for post in client.list_posts()] == ["post_1", "post_2"]


def test_what_is_no_list_is_told() -> None:
    with (
        scripted(reply(200, {"hello": 1})) as server,
        connect(server) as client,
        pytest.raises(errors.InvalidResponse, match="holds no list of accounts"),
    ):
        list(client.list_accounts())
    assert len(server.received) == 1


def test_accounts_presets_and_pages_of_the_sandbox(octopost_sandbox: Sandbox) -> None:
    octopost_sandbox.seed([{"content": f"number {n}", "platforms": ["twitter"]} for n in range(45)])
    with OctopostClient(octopost_sandbox.api_key, octopost_sandbox.base_url) as client:
        assert {account.platform for account in client.list_accounts()} >= {"twitter", "bluesky"}
        assert "All Platforms" in {preset.name for preset in client.list_presets()}
        assert len(list(client.list_posts())) == 45
        assert len(list(client.list_posts(limit=3))) == 3
        assert list(client.list_posts(status="published")) == []
        page: Page = next(client.list_pages())
        assert page.more
        assert page.date is not None
