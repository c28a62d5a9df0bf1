"""X's weighted length: most Latin text 1 a character, everything else 2, an emoji 2, any link 23, after NFC.

The rules are those of twitter-text's configuration v3 (network knowledge), links included, as one pass over the text,
so that a megabyte costs no more per character than a line. The package twitter-text-parser has the same rules, but
needs ``pkg_resources``, which current Pythons no longer ship, takes 0.4 s to load, and backtracks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

from octopost_core.emoji import emoji_pattern

LINK_WEIGHT = 23
_MAX_URL = 4096
_MAX_SLUG = 40
_MAX_LABEL = 63  # DNS

_SPACES = "\t-\r \x85\xa0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_MARKERS = "\u202a-\u202e\u061c\u200e\u200f\u2066-\u2069"  # directional
_INVALID = "\ufffe\ufeff\uffff"
_PUNCTUATION = r"!'#%&()*+,\\/:;<=>?@\[\]^{|}~$"  # what no domain label holds; "-", "_" and "." are told apart later
_LATIN = (
    "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff\u0100-\u024f\u0253\u0254\u0256\u0257\u0259\u025b\u0263\u0268\u026f\u0272"
    "\u0289\u028b\u02bb\u0300-\u036f\u1e00-\u1eff"
)
_PATH_CHARACTER = r"[A-Za-z\u0400-\u04ff0-9!*';:=+,.$/%#\[\]\-\u2013_~@|&" + _LATIN + "]"

_LIGHT = re.compile(r"[\u0000-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]+")
_DOMAIN_RUN = re.compile(f"[^{_PUNCTUATION}{_SPACES}{_INVALID}{_MARKERS}]+")
_NO_LINK_AFTER = re.compile(f"[A-Za-z0-9@＠$#＃{_INVALID}]")
_SCHEME = re.compile("https?://$", re.IGNORECASE)
_ASCII_LABELS = re.compile(rf"(?:[\-A-Za-z0-9{_LATIN}]++\.)++")
_WORD = re.compile("[0-9A-Za-z]+")
_PUNYCODE = re.compile("xn--[-0-9a-z]+", re.IGNORECASE)
_PATH_PART = (
    rf"{_PATH_CHARACTER}++|\((?:{_PATH_CHARACTER}++|{_PATH_CHARACTER}*+\({_PATH_CHARACTER}++\){_PATH_CHARACTER}*+)\)"
)
_PATH_PARTS = re.compile(_PATH_PART)
_AFTER_DOMAIN = re.compile(rf"(?::[0-9]++)?(/(?:{_PATH_PART})*+)?")
_PATH_END = "!*';:,.$%[]\u2013~@|&"  # a path may hold these, not end in them
_QUERY = re.compile(r"\?[A-Za-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]++")
_QUERY_END = "!?*'@();:+$%[].,~|"
_SHORT_LINK = re.compile(r"https?://t\.co/([a-z0-9]+)(?:\?[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*[a-z0-9\-_&=#/])?", re.I)


def weigh(text: str) -> int:
    """Return X's weighted length.

    :param text: Any string.
    """
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n")
    total = position = 0
    for start, end in links(text):
        total += _weigh_plain(text[position:start]) + LINK_WEIGHT
        position = end
    return total + _weigh_plain(text[position:])


def _weigh_plain(text: str) -> int:
    if text.isascii():
        return len(text)
    text, pictures = emoji_pattern().subn("", text)
    heavy = len(_LIGHT.sub("", text))
    return 2 * int(pictures) + len(text) + heavy


def links(text: str, *, bare: bool = True) -> Iterator[tuple[int, int]]:
    """Yield start and end of every link X would shorten, in order.

    :param text: Any string; X looks at its NFC form.
    :param bare: Whether domains without a scheme count (``example.org``).
    """
    if "." not in text:
        return
    position = floor = 0
    while run := _DOMAIN_RUN.search(text, position):
        position = run.end()
        if "." not in run[0]:
            continue
        for start, end, consumed in _links_of_run(text, max(run.start(), floor), run.end(), bare):
            if start < end:
                yield start, end
            # What follows a link needs a character in between.
            position, floor = max(position, consumed), consumed + 1


def _links_of_run(text: str, begin: int, stop: int, bare: bool) -> Iterator[tuple[int, int, int]]:
    """Yield (start, end, where to go on) for a stretch of domain characters; start == end for what only looks like one.

    The leftmost start wins, as in X's pattern; where none of the labels that follow is a top-level domain, no later
    start among them can do better, so every character is looked at once.
    """
    scheme = _SCHEME.search(text, max(0, begin - 8), begin)
    first = scheme.start() if scheme else begin
    has_scheme = scheme is not None and _may_follow(text, first)
    # X's pattern prefers the text's first character as the one before the link, where that leaves a domain.
    start = 1 if begin == 0 and _may_follow(text, 1) and _domain_end(text, 1, stop)[0] else begin
    while start < stop:
        if not _is_label_edge(text[start]) or not (has_scheme or _may_follow(text, start)):
            start, has_scheme = start + 1, False
            continue
        end, walked = _domain_end(text, start, stop)
        if end is None:
            start, has_scheme = max(walked, start) + 1, False
            continue
        path = _AFTER_DOMAIN.match(text, end)
        assert path is not None
        tail = _tail_end(text, path)
        if not _is_valid(text[start:end], tail - start + (len(scheme[0]) if scheme and has_scheme else 0)):
            yield tail, tail, tail
        elif has_scheme and scheme:
            yield first, _short_link_end(text, first, tail), tail
        elif bare and text[start - 1 : start] not in tuple("-_./"):
            yield from _ascii_domains(text, start, end, tail, with_tail=bool(path[1]))
        else:
            yield tail, tail, tail
        start, has_scheme = tail + 1, False


def _may_follow(text: str, start: int) -> bool:
    return start == 0 or not _NO_LINK_AFTER.match(text, start - 1)


def _is_label_edge(character: str) -> bool:
    return character not in "-_."


def _domain_end(text: str, start: int, stop: int) -> tuple[int | None, int]:
    """Return the end of the longest domain from ``start`` (or None), and how far was looked."""
    best, label = None, start
    while True:
        dot = text.find(".", label, stop)
        if dot < 0:
            return best, stop
        if dot == label or not _is_label_edge(text[label]):
            return best, label
        if not _is_label_edge(text[dot - 1]):
            return best, dot
        if "_" not in text[label:dot]:
            best = _top_level_end(text, dot + 1, len(text)) or best
        label = dot + 1


def _top_level_end(text: str, start: int, stop: int) -> int | None:
    if punycode := _PUNYCODE.match(text, start, stop):
        return punycode.end()
    word = _WORD.match(text, start, stop)
    if word is None:
        other = _other_top_level().match(text, start, stop)
        return other.end() if other else None
    follower = text[word.end() : min(word.end() + 1, stop)]
    return word.end() if follower not in tuple("@+-") and word[0].lower() in _top_level() else None


@cache
def _top_level() -> frozenset[str]:
    from linkify_it.tlds import TLDS

    return frozenset(name.lower() for name in TLDS)


@cache
def _other_top_level() -> re.Pattern[str]:
    names = [name[4:].encode().decode("punycode") for name in _top_level() if name.startswith("xn--")]
    return re.compile(f"(?:{'|'.join(sorted(names, key=len, reverse=True))})(?![0-9a-zA-Z@+-])")


def _tail_end(text: str, path: re.Match[str]) -> int:
    end = path.end()
    if path[1]:
        end = path.start(1) + 1
        for part in _PATH_PARTS.finditer(text, end, path.end()):
            # Brackets end a path only right after something that could end it as well.
            if part[0][0] != "(":
                kept = part[0].rstrip(_PATH_END)
                end = part.start() + len(kept) if kept else end
            elif end == part.start():
                end = part.end()
    if query := _QUERY.match(text, end):
        end += len(query[0].rstrip(_QUERY_END))
    return end


def _is_valid(domain: str, url_length: int) -> bool:
    if any(len(label) > _MAX_LABEL for label in domain.split(".")):
        return False
    try:
        encoded = domain.encode("idna")
    except UnicodeError:
        return False
    return len("https://") + url_length + len(encoded) - len(domain) <= _MAX_URL


def _short_link_end(text: str, start: int, end: int) -> int:
    short = _SHORT_LINK.match(text, start, end)
    if not short:
        return end
    return short.end() if len(short[1]) <= _MAX_SLUG else start


def _ascii_domains(text: str, start: int, end: int, tail: int, *, with_tail: bool) -> Iterator[tuple[int, int, int]]:
    """Yield the Latin parts of a domain without a scheme; the last one takes what follows the domain along."""
    found: list[tuple[int, int]] = []
    position = start
    while labels := _ASCII_LABELS.search(text, position, end):
        position = labels.end()
        dots = [labels.start() + i for i, character in enumerate(labels[0]) if character == "."]
        for dot in reversed(dots):
            if top := _top_level_end(text, dot + 1, end):
                found.append((labels.start(), top))
                position = top
                break
    for index, (first, last) in enumerate(found):
        is_last = index == len(found) - 1
        # X takes as many characters as domain and path have, whatever stands between them.
        yield first, last + tail - end if is_last and with_tail else last, tail
    if not found:
        yield tail, tail, tail
