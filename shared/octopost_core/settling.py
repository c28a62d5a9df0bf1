"""Take one elected draft to its end: check, commit, settle."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from octopost_core import errors, retry
from octopost_core.client import OctopostClient
from octopost_core.models import DRAFT, SCHEDULED, Post, PostDraft, check_schedule, normalise
from octopost_core.retry import Action, Request
from octopost_core.run import Run

#: Seconds a draft may stay a draft after a publish call before the call is sent a second time.
GRACE = 10.0
#: Seconds between two looks at a post that is being published, growing from the first to the second.
POLL_FROM, POLL_TO = 0.5, 10.0
#: Statuses in which a person has to act first (documented for the MCP server; unknown for REST).
AWAITS_A_PERSON = frozenset({"pending", "pending_approval", "needs_approval", "queued"})


class Settler:
    """Publish or schedule drafts that are elected, and see how they end.

    :param client: The client.
    :param run: The run.
    :param wait: Whether to wait while a post is being published.
    :param draft: What the posts were made from, or ``None`` for a post that is published by its id.
    :param note: Called with a post's id and whether its commit may have been sent; before it is sent.
    """

    def __init__(
        self,
        client: OctopostClient,
        run: Run,
        *,
        wait: bool,
        draft: PostDraft | None = None,
        note: Callable[[str, bool], None] | None = None,
    ) -> None:
        self._client, self._run, self._wait, self._draft = client, run, wait, draft
        self._note = note or (lambda post_id, committed: None)
        #: Ids whose commit was sent and may have been carried out; and those of them whose end is not known yet.
        self.sent: set[str] = set()
        self.open: set[str] = set()

    def commit(self, post_id: str) -> Post | None:
        """Take a draft to its end; ``None`` where it no longer existed before anything was sent.

        :param post_id: An elected draft, or a post that is on its way already.
        :raises OutcomeUnknown: Its end cannot be proved.
        """
        self._run.current = post_id
        try:
            post = self._client.get_post(post_id)
        except errors.NotFound:
            if post_id in self.sent:
                raise self.deleted(post_id) from None
            return None
        self._run.tell("check", f"The post is {post.status}.", post_id)
        self._check_thread(post)
        for _ in range(2):
            if post.status == DRAFT:
                sent = self._commit_once(post)
                if sent is None:
                    return None
                post = sent
            post = self._settle(post)
            if post.status != DRAFT:
                self.open.discard(post.id)
                return post
        raise errors.OutcomeUnknown(post_id, "it is still a draft after two publish calls.")

    def _commit_once(self, post: Post) -> Post | None:
        """Send the one call that cannot be taken back; a second time only for a post that is still a draft."""
        when = self._draft.scheduled_for if self._draft else None
        if when:
            check_schedule(when, datetime.now(UTC), margin=0)
        first = post.id not in self.sent
        self._sending(post.id)
        try:
            if when:
                return self._schedule(post, when)
            self._run.tell("commit", "Sending the publish call.", post.id)
            return self._client.publish_post(post.id)
        except errors.NotFound:
            if not first:
                raise self.deleted(post.id) from None
            self._not_sent(post.id)
            return None
        except errors.OctopostError as error:
            if retry.decide(Request.PUBLISH, error) is not Action.SETTLE:
                if first:
                    self._not_sent(post.id)
                raise
            self._run.tell("commit", f"{error.message} Looking at the post.", post.id, "warning")
            return post

    def _schedule(self, post: Post, when: datetime) -> Post | None:
        """Give a draft its time (inferred: PUT can schedule a draft)."""
        self._run.tell("commit", f"Scheduling for {when:%Y-%m-%d %H:%M:%S} UTC.", post.id)
        try:
            done = self._client.update_post(post.id, scheduled_for=when)
            if done.status == DRAFT:
                done = self._client.get_post(post.id)
            if done.status != DRAFT:
                return done
        except (errors.BadRequest, errors.UnprocessableContent) as error:
            self._run.tell("commit", error.message, post.id, "warning")
        return self._create_scheduled(post)

    def _create_scheduled(self, post: Post) -> Post | None:
        """Where PUT cannot schedule, create with the time instead: then creating is what cannot be taken back.

        Of several workers the one whose delete of the draft goes through creates; the others look again. Should two
        come to it all the same, the later copy is deleted while it is still scheduled.
        """
        assert self._draft is not None
        self._run.tell("commit", "No update schedules here; creating the post with its time.", post.id, "warning")
        self._not_sent(post.id)
        self._client.delete_post(post.id)
        try:
            made = self._client.create_post(self._draft.with_platforms(post.platforms), schedule=True)
        except errors.OctopostError as error:
            if retry.decide(Request.CREATE, error) is not Action.LOOK_UP:
                raise
            self._run.tell("commit", f"{error.message} Looking it up.", post.id, "warning")
            return None
        self._sending(made.id)
        return made

    def _sending(self, post_id: str) -> None:
        self.sent.add(post_id)
        self.open.add(post_id)
        self._note(post_id, True)

    def _not_sent(self, post_id: str) -> None:
        self.sent.discard(post_id)
        self.open.discard(post_id)
        self._note(post_id, False)

    def _settle(self, post: Post) -> Post:
        """Look at a post until it has ended; return it as a draft when a second commit is due."""
        pause, since = POLL_FROM, time.monotonic()
        while not (post.terminal or post.status == SCHEDULED or post.status in AWAITS_A_PERSON):
            if post.status == DRAFT and time.monotonic() - since >= GRACE:
                return post
            if post.status not in {DRAFT, ""} and not self._wait:
                break
            self._run.sleep(pause, f"after the publish call it was last seen as {post.status or 'unknown'}")
            pause = min(POLL_TO, pause * 1.5)
            try:
                post = self._client.get_post(post.id)
            except errors.NotFound:
                raise self.deleted(post.id) from None
            except errors.OctopostError as error:
                # A key revoked meanwhile cannot be waited out; the frame tells that the end is unknown.
                if not error.retryable and not error.may_have_happened:
                    raise
                self._run.tell("settle", error.message, post.id, "warning")
        if post.status in AWAITS_A_PERSON:
            self._run.tell("settle", f"The post is {post.status}: a person has to approve it.", post.id, "warning")
        self._run.tell("settle", f"The post is {post.status}.", post.id)
        return post

    def _check_thread(self, post: Post) -> None:
        """Refuse to publish a thread of which the server kept only the first post (unknown: its field's name)."""
        wanted = [normalise(segment.content) for segment in self._draft.segments or []] if self._draft else []
        if not wanted or post.status != DRAFT:
            return
        kept = [normalise(text) for text in post.segments or []]
        if kept != wanted:
            raise errors.InvalidResponse(
                f"Octopost kept {len(kept)} of the {len(wanted)} replies of this thread in draft {post.id}; "
                "it was not published.",
                cure="Spell threads the other way (thread_field='thread'), or shorten the text to one post.",
            )

    @staticmethod
    def deleted(post_id: str) -> errors.OutcomeUnknown:
        """Return the error for a post that may have been published and is gone: it is not made again."""
        return errors.OutcomeUnknown(
            post_id,
            "it was about to be published and no longer exists; somebody deleted it.",
            cure="It is not published again by itself. To announce it again on purpose, use a new identity "
            "(another run or task).",
        )
