"""The client: one method per endpoint, and the retry table obeyed for each.

``publish_once`` (octopost_core.publishing) is what publishes safely; ``create_post`` and ``publish_post`` here are the
bare calls it is made of.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import quote

from octopost_core import errors, retry, wire
from octopost_core.models import Account, Post, PostDraft, Preset
from octopost_core.retry import Action, Request
from octopost_core.transport import Reply, Timeout, Transport

__all__ = ["OctopostClient", "Page", "RateLimit", "Timeout"]

DEFAULT_BASE_URL = "https://api.octopost.ink/v1"
#: A list is read no further than this: an endless one must not hang the caller.
MAX_PAGES = 50


@dataclass(frozen=True)
class RateLimit:
    """Hold the last seen state of a limit (documented: rate-limits page; a hint, another process may use it too).

    :param limit: Requests per window.
    :param remaining: Requests left.
    :param reset_at: When the window ends, on our clock; ``None`` where the server told nothing believable.
    """

    limit: int
    remaining: int
    reset_at: datetime | None


@dataclass(frozen=True)
class Page:
    """Hold one page of posts.

    :param date: The server's clock when it answered.
    :param sent_at: Our monotonic clock when we asked.
    :param more: Whether the server says that more follows.
    """

    posts: list[Post]
    date: datetime | None
    sent_at: float
    more: bool


@dataclass
class _Budget:
    """The seconds one operation may spend waiting, and what it has used."""

    seconds: float
    used: float = field(default=0.0)

    def take(self, wait: float) -> bool:
        if self.used + wait > self.seconds:
            return False
        self.used += wait
        return True


class OctopostClient:
    """Talk to the Octopost API. A context manager; use one per thread.

    :param api_key: Key from the dashboard, Settings > API Keys.
    :param base_url: The API's address, with its version (documented: overview).
    :param timeout: Waits of one request, or seconds without a byte of reply.
    :param max_wait: Total seconds one call may spend waiting between tries; beyond it the error is raised.
    :param user_agent: Appended to our own.
    :param thread_field: How a thread is spelled; see :data:`octopost_core.wire.ThreadField`.
    :param verify: Whether to check certificates, or a CA bundle's path.
    :param proxies: Proxies per scheme; the environment's apply otherwise.
    :raises InvalidInput: For a key or URL that cannot be used.
    """

    def __init__(
        self,
        api_key: str,
        base_url: str = DEFAULT_BASE_URL,
        timeout: Timeout | float | None = None,
        *,
        max_wait: float = 90.0,
        user_agent: str = "",
        thread_field: wire.ThreadField = "segments",
        verify: bool | str = True,
        proxies: Mapping[str, str] | None = None,
    ) -> None:
        if not isinstance(timeout, Timeout):
            timeout = Timeout() if timeout is None else Timeout(read=float(timeout))
        self._transport = Transport(api_key, base_url, timeout, user_agent=user_agent, verify=verify, proxies=proxies)
        self._max_wait = max_wait
        self._thread_field = thread_field
        #: The last seen state of the limit on requests, and, apart, of the limit on publishing.
        self.rate_limit: RateLimit | None = None
        self.publish_rate_limit: RateLimit | None = None

    def __enter__(self) -> OctopostClient:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"OctopostClient(base_url={self.base_url!r})"

    @property
    def base_url(self) -> str:
        """The API's address."""
        return self._transport.base_url

    def close(self) -> None:
        """Close the kept connections."""
        self._transport.close()

    # --- posts -------------------------------------------------------------------------------------------------------

    def create_post(self, draft: PostDraft, *, schedule: bool = True) -> Post:
        """Create a post; it is a draft, or scheduled where the draft has a time.

        :param draft: What to create.
        :param schedule: ``False`` leaves the time out, so that a harmless draft results.
        :raises OctopostError: With ``may_have_happened`` set where a second create could double it.
        """
        body = wire.create_body(draft, schedule=schedule, thread_field=self._thread_field)
        return self._post(self._call(Request.CREATE, "POST", "/posts", body=body))

    def get_post(self, post_id: str) -> Post:
        """Return a post.

        :param post_id: Its id.
        :raises NotFound: Where there is none (or it is another user's).
        """
        return self._post(self._call(Request.GET, "GET", _path(post_id)))

    def list_posts(
        self, *, since: datetime | None = None, status: str | None = None, limit: int | None = None
    ) -> Iterator[Post]:
        """Yield posts as the server lists them.

        Filters of the list call are unknown, so all are applied here.

        :param since: Leave out posts created before this moment (aware).
        :param status: Only posts of this status.
        :param limit: At most this many.
        """
        found = 0
        for page in self.list_pages(since=since):
            for post in page.posts:
                if (since and post.created_at and post.created_at < since) or (status and post.status != status):
                    continue
                if limit is not None and found >= limit:
                    return
                found += 1
                yield post

    def list_pages(
        self, *, since: datetime | None = None, max_pages: int | None = None, page_size: int | None = None
    ) -> Iterator[Page]:
        """Yield the pages of the list of posts.

        Ordering is unknown. Once the posts have shown that they run from new to old, reading stops at the first page
        that ends before ``since``.

        :param since: How far back to read (aware), or ``None`` for everything.
        :param max_pages: Read no more pages than this; :data:`MAX_PAGES` where ``None``.
        :param page_size: Posts to ask for per page, or ``None`` for the server's own (whether it can be asked for is
            unknown: a server that refuses is asked again without).
        """
        times: list[datetime] = []
        for reply, part, sent_at in self._pages("/posts", "posts", max_pages, page_size):
            posts = [post for post in (wire.parse_model(Post, item) for item in part.items) if post]
            times += [post.created_at for post in posts if post.created_at]
            ended = bool(since and _newest_first(times) and times[-1] < since)
            yield Page(posts, reply.date, sent_at, more=part.next is not None and not ended)
            if ended:
                return

    def update_post(self, post_id: str, **changes: Any) -> Post:
        """Change fields of a post that is not live yet.

        Reads, merges and sends all writable fields, for whether PUT keeps omitted ones is unknown. After an ambiguous
        failure the post is read and compared before it is sent again.

        :param post_id: Its id.
        :param changes: New values; ``scheduled_for=None`` unschedules (inferred).
        :raises Conflict: Where it is published already.
        """
        unknown = sorted(changes.keys() - set(wire.WRITABLE))
        if unknown:
            raise errors.InvalidInput(
                f"{', '.join(unknown)} cannot be updated.", cure=f"Writable are {', '.join(wire.WRITABLE)}."
            )
        body = wire.update_body(self.get_post(post_id), changes, thread_field=self._thread_field)
        for attempt in range(1, retry.MAX_ATTEMPTS + 1):
            try:
                return self._post(self._call(Request.PUT, "PUT", _path(post_id), body=body))
            except errors.OctopostError as error:
                if retry.decide(Request.PUT, error) is not Action.COMPARE or attempt == retry.MAX_ATTEMPTS:
                    raise
                post = self.get_post(post_id)
                if wire.reflects(post, changes):
                    return post
                time.sleep(retry.backoff(attempt))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def delete_post(self, post_id: str) -> None:
        """Delete a post.

        Whether deleting a published post also removes it from the networks is unknown: get it first.

        :param post_id: Its id.
        :raises NotFound: Where there is none, unless an earlier try of this call may have deleted it.
        """
        self._call(Request.DELETE, "DELETE", _path(post_id))

    def publish_post(self, post_id: str) -> Post:
        """Send a post's publish call, once; :func:`octopost_core.publish_existing` is the safe way.

        :param post_id: Its id.
        :raises Conflict: Where it is being published or already was.
        :raises OctopostError: With ``may_have_happened`` set where it may be live all the same.
        """
        reply = self._call(Request.PUBLISH, "POST", f"{_path(post_id)}/publish")
        # An empty reply, or one about something else, says no more than "accepted" (unknown: the reply's shape).
        try:
            post = wire.parse_post(reply.payload)
            return post if post.id == post_id else self.get_post(post_id)
        except errors.InvalidResponse:
            pass
        try:
            return self.get_post(post_id)
        except errors.OctopostError as error:
            raise errors.ResponseLost(
                f"Octopost accepted the publish call for post {post_id}, but the post could not be read afterwards: "
                f"{error.message}",
                request_id=reply.request_id,
            ) from None

    # --- accounts and presets ----------------------------------------------------------------------------------------

    def list_accounts(self) -> Iterator[Account]:
        """Yield the connected accounts."""
        return self._items(Account, "/accounts", "accounts")

    def list_presets(self) -> Iterator[Preset]:
        """Yield the presets, built-in ones included."""
        return self._items(Preset, "/presets", "presets")

    # --- how a request is carried out --------------------------------------------------------------------------------

    def _items(self, model: type[Any], path: str, name: str) -> Iterator[Any]:
        for _, part, _ in self._pages(path, name):
            yield from filter(None, (wire.parse_model(model, item) for item in part.items))

    def _pages(
        self, path: str, name: str, max_pages: int | None = None, page_size: int | None = None
    ) -> Iterator[tuple[Reply, wire.ListPart, float]]:
        sizing = wire.page_size(page_size) if page_size else {}
        following: dict[str, str] = {}
        seen: set[str] = set()
        for _ in range(max_pages or MAX_PAGES):
            sent_at = time.monotonic()
            try:
                reply = self._call(Request.GET, "GET", path, params=sizing | following)
            except (errors.BadRequest, errors.UnprocessableContent):
                if not sizing or seen:
                    raise
                sizing, sent_at = {}, time.monotonic()
                reply = self._call(Request.GET, "GET", path)
            part = wire.parse_list(reply.payload, name, seen=len(seen), asked=following)
            ids = {str(item.get("id")) for item in part.items if isinstance(item, Mapping)}
            if following and ids <= seen:  # a server that does not know our parameter sends the same page again
                return
            seen |= ids
            yield reply, part, sent_at
            if part.next is None:
                return
            following = part.next

    def _post(self, reply: Reply) -> Post:
        try:
            return wire.parse_post(reply.payload)
        except errors.InvalidResponse as error:
            error.status, error.request_id = reply.status, reply.request_id
            raise

    def _call(
        self,
        request: Request,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Reply:
        budget, attempt, publishing, doubtful = _Budget(self._max_wait), 0, request is Request.PUBLISH, False
        while True:
            self._wait_for_window(budget, publishing=publishing)
            attempt += 1
            try:
                return self._transport.exchange(
                    method, path, body=body, params=params, long=publishing, on_headers=self._note(publishing)
                )
            except errors.OctopostError as error:
                action = retry.decide(request, error)
                if doubtful and isinstance(error, errors.NotFound):
                    return Reply(404, {}, None, None, error.request_id or "")
                if action not in retry.RESENDS:
                    raise
                doubtful = doubtful or action is Action.RETRY_GONE_IS_DONE
                wait = self._wait(error, attempt)
                if (action is not Action.WAIT and attempt >= retry.MAX_ATTEMPTS) or not budget.take(wait):
                    raise
                time.sleep(wait)

    def _wait(self, error: errors.OctopostError, attempt: int) -> float:
        told = error.retry_after if isinstance(error, errors.RateLimited) else None
        if told is None:
            # A 429 that names no time is waited out in growing steps, never sent again at once.
            return max(retry.backoff(attempt), 1.0 if isinstance(error, errors.RateLimited) else 0.0)
        return told + retry.backoff(1)  # those who were told the same time do not all come back in the same instant

    def _wait_for_window(self, budget: _Budget, *, publishing: bool) -> None:
        """Wait out a window known to be used up, where the budget allows, instead of earning a 429."""
        known = self.publish_rate_limit if publishing else self.rate_limit
        if known is None or known.remaining > 0 or known.reset_at is None:
            return
        wait = (known.reset_at - datetime.now(UTC)).total_seconds()
        if wait > 0:
            wait += retry.backoff(1)
            if budget.take(wait):
                time.sleep(wait)

    def _note(self, publishing: bool) -> Any:
        def note(status: int, headers: Mapping[str, str]) -> None:
            seen = _rate_limit(headers)
            if seen is None:
                return
            if publishing:
                self.publish_rate_limit = seen
            else:
                self.rate_limit = seen

        return note


def _newest_first(times: list[datetime]) -> bool:
    """Whether an order is proved: one post, or several of one moment, prove none."""
    return len(set(times)) > 1 and all(earlier >= later for earlier, later in pairwise(times))


def _path(post_id: str) -> str:
    if not post_id or not str(post_id).strip():
        raise errors.InvalidInput("The post id is empty.", field="post_id", cure="Give the id that create returned.")
    return f"/posts/{quote(str(post_id), safe='')}"


def _rate_limit(headers: Mapping[str, str]) -> RateLimit | None:
    try:
        limit, remaining = int(headers["X-RateLimit-Limit"]), int(headers["X-RateLimit-Remaining"])
    except (KeyError, ValueError):
        return None
    server = wire.header_date(headers.get("Date")) or datetime.now(UTC)
    wait = retry.told_wait({"X-RateLimit-Reset": headers.get("X-RateLimit-Reset", "")}, None, server)
    # Kept on our own clock: the server's and ours may differ.
    reset_at = datetime.now(UTC) + timedelta(seconds=wait) if wait is not None else None
    return RateLimit(limit, remaining, reset_at)
