"""Send the planned posts through the core's one way to publish, and note in the report how each ended."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from github_action.commands import Runner
from github_action.config import Config
from github_action.context import Context
from github_action.event import Release, run_start_by_event
from github_action.github_api import GitHub
from github_action.plan import Planned
from github_action.report import Report
from octopost_core import errors
from octopost_core.client import OctopostClient
from octopost_core.election import elect, failed_on
from octopost_core.matching import Announcement
from octopost_core.models import PostDraft
from octopost_core.outcome import Event
from octopost_core.publishing import CLOCK_SKEW, LOOK_BACK, publish_once

#: How long after its start GitHub lets a run be started again (documented: "Re-running workflows and jobs").
RERUNS_UNTIL = timedelta(days=30)


def look_back(
    config: Config, context: Context, release: Release | None, github: GitHub, now: datetime
) -> datetime | None:
    """Return how far back to look, so that nothing is doubled and next week's same text is not taken for it.

    :param config: ``on_duplicate`` may ask for another copy on purpose.
    :param context: The run and its attempt.
    :param release: What is announced; it was not announced before it was published.
    :param github: Knows when the run started.
    :param now: The present, aware.
    :return: The moment, or ``None`` for the core's own bound.
    """
    again = context.attempt > 1
    if config.on_duplicate == "repost":
        # Another copy on purpose; but trying the same run again must find what its first attempt sent.
        start = (run_start_by_event(context) or github.run_started()) if again else now
        if start:
            return start + CLOCK_SKEW  # taken exactly: what was there a minute before is not ours
    if release and release.published_at:
        return min(release.published_at, now)
    if not again:
        # A cron job says the same every time, and nothing of this run is older than the run.
        return now if context.event_name == "schedule" else run_start_by_event(context)
    return run_start_by_event(context) or github.run_started() or now - RERUNS_UNTIL


@dataclass(frozen=True)
class Publisher:
    """Publish one post after the other.

    :param key: The URL by which the announcement is known in any wording, or ``None``.
    :param again: Whether an earlier attempt may have got somewhere.
    """

    client: OctopostClient
    config: Config
    runner: Runner
    report: Report
    key: str | None
    since: datetime | None
    again: bool

    def publish(self, posts: list[tuple[Planned, PostDraft]], left: Callable[[], float]) -> list[errors.OctopostError]:
        """Publish all posts; one that fails does not stop the others, unless they would fail alike.

        :param posts: What is planned, with its draft.
        :param left: Seconds left of the time allowed.
        :return: The errors, in order.
        """
        found: list[errors.OctopostError] = []
        for planned, draft in posts:
            try:
                self._publish_one(planned, draft, left())
            except errors.PublicationError as error:
                self.report.settle(error.outcome)
                found.append(error)
            except errors.OctopostError as error:
                # The core turns every doubt about a publish call into OutcomeUnknown; anything else sent nothing.
                unknown = isinstance(error, errors.OutcomeUnknown)
                self.report.fail(planned.networks, unknown=unknown, error=error.message, post_id=error.post_id)
                found.append(error)
                if not unknown:
                    break
        return found

    def refuse_duplicates(self, posts: list[tuple[Planned, PostDraft]]) -> None:
        """Raise where any of it is on a network already.

        :param posts: What is planned, with its draft.
        :raises InvalidInput: Naming the post.
        """
        # The core's own bound and margin: both must see the same posts.
        since = (self.since or datetime.now(UTC) - LOOK_BACK) - CLOCK_SKEW
        known = list(self.client.list_posts(since=since))
        for planned, draft in posts:
            same = [post for post in known if Announcement(draft, self.key).matches(post)]
            for network, post in elect(same).settled.items():
                if network in planned.networks and not failed_on(post, network):
                    self.report.note_id(post.id)
                    where = post.live.get(network) or f"status {post.status}"
                    raise errors.InvalidInput(
                        f"This was announced before: post {post.id} is on {network} ({where}).",
                        field="on-duplicate",
                        cure="Nothing was sent. Write on-duplicate: skip to accept that, or repost to send it again.",
                    )

    def _publish_one(self, planned: Planned, draft: PostDraft, left: float) -> None:
        config = self.config
        outcome = publish_once(
            self.client,
            draft,
            since=self.since,
            key=self.key,
            second_try=self.again,
            publish=config.publish,
            retry_failed=config.retry_failed,
            wait=config.wait_timeout > 0,
            deadline=left,
            on_event=self._tell,
            on_post_id=self._note_id,
        )
        self.report.settle(outcome)

    def _tell(self, event: Event) -> None:
        label = "warning: " if event.level == "warning" else ""
        self.runner.say(f"  {event.step.replace('_', ' '):8} {label}{event.message}")

    def _note_id(self, post_id: str) -> None:
        """Told at once: a job that is cancelled a second later still has it."""
        self.report.note_id(post_id)
        with suppress(OSError):  # told in the end; it must not stop the publication half way
            self.runner.set_output("post-id", "\n".join(self.report.post_ids))
