"""What no file of this repository may hold, and what its requirement files promise."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Written apart, so that this file holds none of them.
REGISTRIES = [".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("registry", "npmjs"),
                                            ("deb", "debian", "org"), ("security", "debian", "org"))]  # fmt: skip
KEYS = {
    "a live Octopost key": rb"oct_live_[A-Za-z0-9]{16,}",
    "a GitHub token": rb"gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,}",
    "a private key": rb"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "an AWS key": rb"\bAKIA[0-9A-Z]{16}\b",
    "a package registry's token": rb"\bpypi-[A-Za-z0-9_-]{40,}|\bnpm_[A-Za-z0-9]{36}\b",
}
# This checkout's place, and the places of machines that build it; /home/me and the like are examples.
MACHINE_PATH = (
    rb"(?<![\w.{$-])(?:" + re.escape(bytes(ROOT)) + rb"\b"
    rb"|/(?:root(?!/.config/pip)|work/main|work/shared|work/\.library|opt/wheels)/)"
)


def tracked() -> list[Path]:
    """Return every file that git keeps."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [path for name in listed.decode().split("\0") if name and (path := ROOT / name).is_file()]


def found(pattern: bytes) -> list[str]:
    """Return file:line of every match."""
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120].decode('utf-8', 'replace')}"
        for path in tracked()
        for number, line in enumerate(path.read_bytes().split(b"\n"), 1)
        if re.search(pattern, line)
    ]


def test_no_registry_is_named() -> None:
    assert found("|".join(map(re.escape, REGISTRIES)).encode()) == []


@pytest.mark.parametrize("kind", KEYS)
def test_no_key_is_kept(kind: str) -> None:
    assert found(KEYS[kind]) == []


def test_no_machine_is_named() -> None:
    assert found(MACHINE_PATH) == []


REQUIREMENTS = [path for path in tracked() if path.suffix == ".txt" and "requirements" in str(path.relative_to(ROOT))]


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_requirement_is_pinned_with_hashes_and_names_no_index(path: Path) -> None:
    entries = re.sub(r"\\\n\s*", " ", re.sub(r"(?m)^\s*#.*\n?", "", path.read_text())).strip().split("\n")
    assert len(entries) > 0
    shape = re.compile(r"[a-z0-9][a-z0-9._-]*(\[[a-z0-9,-]+\])?==\S+( ; [^@:]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*")
    assert [entry for entry in entries if not shape.fullmatch(entry)] == []


def test_every_requirement_file_has_its_source() -> None:
    assert REQUIREMENTS
    assert [path.name for path in REQUIREMENTS if not path.with_suffix(".in").is_file()] == []


def test_the_image_installs_what_the_wheel_asks_for() -> None:
    """The action's packages are the core's own dependencies, with the same bounds, and Jinja2."""
    project = (ROOT / "pyproject.toml").read_text()
    asked = (ROOT / "github_action/requirements.in").read_text()
    lines = [line for line in asked.split("\n") if line and not line.startswith(("#", "jinja2"))]
    assert lines
    assert [line for line in lines if f'"{line}"' not in project] == []
