"""Build images and run them: with Docker, or with buildah where no engine answers; the action's as a runner does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tests.action.harness import ROOT, Run, Workflow

CACHE = ROOT / ".cache/image"


class ImageError(RuntimeError):
    """The image could not be built, or no tool that builds images is here."""


class Engine(Protocol):
    """What builds and runs one image."""

    def __init__(self, tag: str) -> None: ...

    def build(self, dockerfile: str) -> None:
        """Build the image from this checkout."""

    def run(
        self,
        mounts: Mapping[str, Path],
        environ: Mapping[str, str],
        workdir: str,
        entrypoint: Sequence[str],
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a container on the host's network; an empty entry point means the image's own."""

    def config(self) -> dict[str, object]:
        """Return the image's configuration: User, WorkingDir, Entrypoint."""


def find_engine(tag: str) -> Engine:
    """Return Docker where its engine answers, else buildah; raise ImageError where neither works."""
    if (
        shutil.which("docker")
        and not subprocess.run(["docker", "version"], capture_output=True, check=False).returncode
    ):
        return Docker(tag)
    if os.geteuid() == 0 and shutil.which("buildah") and shutil.which("mmdebstrap"):
        return Buildah(tag)
    raise ImageError(
        "No tool to build images: install Docker, or on Debian as root: apt-get install buildah mmdebstrap."
    )


def call(*command: str | Path, environ: Mapping[str, str] | None = None) -> str:
    """Run a command and return what it printed; raise ImageError with its words when it fails."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, env={**os.environ, **(environ or {})})
    if done.returncode:
        said = (done.stdout + done.stderr).decode("utf-8", "replace")[-4000:]
        raise ImageError(f"{' '.join(map(str, command))} failed with exit code {done.returncode}:\n{said}")
    return done.stdout.decode()


class Docker:
    """An engine that listens."""

    def __init__(self, tag: str) -> None:
        self.tag = tag

    def build(self, dockerfile: str) -> None:
        call("docker", "build", "--file", dockerfile, "--tag", self.tag, ".")

    def run(
        self,
        mounts: Mapping[str, Path],
        environ: Mapping[str, str],
        workdir: str,
        entrypoint: Sequence[str],
    ) -> subprocess.CompletedProcess[bytes]:
        options = [f"--volume={host}:{inside}" for inside, host in mounts.items()]
        options += [part for name in environ for part in ("--env", name)]
        options += [f"--entrypoint={entrypoint[0]}"] if entrypoint else []
        command = [
            "docker",
            "run",
            "--rm",
            "--network=host",
            f"--workdir={workdir}",
            *options,
            self.tag,
            *entrypoint[1:],
        ]
        return subprocess.run(command, env={**os.environ, **environ}, capture_output=True, timeout=300, check=False)

    def config(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(call("docker", "inspect", "--format={{json .Config}}", self.tag))
        return found


class Buildah:
    """No engine: containers are folders with a changed root, on a Debian base made here once."""

    environ = {"STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}  # noqa: RUF012
    base = "localhost/debian-python:bookworm"

    def __init__(self, tag: str) -> None:
        self.tag = tag

    def _buildah(self, *arguments: str | Path) -> str:
        return call("buildah", *self._storage(), *arguments, environ=self.environ).strip()

    def _storage(self) -> list[str]:
        return ["--root", str(CACHE / "storage"), "--runroot", str(CACHE / "run")]

    def _make_base(self) -> None:
        if self.base in self._buildah("images", "--format={{.Name}}:{{.Tag}}"):
            return
        archive = CACHE / "bookworm.tar"
        if not archive.exists():
            packages = "python3,python3-pip,python3-venv,ca-certificates"
            part = archive.with_suffix(".part")
            command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}", "--format=tar"]
            call(*command, "bookworm", part)
            part.rename(archive)
        container = self._buildah("from", "scratch")
        self._buildah("add", container, archive, "/")
        self._buildah("commit", "--rm", container, self.base)

    def build(self, dockerfile: str) -> None:
        CACHE.mkdir(parents=True, exist_ok=True)
        self._make_base()
        mounts = [f"--volume={file}:{inside}:ro" for file, inside in host_files()]
        self._buildah(
            "build",
            *mounts,
            f"--build-arg=BASE={self.base}",
            "--pull=never",
            "--file",
            dockerfile,
            "--tag",
            self.tag,
            ".",
        )
        self._buildah("rmi", "--prune")  # the build before this one: whole copies, without layers

    def run(
        self,
        mounts: Mapping[str, Path],
        environ: Mapping[str, str],
        workdir: str,
        entrypoint: Sequence[str],
    ) -> subprocess.CompletedProcess[bytes]:
        container = self._buildah("from", "--pull=never", self.tag)
        try:
            options = [f"--volume={host}:{inside}" for inside, host in mounts.items()]
            options += [f"--env={name}={value}" for name, value in environ.items()]
            told = list(entrypoint) or [str(part) for part in self.config()["Entrypoint"]]  # type: ignore[attr-defined]
            command = ["buildah", *self._storage(), "run", f"--workingdir={workdir}", *options, container, "--", *told]
            return subprocess.run(
                command, env={**os.environ, **self.environ}, capture_output=True, timeout=300, check=False
            )
        finally:
            self._buildah("rm", container)

    def config(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self._buildah("inspect", "--type=image", self.tag))["OCIv1"]["config"]
        return found


def host_files() -> list[tuple[Path, str]]:
    """Return this machine's certificates and pip settings, and where the build sees them; no layer keeps them."""
    bundle = os.environ.get("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")
    places = [(bundle, "/etc/ssl/certs/ca-certificates.crt"), ("/etc/pip.conf", "/etc/pip.conf")]
    places += [("~/.config/pip/pip.conf", "/root/.config/pip/pip.conf")]
    return [(path, inside) for file, inside in places if (path := Path(file).expanduser()).is_file()]


class Image:
    """An image, built in the constructor; the action's unless told otherwise."""

    def __init__(self, tag: str = "octopost-action:test", dockerfile: str = "Dockerfile") -> None:
        self.engine = find_engine(tag)
        self.engine.build(dockerfile)

    def config(self) -> dict[str, object]:
        """Return the image's configuration."""
        return self.engine.config()

    def shell(self, script: str) -> str:
        """Return what a shell script prints inside; raise ImageError when it fails."""
        done = self.engine.run({}, {}, "/", ["/bin/sh", "-euc", script])
        if done.returncode:
            raise ImageError((done.stdout + done.stderr).decode("utf-8", "replace"))
        return done.stdout.decode()

    def announce(self, workflow: Workflow, inputs: Mapping[str, str], extra: Mapping[str, str] | None = None) -> Run:
        """Run the action in a container with the runner's mounts, and with its paths as the container sees them."""
        environ = {**workflow.environ(inputs), **(extra or {})}
        event, output = Path(environ["GITHUB_EVENT_PATH"]), Path(environ["GITHUB_OUTPUT"])
        mounts = {
            "/github/home": workflow.folder / "home",
            "/github/workflow": event.parent,
            "/github/file_commands": output.parent,
            "/github/workspace": workflow.workspace,
        }
        inside = {
            "HOME": "/github/home",
            "GITHUB_EVENT_PATH": f"/github/workflow/{event.name}",
            "GITHUB_OUTPUT": f"/github/file_commands/{output.name}",
            "GITHUB_STEP_SUMMARY": f"/github/file_commands/{Path(environ['GITHUB_STEP_SUMMARY']).name}",
            "GITHUB_WORKSPACE": "/github/workspace",
        }
        variables = {name: value for name, value in {**environ, **inside}.items() if name != "PATH"}
        done = self.engine.run(mounts, variables, "/github/workspace", [])
        return Run(workflow.folder, environ, done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace"))
