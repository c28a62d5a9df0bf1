"""The steps of a release that are more than one command. The release workflow calls them; they need Python alone."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ACTION = "action.yml"
BUILT_HERE = "  image: Dockerfile\n"
PINNED = re.compile(r"[a-z0-9./-]+:\d+\.\d+\.\d+@sha256:[0-9a-f]{64}")


def check(version: str, root: Path = ROOT) -> None:
    """Refuse a version that the tree does not have, that has no changelog, or that is tagged already."""
    found = re.search(r'__version__ = "(.+)"', (root / "shared/octopost_core/version.py").read_text("utf-8"))
    if not found or found[1] != version:
        raise SystemExit(f"version.py says {found and found[1]}, not {version}: change one of them.")
    notes(version, root)
    if subprocess.run(["git", "ls-remote", "--exit-code", "origin", f"refs/tags/v{version}"], cwd=root).returncode == 0:
        raise SystemExit(f"The tag v{version} exists: a released version is never changed, so raise the version.")


def notes(version: str, root: Path = ROOT) -> str:
    """Return the changelog's section of a version."""
    text = (root / "CHANGELOG.md").read_text("utf-8")
    found = re.search(rf"^## \[?{re.escape(version)}\]?[^\n]*\n(.*?)(?=^## |^\[[^\]]+\]: |\Z)", text, re.M | re.S)
    if not found or not found[1].strip():
        raise SystemExit(f"CHANGELOG.md has no section `## {version}` with text: write what changes for users.")
    return found[1].strip() + "\n"


def pin(image: str, root: Path = ROOT) -> None:
    """Make action.yml name an image by its digest in place of the Dockerfile."""
    if not PINNED.fullmatch(image):
        raise SystemExit(f"{image!r} is not name:version@sha256:digest.")
    text = (root / ACTION).read_text("utf-8")
    if text.count(BUILT_HERE) != 1:
        raise SystemExit(f"{ACTION} has no line `{BUILT_HERE.strip()}`: is this a release's commit already?")
    (root / ACTION).write_text(text.replace(BUILT_HERE, f"  image: docker://{image}\n"), "utf-8")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["check", version]:
            check(version)
        case ["notes", version]:
            print(notes(version), end="")
        case ["pin", image]:
            pin(image)
        case _:
            raise SystemExit("usage: release.py check VERSION | notes VERSION | pin NAME:VERSION@sha256:DIGEST")
