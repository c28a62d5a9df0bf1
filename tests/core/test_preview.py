"""The command octopost-preview, as a process."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import pytest

POST = """\
content: Version 2 is out.
platforms: [twitter, bluesky, linkedin]
segments:
  - content: And more.
overrides:
  linkedin: Version 2 is out, dear colleagues.
"""


def run(*arguments, stdin="", **environment):
    return subprocess.run(
        [sys.executable, "-m", "octopost_core.preview", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, **environment},
        check=False,
    )


def test_a_text_that_fits_everywhere():
    shown = run("--text", "Hello 👋", "-p", "twitter,bluesky")

    assert shown.returncode == 0
    assert shown.stdout == (
        "X  twitter\n  │ Hello 👋\n  ✓ 8 of 280 weighted characters\n\n"
        "Bluesky\n  │ Hello 👋\n  ✓ 7 of 300 graphemes\n\n"
        "Fits all 2 networks.\n"
    )
    assert shown.stderr == ""


def test_a_text_alone_is_shown_for_every_network_that_takes_one():
    shown = json.loads(run("--text", "Hello", "--json").stdout)

    assert [one["platform"] for one in shown["networks"]] == [
        *("twitter", "bluesky", "mastodon", "linkedin", "threads", "facebook", "discord", "slack", "telegram")
    ]


def test_a_long_text_is_shown_cut_and_as_a_thread_and_fails():
    shown = run("--text", "Six plain words are in here. " * 12, "-p", "twitter,linkedin", "--link", "https://e.org/v2")

    assert shown.returncode == 2
    x, linkedin = shown.stdout.split("\n\nLinkedIn\n")
    assert "  ✗ 372 of 280 weighted characters, 92 too many" in x
    assert "in here. …\n  │ \n  │ https://e.org/v2\n" in x
    assert "as a thread: 2 parts" in x
    assert "✓ 365 of 3,000 UTF-16 units, at most" in linkedin
    assert linkedin.endswith("Not ready for X.\n")


def test_a_post_file_is_shown_with_its_replies_and_its_text_per_network(tmp_path):
    path = tmp_path / "post.yaml"
    path.write_text(POST, encoding="utf-8")
    shown = run(str(path))

    assert shown.returncode == 0
    x, bluesky, linkedin, verdict = shown.stdout.split("\n\n")
    assert x == (
        "X  twitter\n"
        "  1/2\n  │ Version 2 is out.\n  ✓ 17 of 280 weighted characters\n"
        "  2/2\n  │ And more.\n  ✓ 9 of 280 weighted characters"
    )
    assert bluesky.startswith("Bluesky\n  1/2\n")
    assert linkedin.startswith("LinkedIn\n  │ Version 2 is out, dear colleagues.\n")
    assert verdict == "Fits all 3 networks.\n"


def test_json_tells_counts_cuts_and_findings():
    shown = run("--text", "x " * 200, "-p", "bluesky,instagram", "--json")

    assert shown.returncode == 2
    bluesky, instagram = json.loads(shown.stdout)["networks"]
    assert bluesky["parts"][0]["counts"] == [
        {"used": 399, "limit": 300, "unit": "graphemes"},
        {"used": 399, "limit": 3000, "unit": "bytes"},
    ]
    assert (bluesky["ok"], bluesky["parts"][0]["fits"], bluesky["parts"][0]["refused"]) == (False, False, True)
    assert bluesky["shortened"].endswith("x…")
    assert len(bluesky["thread"]) == 2
    assert instagram["findings"] == [{"level": "error", "message": "Instagram needs an image or a video."}]


def test_standard_input_holds_a_file_or_a_text():
    assert "Version 2 is out." in run("-", stdin=POST).stdout
    assert "  │ v2 out\n" in run("--text", "-", "--markdown", "-p", "bluesky", stdin="**v2** out\n").stdout
    assert run("-", stdin="post.yaml").returncode == 2


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        ([], "", "Give a post file, or a text with --text, and not both."),
        (["a.yaml", "--text", "b"], "", "Give a post file, or a text with --text, and not both."),
        (["none.yaml"], "", "none.yaml: cannot be read: No such file or directory. Check the path."),
        (["--text", " "], "", "The text is empty."),
        (["--text", "a", "-p", "x"], "", "'x' is not a network Octopost knows. Did you mean twitter?"),
        (["--text", "a", "-p", ","], "", "No network is named. Name at least one, for example bluesky."),
        (["--nope"], "", "unrecognized arguments: --nope; see octopost-preview --help."),
        (
            ["-"],
            "contnet: a",
            "post file, line 1, column 1: contnet is not a name known in the file. Did you mean content?",
        ),
        (
            ["-"],
            "content: a\npreset: b",
            "post file leaves the networks to the preset 'b'. Name them with --platforms.",
        ),
    ],
)
def test_bad_input_is_told_in_one_sentence(arguments, stdin, message):
    shown = run(*arguments, stdin=stdin)

    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr == f"octopost-preview: {message}\n"


def in_terminal(*arguments, **environment):
    """Run the command with a terminal as its output; return what it wrote."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "octopost_core.preview", *arguments],
        stdout=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "40", **environment},
    )
    os.close(theirs)
    written = b""
    try:
        while chunk := os.read(ours, 4096):
            written += chunk
    except OSError:  # Linux's way of saying that the other side is closed
        pass
    os.close(ours)
    process.wait()
    return written.decode().replace("\r\n", "\n")


def test_a_terminal_gets_colours_and_lines_of_its_width():
    shown = in_terminal("--text", "many words " * 10, "-p", "bluesky", NO_COLOR_="")

    assert "\x1b[32m  ✓ 109 of 300 graphemes" in shown
    assert all(len(line) <= 60 for line in shown.split("\n"))


def test_no_color_is_respected():
    assert "\x1b" not in in_terminal("--text", "Hello", "-p", "bluesky", NO_COLOR="1")
    assert "\x1b" not in in_terminal("--text", "Hello", "-p", "bluesky", TERM="dumb")


def test_control_characters_of_a_text_never_reach_the_terminal():
    assert "\x1b" not in run("--text", "\x1b[31mred\x9b31m", "-p", "bluesky").stdout
    assert "\\x1b" not in run("-", stdin='content: "\\e[31mred"\nplatforms: [bluesky]\n').stdout
    assert "\x1b" not in run("-", stdin='content: "\\e[31mred"\nplatforms: [bluesky]\n').stdout


def test_a_closed_pipe_is_no_error():
    process = subprocess.Popen(
        [sys.executable, "-m", "octopost_core.preview", "--text", "line\n" * 20_000, "-p", "facebook"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.readline()
    process.stdout.close()

    assert process.stderr.read() == b""
    process.stderr.close()
    process.wait()
