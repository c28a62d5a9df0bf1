"""What was measured: the versions of everything that took part."""

from __future__ import annotations

import json
import subprocess

from bench.measure import PYTHON, run
from bench.node import NODE, PACKAGES

SHOWN = ("apache-airflow", "apache-airflow-providers-", "pyperf", "requests", "pydantic", "httpx")
LIST = "import importlib.metadata as m, json; print(json.dumps({d.name.lower(): d.version for d in m.distributions()}))"


def versions() -> dict[str, str]:
    """Return name and version of the interpreter, Airflow, the peers and the tools."""
    found = json.loads(run([PYTHON, "-c", LIST]))
    shown = {name: found[name] for name in sorted(found) if name in SHOWN or name.startswith(SHOWN[1])}
    python = run([PYTHON, "-V"]).split()[1]
    node = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True).stdout.strip().lstrip("v")
    commit = run(["git", "describe", "--always", "--dirty"]).strip()
    wanted = json.loads(PACKAGES.read_text())["dependencies"]
    peers = {name: wanted[name] for name in ("@humanwhocodes/crosspost", "@slack/web-api", "@slack/webhook")}
    return {"this project at": commit, "Python": python, **shown, "Node": node, **peers}
