"""What is true after every run of the action, whatever was given to it."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import yaml
from markdown_it import MarkdownIt

from tests.action.harness import ROOT, Run

#: The commands the action may use; anything else in the log came from somebody's text.
OUR_COMMANDS = {"add-mask", "debug", "notice", "warning", "error", "group", "endgroup"}
OUTPUTS = set(yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))["outputs"])
SUMMARY_LIMIT = 1024 * 1024
OUR_TAGS = {"h2", "p", "ul", "li", "strong", "em", "br", "a", "code", "pre", "table", "thead", "tbody", "tr", "th",
            "td", "blockquote", "details", "summary"}  # fmt: skip
OUR_ATTRIBUTES = {"href", "dir", "open", "style", "class"}


def check_run(run: Run, secret: str) -> None:
    """Check a finished run.

    :param run: The run.
    :param secret: The API key, which must appear nowhere but in the first command.
    """
    assert run.code in {0, 1, 2, 3, 4, 5}, run.log
    names = [name for name, _, _ in run.commands]
    assert set(names) <= OUR_COMMANDS, names
    assert names.count("group") == names.count("endgroup")
    shown = [line for line in run.log.splitlines() if secret in line]
    assert set(shown) <= {f"::add-mask::{secret}"}, shown
    if shown:
        assert run.log.splitlines()[0] == shown[0], "the key is masked before anything else is printed"
    for path in (run.environ["GITHUB_OUTPUT"], run.environ["GITHUB_STEP_SUMMARY"]):
        if Path(path).is_file():
            assert secret not in Path(path).read_text(encoding="utf-8")
    assert len(run.summary.encode()) <= SUMMARY_LIMIT
    check_markup(run.summary)
    assert "Traceback" not in run.log
    if Path(run.environ["GITHUB_OUTPUT"]).is_file():
        check_outputs(run)


class _Tags(HTMLParser):
    """Collect the tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def render(markdown: str) -> str:
    """Return a summary as HTML, raw HTML and tables included, as GitHub renders it before it sanitises."""
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown)


def check_markup(summary: str) -> None:
    """Check that a summary holds only markup that we put there."""
    tags = _Tags()
    tags.feed(render(summary))
    tags.close()
    for tag, attributes in tags.found:
        assert tag in OUR_TAGS, (tag, attributes)
        assert set(attributes) <= OUR_ATTRIBUTES, (tag, attributes)
        if tag == "a":
            assert str(attributes["href"]).startswith(("https://", "http://")), attributes
    headings = [tag for tag, _ in tags.found if tag in ("h1", "h2", "h3")]
    assert headings in ([], ["h2"])


def check_outputs(run: Run) -> None:
    """Check that all outputs are there and agree with each other and with the exit code."""
    outputs = run.outputs
    assert set(outputs) == OUTPUTS, "every declared output is written, on failure too"
    results = json.loads(outputs["results"])
    live = [row["url"] for row in results if row["url"]]
    assert outputs["urls"].splitlines() == live
    assert outputs["url"] == (live[0] if live else "")
    failed = [row["network"] for row in results if row["status"] in ("failed", "not-sent", "unknown")]
    assert outputs["failed-platforms"].splitlines() == failed
    assert (outputs["operation"] == "skipped") == bool(outputs["skipped-reason"])
    if run.code == 0 and run.environ.get("INPUT_FAIL-ON", "any") == "any":
        assert not failed
        assert not run.annotations("error")
    if run.code:
        assert run.annotations("error")
