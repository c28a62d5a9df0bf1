"""Write every requirement file again from its .in file: exact versions with hashes, and no index address."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# An old Airflow does not work with libraries published long after it: its file is resolved as of this day.
AS_OF = {"airflow-2.11.2": "2026-03-20", "airflow-3.1.8": "2026-03-20"}


def lock(source: Path, upgrade: bool) -> None:
    """Resolve one .in file for every platform and Python 3.11 or newer into the .txt file beside it."""
    name = source.relative_to(ROOT)
    command = [ROOT / ".venv/bin/uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
    command += ["--generate-hashes", "--no-emit-index-url", "--no-header", name, "-o", name.with_suffix(".txt")]
    command += ["--exclude-newer", AS_OF[source.stem]] if source.stem in AS_OF else []
    command += ["--upgrade"] if upgrade else []
    print(f"lock: {name.with_suffix('.txt')}", flush=True)
    subprocess.run(command, cwd=ROOT, check=True)


if __name__ == "__main__":
    images = [ROOT / "github_action/requirements.in", ROOT / "shared/octopost_sandbox/requirements.in"]
    for source in sorted([*ROOT.glob("requirements/*.in"), *images]):
        lock(source, upgrade="--upgrade" in sys.argv[1:])
