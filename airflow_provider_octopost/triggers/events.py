"""Fire an asset event for every post that was published or failed (Airflow 3.0 and newer)."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

try:
    from airflow.triggers.base import BaseEventTrigger, TriggerEvent
except ImportError:  # Airflow 2: importable, so that the triggers module is, but there is no AssetWatcher to use it in
    from airflow.triggers.base import BaseTrigger as BaseEventTrigger  # type: ignore[assignment]
    from airflow.triggers.base import TriggerEvent

from octopost_core.errors import InvalidInput, NotFound, OctopostError, RateLimited

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from octopost_core.client import OctopostClient
    from octopost_core.models import Post

CURSOR_KEY = "octopost_post_events"
#: The state store takes 65,535 bytes; that is what keeps these two numbers down.
MAX_OPEN = 400
MAX_EDGE = 100
#: A draft nobody has touched for so long is no longer watched.
DRAFT_AGE = timedelta(days=30)
#: Posts asked for by id in one poll, where the list no longer shows them.
MAX_GETS = 5
UNTOLD_WAIT = 60.0


@dataclass
class Cursor:
    """
    Remember what was seen, so that every change is told once.

    :param high: The newest ``created_at`` seen.
    :param edge: Ids of the posts created in that very second.
    :param open: Posts that may still change, with the time they were created and, if scheduled, are due.
    """

    high: datetime
    edge: list[str] = field(default_factory=list)
    open: dict[str, tuple[datetime, datetime | None]] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the cursor as one line."""
        waiting = {name: [_text(created), _text(due)] for name, (created, due) in self.open.items()}
        return json.dumps({"high": _text(self.high), "edge": self.edge, "open": waiting})

    @classmethod
    def from_json(cls, text: str) -> Cursor:
        """
        Read a cursor back.

        :param text: What :meth:`to_json` wrote.
        """
        raw = json.loads(text)
        waiting = {
            name: (datetime.fromisoformat(created), datetime.fromisoformat(due) if due else None)
            for name, (created, due) in raw["open"].items()
        }
        return cls(datetime.fromisoformat(raw["high"]), list(raw["edge"]), waiting)

    def take(self, posts: Iterable[Post], now: datetime) -> list[Post]:
        """
        Take posts in; return those that have ended since they were last seen, oldest first.

        :param posts: Posts as listed.
        :param now: The present.
        """
        ended, newest, edge = [], self.high, set(self.edge)
        for post in sorted(posts, key=lambda post: post.created_at or now):
            created = post.created_at or now
            if post.id not in self.open and (created < self.high or post.id in self.edge):
                continue
            if created >= newest:
                edge = {post.id} if created > newest else edge | {post.id}
                newest = created
            if post.terminal:
                self.open.pop(post.id, None)
                ended.append(post)
            elif post.status == "draft" and now - created > DRAFT_AGE:
                self.open.pop(post.id, None)
            else:
                self.open[post.id] = (created, post.scheduled_for if post.status == "scheduled" else None)
        self.high, self.edge = newest, sorted(edge)[-MAX_EDGE:]
        for post_id in sorted(self.open, key=lambda name: self.open[name][0])[:-MAX_OPEN]:
            del self.open[post_id]
        return ended

    def due(self, now: datetime) -> dict[str, datetime]:
        """
        Return the open posts that may have changed by now, with the time each was created.

        :param now: The present.
        """
        return {name: created for name, (created, due) in self.open.items() if due is None or due <= now}


class OctopostPostEventTrigger(BaseEventTrigger):
    """
    Fire an event for every post of the account that was published or failed; for an ``AssetWatcher``.

    The first poll only takes note of what is there. From Airflow 3.3 on the cursor is kept in the asset's state, so a
    restarted triggerer goes on where it was; before, it starts anew and what changed meanwhile is not told. The
    cursor is stored before its events fire: should the triggerer die in between, an event is lost rather than doubled.

    :param octopost_conn_id: Connection of type ``octopost``.
    :param statuses: Which changes to tell: ``published``, ``failed`` or both. A post that is published on at least
        one network counts as published; the event's ``failed`` names the others.
    :param poll_interval: Seconds between two polls.
    """

    def __init__(
        self,
        octopost_conn_id: str = "octopost_default",
        statuses: list[str] | tuple[str, ...] = ("published", "failed"),
        poll_interval: float = 60.0,
    ) -> None:
        super().__init__()
        unknown = sorted({*statuses} - {"published", "failed"})
        if unknown or not statuses:
            raise InvalidInput(
                f"statuses is {list(statuses)!r}.", field="statuses", cure="Write published, failed or both."
            )
        self.octopost_conn_id = octopost_conn_id
        self.statuses = sorted(statuses)
        self.poll_interval = poll_interval
        self._cursor: Cursor | None = None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what another process needs to make this trigger again; equal triggers are run once."""
        return (
            "airflow_provider_octopost.triggers.octopost.OctopostPostEventTrigger",
            {
                "octopost_conn_id": self.octopost_conn_id,
                "statuses": self.statuses,
                "poll_interval": self.poll_interval,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Fire events for ever; a poll that fails is made up for by the next one."""
        self._cursor = await self._load()
        while True:
            pause = self.poll_interval
            try:
                ended = await self._poll()
            except RateLimited as error:
                ended, pause = [], max(pause, error.retry_after or UNTOLD_WAIT)
                self.log.info("Octopost asks to wait: polling again in %.0f s.", pause)
            except Exception as error:
                told = str(error) if isinstance(error, OctopostError) else f"{type(error).__name__}: {error}"
                ended = []
                self.log.warning("A poll failed: %s", told)
            for post in ended:
                if post.status in self.statuses:
                    yield TriggerEvent(event_of(post))
            await asyncio.sleep(pause)

    async def _poll(self) -> list[Post]:
        from airflow_provider_octopost.hooks.octopost import OctopostHook

        settings = await OctopostHook.async_settings(self.octopost_conn_id)
        client = await asyncio.to_thread(settings.client, max_wait=0)
        try:
            known = Cursor.from_json(self._cursor.to_json()) if self._cursor else None
            cursor, ended = await asyncio.to_thread(read_changes, client, known)
        finally:
            client.close()
        if self._cursor is None or cursor.to_json() != self._cursor.to_json():
            await self._save(cursor)
        self._cursor = cursor
        return ended

    # --- the cursor --------------------------------------------------------------------------------------------------

    def _stores(self) -> list[Any]:
        """The state of each asset that watches with this trigger: Airflow runs equal triggers once for all assets."""
        accessors = getattr(self, "asset_state_store", None)
        if accessors is None:
            return []
        # The accessors offer a direct call for one asset only, and a trigger is not told the assets' names.
        by_name, by_uri = getattr(accessors, "_by_name", {}), getattr(accessors, "_by_uri", {})
        found = [by_name[name] for name in sorted(by_name)] + [by_uri[uri] for uri in sorted(by_uri)]
        return found or [accessors]

    async def _load(self) -> Cursor | None:
        """The furthest of the assets' cursors: one that joined later must not make the others hear things twice."""
        found = []
        for store in self._stores():
            with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
                text = await store.aget(CURSOR_KEY)
                if text:
                    found.append(Cursor.from_json(text))
        return max(found, key=lambda cursor: cursor.high, default=None)

    async def _save(self, cursor: Cursor) -> None:
        for store in self._stores():
            await store.aset(CURSOR_KEY, cursor.to_json())


def read_changes(client: OctopostClient, cursor: Cursor | None) -> tuple[Cursor, list[Post]]:
    """
    Read the account's posts once; return the new cursor and the posts that have ended since the old one.

    :param client: The client; called in a thread.
    :param cursor: What was seen before, or ``None`` for the first poll, which tells nothing.
    """
    now = datetime.now(UTC)
    first = cursor is None
    cursor = cursor or Cursor(high=now - DRAFT_AGE)
    due = cursor.due(now)
    since = min([cursor.high, *due.values()])
    posts = {post.id: post for page in client.list_pages(since=since) for post in page.posts}
    for post_id in [name for name in due if name not in posts][:MAX_GETS]:
        try:
            posts[post_id] = client.get_post(post_id)
        except NotFound:
            del cursor.open[post_id]
    ended = cursor.take(posts.values(), now)
    return cursor, [] if first else ended


def event_of(post: Post) -> dict[str, Any]:
    """
    Return what the asset event says of a post.

    :param post: A post that has ended.
    """
    return {
        "post_id": post.id,
        "status": post.status,
        "platforms": list(post.platforms),
        "urls": {network: url for network, url in post.live.items() if url},
        "failed": post.failed,
        "published_at": _text(post.published_at),
    }


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
