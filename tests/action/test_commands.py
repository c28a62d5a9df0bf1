"""What the runner reads: commands, outputs, summary. Read back as the runner reads them."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from github_action.commands import SUMMARY_LIMIT, Runner
from octopost_core.errors import InvalidInput
from tests.action.harness import read_commands, read_outputs

HOSTILE = "a%0A::set-output name=x::1\r\n::error::boo\n##[add-mask]all\nEOF\nx=1\ny<<EOF\n\x1b[2J\x00 end"


def runner(tmp_path: Path, **environ: str) -> tuple[Runner, io.StringIO]:
    out = io.StringIO()
    files = {"GITHUB_OUTPUT": str(tmp_path / "out"), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
    return Runner(files | environ, out), out


def test_an_annotation_comes_back_whole(tmp_path: Path) -> None:
    said, out = runner(tmp_path)
    said.annotate("error", "50% lost\nat 10:00, really", "Bad: very, very")
    assert read_commands(out.getvalue()) == [("error", {"title": "Bad: very, very"}, "50% lost\nat 10:00, really")]
    assert out.getvalue().count("\n") == 1


def test_nothing_in_a_quoted_text_is_a_command(tmp_path: Path) -> None:
    said, out = runner(tmp_path)
    said.quote(HOSTILE)
    said.annotate("notice", "after")
    assert read_commands(out.getvalue()) == [("notice", {}, "after")]
    assert "\x1b" not in out.getvalue()


def test_the_token_that_ends_a_quotation_cannot_be_foreseen(tmp_path: Path) -> None:
    tokens = set()
    for _ in range(3):
        said, out = runner(tmp_path)
        said.quote("x")
        tokens.add(re.findall(r"::stop-commands::(\S+)", out.getvalue())[0])
    assert len(tokens) == 3
    assert all(len(token) > 32 for token in tokens)


@pytest.mark.parametrize(
    "line", ["::error::x", "   ::add-mask::x", "ok\n::error::x", "a ##[error]x", "\u2003::error::x"]
)
def test_a_line_of_ours_that_holds_foreign_words_is_no_command(tmp_path: Path, line: str) -> None:
    said, out = runner(tmp_path)
    said.say(line)
    assert read_commands(out.getvalue()) == []


def test_a_secret_of_several_lines_is_masked_line_by_line(tmp_path: Path) -> None:
    said, out = runner(tmp_path)
    said.mask("one\ntwo\n\n")
    assert read_commands(out.getvalue()) == [("add-mask", {}, "one"), ("add-mask", {}, "two")]


def test_debug_lines_only_where_they_are_wanted(tmp_path: Path) -> None:
    quiet, silent = runner(tmp_path)
    quiet.debug("x")
    loud, out = runner(tmp_path, RUNNER_DEBUG="1")
    loud.debug("x")
    assert (silent.getvalue(), out.getvalue()) == ("", "::debug::x\n")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.lists(st.one_of(st.text(), st.sampled_from([HOSTILE, "", "\n", "a\nEOF\n", "<<", "name<<x"])), max_size=4))
def test_outputs_come_back_whole(tmp_path: Path, values: list[str]) -> None:
    values = [value.encode("utf-8", "replace").decode() for value in values]
    said, _ = runner(tmp_path)
    (tmp_path / "out").write_text("")
    for index, value in enumerate(values):
        said.set_output(f"name-{index}", value)
    assert read_outputs(tmp_path / "out") == {f"name-{index}": value for index, value in enumerate(values)}


def test_an_output_file_that_cannot_be_written_is_found_before_anything_is_sent(tmp_path: Path) -> None:
    said, _ = runner(tmp_path, GITHUB_OUTPUT=str(tmp_path / "missing" / "out"))
    with pytest.raises(InvalidInput, match=r"^GITHUB_OUTPUT names '.*', which cannot be written \(No such file"):
        said.check()


def test_without_files_nothing_is_written() -> None:
    said = Runner({}, io.StringIO())
    said.check()
    said.set_output("a", "b")
    said.write_summary("c")


def test_a_summary_never_exceeds_what_a_step_may_have(tmp_path: Path) -> None:
    said, _ = runner(tmp_path)
    (tmp_path / "summary").write_text("from before\n")
    said.write_summary("é" * SUMMARY_LIMIT)
    written = (tmp_path / "summary").read_bytes()
    assert len(written) <= SUMMARY_LIMIT
    assert written.decode().endswith("(The rest is cut: a summary may hold 1 MiB.)\n")
    assert written.startswith(b"from before\n")


def test_a_summary_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    said, out = runner(tmp_path, GITHUB_STEP_SUMMARY=str(tmp_path / "missing" / "summary"))
    said.write_summary("x")
    ((name, properties, message),) = read_commands(out.getvalue())
    assert (name, properties) == ("warning", {"title": "No summary"})
    assert "No such file" in message
