"""Bring together what is to go out: from the inputs, a text file, or a post file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from github_action.config import Config, MediaItem, Schedule
from github_action.context import Context
from github_action.event import Release
from github_action.message import Author, Message


@dataclass(frozen=True)
class Composition:
    """Hold everything of an announcement but the way it is cut.

    :param shared: The text of all networks without one of their own; ``None`` where each has one.
    :param own: Texts by network.
    :param preset: The saved list of networks to use where ``platforms`` is empty.
    """

    platforms: tuple[str, ...]
    preset: str
    shared: Message | None
    own: Mapping[str, Message] = field(default_factory=dict)
    media: Sequence[MediaItem] = ()
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    schedule: Schedule | None = None


def compose(config: Config, context: Context, release: Release | None) -> Composition:
    """Write the texts.

    :param config: The inputs.
    :param context: Where files are read.
    :param release: What is announced, or ``None``.
    :raises InvalidInput: For a text that cannot be made or a file that cannot be read.
    """
    author = Author(context, release)
    own = {name: author.write(text, f"overrides ({name})") for name, text in config.overrides.items()}
    shared: Message | None
    if config.content:
        shared = author.write(config.content, "content")
    elif config.content_file:
        shared = author.write(context.read_text("content-file", config.content_file), "content-file")
    elif config.platforms and set(config.platforms) <= own.keys():
        shared = None
    else:
        shared = author.default()
    return Composition(
        config.platforms, config.preset, shared, own, config.media, config.platform_options, config.scheduled_for
    )
