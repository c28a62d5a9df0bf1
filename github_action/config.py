"""The inputs, read once: gather, mask, validate. The rest of the code never sees an input's name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar, cast

from octopost_core.errors import InvalidInput
from octopost_core.platforms import check_platform

T = TypeVar("T")

Thread = Literal["off", "auto", "markers"]
TooLong = Literal["shorten", "thread", "fail"]
Prereleases = Literal["skip", "include"]
OnDuplicate = Literal["skip", "fail", "repost"]
FailOn = Literal["any", "all", "none"]

#: A file is a video by its name: what a server would say of it is not asked.
_VIDEO = re.compile(r"\.(mp4|mov|m4v|webm|avi|wmv|flv|3gp)([?#].*)?$", re.IGNORECASE)

DEFAULT_BASE_URL = "https://api.octopost.ink/v1"


class InvalidInputs(InvalidInput):
    """Refuse several inputs at once, so that a workflow is mended in one go.

    :param problems: One error per input.
    """

    def __init__(self, problems: list[InvalidInput]) -> None:
        super().__init__(" ".join(str(problem) for problem in problems), field=problems[0].field)
        self.problems = problems


@dataclass(frozen=True)
class MediaItem:
    """Name a picture or video.

    :param url: Public URL.
    :param alt_text: What it shows, or ``None``.
    :param video: Whether it is a video.
    """

    url: str
    alt_text: str | None = None
    video: bool = False


@dataclass(frozen=True)
class Schedule:
    """Say when to go out: at a moment, or some time after the run starts.

    :param at: The moment, or ``None``.
    :param after: The delay, or ``None``.
    """

    at: datetime | None = None
    after: timedelta | None = None

    def resolve(self, start: datetime) -> datetime:
        """Return the moment.

        :param start: When the run started, aware.
        """
        return self.at or start + (self.after or timedelta())


@dataclass(frozen=True, kw_only=True)
class Config:
    """Hold every input, checked. A field is named as its input, with underscores."""

    api_key: str = field(repr=False)
    base_url: str
    content: str
    content_file: str
    post_file: str
    platforms: tuple[str, ...]
    preset: str
    media: tuple[MediaItem, ...]
    platform_options: Mapping[str, Mapping[str, Any]]
    overrides: Mapping[str, str]
    thread: Thread
    when_too_long: TooLong
    scheduled_for: Schedule | None
    publish: bool
    tag: str
    prereleases: Prereleases
    on_duplicate: OnDuplicate
    retry_failed: bool
    fail_on: FailOn
    wait_timeout: float
    max_wait: float
    dry_run: bool
    github_token: str = field(repr=False)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], mask: Callable[[str], None] = lambda secret: None) -> Config:
        """Read and check the inputs.

        :param environ: The step's environment; an empty input is an absent one.
        :param mask: Called with each secret before anything else happens.
        :raises InvalidInputs: With one sentence for every input that is wrong.
        """
        read = _Inputs(environ)
        for name in ("api-key", "github-token"):
            if secret := read.raw(name):
                mask(secret)
        config = cls(
            api_key=read("api-key", _api_key, ""),
            base_url=read("base-url", _base_url, DEFAULT_BASE_URL),
            content=read("content", _text, "", strip=False),
            content_file=read("content-file", str, ""),
            post_file=read("post-file", str, ""),
            platforms=read("platforms", _platforms, ()),
            preset=read("preset", str, ""),
            media=read("media", _media, ()),
            platform_options=read("platform-options", _options, {}),
            overrides=read("overrides", _overrides, {}),
            thread=cast(Thread, read("thread", _one_of("off", "auto", "markers"), "off")),
            when_too_long=cast(TooLong, read("when-too-long", _one_of("shorten", "thread", "fail"), "shorten")),
            scheduled_for=read("scheduled-for", _schedule, None),
            publish=read("publish", _boolean, True),
            tag=read("tag", _tag, ""),
            prereleases=cast(Prereleases, read("prereleases", _one_of("skip", "include"), "skip")),
            on_duplicate=cast(OnDuplicate, read("on-duplicate", _one_of("skip", "fail", "repost"), "skip")),
            retry_failed=read("retry-failed", _boolean, False),
            fail_on=cast(FailOn, read("fail-on", _one_of("any", "all", "none"), "any")),
            wait_timeout=read("wait-timeout", _seconds, 600.0),
            max_wait=read("max-wait", _seconds, 90.0),
            dry_run=read("dry-run", _boolean, False),
            github_token=read("github-token", str, ""),
        )
        problems = read.problems + config._conflicts(read.problems)
        if problems:
            raise InvalidInputs(problems)
        return config

    def _conflicts(self, earlier: list[InvalidInput]) -> list[InvalidInput]:
        """What no input shows alone. An input that is wrong already is not reported again."""
        wrong = {problem.field for problem in earlier}
        found = []

        def refuse(name: str, message: str, cure: str) -> None:
            if name not in wrong:
                found.append(InvalidInput(message, field=name, cure=cure))

        if not self.api_key and not self.dry_run:
            refuse(
                "api-key",
                "api-key is empty.",
                "Write api-key: ${{ secrets.OCTOPOST_API_KEY }} and store the key as a secret of that name; runs for "
                "pull requests from forks get no secrets, there dry-run: true works without a key.",
            )
        texts = [name for name, value in self._texts() if value]
        if len(texts) > 1:
            refuse(texts[1], f"{texts[0]} and {texts[1]} are both given.", "Keep the one that holds the text.")
        if self.post_file:
            for name, given in (("media", self.media), ("overrides", self.overrides)):
                if given:
                    refuse(name, f"post-file and {name} are both given.", f"Move {name} into the post file.")
            if self.platform_options:
                refuse(
                    "platform-options",
                    "post-file and platform-options are both given.",
                    "Move the options into the post file.",
                )
        if self.platforms and self.preset:
            refuse("preset", "platforms and preset are both given.", "Keep one: a preset is a saved list of platforms.")
        if not (self.platforms or self.preset or self.post_file or "platforms" in wrong):
            refuse(
                "platforms",
                "platforms is empty.",
                "List the networks, for example platforms: twitter, bluesky, mastodon.",
            )
        for name, keys in (("overrides", self.overrides), ("platform-options", self.platform_options)):
            for network in keys:
                if self.platforms and network not in self.platforms:
                    refuse(
                        name,
                        f"{name} names {network}, which platforms does not list.",
                        f"Add {network} to platforms, or remove it from {name}.",
                    )
        if self.scheduled_for and not self.publish:
            refuse(
                "publish",
                "publish is false, so a draft stays for review, but scheduled-for would send it by itself.",
                "Remove one of the two.",
            )
        return found

    def _texts(self) -> list[tuple[str, str]]:
        return [("content", self.content), ("content-file", self.content_file), ("post-file", self.post_file)]


class _Inputs:
    """Read inputs by name and collect what is wrong."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[InvalidInput] = []

    def raw(self, name: str) -> str:
        """The runner keeps dashes (INPUT_API-KEY); shells and other hosts can only set INPUT_API_KEY."""
        variable = "INPUT_" + name.upper()
        return self._environ.get(variable) or self._environ.get(variable.replace("-", "_"), "")

    def __call__(self, name: str, parse: Callable[[str], T], default: T, *, strip: bool = True) -> T:
        value = self.raw(name)
        if not value.strip():
            return default
        try:
            return parse(value.strip() if strip else value)
        except InvalidInput as error:
            # Parsers say what was found and what to write; the input is named here.
            self.problems.append(InvalidInput(f"{name} {error.message}", field=name, cure=error.cure))
            return default


def _api_key(value: str) -> str:
    # Never shown, not even in part.
    if not value.isascii() or not value.isprintable() or " " in value:
        raise InvalidInput(
            "is malformed: it holds a space, a line break or a character outside ASCII.",
            cure="Copy the key again from Settings > API Keys and store it as a secret, without quotes around it.",
        )
    return value


def _base_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", value):
        raise InvalidInput(
            f"is {value!r}, not an http(s) URL.", cure=f"Write it like {DEFAULT_BASE_URL}, or leave it out."
        )
    return value.rstrip("/")


def _text(value: str) -> str:
    return value.replace("\r\n", "\n").strip("\n")


def _platforms(value: str) -> tuple[str, ...]:
    names = [name.strip().removeprefix("- ").strip().strip("'\"") for name in re.split(r"[,\n]", value.strip("[]"))]
    chosen = tuple(dict.fromkeys(_network(name) for name in names if name and not name.startswith("#")))
    if not chosen:
        raise InvalidInput("names no network.", cure="Write names like twitter, bluesky, separated by commas or lines.")
    return chosen


def _network(name: str) -> str:
    try:
        return check_platform(name)
    except InvalidInput as error:
        raise InvalidInput(f"names {name[:40]!r}, which is not a network Octopost knows.", cure=error.cure) from None


def _media(value: str) -> tuple[MediaItem, ...]:
    items = []
    for line in value.splitlines():
        if not line.strip():
            continue
        url, bar, alt_text = line.partition("|")
        url = url.strip()
        if not re.fullmatch(r"https?://[^\s|]+", url):
            raise InvalidInput(
                f"holds {url!r}, not a public http(s) URL; files of the workspace cannot be uploaded.",
                cure="Write one line per picture: https://… | what it shows. A release's asset has such a URL.",
            )
        items.append(MediaItem(url, (alt_text.strip() or None) if bar else None, bool(_VIDEO.search(url))))
    return tuple(items)


def _yaml_map(value: str, example: str) -> dict[str, Any]:
    import yaml

    try:
        found = yaml.safe_load(value)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise InvalidInput(
            f"is not YAML{where}: {problem}.", cure=f"Write one line per network, like {example}"
        ) from None
    if not isinstance(found, dict):
        raise InvalidInput(
            f"is a {_kind(found)}, not a map of networks.", cure=f"Write one line per network, like {example}"
        )
    return {_network(str(name)): item for name, item in found.items()}


def _options(value: str) -> dict[str, Mapping[str, Any]]:
    example = "tiktok: {privacy_level: SELF_ONLY}"
    options = _yaml_map(value, example)
    for network, item in options.items():
        if not isinstance(item, dict):
            raise InvalidInput(
                f"gives {network} a {_kind(item)}, not a map of options.", cure=f"Write it like {example}"
            )
    return options


def _overrides(value: str) -> dict[str, str]:
    example = "linkedin: A longer text for {{ tag }}."
    texts = _yaml_map(value, example)
    for network, item in texts.items():
        if not isinstance(item, str) or not item.strip():
            raise InvalidInput(
                f"gives {network} a {_kind(item)}, not a text.",
                cure="Put the text in quotes, or after | on lines of its own; a text that starts with {{ needs quotes.",
            )
    return {network: _text(text) for network, text in texts.items()}


def _kind(value: object) -> str:
    if value is None or value == "":
        return "blank"
    names = {str: "text", list: "list", dict: "map", bool: "true/false", int: "number", float: "number"}
    return names.get(type(value), type(value).__name__)


def _schedule(value: str) -> Schedule:
    cure = "Write an ISO 8601 time with its offset, like 2030-01-31T09:00:00+01:00, or a delay like +2h or +1h30m."
    if value.startswith("+"):
        match = re.fullmatch(r"\+(?=\d)(?:(\d{1,3})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m)?", value.replace(" ", ""))
        if not match:
            raise InvalidInput(f"is {value!r}, not a delay.", cure=cure)
        days, hours, minutes = (int(part or 0) for part in match.groups())
        return Schedule(after=timedelta(days=days, hours=hours, minutes=minutes))
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise InvalidInput(f"is {value!r}, not a time.", cure=cure) from None
    if moment.tzinfo is None:
        raise InvalidInput(f"is {value!r}, a time without an offset from UTC.", cure=cure)
    return Schedule(at=moment.astimezone(UTC).replace(microsecond=0))


def _boolean(value: str) -> bool:
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise InvalidInput(f"is {value!r}.", cure="Write true or false.")


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value.lower() in words:
            return value.lower()
        raise InvalidInput(f"is {value!r}.", cure=f"Write {', '.join(words[:-1])} or {words[-1]}.")

    return parse


def _tag(value: str) -> str:
    tag = value.removeprefix("refs/tags/")
    if re.search(r"[\s~^:?*\[\\\x00-\x1f\x7f]|\.\.|^/|/$", tag):
        raise InvalidInput(f"is {value!r}, not a tag's name.", cure="Write the tag as git shows it, like v1.2.3.")
    return tag


def _seconds(value: str) -> float:
    match = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)\s*(s|m|h|)", value)
    if not match:
        raise InvalidInput(f"is {value!r}.", cure="Write a number of seconds, like 120, or 2m.")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]
