"""Publish a post once: never twice, never lost, always told.

Creating a draft is harmless, publishing it is not (documented: overview). So everything that may be doubled by a
crash, a lost reply or a second worker happens while the post is a draft, and the one call that cannot be taken back is
sent for a post that every worker elects alike (octopost_core.election). The steps:

recall, look up, create, persist, elect, check, commit, settle, judge.

The process may die between any two lines of this file. Run again with the same identity, it goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from octopost_core import election, errors, retry
from octopost_core.client import OctopostClient
from octopost_core.ledger import Ledger, LedgerEntry, NoLedger
from octopost_core.lookup import LookUp, Snapshot
from octopost_core.matching import Announcement, fingerprint
from octopost_core.models import DRAFT, SCHEDULED, Post, PostDraft, check_schedule
from octopost_core.outcome import Event, Operation, Outcome, Policy, judge
from octopost_core.retry import Action, Request
from octopost_core.run import Run
from octopost_core.settling import Settler

__all__ = ["Event", "Outcome", "judge", "publish_existing", "publish_once"]

#: How far back an announcement without a better bound is looked for.
LOOK_BACK = timedelta(hours=24)
#: Clocks of different machines differ; a look-up reads this much further back.
CLOCK_SKEW = timedelta(minutes=2)
#: Seconds to wait for another announcement's draft that holds one of our networks.
PATIENCE = 60.0
#: Ambiguous creates before giving up.
MAX_CREATES = 3


def publish_once(
    client: OctopostClient,
    draft: PostDraft,
    *,
    identity: str = "",
    since: datetime | None = None,
    key: str | None = None,
    second_try: bool = False,
    ledger: Ledger | None = None,
    publish: bool = True,
    retry_failed: bool = False,
    wait: bool = True,
    deadline: float = 600.0,
    on_partial_failure: Policy = "fail",
    on_event: Callable[[Event], None] | None = None,
    on_post_id: Callable[[str], None] | None = None,
) -> Outcome:
    """Publish (or schedule) a draft exactly once, however often and by however many workers this is called.

    :param client: The client.
    :param draft: What to announce, and where.
    :param identity: Who announces: the same for every try, another for every announcement. For the ledger.
    :param since: How far back to look for the same announcement (aware); 24 hours where omitted.
    :param key: A URL of its own, such as a release's page, by which the announcement is known in any wording.
    :param second_try: Whether an earlier try may have got somewhere; then look before creating.
    :param ledger: Where the post's id is kept between tries.
    :param publish: ``False`` stops at the draft; a draft with a time is still scheduled.
    :param retry_failed: Publish a new post for networks on which an earlier copy failed.
    :param wait: ``False`` returns while the post is still being published.
    :param deadline: Seconds for the whole.
    :param on_partial_failure: ``fail`` raises when a network failed, ``warn`` when all did, ``ignore`` never.
    :param on_event: Called with every step.
    :param on_post_id: Called with a post's id as soon as it is known.
    :raises OutcomeUnknown: Nobody can prove whether it went out; never tried again by itself.
    :raises PartialFailure: Some networks failed; ``.outcome`` tells which are live.
    :raises PublishFailed: All networks failed.
    :raises IdempotencyMismatch: The identity belongs to another text.
    :raises RateLimited: The wait for the rate limit goes beyond the client's budget.
    """
    run = Run(deadline, on_event)
    publication = _Publication(
        client,
        draft,
        run,
        key=key,
        since=(since or datetime.now(UTC) - LOOK_BACK) - CLOCK_SKEW,
        identity=identity,
        ledger=ledger or NoLedger(),
        publish=publish or draft.scheduled_for is not None,
        retry_failed=retry_failed,
        look_first=second_try or key is not None,
        wait=wait,
        on_post_id=on_post_id,
    )
    return _guarded(run, publication.settler, publication.publish, on_partial_failure)


def publish_existing(
    client: OctopostClient,
    post_id: str,
    *,
    wait: bool = True,
    deadline: float = 600.0,
    on_partial_failure: Policy = "fail",
    on_event: Callable[[Event], None] | None = None,
) -> Outcome:
    """Publish a post that exists, exactly once; the way to resume after :class:`OutcomeUnknown`.

    A post that is live already is reported as ``unchanged``, and so is one that waits for its scheduled time.

    :param client: The client.
    :param post_id: The post.
    :param wait: ``False`` returns while the post is still being published.
    :param deadline: Seconds for the whole.
    :param on_partial_failure: As in :func:`publish_once`.
    :param on_event: Called with every step.
    :raises NotFound: There is no such post; nothing is created in its place.
    :raises OutcomeUnknown: As in :func:`publish_once`.
    """
    run = Run(deadline, on_event)
    settler = Settler(client, run, wait=wait)
    return _guarded(run, settler, lambda: _publish_by_id(client, post_id, run, settler), on_partial_failure)


def _publish_by_id(client: OctopostClient, post_id: str, run: Run, settler: Settler) -> Outcome:
    run.current = post_id
    post: Post | None = client.get_post(post_id)
    assert post is not None
    if post.status == SCHEDULED:
        run.tell("check", "The post is scheduled and goes out at its time.", post_id, "warning")
    elif not post.terminal:
        post = settler.commit(post_id)
        if post is None:
            raise errors.NotFound(f"Post {post_id} was deleted before it was published.", status=404, code="not_found")
    return judge([post], operation="resumed" if settler.sent else "unchanged", events=run.events)


def _guarded(run: Run, settler: Settler, work: Callable[[], Outcome], policy: Policy) -> Outcome:
    """See that every error names its post, that none hides a publish call, and that every network's end is told."""
    try:
        outcome = work()
    except errors.OctopostError as error:
        error.post_id = error.post_id or run.current
        if settler.open and not isinstance(error, errors.OutcomeUnknown):
            post_id = min(settler.open)
            raise errors.OutcomeUnknown(post_id, f"its publish call was sent, and then: {error.message}") from error
        raise
    for network, reason in outcome.failed.items():
        run.tell("judge", f"{network} failed: {reason}", outcome.results[network].post_id, "warning")
    if outcome.live:
        run.tell("judge", f"Live on {', '.join(outcome.live)}.", outcome.post.id)
    outcome.raise_for(policy)
    return outcome


class _Publication:
    """One run of the protocol for one draft; what it knows is lost when the process dies, but for the ledger."""

    def __init__(
        self,
        client: OctopostClient,
        draft: PostDraft,
        run: Run,
        *,
        key: str | None,
        since: datetime,
        identity: str,
        ledger: Ledger,
        publish: bool,
        retry_failed: bool,
        look_first: bool,
        wait: bool,
        on_post_id: Callable[[str], None] | None,
    ) -> None:
        self._client, self._draft, self._run = client, draft, run
        self._announcement = Announcement(draft, key)
        self._identity, self._ledger, self._on_post_id = identity, ledger, on_post_id
        self._publish, self._retry_failed, self._look_first = publish, retry_failed, look_first
        self._lookup = LookUp(client, run, self._announcement, since)
        self.settler = Settler(client, run, wait=wait, draft=draft, note=self._persist)
        self._known: list[str] = []  # the announcement's posts that are in the ledger or were made here
        self._created: set[str] = set()
        self._committed: set[str] = set()  # those whose commit may have been sent, here or in an earlier try
        self._resumed = False  # posts were there before this run made any
        self._failed_creates = 0

    def publish(self) -> Outcome:
        """Take step after step until nothing is left to send."""
        snapshot = self._begin()
        # Only what failed before this run is tried again, so that one run tries each network once.
        again = {post.id for post in snapshot.posts} if snapshot and self._retry_failed else set()
        # A post for other networks (the same release in another text) is no earlier try of this one.
        wanted = set(self._draft.platforms)
        self._resumed = bool(snapshot and any(not wanted.isdisjoint(post.platforms) for post in snapshot.posts))
        while True:
            standing = election.elect(snapshot.posts if snapshot else [], retry=again - self.settler.sent)
            final = snapshot is not None and self._lookup.order_is_final(snapshot)
            step = election.next_step(
                standing, self._draft.platforms, self._created, final=final, publish=self._publish
            )
            match step:
                case election.Finish() | election.Keep():
                    outcome = self._finish(step, standing)
                    if outcome:
                        return outcome
                case election.Create(networks):
                    self._create(networks, snapshot)
                case election.WaitForOrder():
                    self._lookup.wait_for_order(snapshot)
                case election.Withdraw(losers):
                    for post in losers:
                        self._delete(post, "Another draft of this announcement came first")
                case election.Commit(winners):
                    snapshot = self._commit_all(winners, snapshot)
                    if snapshot is not None:
                        continue
                case election.WaitForOther(post):
                    self._wait_for(post)
            snapshot = self._look_up()

    # --- recall and look up ------------------------------------------------------------------------------------------

    def _begin(self) -> Snapshot | None:
        entry = self._ledger.recall(self._identity) if self._identity else None
        if entry is not None:
            return self._recall(entry)
        return self._look_up() if self._look_first else None

    def _recall(self, entry: LedgerEntry) -> Snapshot:
        """Take up what an earlier try has noted; the list is read only where that does not settle everything."""
        self._run.current = entry.post_ids[-1]
        if entry.fingerprint != fingerprint(self._draft):
            raise errors.IdempotencyMismatch(entry.post_ids[-1], self._identity)
        self._known, self._committed = list(entry.post_ids), set(entry.committed)
        self._run.tell("recall", f"An earlier try made post {', '.join(entry.post_ids)}.", entry.post_ids[-1])
        posts = []
        for post_id in entry.post_ids:
            try:
                posts.append(self._client.get_post(post_id))
            except errors.NotFound:
                self._gone(post_id)
        if not self._retry_failed and set(self._draft.platforms) <= election.elect(posts).settled.keys():
            return Snapshot(posts, None, 0.0)
        return self._look_up()

    def _look_up(self) -> Snapshot:
        return self._lookup.find(list(self._known), self._gone)

    def _gone(self, post_id: str) -> None:
        if post_id in self._committed:
            raise Settler.deleted(post_id)
        self._forget(post_id)
        self._run.tell("check", f"Draft {post_id} no longer exists.", post_id)

    def _forget(self, post_id: str) -> None:
        self._created.discard(post_id)
        self._committed.discard(post_id)
        if post_id in self._known:
            self._known.remove(post_id)

    # --- create and persist ------------------------------------------------------------------------------------------

    def _create(self, networks: frozenset[str], snapshot: Snapshot | None) -> None:
        if snapshot is not None and not snapshot.complete:
            raise errors.OutcomeUnknown(
                None,
                "the list of posts could not be read back to the time of the first try, so an earlier copy may exist.",
                sent=False,
                cure="Look in the Octopost dashboard; if it is not there, run this again as a new announcement.",
            )
        if self._draft.scheduled_for:
            check_schedule(self._draft.scheduled_for, datetime.now(UTC))
        draft = self._draft.with_platforms([name for name in self._draft.platforms if name in networks])
        try:
            post = self._client.create_post(draft, schedule=False)
        except errors.OctopostError as error:
            self._failed_creates += 1
            if retry.decide(Request.CREATE, error) is not Action.LOOK_UP or self._failed_creates == MAX_CREATES:
                raise
            # A draft that was made all the same is found by the look-up that follows, or is harmless.
            self._run.tell("create", f"{error.message} Looking it up.", level="warning")
            self._run.sleep(retry.backoff(self._failed_creates), "a create call was not answered")
            return
        self._lookup.saw(post.id)
        self._announcement.learn(post)
        self._created.add(post.id)
        self._run.tell("create", f"Created draft {post.id} for {', '.join(draft.platforms)}.", post.id)
        self._persist(post.id)
        # A list that is asked for now could not show the final order yet.
        self._lookup.wait_for_order(Snapshot([post], None, 0.0))

    def _persist(self, post_id: str, committed: bool = False) -> None:
        if post_id not in self._known:
            self._known.append(post_id)
        self._run.current = post_id
        (self._committed.add if committed else self._committed.discard)(post_id)
        if self._identity:
            entry = LedgerEntry(tuple(self._known), fingerprint(self._draft), tuple(sorted(self._committed)))
            self._ledger.record(self._identity, entry)
            self._run.tell("persist", f"Noted post {post_id}.", post_id)
        if self._on_post_id:
            self._on_post_id(post_id)

    # --- elect and commit --------------------------------------------------------------------------------------------

    def _delete(self, post: Post, why: str) -> None:
        """Delete a post that lost; only what is still the draft (or scheduled copy) that was seen."""
        try:
            if self._client.get_post(post.id).status == post.status:
                self._client.delete_post(post.id)
                self._run.tell("elect", f"{why}: deleted {post.status} post {post.id}.", post.id)
        except errors.NotFound:
            pass
        self._forget(post.id)

    def _wait_for(self, post: Post) -> None:
        self._run.current = post.id
        if not self._run.patient(post.id, PATIENCE):
            raise errors.OutcomeUnknown(
                post.id,
                f"this draft is for {', '.join(post.platforms)}, more than was asked for here, and holds "
                "a network that is wanted here.",
                sent=False,
                cure="Publish or delete that draft, then run this again; nothing was published here.",
            )
        self._run.sleep(2.0, f"waiting for draft {post.id} of another announcement")

    def _commit(self, post_id: str) -> Post | None:
        post = self.settler.commit(post_id)
        if post is None:
            self._run.tell("check", f"Post {post_id} no longer exists.", post_id)
            self._forget(post_id)
        return post

    def _commit_all(self, winners: Sequence[Post], snapshot: Snapshot | None) -> Snapshot | None:
        """Publish the elected drafts; return how things then stand, or ``None`` where another look is due."""
        for post in winners:
            if not self._announcement.same_text(post):
                self._run.tell(
                    "elect", f"Draft {post.id} has other words; it goes out as it stands.", post.id, "warning"
                )
        ended = {post.id: self._commit(post.id) for post in winners}
        if snapshot is None or None in ended.values():
            return None
        posts = [ended.get(post.id) or post for post in snapshot.posts]
        settled = election.elect(posts).settled
        return replace(snapshot, posts=posts) if set(self._draft.platforms) <= settled.keys() else None

    # --- judge -------------------------------------------------------------------------------------------------------

    def _finish(self, step: election.Finish | election.Keep, standing: election.Standing) -> Outcome | None:
        """Wait for what is still on its way, tidy up and judge; ``None`` where another look is due."""
        wanted = self._draft.platforms
        holders = {post.id: post for network, post in standing.settled.items() if network in wanted}
        done = []
        for post in holders.values():
            ended = post if post.terminal or post.status == SCHEDULED else self._commit(post.id)
            if ended is None:
                return None
            done.append(ended)
        if isinstance(step, election.Keep):
            done += step.posts
        else:
            self._tidy(step.litter)
        for post in done:
            if post.id not in self._known:
                self._persist(post.id, post.status != DRAFT)
        return judge(done, wanted, operation=self._operation(step), events=self._run.events)

    def _tidy(self, litter: Sequence[Post]) -> None:
        """Delete what other tries have left; that it fails must not hide how the publication ended."""
        for post in litter:
            if not self._is_litter(post):
                continue
            try:
                self._delete(post, "Left by another try")
            except errors.OctopostError as error:
                self._run.tell("judge", f"Post {post.id} could not be deleted: {error.message}", post.id, "warning")

    def _is_litter(self, post: Post) -> bool:
        """Only our own text is tidied up: a draft that merely names the same release may be a person's."""
        if post.status == SCHEDULED and post.scheduled_for != self._draft.scheduled_for:
            return False
        return self._announcement.same_text(post)

    def _operation(self, step: election.Finish | election.Keep) -> Operation:
        if isinstance(step, election.Keep):
            return "drafted" if self._created & {post.id for post in step.posts} else "resumed"
        if not self.settler.sent:
            return "unchanged"
        if self._resumed:
            return "resumed"
        return "scheduled" if self._draft.scheduled_for else "created"
