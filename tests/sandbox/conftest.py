"""A plain HTTP view of the sandbox: no client code of ours stands between the test and the wire."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from octopost_sandbox.process import Sandbox


class Api:
    """Make API calls as curl would."""

    def __init__(self, sandbox: Sandbox, key: str | None = None) -> None:
        self.base_url = sandbox.base_url
        self.headers = {"Authorization": f"Bearer {key or sandbox.api_key}"}

    def call(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("headers", self.headers)
        kwargs.setdefault("timeout", 20)
        return requests.request(method, self.base_url + path, **kwargs)

    def create(self, content: str = "Hello", platforms: tuple[str, ...] = ("twitter",), **more: Any) -> dict[str, Any]:
        reply = self.call("POST", "/posts", json={"content": content, "platforms": list(platforms), **more})
        assert reply.ok, reply.text
        made: dict[str, Any] = reply.json()
        return made

    def get(self, post_id: str) -> dict[str, Any]:
        reply = self.call("GET", f"/posts/{post_id}")
        assert reply.ok, reply.text
        found: dict[str, Any] = reply.json()
        return found

    def publish(self, post_id: str) -> requests.Response:
        return self.call("POST", f"/posts/{post_id}/publish")

    def announce(
        self, content: str = "Hello", platforms: tuple[str, ...] = ("twitter",), **more: Any
    ) -> dict[str, Any]:
        reply = self.publish(self.create(content, platforms, **more)["id"])
        assert reply.ok, reply.text
        out: dict[str, Any] = reply.json()
        return out


@pytest.fixture
def api(octopost_sandbox: Sandbox) -> Api:
    return Api(octopost_sandbox)
