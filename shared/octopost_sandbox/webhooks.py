"""Webhooks: events, deliveries retried with back-off, and their log.

Documented: the events, the payload, and that anything but 2xx is retried with exponential back-off. A guess: the
signature (HMAC-SHA256 of ``<timestamp>.<body>`` with the webhook's secret, in hex, in ``X-Octopost-Signature:
t=...,v1=...``), the number of tries and their delays, and the time a receiver has.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from octopost_sandbox.clock import to_iso
from octopost_sandbox.posts import Post, write_post

if TYPE_CHECKING:
    from octopost_sandbox.world import World

# Documented: webhooks page.
EVENTS = ("post.published", "post.failed", "post.scheduled", "account.connected", "account.disconnected")
SIGNATURE_HEADER = "X-Octopost-Signature"  # A guess.
FIRST_DELAY = 0.5  # seconds, doubled with every try; real time, whatever the sandbox's clock says
TRIES = 5
PATIENCE = 5.0  # seconds


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """Return the value of the signature header (a guess, see the module)."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Take a redirect for the answer it is, not 2xx."""


def _post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int | None, str]:
    """Send one delivery; return status and error."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
    try:
        request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310
        with opener.open(request, timeout=PATIENCE) as reply:
            return reply.status, ""
    except urllib.error.HTTPError as error:
        return error.code, ""
    except (OSError, ValueError) as error:
        return None, str(getattr(error, "reason", error))[:200]


class Deliverer:
    """Send the world's events to the webhooks that want them; start it inside the running event loop."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, event: str, data: dict[str, Any]) -> None:
        """Take an event; the deliveries happen later."""
        shown = {
            name: write_post(value, self._world.dialect) if isinstance(value, Post) else value
            for name, value in data.items()
        }
        event_id = f"evt_{secrets.token_hex(8)}"
        payload = {
            "id": event_id,
            "type": event,
            "created_at": to_iso(self._world.clock.now()),
            "data": shown,
        }
        body = json.dumps(payload, ensure_ascii=False).encode()
        for webhook in self._world.webhooks.values():
            if webhook["is_active"] and event in webhook["events"]:
                task = self._loop.create_task(self._deliver(webhook, event_id, event, body))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _deliver(self, webhook: dict[str, Any], event_id: str, event: str, body: bytes) -> None:
        for attempt in range(1, TRIES + 1):
            headers = {
                "Content-Type": "application/json",
                "User-Agent": "octopost-sandbox",
                SIGNATURE_HEADER: sign(webhook["secret"], int(time.time()), body),
            }
            status, error = await asyncio.to_thread(_post, webhook["url"], body, headers)
            delivery = {
                "webhook_id": webhook["id"],
                "event_id": event_id,
                "type": event,
                "url": webhook["url"],
                "attempt": attempt,
                "status": status,
                "error": error,
                "at": to_iso(self._world.clock.now()),
                "body": body.decode(),
            }
            self._world.webhook_log.append(delivery)
            self._world.changed()
            if (status is not None and 200 <= status < 300) or webhook["id"] not in self._world.webhooks:
                return
            await asyncio.sleep(FIRST_DELAY * 2 ** (attempt - 1))
