"""Publish a post once: never twice, never lost, always told.

Creating a draft is harmless, publishing it is not (documented: overview). So everything that may be doubled by a
crash, a lost reply or a second worker happens while the post is a draft, and the one call that cannot be taken back is
sent for a post that every worker elects alike (octopost_core.election). The steps:

recall, look up, create, persist, elect, check, commit, settle, judge.

The process may die between any two lines of this file. Run again with the same identity, it goes on where it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from octopost_core import election, errors, retry
from octopost_core.client import OctopostClient
from octopost_core.ledger import Ledger, LedgerEntry, NoLedger
from octopost_core.matching import Announcement, fingerprint
from octopost_core.models import DRAFT, PUBLISHING, SCHEDULED, Post, PostDraft, check_schedule, normalise
from octopost_core.outcome import Event, Operation, Outcome, Policy, judge
from octopost_core.retry import Action, Request

__all__ = ["Event", "Outcome", "judge", "publish_existing", "publish_once"]

#: How far back an announcement without a better bound is looked for.
LOOK_BACK = timedelta(hours=24)
#: Clocks of different machines differ; a look-up reads this much further back.
CLOCK_SKEW = timedelta(minutes=2)
#: Seconds a draft may stay a draft after a publish call before the call is sent a second time.
GRACE = 10.0
#: Seconds a list may lag behind what was created.
LIST_LAG = 30.0
#: Seconds to wait for another announcement's draft that holds one of our networks.
PATIENCE = 60.0
#: Seconds between two looks at a post that is being published, growing from the first to the second.
POLL_FROM, POLL_TO = 0.5, 10.0
#: Ambiguous creates before giving up.
MAX_CREATES = 3
#: Statuses in which a person has to act first (documented for the MCP server; unknown for REST).
AWAITS_A_PERSON = frozenset({"pending", "pending_approval", "needs_approval", "queued"})


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
    run = _Publication(
        client=client,
        draft=draft,
        announcement=Announcement(draft, key),
        identity=identity,
        since=(since or datetime.now(UTC) - LOOK_BACK) - CLOCK_SKEW,
        ledger=ledger or NoLedger(),
        publish=publish or draft.scheduled_for is not None,
        retry_failed=retry_failed,
        look_first=second_try or key is not None,
        wait=wait,
        until=time.monotonic() + deadline,
        on_event=on_event,
        on_post_id=on_post_id,
    )
    return run.guarded(run.publish_draft, on_partial_failure)


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
    run = _Publication(client=client, wait=wait, until=time.monotonic() + deadline, on_event=on_event)
    return run.guarded(lambda: run.publish_by_id(post_id), on_partial_failure)


@dataclass
class _Snapshot:
    """The announcement's posts as one list showed them."""

    posts: list[Post]
    date: datetime | None
    sent_at: float
    complete: bool


class _Publication:
    """One run of the protocol; holds what this process knows, which is lost when it dies."""

    def __init__(
        self,
        *,
        client: OctopostClient,
        wait: bool,
        until: float,
        on_event: Callable[[Event], None] | None,
        draft: PostDraft | None = None,
        announcement: Announcement | None = None,
        identity: str = "",
        since: datetime | None = None,
        ledger: Ledger | None = None,
        publish: bool = True,
        retry_failed: bool = False,
        look_first: bool = False,
        on_post_id: Callable[[str], None] | None = None,
    ) -> None:
        self.client, self.wait, self.until = client, wait, until
        self.draft, self.announcement, self.identity, self.since = draft, announcement, identity, since
        self.ledger, self.publish, self.look_first = ledger or NoLedger(), publish, look_first
        self.retry_failed = retry_failed
        self._on_event, self._on_post_id = on_event, on_post_id
        self.events: list[Event] = []
        self.known: list[str] = []  # ids of this announcement's posts, from the ledger or made here
        self.created: set[str] = set()
        self.sent: set[str] = set()  # ids whose commit was sent from here
        self.may_be_sent = False  # a commit was sent, here or in an earlier try
        self.found_before: set[str] = set()  # ids that were there before this run made any
        self.first_seen: dict[str, float] = {}
        self.create_failures = 0
        self.patience: dict[str, float] = {}
        self.current: str | None = None

    # --- the frame ---------------------------------------------------------------------------------------------------

    def guarded(self, run: Callable[[], Outcome], policy: Policy) -> Outcome:
        """Run, and see that every error names the post it is about."""
        try:
            outcome = run()
        except errors.OctopostError as error:
            error.post_id = error.post_id or self.current
            raise
        for network, reason in outcome.failed.items():
            self.tell("judge", f"{network} failed: {reason}", level="warning", post_id=outcome.results[network].post_id)
        if outcome.live:
            self.tell("judge", f"Live on {', '.join(outcome.live)}.", post_id=outcome.post.id)
        outcome.raise_for(policy)
        return outcome

    def tell(self, step: str, message: str, *, level: str = "info", post_id: str | None = None) -> None:
        event = Event(step, message, "warning" if level == "warning" else "info", post_id)
        self.events.append(event)
        if self._on_event:
            self._on_event(event)

    def sleep(self, seconds: float, seen: str) -> None:
        """Wait within the deadline, else tell what was last seen."""
        if time.monotonic() + seconds > self.until:
            raise errors.OutcomeUnknown(self.current, f"{seen}, and the time allowed is used up.")
        time.sleep(seconds)

    def patient(self, what: str, limit: float) -> bool:
        """Whether to go on waiting for something, counted from the first time it was waited for."""
        return time.monotonic() - self.patience.setdefault(what, time.monotonic()) < limit

    # --- a draft -----------------------------------------------------------------------------------------------------

    def publish_draft(self) -> Outcome:
        draft = self._draft
        if draft.scheduled_for:
            self._check_time(draft.scheduled_for)
        snapshot = self.recall()
        if snapshot is None and self.look_first:
            snapshot = self.look_up()
        if snapshot is not None:
            self.found_before.update(post.id for post in snapshot.posts)
        retry_ids = self._retry_ids(snapshot)
        while True:
            posts = snapshot.posts if snapshot else []
            standing = election.elect(posts, retry=retry_ids)
            final = snapshot is not None and election.order_is_final(
                [post for post in posts if post.status in {DRAFT, SCHEDULED}],
                date=snapshot.date,
                sent_at=snapshot.sent_at,
                first_seen=self.first_seen,
            )
            step = election.next_step(standing, draft.platforms, self.created, final=final, publish=self.publish)
            if isinstance(step, election.Finish | election.Keep):
                outcome = self._finish(step, standing, posts)
                if outcome:
                    return outcome
            else:
                self._carry_out(step, snapshot, posts)
            snapshot = self.look_up()

    @property
    def _draft(self) -> PostDraft:
        assert self.draft is not None
        return self.draft

    def _retry_ids(self, snapshot: _Snapshot | None) -> set[str]:
        """Only what failed before this run is tried again, so that one run tries each network once."""
        return {post.id for post in snapshot.posts} if snapshot and self.retry_failed else set()

    def _check_time(self, when: datetime) -> None:
        # An earlier try may have scheduled it while there was time: then it is found, and nothing is sent.
        if not self.look_first and not self.ledger.recall(self.identity):
            check_schedule(when, datetime.now(UTC))

    def _carry_out(self, step: election.Step, snapshot: _Snapshot | None, posts: list[Post]) -> None:
        match step:
            case election.Create(networks):
                self._create(networks, snapshot)
            case election.WaitForOrder():
                self._wait_for_order(posts)
            case election.Withdraw(losers):
                for post in losers:
                    self._delete(post, "Another draft of this announcement came first")
            case election.Commit(winners):
                for post in winners:
                    self.current = post.id
                    self._commit_and_settle(post.id)
            case election.WaitForOther(post):
                self.current = post.id
                if not self.patient(f"other {post.id}", PATIENCE):
                    raise errors.OutcomeUnknown(
                        post.id,
                        f"this draft is for {', '.join(post.platforms)}, more than was asked for here, and holds "
                        "a network that is wanted here.",
                        cure="Publish or delete that draft, then run this again; nothing was published here.",
                    )
                self.sleep(2.0, f"waiting for draft {post.id} of another announcement")

    # recall

    def recall(self) -> _Snapshot | None:
        """Read the ledger, and the posts it names."""
        entry = self.ledger.recall(self.identity)
        if entry is None:
            return None
        self.current = entry.post_ids[-1]
        if entry.fingerprint != fingerprint(self._draft):
            raise errors.IdempotencyMismatch(entry.post_ids[-1], self.identity or "this identity")
        self.known, self.may_be_sent = list(entry.post_ids), entry.committed
        self.tell("recall", f"An earlier try made post {', '.join(entry.post_ids)}.", post_id=entry.post_ids[-1])
        sent_at, posts = time.monotonic(), []
        for post_id in entry.post_ids:
            try:
                posts.append(self.client.get_post(post_id))
            except errors.NotFound:
                self._gone(post_id)
        settled = election.elect(posts).settled
        if set(self._draft.platforms) <= settled.keys() and not self.retry_failed:
            return _Snapshot(posts, None, sent_at, complete=True)
        return self.look_up()

    def _gone(self, post_id: str) -> None:
        """A post that may have been published and no longer exists was removed by somebody: it is not made again."""
        if self.may_be_sent or post_id in self.sent:
            raise errors.OutcomeUnknown(
                post_id,
                "it was sent to be published and no longer exists; somebody deleted it.",
                cure="It is not published again by itself. To announce it again on purpose, use a new identity "
                "(another run or task).",
            )
        if post_id in self.known:
            self.known.remove(post_id)
        self.created.discard(post_id)
        self.tell("check", f"Draft {post_id} no longer exists.", post_id=post_id)

    # look up

    def look_up(self) -> _Snapshot:
        """Find this announcement's posts in one list; several pages count only when read twice alike."""
        before: list[tuple[str, str]] | None = None
        while True:
            snapshot, pages = self._read_list()
            seen = [(post.id, post.status) for post in snapshot.posts]
            if pages > 1 and seen != before:
                before = seen
                continue
            hidden = self._add_known(snapshot)
            if not hidden:
                break
            if not self.patient("list", LIST_LAG):
                raise errors.OutcomeUnknown(
                    hidden,
                    f"it is a draft, but the list of posts does not show it after {LIST_LAG:g} s, so another copy "
                    "would not be seen either; it was not published.",
                )
            self.sleep(1.0, f"the list of posts does not show draft {hidden}")
        self.tell("look_up", f"Found {len(snapshot.posts)} post(s) of this announcement.")
        return snapshot

    def _read_list(self) -> tuple[_Snapshot, int]:
        pages = list(self.client.list_pages(since=self.since))
        assert self.announcement is not None
        assert self.since is not None
        posts = {
            post.id: post
            for page in pages
            for post in page.posts
            if (post.created_at is None or post.created_at >= self.since) and self.announcement.matches(post)
        }
        now = time.monotonic()
        for post_id in posts:
            self.first_seen.setdefault(post_id, now)
        snapshot = _Snapshot(list(posts.values()), pages[0].date, pages[0].sent_at, complete=not pages[-1].more)
        return snapshot, len(pages)

    def _add_known(self, snapshot: _Snapshot) -> str | None:
        """Add known posts that the list left out; return a draft of ours that it should have shown."""
        listed = {post.id for post in snapshot.posts}
        hidden = None
        for post_id in [known for known in self.known if known not in listed]:
            try:
                post = self.client.get_post(post_id)
            except errors.NotFound:
                self._gone(post_id)
                continue
            snapshot.posts.append(post)
            recent = self.since is None or post.created_at is None or post.created_at >= self.since
            if post.status == DRAFT and recent:
                hidden = post_id
        return hidden

    # create, persist

    def _create(self, networks: frozenset[str], snapshot: _Snapshot | None) -> None:
        if snapshot is not None and not snapshot.complete:
            raise errors.OutcomeUnknown(
                None,
                "the list of posts could not be read back to the time of the first try, so an earlier copy may exist.",
                cure="Look in the Octopost dashboard; if it is not there, run this again as a new announcement.",
            )
        draft = self._draft.with_platforms([name for name in self._draft.platforms if name in networks])
        try:
            post = self.client.create_post(draft, schedule=False)
        except errors.OctopostError as error:
            if retry.decide(Request.CREATE, error) is not Action.LOOK_UP:
                raise
            self.create_failures += 1
            if self.create_failures >= MAX_CREATES:
                raise
            self.tell("create", f"No answer to the create call ({error.message}) Looking it up.", level="warning")
            self.sleep(retry.backoff(self.create_failures), "a create call was not answered")
            return
        self.first_seen[post.id] = time.monotonic()
        self.created.add(post.id)
        self.tell("create", f"Created draft {post.id} for {', '.join(draft.platforms)}.", post_id=post.id)
        self._persist(post.id)

    def _persist(self, post_id: str, *, committed: bool = False) -> None:
        if post_id not in self.known:
            self.known.append(post_id)
        self.current = post_id
        self.may_be_sent = self.may_be_sent or committed
        if self.identity:
            entry = LedgerEntry(tuple(self.known), fingerprint(self._draft), self.may_be_sent)
            self.ledger.record(self.identity, entry)
            self.tell("persist", f"Noted post {post_id}.", post_id=post_id)
        if self._on_post_id:
            self._on_post_id(post_id)

    # elect

    def _wait_for_order(self, posts: list[Post]) -> None:
        """Sleep until no draft made later can come before those that are here."""
        drafts = [post for post in posts if post.status in {DRAFT, SCHEDULED} and post.created_at]
        now = time.monotonic()
        waits = [
            self.first_seen.get(post.id, now) + election.resolution(post.created_at).total_seconds() - now
            for post in drafts
            if post.created_at
        ]
        pause = max([0.0, *waits])
        if pause:
            self.tell("elect", f"Waiting {pause:.1f} s until the order of the drafts is final.")
        self.sleep(pause, "the order of the drafts is not final")

    def _delete(self, post: Post, why: str) -> None:
        """Delete a draft; anything else is left alone."""
        try:
            now = self.client.get_post(post.id)
            if now.status not in {DRAFT, SCHEDULED} or now.status != post.status:
                return
            self.client.delete_post(post.id)
        except errors.NotFound:
            pass
        self.tell("elect", f"{why}: deleted {post.status} post {post.id}.", post_id=post.id)
        self.created.discard(post.id)
        if post.id in self.known:
            self.known.remove(post.id)

    # check, commit, settle

    def publish_by_id(self, post_id: str) -> Outcome:
        self.current = post_id
        before = self.client.get_post(post_id)
        if before.status == SCHEDULED:
            self.tell("check", "The post is scheduled and goes out at its time.", level="warning", post_id=post_id)
        post = self._commit_and_settle(post_id) if before.status in {DRAFT, PUBLISHING} else before
        if post is None:
            raise errors.NotFound(f"Post {post_id} was deleted before it was published.", status=404, code="not_found")
        operation: Operation = "resumed" if post_id in self.sent else "unchanged"
        return judge([post], operation=operation, events=self.events)

    def _commit_and_settle(self, post_id: str) -> Post | None:
        """Take an elected draft to its end; ``None`` where it was deleted before anything was sent."""
        try:
            post = self.client.get_post(post_id)
        except errors.NotFound:
            self._gone(post_id)
            return None
        self._check_thread(post)
        self.tell("check", f"The post is {post.status}.", post_id=post_id)
        again = False
        while True:
            if post.status == DRAFT:
                if post_id in self.sent and again:
                    raise errors.OutcomeUnknown(post_id, "it is still a draft after two publish calls.")
                again = post_id in self.sent
                sent = self._commit(post)
                if sent is None:
                    return None
                post = sent
            post = self._settle(post)
            if post.status != DRAFT:
                return post

    def _commit(self, post: Post) -> Post | None:
        if self.draft is not None:
            self._persist(post.id, committed=True)
        when = self.draft.scheduled_for if self.draft else None
        try:
            if when:
                check_schedule(when, datetime.now(UTC), margin=0)
                done = self._schedule(post, when)
            else:
                self.sent.add(post.id)
                self.tell("commit", "Sending the publish call.", post_id=post.id)
                done = self.client.publish_post(post.id)
        except errors.NotFound:
            self.sent.discard(post.id)
            self.may_be_sent = bool(self.sent)
            self._gone(post.id)
            return None
        except errors.OctopostError as error:
            if retry.decide(Request.PUBLISH, error) is not Action.SETTLE:
                raise
            self.tell("commit", f"{error.message} Looking at the post.", level="warning", post_id=post.id)
            return post
        return done

    def _schedule(self, post: Post, when: datetime) -> Post:
        """Give an elected draft its time (inferred: PUT can schedule a draft)."""
        self.tell("commit", f"Scheduling for {when:%Y-%m-%d %H:%M:%S} UTC.", post_id=post.id)
        self.sent.add(post.id)
        return self.client.update_post(post.id, scheduled_for=when)

    def _settle(self, post: Post) -> Post:
        """Look at a post until it has ended; return it as a draft when a further commit is due."""
        pause, since = POLL_FROM, time.monotonic()
        while not (post.terminal or post.status in AWAITS_A_PERSON or post.status == SCHEDULED):
            if not self.wait and post.status not in {DRAFT, ""}:
                break
            if post.status == DRAFT and time.monotonic() - since >= GRACE:
                return post
            seen = f"after the publish call it was last seen as {post.status or 'unknown'}"
            self.sleep(pause, seen)
            pause = min(POLL_TO, pause * 1.5)
            try:
                post = self.client.get_post(post.id)
            except errors.NotFound:
                self._gone(post.id)
            except errors.OctopostError as error:
                if not error.retryable and not error.may_have_happened:
                    raise
                self.tell("settle", error.message, level="warning", post_id=post.id)
        if post.status in AWAITS_A_PERSON:
            self.tell(
                "settle", f"The post is {post.status}: a person has to approve it.", level="warning", post_id=post.id
            )
        self.tell("settle", f"The post is {post.status}.", post_id=post.id)
        return post

    def _check_thread(self, post: Post) -> None:
        """Refuse to publish a thread of which the server kept only the first post (unknown: its field's name)."""
        wanted = [normalise(segment.content) for segment in self.draft.segments or []] if self.draft else []
        if not wanted or post.status != DRAFT:
            return
        if [normalise(text) for text in post.segments or []] != wanted:
            raise errors.InvalidResponse(
                f"Octopost stored {len(post.segments or [])} of the {len(wanted)} replies of this thread in draft "
                f"{post.id}; it was not published.",
                cure="Spell threads the other way (thread_field='thread'), or shorten the text to one post.",
            )

    # judge

    def _finish(
        self, step: election.Finish | election.Keep, standing: election.Standing, posts: list[Post]
    ) -> Outcome | None:
        """Wait for what is still on its way, tidy up and judge; ``None`` where another look is due."""
        if isinstance(step, election.Finish):
            for post in step.litter:
                if self.announcement and self.announcement.same_text(post):
                    self._delete(post, "Left by an earlier try")
        wanted = self._draft.platforms
        holders = {post.id: post for network, post in standing.settled.items() if network in wanted}
        settled = [self._settled(post) for post in holders.values()]
        if None in settled:
            return None
        done = [post for post in settled if post]
        if isinstance(step, election.Keep):
            done += step.posts
            for post in step.posts:
                self._persist(post.id)
        elif self.identity and set(holders) - set(self.known):
            for post in done:
                self._persist(post.id, committed=True)
        return judge(done, wanted, operation=self._operation(step, done), events=self.events)

    def _settled(self, post: Post) -> Post | None:
        self.current = post.id
        return post if post.terminal else self._commit_and_settle(post.id)

    def _operation(self, step: election.Finish | election.Keep, done: list[Post]) -> Operation:
        if isinstance(step, election.Keep):
            return "drafted" if self.created & {post.id for post in done} else "resumed"
        if not self.sent:
            return "unchanged"
        if self.found_before or not self.sent <= self.created:
            return "resumed"
        return "scheduled" if self._draft.scheduled_for else "created"
