"""Run the action as its image does, in the small environment that the image holds, and time it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.measure import ACTION_PYTHON, ROOT, SUBJECTS, BenchFailed, environ, run, time_command
from octopost_sandbox.process import Sandbox, SandboxProcess
from tests.action.harness import Workflow

# The flags of the image's entry point.
FLAGS = ("-I", "-u", "-X", "utf8")
ACTION = [ACTION_PYTHON, *FLAGS, "-m", "github_action"]
BARE = [ACTION_PYTHON, *FLAGS, SUBJECTS / "bare_announce.py"]
NETWORKS = "twitter, bluesky, mastodon, linkedin"


@dataclass
class Announcing:
    """A release, a local Octopost, and the environment a runner makes."""

    sandbox: Sandbox
    workflow: Workflow

    def time(self, command: list[str | Path], **inputs: str) -> float:
        """Announce the release, which nobody has announced yet; return the seconds from start to exit."""
        self.sandbox.reset()
        given = {"api-key": self.sandbox.api_key, "base-url": self.sandbox.base_url, "platforms": NETWORKS, **inputs}
        took = time_command(command, environ(**self.workflow.environ(given)))
        live = len(self.sandbox.live())
        wanted = 0 if inputs.get("dry-run") else 4
        if live != wanted:
            raise BenchFailed(f"{command[-1]} left {live} posts live, not {wanted}")
        return took

    def calls(self) -> list[str]:
        """Return the calls of the last announcement."""
        return [str(call["operation"]) for call in self.sandbox.calls()]


@contextmanager
def announcing(precision: str) -> Iterator[Announcing]:
    """Start a sandbox whose times have the given precision."""
    install_action()
    event = json.loads((ROOT / "tests/action/scenarios/release_published/event.json").read_text(encoding="utf-8"))
    options = ("--tier", "unlimited", "--dialect", f"time_precision={precision}")
    with SandboxProcess(*options) as sandbox, tempfile.TemporaryDirectory(prefix="octopost-bench-") as folder:
        yield Announcing(sandbox, Workflow(Path(folder), "release", event))


def install_action() -> None:
    """Put the action's code on the environment's path, as the image's .pth file does."""
    purelib = run([ACTION_PYTHON, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip()
    Path(purelib, "octopost.pth").write_text(f"{ROOT}\n{ROOT / 'shared'}\n")
