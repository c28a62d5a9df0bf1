"""The job summary: whatever is in it, the markup is ours; and it never grows beyond its limit."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from github_action.commands import SUMMARY_LIMIT
from github_action.event import Release
from github_action.plan import Planned, measure
from github_action.report import Report, Row
from github_action.summary import inert, summary
from octopost_core.errors import OctopostError
from octopost_core.platforms import PLATFORMS
from tests.action.invariants import check_markup, render

HOSTILE = [
    "<script>alert(1)</script>",
    "</blockquote></details><img src=x onerror=alert(1)>",
    "[link](javascript:alert(1))",
    "![](https://tracker.example/x.png)",
    "| a | b |\n| - | - |",
    "# Heading\n\n## Another",
    "```\ncode\n```",
    "<!-- comment",
    "- item\n\n\n1. item\n+ x\n= y\n***\n___",
    "https://ok.example/?a=1&b=<2>\"'",
    "&lt;script&gt; &#60;b&#62;",
    "\\<b> \\| `` ` `` ~~x~~ $x$ @octocat #12 :tada: __x__ a_b_c",
    "\u202eevil\u202c \x00 \x1b[31m \u2028 \ud83d",
]
texts = st.lists(st.one_of(st.text(max_size=80), st.sampled_from(HOSTILE)), min_size=1, max_size=5).map("\n".join)


def report(text: str, *, url: str = "", error: str = "") -> Report:
    made = Report(
        release=Release("orbit-labs/comet", text, text, text, f"https://github.com/o/r/releases/tag/{text}"),
        scheduled_for=datetime(2030, 1, 1, tzinfo=UTC),
    )
    planned = [Planned(("twitter", "bluesky"), (text, text)), Planned(("linkedin",), (text,), shortened=True)]
    made.plan(planned, {name: measure(post, name) for post in planned for name in post.networks})
    used = made.rows["twitter"].used
    made.rows["twitter"] = Row("twitter", text, used, url=url, id=text, error=error)
    made.errors = [OctopostError(text, cure=text)]
    made.warn(text)
    made.note_id(text)
    return made


@settings(max_examples=300)
@given(texts, texts)
def test_no_text_becomes_markup(text: str, other: str) -> None:
    written = summary(report(text, url=f"https://x.example/{other}", error=other), failed=True)
    check_markup(written)
    assert written.count("\n## ") == 0
    table = [line for line in written.splitlines() if line.startswith("| ")]
    assert len(table) == 5
    assert all(line.count("|") == 5 for line in table)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", ""])
def test_only_web_addresses_become_links(url: str) -> None:
    written = summary(report("Hello", url=url, error="no"), failed=False)
    check_markup(written)
    assert "javascript" not in written
    assert "evil" not in written


@given(texts)
def test_inert_text_is_shown_as_it_is(text: str) -> None:
    import html
    import re

    line = inert(text)
    shown = html.unescape(re.sub(r"</?p>|\n$", "", render(f"x {line} x")))
    assert "\n" not in line
    assert " ".join(shown.split()) == " ".join(html.unescape(f"x {line} x").split())


def test_a_summary_of_the_longest_texts_stays_far_below_the_limit() -> None:
    made = Report()
    planned = [Planned((name,), ("<&> " * 20_000,) * 25) for name in PLATFORMS]
    made.plan(planned, {name: measure(Planned((name,), ("x",)), name) for name in PLATFORMS})
    written = summary(made, failed=False)
    check_markup(written)
    assert len(written.encode()) < SUMMARY_LIMIT
