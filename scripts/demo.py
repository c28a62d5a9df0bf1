"""Do the product's main job for real, on this machine: a sandbox, an Airflow DAG and the release action.

Four processes talk over sockets: ``octopost-sandbox``, ``airflow db migrate``, ``airflow dags test`` and
``python -m github_action``. Nothing leaves the machine, and everything ends by itself.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from octopost_sandbox.process import Sandbox, SandboxError, SandboxProcess  # noqa: E402
from tests.action.harness import Workflow  # noqa: E402

DAG = "example_octopost_release"
EVENT = ROOT / "tests/action/scenarios/release_published/event.json"
CACHE = ROOT / ".cache" / "demo"
STARTED = time.monotonic()


class DemoFailed(Exception):
    """A step did not do what it should; the message says which and why."""


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; 0 where everything went out."""
    parser = argparse.ArgumentParser(description="Announce through Airflow and the action, to a local Octopost.")
    parser.add_argument("--event", type=Path, default=EVENT, help="payload of a release event to announce")
    parser.add_argument("--keep", type=Path, help="leave everything that is written in this new folder")
    options = parser.parse_args(arguments)
    try:
        with contextlib.ExitStack() as stack:
            folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="octopost demo ")))
            sandbox = stack.enter_context(SandboxProcess())
            say(f"1/4  A local Octopost answers at {sandbox.base_url}")
            run_airflow(sandbox, folder)
            outputs, summary = run_action(sandbox, folder, options.event)
            show(sandbox, outputs, summary)
    except (DemoFailed, SandboxError) as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        return 1
    say("Done: each post is live once on each network, and everything has been stopped.")
    return 0


def run_airflow(sandbox: Sandbox, folder: Path) -> None:
    """Run the example DAG through a real Airflow with a home of its own."""
    home = folder / "airflow"
    (home / "dags").mkdir(parents=True)
    shutil.copy(ROOT / "airflow_provider_octopost" / "example_dags" / f"{DAG}.py", home / "dags")
    connection = {"conn_type": "octopost", "host": sandbox.base_url, "password": sandbox.api_key}
    # Whatever this shell says of another Airflow must not reach ours.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environ = {
        **clean,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{clean.get('PATH', '')}",
        "AIRFLOW_HOME": str(home),
        "AIRFLOW_CONN_OCTOPOST_DEFAULT": json.dumps(connection),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
    }
    prepare_database(home, environ)
    say(f"2/4  Airflow runs {DAG}: create a draft, then publish it")
    airflow("dags test", [DAG, "--conf", json.dumps({"version": "1.4.0"})], environ)
    if not sandbox.live():
        raise DemoFailed("the DAG ended, but nothing is live.")


def prepare_database(home: Path, environ: dict[str, str]) -> None:
    """Migrate an empty database, once per Airflow version; later runs copy it."""
    import airflow as installed

    ready = CACHE / f"airflow-{installed.__version__}.db"
    if not ready.exists():
        say("     Airflow prepares its database (only the first time)")
        airflow("db migrate", [], environ)
        CACHE.mkdir(parents=True, exist_ok=True)
        shutil.copy(home / "airflow.db", ready.with_suffix(".new"))
        ready.with_suffix(".new").replace(ready)
    else:
        shutil.copy(ready, home / "airflow.db")


def airflow(command: str, arguments: list[str], environ: dict[str, str]) -> None:
    """Run an Airflow command, show that it lives, and keep its log for the case of failure."""
    path = Path(environ["AIRFLOW_HOME"]) / f"{command.replace(' ', '-')}.log"
    with path.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow", *command.split(), *arguments],
            env=environ,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    while process.poll() is None:
        time.sleep(0.25)
        if sys.stdout.isatty():
            print(f"\r{time.monotonic() - STARTED:5.1f} s  ", end="", flush=True)
    if sys.stdout.isatty():
        print("\r", end="")
    if process.returncode:
        raise DemoFailed(
            f"airflow {command} ended with {process.returncode}:\n"
            + "\n".join(path.read_text(encoding="utf-8").splitlines()[-30:])
        )


def run_action(sandbox: Sandbox, folder: Path, payload: Path) -> tuple[dict[str, str], str]:
    """Run the action as a runner does for ``on: release: published``; return its outputs and its job summary."""
    say("3/4  The action announces a release, as a GitHub runner would start it")
    try:
        event = json.loads(payload.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DemoFailed(f"{payload} is no event payload: {error}") from None
    workflow = Workflow(folder / "runner", "release", event)
    run = workflow.run(
        {"api-key": sandbox.api_key, "base-url": sandbox.base_url, "platforms": "twitter, bluesky, mastodon, linkedin"}
    )
    if run.code != 0:
        raise DemoFailed(f"the action ended with {run.code}:\n{run.log}")
    return run.outputs, run.summary


def show(sandbox: Sandbox, outputs: dict[str, str], summary: str) -> None:
    """Print what went out; fail where a copy is missing or doubled."""
    say("4/4  What is live now")
    posts = [post for post in sandbox.posts() if post["status"] == "published"]
    rows = [
        (who, network, "published" if result["success"] else "failed", result.get("post_url") or result.get("error"))
        for who, post in zip(("Airflow", "action"), posts, strict=False)
        for network, result in post["platform_results"].items()
    ]
    for who, network, status, where in [("by", "network", "status", "where"), *rows]:
        print(f"    {who:<8} {network:<9} {status:<10} {where}")
    print("\n  The action's outputs")
    for name, value in outputs.items():
        print(f"    {name}: " + value.replace("\n", "\n" + " " * (len(name) + 6)))
    print("\n  The action's job summary, as GitHub renders it under the run")
    print("\n".join(f"    {line}".rstrip() for line in summary.splitlines()) + "\n")
    if sandbox.duplicates(ever=True):
        raise DemoFailed("a post is live twice, which must never happen; please report it.")
    if len(posts) != 2 or any(status != "published" for _, _, status, _ in rows):
        raise DemoFailed("not everything went out; see the table above.")


def say(text: str) -> None:
    """Print a line of progress with the seconds since the start."""
    print(f"{time.monotonic() - STARTED:5.1f} s  {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
