"""The steps of a release, tried on a copy."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DIGEST = "sha256:" + "a1" * 32
IMAGE = f"ghcr.io/octopost/publish-action:1.2.3@{DIGEST}"


@pytest.fixture(scope="module")
def release() -> ModuleType:
    """Return scripts/release.py as a module."""
    spec = importlib.util.spec_from_file_location("release", ROOT / "scripts/release.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a folder with what a release reads, version 1.2.3, and an origin without tags."""
    shutil.copy(ROOT / "action.yml", tmp_path)
    (tmp_path / "shared/octopost_core").mkdir(parents=True)
    (tmp_path / "shared/octopost_core/version.py").write_text('__version__ = "1.2.3"\n')
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changelog\n\n## [1.2.3] - 2030-01-01\n\n- Newest\n\n### Fixed\n\n- Two\n\n## [1.2.2]\n\n- Older\n"
    )
    subprocess.run(["git", "init", "--quiet", "--bare", tmp_path / "origin.git"], check=True)
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    subprocess.run(["git", "remote", "add", "origin", tmp_path / "origin.git"], cwd=tmp_path, check=True)
    return tmp_path


def test_pinning_changes_the_image_and_nothing_else(release: ModuleType, tree: Path) -> None:
    before = yaml.safe_load((tree / "action.yml").read_text())
    release.pin(IMAGE, tree)
    after = yaml.safe_load((tree / "action.yml").read_text())
    assert after["runs"] == {"using": "docker", "image": f"docker://{IMAGE}"}
    assert {**after, "runs": None} == {**before, "runs": None}
    with pytest.raises(SystemExit, match="already"):
        release.pin(IMAGE, tree)


@pytest.mark.parametrize("image", ["ghcr.io/a/b:1.2.3", f"ghcr.io/a/b@{DIGEST}", IMAGE + "\n  env: {}", ""])
def test_only_a_digest_is_pinned(release: ModuleType, tree: Path, image: str) -> None:
    with pytest.raises(SystemExit, match="not name:version@sha256:digest"):
        release.pin(image, tree)


def test_the_notes_are_the_section_of_the_version(release: ModuleType, tree: Path) -> None:
    assert release.notes("1.2.3", tree) == "- Newest\n\n### Fixed\n\n- Two\n"
    assert release.notes("1.2.2", tree) == "- Older\n"


def test_a_version_is_released_once_and_only_with_notes(release: ModuleType, tree: Path) -> None:
    release.check("1.2.3", tree)
    with pytest.raises(SystemExit, match=r"1\.2\.3, not 1\.2\.4"):
        release.check("1.2.4", tree)
    (tree / "CHANGELOG.md").write_text("# Changelog\n")
    with pytest.raises(SystemExit, match="no section"):
        release.check("1.2.3", tree)


def test_a_tagged_version_is_refused(release: ModuleType, tree: Path) -> None:
    commit = [
        "git",
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@b.example",
        "commit",
        "--quiet",
        "--allow-empty",
        "-m",
        "x",
    ]
    subprocess.run(commit, cwd=tree, check=True)
    subprocess.run(["git", "push", "--quiet", "origin", "HEAD:refs/tags/v1.2.3"], cwd=tree, check=True)
    with pytest.raises(SystemExit, match=r"v1\.2\.3 exists"):
        release.check("1.2.3", tree)


def test_main_builds_from_its_own_source() -> None:
    assert yaml.safe_load((ROOT / "action.yml").read_text())["runs"] == {"using": "docker", "image": "Dockerfile"}
