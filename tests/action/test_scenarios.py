"""One folder per scenario: what GitHub and the user give, and what must come of it.

``event.json`` is the payload. ``inputs.yml``: ``event`` (its name), ``with``, and as needed ``env`` (GITHUB_*
variables), ``files`` (of the workspace), ``sandbox`` (calls on the sandbox before the run), ``github`` (releases and
runs its API knows), ``runs`` (one entry per attempt, each may repeat these). ``expected.yml``: ``exit``, ``outputs``,
``results``, ``summary``, ``log``, ``annotations`` of a run (or ``runs``), ``sent`` (calls by operation), and ``posts``
that are there in the end. Texts are looked for as they are; between slashes they are regular expressions.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from octopost_sandbox.process import Sandbox
from tests.action.github import GitHubServer
from tests.action.harness import Run, Workflow
from tests.action.invariants import check_run

FOLDER = Path(__file__).parent / "scenarios"
SCENARIOS = sorted(path.parent.name for path in FOLDER.glob("*/inputs.yml"))


def test_there_are_enough_scenarios() -> None:
    assert len(SCENARIOS) >= 40


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name: str, tmp_path: Path, octopost_sandbox: Sandbox, github: GitHubServer) -> None:
    folder = FOLDER / name
    given = yaml.safe_load((folder / "inputs.yml").read_text(encoding="utf-8"))
    expected = yaml.safe_load((folder / "expected.yml").read_text(encoding="utf-8"))
    event = json.loads((folder / "event.json").read_text(encoding="utf-8"))
    api = given.get("github") or {}
    github.releases.update(api.get("releases") or {})
    github.runs.update(api.get("runs") or {})
    variables = {"{github}": github.url, "{sandbox}": octopost_sandbox.root, "{base}": octopost_sandbox.base_url}
    settings = {"API_URL": github.url, **fill(given.get("env") or {}, variables)}
    workflow = Workflow(tmp_path / "runner", given["event"], event, settings)
    for path, text in (given.get("files") or {}).items():
        file = workflow.workspace / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="")

    variables |= {"{workspace}": str(workflow.workspace)}
    attempts = given.get("runs") or [{}]
    for number, (attempt, wanted) in enumerate(zip(attempts, expected.get("runs") or [expected], strict=True), 1):
        prepare(
            octopost_sandbox, [*(given.get("sandbox") or [] if number == 1 else []), *(attempt.get("sandbox") or [])]
        )
        before = len(octopost_sandbox.calls())
        inputs = {
            "api-key": octopost_sandbox.api_key,
            "base-url": octopost_sandbox.base_url,
            **(given.get("with") or {}),
            **(attempt.get("with") or {}),
        }
        workflow.event_name = attempt.get("event", given["event"])
        workflow.event = {**event, **(attempt.get("payload") or {})}
        run = workflow.run(fill(inputs, variables), attempt=attempt.get("attempt", 1), extra=attempt.get("extra"))
        check_run(run, octopost_sandbox.api_key)
        compare(run, wanted)
        calls = octopost_sandbox.calls()[before:]
        for operation, times in (wanted.get("sent") or {}).items():
            assert sum(call["operation"] == operation for call in calls) == times, (operation, run.log)
    if "posts" in expected:
        compare_posts(octopost_sandbox.posts(), expected["posts"])
    if not expected.get("twice_on_purpose"):
        assert octopost_sandbox.duplicates(ever=True) == []


def fill(values: dict[str, Any], variables: dict[str, str]) -> dict[str, str]:
    """Return settings as strings, with the addresses of this test put in."""
    filled = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in values.items()}
    for mark, text in variables.items():
        filled = {name: value.replace(mark, text) for name, value in filled.items()}
    return filled


def prepare(sandbox: Sandbox, calls: list[dict[str, Any]]) -> None:
    """Make calls on the sandbox, each written as ``method: {argument: value}``."""
    for call in calls:
        for method, arguments in call.items():
            getattr(sandbox, method)(**(arguments or {}))


def compare(run: Run, wanted: dict[str, Any]) -> None:
    """Compare a run with what was expected of it."""
    __tracebackhide__ = True
    assert run.code == wanted.get("exit", 0), run.log
    for name, value in (wanted.get("outputs") or {}).items():
        assert_text(run.outputs[name], value, f"output {name}", whole=True)
    for network, facts in (wanted.get("results") or {}).items():
        for name, value in facts.items():
            assert run.results[network][name] == value, (network, name, run.results[network])
    for text in wanted.get("summary") or []:
        assert_text(run.summary, text, "summary")
    for text in wanted.get("not_in_summary") or []:
        assert text not in run.summary
    for text in wanted.get("log") or []:
        assert_text(run.log, text, "log")
    for level in ("error", "warning", "notice"):
        texts = (wanted.get("annotations") or {}).get(level) or []
        found = run.annotations(level)
        assert len(found) == len(texts), (level, found)
        for text, annotation in zip(texts, found, strict=True):
            assert_text(annotation, text, level)


def compare_posts(posts: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> None:
    """Compare the posts of the account with what was expected, as far as the expectation says."""
    __tracebackhide__ = True
    assert len(posts) == len(wanted), [post["content"] for post in posts]
    for post, facts in zip(posts, wanted, strict=True):
        for name, value in facts.items():
            if name == "content":
                assert_text(post["content"], value, "content", whole=True)
            elif name == "contains":
                for text in value:
                    assert_text(post["content"], text, "content")
            elif name == "lacks":
                for text in value:
                    assert text not in post["content"], post["content"]
            elif name == "parts":
                assert 1 + len(post["segments"] or []) == value, post
            else:
                assert post[name] == value, (name, post[name])


def assert_text(found: str, wanted: object, where: str, *, whole: bool = False) -> None:
    """Look for a text, or for a pattern between slashes."""
    __tracebackhide__ = True
    text = str(wanted) if wanted is not None else ""
    if len(text) > 2 and text.startswith("/") and text.endswith("/"):
        matches = re.fullmatch if whole else re.search
        assert matches(text[1:-1], found, re.DOTALL | re.MULTILINE), f"{where}: {text} does not match\n{found}"
    elif whole:
        assert found.strip() == text.strip(), f"{where}: {found!r}"
    else:
        assert text.strip() in found, f"{where}: {text!r} is not in\n{found}"
