"""The images, built and run: the action's as a GitHub runner does, against a sandbox on a real socket.

Slow and in need of Docker or buildah: `make image-test` runs it, `make test` does not.
"""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from octopost_sandbox.process import Sandbox
from tests.action.harness import ROOT, Workflow
from tests.e2e.image import Image

pytestmark = pytest.mark.image

MEBIBYTE = 1024 * 1024
EVENT: dict[str, Any] = json.loads((ROOT / "tests/action/scenarios/generated_notes/event.json").read_text("utf-8"))


@pytest.fixture(scope="session")
def image() -> Image:
    """Build the image once."""
    return Image()


@pytest.fixture
def workflow(tmp_path: Path) -> Workflow:
    """Return a job started by a published release."""
    return Workflow(tmp_path, event=EVENT)


@pytest.fixture
def inputs(octopost_sandbox: Sandbox) -> dict[str, str]:
    """Return what a workflow writes under ``with:`` to announce on two networks."""
    return {
        "api-key": octopost_sandbox.api_key,
        "base-url": octopost_sandbox.base_url,
        "platforms": "mastodon\nbluesky",
        "github-token": "",
    }


def test_a_missing_key_is_told_with_its_cure(image: Image, workflow: Workflow) -> None:
    run = image.announce(workflow, {"platforms": "bluesky", "github-token": ""})
    assert run.code == 2, run.log
    assert any("api-key" in told for told in run.annotations("error")), run.log


def test_a_release_is_announced_once(
    image: Image, workflow: Workflow, inputs: dict[str, str], octopost_sandbox: Sandbox
) -> None:
    first = image.announce(workflow, inputs)
    assert first.code == 0, first.log
    assert first.outputs["status"] == "published"
    assert first.outputs["operation"] == "created"
    assert sorted(post["network"] for post in octopost_sandbox.live()) == ["bluesky", "mastodon"]
    assert first.outputs["url"] in first.summary

    again = image.announce(workflow, inputs, {"GITHUB_RUN_ATTEMPT": "2"})
    assert again.code == 0, again.log
    assert again.outputs["operation"] == "unchanged"
    assert again.outputs["urls"] == first.outputs["urls"]
    assert len(octopost_sandbox.live()) == 2
    assert octopost_sandbox.api_key not in again.log.replace(f"::add-mask::{octopost_sandbox.api_key}", "")


def test_a_failed_network_is_annotated(
    image: Image, workflow: Workflow, inputs: dict[str, str], octopost_sandbox: Sandbox
) -> None:
    octopost_sandbox.fail_network("mastodon", "The instance is in maintenance.")
    run = image.announce(workflow, inputs)
    assert run.code == 3, run.log
    assert run.outputs["failed-platforms"] == "mastodon"
    assert any("The instance is in maintenance" in told for told in run.annotations("error")), run.log
    assert [post["network"] for post in octopost_sandbox.live()] == ["bluesky"]


def test_nothing_is_imported_from_the_checkout(image: Image, workflow: Workflow, inputs: dict[str, str]) -> None:
    trap = "import pathlib\npathlib.Path('/github/workspace/trapped').touch()\nraise SystemExit('from the checkout')\n"
    for module in ("requests", "github_action", "octopost_core", "sitecustomize", "usercustomize", "json", "runpy"):
        (workflow.workspace / module).mkdir()
        (workflow.workspace / module / "__init__.py").write_text(trap)
    home = workflow.folder / "home/.local/lib/python3.11/site-packages"
    home.mkdir(parents=True)
    (home / "usercustomize.py").write_text(trap)
    job = {"PYTHONPATH": "/github/workspace", "PYTHONSTARTUP": "/github/workspace/json/__init__.py", "PYTHONHOME": "/"}
    run = image.announce(workflow, inputs, job)
    assert run.code == 0, run.log
    assert not (workflow.workspace / "trapped").exists()


def test_the_runner_decides_user_and_folder(image: Image) -> None:
    config = image.config()
    assert config.get("User", "") in ("", "root", "0")
    assert config.get("WorkingDir", "") in ("", "/")
    entrypoint = config["Entrypoint"]
    assert isinstance(entrypoint, list)
    assert entrypoint[0].startswith("/")
    assert entrypoint[-2:] == ["-m", "github_action"]


def test_the_image_holds_what_the_list_names_and_no_more(image: Image) -> None:
    listed = image.shell(
        "/opt/octopost/bin/python -I -c "
        '\'import importlib.metadata as m; print(*(d.metadata["Name"] for d in m.distributions()), sep="\\n")\''
    )
    found = {re.sub(r"[-_.]+", "-", name).lower() for name in listed.split()}
    wanted = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "github_action/requirements.txt").read_text(), re.MULTILINE))
    assert found == wanted
    assert image.shell("ls /opt/octopost/app").split() == ["github_action", "octopost_core"]


def test_the_image_keeps_nothing_of_the_machine_that_built_it(image: Image) -> None:
    assert image.shell("cat /etc/pip.conf /root/.config/pip/pip.conf 2>/dev/null || true") == ""
    assert image.shell("find /root /github /tmp -type f -size +0 ! -name '.*' 2>/dev/null || true") == ""


def test_the_action_adds_little_to_its_base(image: Image) -> None:
    kibibytes = int(image.shell("du -sk --apparent-size /opt/octopost").split()[0])
    assert kibibytes * 1024 <= 25 * MEBIBYTE


def test_the_sandbox_s_image_starts_and_serves() -> None:
    sandbox = Image("octopost-sandbox:test", "shared/octopost_sandbox/Dockerfile")
    assert sandbox.config()["User"] == "65534"
    entrypoint = shlex.join(map(str, sandbox.config()["Entrypoint"]))  # type: ignore[call-overload]
    client = (
        'import json, urllib.request as u; f = json.load(open("/tmp/ready.json")); '
        'r = u.Request(f["base_url"] + "/posts", headers={"Authorization": "Bearer " + f["key"]}); '
        "print(u.urlopen(r).read().decode())"
    )
    # On a port of its own, for containers share the host's network here; it ends by itself, whatever happens.
    log = sandbox.shell(
        f"timeout 20 {entrypoint} --port 0 --ready-file /tmp/ready.json & server=$!; "
        "until [ -e /tmp/ready.json ]; do kill -0 $server; sleep 0.1; done; "
        f"/opt/octopost/bin/python -I -c {shlex.quote(client)}; kill $server; wait $server || true"
    )
    assert "base_url: http://127.0.0.1:" in log
    assert json.loads(log.strip().splitlines()[-1])["posts"] == []
