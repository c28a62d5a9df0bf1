"""Webhooks against a real receiver."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from octopost_sandbox.process import Sandbox


class Receiver(ThreadingHTTPServer):
    """Takes deliveries; answers with ``answers`` in turn, then 200."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"

    def wait_for(self, number: int) -> list[dict[str, Any]]:
        until = time.monotonic() + 15
        while len(self.got) < number and time.monotonic() < until:
            time.sleep(0.02)
        assert len(self.got) >= number
        return [json.loads(body) for _, body in self.got]


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), body))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def register(api: Any, receiver: Receiver, *events: str) -> dict[str, Any]:
    made: dict[str, Any] = api.call("POST", "/webhooks", json={"url": receiver.url, "events": list(events)}).json()
    return made


def test_a_publish_is_delivered_and_signed(octopost_sandbox: Sandbox, api: Any, receiver: Receiver) -> None:
    hook = register(api, receiver, "post.published")
    post = api.announce()
    (event,) = receiver.wait_for(1)
    assert event["id"].startswith("evt_")
    assert event["type"] == "post.published"
    assert event["data"]["post"]["id"] == post["id"]
    assert event["data"]["post"]["platform_results"] == post["platform_results"]
    headers, body = receiver.got[0]
    stamp, _, digest = headers["X-Octopost-Signature"].removeprefix("t=").partition(",v1=")
    expected = hmac.new(hook["secret"].encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert digest == expected


def test_every_event_goes_to_who_wants_it(octopost_sandbox: Sandbox, api: Any, receiver: Receiver) -> None:
    register(api, receiver, "post.failed", "post.scheduled", "account.connected", "account.disconnected")
    api.announce("not wanted")
    api.create("later", scheduled_for="2090-01-01T00:00:00Z")
    octopost_sandbox.expire_account("twitter")
    octopost_sandbox.expire_account("twitter", active=True)
    octopost_sandbox.fail_network("twitter")
    api.announce("fails")
    events = receiver.wait_for(4)
    assert {event["type"] for event in events} == {
        "post.scheduled", "account.disconnected", "account.connected", "post.failed"
    }  # fmt: skip
    assert len({event["id"] for event in events}) == 4


def test_it_is_tried_again_with_the_same_event(octopost_sandbox: Sandbox, api: Any, receiver: Receiver) -> None:
    receiver.answers = [500, 302]
    register(api, receiver, "post.published")
    api.announce()
    events = receiver.wait_for(3)
    assert len({event["id"] for event in events}) == 1
    until = time.monotonic() + 5
    while len(octopost_sandbox.deliveries()) < 3 and time.monotonic() < until:
        time.sleep(0.02)
    log = octopost_sandbox.deliveries()
    assert [(entry["attempt"], entry["status"]) for entry in log] == [(1, 500), (2, 302), (3, 200)]


def test_a_receiver_that_is_away_is_in_the_log(octopost_sandbox: Sandbox, api: Any) -> None:
    api.call("POST", "/webhooks", json={"url": "http://127.0.0.1:9/", "events": ["post.published"]})
    api.announce()
    until = time.monotonic() + 5
    while not octopost_sandbox.deliveries() and time.monotonic() < until:
        time.sleep(0.02)
    first = octopost_sandbox.deliveries()[0]
    assert first["status"] is None
    assert "refused" in first["error"]


def test_an_inactive_webhook_stays_quiet(octopost_sandbox: Sandbox, api: Any, receiver: Receiver) -> None:
    quiet = register(api, receiver, "post.published")
    loud = register(api, receiver, "post.published")
    api.call("PUT", f"/webhooks/{quiet['id']}", json={"is_active": False})
    api.announce()
    receiver.wait_for(1)
    assert {entry["webhook_id"] for entry in octopost_sandbox.deliveries()} <= {loud["id"]}
