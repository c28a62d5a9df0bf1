"""Build wheel and sdist into dist/, check both, and try the wheel beside the oldest and the newest Airflow."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv/bin"
TOOLS = ROOT / ".venvs/tools/bin"
# Airflow and the requirement file whose versions the clean environment is held to.
AIRFLOWS = {"2.11.2": "requirements/airflow-2.11.2.txt", "3.3.2": "requirements/dev.txt"}


def run(*command: str | Path, cwd: Path = ROOT) -> None:
    """Run a command; its failure is ours."""
    print("package:", *[str(part).removeprefix(f"{ROOT}/") for part in command], flush=True)
    done = subprocess.run(command, cwd=cwd, check=False)
    if done.returncode:
        raise SystemExit(f"package: failed with exit code {done.returncode}, see above")


def build() -> Path:
    """Build both forms with the pinned back end; the wheel from the sdist, so that the sdist is complete."""
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    shutil.rmtree(ROOT / "build", ignore_errors=True)
    run(BIN / "python", "-m", "hatchling", "build", "--target", "sdist", "--directory", "dist")
    (sdist,) = (ROOT / "dist").glob("*.tar.gz")
    shutil.unpack_archive(sdist, ROOT / "build", filter="data")
    unpacked = ROOT / "build" / sdist.name.removesuffix(".tar.gz")
    run(BIN / "python", "-m", "hatchling", "build", "--target", "wheel", "--directory", ROOT / "dist", cwd=unpacked)
    (wheel,) = (ROOT / "dist").glob("*.whl")
    return wheel


def try_out(wheel: Path, airflow: str, constraints: str) -> None:
    """Install the wheel and nothing else of ours into a new environment, as a user would, and use it."""
    place = ROOT / "build" / f"airflow-{airflow}"
    python = place / "bin/python"
    asked = subprocess.run([BIN / "python", "scripts/environments.py", "--python-for", f"airflow-{airflow}"],
                           cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()  # fmt: skip
    run(BIN / "uv", "venv", "--quiet", "--python", asked, place)
    run(BIN / "uv", "pip", "install", "--quiet", "--compile-bytecode", "--python", python,
        "--constraint", constraints, f"apache-airflow=={airflow}", f"{wheel}[sandbox]")  # fmt: skip
    run(BIN / "uv", "pip", "check", "--python", python)
    run(python, "-I", ROOT / "scripts/smoke.py", cwd=place)


def main() -> None:
    """Do it all."""
    wheel = build()
    run(TOOLS / "twine", "check", "--strict", *sorted((ROOT / "dist").iterdir()))
    run(TOOLS / "check-wheel-contents", wheel)
    for airflow, constraints in AIRFLOWS.items():
        try_out(wheel, airflow, constraints)


if __name__ == "__main__":
    os.environ.pop("VIRTUAL_ENV", None)
    main()
