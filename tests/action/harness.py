"""Run the action as a GitHub runner runs it: a child process with a runner's environment and nothing else.

Used by the action's tests, the demo and the image test. The environment is the one that the runner's
``ContainerActionHandler`` makes: every input of action.yml with its default, dashes kept, and the GITHUB_* variables.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]


def action_inputs() -> dict[str, str]:
    """Return every input of action.yml with its default, as the runner fills it in."""
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    defaults = {name: str(item.get("default", "")) for name, item in action["inputs"].items()}
    defaults["github-token"] = "ghs_sample_token_of_this_job"
    return defaults


@dataclass
class Run:
    """One run of the action: its folder, environment, and how it ended."""

    folder: Path
    environ: dict[str, str]
    code: int | None = None
    log: str = ""

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs as the runner reads them; the last value of a name counts."""
        return read_outputs(Path(self.environ["GITHUB_OUTPUT"]))

    @property
    def results(self) -> dict[str, dict[str, Any]]:
        """The output ``results`` by network."""
        return {row["network"]: row for row in json.loads(self.outputs["results"])}

    @property
    def summary(self) -> str:
        """The job summary."""
        path = Path(self.environ["GITHUB_STEP_SUMMARY"])
        return path.read_text(encoding="utf-8") if path.exists() else ""

    @property
    def commands(self) -> list[tuple[str, dict[str, str], str]]:
        """The workflow commands in the log as the runner takes them: name, properties, value."""
        return read_commands(self.log)

    def annotations(self, level: str) -> list[str]:
        """Return ``title: message`` of every annotation of a level."""
        return [f"{p.get('title', '')}: {value}" for name, p, value in self.commands if name == level]


@dataclass
class Workflow:
    """A job's place on a runner: workspace, event, run id; each :meth:`run` is one attempt.

    :param folder: An empty folder that stands for the runner's work folder.
    :param event_name: The event.
    :param event: Its payload.
    :param settings: GITHUB_* variables that differ from an ordinary run's, without the prefix.
    """

    folder: Path
    event_name: str = "release"
    event: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    attempts: int = 0

    @property
    def workspace(self) -> Path:
        """The checkout."""
        path = self.folder / "workspace"
        path.mkdir(parents=True, exist_ok=True)
        return path

    def environ(self, inputs: Mapping[str, str], *, attempt: int = 1) -> dict[str, str]:
        """Return the environment of one attempt, and make the files that it names.

        :param inputs: What the workflow writes under ``with:``.
        :param attempt: ``GITHUB_RUN_ATTEMPT``.
        """
        self.attempts += 1
        folder = self.folder / f"step-{self.attempts}"
        home = self.folder / "home"
        for path in (folder, home, self.workspace):
            path.mkdir(parents=True, exist_ok=True)
        event = folder / "event.json"
        event.write_text(json.dumps(self.event, ensure_ascii=False), encoding="utf-8")
        for name in ("output", "summary"):
            (folder / name).touch()
        repository = str((self.event.get("repository") or {}).get("full_name") or "orbit-labs/comet")
        tag = str((self.event.get("release") or {}).get("tag_name") or "")
        ref = str(self.event.get("ref") or (f"refs/tags/{tag}" if tag else "refs/heads/main"))
        facts = {
            "ACTION": "octopost_publish-action",
            "ACTIONS": "true",
            "ACTOR": "ada",
            "API_URL": "https://api.github.com",
            "EVENT_NAME": self.event_name,
            "EVENT_PATH": str(event),
            "GRAPHQL_URL": "https://api.github.com/graphql",
            "JOB": "announce",
            "OUTPUT": str(folder / "output"),
            "REF": ref,
            "REF_NAME": ref.split("/", 2)[-1],
            "REF_TYPE": "tag" if ref.startswith("refs/tags/") else "branch",
            "REPOSITORY": repository,
            "REPOSITORY_OWNER": repository.split("/", maxsplit=1)[0],
            "RUN_ATTEMPT": str(attempt),
            "RUN_ID": "9001",
            "RUN_NUMBER": "12",
            "SERVER_URL": "https://github.com",
            "SHA": "5f3c2a1b" * 5,
            "STEP_SUMMARY": str(folder / "summary"),
            "WORKFLOW": "Announce",
            "WORKSPACE": str(self.workspace),
            **self.settings,
        }
        given = {**action_inputs(), **inputs}
        return {
            "CI": "true",
            "HOME": str(home),
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "RUNNER_OS": "Linux",
            "RUNNER_ARCH": "X64",
            "RUNNER_NAME": "GitHub Actions 7",
            "RUNNER_TEMP": "/home/runner/work/_temp",
            "RUNNER_WORKSPACE": f"/home/runner/work/{repository.rpartition('/')[2]}",
            **{f"INPUT_{name.upper()}": str(value) for name, value in given.items()},
            **{f"GITHUB_{name}": value for name, value in facts.items()},
        }

    def run(self, inputs: Mapping[str, str], *, attempt: int = 1, extra: Mapping[str, str] | None = None) -> Run:
        """Run the action to its end.

        :param inputs: What the workflow writes under ``with:``.
        :param attempt: ``GITHUB_RUN_ATTEMPT``.
        :param extra: Environment variables to set last; an empty name's value removes nothing.
        """
        environ = {**self.environ(inputs, attempt=attempt), **(extra or {})}
        run = Run(self.folder, environ)
        done = subprocess.run(
            command(), env=child_environ(environ), cwd=self.workspace, capture_output=True, timeout=300, check=False
        )
        run.code = done.returncode
        run.log = (done.stdout + done.stderr).decode("utf-8", "replace")
        return run

    def start(self, inputs: Mapping[str, str], *, attempt: int = 1) -> tuple[Run, subprocess.Popen[bytes]]:
        """Start the action and return at once, for tests that stop it."""
        environ = self.environ(inputs, attempt=attempt)
        process = subprocess.Popen(
            command(),
            env=child_environ(environ),
            cwd=self.workspace,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        return Run(self.folder, environ), process


def command() -> list[str]:
    """Return the image's entry point: -P keeps the user's checkout off the import path."""
    return [sys.executable, "-P", "-m", "github_action"]


def child_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with what only this machine needs: where the code lies, and its certificates."""
    kept = {name: os.environ[name] for name in ("COVERAGE_PROCESS_START", "REQUESTS_CA_BUNDLE") if name in os.environ}
    path = [str(ROOT), str(ROOT / "shared"), *filter(None, [os.environ.get("ACTION_TEST_PATH")])]
    return {**environ, **kept, "PYTHONPATH": os.pathsep.join(path)}


def stop(process: subprocess.Popen[bytes], run: Run, number: int = signal.SIGTERM) -> Run:
    """Send a signal, as the runner does when a job is cancelled, and wait for the end."""
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    run.code, run.log = process.returncode, output.decode("utf-8", "replace")
    return run


def read_outputs(path: Path) -> dict[str, str]:
    """Read an output file as the runner's FileCommandManager does."""
    found: dict[str, str] = {}
    lines = path.read_bytes().decode("utf-8").split("\n")  # the runner splits at nothing else
    index = 0
    while index < len(lines):
        line = lines[index]
        index += 1
        if not line:
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if heredoc >= 0 and (equals < 0 or heredoc < equals):
            name, delimiter = line.split("<<", 1)
            end = lines.index(delimiter, index)
            found[name] = "\n".join(lines[index:end])
            index = end + 1
        else:
            assert equals > 0, f"the runner would refuse the line {line!r}"
            name, value = line.split("=", 1)
            found[name] = value
    return found


_KNOWN = ("add-mask", "debug", "notice", "warning", "error", "group", "endgroup", "stop-commands", "set-output",
          "set-env", "add-path", "save-state", "add-matcher", "remove-matcher", "echo")  # fmt: skip


def read_commands(log: str) -> list[tuple[str, dict[str, str], str]]:
    """Read workflow commands as the runner's ActionCommandManager does, stop-commands included."""
    found: list[tuple[str, dict[str, str], str]] = []
    token = ""
    for line in log.splitlines():
        match = re.match(r"\s*::([^\s:]+)(?: ([^:]*(?::(?!:)[^:]*)*))?::(.*)$", line)
        old = re.search(r"##\[([^\s\]]+)(?: ([^\]]*))?\](.*)$", line)
        name, properties, value = match.groups() if match else old.groups() if old else ("", "", "")
        if token:
            if name == token:
                token = ""
        elif name == "stop-commands":
            token = value
        elif name in _KNOWN:
            pairs = (pair.split("=", 1) for pair in (properties or "").split(",") if "=" in pair)
            found.append((name, {key.strip(): _unescape(text) for key, text in pairs}, _unescape(value)))
    return found


def _unescape(text: str) -> str:
    for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, character)
    return text
