"""Bring together what is to go out: from the inputs, a text file, or a post file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from github_action.config import Config, MediaItem, Schedule
from github_action.context import Context
from github_action.event import Release
from github_action.message import Author, Message
from octopost_core.errors import InvalidInput

if TYPE_CHECKING:
    from octopost_core.postfile import FileMedia


@dataclass(frozen=True)
class Reply:
    """Hold one part of a thread.

    :param text: Its text.
    :param media: Its pictures or video.
    """

    text: str
    media: tuple[MediaItem, ...] = ()


@dataclass(frozen=True)
class Composition:
    """Hold everything of an announcement but the way it is cut.

    :param shared: The text of all networks without one of their own; ``None`` where each has one.
    :param own: Texts by network.
    :param replies: The author's replies to the shared text.
    :param preset: The saved list of networks to use where ``platforms`` is empty.
    :param extra: Further fields of the API's body.
    """

    platforms: tuple[str, ...]
    preset: str
    shared: Message | None
    own: Mapping[str, Message] = field(default_factory=dict)
    replies: Sequence[Reply] = ()
    media: Sequence[MediaItem] = ()
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    schedule: Schedule | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


def compose(config: Config, context: Context, release: Release | None) -> Composition:
    """Write the texts.

    :param config: The inputs.
    :param context: Where files are read.
    :param release: What is announced, or ``None``.
    :raises InvalidInput: For a text that cannot be made or a file that cannot be read.
    """
    author = Author(context, release)
    if config.post_file:
        return _from_post_file(config, context, author)
    shared: Message | None
    if config.content:
        shared = author.write(config.content, "content")
    elif config.content_file:
        shared = author.write(context.read_text("content-file", config.content_file), "content-file")
    elif config.platforms and set(config.platforms) <= config.overrides.keys():
        shared = None
    else:
        shared = author.default()
    return Composition(
        config.platforms,
        config.preset,
        shared,
        {name: author.write(text, f"overrides ({name})") for name, text in config.overrides.items()},
        media=config.media,
        options=config.platform_options,
        schedule=config.scheduled_for,
    )


def _from_post_file(config: Config, context: Context, author: Author) -> Composition:
    """Read a post file; its texts are templates, and the inputs for networks and time go before its own."""
    from octopost_core.postfile_reader import Reader

    file = Reader(context.read_text("post-file", config.post_file), config.post_file).read()
    platforms = config.platforms or (() if config.preset else file.platforms)
    preset = config.preset or ("" if platforms else file.preset or "")
    if not platforms and not preset:
        raise InvalidInput(
            f"{config.post_file} names no network.",
            field="platforms",
            cure="Write platforms in the file or as an input.",
        )
    schedule = config.scheduled_for or (Schedule(at=file.scheduled_for) if file.scheduled_for else None)
    if schedule and not config.publish:
        raise InvalidInput(
            f"publish is false, so a draft stays for review, but {config.post_file} has a time to send it by itself.",
            field="publish",
            cure="Remove one of the two.",
        )
    own = {name: author.write(text, f"overrides ({name})") for name, text in file.overrides.items()}
    shared: Message | None
    if file.content is not None:
        shared = author.write(file.content, "content")
    else:
        shared = None if platforms and set(platforms) <= own.keys() else author.default()
    return Composition(
        platforms,
        preset,
        shared,
        own,
        [Reply(author.write(reply.content, "segments").text, _items(reply.media)) for reply in file.segments],
        _items(file.media),
        file.platform_options,
        schedule,
        file.extra,
    )


def _items(media: FileMedia | None) -> tuple[MediaItem, ...]:
    if media is None:
        return ()
    images = tuple(MediaItem(url, alt_text) for url, alt_text in media.images)
    return images + ((MediaItem(media.video, video=True),) if media.video else ())
