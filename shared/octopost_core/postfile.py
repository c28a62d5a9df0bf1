"""Read a post written as YAML, strictly, and say where a mistake is.

``data/post-file.schema.json`` describes the same format for editors.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from octopost_core.errors import InvalidInput
from octopost_core.platforms import check_platforms

if TYPE_CHECKING:
    from octopost_core.models import Media, PostDraft

MAX_BYTES = 256 * 1024


class PostFileError(InvalidInput):
    """Say what is wrong in a post file, and where.

    :param message: What was found.
    :param source: The file's name.
    :param line: Line, counted from 1, or ``None``.
    :param column: Column, counted from 1, or ``None``.
    """

    def __init__(
        self,
        message: str,
        *,
        source: str,
        line: int | None = None,
        column: int | None = None,
        field: str | None = None,
        cure: str = "",
    ) -> None:
        where = source if line is None else f"{source}, line {line}, column {column}"
        super().__init__(f"{where}: {message}", field=field, cure=cure)
        self.source, self.line, self.column = source, line, column


@dataclass(frozen=True, slots=True)
class FileMedia:
    """Hold the media of a post or reply.

    :param images: Address and alternative text of each image, in order.
    :param video: Address of a video.
    """

    images: tuple[tuple[str, str | None], ...] = ()
    video: str | None = None

    def to_media(self) -> Media:
        """Return it as the client takes it."""
        from octopost_core.models import Media, MediaImage

        return Media(images=[MediaImage(url=url, alt_text=alt) for url, alt in self.images], video=self.video)


@dataclass(frozen=True, slots=True)
class FileSegment:
    """Hold one reply of a thread.

    :param content: Its text.
    :param media: Its media.
    """

    content: str
    media: FileMedia | None = None


@dataclass(frozen=True, slots=True)
class PostFile:
    """Hold a post as its file says it.

    :param content: The text of every network without one of its own.
    :param platforms: Network ids; empty when the file leaves them to a preset or to whoever publishes it.
    :param preset: Id or name of a preset.
    :param scheduled_for: When it goes out, with a time zone.
    :param segments: Replies.
    :param media: Images or a video.
    :param platform_options: Options per network.
    :param overrides: The whole text per network; replies do not go there.
    :param extra: Further body fields.
    :param source: The file's name.
    """

    content: str | None = None
    platforms: tuple[str, ...] = ()
    preset: str | None = None
    scheduled_for: datetime | None = None
    segments: tuple[FileSegment, ...] = ()
    media: FileMedia | None = None
    platform_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    overrides: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    source: str = "post file"

    def texts(self, default_platforms: Iterable[str] | None = None) -> dict[str, list[str]]:
        """Return which networks get which text, in the order of the networks.

        :param default_platforms: Networks to use where the file names none (those of its preset, for instance).
        :raises InvalidInput: When no network is named, or one has no text.
        """
        platforms = list(self.platforms) or list(default_platforms or ())
        if not platforms:
            hint = f"Look up the preset {self.preset!r} and give its networks." if self.preset else "Add platforms."
            raise PostFileError("no network is named.", source=self.source, field="platforms", cure=hint)
        grouped: dict[str, list[str]] = {}
        for platform in check_platforms(platforms):
            text = self.overrides.get(platform, self.content)
            if text is None:
                raise PostFileError(
                    f"there is no text for {platform}.",
                    source=self.source,
                    field="content",
                    cure=f"Add content, or an override for {platform}.",
                )
            grouped.setdefault(text, []).append(platform)
        return grouped

    def drafts(self, default_platforms: Iterable[str] | None = None) -> list[PostDraft]:
        """Return one draft for each distinct text.

        :param default_platforms: Networks to use where the file names none (those of its preset, for instance).
        :raises InvalidInput: When no network is named, one has no text, or a value is refused.
        """
        from octopost_core.models import PostDraft, Segment

        drafts = []
        for text, platforms in self.texts(default_platforms).items():
            own = all(platform in self.overrides for platform in platforms)
            replies = () if own else self.segments
            segments = [
                Segment(content=reply.content, media=reply.media.to_media() if reply.media else None)
                for reply in replies
            ]
            drafts.append(
                PostDraft(
                    content=text,
                    platforms=platforms,
                    scheduled_for=self.scheduled_for,
                    media=self.media.to_media() if self.media else None,
                    segments=segments or None,
                    platform_options={
                        name: dict(options) for name, options in self.platform_options.items() if name in platforms
                    },
                    extra=dict(self.extra),
                )
            )
        return drafts


def load_post_file(path_or_text: str | os.PathLike[str]) -> PostFile:
    """Read a post file.

    :param path_or_text: A path, or the YAML itself; a string is a path when it is one line ending in .yml or .yaml.
    :raises PostFileError: Naming line, column, what was found and what is expected.
    """
    from octopost_core.postfile_reader import Reader

    if isinstance(path_or_text, str) and not _is_path(path_or_text):
        return Reader(path_or_text, "post file").read()
    path = Path(path_or_text)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise PostFileError(
            f"cannot be read: {error.strerror or error}.", source=str(path), cure="Check the path."
        ) from None
    try:
        return Reader(data.decode("utf-8-sig"), str(path)).read()
    except UnicodeDecodeError:
        raise PostFileError("is not UTF-8.", source=str(path), cure="Save it as UTF-8.") from None


@cache
def schema() -> dict[str, Any]:
    """Return the JSON Schema of post files."""
    text = Path(__file__).with_name("data").joinpath("post-file.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def _is_path(text: str) -> bool:
    return "\n" not in text and text.strip().lower().endswith((".yml", ".yaml"))
