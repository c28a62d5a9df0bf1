"""Small repairs every text gets before it is measured or published."""

from __future__ import annotations

import re

# Embeddings, overrides and isolates can make a text read otherwise than it is written, and must be balanced: none stay.
# NUL and the other controls, lone surrogates and non-characters are refused by one network or another.
_HARMFUL = re.compile("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE_SEPARATOR = re.compile("[\u2028\u2029\x85]")
_BLANKS = " \t\xa0"
_TRAILING = re.compile(rf"[{_BLANKS}]++\n")
_BLANK_LINES = re.compile(r"\n{3,}")

# A link is left alone (addresses hold "@" too); an "@" after a letter or digit belongs to an e-mail address.
_MENTION = re.compile(
    r"(https?://[^\s()<>]++(?:\([^\s()<>]*+\)[^\s()<>]*+)*+)|(?<![A-Za-z0-9_@＠])[@＠]++(?=\w)([\w.-]++/(?=\w))?",
    re.IGNORECASE,
)
#: Stands between "@" and a name that must keep it: shows nothing, and no network takes the name for an account.
WORD_JOINER = "\u2060"


def tidy(text: str) -> str:
    """Return the text with plain line ends and without what no network takes.

    Line ends become ``\\n``; control characters, directional overrides and isolates go; lone surrogates become U+FFFD;
    spaces at line ends, more than one blank line in a row, and blank space around the whole go.

    :param text: Any string.
    """
    # Substring search is so much faster than a pattern that asking first pays.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii():
        text = _SURROGATE.sub("\ufffd", _LINE_SEPARATOR.sub("\n", text))
    text = _HARMFUL.sub("", text)
    if any(f"{blank}\n" in text for blank in _BLANKS):
        text = _TRAILING.sub("\n", text)
    if "\n\n\n" in text:
        text = _BLANK_LINES.sub("\n\n", text)
    return text.strip()


def defuse_mentions(text: str, *, keep_at: bool = False) -> str:
    """Return the text so that no name in it pings anybody.

    ``@user`` becomes ``user``. ``@scope/package`` keeps its "@", with an invisible word joiner behind it. E-mail
    addresses and links stay as they are.

    :param text: Any string.
    :param keep_at: Keep the "@" of every name, with the word joiner (for code, where "@" has a meaning).
    """
    if "@" not in text and "＠" not in text:
        return text

    def plain(match: re.Match[str]) -> str:
        if match[1]:
            return match[1]
        return f"@{WORD_JOINER}{match[2] or ''}" if keep_at or match[2] else ""

    return _MENTION.sub(plain, text)
