"""Markdown and GitHub's release notes as plain text."""

from __future__ import annotations

import pytest

from octopost_core.text import defuse_mentions, markdown_to_text, tidy

GENERATED = """\
<!-- Release notes generated using configuration in .github/release.yml at main -->

## What's Changed
### Exciting features 🎉
* Add dark mode by @jane-doe in https://github.com/octo/post/pull/12
* Speed up `import octo` by @dependabot[bot] in https://github.com/octo/post/pull/13
* Mend snake_case_names by @a and @b in #14
### Other
* Thank @bob for the report

## New Contributors
* @jane-doe made their first contribution in https://github.com/octo/post/pull/12

**Full Changelog**: https://github.com/octo/post/compare/v1.0.0...v1.1.0
"""

CONVENTIONAL = """\
[![CI](https://img.shields.io/badge/ci-ok-green.svg)](https://ci.example.org) ![Logo](https://example.org/logo.png)

# [2.0.0](https://github.com/octo/post/compare/v1.0.0...v2.0.0) (2026-04-03) :rocket:

> [!WARNING]
> Python 3.9 is **gone**, see the [guide](https://example.org/guide).

### Bug Fixes

* **core:** mend _this_ ([#12](https://github.com/octo/post/issues/12)) ([1a2b3c4](https://github.com/octo/post/commit/1a2b3c4d))
    - nested, with `@dataclass`
        - deeper
* closes [octo/other#3](https://github.com/octo/other/issues/3)

1. first
2. second

- [x] done
- [ ] open

| Name | Value |
|------|-------|
| a    | `b`   |

<details><summary>All &amp; more</summary>

Text<br>more<sup>1</sup>

</details>

```python
@app.get("/")
def root(): ...
```
"""


def test_generated_notes_lose_what_is_only_for_github():
    assert markdown_to_text(GENERATED) == (
        "What's Changed\n\n"
        "Exciting features 🎉\n"
        "• Add dark mode\n"
        "• Speed up import octo\n"
        "• Mend snake_case_names\n\n"
        "Other\n"
        "• Thank bob for the report"
    )


def test_written_notes_stay_readable():
    assert markdown_to_text(CONVENTIONAL) == (
        "Logo\n\n"
        "2.0.0 (2026-04-03) 🚀\n\n"
        "> Warning: Python 3.9 is gone, see the guide (https://example.org/guide).\n\n"
        "Bug Fixes\n"
        "• core: mend this (#12) (1a2b3c4)\n"
        "◦ nested, with @\u2060dataclass\n"
        "▪ deeper\n"
        "• closes octo/other#3\n\n"
        "1. first\n"
        "2. second\n\n"
        "• ☑ done\n"
        "• ☐ open\n\n"
        "Name | Value\n"
        "a | b\n\n"
        "All & more\n\n"
        "Text\nmore1\n\n"
        '@\u2060app.get("/")\n'
        "def root(): ..."
    )


@pytest.mark.parametrize("notes", [GENERATED, CONVENTIONAL, GENERATED.replace("\n", "\r\n")])
def test_a_second_pass_changes_nothing_in_notes(notes):
    once = markdown_to_text(notes)

    assert markdown_to_text(once) == once


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("[label](https://e.org)", "label (https://e.org)"),
        ("[https://e.org](https://e.org)", "https://e.org"),
        ("[e.org](https://e.org/)", "https://e.org/"),
        ("[](https://e.org)", "https://e.org"),
        ("<https://e.org>", "https://e.org"),
        ("[label](#anchor) [label](docs/x.md)", "label label"),
        ("[label](javascript:alert(1))", "label"),
        ("[a][b] [b] [c]\n\n[b]: https://e.org", "a (https://e.org) b (https://e.org) [c]"),
        ('[a](https://e.org/x_(y) "title")', "a (https://e.org/x_(y))"),
        ("[![alt](https://e.org/p.png)](https://e.org)", "alt (https://e.org)"),
        ('<a href="https://e.org">here</a> <img alt="Cat" src="https://e.org/c.png">', "here (https://e.org) Cat"),
        ("[@jane](https://github.com/jane) [jane](https://github.com/jane)", "jane jane"),
        ("https://e.org/_a_/b*c*d **https://e.org/x**", "https://e.org/_a_/b*c*d https://e.org/x"),
        ("***all*** **bold** _it_ ~~gone~~ __b__", "all bold it gone b"),
        ("2 * 3 * 4, a_b_c, *.py and *.js, ~10 ~ 20", "2 * 3 * 4, a_b_c, *.py and *.js, ~10 ~ 20"),
        ("**un*closed **open", "*unclosed **open"),
        (r"\*literal\* \[x\]", "*literal* [x]"),
        ("``a ` b`` `x", "a ` b `x"),
        ("`<b>&amp;**x**`", "<b>&amp;**x**"),
        ("<b>bold</b> &lt;x&gt; &copy;&nbsp;you", "bold <x> © you"),
        ("a <!-- b --> c <!-- open", "a  c  open"),
        (":tada: :no_such_code: 10:30:45", "🎉 :no_such_code: 10:30:45"),
        ("line one\nline two  \nline three\\\nline four", "line one\nline two\nline three\nline four"),
        ("Title\n=====\n\nText\n\n---\n\nMore", "Title\nText\n\nMore"),
        ("- a\n\n- b\n\n  still b\n", "• a\n• b\nstill b"),
        ("3. three\n4. four", "3. three\n4. four"),
        ("    code  here\n", "code  here"),
        ("**New Contributors**\n* @a\n* @b\n\nBye", "Bye"),
        ("## :sparkles: New Contributors\n* @a\n## Next\nText", "Next\nText"),
        ("## Thanks\n\nNew contributors help.", "Thanks\nNew contributors help."),
        ("Full Changelog: [v1...v2](https://github.com/o/r/compare/v1...v2)", ""),
        ("See the Full Changelog for more", "See the Full Changelog for more"),
        ("a\0b\x07c\ufeff\u202ed\u202c\ud800", "abcd\ufffd"),
        ("", ""),
        ("\n\n  \n", ""),
        ("<!-- only a comment -->", ""),
        ("<!--\nspans\n\nlines\n-->\nText", "Text"),
    ],
)
def test_markdown_to_text(markdown, text):
    assert markdown_to_text(markdown) == text


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("@jane thanks @joe.", "jane thanks joe."),
        ("(@jane) .@joe -@jim é@joy", "(jane) .joe -jim éjoy"),
        ("joe@example.org, a.b+c@e.org", "joe@example.org, a.b+c@e.org"),
        ("@babel/core and @org/team", "@\u2060babel/core and @\u2060org/team"),
        ("https://medium.com/@jane/post (https://e.org/@x) @y", "https://medium.com/@jane/post (https://e.org/@x) y"),
        ("@@jane ＠joe @ alone 5@", "jane joe @ alone 5@"),
        ("@me@example.social", "me@example.social"),
    ],
)
def test_mentions_are_defused(text, safe):
    assert defuse_mentions(text) == safe
    assert defuse_mentions(safe) == safe


def test_mentions_hidden_in_markup_are_defused_too():
    assert markdown_to_text(r"@**a** \@b &#64;c @[d](https://e.org) @<b>e</b> .`@f`") == (
        "a b c d (https://e.org) e .@\u2060f"
    )


HOSTILE = (
    *("[", "![", "](", "[a](b ", "`", "`a``b", "*a **b ", "_a __b", "> ", "- ", "- a\n", "<a ", "<!--", "<a href=x>"),
    *("&amp;", "|a|b|\n|-|-|\n", "[a]: b\n[a]\n\n", "@", "@a/", "~~", " ", "\n", "\0", "```\n", "# ", "\\", "<div>\n"),
    *("((", " by @a and @b", "**Full Changelog** ", "# **", ":a:", "\u202e", "\ud800", "\r", "1. ", "&#x", "https://"),
)


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_notes_come_back_in_linear_time(piece):
    """Two hundred kilobytes of each; what grows with the square of the text would take hours here."""
    markdown_to_text(piece * (200_000 // len(piece)))


def test_deep_nesting_comes_back():
    markdown_to_text("\n".join("  " * depth + "- a" for depth in range(500)))
    markdown_to_text("> " * 5000 + "a")
    markdown_to_text("<div>" * 50_000 + "[" * 50_000)


def test_tidy():
    assert tidy("  a \r\n\r\n\r\n\rb\t\n\u2028c\u00a0\n ") == "a\n\nb\n\nc"
