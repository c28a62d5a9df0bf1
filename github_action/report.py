"""What is told afterwards: the outputs, whatever happened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from github_action.config import FailOn

if TYPE_CHECKING:
    from datetime import datetime

    from github_action.event import Release, Skip
    from github_action.plan import Planned, Used
    from octopost_core.errors import OctopostError
    from octopost_core.outcome import NetworkOutcome, Outcome

#: Words for a network that the server has no word for.
NOT_SENT = "not-sent"
UNKNOWN = "unknown"
PREVIEWED = "previewed"

#: Every output, in the order of action.yml.
OUTPUTS = ("post-id", "status", "operation", "url", "urls", "results", "failed-platforms", "skipped-reason")


@dataclass(frozen=True)
class Row:
    """Say how one network ended.

    :param status: published, failed, scheduled, publishing or draft (the server's words), not-sent, unknown, previewed.
    :param id: The Octopost post that holds it.
    :param retryable: Whether a run with ``retry-failed`` may send it again without doubling it.
    """

    network: str
    status: str
    used: Used
    url: str = ""
    id: str = ""
    error: str = ""
    retryable: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return it as the output ``results`` shows it."""
        return {
            "network": self.network,
            "status": self.status,
            "url": self.url or None,
            "id": self.id or None,
            "error": self.error or None,
            "retryable": self.retryable,
            "used": self.used.used,
            "limit": self.used.limit,
        }


@dataclass
class Report:
    """Collect what happened, as it happens; complete at any moment."""

    fail_on: FailOn = "any"
    release: Release | None = None
    planned: list[Planned] = field(default_factory=list)
    rows: dict[str, Row] = field(default_factory=dict)
    post_ids: list[str] = field(default_factory=list)
    operations: list[str] = field(default_factory=list)
    scheduled_for: datetime | None = None
    skipped: Skip | None = None
    previewed: bool = False
    sending: bool = False
    errors: list[OctopostError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def skip(self, skipped: Skip) -> list[OctopostError]:
        """Note why nothing is announced; no error.

        :param skipped: The reason.
        """
        self.skipped = skipped
        return []

    def warn(self, message: str) -> None:
        """Note something the user should mend, though it stops nothing.

        :param message: One sentence.
        """
        if message not in self.warnings:
            self.warnings.append(message)

    def plan(self, planned: list[Planned], used: Mapping[str, Used]) -> None:
        """Note what is going to be sent.

        :param planned: The posts.
        :param used: Counters by network.
        """
        self.planned = planned
        self.rows = {
            name: Row(name, PREVIEWED if self.previewed else NOT_SENT, used[name])
            for post in planned
            for name in post.networks
        }

    def settle(self, outcome: Outcome) -> None:
        """Note how a post ended.

        :param outcome: The core's judgement.
        """
        self.operations.append(outcome.operation)
        for post in outcome.posts:
            self.note_id(post.id)
        for result in outcome.results.values():
            self.rows[result.network] = self._row(result)
        self._show_what_is_there(outcome)

    def fail(self, networks: tuple[str, ...], *, unknown: bool, error: str, post_id: str | None) -> None:
        """Note a post whose end nobody can tell, or that was not sent.

        :param networks: Its networks.
        :param unknown: Whether it may have gone out all the same.
        :param error: What happened.
        :param post_id: The post, if one exists.
        """
        if post_id:
            self.note_id(post_id)
        for name in networks:
            self.rows[name] = Row(
                name,
                UNKNOWN if unknown else NOT_SENT,
                self.rows[name].used,
                id=post_id or "",
                error=error,
                retryable=True,
            )

    def note_id(self, post_id: str) -> None:
        """Note a post's id as soon as it is known.

        :param post_id: The id.
        """
        if post_id not in self.post_ids:
            self.post_ids.append(post_id)

    @property
    def status(self) -> str:
        """One word for everything."""
        if self.skipped:
            return "skipped"
        found = {row.status for row in self.rows.values()}
        if not found:
            return NOT_SENT
        if len(found) == 1:
            return found.pop()
        if UNKNOWN in found:
            return UNKNOWN
        reached = found & {"published", "scheduled", "draft", "publishing"}
        if reached and found & {"failed", NOT_SENT}:
            return "partial"
        if "failed" in found and not reached:
            return "failed"
        return next((word for word in ("publishing", "scheduled", "draft", "published") if word in found), UNKNOWN)

    @property
    def operation(self) -> str:
        """What was done, in one word; empty where nothing could be done."""
        if self.skipped:
            return "skipped"
        if self.previewed:
            return "previewed"
        done = set(self.operations)
        if len(done) == 1:
            return done.pop()
        # Some posts were there already and others were made: an earlier run's work was completed.
        return "resumed" if done & {"resumed", "unchanged"} else next(iter(self.operations), "")

    @property
    def live(self) -> list[Row]:
        """The networks that have it."""
        return [row for row in self.rows.values() if row.status == "published"]

    @property
    def failed(self) -> list[Row]:
        """The networks that do not, for whatever reason."""
        return [row for row in self.rows.values() if row.status in ("failed", NOT_SENT, UNKNOWN)]

    def outputs(self) -> dict[str, str]:
        """Return the value of every output."""
        urls = [row.url for row in self.rows.values() if row.url]
        return {
            "post-id": "\n".join(self.post_ids),
            "status": self.status,
            "operation": self.operation,
            "url": urls[0] if urls else "",
            "urls": "\n".join(urls),
            "results": json.dumps([row.to_dict() for row in self.rows.values()], ensure_ascii=False),
            "failed-platforms": "" if self.previewed else "\n".join(row.network for row in self.failed),
            "skipped-reason": self.skipped.reason if self.skipped else "",
        }

    def _show_what_is_there(self, outcome: Outcome) -> None:
        """Put the text that an earlier run published in the place of today's wording, where they differ."""
        from github_action.plan import Planned, measure

        held = {post.id: (post.content, *(post.segments or ())) for post in outcome.posts if post.content}
        texts = {result.network: held.get(result.post_id or "") for result in outcome.results.values()}
        shown: list[Planned] = []
        for planned in self.planned:
            groups: dict[tuple[str, ...], list[str]] = {}
            for name in planned.networks:
                groups.setdefault(texts.get(name) or planned.parts, []).append(name)
            for parts, names in groups.items():
                same = parts == planned.parts
                shown.append(Planned(tuple(names), parts, shortened=planned.shortened and same))
                for name in [] if same else names:
                    self.rows[name] = replace(self.rows[name], used=measure(shown[-1], name))
        self.planned = shown

    def _row(self, result: NetworkOutcome) -> Row:
        return Row(
            result.network,
            result.status,
            self.rows[result.network].used,
            url="".join((result.url or "").split()),  # one line each in the output urls
            id=result.post_id or "",
            error=result.error or "",
            retryable=result.status == "failed",
        )
