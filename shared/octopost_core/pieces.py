"""Cut a text into what must stay whole, with running lengths, so that fitting and splitting never count a text twice.

A piece is a word, a link, a mention or a hashtag; in scripts without spaces, and in words longer than any, a grapheme.
The running sums are never less than the exact length, because a link weighs the same in any company and a grapheme
never weighs more for having neighbours; callers still check their result exactly.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from enum import IntEnum
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING

from octopost_core.limits import graphemes, measure
from octopost_core.weighted import links

if TYPE_CHECKING:
    import regex

    from octopost_core.platforms import Unit

_SPACE = re.compile(r"(\s+)")
_COUNTED_OTHERWISE = re.compile(r"[.@]|\r\n")  # links, mentions, and the one grapheme of two ASCII characters
_CLOSING = ".!?…。！？｡'\"”’»)]）」』"
_SENTENCE_END = re.compile(r"[.!?…。！？｡]['\"”’»)\]）」』]*\Z")
_SPACELESS_ENDS = tuple("。！？｡")
_SCHEME_LINK = re.compile(r"https?://\S+", re.IGNORECASE)
_LONG_WORD = 40
#: Latin letters, dashes, quotes and bullets: one character each, never part of a wider grapheme.
_SIMPLE_WORD = re.compile("[!-~\u00a1-\u00ac\u00af-\u02ff\u2010-\u2027•◦▪]+")


class Break(IntEnum):
    """Rate the place behind a piece, the best last."""

    WORD_INSIDE = -1
    GRAPHEME = 0
    WORD = 1
    SENTENCE = 2
    LINE = 3
    PARAGRAPH = 4


class Pieces:
    """Hold the pieces of one text.

    :param text: A tidied text.
    :param units: The units that matter.
    """

    def __init__(self, text: str, units: Mapping[Unit, int]) -> None:
        self.text = text
        tokens, self.breaks = _cut(text)
        places = list(accumulate(map(len, tokens)))
        self.starts, self.ends = places[0::2], places[1::2]
        distinct = set(tokens)
        #: Per unit: length of the text up to the start, and up to the end, of each piece.
        self.before: dict[Unit, list[int]] = {}
        self.after: dict[Unit, list[int]] = {}
        plain = {token: len(token) for token in distinct if token.isascii() and not _COUNTED_OTHERWISE.search(token)}
        others = distinct - plain.keys()
        for unit in units:
            length = plain | {token: measure(token, unit) for token in others}
            sums = list(accumulate(map(length.__getitem__, tokens)))
            self.before[unit], self.after[unit] = sums[0::2], sums[1::2]

    def __len__(self) -> int:
        return len(self.ends)

    def reach(self, first: int, limits: Mapping[Unit, int]) -> int:
        """Return the last piece up to which the text from piece ``first`` on stays within the limits.

        :param first: A piece.
        :param limits: Length per unit.
        """
        return min(
            bisect_right(self.after[unit], limit + self.before[unit][first]) - 1 for unit, limit in limits.items()
        )

    def slice(self, first: int, last: int) -> str:
        """Return the text from one piece to another, both included."""
        return self.text[self.starts[first] : self.ends[last]]

    def ends_open(self, last: int) -> bool:
        """Tell whether a sign set right behind this piece would become part of it (links, mentions, hashtags)."""
        piece = self.slice(last, last)
        return piece[0] in "@#＠＃" or "." in piece[1:-1]


def _cut(text: str) -> tuple[list[str], list[Break]]:
    """Return each piece with the space before it, in turn, and the rating of the place behind each piece.

    Most words are short, plain and many: they pass through in bulk, and only the others are looked into.
    """
    pairs = ["", *_SPACE.split(text)] if text else []
    words, gaps = pairs[1::2], [*pairs[2::2], "\n\n"]
    ratings = [
        Break.WORD if gap == " " and word[-1].isalnum() else _rate(word, gap)
        for word, gap in zip(words, gaps, strict=True)
    ]
    special = [
        index
        for index, word in enumerate(words)
        if len(word) > _LONG_WORD or not (word.isascii() or _SIMPLE_WORD.fullmatch(word))
    ]
    tokens: list[str] = []
    breaks: list[Break] = []
    done = 0
    for index in special:
        if index < done:
            continue
        tokens += pairs[2 * done : 2 * index]
        breaks += ratings[done:index]
        done = index
        # A word that shares a grapheme with the space around it takes its neighbours along.
        while done == index or (done < len(words) and _sticks(words[done - 1], gaps[done - 1], words[done])):
            _append(tokens, breaks, pairs[2 * done], words[done])
            breaks[-1] = ratings[done]
            done += 1
    return tokens + pairs[2 * done :], breaks + ratings[done:]


def _append(tokens: list[str], breaks: list[Break], gap: str, word: str) -> None:
    for part, rating in _parts(word):
        if gap and tokens and _sticks(tokens[-1], gap, part):
            tokens[-1] += gap + part
            breaks[-1] = rating
        else:
            tokens += (gap, part)
            breaks.append(rating)
        gap = ""


def _sticks(word: str, gap: str, following: str) -> bool:
    """Tell whether the space between two words belongs to the grapheme before or behind it."""
    if word[-1] < "\u0300" and following[0] < "\u0300":
        return False
    return len(graphemes(word[-1] + gap[0])) == 1 or len(graphemes(gap[-1] + following[0])) == 1


def _rate(word: str, gap: str) -> Break:
    lines = gap.count("\n")
    if lines:
        return Break.PARAGRAPH if lines > 1 else Break.LINE
    return Break.SENTENCE if word[-1] in _CLOSING and _SENTENCE_END.search(word[-8:]) else Break.WORD


def _parts(word: str) -> list[tuple[str, Break]]:
    """Return a word's pieces, each with the rating of the place behind it; the caller rates the last one."""
    if word.isascii() and (len(word) <= _LONG_WORD or _SCHEME_LINK.fullmatch(word)):
        return [(word, Break.WORD)]
    parts: list[tuple[str, Break]] = []
    position = 0
    for start, end in [*links(word), (len(word), len(word))]:
        for token in _inner().finditer(word, position, start):
            found, kind = token[0], token.lastgroup
            if kind == "whole" and len(found) > _LONG_WORD:
                parts += ((grapheme, Break.WORD_INSIDE) for grapheme in graphemes(found))
            else:
                parts.append((found, Break.SENTENCE if found in _SPACELESS_ENDS else Break.GRAPHEME))
        if start < end:
            parts.append((word[start:end], Break.GRAPHEME))
        position = end
    return _whole_graphemes(word, parts)


def _whole_graphemes(word: str, parts: list[tuple[str, Break]]) -> list[tuple[str, Break]]:
    """Join pieces that meet inside a grapheme, as a link and a sign that is set over its last letter do."""
    places = set(accumulate(map(len, graphemes(word))))
    joined: list[tuple[str, Break]] = []
    start = end = 0
    for part, rating in parts:
        end += len(part)
        if end in places:
            joined.append((word[start:end], rating))
            start = end
    return joined


@cache
def _inner() -> regex.Pattern[str]:
    import regex

    spaceless = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}ー"
    return regex.compile(
        r"(?P<link>(?i:https?)://[!-~]+)"
        r"|(?P<whole>[@#＠＃](?:(?!(?i:https?)://)[\w.@-])++"
        rf"|(?:(?![{spaceless}@#＠＃]|(?i:https?)://)\X)++|[@#＠＃])"
        r"|(?P<cluster>\X)",
        regex.VERSION1,
    )
