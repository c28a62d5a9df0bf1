"""The inbox over HTTP: what the pages contain, and that nothing in them can run."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
import requests

from octopost_sandbox.process import Sandbox

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "{{ 7 * 7 }} ${7*7}",
    "javascript:alert(1)",
    'https://example.org/"onmouseover="alert(1)',
    "\u202egnp.exe",
    "null \x00 byte",
    "x" * 1000,
)


def fetch(sandbox: Sandbox, path: str = "/") -> str:
    reply = requests.get(sandbox.root + path, timeout=10)
    assert reply.status_code == 200, reply.text
    return reply.text


def press(sandbox: Sandbox, action: str, target: str = "", value: str = "", **headers: str) -> requests.Response:
    form = {"action": action, "target": target, "value": value, "back": "/controls"}
    sent = {"Origin": sandbox.root} | headers
    return requests.post(f"{sandbox.root}/act", data=form, headers=sent, timeout=10, allow_redirects=False)


def rows(page: str) -> list[str]:
    return re.findall(r'<a class="row-link" href="/posts/([^"]+)"', page)


def test_an_empty_inbox_tells_how_to_begin(octopost_sandbox: Sandbox) -> None:
    page = fetch(octopost_sandbox)
    assert "Nothing has been posted yet" in page
    assert octopost_sandbox.base_url in page
    assert octopost_sandbox.api_key in page


def test_newest_first_with_search_and_filters(octopost_sandbox: Sandbox, api: Any) -> None:
    draft = api.create("Caf\u00e9 notes")["id"]
    out = api.announce("Version 1.0 https://example.org/1.0", ("bluesky",))["id"]
    octopost_sandbox.fail_network("twitter")
    partly = api.announce("Version 1.1", ("twitter", "bluesky"))["id"]
    gone = api.create("gone")["id"]
    api.call("DELETE", f"/posts/{gone}")
    assert rows(fetch(octopost_sandbox)) == [partly, out, draft]
    for query, expected in {
        "q=cafe%CC%81": [draft],
        "q=example.org": [out],
        f"q={draft}": [draft],
        "q=nothing-like-it": [],
        "status=draft": [draft],
        "status=published": [partly, out],
        "status=partial": [partly],
        "status=deleted": [gone],
        "network=twitter": [partly, draft],
        "network=twitter&status=draft&q=notes": [draft],
    }.items():
        assert rows(fetch(octopost_sandbox, f"/?{query}")) == expected, query


def test_long_lists_have_pages(octopost_sandbox: Sandbox) -> None:
    octopost_sandbox.seed([{"content": f"post {number}", "platforms": ["twitter"]} for number in range(120)])
    first = fetch(octopost_sandbox, "/?q=post")
    assert len(rows(first)) == 50
    assert "/?q=post&amp;from=50" in first
    assert len(rows(fetch(octopost_sandbox, "/?q=post&from=100"))) == 20
    assert fetch(octopost_sandbox, "/?from=x")


@pytest.mark.parametrize("content", HOSTILE)
def test_hostile_text_is_only_text(octopost_sandbox: Sandbox, api: Any, content: str) -> None:
    octopost_sandbox.fail_network("mastodon", content)
    media = {"images": [{"url": content, "alt_text": content}], "video": None}
    (account,) = [a for a in octopost_sandbox.control("GET", "/accounts")["accounts"] if a["platform"] == "bluesky"]
    octopost_sandbox.control("POST", f"/accounts/{account['id']}", {"display_name": content, "username": content})
    networks = ("bluesky", "mastodon", "discord", "youtube", "instagram", "linkedin")
    post_id = api.announce(content, networks, media=media, segments=[{"content": content}])["id"]
    api.announce(content, ("discord",))  # brings up the banner, which quotes it
    for path in ("/", f"/posts/{post_id}", "/controls", f"/posts/{post_id}?said=<script>"):
        page = fetch(octopost_sandbox, path)
        assert re.findall(r"<script[^>]*>", page) == ['<script src="/static/inbox.js" defer>']
        assert re.findall(r"<img[^>]*(?:onerror|src=x)[^>]*>", page) == []
        assert re.findall(r"<[^>]+\son\w+=", page) == []
        assert "\x00" not in page
        assert "49" not in re.findall(r">\s*49 \$", page)
        for href in re.findall(r'href="([^"]*)"', page):
            assert unescape(href).startswith(("/", "#", "https://example.org/")), href


def test_every_page_has_a_strict_policy(octopost_sandbox: Sandbox, api: Any) -> None:
    post_id = api.announce()["id"]
    for path in ("/", f"/posts/{post_id}", "/controls", "/_sandbox/docs"):
        reply = requests.get(octopost_sandbox.root + path, timeout=10)
        policy = reply.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"\sstyle=|<style|<script>|javascript:", reply.text)
        assert not re.search(r'(?:src|href)="(?:https?:)?//', reply.text)


def test_a_post_shows_its_calls_without_keys(octopost_sandbox: Sandbox, api: Any) -> None:
    post = api.create("Timeline")
    octopost_sandbox.fault("publish", "reset_after")
    with pytest.raises(requests.exceptions.ConnectionError):
        api.publish(post["id"])
    page = fetch(octopost_sandbox, f"/posts/{post['id']}")
    assert "fault: reset_after" in page
    assert "no reply" in page
    assert "oct_test_***" in page
    assert octopost_sandbox.api_key not in page


def test_the_address_of_a_copy_leads_to_the_post(octopost_sandbox: Sandbox, api: Any) -> None:
    post = api.announce()
    reply = requests.get(post["platform_results"]["twitter"]["post_url"], timeout=10, allow_redirects=False)
    assert reply.headers["Location"] == f"/posts/{post['id']}#twitter"
    assert requests.get(f"{octopost_sandbox.root}/live/twitter/none", timeout=10).status_code == 404
    missing = f"{octopost_sandbox.root}/posts/<b>none"
    for accept, kind in (("text/html", "text/html"), ("*/*", "application/json")):
        reply = requests.get(missing, headers={"Accept": accept}, timeout=10)
        assert (reply.status_code, reply.headers["Content-Type"].partition(";")[0]) == (404, kind)
        assert kind == "application/json" or "<b>none" not in reply.text


def test_the_banner_names_networks_and_posts(octopost_sandbox: Sandbox, api: Any) -> None:
    first, second = (api.announce("Twice", ("twitter", "bluesky"))["id"] for _ in range(2))
    for path in ("/", "/controls", f"/posts/{first}"):
        page = fetch(octopost_sandbox, path)
        assert "A duplicate is live" in page
        assert "X, Bluesky" in page
        assert f"/posts/{second}#" in page
    api.call("DELETE", f"/posts/{second}")
    assert "A duplicate is live" not in fetch(octopost_sandbox)


def test_buttons(octopost_sandbox: Sandbox, api: Any) -> None:
    post_id = api.create(platforms=("twitter", "bluesky", "mastodon"))["id"]
    later = api.create("later", scheduled_for="2090-01-01T00:00:00Z")["id"]
    assert press(octopost_sandbox, "fail", "twitter").status_code == 303
    press(octopost_sandbox, "expire", "acc_bluesky")
    press(octopost_sandbox, "publish", post_id)
    results = api.get(post_id)["platform_results"]
    assert {name: entry["success"] for name, entry in results.items()} == {
        "twitter": False, "bluesky": False, "mastodon": True
    }  # fmt: skip
    assert "already" in press(octopost_sandbox, "publish", post_id).headers["Location"]
    press(octopost_sandbox, "mend", "twitter")
    press(octopost_sandbox, "renew", "acc_bluesky")
    again = api.announce("again", ("twitter", "bluesky"))
    assert all(entry["success"] for entry in again["platform_results"].values())
    press(octopost_sandbox, "clock", value="freeze")
    assert octopost_sandbox.clock()["frozen"] is True
    press(octopost_sandbox, "clock", value="next")
    assert api.get(later)["status"] == "published"
    assert "Nothing" in press(octopost_sandbox, "clock", value="next").headers["Location"]
    assert press(octopost_sandbox, "explode").status_code == 400


@pytest.mark.parametrize("origin", ["null", "https://evil.example", "http://127.0.0.1:1", ""])
def test_only_the_inbox_itself_presses_its_buttons(octopost_sandbox: Sandbox, api: Any, origin: str) -> None:
    post_id = api.create()["id"]
    assert press(octopost_sandbox, "publish", post_id, Origin=origin).status_code == 403
    assert api.get(post_id)["status"] == "draft"


def test_buttons_lead_back_only_into_the_inbox(octopost_sandbox: Sandbox) -> None:
    form = {"action": "clock", "value": "freeze", "back": "https://evil.example/"}
    reply = requests.post(
        f"{octopost_sandbox.root}/act", data=form, headers={"Origin": octopost_sandbox.root}, timeout=10,
        allow_redirects=False,
    )  # fmt: skip
    assert reply.headers["Location"].startswith("/?said=")


def test_changes_are_streamed(octopost_sandbox: Sandbox, api: Any) -> None:
    with requests.get(f"{octopost_sandbox.root}/events", stream=True, timeout=10) as stream:
        lines = stream.iter_lines()
        assert next(lines) == b"retry: 1000"
        api.create()
        assert any(line.startswith(b"data: ") for line in lines)


def test_the_api_page_describes_every_operation(octopost_sandbox: Sandbox) -> None:
    page = unescape(fetch(octopost_sandbox, "/_sandbox/docs"))
    document = requests.get(f"{octopost_sandbox.root}/_sandbox/openapi.json", timeout=10).json()
    assert len(document["paths"]) > 25
    for path, methods in document["paths"].items():
        assert path in page
        assert all(one["x-source"] in ("documented", "inferred", "guess", "sandbox") for one in methods.values())
    assert "partial_network_failure" in page
    assert "X-Octopost-Signature" in page
