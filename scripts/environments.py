"""Set up the named virtual environments, doing only what is missing: dev, tools, docs, airflow-2.11.2, airflow-3.1.8,
bench, bench-action, distributed.

With --python-for NAME: print the interpreter that the environment takes.

An environment is up to date when its stamp holds the hash of all that decides its content: the requirement file, the
interpreter and this folder's place. Runs with the standard library of any Python >= 3.11.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEV = ROOT / ".venv"
UV = DEV / "bin/uv"
# The newest Python minor version on which an environment's packages install.
NEWEST_PYTHON = {"airflow-2.11.2": 12, "airflow-3.1.8": 13}
# Environments that hold this project itself, as an editable install.
WITH_PROJECT = ("dev", "airflow-2.11.2", "airflow-3.1.8", "bench", "distributed")
# Requirement files that lie elsewhere than requirements/<name>.txt.
REQUIREMENTS = {"bench-action": "github_action/requirements.txt"}


def say(text: str) -> None:
    """Print one line of progress."""
    print(f"[setup] {text}", flush=True)


def run(*command: str | Path) -> None:
    """Run a command in the repository; its failure ends the set-up, its own words being the explanation."""
    done = subprocess.run(command, cwd=ROOT, check=False)
    if done.returncode:
        raise SystemExit(f"[setup] failed: {' '.join(map(str, command))} (exit {done.returncode}, see above)")


def find_python(newest: int) -> str:
    """Return the path of an interpreter no newer than 3.`newest`: the running one where it fits.

    With none, end with the reason.
    """
    if sys.version_info[:2] <= (3, newest):
        return sys.executable
    found = subprocess.run([ROOT / "scripts/find-python", str(newest)], capture_output=True, text=True, check=False)
    if found.returncode:
        raise SystemExit(f"[setup] {found.stderr.strip()}")
    return found.stdout.strip()


def digest(*parts: str | Path) -> str:
    """Hash texts and the contents of files."""
    total = hashlib.sha256()
    for part in parts:
        total.update(part.read_bytes() if isinstance(part, Path) else part.encode())
        total.update(b"\0")
    return total.hexdigest()


def bootstrap(folder: Path, python: str) -> None:
    """Make .venv and put the pinned installer in it."""
    run(python, "-m", "venv", "--clear", folder)
    run(folder / "bin/python", "-m", "pip", "install", "--quiet", "--require-hashes", "-r", "requirements/uv.txt")


def set_up(name: str, python: str) -> None:
    """Bring one environment up to date."""
    folder = DEV if name == "dev" else ROOT / ".venvs" / name
    requirements = ROOT / REQUIREMENTS.get(name, f"requirements/{name}.txt")
    version = subprocess.run([python, "-VV"], capture_output=True, text=True, check=True).stdout
    base = digest(os.path.realpath(python), version, str(ROOT), ROOT / "requirements/uv.txt" if name == "dev" else "")
    wanted = {"base": base, "packages": digest(base, requirements)}
    if name in WITH_PROJECT:
        wanted["project"] = digest(
            wanted["packages"], ROOT / "pyproject.toml", ROOT / "shared/octopost_core/version.py"
        )

    def stale(step: str) -> bool:
        stamp = folder / f".{step}.stamp"
        return step in wanted and not (stamp.is_file() and stamp.read_text() == wanted[step])

    def done(step: str) -> None:
        (folder / f".{step}.stamp").write_text(wanted[step])

    started = time.monotonic()
    if stale("base"):
        say(f"{folder.relative_to(ROOT)}: new, with {python}")
        if name == "dev":
            bootstrap(folder, python)
        else:
            run(UV, "venv", "--quiet", "--clear", "--python", python, folder)
        done("base")
    install = (UV, "pip", "install", "--quiet", "--compile-bytecode", "--python", folder / "bin/python")
    if stale("packages"):
        say(f"{folder.relative_to(ROOT)}: packages of {requirements.relative_to(ROOT)}")
        run(*install, "--require-hashes", "-r", requirements)
        done("packages")
    if stale("project"):
        say(f"{folder.relative_to(ROOT)}: this project, editable")
        run(*install, "--no-deps", "--no-build-isolation", "--reinstall", "-e", ".")
        done("project")
        say(f"{folder.relative_to(ROOT)}: ready after {time.monotonic() - started:.0f} s")


def main(names: list[str]) -> None:
    """Set up each environment in turn; two runs at once wait for one another."""
    os.environ.pop("VIRTUAL_ENV", None)
    (ROOT / ".venvs").mkdir(exist_ok=True)
    with (ROOT / ".venvs/.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in dict.fromkeys(["dev", *names]):
            set_up(name, find_python(NEWEST_PYTHON.get(name, 99)))


if __name__ == "__main__":
    if sys.argv[1] == "--python-for":
        print(find_python(NEWEST_PYTHON.get(sys.argv[2], 99)))
    else:
        main(sys.argv[1:])
