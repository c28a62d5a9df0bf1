"""Find the posts of an announcement in the account's list."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from octopost_core import election
from octopost_core.client import OctopostClient
from octopost_core.errors import NotFound, OutcomeUnknown
from octopost_core.matching import Announcement
from octopost_core.models import DRAFT, SCHEDULED, Post
from octopost_core.run import Run

#: Seconds a list may lag behind what was created.
LIST_LAG = 30.0


@dataclass(frozen=True)
class Snapshot:
    """Hold an announcement's posts as one list showed them.

    :param date: The server's clock when it answered.
    :param sent_at: Our monotonic clock when the list was asked for.
    :param complete: Whether the list was read back to the time of the first try.
    """

    posts: list[Post]
    date: datetime | None
    sent_at: float
    complete: bool = True


class LookUp:
    """Read the list and keep in mind when each post was first seen.

    :param client: The client.
    :param run: The run.
    :param announcement: What to look for.
    :param since: How far back (aware).
    """

    def __init__(self, client: OctopostClient, run: Run, announcement: Announcement, since: datetime) -> None:
        self._client, self._run, self._announcement, self._since = client, run, announcement, since
        self._first_seen: dict[str, float] = {}

    def saw(self, post_id: str) -> None:
        """Note that a post is known from now on."""
        self._first_seen.setdefault(post_id, time.monotonic())

    def find(self, known: list[str], gone: Callable[[str], None]) -> Snapshot:
        """Return the announcement's posts.

        :param known: Ids that belong to it whatever the list shows.
        :param gone: Called with a known id that no longer exists.
        :raises OutcomeUnknown: The list does not show a draft that exists, so it cannot be relied on.
        """
        while True:
            snapshot = self._read_twice_alike()
            hidden = self._add_known(snapshot, known, gone)
            if hidden is None:
                self._run.tell("look_up", f"Found {len(snapshot.posts)} post(s) of this announcement.")
                return snapshot
            if not self._run.patient("list", LIST_LAG):
                raise OutcomeUnknown(
                    hidden,
                    f"it is a draft, and after {LIST_LAG:g} s the list of posts does not show it, so another copy "
                    "would not be seen either.",
                    sent=False,
                )
            self._run.sleep(1.0, f"the list of posts does not show draft {hidden}")

    def order_is_final(self, snapshot: Snapshot) -> bool:
        """Tell whether no draft made later can come before one in the snapshot."""
        return election.order_is_final(
            _undecided(snapshot), date=snapshot.date, sent_at=snapshot.sent_at, first_seen=self._first_seen
        )

    def wait_for_order(self, snapshot: Snapshot | None) -> None:
        """Sleep until the next list will show the final order."""
        now = time.monotonic()
        waits = [
            self._first_seen.get(post.id, now) + election.resolution(post.created_at).total_seconds() - now
            for post in (_undecided(snapshot) if snapshot else [])
            if post.created_at
        ]
        pause = max([0.0, *waits])
        if pause > 0:
            self._run.tell("elect", f"Waiting {pause:.1f} s until the order of the drafts is final.")
            self._run.sleep(pause, "the order of the drafts is not final")

    def _read_twice_alike(self) -> Snapshot:
        """One page is one moment; several are not, so they count only when two readings agree."""
        before: list[tuple[str, str]] | None = None
        while True:
            pages = list(self._client.list_pages(since=self._since))
            posts = {post.id: post for page in pages for post in page.posts if self._is_ours(post)}
            for post_id in posts:
                self.saw(post_id)
            seen = [(post.id, post.status) for post in posts.values()]
            if len(pages) == 1 or seen == before:
                return Snapshot(list(posts.values()), pages[0].date, pages[0].sent_at, complete=not pages[-1].more)
            before = seen

    def _is_ours(self, post: Post) -> bool:
        return (post.created_at is None or post.created_at >= self._since) and self._announcement.matches(post)

    def _add_known(self, snapshot: Snapshot, known: list[str], gone: Callable[[str], None]) -> str | None:
        """Add known posts that the list left out; return a draft of them that it should have shown."""
        listed = {post.id for post in snapshot.posts}
        hidden = None
        for post_id in [candidate for candidate in known if candidate not in listed]:
            try:
                post = self._client.get_post(post_id)
            except NotFound:
                gone(post_id)
                continue
            self.saw(post_id)
            self._announcement.learn(post)
            snapshot.posts.append(post)
            if post.status == DRAFT and (post.created_at is None or post.created_at >= self._since):
                hidden = post_id
        return hidden


def _undecided(snapshot: Snapshot) -> list[Post]:
    return [post for post in snapshot.posts if post.status in {DRAFT, SCHEDULED}]
