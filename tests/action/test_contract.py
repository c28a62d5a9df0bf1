"""action.yml, the code and the documents say the same."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from github_action import config, message, report
from github_action.config import Config
from octopost_core.platforms import PLATFORMS
from tests.action.harness import ROOT, action_inputs

ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))


def in_code(name: str) -> str:
    return name.replace("-", "_")


def test_every_input_is_a_field_of_the_configuration_and_the_other_way_round() -> None:
    assert {in_code(name) for name in ACTION["inputs"]} == {field.name for field in dataclasses.fields(Config)}


def test_every_output_is_written_and_the_other_way_round() -> None:
    assert tuple(ACTION["outputs"]) == report.OUTPUTS
    assert set(report.Report().outputs()) == set(report.OUTPUTS)


def test_defaults_of_action_yml_are_the_defaults_of_the_code() -> None:
    wanted = {"INPUT_PLATFORMS": "twitter", "INPUT_API-KEY": "oct_test_1"}
    by_runner = {f"INPUT_{name.upper()}": value for name, value in action_inputs().items()} | wanted
    by_code = Config.from_environ(wanted)
    assert dataclasses.replace(Config.from_environ(by_runner), github_token="") == by_code


def test_every_input_is_described_and_none_is_required_by_the_runner() -> None:
    # The runner does not enforce `required` (actions/runner#1070); what is missing is told by the action itself.
    for name, item in ACTION["inputs"].items():
        assert item["description"].strip().endswith("."), name
        assert item["required"] is False, name
        assert isinstance(item["default"], str), name


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("thread", config.Thread),
        ("when-too-long", config.TooLong),
        ("prereleases", config.Prereleases),
        ("on-duplicate", config.OnDuplicate),
        ("fail-on", config.FailOn),
    ],
)
def test_every_choice_is_named_in_the_description(name: str, words: Any) -> None:
    for word in get_args(words):
        assert re.search(rf"\b{word}\b", ACTION["inputs"][name]["description"]), word
    assert ACTION["inputs"][name]["default"] in get_args(words)


def test_networks_and_template_variables_are_named() -> None:
    for network in PLATFORMS:
        assert network in ACTION["inputs"]["platforms"]["description"]
    for variable in message.VARIABLES:
        assert variable in ACTION["inputs"]["content"]["description"]


def test_every_operation_status_and_reason_is_named() -> None:
    from octopost_core.outcome import Operation

    for word in (*get_args(Operation), "skipped", "previewed"):
        assert word in ACTION["outputs"]["operation"]["description"]
    for word in ("published", "partial", report.NOT_SENT, report.UNKNOWN, report.PREVIEWED, "skipped"):
        assert word in ACTION["outputs"]["status"]["description"]
    source = "".join(path.read_text() for path in (ROOT / "github_action").glob("*.py"))
    reasons = set(re.findall(r'Skip\(\s*"([a-z-]+)"', source))
    assert reasons >= {"draft", "prerelease", "edited"}
    for reason in reasons:
        assert reason in ACTION["outputs"]["skipped-reason"]["description"]


def test_the_action_takes_no_arguments_and_names_an_image_the_runner_accepts() -> None:
    runs = ACTION["runs"]
    assert set(runs) == {"using", "image"}
    assert runs["using"] == "docker"
    # On main the Dockerfile, whose folder is the build context; at a release the image by its digest.
    assert runs["image"] == "Dockerfile" or re.fullmatch(
        r"docker://[a-z0-9./-]+(:v[\d.]+)?@sha256:[0-9a-f]{64}", runs["image"]
    )


def test_marketplace_branding() -> None:
    colours = {"white", "black", "yellow", "blue", "green", "orange", "red", "purple", "gray-dark"}
    assert ACTION["branding"]["color"] in colours
    assert ACTION["branding"]["icon"] == "send"
    assert len(ACTION["description"]) <= 125


def test_tables_in_the_documents_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "action_tables.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_tables_are_written_between_their_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Before\n<!-- inputs -->\nstale words\n<!-- /inputs -->\nAfter\n<!-- outputs -->\n<!-- /outputs -->\n"
    )
    script = [sys.executable, ROOT / "scripts" / "action_tables.py"]
    assert subprocess.run([*script, "--check", page], check=False, capture_output=True).returncode == 1
    assert subprocess.run([*script, page], check=False, capture_output=True).returncode == 0
    text = page.read_text()
    assert "stale words" not in text
    assert text.startswith("Before\n<!-- inputs -->\n")
    for name in (*ACTION["inputs"], *ACTION["outputs"]):
        assert text.count(f"| `{name}` |") == 1
    assert subprocess.run([*script, "--check", page], check=False, capture_output=True).returncode == 0
