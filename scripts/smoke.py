"""Try the installed package as a user's first minutes would; run by scripts/package.py in a clean environment."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib.metadata import distribution, version
from pathlib import Path

BIN = Path(sys.executable).parent
DISTRIBUTION = "airflow-provider-octopost"


def run(*command: str | Path) -> str:
    """Run a command of the environment; end with its words when it fails."""
    done = subprocess.run([BIN / command[0], *command[1:]], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> None:
    """Import the packages, ask Airflow for the provider, publish a post through a task."""
    home = Path(tempfile.mkdtemp(prefix="octopost-smoke-"))
    os.environ.update(AIRFLOW_HOME=str(home), AIRFLOW__CORE__LOAD_EXAMPLES="False")
    os.environ.update(AIRFLOW__CORE__DAGS_FOLDER=str(home / "dags"))
    import airflow_provider_octopost
    import octopost_core
    import octopost_sandbox.process

    for module in (airflow_provider_octopost, octopost_core, octopost_sandbox):
        place = Path(str(module.__file__))
        assert "site-packages" in place.parts, f"{module.__name__} comes from {place}, not from the wheel"
        assert (place.parent / "py.typed").is_file(), f"{module.__name__} has no py.typed"
    assert DISTRIBUTION in run("airflow", "providers", "list"), "Airflow does not list the provider"
    assert "octopost" in run("airflow", "providers", "hooks"), "Airflow does not list the connection type"
    for script in distribution(DISTRIBUTION).entry_points.select(group="console_scripts"):
        run(script.name, "--help")
    run("airflow", "db", "migrate")

    with octopost_sandbox.process.SandboxProcess("--tier", "unlimited") as sandbox:
        os.environ["AIRFLOW_CONN_OCTOPOST_DEFAULT"] = (
            f'{{"conn_type": "octopost", "host": "{sandbox.base_url}", "password": "{sandbox.api_key}"}}'
        )
        (home / "dags").mkdir()
        (home / "dags/smoke.py").write_text(DAG)
        run("airflow", "dags", "reserialize")
        run("airflow", "dags", "test", "smoke")
        live = sandbox.live()
    assert [post["network"] for post in live] == ["mastodon"], f"expected one live post, found {live}"
    print(f"smoke: {DISTRIBUTION} {version(DISTRIBUTION)} beside Airflow {version('apache-airflow')}: fine")


DAG = """
import datetime
from airflow.providers.common.compat.sdk import DAG
from airflow_provider_octopost.operators.octopost import OctopostAnnounceOperator

with DAG("smoke", start_date=datetime.datetime(2026, 1, 1), schedule=None):
    OctopostAnnounceOperator(task_id="announce", content="From the wheel", platforms=["mastodon"])
"""

if __name__ == "__main__":
    main()
