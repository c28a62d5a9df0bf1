"""Count a text as each network does, and say whether it fits.

Graphemes come from ``regex`` (``\\X``): it loads in half the time of wcwidth, is smaller, and knows the properties of
emoji that X's rule needs. X's own rule lives in :mod:`octopost_core.weighted`. Each counter is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from octopost_core.platforms import MAX_REPLIES, PLATFORMS, Unit, check_platform, check_platforms

if TYPE_CHECKING:
    import regex

#: ``@user@host``: what Mastodon leaves out is the second half.
_REMOTE_MENTION = re.compile(
    r"(?<![/\w])(@[A-Za-z0-9_](?:[A-Za-z0-9_.-]*+(?<=[A-Za-z0-9_]))?)@\w(?:[\w.-]*\w)?", re.ASCII
)
#: Units in words, for people.
UNIT_NAMES: dict[Unit, str] = {
    "weighted": "weighted characters",
    "graphemes": "graphemes",
    "characters": "characters",
    "emoji bytes": "characters (emoji as bytes)",
    "utf16": "UTF-16 units",
    "bytes": "bytes",
}
_HASHTAG = re.compile(r"(?<![\w&])#\w")


@dataclass(frozen=True, slots=True)
class Measure:
    """Hold one counter.

    :param used: What the text takes.
    :param limit: What there is.
    :param unit: What is counted.
    """

    used: int
    limit: int
    unit: Unit

    @property
    def fits(self) -> bool:
        """Tell whether the text stays within the limit."""
        return self.used <= self.limit

    def __str__(self) -> str:
        return f"{self.used:,} of {self.limit:,} {UNIT_NAMES[self.unit]}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Say how a text stands with one network.

    :param platform: The network's id.
    :param used: What the text takes, in ``unit``.
    :param limit: What an ordinary account may use, in ``unit``.
    :param unit: How the network counts.
    :param exact: Whether ``used`` is the network's own number; otherwise it is never less than that.
    :param refused: Whether Octopost itself turns the text down (documented where so); a text can be too long
        without being refused, and then the network decides.
    :param also: Further limits of the same network, such as Bluesky's bytes.
    """

    platform: str
    used: int
    limit: int
    unit: Unit
    exact: bool
    refused: bool
    also: tuple[Measure, ...] = ()

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Return every counter, the main one first."""
        return (Measure(self.used, self.limit, self.unit), *self.also)

    @property
    def fits(self) -> bool:
        """Tell whether the text stays within every limit of the network."""
        return all(measure.fits for measure in self.measures)

    @property
    def left(self) -> int:
        """Return what is left in ``unit``; negative when over."""
        return self.limit - self.used

    def __str__(self) -> str:
        text = f"{PLATFORMS[self.platform].name}: {'; '.join(map(str, self.measures))}"
        over = next((measure for measure in self.measures if not measure.fits), None)
        return text if over is None else f"{text}; {over.used - over.limit:,} too many"


@dataclass(frozen=True, slots=True)
class Finding:
    """Report what a network would object to.

    :param platform: The network's id.
    :param level: ``error``: Octopost refuses it (documented). ``warning``: the network may, or it will look odd.
    :param message: One sentence.
    :param about: ``length`` for a text that is too long, else ``post``.
    """

    platform: str
    level: Literal["error", "warning"]
    message: str
    about: Literal["length", "post"] = "post"


def count(text: str, platform: str) -> Verdict:
    """Count a text as one network does.

    :param text: Any string.
    :param platform: A network id.
    :raises InvalidInput: When the network is unknown.
    """
    rule = PLATFORMS[check_platform(platform)].text
    used = measure(text, rule.unit)
    also = () if rule.max_bytes is None else (Measure(measure(text, "bytes"), rule.max_bytes, "bytes"),)
    hard = rule.refused_above
    refused = hard is not None and (used > hard or not all(extra.fits for extra in also))
    return Verdict(platform, used, rule.limit, rule.unit, rule.exact, refused, also)


def capacity(platforms: str | Iterable[str]) -> dict[Unit, int]:
    """Return the tightest limit of each unit among several networks.

    :param platforms: Network ids.
    :raises InvalidInput: When one is unknown or none is named.
    """
    tightest: dict[Unit, int] = {}
    for platform in check_platforms(platforms if isinstance(platforms, str) else list(platforms)):
        rule = PLATFORMS[platform].text
        limits: list[tuple[Unit, int | None]] = [(rule.unit, rule.limit), ("bytes", rule.max_bytes)]
        for unit, limit in limits:
            if limit is not None:
                tightest[unit] = min(limit, tightest.get(unit, limit))
    return tightest


def measure(text: str, unit: Unit) -> int:
    """Return the length of a text in one unit.

    :param text: Any string, lone surrogates included.
    :param unit: How to count.
    """
    return _COUNTERS[unit](text)


def findings(text: str, platform: str, *, images: int = 0, video: bool = False, replies: int = 0) -> list[Finding]:
    """List what one network would object to in a post, errors first.

    :param text: The post's text.
    :param platform: A network id.
    :param images: Number of images.
    :param video: Whether there is a video.
    :param replies: Number of replies in the thread.
    :raises InvalidInput: When the network is unknown.
    """
    rules = PLATFORMS[check_platform(platform)]
    media = rules.media
    errors, warnings = [], []
    length = []
    if not (verdict := count(text, platform)).fits:
        level: Literal["error", "warning"] = "error" if verdict.refused else "warning"
        length.append(Finding(platform, level, f"The text is too long: {verdict}.", "length"))
    if video and media.video == "no":
        warnings.append(f"{rules.name} takes no video through Octopost.")
    if media.video == "required" and not video:
        errors.append(f"{rules.name} needs a video.")
    elif media.required and not (images or video):
        errors.append(f"{rules.name} needs an image or a video.")
    if images and video and media.exclusive:
        errors.append(f"{rules.name} takes images or a video, not both.")
    if media.max_images is not None and images > media.max_images:
        warnings.append(f"{rules.name} takes {media.max_images or 'no'} images, the post has {images}.")
    if rules.max_hashtags is not None and len(_HASHTAG.findall(text)) > rules.max_hashtags:
        warnings.append(f"{rules.name} may fail silently with more than {rules.max_hashtags} hashtags.")
    title = text.split("\n", 1)[0]
    if rules.max_title is not None and len(title) > rules.max_title:
        warnings.append(f"The first line becomes the title and is cut to {rules.max_title} characters.")
    if replies > MAX_REPLIES:
        errors.append(f"A thread takes at most {MAX_REPLIES} replies, the post has {replies}.")
    elif replies and not rules.threads:
        known = "has no threads" if rules.threads is False else "is not known to have threads"
        warnings.append(f"{rules.name} {known}: the replies may be dropped or joined.")
    found = [*length, *(Finding(platform, "error", message) for message in errors)]
    found += (Finding(platform, "warning", message) for message in warnings)
    return sorted(found, key=lambda finding: finding.level)


def graphemes(text: str) -> list[str]:
    """Split a text into what a reader sees as characters (Unicode's extended grapheme clusters).

    :param text: Any string.
    """
    if text.isascii() and "\r" not in text:
        return list(text)
    return _cluster().findall(text)


@cache
def _cluster() -> regex.Pattern[str]:
    import regex

    return regex.compile(r"\X")


def _count_graphemes(text: str) -> int:
    if text.isascii():
        return len(text) - text.count("\r\n")
    # A cluster never spans a line end, so only lines with more than ASCII need the slow way.
    return sum(
        len(line) - line.count("\r\n") if line.isascii() else len(_cluster().findall(line))
        for line in text.splitlines(keepends=True)
    )


def _count_mastodon(text: str) -> int:
    from octopost_core.weighted import LINK_WEIGHT, links

    pieces, position = [], 0
    for start, end in links(text, bare=False):
        pieces += [text[position:start], "x" * LINK_WEIGHT]
        position = end
    text = "".join(pieces) + text[position:]
    return _count_graphemes(_REMOTE_MENTION.sub(r"\1", text) if "@" in text else text)


def _count_emoji_bytes(text: str) -> int:
    if text.isascii():
        return len(text)
    from octopost_core.emoji import emoji_pattern

    return len(text) + sum(_count_bytes(emoji) - len(emoji) for emoji in emoji_pattern().findall(text))


def _count_utf16(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _count_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _count_weighted(text: str) -> int:
    from octopost_core.weighted import weigh

    return weigh(text)


_COUNTERS: dict[Unit, Callable[[str], int]] = {
    "weighted": _count_weighted,
    "graphemes": _count_graphemes,
    "characters": _count_mastodon,
    "emoji bytes": _count_emoji_bytes,
    "utf16": _count_utf16,
    "bytes": _count_bytes,
}
