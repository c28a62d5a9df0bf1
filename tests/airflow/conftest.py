"""A real Airflow for the tests: one throw-away AIRFLOW_HOME per session, and a connection to the sandbox.

These tests run under every supported Airflow; the interpreter that runs pytest decides which.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from octopost_sandbox.process import Sandbox

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "airflow_provider_octopost" / "example_dags"

# Airflow reads these when it is first imported, so they must be set before any test module is.
_HOME = Path(tempfile.mkdtemp(prefix="octopost-airflow-"))
_DAGS = _HOME / "dags"
_SETTINGS = {
    "AIRFLOW_HOME": str(_HOME),
    "AIRFLOW__CORE__DAGS_FOLDER": str(_DAGS),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_HOME}/airflow.db",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    # Airflow would otherwise leave this process's logging as it likes.
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
}
os.environ.update(_SETTINGS)
_DAGS.mkdir()
shutil.copytree(EXAMPLES, _DAGS / "examples")
shutil.copytree(HERE / "dags", _DAGS / "tests")


@pytest.fixture(scope="session", autouse=True)
def _remove_home() -> Iterator[None]:
    yield
    shutil.rmtree(_HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def airflow_home() -> Path:
    """Return the session's AIRFLOW_HOME, with a migrated database."""
    from airflow.utils.db import initdb

    initdb()
    return _HOME


def connection_json(sandbox: Sandbox, **extra: Any) -> str:
    """Return a connection to the sandbox as an environment variable holds it."""
    return json.dumps(
        {"conn_type": "octopost", "host": sandbox.base_url, "password": sandbox.api_key, "extra": extra or None}
    )


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that makes ``octopost_default`` (or another id) lead to a sandbox."""

    def make(sandbox: Sandbox, conn_id: str = "octopost_default", **extra: Any) -> None:
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", connection_json(sandbox, **extra))

    return make


@pytest.fixture
def sandbox(octopost_sandbox: Sandbox, connect: Callable[..., None]) -> Sandbox:
    """Return the sandbox that ``octopost_default`` leads to."""
    connect(octopost_sandbox)
    return octopost_sandbox


@pytest.fixture
def run_dag(airflow_home: Path) -> Callable[..., Any]:
    """Return a function that runs a DAG with ``dag.test()`` and returns the DAG run."""
    from tests.airflow.harness import run_dag as run

    return run


@pytest.fixture
def task_log(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Return a function that tells what tasks have logged: Airflow 2 logs to a logger, Airflow 3 writes it out."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("airflow.task")
    logger.addHandler(handler)
    yield lambda: "\n".join(lines) + capsys.readouterr().out
    logger.removeHandler(handler)
