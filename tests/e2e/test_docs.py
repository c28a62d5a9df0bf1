"""Nothing in README.md and docs/ is only written: every block of code is run or parsed, every table is the code's."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from octopost_core.postfile import load_post_file
from octopost_core.version import __version__
from octopost_sandbox.process import Sandbox
from tests.action.github import GitHubServer
from tests.action.harness import Workflow
from tests.e2e.docs import OURS, PAGES, ROOT, Block, action, addressed, blocks, inputs_of

BLOCKS = list(blocks())
ENVIRON = {
    # A new user's shell knows no other Airflow, but the Airflow tests of the same process may have set one up.
    **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "shared")]),
}


def chosen(name: str, found: list[Block]) -> Any:
    """Make one test of each block."""
    assert found, "the pages have no such block any more"
    return pytest.mark.parametrize(name, found, ids=str)


def run(*command: str | Path, cwd: Path, **environ: str) -> str:
    """Run a command; fail with its words."""
    done = subprocess.run(
        command, cwd=cwd, env={**ENVIRON, **environ}, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{shlex.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout


# --- every block is of a kind that is tested below -------------------------------------------------------------------


def test_every_block_is_tested() -> None:
    known = {"python", "yaml", "sh", "text"}
    assert [f"{block}: {block.language or 'no language'}" for block in BLOCKS if block.language not in known] == []


def test_messages_and_tables_are_never_typed_in() -> None:
    assert [str(block) for block in BLOCKS if block.language == "text" and not block.generated] == []


# --- Python ----------------------------------------------------------------------------------------------------------


@chosen("block", [b for b in BLOCKS if b.language == "python" and not b.is_dag and not b.is_test])
def test_python_runs(block: Block, tmp_path: Path, octopost_sandbox: Sandbox) -> None:
    (tmp_path / "block.py").write_text(addressed(block.text, octopost_sandbox), encoding="utf-8")
    said = run(sys.executable, "-W", "error", "block.py", cwd=tmp_path)
    assert said.strip(), "a block that prints nothing shows nothing"
    assert octopost_sandbox.duplicates(ever=True) == []


def test_the_pages_tests_run(tmp_path: Path) -> None:
    found = [block for block in BLOCKS if block.is_test]
    assert len(found) >= 3
    for number, block in enumerate(found):
        name = "conftest.py" if "pytest_plugins" in block.text else f"test_{number}.py"
        (tmp_path / name).write_text(block.text, encoding="utf-8")
    said = run(
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={tmp_path}", ".", cwd=tmp_path
    )
    assert re.search(r"\d+ passed", said)


DAGS = """
import json, sys
from pathlib import Path
from airflow.utils.db import initdb
initdb()
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(Path(sys.argv[1]))
errors = {Path(path).name: error for path, error in bag.import_errors.items()}
states = {}
if not errors:
    for dag_id in sys.argv[2:]:
        states[dag_id] = str(bag.dags[dag_id].test().state)
print("\\n" + json.dumps({"errors": errors, "dags": sorted(bag.dags), "states": states}))
"""


@pytest.mark.slow
def test_dags_import_and_run(tmp_path: Path, octopost_sandbox: Sandbox) -> None:
    """All are imported; those written for the docs are run (the examples are run by tests/airflow)."""
    found = [block for block in BLOCKS if block.is_dag]
    folder = tmp_path / "dags"
    folder.mkdir()
    wanted = []
    for number, block in enumerate(found):
        (folder / f"block_{number}.py").write_text(block.text, encoding="utf-8")
        if not block.generated:
            wanted += re.findall(r'with DAG\("(\w+)"', block.text)
    connection = {"conn_type": "octopost", "host": octopost_sandbox.base_url, "password": octopost_sandbox.api_key}
    home = tmp_path / "home"
    said = run(
        sys.executable, "-c", DAGS, folder, *wanted, cwd=tmp_path,
        AIRFLOW_HOME=str(home),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__CORE__DAGS_FOLDER=str(folder),
        AIRFLOW_CONN_OCTOPOST_DEFAULT=json.dumps(connection),
    )  # fmt: skip
    result = json.loads(said.splitlines()[-1])
    assert result["errors"] == {}
    assert len(result["dags"]) == len(found), "two blocks share a dag_id"
    assert {state.rpartition(".")[2].lower() for state in result["states"].values()} == {"success"}, result["states"]
    assert len(octopost_sandbox.posts()) == len(wanted)
    assert octopost_sandbox.duplicates(ever=True) == []


# --- YAML ------------------------------------------------------------------------------------------------------------


@chosen("block", [b for b in BLOCKS if b.is_post])
def test_post_files_load(block: Block) -> None:
    assert load_post_file(block.text).drafts()


WORKFLOW_KEYS = {"name", "on", "permissions", "concurrency", "env", "jobs"}
JOB_KEYS = {"runs-on", "steps", "permissions", "timeout-minutes", "environment", "services", "needs", "if", "env"}
STEP_KEYS = {"name", "id", "if", "uses", "run", "with", "env", "timeout-minutes"}


@chosen("block", [b for b in BLOCKS if b.is_workflow])
def test_workflows_are_workflows(block: Block) -> None:
    assert block.yaml.keys() <= WORKFLOW_KEYS
    assert block.yaml["on"]
    for job in block.yaml["jobs"].values():
        assert job.keys() <= JOB_KEYS
        assert job["runs-on"].startswith("ubuntu-")
    for step in block.steps():
        assert step.keys() <= STEP_KEYS
        assert ("uses" in step) != ("run" in step)
        assert "${{" not in step.get("run", ""), "values reach a script through env"


@chosen("block", [b for b in BLOCKS if b.language == "yaml" and not b.is_post])
def test_steps_use_inputs_and_outputs_that_exist(block: Block) -> None:
    from github_action.config import Config

    known = action()
    ours = [step for step in block.steps() if step.get("uses", "").startswith(OURS)]
    assert ours or "services" in block.text
    for step in ours:
        assert step.get("with", {}).keys() <= known["inputs"].keys()
        given = {name: value for name, value in inputs_of(step).items() if value}
        Config.from_environ({f"INPUT_{name.upper()}": value for name, value in given.items()})
        used = re.findall(rf"steps\.{step.get('id')}\.outputs\.([\w-]+)", block.text)
        assert set(used) <= known["outputs"].keys()


def _announcing(block: Block) -> bool:
    if not block.is_workflow or not any(step.get("uses", "").startswith(OURS) for step in block.steps()):
        return False
    return bool(
        {"release", "pull_request"} & set([block.yaml["on"]] if isinstance(block.yaml["on"], str) else block.yaml["on"])
    )


@chosen("block", [b for b in BLOCKS if _announcing(b)])
def test_workflows_announce(block: Block, tmp_path: Path, octopost_sandbox: Sandbox) -> None:
    """Paste it, publish a release (open a pull request): what then happens on a runner."""
    event = json.loads((ROOT / "tests/action/scenarios/release_published/event.json").read_text(encoding="utf-8"))
    name = block.yaml["on"] if isinstance(block.yaml["on"], str) else next(iter(block.yaml["on"]))
    preview = name == "pull_request"
    (step,) = (step for step in block.steps() if step.get("uses", "").startswith(OURS))
    connection = {} if preview else {"api-key": octopost_sandbox.api_key, "base-url": octopost_sandbox.base_url}
    with GitHubServer() as github:
        workflow = Workflow(tmp_path, name, {} if preview else event, {"API_URL": github.url})
        done = workflow.run({**inputs_of(step), **connection})
    assert done.code == 0, done.log
    assert done.outputs["operation"] == ("previewed" if preview else "created")
    assert bool(octopost_sandbox.live()) is not preview
    assert octopost_sandbox.duplicates(ever=True) == []


# --- shell -----------------------------------------------------------------------------------------------------------


def lines_of(block: Block) -> list[list[str]]:
    """Return the commands of a block, each as words."""
    return [words for line in block.text.splitlines() if (words := shlex.split(line, comments=True))]


@chosen("block", [b for b in BLOCKS if b.language == "sh"])
def test_commands_exist(block: Block, tmp_path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for command in lines_of(block):
        words = [word for word in command if not re.match(r"[A-Z_]+=", word)]
        match words:
            case ["make", target]:
                assert target in targets
            case ["pip", "install", wanted]:
                name, _, extras = wanted.partition("[")
                assert name == project["name"]
                assert not extras or extras.rstrip("]") in project["optional-dependencies"]
            case ["octopost-sandbox", *options]:
                said = run("octopost-sandbox", "--help", cwd=tmp_path)
                assert [word for word in options if word.startswith("--") and word not in said] == []
            case [".venv/bin/python", "-m", "pytest", path] | [".venv/bin/python", path]:
                assert (ROOT / path).is_file()
            case ["docker", "build", "-f", path, *_]:
                assert (ROOT / path).is_file()
            case ["octopost-preview" | "curl" | "export" | "airflow", *_]:
                pass  # run below
            case ["docker", "run", *_] | ["gh", "attestation", "verify", *_]:
                pass  # needs what this machine may not have; the image is built and run by make image-test
            case _:
                pytest.fail(f"{command[0]} is no command this test knows")


@chosen("block", [b for b in BLOCKS if b.language == "sh" and b.text.startswith("curl ")])
def test_calls_are_answered(block: Block, octopost_sandbox: Sandbox) -> None:
    """As curl would make them; it need not be installed."""
    for words in lines_of(block):
        options = argparse.ArgumentParser()
        for flag in ("-s", "-H", "-d"):
            options.add_argument(flag, **({"action": "store_true"} if flag == "-s" else {"action": "append"}))
        options.add_argument("url")
        call = options.parse_args([addressed(word, octopost_sandbox) for word in words[1:]])
        headers = dict(header.split(": ", 1) for header in call.H or [])
        reply = requests.post(call.url, data=call.d[0], headers=headers, timeout=30)
        assert reply.ok, reply.text
        assert reply.json()


def test_previews_are_shown(tmp_path: Path) -> None:
    (tmp_path / "post.yaml").write_text(next(b for b in BLOCKS if b.is_post).text, encoding="utf-8")
    calls = [words for b in BLOCKS if b.language == "sh" for words in lines_of(b) if words[0] == "octopost-preview"]
    assert calls
    for words in calls:
        assert "Bluesky" in run(sys.executable, "-m", "octopost_core.preview", *words[1:], cwd=tmp_path)


@pytest.mark.slow
def test_the_airflow_pages_work_when_followed(tmp_path: Path, octopost_sandbox: Sandbox) -> None:
    """Every line for Airflow, typed in order into one shell, on a new home."""
    home = tmp_path / "home"
    (home / "dags").mkdir(parents=True)
    page = [block for block in BLOCKS if block.page == "docs/airflow.md"]
    (dag,) = (block for block in page if block.is_dag)
    (home / "dags/weekly_numbers.py").write_text(dag.text, encoding="utf-8")
    others = [b for b in BLOCKS if b.page in ("docs/connection.md", "docs/reruns.md")]
    typed = [
        line
        for block in [*page, *others]
        if block.language == "sh"
        for line in block.text.splitlines()
        if line.startswith(("airflow ", "export "))
    ]
    assert len(typed) >= 9
    script = "\n".join(["set -e -o pipefail", *(addressed(line, octopost_sandbox) for line in typed)])
    said = run("bash", "-c", script, cwd=tmp_path, AIRFLOW_HOME=str(home), AIRFLOW__CORE__LOAD_EXAMPLES="False")
    assert "Connection success!" in said
    assert sorted(post["network"] for post in octopost_sandbox.live()) == ["bluesky", "mastodon"]


# --- what comes from the code ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_tables_and_messages_are_current() -> None:
    """Every scenario of scripts/docs_failures.py is acted out for this."""
    run(sys.executable, "scripts/docs_tables.py", "--check", cwd=ROOT)


def test_the_actions_tables_are_current() -> None:
    run(sys.executable, "scripts/action_tables.py", "--check", cwd=ROOT)
    reference = (ROOT / "docs/action.md").read_text(encoding="utf-8")
    for name in [*action()["inputs"], *action()["outputs"]]:
        assert f"| `{name}` |" in reference


def test_every_failure_mode_has_its_message() -> None:
    page = (ROOT / "docs/failures.md").read_text(encoding="utf-8")
    sections = re.split(r"^## (\d+)\. ", page, flags=re.MULTILINE)[1:]
    numbers, texts = sections[::2], sections[1::2]
    assert numbers == [str(number) for number in range(1, 19)]
    assert [number for number, text in zip(numbers, texts, strict=True) if "<!-- generated: run " not in text] == []


def test_the_versions_that_are_named_are_those_that_are_tested() -> None:
    page = (ROOT / "docs/compatibility.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| (\d+\.\d+\.\d+) \| ([\d., ]+) \|", page, re.MULTILINE)
    pinned = {path.stem.removeprefix("airflow-") for path in (ROOT / "requirements").glob("airflow-*.in")}
    newest = re.search(
        r"^apache-airflow==(\S+)", (ROOT / "requirements/dev.in").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert newest
    assert {airflow for airflow, _ in named} == pinned | {newest[1]}
    ci = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))["jobs"]
    assert dict(named)[newest[1]].split(", ") == ci["test"]["strategy"]["matrix"]["python"]
    assert {airflow for airflow, _ in named} - {newest[1]} == set(ci["airflow"]["strategy"]["matrix"]["airflow"])


def test_the_readme_is_short_and_its_links_lead_somewhere() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 80
    assert "make demo" in text
    assert "make test" in text


@pytest.mark.parametrize("page", [*PAGES, ROOT / "SECURITY.md", ROOT / "CHANGELOG.md"], ids=lambda path: path.name)
def test_links_lead_to_files(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    found = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text)]
    local = [link for link in found if link and not re.match(r"[a-z]+:", link)]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_the_version_stands_in_one_place() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[(.+?)\] - \d{4}-\d\d-\d\d$", changes, re.MULTILINE)
    assert newest
    assert newest[1] == __version__
    own = {ROOT / "CHANGELOG.md", ROOT / "shared/octopost_core/version.py"}
    kept = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    places = [
        path
        for name in kept.split("\0")
        if (path := ROOT / name).suffix in (".py", ".md", ".toml", ".yml", ".yaml") and path.is_file()
        if not name.startswith("tests/") and path not in own
    ]
    written = re.compile(rf"(?<![\d.=]){re.escape(__version__)}(?![\d.])")
    assert [str(path) for path in places if written.search(path.read_text(encoding="utf-8"))] == []
