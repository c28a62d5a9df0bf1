"""What the runner tells about this run: the ``GITHUB_*`` variables and the event file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from octopost_core.errors import InvalidInput

#: Where a container action finds the checkout (documented: "Dockerfile support for GitHub Actions").
CONTAINER_WORKSPACE = "/github/workspace"


@dataclass(frozen=True)
class Context:
    """Hold the run's facts.

    :param event: The event's payload, ``{}`` where the runner names no event file.
    :param action: The step's id within its job (``GITHUB_ACTION``).
    :param attempt: 1 for the first try of a run, more for a re-run.
    :param home: A folder that the steps of a job share.
    """

    event_name: str = ""
    event: dict[str, Any] = field(default_factory=dict, repr=False)
    repository: str = ""
    ref_type: str = ""
    ref_name: str = ""
    server_url: str = "https://github.com"
    api_url: str = "https://api.github.com"
    run_id: str = ""
    attempt: int = 1
    job: str = ""
    action: str = ""
    workspace: Path = Path()
    runner_workspace: str = ""
    home: Path | None = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Context:
        """Read the run's facts.

        :param environ: The step's environment.
        :raises InvalidInput: When the event file cannot be read.
        """
        attempt = environ.get("GITHUB_RUN_ATTEMPT", "")
        return cls(
            event_name=environ.get("GITHUB_EVENT_NAME", ""),
            event=_read_event(environ.get("GITHUB_EVENT_PATH", "")),
            repository=environ.get("GITHUB_REPOSITORY", ""),
            ref_type=environ.get("GITHUB_REF_TYPE", ""),
            ref_name=environ.get("GITHUB_REF_NAME", ""),
            server_url=(environ.get("GITHUB_SERVER_URL") or cls.server_url).rstrip("/"),
            api_url=(environ.get("GITHUB_API_URL") or cls.api_url).rstrip("/"),
            run_id=environ.get("GITHUB_RUN_ID", ""),
            attempt=int(attempt) if attempt.isdecimal() and int(attempt) > 0 else 1,
            job=environ.get("GITHUB_JOB", ""),
            action=environ.get("GITHUB_ACTION", ""),
            workspace=Path(environ.get("GITHUB_WORKSPACE") or ".").absolute(),
            runner_workspace=environ.get("RUNNER_WORKSPACE", "").rstrip("/"),
            home=Path(environ["HOME"]) if environ.get("HOME") else None,
        )

    @property
    def run_url(self) -> str:
        """The page of this run, or empty where the runner does not say."""
        if not (self.repository and self.run_id):
            return ""
        return f"{self.server_url}/{self.repository}/actions/runs/{self.run_id}"

    def read_text(self, name: str, path: str, *, limit: int = 1_000_000) -> str:
        """Return the text of a file of the checkout.

        :param name: The input that names it, for errors.
        :param path: Relative to the workspace, or the runner's own absolute path into it.
        :param limit: Bytes that are too many.
        :raises InvalidInput: When it lies outside, is missing, too large or not UTF-8.
        """
        file = self._inside(name, path)
        try:
            with file.open("rb") as stream:
                data = stream.read(limit + 1)
            text = data.decode("utf-8-sig")
        except FileNotFoundError:
            raise InvalidInput(
                f"{name} names {path!r}, which is not in the workspace.",
                field=name,
                cure="Write its path from the repository's root, and run actions/checkout before this step.",
            ) from None
        except OSError as error:
            raise InvalidInput(
                f"{name} names {path!r}, which cannot be read ({error.strerror}).", field=name, cure="Name a text file."
            ) from None
        except UnicodeDecodeError:
            raise InvalidInput(f"{name} names {path!r}, which is not UTF-8 text.", field=name) from None
        if len(data) > limit:
            raise InvalidInput(f"{name} names {path!r}, which has more than {limit:,} bytes.", field=name)
        return text

    def _inside(self, name: str, path: str) -> Path:
        root = self.workspace.resolve()
        file = (root / self._translate(name, path)).resolve()
        if not file.is_relative_to(root):
            raise InvalidInput(
                f"{name} names {path!r}, which leads out of the workspace.",
                field=name,
                cure="Only files of the checkout are read; symbolic links that leave it are refused.",
            )
        return file

    def _translate(self, name: str, path: str) -> str:
        """Return a path inside the workspace for one that is true on the runner only.

        The runner mounts the checkout at /github/workspace; `${{ github.workspace }}` is the path outside.
        """
        if not PurePosixPath(path).is_absolute():
            return path
        checkout = self.repository.rpartition("/")[2]
        # RUNNER_WORKSPACE is the checkout's parent; a job container sees the same folders under /__w.
        hosts = [self.runner_workspace + "/" + checkout] if self.runner_workspace else []
        hosts += [f"/__w/{checkout}/{checkout}", CONTAINER_WORKSPACE, str(self.workspace)]
        for host in hosts:
            if path == host or path.startswith(host + "/"):
                return path[len(host) :].lstrip("/") or "."
        raise InvalidInput(
            f"{name} names {path!r}, an absolute path that does not exist in the action's container.",
            field=name,
            cure="Write the path from the repository's root, without ${{ github.workspace }}.",
        )


def _read_event(path: str) -> dict[str, Any]:
    if not path:
        return {}
    try:
        event = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
    except ValueError:
        problem = "is not JSON"
    else:
        if isinstance(event, dict):
            return event
        problem = "is not a JSON object"
    raise InvalidInput(
        f"GITHUB_EVENT_PATH names {path!r}, which {problem}.",
        field="GITHUB_EVENT_PATH",
        cure="Let the runner set it, or write an event's payload into that file.",
    )
