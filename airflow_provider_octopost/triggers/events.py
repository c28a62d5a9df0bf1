"""Fire an asset event for every post that was published or failed (Airflow 3.0 and newer)."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

try:
    from airflow.triggers.base import BaseEventTrigger, TriggerEvent
except ImportError:  # Airflow 2: importable, so that the triggers module is, but there is no AssetWatcher to use it in
    from airflow.triggers.base import BaseTrigger as BaseEventTrigger  # type: ignore[assignment]
    from airflow.triggers.base import TriggerEvent

from airflow_provider_octopost.utils.failures import words_of
from octopost_core.errors import InvalidInput, NotFound, RateLimited

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from octopost_core.client import OctopostClient
    from octopost_core.models import Post

log = logging.getLogger(__name__)

CURSOR_KEY = "octopost_post_events"
#: The state store takes 65,535 bytes; that is what keeps these two numbers down.
MAX_OPEN = 400
MAX_SEEN = 300
#: A post may show up in the list after younger ones: it is waited for so long.
LATE = timedelta(minutes=1)
#: A draft nobody has touched for so long is no longer watched.
DRAFT_AGE = timedelta(days=30)
#: Posts asked for by id in one poll, where the list no longer shows them.
MAX_GETS = 5
PAGE_SIZE = 100
#: Seconds that a poll's pause is at least, for each page it read: an old draft keeps the list long.
PAUSE_PER_PAGE = 10.0
UNTOLD_WAIT = 60.0


@dataclass
class Cursor:
    """
    Remember what was seen, so that every change is told once.

    :param floor: Of the posts created up to this moment all that are not open are done with.
    :param seen: Posts created since that were seen, with the time each was created.
    :param open: Posts that may still change, with the time each was created and, if scheduled, is due.
    """

    floor: datetime
    seen: dict[str, datetime] = field(default_factory=dict)
    open: dict[str, tuple[datetime, datetime | None]] = field(default_factory=dict)

    @property
    def newest(self) -> datetime:
        """When the youngest post seen was created."""
        return max(self.seen.values(), default=self.floor)

    def to_json(self) -> str:
        """Return the cursor as one line."""
        return json.dumps(
            {
                "floor": self.floor.timestamp(),
                "seen": {name: created.timestamp() for name, created in self.seen.items()},
                "open": {
                    name: [created.timestamp(), due.timestamp() if due else None]
                    for name, (created, due) in self.open.items()
                },
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Cursor:
        """
        Read a cursor back.

        :param text: What :meth:`to_json` wrote.
        """
        raw = json.loads(text)
        return cls(
            _moment(raw["floor"]),
            {name: _moment(created) for name, created in raw["seen"].items()},
            {name: (_moment(created), _moment(due) if due else None) for name, (created, due) in raw["open"].items()},
        )

    def take(self, posts: Iterable[Post], now: datetime) -> list[Post]:
        """
        Take posts in; return those that have ended since they were last seen, oldest first.

        :param posts: Posts as listed.
        :param now: The present.
        """
        ended = []
        dated = [(created, post) for post in posts if (created := post.created_at or post.published_at)]
        for created, post in sorted(dated, key=lambda pair: pair[0]):
            if post.id not in self.open and (created <= self.floor or post.id in self.seen):
                continue
            self.seen[post.id] = created
            if post.terminal:
                self.open.pop(post.id, None)
                ended.append(post)
            elif post.status == "draft" and now - created > DRAFT_AGE:
                self.open.pop(post.id, None)
            else:
                self.open[post.id] = (created, post.scheduled_for if post.status == "scheduled" else None)
        self._forget(now)
        return ended

    def _forget(self, now: datetime) -> None:
        """Raise the floor, so that neither memory grows without bound."""
        # Not beyond the present: one post dated into the future must not put an end to all others.
        floors = [self.floor, min(self.newest, now) - LATE, *sorted(self.seen.values())[:-MAX_SEEN][-1:]]
        self.floor = max(floors)
        self.seen = {name: created for name, created in self.seen.items() if created > self.floor}
        for post_id in sorted(self.open, key=lambda name: self.open[name][0])[:-MAX_OPEN]:
            log.warning("More than %d posts are open: what becomes of post %s is not told.", MAX_OPEN, post_id)
            del self.open[post_id]

    def due(self, now: datetime) -> dict[str, datetime]:
        """
        Return the open posts that may have changed by now, with the time each was created.

        :param now: The present.
        """
        return {name: created for name, (created, due) in self.open.items() if due is None or due <= now}


class OctopostPostEventTrigger(BaseEventTrigger):
    """
    Fire an event for every post of the account that was published or failed; for an ``AssetWatcher``.

    The first poll only takes note of what is there. The cursor is kept, so that a restarted triggerer goes on where
    it was: in the state of the asset from Airflow 3.3 on, before in a variable whose name begins with
    ``octopost_post_events``. It is stored before its events fire: should the triggerer die in between, an event is
    lost rather than doubled.

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
        while True:
            pause = self.poll_interval
            try:
                ended, pages = await self._poll()
                pause = max(pause, (pages - 1) * PAUSE_PER_PAGE)
            except RateLimited as error:
                ended, pause = [], max(pause, error.retry_after or UNTOLD_WAIT)
                self.log.info("Octopost asks to wait: polling again in %.0f s.", pause)
            except Exception as error:
                ended = []
                self.log.warning("A poll failed: %s", words_of(error))
            for post in ended:
                if post.status in self.statuses:
                    yield TriggerEvent(event_of(post))
            await asyncio.sleep(pause)

    async def _poll(self) -> tuple[list[Post], int]:
        from airflow_provider_octopost.hooks.octopost import OctopostHook

        settings = await OctopostHook.async_settings(self.octopost_conn_id)
        client = await asyncio.to_thread(settings.client, max_wait=0)
        try:
            # Read anew each time: while this triggerer was stalled, another may have gone on with the trigger.
            before = await self._load() or self._cursor
            cursor, ended, pages = await asyncio.to_thread(read_changes, client, before)
        finally:
            client.close()
        if before != cursor:
            await self._save(cursor)
        self._cursor = cursor
        return ended, pages

    # --- the cursor --------------------------------------------------------------------------------------------------

    def _stores(self) -> list[Any]:
        """The state of each asset that watches with this trigger: Airflow runs equal triggers once for all assets."""
        if not hasattr(self, "asset_state_store"):
            return [_VariableStore(f"{self.octopost_conn_id}.{'.'.join(self.statuses)}.{self.poll_interval:g}")]
        accessors: Any = self.asset_state_store
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
            text = await store.aget(CURSOR_KEY)
            try:
                found += [Cursor.from_json(text)] if text else []
            except (ValueError, KeyError, TypeError, AttributeError):
                self.log.warning("An asset's %s cannot be read (was it edited?); it is left out.", CURSOR_KEY)
        return max(found, key=lambda cursor: cursor.newest, default=None)

    async def _save(self, cursor: Cursor) -> None:
        for store in self._stores():
            await store.aset(CURSOR_KEY, cursor.to_json())


class _VariableStore:
    """
    Keep a cursor in an Airflow variable, where assets have no state of their own (3.0 to 3.2).

    :param name: Of the trigger: two that differ in anything must not share a cursor.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    async def aget(self, key: str) -> str | None:
        """Return what is stored."""
        from airflow.sdk import Variable
        from asgiref.sync import sync_to_async

        found: str | None = await sync_to_async(Variable.get)(f"{key}.{self._name}", default=None)
        return found

    async def aset(self, key: str, value: str) -> None:
        """Store a value."""
        from airflow.sdk import Variable
        from asgiref.sync import sync_to_async

        told = "How far OctopostPostEventTrigger has got; without it, it starts anew."
        await sync_to_async(Variable.set)(f"{key}.{self._name}", value, description=told)


def read_changes(client: OctopostClient, cursor: Cursor | None) -> tuple[Cursor, list[Post], int]:
    """
    Read the account's posts once; return the new cursor, the posts that have ended since the old one, and the pages.

    :param client: The client; called in a thread.
    :param cursor: What was seen before, or ``None`` for the first poll, which tells nothing.
    """
    now = datetime.now(UTC)
    first = cursor is None
    cursor = Cursor(now - DRAFT_AGE) if cursor is None else Cursor(cursor.floor, dict(cursor.seen), dict(cursor.open))
    due = cursor.due(now)
    since = min([cursor.floor, *due.values()])
    pages = list(client.list_pages(since=since, page_size=PAGE_SIZE))
    posts = {post.id: post for page in pages for post in page.posts}
    for post_id in [name for name in due if name not in posts][:MAX_GETS]:
        try:
            posts[post_id] = client.get_post(post_id)
        except NotFound:
            del cursor.open[post_id]
    ended = cursor.take(posts.values(), now)
    return cursor, [] if first else ended, len(pages)


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


def _moment(stamp: float) -> datetime:
    return datetime.fromtimestamp(stamp, UTC)


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
