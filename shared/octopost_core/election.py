"""The decisions of the publishing protocol, without I/O, so that a test can drive them through every order of events.

Which post goes out is decided from one list of the announcement's posts, the same way by every reader:

* a copy that is live, scheduled or on its way settles its networks;
* then the drafts, in the order (created_at, id), claim the networks that are free: whole or not at all.

A post is elected, never a worker. Anyone may publish a winner; the server lets one publish call through.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from octopost_core.models import DRAFT, FAILED, SCHEDULED, Post

_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Standing:
    """Say where an announcement stands.

    :param settled: Per network the post that is live, on its way or failed there.
    :param winners: Drafts that are elected, in order.
    :param losers: Drafts that can no longer be elected as they are.
    :param surplus: Scheduled copies of networks that an earlier scheduled copy holds already.
    """

    settled: Mapping[str, Post]
    winners: Sequence[Post]
    losers: Sequence[Post]
    surplus: Sequence[Post] = ()

    @property
    def claimed(self) -> set[str]:
        """The networks that need no further post."""
        return {*self.settled, *(network for post in self.winners for network in post.platforms)}


def order(post: Post) -> tuple[datetime, str]:
    """Return the place of a post in the order that every reader shares.

    :param post: Any post.
    """
    return (post.created_at or _EARLIEST, post.id)


def failed_on(post: Post, network: str) -> bool:
    """Tell whether a post has ended without reaching a network.

    :param post: Any post.
    :param network: One of its networks.
    """
    result = post.platform_results.get(network)
    if not post.terminal:
        return False
    # A network without an entry counts as failed only where the whole post did.
    return post.status == FAILED if result is None or result.success is None else not result.success


def elect(found: Iterable[Post], *, retry: Collection[str] = ()) -> Standing:
    """Judge the posts of an announcement.

    :param found: Every post of the announcement, from one list.
    :param retry: Ids of posts whose failed networks count as free, because a new post for them was asked for.
    """
    posts = sorted(found, key=order)
    settled: dict[str, Post] = {}
    surplus: list[Post] = []
    for post in posts:
        if post.status == DRAFT:
            continue
        for network in post.platforms:
            failed = failed_on(post, network)
            if failed and post.id in retry:
                continue
            holder = settled.get(network)
            if holder is None or (failed_on(holder, network) and not failed):
                settled[network] = post
            elif post.status == SCHEDULED and holder.status == SCHEDULED and post not in surplus:
                surplus.append(post)
    claimed, winners, losers = set(settled), [], []
    for post in posts:
        if post.status != DRAFT or not post.platforms:
            continue
        if claimed.isdisjoint(post.platforms):
            winners.append(post)
            claimed.update(post.platforms)
        else:
            losers.append(post)
    return Standing(settled, winners, losers, surplus)


def resolution(moment: datetime) -> timedelta:
    """Return the step in which a clock that told this moment seems to count.

    The documented examples count whole seconds; a moment with a fraction shows a finer clock.

    :param moment: A post's created_at.
    """
    if moment.microsecond == 0:
        return timedelta(seconds=1)
    return timedelta(milliseconds=1) if moment.microsecond % 1000 == 0 else timedelta(microseconds=1)


def order_is_final(
    drafts: Iterable[Post], *, date: datetime | None, sent_at: float, first_seen: Mapping[str, float]
) -> bool:
    """Tell whether no draft made later can come before one of these.

    That is so once the server's clock has left the step in which each was created: told by the Date header of the
    list, or because we knew of the draft for one whole step before we asked for the list.

    :param drafts: The drafts of the list.
    :param date: The list's Date header.
    :param sent_at: Our monotonic clock when the list was asked for.
    :param first_seen: Our monotonic clock when each draft was first seen, by id.
    """
    return all(
        post.created_at is None
        or (date is not None and date >= post.created_at.replace(microsecond=0) + timedelta(seconds=1))
        or sent_at - first_seen.get(post.id, sent_at) >= resolution(post.created_at).total_seconds()
        for post in drafts
    )


# --- what to do next -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Finish:
    """Nothing is left to send; ``litter`` can go."""

    litter: tuple[Post, ...]


@dataclass(frozen=True)
class Create:
    """Make a draft for these networks."""

    networks: frozenset[str]


@dataclass(frozen=True)
class WaitForOrder:
    """Look again when the order can no longer change."""


@dataclass(frozen=True)
class Withdraw:
    """Delete our own drafts that lost."""

    posts: tuple[Post, ...]


@dataclass(frozen=True)
class Commit:
    """Publish or schedule these elected drafts."""

    posts: tuple[Post, ...]


@dataclass(frozen=True)
class Keep:
    """The elected drafts are what was asked for; leave them unpublished."""

    posts: tuple[Post, ...]


@dataclass(frozen=True)
class WaitForOther:
    """Another announcement's draft holds a network: wait for it, then tell."""

    post: Post


Step = Finish | Create | WaitForOrder | Withdraw | Commit | Keep | WaitForOther


def next_step(
    standing: Standing, wanted: Collection[str], mine: Collection[str], *, final: bool, publish: bool = True
) -> Step:
    """Decide what one worker does next.

    :param standing: Where the announcement stands.
    :param wanted: The networks this worker was asked for.
    :param mine: Ids of the posts this worker has created.
    :param final: Whether the order can no longer change.
    :param publish: ``False`` stops at the elected draft.
    """
    wanted = set(wanted)
    if wanted <= standing.settled.keys():
        if standing.surplus and not final:
            return WaitForOrder()
        # Only what can never be elected again: a draft that shares a network with what is settled.
        return Finish(
            (
                *(post for post in standing.losers if not standing.settled.keys().isdisjoint(post.platforms)),
                *standing.surplus,
            )
        )
    lost = tuple(post for post in standing.losers if post.id in mine)
    missing = wanted - standing.claimed
    if missing and not lost:
        return Create(frozenset(missing))
    if not final:
        return WaitForOrder()
    if lost:
        return Withdraw(lost)
    ours = tuple(post for post in standing.winners if wanted.issuperset(post.platforms))
    if not publish and wanted <= {*standing.settled, *(network for post in ours for network in post.platforms)}:
        return Keep(ours)
    if publish and ours:
        return Commit(ours)
    return WaitForOther(next(post for post in standing.winners if not wanted.isdisjoint(post.platforms)))
