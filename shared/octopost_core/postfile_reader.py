"""Read post files as a tree of YAML nodes that is never made into objects.

No tags, no repeated keys, and limits on size, depth and on what aliases unfold to, so that a file from anybody can be
read; every complaint names line and column.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from difflib import get_close_matches
from typing import Any, NoReturn

import yaml

from octopost_core.errors import InvalidInput
from octopost_core.platforms import MAX_REPLIES, check_platform
from octopost_core.postfile import MAX_BYTES, FileMedia, FileSegment, PostFile, PostFileError

_MAX_DEPTH = 24
_MAX_NODES = 10_000
_FIELDS = (
    "content",
    "platforms",
    "preset",
    "scheduled_for",
    "segments",
    "media",
    "platform_options",
    "overrides",
    "extra",
)
_KINDS = {
    "tag:yaml.org,2002:str": "a text",
    "tag:yaml.org,2002:int": "a number",
    "tag:yaml.org,2002:float": "a number",
    "tag:yaml.org,2002:bool": "true or false",
    "tag:yaml.org,2002:null": "empty",
    "tag:yaml.org,2002:timestamp": "a date",
    "tag:yaml.org,2002:merge": "a merge key",
    "tag:yaml.org,2002:value": "a default key",
    "tag:yaml.org,2002:map": "a mapping",
    "tag:yaml.org,2002:seq": "a list",
}


class Reader:
    """Read one document; ``at`` names the place of a value as its author would.

    :param text: YAML.
    :param source: The file's name, for messages.
    """

    def __init__(self, text: str, source: str) -> None:
        self.text, self.source = text, source
        self.nodes = 0

    def read(self) -> PostFile:
        """Return the post.

        :raises PostFileError: At the first mistake.
        """
        root = self._compose()
        entries = self._mapping(root, "the file", _FIELDS)
        values: dict[str, Any] = {}
        readers: dict[str, Callable[[yaml.Node, str], Any]] = {
            "content": self._text,
            "platforms": self._platforms,
            "preset": self._text,
            "scheduled_for": self._moment,
            "segments": self._segments,
            "media": self._media,
            "platform_options": self._options,
            "overrides": self._overrides,
            "extra": self._extra,
        }
        for name, (_, node) in entries.items():
            values[name] = readers[name](node, name)
        if "platforms" in values and "preset" in values:
            self._fail(entries["preset"][0], "platforms and preset are both given.", "preset", "Keep one of them.")
        for name in ("overrides", "platform_options"):
            for key in values.get(name, ()):
                if "platforms" in values and key not in values["platforms"]:
                    self._fail(entries[name][1], f"{key} is not among the platforms.", name, f"Add {key} to platforms.")
        if "content" not in values and not values.get("overrides"):
            self._fail(root, "content is missing.", "content", "Write the text of the post under content.")
        if values.get("segments") and "content" not in values:
            self._fail(entries["segments"][0], "segments need content.", "segments", "Write the first post's text.")
        return PostFile(**values, source=self.source)

    def _compose(self) -> yaml.Node:
        if len(self.text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
            raise PostFileError(f"is larger than {MAX_BYTES // 1024} KiB.", source=self.source, cure="Shorten it.")
        try:
            node = yaml.compose(self.text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise PostFileError(
                f"is not valid YAML: {error.problem or error.context}.",
                source=self.source,
                line=mark.line + 1 if mark else None,
                column=mark.column + 1 if mark else None,
            ) from None
        except RecursionError:
            raise PostFileError("is nested too deeply.", source=self.source) from None
        except yaml.YAMLError as error:
            raise PostFileError(f"is not valid YAML: {str(error).splitlines()[0]}.", source=self.source) from None
        if node is None:
            raise PostFileError("is empty.", source=self.source, cure="Write content and platforms.")
        return node

    def _fail(self, node: yaml.Node, message: str, field: str, cure: str = "") -> NoReturn:
        mark = node.start_mark
        raise PostFileError(
            message, source=self.source, line=mark.line + 1, column=mark.column + 1, field=field, cure=cure
        )

    def _count(self, node: yaml.Node, at: str, depth: int = 0) -> None:
        """Refuse tags, and trees that are too deep or that aliases make too large."""
        self.nodes += 1
        if self.nodes > _MAX_NODES or depth > _MAX_DEPTH:
            self._fail(node, f"{at} unfolds to too many values.", at, "Write it without aliases, or shorter.")
        if node.tag not in _KINDS:
            self._fail(node, f"{at} has the tag {node.tag}.", at, "Remove the tag; only plain values are read.")

    def _expect(self, node: yaml.Node, at: str, kind: type[yaml.Node], words: str) -> None:
        self._count(node, at)
        if not isinstance(node, kind):
            self._fail(node, f"{at} is {_KINDS[node.tag]}; expected {words}.", at)

    def _mapping(
        self, node: yaml.Node, at: str, known: Iterable[str] | None = None
    ) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        self._expect(node, at, yaml.MappingNode, "a mapping of names to values")
        entries: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._fail(key, f"a name in {at} is {_KINDS.get(key.tag, key.tag)}; expected a text.", at)
            self._count(key, at)
            name = key.value
            if name in entries:
                self._fail(key, f"{name} is given twice.", name, "Keep one of them.")
            if known is not None and name not in known:
                near = get_close_matches(name, list(known), n=1)
                cure = f"Did you mean {near[0]}?" if near else f"Known names: {', '.join(known)}."
                self._fail(key, f"{name} is not a name known in {at}.", name, cure)
            entries[name] = (key, value)
        return entries

    def _list(self, node: yaml.Node, at: str) -> list[yaml.Node]:
        self._expect(node, at, yaml.SequenceNode, "a list")
        items: list[yaml.Node] = node.value
        return items

    def _text(self, node: yaml.Node, at: str) -> str:
        self._count(node, at)
        if node.tag != "tag:yaml.org,2002:str":
            scalar = isinstance(node, yaml.ScalarNode) and node.value
            cure = f'Put it in quotes: "{node.value}".' if scalar else ""
            self._fail(node, f"{at} is {_KINDS[node.tag]}; expected a text.", at, cure)
        text: str = node.value
        if not text.strip():
            self._fail(node, f"{at} is empty.", at, "Write something, or leave it out.")
        return text

    def _address(self, node: yaml.Node, at: str) -> str:
        address = self._text(node, at)
        if not address.startswith(("https://", "http://")):
            self._fail(
                node, f"{at} is not a public address.", at, "Write an https:// address; local files cannot be uploaded."
            )
        return address

    def _platforms(self, node: yaml.Node, at: str) -> tuple[str, ...]:
        names = []
        for index, item in enumerate(self._list(node, at)):
            names.append(self._platform(item, self._text(item, f"{at}[{index}]")))
            if names[-1] in names[:-1]:
                self._fail(item, f"{names[-1]} is named twice.", at, "Keep one of them.")
        if not names:
            self._fail(node, f"{at} is empty.", at, "Name at least one network, for example bluesky.")
        return tuple(names)

    def _platform(self, node: yaml.Node, name: str) -> str:
        try:
            return check_platform(name)
        except InvalidInput as error:
            self._fail(node, error.message, "platforms", error.cure)

    def _moment(self, node: yaml.Node, at: str) -> datetime:
        self._count(node, at)
        try:
            moment = datetime.fromisoformat(node.value.strip())
        except (ValueError, AttributeError):
            self._fail(node, f"{at} is not a time.", at, "Write it as 2026-04-03T12:00:00+02:00.")
        if moment.tzinfo is None:
            self._fail(node, f"{at} has no time zone.", at, "Write one, as in 2026-04-03T12:00:00+02:00 or ...Z.")
        return moment

    def _segments(self, node: yaml.Node, at: str) -> tuple[FileSegment, ...]:
        items = self._list(node, at)
        if len(items) > MAX_REPLIES:
            self._fail(items[MAX_REPLIES], f"{at} holds {len(items)} replies, a thread takes {MAX_REPLIES}.", at)
        segments = []
        for index, item in enumerate(items):
            name = f"{at}[{index}]"
            entries = self._mapping(item, name, ("content", "media"))
            if "content" not in entries:
                self._fail(item, f"{name} has no content.", name, "Write the reply's text under content.")
            media = self._media(entries["media"][1], f"{name}.media") if "media" in entries else None
            segments.append(FileSegment(self._text(entries["content"][1], f"{name}.content"), media))
        return tuple(segments)

    def _media(self, node: yaml.Node, at: str) -> FileMedia:
        entries = self._mapping(node, at, ("images", "video"))
        images = []
        for index, item in enumerate(self._list(entries["images"][1], f"{at}.images") if "images" in entries else ()):
            name = f"{at}.images[{index}]"
            parts = self._mapping(item, name, ("url", "alt_text"))
            if "url" not in parts:
                self._fail(item, f"{name} has no url.", name, "Write the image's address under url.")
            alt = self._text(parts["alt_text"][1], f"{name}.alt_text") if "alt_text" in parts else None
            images.append((self._address(parts["url"][1], f"{name}.url"), alt))
        video = self._address(entries["video"][1], f"{at}.video") if "video" in entries else None
        if not images and video is None:
            self._fail(node, f"{at} is empty.", at, "Add images or a video, or leave it out.")
        return FileMedia(tuple(images), video)

    def _options(self, node: yaml.Node, at: str) -> dict[str, dict[str, Any]]:
        return {
            self._platform(key, name): self._plain_mapping(value, f"{at}.{name}")
            for name, (key, value) in self._mapping(node, at).items()
        }

    def _overrides(self, node: yaml.Node, at: str) -> dict[str, str]:
        return {
            self._platform(key, name): self._text(value, f"{at}.{name}")
            for name, (key, value) in self._mapping(node, at).items()
        }

    def _extra(self, node: yaml.Node, at: str) -> dict[str, Any]:
        return self._plain_mapping(node, at)

    def _plain_mapping(self, node: yaml.Node, at: str, depth: int = 0) -> dict[str, Any]:
        entries = self._mapping(node, at)
        return {name: self._plain(value, f"{at}.{name}", depth + 1) for name, (_, value) in entries.items()}

    def _plain(self, node: yaml.Node, at: str, depth: int) -> Any:
        """Return free-form data as JSON has it; a date stays the text it was written as."""
        self._count(node, at, depth)
        if isinstance(node, yaml.MappingNode):
            return self._plain_mapping(node, at, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(item, f"{at}[{index}]", depth + 1) for index, item in enumerate(node.value)]
        kind = node.tag.rsplit(":", 1)[-1]
        if kind in ("int", "float", "bool", "null"):
            try:
                value = getattr(yaml.constructor.SafeConstructor(), f"construct_yaml_{kind}")(node)
                json.dumps(value, allow_nan=False)
            except (ValueError, OverflowError, KeyError):
                self._fail(node, f"{at} is not a number JSON can hold.", at, "Put it in quotes.")
            return value
        return node.value
