"""A model of the publishing protocol, driven by the real decision functions.

Workers are generators: every ``yield`` is a point where a worker may be paused for any time, or die. The server stamps
``created_at`` in whole seconds and ids are random, so their order says nothing about who came first.

Safety: no network ever has two live copies. Liveness: once the crashes stop, one more run leaves exactly one live copy
per network and no draft behind. ``broken`` takes one rule away, to show that the check can fail:

* ``pause``: elect without waiting until the order of the drafts is final;
* ``adopt``: publish a draft that was found without an election;
* ``own``: let each worker publish the draft it made.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from octopost_core import election
from octopost_core.models import DRAFT, PUBLISHED, PlatformResult, Post

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
NETWORKS = ("twitter", "bluesky", "mastodon")


class Server:
    """The API as far as the protocol sees it: each method is one atomic call."""

    def __init__(self, rng: random.Random, step: float) -> None:
        self.rng, self.step, self.now = rng, step, 0.0
        self.posts: dict[str, Post] = {}
        self.live: list[tuple[str, str]] = []

    def create(self, networks: list[str]) -> Post:
        stamp = EPOCH + timedelta(seconds=self.now // self.step * self.step)
        post = Post.model_construct(
            id=f"{self.rng.randrange(10**6):06}",
            status=DRAFT,
            platforms=networks,
            created_at=stamp,
            platform_results={},
        )
        self.posts[post.id] = post
        return post

    def publish(self, post_id: str) -> int:
        post = self.posts.get(post_id)
        if post is None:
            return 404
        if post.status != DRAFT:
            return 409
        results = {network: PlatformResult.model_construct(success=True) for network in post.platforms}
        self.posts[post_id] = post.model_copy(update={"status": PUBLISHED, "platform_results": results})
        self.live += [(network, post_id) for network in post.platforms]
        return 200

    def delete(self, post_id: str) -> None:
        if post_id in self.posts and self.posts[post_id].status == DRAFT:
            del self.posts[post_id]

    def listing(self) -> tuple[datetime, list[Post]]:
        return EPOCH + timedelta(seconds=int(self.now)), list(self.posts.values())


def worker(
    server: Server, wanted: set[str], *, look_first: bool, broken: str | None = None, patience: int = 60
) -> Iterator[None]:
    """One run of the protocol; the steps that octopost_core.publishing carries out over HTTP."""
    mine: set[str] = set()
    first_seen: dict[str, float] = {}
    look = look_first
    while patience:
        posts, final = [], False
        if look:
            yield
            sent_at = server.now
            date, posts = server.listing()
            for post in posts:
                first_seen.setdefault(post.id, server.now)
            drafts = [post for post in posts if post.status == DRAFT]
            final = broken == "pause" or election.order_is_final(
                drafts, date=date, sent_at=sent_at, first_seen=first_seen
            )
        look = True
        standing = election.elect(posts)
        if broken == "adopt" and (found := [p for p in standing.winners if wanted.issuperset(p.platforms)]):
            yield
            server.publish(found[0].id)
            continue
        step = election.next_step(standing, wanted, mine, final=final)
        match step:
            case election.Finish(litter):
                for post in litter:
                    yield
                    server.delete(post.id)
                return
            case election.Create(networks):
                yield
                post = server.create(sorted(networks))
                mine.add(post.id)
                first_seen[post.id] = server.now
                if broken == "own":
                    yield
                    server.publish(post.id)
                    return
            case election.Withdraw(losers):
                for post in losers:
                    yield
                    server.delete(post.id)
                    mine.discard(post.id)
            case election.Commit(winners):
                for post in winners:
                    yield
                    server.publish(post.id)
            case _:
                patience -= 1


def run(seed: int, broken: str | None = None) -> str:
    """Play one random schedule; return ``ok``, ``duplicate``, ``lost`` or ``litter``."""
    rng = random.Random(seed)
    server = Server(rng, step=rng.choice((1.0, 1.0, 0.001)))
    sets = [set(NETWORKS)] * 4
    if rng.random() < 0.3:
        sets = [set(NETWORKS), {"twitter"}, {"twitter", "bluesky"}, {"bluesky", "mastodon"}]
    # The very first try of an announcement without a key of its own creates before it looks.
    alive = [worker(server, wanted, look_first=rng.random() < 0.7, broken=broken) for wanted in sets]
    wants = list(sets)
    crashes = rng.randrange(6)
    for _ in range(4000):
        if not alive:
            break
        server.now += rng.choice((0, 0, 0.01, 0.2, 1.1)) if rng.random() < 0.5 else 0
        chosen = rng.randrange(len(alive))
        if crashes and rng.random() < 0.05:  # dies, and is run again from the start
            crashes -= 1
            alive[chosen] = worker(server, wants[chosen], look_first=True, broken=broken)
            continue
        for _ in range(rng.choice((1, 1, 1, 5))):  # the others are paused meanwhile
            try:
                next(alive[chosen])
            except StopIteration:
                del alive[chosen], wants[chosen]
                break
    if any(count > 1 for count in _copies(server).values()):
        return "duplicate"
    last = worker(server, set(NETWORKS), look_first=True, broken=broken)
    for _ in range(200):
        server.now += 0.4
        if next(last, "done") == "done":
            break
    copies = _copies(server)
    if any(count > 1 for count in copies.values()):
        return "duplicate"
    if any(count != 1 for count in copies.values()):
        return "lost"
    return "litter" if any(post.status == DRAFT for post in server.posts.values()) else "ok"


def _copies(server: Server) -> dict[str, int]:
    return {network: sum(name == network for name, _ in server.live) for network in NETWORKS}
