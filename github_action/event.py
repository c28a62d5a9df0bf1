"""What this run is about: a release, no release, or a reason to announce nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from github_action.config import Config
from github_action.context import Context
from octopost_core.errors import InvalidInput

#: Looks a release up by its tag; ``None`` where there is none.
LookUp = Callable[[str], Mapping[str, Any] | None]

#: What the activity types of a release event mean (documented: "Events that trigger workflows", release).
_ANNOUNCING = frozenset({"published", "released", "prereleased", "created"})


@dataclass(frozen=True)
class Release:
    """Hold what is announced.

    :param name: The release's title; its tag where it has none.
    :param notes: The release's body, Markdown as written.
    :param published_at: When it was published, or ``None``.
    :param private: Whether its repository is private, so that readers cannot follow the link.
    :param sample: Whether it is made up, for a preview.
    """

    repository: str
    tag: str
    name: str
    notes: str
    url: str
    prerelease: bool = False
    published_at: datetime | None = None
    private: bool = False
    sample: bool = False

    @property
    def version(self) -> str:
        """The version within the tag: 1.2.3 for v1.2.3, pkg@1.2.3, pkg/v1.2.3 or pkg-v1.2.3; else the tag."""
        match = re.search(r"(?:^|[/@_-])[vV]?(\d+(?:\.\d+)*(?:[-+._]?[0-9A-Za-z][0-9A-Za-z.+_-]*)?)$", self.tag)
        return match[1] if match else self.tag

    @property
    def title(self) -> str:
        """The name; with the repository's name before it where it is a mere version."""
        project = self.repository.rpartition("/")[2]
        plain = self.name.strip().lower() in {text.lower() for text in (self.tag, self.version, f"v{self.version}")}
        if plain and project.lower() not in self.name.lower():
            return f"{project} {self.name.strip()}"
        return self.name.strip()


@dataclass(frozen=True)
class Skip:
    """Say why nothing is announced.

    :param reason: One word for programs.
    :param message: One sentence for people.
    """

    reason: str
    message: str


def resolve(config: Config, context: Context, look_up: LookUp) -> Release | Skip | None:
    """Find the release this run is about.

    :param config: The inputs; ``tag`` names a release and goes before what the event tells.
    :param context: The event.
    :param look_up: Asks GitHub for a tag's release.
    :return: The release; a reason to announce nothing; or ``None`` where the event has nothing to do with one.
    :raises InvalidInput: When the wanted release does not exist.
    """
    payload = context.event.get("release")
    if config.tag:
        if isinstance(payload, dict) and payload.get("tag_name") == config.tag:
            found: Mapping[str, Any] | None = payload
        else:
            found = look_up(config.tag)
        if found is None:
            raise InvalidInput(
                f"tag is {config.tag!r}, and {context.repository} has no published release of that tag.",
                field="tag",
                cure="Publish the release before this step. A draft is not found; nor is a release of a private "
                "repository without the permission contents: read.",
            )
        return _judge(config, context, found)
    match context.event_name:
        case "release" if isinstance(payload, dict):
            return _from_release_event(config, context, payload)
        case "push" | "create" if context.ref_type == "tag":
            return _from_tag_push(config, context, look_up)
        case "workflow_run":
            return _from_workflow_run(config, context, look_up)
        case "workflow_dispatch" if context.ref_type == "tag":
            found = look_up(context.ref_name)
            return None if found is None else _judge(config, context, found)
    return None


def run_start_by_event(context: Context) -> datetime | None:
    """Return a moment shortly before this run started, where the event tells one.

    :param context: The event.
    """
    if context.event_name == "workflow_run":
        return _time(_map(context.event.get("workflow_run")).get("updated_at"))
    if context.event_name == "push":
        # In push payloads, and there only, this is the number of seconds at which the push arrived.
        pushed = _map(context.event.get("repository")).get("pushed_at")
        return datetime.fromtimestamp(pushed, UTC) if isinstance(pushed, int) else None
    return None


def sample(context: Context) -> Release:
    """Return a made-up release for a preview where the event has none.

    :param context: Names the repository.
    """
    repository = context.repository or "octocat/hello-world"
    return Release(
        repository,
        "v1.2.3",
        f"{repository.rpartition('/')[2]} 1.2.3",
        "- A sample note, because this event carries no release\n- Another one",
        f"{context.server_url}/{repository}/releases/tag/v1.2.3",
        sample=True,
    )


def _from_release_event(config: Config, context: Context, payload: Mapping[str, Any]) -> Release | Skip:
    action = str(context.event.get("action", ""))
    if action == "edited":
        return Skip(
            "edited",
            "The release was only edited; a release is announced when it is published. To announce it now, run a "
            "workflow with the input tag.",
        )
    if action and action not in _ANNOUNCING:
        return Skip(action, f"The release was {action}, not published; there is nothing to announce.")
    return _judge(config, context, payload)


def _from_tag_push(config: Config, context: Context, look_up: LookUp) -> Release | Skip:
    tag = context.ref_name
    if context.event.get("deleted") is True:
        return Skip("tag-deleted", f"The tag {tag} was deleted; there is nothing to announce.")
    found = look_up(tag)
    if found is not None:
        return _judge(config, context, found)
    # A tag without a release: GitHub shows its page at the address its release would have, so both count as one.
    return Release(
        context.repository,
        tag,
        tag,
        "",
        f"{context.server_url}/{context.repository}/releases/tag/{quote(tag, safe='/@+')}",
        published_at=run_start_by_event(context),
        private=_is_private(context.event),
    )


def _from_workflow_run(config: Config, context: Context, look_up: LookUp) -> Release | Skip | None:
    run = _map(context.event.get("workflow_run"))
    name = run.get("name") or "the workflow"
    conclusion = run.get("conclusion")
    if run.get("status") == "completed" and conclusion != "success":
        return Skip("workflow-not-successful", f"The run of {name} ended with {conclusion or 'no conclusion'}.")
    # A run on a tag or a release has the tag as its head_branch.
    tag = str(run.get("head_branch") or "")
    if run.get("event") not in ("push", "release", "create") or not tag:
        return None
    found = look_up(tag)
    return None if found is None else _judge(config, context, found)


def _judge(config: Config, context: Context, payload: Mapping[str, Any]) -> Release | Skip:
    """Return the release, or why it is not to be announced."""
    tag = str(payload.get("tag_name") or "")
    if payload.get("draft") is True:
        return Skip(
            "draft", f"The release {tag or payload.get('name') or ''} is a draft; it is announced when published."
        )
    prerelease = payload.get("prerelease") is True
    if prerelease and config.prereleases == "skip":
        return Skip("prerelease", f"{tag} is a prerelease; write prereleases: include to announce it.")
    url = str(payload.get("html_url") or "")
    if not tag or not url.startswith(("https://", "http://")):
        raise InvalidInput(
            "The event's release has no tag_name or html_url.",
            field="GITHUB_EVENT_PATH",
            cure="Let the runner set it, or write a whole release event into that file.",
        )
    return Release(
        context.repository or str(_map(context.event.get("repository")).get("full_name") or ""),
        tag,
        str(payload.get("name") or "").strip() or tag,
        str(payload.get("body") or ""),
        url,
        prerelease,
        _time(payload.get("published_at")) or _time(payload.get("created_at")),
        _is_private(context.event),
    )


def _is_private(event: Mapping[str, Any]) -> bool:
    return _map(event.get("repository")).get("private") is True


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _time(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
