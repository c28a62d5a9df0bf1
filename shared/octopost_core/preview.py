"""Show what each network would show: the command ``octopost-preview``.

Exit codes: 0 everything fits, 2 something does not, or the input is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, TextIO

from octopost_core.errors import InvalidInput
from octopost_core.fitting import holds
from octopost_core.limits import Finding, Verdict, count, findings
from octopost_core.plain import tidy
from octopost_core.platforms import PLATFORMS, check_platforms
from octopost_core.postfile import FileMedia, PostFile, load_post_file
from octopost_core.text import fit, markdown_to_text, split

_MAX_INPUT = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Preview:
    """Hold what one network would show.

    :param platform: The network's id.
    :param parts: The post, then its replies.
    :param verdicts: The counters of each part.
    :param objections: What the network would object to, beside lengths.
    :param shortened: The first part cut to fit, where it is too long and can be cut.
    :param thread: The first part as a thread, where it is too long and the network has threads.
    """

    platform: str
    parts: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    objections: tuple[Finding, ...]
    shortened: str | None = None
    thread: tuple[str, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Tell whether everything fits and nothing is refused."""
        return all(verdict.fits for verdict in self.verdicts) and all(
            objection.level == "warning" for objection in self.objections
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON-able data."""
        return {
            "platform": self.platform,
            "name": PLATFORMS[self.platform].name,
            "ok": self.ok,
            "parts": [
                {
                    "text": text,
                    "fits": verdict.fits,
                    "refused": verdict.refused,
                    "exact": verdict.exact,
                    "counts": [
                        {"used": measure.used, "limit": measure.limit, "unit": measure.unit}
                        for measure in verdict.measures
                    ],
                }
                for text, verdict in zip(self.parts, self.verdicts, strict=True)
            ],
            "findings": [{"level": finding.level, "message": finding.message} for finding in self.objections],
            "shortened": self.shortened,
            "thread": list(self.thread),
        }


def preview(
    text: str,
    platform: str,
    *,
    replies: Sequence[str] = (),
    media: FileMedia | None = None,
    link: str | None = None,
) -> Preview:
    """Return what one network would show of a post.

    :param text: The post's text.
    :param platform: A network id.
    :param replies: The texts of a thread's replies.
    :param media: Its media.
    :param link: A link that a shortened text or a thread must keep.
    :raises InvalidInput: When the network is unknown.
    """
    whole = f"{text}\n\n{link}" if link and not holds(text, link) else text
    parts = (whole, *replies)
    verdicts = tuple(count(part, platform) for part in parts)
    objections = tuple(
        finding
        for finding in findings(
            whole,
            platform,
            images=len(media.images) if media else 0,
            video=bool(media and media.video),
            replies=len(replies),
        )
        if finding.about != "length"
    )
    shortened, thread = None, ()
    if not verdicts[0].fits:
        shortened = _attempt(lambda: fit(text, platform, link=link))
        if PLATFORMS[platform].threads and not replies:
            thread = tuple(_attempt(lambda: split(text, platform, link=link)) or ())
    return Preview(platform, parts, verdicts, objections, shortened, thread)


def _attempt(call: Any) -> Any:
    try:
        return call()
    except InvalidInput:
        return None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    :param arguments: The command line without the program's name; the process's own by default.
    """
    options = _parser().parse_args(arguments)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    try:
        previews = _previews(options)
        if options.json:
            result = {"ok": all(one.ok for one in previews), "networks": [one.to_dict() for one in previews]}
            print(json.dumps(result, ensure_ascii=False, indent=2))
        else:
            _Page(sys.stdout).write(previews)
        sys.stdout.flush()
    except InvalidInput as error:
        print(f"octopost-preview: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Whoever read us has seen enough; closing stdout again at exit must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return 130
    return 0 if all(one.ok for one in previews) else 2


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help.\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="octopost-preview",
        description="Show what each network would show, with its counter, and where a text would be cut.",
        epilog="Exit code 0: everything fits. 2: something does not, or the input is wrong.",
    )
    parser.add_argument("file", nargs="?", help="a post file (YAML); - reads it from standard input")
    parser.add_argument("-t", "--text", help="a text in place of a file; - reads it from standard input")
    parser.add_argument("-p", "--platforms", help="networks, separated by commas (default: the file's, or all)")
    parser.add_argument("-l", "--link", help="a link that must not be lost")
    parser.add_argument("-m", "--markdown", action="store_true", help="the text is Markdown, say a release note")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _previews(options: argparse.Namespace) -> list[Preview]:
    platforms = [name.strip() for name in (options.platforms or "").split(",") if name.strip()]
    if options.platforms is not None:
        platforms = check_platforms(platforms)
    if (options.file is None) == (options.text is None):
        raise InvalidInput("Give a post file, or a text with --text, and not both.")
    if options.text is not None:
        text = _stdin() if options.text == "-" else options.text
        text = markdown_to_text(text) if options.markdown else tidy(text)
        if not text:
            raise InvalidInput("The text is empty.")
        # A text alone cannot go where a picture is required.
        platforms = platforms or [name for name, rules in PLATFORMS.items() if not rules.media.required]
        return [preview(text, name, link=options.link) for name in platforms]
    return _file_previews(_post(options.file), platforms, options)


def _file_previews(post: PostFile, platforms: list[str], options: argparse.Namespace) -> list[Preview]:
    named = platforms or list(post.platforms)
    if not named and post.preset:
        raise InvalidInput(
            f"{post.source} leaves the networks to the preset {post.preset!r}.", cure="Name them with --platforms."
        )
    texts = {name: text for text, names in post.texts(named or PLATFORMS).items() for name in names}
    replies = [tidy(segment.content) for segment in post.segments]
    shown = []
    for name in named or texts:
        text = markdown_to_text(texts[name]) if options.markdown else tidy(texts[name])
        own = name in post.overrides
        shown.append(preview(text, name, replies=[] if own else replies, media=post.media, link=options.link))
    return shown


def _post(path: str) -> PostFile:
    if path != "-":
        from pathlib import Path

        return load_post_file(Path(path))
    return load_post_file(_stdin() + "\n")


def _stdin() -> str:
    data = sys.stdin.buffer.read(_MAX_INPUT + 1)
    if len(data) > _MAX_INPUT:
        raise InvalidInput(f"Standard input holds more than {_MAX_INPUT // 1024 // 1024} MB.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput("Standard input is not UTF-8.") from None


class _Page:
    """Write previews for people; colours only where a terminal wants them."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        # Only a terminal needs lines of its own width; whoever reads a pipe wants them as they are.
        self.width = max(shutil.get_terminal_size().columns - 4, 20) if out.isatty() else 0
        self.colours = out.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"

    def write(self, previews: Sequence[Preview]) -> None:
        for index, one in enumerate(previews):
            if index:
                self._line("")
            self._network(one)
        bad = [PLATFORMS[one.platform].name for one in previews if not one.ok]
        self._line("")
        if bad:
            self._line(self._paint("31", f"Not ready for {', '.join(bad)}."))
        else:
            self._line(self._paint("32", f"Fits {_networks(len(previews))}."))

    def _network(self, one: Preview) -> None:
        rules = PLATFORMS[one.platform]
        other = "" if rules.name.lower() == one.platform else f"  {one.platform}"
        self._line(self._paint("1", rules.name) + self._paint("2", other))
        for index, (text, verdict) in enumerate(zip(one.parts, one.verdicts, strict=True)):
            if len(one.parts) > 1:
                self._line(self._paint("2", f"  {index + 1}/{len(one.parts)}"))
            shown = text
            if index == 0 and one.shortened and not verdict.fits:
                shown = one.shortened
            self._text(shown)
            self._counter(verdict)
            if shown is not text:
                self._line(self._paint("33", "  ✂ shown as it would be cut"))
        for finding in one.objections:
            sign, colour = ("✗", "31") if finding.level == "error" else ("!", "33")
            self._line(self._paint(colour, f"  {sign} {finding.message}"))
        if one.thread:
            self._line(self._paint("2", f"  as a thread: {len(one.thread)} parts"))
            for index, part in enumerate(one.thread, 1):
                used = count(part, one.platform)
                self._line(self._paint("2", f"  {index}/{len(one.thread)}  {used.used:,} of {used.limit:,}"))
                self._text(part)

    def _text(self, text: str) -> None:
        for line in text.split("\n"):
            for shown in _wrapped(line, self.width):
                self._line(self._paint("2", "  │ ") + shown)

    def _counter(self, verdict: Verdict) -> None:
        # A second limit that is far away only distracts.
        counted = [verdict.measures[0], *(extra for extra in verdict.also if extra.used * 2 > extra.limit)]
        about = "" if verdict.exact else ", at most"
        over = next((f", {one.used - one.limit:,} too many" for one in counted if not one.fits), "")
        sign, colour = ("✓", "32") if verdict.fits else ("✗", "31")
        self._line(self._paint(colour, f"  {sign} {'; '.join(map(str, counted))}{about}{over}"))

    def _line(self, text: str) -> None:
        self.out.write(text + "\n")

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colours else text


def _wrapped(line: str, width: int) -> list[str]:
    """Return a line in pieces no wider than a terminal, cut between words where they are short enough."""
    if not width or len(line) * 2 <= width:
        return [line]
    rows, used = [""], 0
    for word in re.findall(r"\s*\S+", line):
        columns = sum(map(_columns, word))
        if used and used + columns > width and columns <= width:
            rows.append("")
            word, used = word.lstrip(), 0
        for character in word:
            if used + _columns(character) > width:
                rows.append("")
                used = 0
            rows[-1] += character
            used += _columns(character)
    return rows


def _columns(character: str) -> int:
    if unicodedata.combining(character) or character in "\u200d\ufe0f\u2060":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _networks(number: int) -> str:
    return "1 network" if number == 1 else f"all {number} networks"


if __name__ == "__main__":
    sys.exit(main())
