"""One poller per connection and event loop, whatever the number of waiting posts.

A thousand triggers that poll on their own cost thousands of requests a minute and run into the account's limit. Here
each of them registers its posts and awaits a future; one task reads the list of posts for all of them, newest first and
no further back than the oldest post that is waited for. It sends nothing before a post's scheduled time, spends a
handful of requests a minute (more only where hundreds of posts are due at once), and ends itself when nobody waits.

The event loop is never blocked: requests and the parsing of replies run in a thread, one at a time.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from airflow_provider_octopost.utils.failures import words_of
from octopost_core.errors import NotFound, RateLimited

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from octopost_core.client import OctopostClient, Page
    from octopost_core.models import Post

log = logging.getLogger(__name__)

#: Requests a minute; a shorter poll interval may ask for more, and so may many posts.
REQUESTS_PER_MINUTE = 6
#: Posts to ask for per page. Where the server knows no such wish, its pages are as long as it likes.
PAGE_SIZE = 100
#: Where one request a minute for so many due posts is more, that is the rate: with full pages each of them is seen once
#: a minute, whatever their number.
POSTS_PER_REQUEST = PAGE_SIZE
#: Share of the account's requests that the poller asks for at most.
OWN_SHARE = 0.5
#: A post is given up after so many polls in a row that failed.
MAX_FAILED_POLLS = 5
#: Seconds after which the connection is read again, so that a new key comes into effect.
CONNECTION_AGE = 300.0
#: Share of the account's requests that is left to others before the poller waits for the next window.
LEAVE_TO_OTHERS = 0.2
#: Seconds to wait on a 429 that names no time.
UNTOLD_WAIT = 60.0


class PollFailed(Exception):
    """Say that a post could not be read for several polls in a row."""


class PostMissing(Exception):
    """Say that a post no longer exists."""


@dataclass(eq=False, slots=True)
class _Waiter:
    """One post that a trigger waits for. ``due_at`` is in seconds since the epoch: nothing is asked before."""

    post_id: str
    created_at: datetime | None
    due_at: float
    interval: float
    future: asyncio.Future[dict[str, Any]]
    failures: int = 0


@dataclass
class _Allowance:
    """A token bucket for requests: a small burst, then an even flow."""

    tokens: float = float(REQUESTS_PER_MINUTE)
    filled_at: float = field(default_factory=time.monotonic)

    def wait(self, rate: float) -> float:
        """Take one request of ``rate`` a second; return the seconds to wait before it is sent."""
        now = time.monotonic()
        self.tokens = min(REQUESTS_PER_MINUTE, self.tokens + (now - self.filled_at) * rate) - 1
        self.filled_at = now
        return max(0.0, -self.tokens / rate)


_pollers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Poller]] = WeakKeyDictionary()


async def wait_for_posts(
    octopost_conn_id: str,
    post_ids: Iterable[str],
    *,
    created_at: datetime | None = None,
    due: datetime | None = None,
    interval: float = 15.0,
) -> list[dict[str, Any]]:
    """
    Wait until all of some posts are published or failed; return them as dicts.

    :param octopost_conn_id: Connection of type ``octopost``.
    :param post_ids: The posts.
    :param created_at: When the oldest was created, so that the list is read no further back.
    :param due: When they are scheduled; they are not asked for before.
    :param interval: Seconds between two polls.
    :raises PostMissing: One of them no longer exists.
    :raises PollFailed: One could not be read for :data:`MAX_FAILED_POLLS` polls in a row.
    """
    loop = asyncio.get_running_loop()
    pollers = _pollers.setdefault(loop, {})
    poller = pollers.get(octopost_conn_id)
    if poller is None:
        poller = pollers[octopost_conn_id] = Poller(octopost_conn_id, pollers)
    due_at = max(time.time(), due.timestamp() if due else 0.0)
    waiters = [_Waiter(post_id, created_at, due_at, interval, loop.create_future()) for post_id in post_ids]
    poller.add(waiters)
    try:
        # Thousands may wait: futures and not tasks, and for one post, which is nearly every wait, nothing around it.
        if len(waiters) == 1:
            return [await waiters[0].future]
        return list(await asyncio.gather(*(waiter.future for waiter in waiters)))
    finally:
        poller.remove(waiters)


class Poller:
    """
    Poll on behalf of all triggers of one connection.

    :param octopost_conn_id: Connection of type ``octopost``.
    :param registry: Where this poller is entered under its connection; it takes itself out when it ends.
    """

    def __init__(self, octopost_conn_id: str, registry: dict[str, Poller]) -> None:
        self._conn_id = octopost_conn_id
        self._registry = registry
        self._waiters: set[_Waiter] = set()
        self._changed = asyncio.Event()
        self._allowance = _Allowance()
        self._client: OctopostClient | None = None
        self._client_made_at = 0.0
        self._pages_of_last_list = 1
        self._not_before = 0.0
        # A context of its own: the poller must not log under the name of the trigger that happened to come first.
        self._task = asyncio.create_task(
            self._run(), context=contextvars.Context(), name=f"octopost-{octopost_conn_id}"
        )

    def add(self, waiters: list[_Waiter]) -> None:
        """Wait for more posts."""
        self._waiters.update(waiters)
        self._changed.set()

    def remove(self, waiters: list[_Waiter]) -> None:
        """Wait for posts no longer; with the last one the poller ends."""
        self._waiters.difference_update(waiters)
        self._changed.set()

    async def _run(self) -> None:
        try:
            while self._waiters:
                self._changed.clear()
                now = time.time()
                pause = max(self._not_before, min(waiter.due_at for waiter in self._waiters)) - now
                if pause > 0:
                    await self._sleep(pause)
                    continue
                due = [waiter for waiter in self._waiters if waiter.due_at <= now]
                await self._poll(due)
        finally:
            if self._registry.get(self._conn_id) is self:
                del self._registry[self._conn_id]
            if self._client is not None:
                self._client.close()

    async def _sleep(self, seconds: float) -> None:
        """Sleep, or until a post is added or taken away."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            pass

    # --- one poll ----------------------------------------------------------------------------------------------------

    async def _poll(self, due: list[_Waiter]) -> None:
        interval = min(waiter.interval for waiter in due)
        self._not_before = time.time() + interval
        wanted: dict[str, list[_Waiter]] = {}
        for waiter in due:
            wanted.setdefault(waiter.post_id, []).append(waiter)
        try:
            client = await self._connected()
            if len(wanted) <= self._pages_of_last_list:
                await self._read_each(client, wanted, interval)
            else:
                await self._read_list(client, wanted, interval)
            self._spare(client)
        except RateLimited as error:
            self._not_before = time.time() + max(interval, error.retry_after or UNTOLD_WAIT)
            log.info("Octopost asks to wait: polling again in %.0f s.", self._not_before - time.time())
        except Exception as error:
            self._failed(error, wanted)
        else:
            for waiter in due:
                waiter.failures = 0

    async def _connected(self) -> OctopostClient:
        if self._client is None or time.monotonic() - self._client_made_at > CONNECTION_AGE:
            from airflow_provider_octopost.hooks.octopost import OctopostHook

            settings = await OctopostHook.async_settings(self._conn_id)
            old, self._client = self._client, await asyncio.to_thread(settings.client, max_wait=0)
            self._client_made_at = time.monotonic()
            if old is not None:
                old.close()
        return self._client

    async def _take_turn(self, client: OctopostClient, interval: float) -> None:
        """Wait until one more request may be sent. Posts that came to wait since the poll began quicken it, too."""
        now = time.time()
        due = {waiter.post_id for waiter in self._waiters if waiter.due_at <= now}
        await asyncio.sleep(self._allowance.wait(_rate(client, len(due), interval)))

    async def _read_each(self, client: OctopostClient, wanted: dict[str, list[_Waiter]], interval: float) -> None:
        for post_id, waiters in list(wanted.items()):
            await self._take_turn(client, interval)
            try:
                self._look_at(await asyncio.to_thread(client.get_post, post_id), waiters)
            except NotFound:
                for waiter in waiters:
                    _fail(waiter, PostMissing(f"Post {post_id} no longer exists; somebody deleted it."))
            del wanted[post_id]

    async def _read_list(self, client: OctopostClient, wanted: dict[str, list[_Waiter]], interval: float) -> None:
        """Read the list page by page until every wanted post was seen; ask for those by name that it leaves out."""
        created = [waiter.created_at for waiters in wanted.values() for waiter in waiters]
        since = None if None in created else min(moment for moment in created if moment)
        # More pages than posts are never worth it: then each post is read by itself.
        pages = client.list_pages(since=since, max_pages=len(wanted), page_size=PAGE_SIZE)
        count = 0
        while any(not waiter.future.done() for waiters in wanted.values() for waiter in waiters):
            await self._take_turn(client, interval)
            page = await asyncio.to_thread(_next_page, pages)
            if page is None:
                break
            count += 1
            for post in page.posts:
                if post.id in wanted:
                    self._look_at(post, wanted.pop(post.id))
        self._pages_of_last_list = max(1, count)
        # Few of them in one poll; the others come next time.
        await self._read_each(client, dict(list(wanted.items())[:REQUESTS_PER_MINUTE]), interval)

    def _look_at(self, post: Post, waiters: list[_Waiter]) -> None:
        for waiter in waiters:
            if post.terminal and not waiter.future.done():
                waiter.future.set_result(post.to_dict())
            elif post.status == "scheduled" and post.scheduled_for is not None:
                waiter.due_at = max(waiter.due_at, post.scheduled_for.timestamp())

    def _spare(self, client: OctopostClient) -> None:
        """Leave a part of the account's requests to the tasks that publish."""
        seen = client.rate_limit
        if seen is not None and seen.reset_at is not None and seen.remaining < seen.limit * LEAVE_TO_OTHERS:
            self._not_before = max(self._not_before, seen.reset_at.timestamp())

    def _failed(self, error: Exception, wanted: dict[str, list[_Waiter]]) -> None:
        self._client_made_at = float("-inf")  # read the connection anew: a new key may be the cure
        told = words_of(error)
        log.warning("A poll failed: %s", told)
        for waiters in wanted.values():
            for waiter in waiters:
                waiter.failures += 1
                if waiter.failures >= MAX_FAILED_POLLS:
                    message = f"Post {waiter.post_id} could not be read for {waiter.failures} polls in a row. {told}"
                    _fail(waiter, PollFailed(message))


def _rate(client: OctopostClient, posts: int, interval: float) -> float:
    """Return the requests a second that so many due posts are worth."""
    many = posts / POSTS_PER_REQUEST
    if client.rate_limit is not None:
        many = min(many, client.rate_limit.limit * OWN_SHARE)
    # One request per poll interval is always allowed: a single post is polled as often as its author wants.
    return max(REQUESTS_PER_MINUTE / 60, many / 60, 1 / max(interval, 0.01))


def _next_page(pages: Iterator[Page]) -> Page | None:
    return next(pages, None)


def _fail(waiter: _Waiter, error: Exception) -> None:
    if not waiter.future.done():
        waiter.future.set_exception(error)
