"""How a publication ended, judged network by network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from octopost_core.election import elect, failed_on
from octopost_core.errors import PartialFailure, PublishFailed
from octopost_core.models import DRAFT, PUBLISHED, PUBLISHING, SCHEDULED, PlatformResult, Post

Operation = Literal["created", "resumed", "unchanged", "scheduled", "drafted"]
Policy = Literal["fail", "warn", "ignore"]


@dataclass(frozen=True)
class Event:
    """Record one step of the protocol, for logs, summaries and tests.

    :param step: recall, look_up, create, persist, elect, check, commit, settle, judge or wait.
    :param message: What happened, one sentence.
    :param level: ``info`` or ``warning``.
    :param post_id: The post in question, if any.
    """

    step: str
    message: str
    level: Literal["info", "warning"] = "info"
    post_id: str | None = None


@dataclass(frozen=True)
class NetworkOutcome:
    """Say how one network ended.

    :param status: published, failed, scheduled, publishing or draft, or the server's own word.
    :param url: Where it can be seen, if live.
    :param post_id: The Octopost post that holds this network.
    :param network_post_id: The network's own id.
    :param error: Why it failed.
    """

    network: str
    status: str
    url: str | None = None
    post_id: str | None = None
    network_post_id: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class Outcome:
    """Say how a publication ended.

    :param posts: The posts that hold its networks, the one with most of them first.
    :param operation: created, resumed, unchanged, scheduled or drafted.
    :param results: One entry per network that was asked for.
    :param events: Every step on the way.
    """

    posts: tuple[Post, ...]
    operation: Operation
    results: dict[str, NetworkOutcome]
    events: list[Event] = field(default_factory=list)

    @property
    def post(self) -> Post:
        """The post that holds most networks."""
        return self.posts[0]

    @property
    def status(self) -> str:
        """One word for all networks: published where any is live, else what they share."""
        found = [result.status for result in self.results.values()]
        return PUBLISHED if PUBLISHED in found else found[0] if found else self.post.status

    @property
    def live(self) -> dict[str, str | None]:
        """URL (or ``None``) per network that has the post."""
        return {r.network: r.url for r in self.results.values() if r.status == PUBLISHED}

    @property
    def failed(self) -> dict[str, str]:
        """Error per network that refused it."""
        return {r.network: r.error or "no reason given" for r in self.results.values() if r.status == "failed"}

    @property
    def pending(self) -> list[str]:
        """Networks where it is neither live nor failed yet."""
        return [r.network for r in self.results.values() if r.status not in {PUBLISHED, "failed"}]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON-able data: the main post's fields, and the outcome over all posts."""
        results = {result.network: result for result in self.results.values()}
        return {
            **self.post.to_dict(),
            "status": self.status,
            "platforms": list(results),
            "platform_results": {
                network: self._entry(result).model_dump(mode="json") for network, result in results.items()
            },
            "operation": self.operation,
            "post_ids": [post.id for post in self.posts],
            "urls": {network: url for network, url in self.live.items() if url},
            "failed_platforms": list(self.failed),
            "results": [asdict(result) for result in results.values()],
        }

    def _entry(self, result: NetworkOutcome) -> PlatformResult:
        holder = next(post for post in self.posts if post.id == result.post_id)
        return holder.platform_results.get(result.network) or PlatformResult()

    def raise_for(self, policy: Policy) -> None:
        """Raise what the policy calls a failure.

        :param policy: ``fail`` raises when any network failed, ``warn`` when all did, ``ignore`` never.
        :raises PartialFailure: Some networks failed.
        :raises PublishFailed: All did.
        """
        error: PublishFailed | PartialFailure
        if policy == "ignore" or not self.failed:
            return
        if not self.live and not self.pending:
            error = PublishFailed(post=self.post, failed=self.failed)
        elif policy == "fail":
            error = PartialFailure(post=self.post, failed=self.failed, live=self.live)
        else:
            return
        error.outcome = self
        raise error


def judge(
    posts: Iterable[Post],
    wanted: Iterable[str] | None = None,
    *,
    operation: Operation = "unchanged",
    events: list[Event] | None = None,
) -> Outcome:
    """Judge posts network by network; pure.

    :param posts: The posts of one announcement.
    :param wanted: The networks in question; all of the posts' where omitted.
    :param operation: What was done.
    :param events: The steps on the way.
    """
    known = list(posts)
    standing = elect(known)
    holders = dict(standing.settled)
    for post in standing.winners:
        for network in post.platforms:
            holders.setdefault(network, post)
    networks = list(dict.fromkeys(wanted if wanted is not None else (n for post in known for n in post.platforms)))
    results = {network: _network(network, holders[network]) for network in networks if network in holders}
    used = {result.post_id for result in results.values()}
    ranked = sorted(
        (post for post in known if post.id in used) if used else known,
        key=lambda post: -sum(result.post_id == post.id for result in results.values()),
    )
    return Outcome(tuple(ranked), operation, results, events if events is not None else [])


def _network(network: str, post: Post) -> NetworkOutcome:
    result = post.platform_results.get(network)
    if post.status in {DRAFT, SCHEDULED, PUBLISHING} or not post.terminal:
        # While the post is on its way a single network may already have answered.
        status = PUBLISHED if result and result.success else post.status
    else:
        status = "failed" if failed_on(post, network) else PUBLISHED
    return NetworkOutcome(
        network,
        status,
        url=result.post_url if result else None,
        post_id=post.id,
        network_post_id=result.post_id if result else None,
        error=(result.error if result and result.error else "no reason given") if status == "failed" else None,
    )
