"""Talk to the runner: workflow commands on standard output, and the files for outputs and the job summary.

Documented: GitHub's page "Workflow commands for GitHub Actions".
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TextIO

from octopost_core.errors import InvalidInput

#: A step's summary may hold this many bytes (documented: workflow commands, "Step isolation and limits").
SUMMARY_LIMIT = 1024 * 1024

Level = Literal["debug", "notice", "warning", "error"]


class Runner:
    """Write what a GitHub runner reads.

    :param environ: The step's environment.
    :param out: Where workflow commands go; the runner reads standard output.
    """

    def __init__(self, environ: Mapping[str, str], out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._output = environ.get("GITHUB_OUTPUT", "")
        self._summary = environ.get("GITHUB_STEP_SUMMARY", "")
        self.debugging = environ.get("RUNNER_DEBUG") == "1"

    def mask(self, secret: str) -> None:
        """Hide a secret in everything the step prints from now on.

        :param secret: The value; of several lines each is masked, as the runner compares line by line.
        """
        for line in secret.splitlines():
            if line.strip():
                self._command("add-mask", line.strip())

    def annotate(self, level: Level, message: str, title: str = "") -> None:
        """Show a message in the log and, but for debug, on the run's page.

        :param level: How grave it is.
        :param message: The text; may have several lines.
        :param title: A headline of a few words.
        """
        properties = f" title={escape_property(title)}" if title else ""
        self._command(level + properties, message)

    def debug(self, message: str) -> None:
        """Print a line that only a run with debug logging shows.

        :param message: The text.
        """
        if self.debugging:
            self.annotate("debug", message)

    def say(self, line: str = "") -> None:
        """Print a line for the reader of the log.

        :param line: Our own words, which may hold a few of others; whole texts of others go through :meth:`quote`.
        """
        for part in printable(line).splitlines() or [""]:
            # The runner takes "::command::" after any leading space, and "##[command]" anywhere, for a command.
            part = part.replace("##[", "## [")
            self._print(f"| {part}" if part.lstrip().startswith("::") else part)

    def quote(self, text: str) -> None:
        """Print text written by others; nothing in it is taken for a command.

        :param text: Any text.
        """
        token = f"octopost-{secrets.token_hex(16)}"
        self._command("stop-commands", token)
        for line in printable(text).splitlines():
            self._print(f"  {line}".rstrip())
        self._print(f"::{token}::")

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        """Fold the lines printed inside under a title.

        :param title: What the reader sees while it is folded.
        """
        self._command("group", title)
        try:
            yield
        finally:
            self._command("endgroup", "")

    def check(self) -> None:
        """Make sure outputs can be written, before anything is sent.

        :raises InvalidInput: When the output file cannot be opened for writing.
        """
        if not self._output:
            return
        try:
            with open(self._output, "a", encoding="utf-8"):
                pass
        except OSError as error:
            raise InvalidInput(
                f"GITHUB_OUTPUT names {self._output!r}, which cannot be written ({error.strerror}).",
                field="GITHUB_OUTPUT",
                cure="Let the runner set it, or name a file that this user may write.",
            ) from None

    def set_output(self, name: str, value: str) -> None:
        """Set an output of the step; the last value counts.

        :param name: The output's name.
        :param value: Any text.
        """
        if not self._output:
            return
        # Asked of every writer by the documentation: a delimiter that the value cannot foresee.
        delimiter = f"octopost_{secrets.token_hex(16)}"
        if delimiter in value or delimiter in name:
            raise RuntimeError("The value of an output contains its random delimiter.")
        with open(self._output, "a", encoding="utf-8", newline="\n") as file:
            file.write(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")

    def write_summary(self, markdown: str) -> None:
        """Add to the job summary; a summary that cannot be written is a warning, never a failure.

        :param markdown: What to show; cut at the limit of one mebibyte.
        """
        if not self._summary:
            return
        data = (markdown.rstrip() + "\n").encode("utf-8", "replace")
        try:
            room = SUMMARY_LIMIT - (os.path.getsize(self._summary) if Path(self._summary).exists() else 0)
            if len(data) > room:
                note = b"\n\n(The rest is cut: a summary may hold 1 MiB.)\n"
                data = data[: max(room - len(note), 0)].decode("utf-8", "ignore").encode() + note
            if len(data) <= room:
                with open(self._summary, "ab") as file:
                    file.write(data)
        except OSError as error:
            self.annotate(
                "warning",
                f"The job summary could not be written to {self._summary!r} ({error.strerror}).",
                "No summary",
            )

    def _command(self, command: str, value: str) -> None:
        self._print(f"::{command}::{escape_data(value)}")

    def _print(self, line: str) -> None:
        # A runner reads UTF-8; a lone surrogate (from a broken event file) must not end the step.
        encoding = self._out.encoding or "utf-8"
        print(line.encode(encoding, "replace").decode(encoding), file=self._out, flush=True)


def escape_data(value: str) -> str:
    """Return a command's message so that it stays one line (documented by the runner's own source).

    :param value: Any text.
    """
    return printable(value).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(value: str) -> str:
    """Return a command's property so that it cannot end or add to the properties.

    :param value: Any text.
    """
    return escape_data(value).replace(":", "%3A").replace(",", "%2C")


def printable(text: str) -> str:
    """Return a text without the control characters that move a terminal's cursor or hide lines.

    :param text: Any text; line ends and tabs stay.
    """
    return "".join(c for c in text.replace("\r\n", "\n") if c in "\n\r\t" or (ord(c) >= 32 and not 127 <= ord(c) < 160))
