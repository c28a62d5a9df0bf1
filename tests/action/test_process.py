"""The action as a process: what no scenario's files can say."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from octopost_sandbox.process import Sandbox
from tests.action.harness import ROOT, Workflow, child_environ, command, stop
from tests.action.invariants import check_run


def workflow(tmp_path: Path, **more: str) -> Workflow:
    event = json.loads((Path(__file__).parent / "scenarios" / "release_published" / "event.json").read_text())
    return Workflow(tmp_path / "runner", "release", event, more)


def inputs(sandbox: Sandbox, **more: str) -> dict[str, str]:
    given = {"api-key": sandbox.api_key, "base-url": sandbox.base_url, "platforms": "twitter, bluesky"}
    return given | {name.replace("_", "-"): value for name, value in more.items()}


def test_an_output_file_that_cannot_be_written_stops_everything(tmp_path: Path, octopost_sandbox: Sandbox) -> None:
    extra = {"GITHUB_OUTPUT": str(tmp_path / "nowhere" / "output")}
    run = workflow(tmp_path).run(inputs(octopost_sandbox), extra=extra)
    assert run.code == 2
    assert run.annotations("error")[0].startswith("Invalid input: GITHUB_OUTPUT names")
    assert octopost_sandbox.calls() == []
    assert "Traceback" not in run.log


def test_a_summary_that_cannot_be_written_stops_nothing(tmp_path: Path, octopost_sandbox: Sandbox) -> None:
    extra = {"GITHUB_STEP_SUMMARY": str(tmp_path / "nowhere" / "summary")}
    run = workflow(tmp_path).run(inputs(octopost_sandbox), extra=extra)
    assert run.code == 0
    assert "No summary: " in run.annotations("warning")[0]
    assert run.outputs["status"] == "published"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "which cannot be read"),
        (b"{not json", "which is not JSON"),
        (b"[1]", "which is not a JSON object"),
        (b"\xff", "which is not JSON"),
    ],
)
def test_an_event_file_that_cannot_be_read(
    tmp_path: Path, octopost_sandbox: Sandbox, content: bytes | None, sentence: str
) -> None:
    path = tmp_path / "event.json"
    if content is not None:
        path.write_bytes(content)
    run = workflow(tmp_path).run(inputs(octopost_sandbox), extra={"GITHUB_EVENT_PATH": str(path)})
    assert run.code == 2
    check_run(run, octopost_sandbox.api_key)
    assert f"GITHUB_EVENT_PATH names {str(path)!r}, " in run.annotations("error")[0]
    assert sentence in run.annotations("error")[0]
    assert octopost_sandbox.calls() == []


def test_a_symbolic_link_out_of_the_workspace_is_refused(tmp_path: Path, octopost_sandbox: Sandbox) -> None:
    job = workflow(tmp_path)
    (tmp_path / "secret.txt").write_text("do not post me")
    (job.workspace / "notes.txt").symlink_to(tmp_path / "secret.txt")
    run = job.run(inputs(octopost_sandbox, content_file="notes.txt"))
    assert run.code == 2
    assert "content-file names 'notes.txt', which leads out of the workspace." in run.annotations("error")[0]
    assert "do not post me" not in run.log


def test_modules_of_the_checkout_are_never_imported(tmp_path: Path, octopost_sandbox: Sandbox) -> None:
    job = workflow(tmp_path)
    for name in ("yaml", "requests", "json", "github_action", "octopost_core", "sitecustomize"):
        (job.workspace / f"{name}.py").write_text(f"raise SystemExit('imported {name} from the checkout')")
    run = job.run(inputs(octopost_sandbox, overrides="twitter: Hello"))
    assert run.code == 0, run.log


def test_home_may_be_missing_or_read_only(tmp_path: Path, octopost_sandbox: Sandbox) -> None:
    run = workflow(tmp_path).run(inputs(octopost_sandbox), extra={"HOME": "/some/other/dir"})
    assert run.code == 0, run.log
    check_run(run, octopost_sandbox.api_key)


def test_a_cancelled_job_tells_the_post_it_left(tmp_path: Path, octopost_sandbox: Sandbox) -> None:
    octopost_sandbox.fault("publish", "timeout_after", seconds=60)
    job = workflow(tmp_path)
    run, process = job.start(inputs(octopost_sandbox))
    until = time.monotonic() + 30
    while not any(call["operation"] == "publish" for call in octopost_sandbox.calls()):
        assert time.monotonic() < until, "the publish call was never made"
        assert process.poll() is None
        if octopost_sandbox.live():  # the call is logged when it ends; its work is done before
            break
        time.sleep(0.05)
    run = stop(process, run)
    assert run.code == 4, run.log
    check_run(run, octopost_sandbox.api_key)
    post_id = octopost_sandbox.posts()[0]["id"]
    assert run.outputs["post-id"] == post_id
    assert run.outputs["status"] == "unknown"
    assert f"Post {post_id} may or may not have gone out: the job was cancelled" in run.annotations("error")[0]
    octopost_sandbox.clear_faults()
    again = job.run(inputs(octopost_sandbox), attempt=2)
    assert (again.code, again.outputs["operation"]) == (0, "unchanged")
    assert octopost_sandbox.duplicates(ever=True) == []


def test_killed_between_create_and_publish_the_next_attempt_finishes(tmp_path: Path, octopost_sandbox: Sandbox) -> None:
    job = workflow(tmp_path)
    _, process = job.start(inputs(octopost_sandbox))
    until = time.monotonic() + 30
    while not octopost_sandbox.posts():
        assert time.monotonic() < until
        time.sleep(0.01)
    process.kill()
    process.communicate(timeout=30)
    assert octopost_sandbox.live() == []
    again = job.run(inputs(octopost_sandbox), attempt=2)
    assert (again.code, again.outputs["operation"]) == (0, "resumed"), again.log
    assert len(octopost_sandbox.posts()) == 1
    assert len(octopost_sandbox.live()) == 2


def test_runs_that_start_at_once_announce_once(tmp_path: Path, octopost_sandbox: Sandbox) -> None:
    """A release fires published and released at the same moment: two runs race."""
    jobs = [workflow(tmp_path / name) for name in ("published", "released")]
    started = [job.start(inputs(octopost_sandbox)) for job in jobs]
    ended = []
    for run, process in started:
        output, _ = process.communicate(timeout=120)
        run.code, run.log = process.returncode, output.decode()
        ended.append(run)
    assert [run.code for run in ended] == [0, 0], "\n".join(run.log for run in ended)
    assert ended[0].outputs["urls"] == ended[1].outputs["urls"] != ""
    assert octopost_sandbox.duplicates(ever=True) == []
    assert len(octopost_sandbox.posts()) == 1, "no draft is left behind"


def test_debug_logging_shows_requests_and_no_key(tmp_path: Path, octopost_sandbox: Sandbox) -> None:
    run = workflow(tmp_path).run(inputs(octopost_sandbox), extra={"RUNNER_DEBUG": "1"})
    assert run.code == 0
    lines = [value for name, _, value in run.commands if name == "debug"]
    assert any("/publish -> 200" in line for line in lines), lines
    check_run(run, octopost_sandbox.api_key)


def imported(environ: dict[str, str], cwd: Path) -> set[str]:
    """Run the action and return the top-level modules it has imported."""
    script = (
        "import os, sys\nfrom github_action.run import main\ncode = main(os.environ)\n"
        "print('MODULES', code, *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script],
        env=child_environ(environ),
        cwd=cwd,
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = re.findall(r"^MODULES 0 (.*)$", done.stdout, re.MULTILINE)
    return set(line.split())


def test_a_skipped_run_loads_no_http_no_yaml_no_templates(tmp_path: Path) -> None:
    job = workflow(tmp_path)
    job.event = {**job.event, "action": "edited"}
    environ = job.environ({"api-key": "oct_test_1", "platforms": "twitter"})
    assert not imported(environ, tmp_path) & {"requests", "pydantic", "yaml", "jinja2", "markdown_it", "regex"}


def test_a_plain_text_loads_no_yaml_no_templates_no_markdown(tmp_path: Path, octopost_sandbox: Sandbox) -> None:
    environ = workflow(tmp_path).environ(inputs(octopost_sandbox, content="Hello, plain world"))
    assert not imported(environ, tmp_path) & {"yaml", "jinja2", "markdown_it", "airflow", "fastapi"}


def test_nothing_but_the_environment_is_read(tmp_path: Path) -> None:
    """Arguments and the working directory change nothing; without inputs the first sentence says what to write."""
    done = subprocess.run(
        [*command(), "--help"],
        env={"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'shared'}"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "::error title=Invalid input::api-key is empty." in done.stdout
    assert done.stderr == ""
