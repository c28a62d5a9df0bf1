"""Shorten one text so that it fits several networks at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from octopost_core.errors import InvalidInput
from octopost_core.limits import UNIT_NAMES, capacity, graphemes, measure
from octopost_core.pieces import Break, Pieces
from octopost_core.plain import tidy

if TYPE_CHECKING:
    from octopost_core.platforms import Unit

ELLIPSIS = "…"
#: A sentence or line that ends within the last fifth is worth more than the words behind it.
_SENTENCE_WORTH = 0.8
_WINDOW = 2048
_MARGIN = 512  # a text that is longer by so much at its beginning does not fit, whatever follows
_SPACE = re.compile(r"\s")
_LONGEST_LINK = 4200
_TRAILING = tuple(",;:–—-([{«„/")
_WIDEST_CLUSTER = 64  # enough context to see whether a last comma stands alone


def fit(text: str, platforms: str | Iterable[str], *, link: str | None = None) -> str:
    """Return the longest whole text that fits every network, link kept.

    What fits comes back as it is (but tidied). Otherwise the text ends with an ellipsis behind a sentence or a line,
    where one ends in the last fifth of the room, else behind a word; in scripts without spaces behind a grapheme.
    Links, mentions, hashtags and emoji are kept whole or left out. The link's weight is reserved first; it stands
    last, below a blank line, unless the text that is kept already holds it. A second pass changes nothing.

    :param text: Plain text.
    :param platforms: Network ids; for each the limit of an ordinary account counts.
    :param link: An address that must not be lost.
    :raises InvalidInput: When a network is unknown, the link alone is too long, or not even one piece fits.
    """
    limits = capacity(platforms)
    text, link = tidy(text), tidy(link or "")
    if link and not fits(link, limits):
        raise too_long("link", link, limits)
    if not text:
        return link
    present = bool(link) and holds(text, link)
    whole = f"{text}\n\n{link}" if link and not present else text
    # Counting a megabyte to learn that it is no tweet would take longer than fitting it.
    window = _window(text, limits)
    if len(window) == len(text) and fits(whole, limits):
        return whole
    pieces = Pieces(window, limits)
    if present and holds(kept := _shorten(pieces, limits, ""), link):
        return kept
    shortened = _shorten(pieces, limits, f"\n\n{link}" if link else "")
    if not shortened:
        if link:
            return link
        raise too_long("text", pieces.slice(0, 0), limits)
    return shortened


def fits(text: str, limits: Mapping[Unit, int]) -> bool:
    """Tell whether a text stays within every limit.

    :param text: Any string.
    :param limits: Length per unit.
    """
    return all(measure(text, unit) <= limit for unit, limit in limits.items())


def holds(text: str, link: str) -> bool:
    """Tell whether a text holds a link as a whole, not as the beginning of another.

    :param text: Any string.
    :param link: An address.
    """
    return link in text and re.search(rf"(?<!\w){re.escape(link)}(?![\w/%?=&#~+-]|[.,;:!]\w)", text) is not None


def too_long(what: str, text: str, limits: Mapping[Unit, int]) -> InvalidInput:
    """Return the error for something that cannot be shortened.

    :param what: ``link`` or ``text``.
    :param text: What does not fit.
    :param limits: Length per unit.
    """
    unit, limit = max(limits.items(), key=lambda entry: measure(text, entry[0]) / max(entry[1], 1))
    shown = text if len(text) <= 60 else text[:59] + ELLIPSIS
    return InvalidInput(
        f"{shown!r} alone takes {measure(text, unit):,} of {limit:,} {UNIT_NAMES[unit]} and cannot be cut.",
        field=what,
        cure="Use a shorter link." if what == "link" else "Shorten it, or leave that network out.",
    )


def _window(text: str, limits: Mapping[Unit, int]) -> str:
    """Return as much of the beginning as can matter, ending between words where there are any."""
    size = _WINDOW
    while size < len(text):
        space = _SPACE.search(text, size, size + _LONGEST_LINK)
        window = text[: space.start() if space else size]
        # Without a space the window may cut a link, but not one that begins in its first half.
        sure = window if space else window[: size // 2]
        if any(measure(sure, unit) > limit + _MARGIN for unit, limit in limits.items()):
            return window
        size *= 2
    return text


def _shorten(pieces: Pieces, limits: Mapping[Unit, int], tail: str) -> str:
    room = {unit: limit - measure(f"{ELLIPSIS}{tail}", unit) for unit, limit in limits.items()}
    if min(room.values()) < 0:
        return ""
    last = pieces.reach(0, room)
    while last >= 0:
        last = _best_break(pieces, last)
        shortened = _with_ellipsis(pieces, last) + tail
        if fits(shortened, limits):
            return shortened
        last -= 1
    return ""


def _best_break(pieces: Pieces, last: int) -> int:
    worth = pieces.ends[last] * _SENTENCE_WORTH
    word = None
    for index in range(last, -1, -1):
        if pieces.breaks[index] >= Break.SENTENCE and pieces.ends[index] >= worth:
            return index
        if word is None and pieces.breaks[index] >= Break.GRAPHEME:
            word = index
        if pieces.ends[index] < worth and word is not None:
            return word
    return last if word is None else word


def _with_ellipsis(pieces: Pieces, last: int) -> str:
    kept = pieces.slice(0, last)
    if pieces.breaks[last] >= Break.LINE:
        return f"{kept}\n{ELLIPSIS}"
    if pieces.breaks[last] == Break.SENTENCE or pieces.ends_open(last):
        return f"{kept} {ELLIPSIS}"
    stripped = kept
    while stripped and graphemes(stripped[-_WIDEST_CLUSTER:])[-1] in _TRAILING:
        stripped = stripped[:-1].rstrip()
    return (stripped or kept) + ELLIPSIS
