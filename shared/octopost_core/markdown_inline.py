"""Turn the inside of a Markdown block into plain text, in one pass.

The blocks come from markdown-it-py. Its inline half is not used: it takes most of the time, and its search for pairs of
brackets and stars grows with the square of a hostile text.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from octopost_core.plain import defuse_mentions
from octopost_core.shortcodes import SHORTCODES

# Every token begins with one of these, but an address: it is known by its colon.
_FIRST = re.compile(r"[\\`<!\[\]*_~&:]")
_TOKEN = re.compile(
    r"""
    (?P<escape>\\[!-/:-@\[-`{-~\n])
    | (?P<ticks>`+)
    | (?P<comment><!--)
    | <(?P<autolink>https?://[^\s<>]*|[\w.+-]++@[\w.-]+)>
    | (?P<tag></?[A-Za-z][^<>]*+>)
    | (?P<open>!?\[)
    | (?P<close>\])
    | (?P<marks>\*+|~+|(?<![A-Za-z0-9])_+|_+(?![A-Za-z0-9]))
    | (?P<entity>&(?:\#\d{1,7}|\#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)
    | :(?P<emoji>[a-z0-9_+-]{1,40}):
    """,
    re.VERBOSE,
)
_URL = re.compile(r"""\bhttps?://[^\s<>\[\]`"]+""", re.IGNORECASE)
_DESTINATION = re.compile(
    r"""\([ \n]*(?:<([^<>\n]*)>|([^\s()<]*+(?:\([^\s()]*+\)[^\s()]*+)*+))
        (?:[ \n]+(?:"[^"]*"|'[^']*'|\([^()]*\)))?[ \n]*\)""",
    re.VERBOSE,
)
_REFERENCE = re.compile(r"\[([^\[\]]{0,999})\]")
_MAX_LABEL = 999
_URL_END = "*_~.,:;!?'"
_ATTRIBUTE = re.compile(r"""\b(href|src|alt)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_BADGE = re.compile(
    r"shields\.io|badge|badgen\.net|codecov\.io|travis-ci|app\.netlify\.com/api|deepscan", re.IGNORECASE
)
# Where the label says it all: issues, commits, comparisons and people on GitHub.
_SELF_EVIDENT = re.compile(
    r"https://github\.com/(?:[^/\s]+|[^/\s]+/[^/\s]+/(?:pull|issues|commit|compare|releases/tag)/\S+)", re.IGNORECASE
)
_REFERENCE_LABEL = re.compile(r"#\d+|[\w./-]+#\d+|[0-9a-f]{7,40}|@[\w-]+(?:\[bot\])?|v?\d+(?:\.\d+)+\S*")
_LINE_TAGS = {"br", "p", "div", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "summary", "details", "ul", "ol", "table"}


@dataclass(slots=True)
class _Line:
    """The state of one pass: the pieces so far, and which of them still wait for their other half."""

    out: list[str] = field(default_factory=list)
    brackets: list[tuple[int, int, bool]] = field(default_factory=list)  # place in out and in text, whether an image
    marks: dict[str, list[tuple[int, int]]] = field(default_factory=dict)  # sign -> (place in out, how many)
    anchors: list[tuple[int, str]] = field(default_factory=list)  # place in out, address

    def cut(self, place: int) -> None:
        """Take back the pieces from one place on, and whatever waits among them for its other half."""
        del self.out[place:]
        stacks: tuple[list[Any], ...] = (self.brackets, self.anchors, *self.marks.values())
        for waiting in stacks:
            while waiting and waiting[-1][0] >= place:
                waiting.pop()


def render_inline(text: str, references: Mapping[str, str] | None = None) -> str:
    """Return the plain text of a block's inside.

    Links become ``label (address)``, or the address alone where the label repeats it; images their alternative text;
    badges go. Code keeps its characters, and names in it are defused; those outside are left to the caller.

    :param text: Markdown without block structure; single line ends stay.
    :param references: Addresses of reference links by normalised label.
    """
    line, position, scan = _Line(), 0, 0
    ticks: dict[int, list[int]] | None = None
    comment_end = 0
    while first := _FIRST.search(text, scan):
        token = _TOKEN.match(text, first.start()) or (first[0] == ":" and _url_around(text, first.start(), position))
        if not token:
            scan = first.end()
            continue
        if token.start() > position:
            line.out.append(text[position : token.start()])
        position, kind, found = token.end(), token.lastgroup, token[0]
        if kind == "escape":
            line.out.append(found[1:])
        elif kind == "ticks":
            ticks = ticks if ticks is not None else _tick_runs(text)
            close = _next(ticks.get(len(found), []), token.start())
            if close is None:
                line.out.append(found)
            else:
                line.out.append(_code(text[position:close]))
                position = close + len(found)
        elif kind == "comment":
            comment_end = text.find("-->", position) if comment_end >= 0 else -1
            position = comment_end + 3 if comment_end >= 0 else position
        elif kind == "autolink":
            line.out.append(token["autolink"])
        elif kind == "tag":
            _tag(line, found)
        elif kind == "open":
            line.brackets.append((len(line.out), position, found == "!["))
            line.out.append(found)
        elif kind == "close":
            position = _close(line, text, position, references or {})
        elif kind == "marks":
            _mark(line, text, token)
        elif kind == "entity":
            line.out.append(html.unescape(found).replace("\xa0", " "))
        elif kind == "emoji":
            line.out.append(SHORTCODES.get(token["emoji"], found))
        else:
            position = _url_end(text, token)
            line.out.append(text[token.start() : position])
        scan = position
    line.out.append(text[position:])
    return "".join(line.out)


def _url_around(text: str, colon: int, earliest: int) -> re.Match[str] | None:
    """Return the address whose scheme ends at a colon."""
    if not text.startswith("://", colon):
        return None
    start = colon - (5 if text[colon - 1] in "sS" else 4)
    return _URL.match(text, start) if start >= earliest else None


def _url_end(text: str, url: re.Match[str]) -> int:
    """Return where an address ends: before the punctuation of the sentence, and brackets that were opened outside."""
    end, unopened = url.end(), url[0].count(")") - url[0].count("(")
    while text[end - 1] in _URL_END or (text[end - 1] == ")" and unopened > 0):
        unopened -= text[end - 1] == ")"
        end -= 1
    return end


def render_code(code: str) -> str:
    """Return code so that nothing in it pings anybody.

    :param code: The inside of a code block.
    """
    return defuse_mentions(code, keep_at=True)


def _code(code: str) -> str:
    code = code.replace("\n", " ")
    if code.startswith(" ") and code.endswith(" ") and code.strip():
        code = code[1:-1]
    return render_code(code)


def _tick_runs(text: str) -> dict[int, list[int]]:
    runs: dict[int, list[int]] = {}
    for run in re.finditer("`+", text):
        runs.setdefault(len(run[0]), []).append(run.start())
    return runs


def _next(places: list[int], after: int) -> int | None:
    index = bisect_right(places, after)
    return places[index] if index < len(places) else None


def _mark(line: _Line, text: str, token: re.Match[str]) -> None:
    """Drop stars and the like that come in pairs, by the flanking rules of CommonMark."""
    sign, count = token[0][0], len(token[0])
    before = text[token.start() - 1 : token.start()] or " "
    after = text[token.end() : token.end() + 1] or " "
    left = not after.isspace() and (_is_wordy(after) or before.isspace() or not _is_wordy(before))
    right = not before.isspace() and (_is_wordy(before) or after.isspace() or not _is_wordy(after))
    opens = left and (sign != "_" or not right or not _is_wordy(before))
    closes = right and (sign != "_" or not left or not _is_wordy(after))
    if sign == "~" and count != 2:
        opens = closes = False
    waiting = line.marks.setdefault(sign, [])
    while closes and count and waiting:
        place, open_count = waiting.pop()
        used = min(count, open_count)
        line.out[place] = sign * (open_count - used)
        count -= used
        if open_count > used:
            waiting.append((place, open_count - used))
    if count and opens:
        waiting.append((len(line.out), count))
    line.out.append(sign * count)


def _is_wordy(character: str) -> bool:
    return character.isalnum() or not (character.isascii() or character.isspace())


def _close(line: _Line, text: str, position: int, references: Mapping[str, str]) -> int:
    if not line.brackets:
        line.out.append("]")
        return position
    place, begin, is_image = line.brackets.pop()
    address, after = _address(text, begin, position, references)
    if address is None:
        line.out.append("]")
        return position
    label = "".join(line.out[place + 1 :])
    line.cut(place)
    if is_image:
        line.out.append(_picture(label, address))
    else:
        # A link holds no other link, so brackets still open around it are just brackets.
        line.brackets.clear()
        if label.strip() or "![" not in text[begin:position]:  # of a badge that is a link nothing is left
            line.out.append(_link(label, address))
    return after


def _address(text: str, begin: int, position: int, references: Mapping[str, str]) -> tuple[str | None, int]:
    if found := _DESTINATION.match(text, position):
        return found[1] or found[2] or "", found.end()
    if not references or position - begin > _MAX_LABEL:
        return None, position
    named = _REFERENCE.match(text, position)
    key = normalise_label(named[1] if named and named[1] else text[begin : position - 1])
    return references.get(key), named.end() if named else position


def normalise_label(label: str) -> str:
    """Return a reference label as markdown-it-py stores it.

    :param label: The label as written.
    """
    return " ".join(label.split()).lower().upper()


def _picture(alt: str, address: str) -> str:
    return "" if _BADGE.search(address) else alt.strip()


def _link(label: str, address: str) -> str:
    label, address = label.strip(), address.strip()
    if not address.lower().startswith(("http://", "https://")):
        return label
    if label in ("", address, address.removesuffix("/"), address.split("://", 1)[1].removesuffix("/")):
        return address
    if _REFERENCE_LABEL.fullmatch(label) and _SELF_EVIDENT.fullmatch(address):
        return label
    if address.lower() == f"https://github.com/{label.lower()}":
        return label
    return f"{label} ({address})"


def _tag(line: _Line, tag: str) -> None:
    name = re.split(r"[\s/>]", tag.lstrip("</"), maxsplit=1)[0].lower()
    closing = tag.startswith("</")
    if name in _LINE_TAGS:
        if line.out and not line.out[-1].endswith("\n"):
            line.out.append("\n")
    elif name == "li" and not closing:
        line.out.append("\n• ")
    elif name in ("td", "th") and closing:
        line.out.append(" ")
    elif name == "img":
        attributes = _attributes(tag)
        line.out.append(_picture(html.unescape(attributes.get("alt", "")), attributes.get("src", "")))
    elif name == "a" and not closing:
        line.anchors.append((len(line.out), html.unescape(_attributes(tag).get("href", ""))))
    elif name == "a" and line.anchors:
        place, address = line.anchors[-1]
        label = "".join(line.out[place:])
        line.cut(place)
        line.anchors.clear()
        if label.strip():
            line.out.append(_link(label, address))


def _attributes(tag: str) -> dict[str, str]:
    return {name.lower(): double or single or bare for name, double, single, bare in _ATTRIBUTE.findall(tag)}
