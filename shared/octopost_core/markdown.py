"""Turn Markdown, release notes above all, into the plain text a social network shows.

markdown-it-py finds the blocks (lists, code, tables, quotes); :mod:`octopost_core.markdown_inline` does their inside.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from octopost_core.markdown_inline import normalise_label, render_code, render_inline
from octopost_core.plain import defuse_mentions, tidy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_BULLETS = "•◦▪"
#: Deeper nesting is not parsed; nobody writes it, and each level costs the parser a look at every line.
_MAX_NESTING = 60

# What GitHub's generated notes add for GitHub's own page.
_BY_IN = re.compile(
    r"[ \t]+by @[\w-]+(?:\[bot\])?(?:(?:, | and |, and )@[\w-]+(?:\[bot\])?)*"
    r" in (?:https?://\S+?/(?:pull|pulls|issues)/\d+|(?:[\w.-]+/[\w.-]+)?#\d+)(?=[ \t]*(?:\n|\Z))"
)
_FULL_CHANGELOG = re.compile(
    r"^[*_ \t]*Full Changelog[*_: \t]*(?:https?://\S+|`[^`\n]*`|\[[^\]\n]*\]\([^)\n]*\)|[^\S\n]|[*_])*$", re.I | re.M
)
_DECORATION = re.compile(r":\w+:|[\W_]+")
_TASK = re.compile(r"\[([ xX])\](?=\s)")
_ALERT = re.compile(r"\A\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\][ \t]*\n?", re.I)


def markdown_to_text(notes: str) -> str:
    """Return Markdown as readable plain text.

    Headings become lines, lists bullets, links ``label (address)``, images their alternative text; code and line ends
    stay; comments, badges, HTML tags and rules go. Of GitHub's generated notes "by @user in ...", "New Contributors"
    and "Full Changelog" go. No name is left that pings anybody.

    A second pass never brings anything back, and leaves a text alone in which no Markdown is left. It may take more
    away where code or an escape held characters that mean something in Markdown.

    :param notes: Any string; hostile ones cost linear time.
    """
    text = tidy(notes)
    if not text:
        return ""
    environment: dict[str, Any] = {}
    tokens = _parser().parse(text, environment)
    references = {
        normalise_label(label): str(target.get("href", ""))
        for label, target in environment.get("references", {}).items()
    }
    return tidy(defuse_mentions(_Walk(references).run(tokens)))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING}).enable("table")
    parser.core.ruler.disable("inline")
    return parser


def _thanks_newcomers(heading: str) -> bool:
    return len(heading) < 80 and _DECORATION.sub(" ", heading).strip().lower() == "new contributors"


class _Walk:
    """Write the tokens of one document, block by block."""

    def __init__(self, references: Mapping[str, str]) -> None:
        self.references = references
        self.out: list[str] = []
        self.lists: list[int | None] = []  # the next number of each open list, None for bullets
        self.marker = ""  # of the list item that has no text yet
        self.quotes = 0
        self.gap = ""  # what separates the next block from the last
        self.skip_level: int | None = None  # of the heading whose section is left out

    def run(self, tokens: list[Token]) -> str:
        index = 0
        while index < len(tokens):
            token = tokens[index]
            handle = getattr(self, f"_{token.type}", None)
            if handle is not None:
                index = handle(tokens, index) or index
            index += 1
        return "".join(self.out)

    def _write(self, text: str, *, after: str = "\n\n") -> None:
        text = text.strip("\n")
        if not text.strip() or self.skip_level is not None:
            return
        if self.marker:
            text, self.marker = self.marker + text.lstrip(), ""
        if self.quotes:
            text = "> " + text.replace("\n", "\n> ")
        self.out += [self.gap, text] if self.out else [text]
        self.gap = "\n" if self.lists else after

    def _inline_text(self, source: str) -> str:
        source = (
            _FULL_CHANGELOG.sub("", _BY_IN.sub("", source)) if "hangelog" in source or " by @" in source else source
        )
        return render_inline(source, self.references)

    def _heading_open(self, tokens: list[Token], index: int) -> int:
        source, level = tokens[index + 1].content, int(tokens[index].tag[1])
        if _thanks_newcomers(source):
            self.skip_level = level
        elif self.skip_level is not None and level <= self.skip_level:
            self.skip_level = None
        self._separate()
        self._write(self._inline_text(source), after="\n")
        return index + 2

    def _paragraph_open(self, tokens: list[Token], index: int) -> int:
        source = tokens[index + 1].content
        if _thanks_newcomers(source) and source.lstrip().startswith(("*", "_")):
            self.skip_level = 6
        elif self.skip_level is not None and not self.lists:
            # Of a section without heading only the list belongs to it.
            self.skip_level = self.skip_level if self.skip_level < 6 else None
        text = self._inline_text(source)
        if self.quotes:
            text = _ALERT.sub(lambda kind: f"{kind[1].capitalize()}: ", text)
        if self.marker:
            text = _TASK.sub(lambda box: "☐" if box[1] == " " else "☑", text, count=1) if text[:1] == "[" else text
        self._write(text)
        return index + 2

    def _separate(self) -> None:
        if not self.lists:
            self.gap = "\n\n"

    def _bullet_list_open(self, tokens: list[Token], index: int) -> None:
        self.lists.append(None)

    def _ordered_list_open(self, tokens: list[Token], index: int) -> None:
        self.lists.append(int(tokens[index].attrGet("start") or 1))

    def _bullet_list_close(self, tokens: list[Token], index: int) -> None:
        self.lists.pop()
        self.marker = ""
        self._separate()

    _ordered_list_close = _bullet_list_close

    def _list_item_open(self, tokens: list[Token], index: int) -> None:
        number = self.lists[-1]
        if number is None:
            depth = sum(1 for entry in self.lists[-len(_BULLETS) :] if entry is None)
            self.marker = f"{_BULLETS[depth - 1]} "
        else:
            self.marker = f"{number}. "
            self.lists[-1] = number + 1

    def _blockquote_open(self, tokens: list[Token], index: int) -> None:
        self.quotes += 1
        self._separate()

    def _blockquote_close(self, tokens: list[Token], index: int) -> None:
        self.quotes -= 1
        self._separate()

    def _fence(self, tokens: list[Token], index: int) -> None:
        self._write(render_code(tokens[index].content))

    _code_block = _fence

    def _html_block(self, tokens: list[Token], index: int) -> None:
        text = render_inline(tokens[index].content, self.references)
        self._write("\n".join(line.strip() for line in text.split("\n") if line.strip()))

    def _tr_open(self, tokens: list[Token], index: int) -> int:
        cells = []
        while tokens[index].type != "tr_close":
            if tokens[index].type == "inline":
                cells.append(self._inline_text(tokens[index].content))
            index += 1
        self._write(" | ".join(cells), after="\n")
        return index

    def _table_close(self, tokens: list[Token], index: int) -> None:
        self._separate()

    def _hr(self, tokens: list[Token], index: int) -> None:
        self._separate()
