"""Split one text into the parts of a thread."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from octopost_core.errors import InvalidInput
from octopost_core.fitting import fits, holds, too_long
from octopost_core.limits import capacity, measure
from octopost_core.pieces import Break, Pieces
from octopost_core.plain import tidy
from octopost_core.platforms import MAX_PARTS

if TYPE_CHECKING:
    from octopost_core.platforms import Unit

Limits = Mapping["Unit", int]

_MARK = re.compile(r"^[ \t]*-{3,}[ \t]*$", re.MULTILINE)
#: How far from an even share a part may end for the sake of a good break, as a part of the share.
_WORTH = {Break.PARAGRAPH: 0.5, Break.LINE: 0.35, Break.SENTENCE: 0.25, Break.WORD: 0.0, Break.GRAPHEME: 0.0}
_WORTH[Break.WORD_INSIDE] = -10.0


def split(
    text: str,
    platforms: str | Iterable[str],
    *,
    link: str | None = None,
    numbered: bool = False,
    max_parts: int = MAX_PARTS,
) -> list[str]:
    """Return the parts of a thread, each fitting every network.

    A line of three or more dashes is the author's own mark: there a part ends, and the line goes. Between marks the
    text is cut into as few parts as possible, of about the same length, at paragraphs, lines and sentences first. No
    word is lost. The link goes below the first part, which is the one that is shared and found again, unless the text
    already holds it.

    :param text: Plain text.
    :param platforms: Network ids; for each the limit of an ordinary account counts.
    :param link: An address that must not be lost.
    :param numbered: Put ``1/5`` below each part when there are several.
    :param max_parts: Parts a thread may have (documented: threading page, 24 replies and the first post).
    :raises InvalidInput: When a network is unknown, nothing is given, a link or character alone is too long, or more
        parts are needed than a thread may have.
    """
    limits = capacity(platforms)
    text, link = tidy(text), tidy(link or "")
    sections = [section.strip() for section in _MARK.split(text) if section.strip()]
    if not sections:
        if not link:
            raise InvalidInput("There is no text to split.", field="text", cure="Write something to publish.")
        sections, link = [link], ""
    tail = f"\n\n{link}" if link and not holds(text, link) else ""
    if tail and not fits(link, limits):
        raise too_long("link", link, limits)
    for numbering in (False, True) if numbered else (False,):
        parts = _split_sections(sections, limits, tail, numbering, max_parts)
        if len(parts) == 1:
            break
    if numbered and len(parts) > 1:
        return [f"{part}\n\n{index}/{len(parts)}" for index, part in enumerate(parts, 1)]
    return parts


def _split_sections(sections: list[str], limits: Limits, tail: str, numbering: bool, max_parts: int) -> list[str]:
    usual = _less(limits, "\n\n" + "9" * len(f"{max_parts}/{max_parts}")) if numbering else dict(limits)
    parts: list[str] = []
    needed = 0
    cutters = []
    for index, section in enumerate(sections):
        first = _less(usual, tail) if index == 0 and tail else usual
        cutter = _Cutter(section, usual, first, tail if index == 0 else "")
        cutters.append(cutter)
        needed += cutter.fewest(0, first=True)
    if needed > max_parts:
        raise InvalidInput(
            f"The text needs {needed} parts, a thread takes {max_parts}.",
            field="text",
            cure="Shorten it, or publish the beginning with a link to the rest.",
        )
    for cutter in cutters:
        parts += cutter.cut()
    if len(parts) > max_parts:
        raise InvalidInput(
            f"The text needs {len(parts)} parts, a thread takes {max_parts}.", field="text", cure="Shorten it."
        )
    return parts


def _less(limits: Limits, text: str) -> dict[Unit, int]:
    return {unit: limit - measure(text, unit) for unit, limit in limits.items()}


class _Cutter:
    """Cut one section into parts of about the same length."""

    def __init__(self, section: str, usual: Limits, first: Limits, tail: str) -> None:
        self.pieces = Pieces(section, usual)
        self.usual, self.first, self.tail = usual, first, tail
        # The last place at or before each piece where no word is broken.
        self.clean: list[int] = []
        clean = -1
        for index, rating in enumerate(self.pieces.breaks):
            clean = index if rating >= Break.GRAPHEME else clean
            self.clean.append(clean)
        # The unit in which this text is longest, compared with its limit, decides what is even.
        self.unit = max(usual, key=lambda unit: self.pieces.after[unit][-1] / usual[unit])

    def _reach(self, start: int, *, first: bool) -> int:
        """Return the last piece of the longest part from ``start`` on."""
        last = self.pieces.reach(start, self.first if first else self.usual)
        if last < start:
            raise too_long("text", self.pieces.slice(start, start), self.first if first else self.usual)
        return max(self.clean[last], start) if self.clean[last] >= start else last

    def fewest(self, start: int, *, first: bool) -> int:
        """Return how many parts the text from ``start`` on needs at least."""
        parts = 0
        while start < len(self.pieces):
            start = self._reach(start, first=first) + 1
            parts, first = parts + 1, False
        return parts

    def cut(self) -> list[str]:
        parts: list[str] = []
        start, left = 0, self.fewest(0, first=True)
        while start < len(self.pieces):
            last = self._choose(start, left, first=not parts)
            tail = self.tail if not parts else ""
            # The running sums are bounds, so this is a safeguard; one more part is the worst it can bring.
            while last > start and not self._fits(start, last, tail):
                last -= 1
            parts.append(self.pieces.slice(start, last) + tail)
            start, left = last + 1, max(left - 1, 1)
        return parts

    def _fits(self, start: int, last: int, tail: str) -> bool:
        limits = self.first if tail else self.usual
        return fits(self.pieces.slice(start, last), limits)

    def _choose(self, start: int, left: int, *, first: bool) -> int:
        longest = self._reach(start, first=first)
        if longest == len(self.pieces) - 1 or left <= 1:
            return longest
        low, high = start, longest
        while low < high:  # the shortest part that leaves no more than the parts left can take
            middle = (low + high) // 2
            if self.fewest(middle + 1, first=False) <= left - 1:
                high = middle
            else:
                low = middle + 1
        before, after = self.pieces.before[self.unit], self.pieces.after[self.unit]
        share = max((after[-1] - before[start]) / left, 1)

        def worth(index: int) -> float:
            return _WORTH[self.pieces.breaks[index]] - abs(after[index] - before[start] - share) / share

        return max(range(low, longest + 1), key=worth)
