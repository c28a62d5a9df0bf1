"""The state of the sandbox: one object, one lock, written through to the storage."""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from octopost_sandbox import networks
from octopost_sandbox.calls import CallLog
from octopost_sandbox.clock import MICROS, Clock, to_iso
from octopost_sandbox.copies import Copies, LiveCopy
from octopost_sandbox.dialect import Dialect
from octopost_sandbox.errors import ApiError
from octopost_sandbox.faults import Faults
from octopost_sandbox.keys import Keys
from octopost_sandbox.posts import Post, already_out, read_fields
from octopost_sandbox.ratelimit import RateLimits
from octopost_sandbox.storage import Storage

SYSTEM_PRESET = {
    "id": "preset_sys_001",
    "name": "All Platforms",
    "platforms": ["twitter", "linkedin", "bluesky", "mastodon", "threads"],
    "primary_platform": None,
    "cross_link_enabled": False,
    "cross_link_template": "",
    "is_default": True,
    "is_system": True,
}  # Documented: presets page.


@dataclass(frozen=True)
class Settings:
    """What the sandbox was started with; a reset goes back to it."""

    tier: str = "pro"
    api_key: str = "oct_test_sandbox"
    dialect: dict[str, Any] | None = None
    db: Path | None = None
    max_posts: int = 50_000
    max_calls: int = 20_000
    scheduler_interval: float = 0.0  # seconds between the scheduler's looks; documented: 60


class World:
    """Everything the sandbox knows. Take ``lock`` around what must not be seen half done."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.lock = threading.RLock()
        self.storage = Storage(settings.db)
        self.public_url = ""
        self.version = 0  # grows with every change; the inbox watches it
        self.listeners: list[Callable[[str, dict[str, Any]], None]] = []
        self._start()
        if settings.db is not None:
            self._load()
        if not self.accounts:
            self._seed()

    # -- beginning and end ------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self.clock = Clock()
        self.dialect = Dialect(self.settings.dialect)
        self.faults = Faults()
        self.limits = RateLimits(self.clock, self.settings.tier)
        self.keys = Keys(self.settings.api_key)
        self.calls = CallLog(self.settings.max_calls, self.storage)
        self.posts: dict[str, Post] = {}
        self._order: list[Post] | None = None  # sorted when asked for, until a post comes or goes
        self.accounts: dict[str, dict[str, Any]] = {}
        self.presets: dict[str, dict[str, Any]] = {}
        self.webhooks: dict[str, dict[str, Any]] = {}
        self.failing: dict[str, str] = {}
        self.copies = Copies(self.storage)
        self._busy: set[str] = set()  # scheduled or publishing posts
        self.webhook_log: deque[dict[str, Any]] = deque(maxlen=1_000)
        self._seq = 0
        self._next_job = 0

    def _seed(self) -> None:
        stamp = to_iso(self.clock.now())
        for account in networks.accounts(stamp):
            self.save("account", account)
        self.save("preset", {**SYSTEM_PRESET, "created_at": stamp, "updated_at": stamp})

    def _load(self) -> None:
        for record in self.storage.load("setting"):
            name, value = record["id"], record["value"]
            if name == "clock":
                self.clock = Clock(**value)
                self.limits = RateLimits(self.clock, self.settings.tier)
            elif name == "dialect":
                self.dialect = Dialect(value | (self.settings.dialect or {}))
            elif name == "failing":
                self.failing = value
            elif name == "keys":
                self.keys.restore(value)
        for kind, into in (("account", self.accounts), ("preset", self.presets), ("webhook", self.webhooks)):
            into.update({record["id"]: record for record in self.storage.load(kind)})
        for record in sorted(self.storage.load("post"), key=lambda record: int(record["seq"])):
            post = self.posts[record["id"]] = Post(**record)
            self._seq = max(self._seq, post.seq)
            self.clock.remember(post.created_at)
            self._watch(post)
        self.copies.load()
        self.calls.load()

    def reset(self) -> None:
        """Go back to how the sandbox was started: nothing posted, no faults, the real time.

        That a duplicate was live is not forgotten: --fail-on-duplicate judges the whole life of the process.
        """
        with self.lock:
            self.storage.clear()
            duplicate_seen = self.copies.duplicate_seen
            self._start()
            self.copies.duplicate_seen = duplicate_seen
            self._seed()
            self.changed()

    def changed(self) -> None:
        """Tell those who watch that something changed."""
        self.version += 1

    def save(self, kind: str, record: dict[str, Any]) -> None:
        """Keep an account, a preset or a webhook."""
        into = {"account": self.accounts, "preset": self.presets, "webhook": self.webhooks}[kind]
        into[record["id"]] = record
        self.storage.put(kind, record["id"], record)
        self.changed()

    def drop(self, kind: str, record_id: str) -> None:
        """Forget an account, a preset or a webhook."""
        {"account": self.accounts, "preset": self.presets, "webhook": self.webhooks}[kind].pop(record_id, None)
        self.storage.delete(kind, record_id)
        self.changed()

    def save_settings(self) -> None:
        """Keep clock, dialect, failing networks and keys."""
        values = {
            "clock": self.clock.state(),
            "dialect": self.dialect.as_dict(),
            "failing": self.failing,
            "keys": self.keys.state(),
        }
        for name, value in values.items():
            self.storage.put("setting", name, {"id": name, "value": value})
        self.changed()

    def emit(self, event: str, data: dict[str, Any]) -> None:
        """Tell the listeners (webhooks) of an event."""
        for listener in self.listeners:
            listener(event, data)

    # -- posts ------------------------------------------------------------------------------------------------------

    def find(self, post_id: str) -> Post:
        """Return a post that is not deleted, or raise the documented 404."""
        post = self.posts.get(post_id)
        if post is None or post.deleted_at is not None:
            raise ApiError(404, f"Post with ID '{post_id}' not found.")
        return post

    def ordered(self) -> list[Post]:
        """Return every post, the deleted ones too, oldest first; not to be changed."""
        if self._order is None:
            self._order = sorted(self.posts.values(), key=lambda post: (post.created_at, post.seq))
        return self._order

    def listed(self) -> Iterator[Post]:
        """Yield the posts a list shows, oldest first: not the deleted, not those that still lag."""
        lag = round(self.dialect["list_lag_seconds"] * MICROS)
        seen_until = self.clock.now() - lag
        return (
            post for post in self.ordered() if post.deleted_at is None and (not lag or post.created_at <= seen_until)
        )

    def _keep(self, post: Post) -> None:
        if post.id not in self.posts:
            self.posts[post.id] = post
            self._order = None
        self._watch(post)
        self.storage.put("post", post.id, asdict(post))
        self.changed()

    def _watch(self, post: Post) -> None:
        if post.status in ("scheduled", "publishing") and post.deleted_at is None:
            self._busy.add(post.id)
        else:
            self._busy.discard(post.id)

    def create(self, body: dict[str, Any]) -> Post:
        """Make a post from a request body: a draft, or scheduled when it has scheduled_for."""
        with self.lock:
            fields = read_fields(body, self.dialect, self.clock.now(), required=True)
            stamp = self.clock.stamp()
            self._seq += 1
            post = Post(f"post_{secrets.token_hex(8)}", self._seq, stamp, stamp, **fields)
            post.status = "scheduled" if post.scheduled_for is not None else "draft"
            self._make_room()
            self._keep(post)
            if post.status == "scheduled":
                self.emit("post.scheduled", {"post": post})
            return post

    def _make_room(self) -> None:
        while len(self.posts) >= self.settings.max_posts:
            done = (
                p.id for p in self.posts.values() if p.deleted_at is not None or p.status in ("published", "failed")
            )
            oldest = next(done, None) or next(iter(self.posts))
            del self.posts[oldest]
            self._order = None
            self._busy.discard(oldest)
            self.storage.delete("post", oldest)
            self.copies.forget(oldest)

    def update(self, post_id: str, body: dict[str, Any]) -> Post:
        """Change a post that has not gone out; raise 409 for one that has (documented: errors page)."""
        with self.lock:
            post = self.find(post_id)
            if post.status in ("publishing", "published"):
                raise already_out(post)
            replace = self.dialect["put"] == "replace"
            sent = dict(body)
            if self.dialect["put_schedules"] != "yes" and post.scheduled_for is None and sent.get("scheduled_for"):
                if self.dialect["put_schedules"] == "refused":
                    raise ApiError(422, "scheduled_for: a draft cannot be scheduled by an update.")
                del sent["scheduled_for"]
            fields = read_fields(sent, self.dialect, self.clock.now(), required=replace)
            blank: dict[str, Any] = dict.fromkeys(("scheduled_for", "media", "segments", "platform_options"))
            for name, value in ((blank if replace else {}) | fields).items():
                setattr(post, name, value)
            was = post.status
            if post.scheduled_for is not None:
                post.status = "scheduled"
            elif was == "scheduled":
                post.status = "draft"
            post.updated_at = self.clock.stamp()
            self._keep(post)
            if post.status == "scheduled" and was != "scheduled":
                self.emit("post.scheduled", {"post": post})
            return post

    def delete(self, post_id: str) -> Post:
        """Delete a post, and (as the dialect says) its copies on the networks."""
        with self.lock:
            post = self.find(post_id)
            if post.status == "publishing":  # A guess: nothing is known of deleting a post on its way out.
                raise already_out(post)
            post.deleted_at = self.clock.stamp()
            self._keep(post)
            if self.dialect["delete_reach"] == "networks":
                self.copies.remove(post_id, post.deleted_at)
            return post

    # -- publishing -------------------------------------------------------------------------------------------------

    def publish(self, post_id: str, failing: dict[str, str] | None = None) -> Post:
        """Start publishing a post: of any number of calls at once exactly one gets here, the others get 409."""
        with self.lock:
            post = self.find(post_id)
            again = post.status == "failed" and self.dialect["republish_failed"] == "conflict"
            if again or post.status in ("publishing", "published"):
                raise already_out(post)
            if self.dialect["limit_violation"] == "error":
                for network in post.platforms:
                    if error := networks.limit_error(post, network):
                        raise ApiError(422, error, {"platform": network})
            self._begin(post, failing or {})
            if self.dialect["publish"] != "async":
                self._settle(post)
            return post

    def _begin(self, post: Post, failing: dict[str, str]) -> None:
        post.status = "publishing"
        post.updated_at = self.clock.stamp()
        post.failing = failing
        post.publishing_until = self.clock.now() + round(self.dialect["publish_seconds"] * MICROS)
        post.polls_left = 0 if self.dialect["publish"] == "sync" else self.dialect["publish_polls"]
        self._keep(post)

    def _settle(self, post: Post) -> None:
        """Finish a publish whose time and polls are over."""
        if post.status == "publishing" and self.clock.now() >= post.publishing_until and post.polls_left <= 0:
            self._finish(post)

    def _finish(self, post: Post) -> None:
        stamp = self.clock.stamp()
        post.results = {}
        for network in post.platforms:
            post.results[network] = self._deliver(post, network, stamp)
        succeeded = any(entry["success"] for entry in post.results.values())
        # Documented: published means on at least one platform, failed means on all.
        post.status = "published" if succeeded else "failed"
        post.published_at = stamp if succeeded else None
        post.scheduled_for = None if not succeeded else post.scheduled_for
        post.updated_at = stamp
        self._keep(post)
        self.emit(f"post.{post.status}", {"post": post})

    def _deliver(self, post: Post, network: str, stamp: int) -> dict[str, Any]:
        account = next((a for a in self.accounts.values() if a["platform"] == network), None)
        error = networks.refusal(post, network, account, self.failing | post.failing)
        if error is not None or account is None:
            return {"success": False, "error": error}
        copy_id = f"live_{len(self.copies.all) + 1}_{secrets.token_hex(4)}"
        copy = LiveCopy(
            copy_id, network, post.id, networks.network_post_id(network), post.fingerprint,
            networks.parts_for(post, network), stamp,
        )  # fmt: skip
        self.copies.add(copy)
        self.save("account", {**account, "last_used_at": to_iso(stamp)})
        # The address leads back into this sandbox: an invented id on the real network could be somebody's post.
        url = f"{self.public_url}/live/{network}/{copy_id}"
        return {"success": True, "post_id": copy.network_post_id, "post_url": url}

    def polled(self, post: Post) -> None:
        """Count a look at a publishing post."""
        with self.lock:
            if post.status == "publishing" and post.polls_left > 0:
                post.polls_left -= 1

    def tick(self) -> None:
        """Send out what is due and finish what is publishing, as of the sandbox's time."""
        with self.lock:
            now = self.clock.now()
            look = now >= self._next_job or now < self._next_job - self.settings.scheduler_interval * MICROS
            if look:
                self._next_job = now + round(self.settings.scheduler_interval * MICROS)
            for post in [self.posts[post_id] for post_id in self._busy]:
                if look and post.status == "scheduled" and (post.scheduled_for or 0) <= now:
                    rule = self.faults.take("scheduled", post.id)
                    self._begin(post, self.network_faults(rule))
                self._settle(post)

    def network_faults(self, rule: Any) -> dict[str, str]:
        """Return which networks a fault makes fail this time; an expired account stays expired."""
        if rule is None:
            return {}
        if rule.kind == "expired_account":
            for account in list(self.accounts.values()):
                if account["platform"] in rule.networks:
                    self.set_active(account, False)
        return dict.fromkeys(rule.networks, rule.error) if rule.kind == "partial_network_failure" else {}

    def set_active(self, account: dict[str, Any], active: bool) -> None:
        """Expire or renew an account's token."""
        if account["is_active"] != active:
            self.save("account", {**account, "is_active": active})
            event = "account.connected" if active else "account.disconnected"
            self.emit(event, {"account": self.accounts[account["id"]]})

    def jump(self, waiting: Post) -> None:
        """Move the clock to where the scheduler has seen that the post is due."""
        self.clock.move_to((waiting.scheduled_for or 0) + round(self.settings.scheduler_interval * MICROS))

    def next_scheduled(self) -> Post | None:
        """Return the scheduled post that is due first."""
        waiting = [self.posts[post_id] for post_id in self._busy if self.posts[post_id].status == "scheduled"]
        return min(waiting, key=lambda post: (post.scheduled_for or 0, post.seq), default=None)
