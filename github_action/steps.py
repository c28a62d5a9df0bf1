"""Tell two posts of one job apart: a release is known by its URL, but two steps may mean two different posts about it.

The runner gives all container steps of a job the same HOME (documented: "Dockerfile support for GitHub Actions"), so a
step that has published leaves a note there. A later step of the same job, for one of the same networks and the same
URL, is then known by its text alone: what the other step sent is not its own. Without a HOME the URL alone counts.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from contextlib import suppress
from typing import Any

from github_action.context import Context

FILE = ".octopost-steps.jsonl"


def published_by_another_step(context: Context, key: str, networks: Collection[str]) -> bool:
    """Tell whether an earlier step of this job has announced the same thing on one of the same networks.

    :param context: The run, attempt, job and step.
    :param key: The release's URL.
    :param networks: Where this step publishes.
    """
    return any(
        note.get("job") == _job(context)
        and note.get("step") != context.action
        and note.get("key") == key
        and not set(networks).isdisjoint(note.get("networks") or ())
        for note in _read(context)
    )


def leave_note(context: Context, key: str, networks: Collection[str]) -> None:
    """Note for later steps that this one has published.

    :param context: The run, attempt, job and step.
    :param key: The release's URL.
    :param networks: Where.
    """
    if context.home is None:
        return
    note = {"job": _job(context), "step": context.action, "key": key, "networks": list(networks)}
    with suppress(OSError), (context.home / FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(note) + "\n")


def _job(context: Context) -> str:
    return f"{context.run_id}/{context.attempt}/{context.job}"


def _read(context: Context) -> list[dict[str, Any]]:
    notes: list[dict[str, Any]] = []
    if context.home is None:
        return notes
    with suppress(OSError, ValueError):  # a note that cannot be read is no note
        for line in (context.home / FILE).read_text(encoding="utf-8").splitlines():
            note = json.loads(line)
            if isinstance(note, dict):
                notes.append(note)
    return notes
