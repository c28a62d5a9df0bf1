"""A whole Airflow in processes of its own: scheduler, triggerer, and on Airflow 3 DAG processor and API server."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from airflow_provider_octopost.version_compat import AIRFLOW_V_3_0_PLUS

HERE = Path(__file__).parent
PATIENCE = 300.0  # seconds; the machine may be busy

#: Airflow 2 has no command for it; its web server does this.
_MARK_FAILED = """
import sys
from airflow.models import DagBag
dag_id, run_id, task_id = sys.argv[1:]
dag = DagBag(read_dags_from_db=True).get_dag(dag_id)
dag.set_task_instance_state(task_id=task_id, run_id=run_id, state="failed", commit=True)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def die_with_parent() -> None:
    """Have the kernel end a child when this process dies, however it dies: nothing may outlive a test run."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Cluster:
    """An Airflow on SQLite; a context manager that ends what it started.

    :param home: An empty folder.
    :param environment: Further environment variables, the connection for instance.
    """

    #: What is started, in this order; a number after a dash tells several of a kind apart.
    components: tuple[str, ...] = (
        ("api-server", "scheduler", "dag-processor", "triggerer") if AIRFLOW_V_3_0_PLUS else ("scheduler", "triggerer")
    )

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
            **_settings(home, self.port),
            **environment,
            # Airflow starts programs called airflow.
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        shutil.copytree(HERE / "dags", self.home / "dags")
        try:
            self.airflow("db", "migrate")
            for name in self.components:
                self.start(name)
            self.wait_for(lambda: self.query("select count(*) from dag")[0][0] > 0, "the DAGs are parsed")
            if AIRFLOW_V_3_0_PLUS:
                self.wait_for(lambda: self.api("GET", "/api/v2/version"), "the API server answers")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes.values():
            _signal_group(process, signal.SIGTERM)
        until = time.monotonic() + 15
        for process in self.processes.values():
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal_group(process, signal.SIGKILL)
                process.wait()

    def start(self, name: str) -> None:
        """Start one of Airflow's components.

        :param name: As in :attr:`components`.
        """
        with (self.home / f"{name}.out").open("ab") as output:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "airflow", *self.command(name)],
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

    def command(self, name: str) -> list[str]:
        """Return the Airflow command of a component.

        :param name: As in :attr:`components`.
        """
        kind = name.rstrip("-0123456789")
        return [kind, "--skip-serve-logs"] if kind in ("triggerer", "scheduler") else [kind]

    def kill(self, name: str) -> None:
        """Kill a component and all its processes, without a chance to tidy up.

        :param name: As in :meth:`start`.
        """
        process = self.processes.pop(name)
        _signal_group(process, signal.SIGKILL)
        process.wait()

    def airflow(self, *arguments: str) -> str:
        """Run an Airflow command to its end; return what it wrote.

        :param arguments: After ``airflow``.
        """
        return self._run("-m", "airflow", *arguments)

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read Airflow's database.

        :param sql: A select.
        """
        with sqlite3.connect(f"file:{self.home}/airflow.db?mode=ro", uri=True, timeout=30) as database:
            return database.execute(sql, values).fetchall()

    def wait_for(self, condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
        """Wait until something is true and return it; fail with the components' last words.

        :param condition: Asked every half second.
        :param what: For the failure.
        """
        until = time.monotonic() + patience
        while time.monotonic() < until:
            try:
                if found := condition():
                    return found
            except (sqlite3.OperationalError, OSError):
                pass  # being written, or not there yet
            time.sleep(0.5)
        raise AssertionError(f"Not within {patience:.0f} s: {what}.\n{self.last_words()}")

    def last_words(self) -> str:
        """Return the end of what each component and each task has written."""
        return "\n".join(f"--- {file.name}\n{file.read_text(errors='replace')[-3000:]}" for file in self._written())

    def said(self, words: str) -> bool:
        """Tell whether any component or task has written something."""
        return any(words in file.read_text(errors="replace") for file in self._written())

    def _written(self) -> list[Path]:
        return [*self.home.glob("*.out"), *self.home.glob("logs/dag_id=*/**/*.log")]

    # --- runs --------------------------------------------------------------------------------------------------------

    def trigger(self, dag_id: str, run_id: str, conf: Mapping[str, Any] | None = None) -> None:
        """Start a run.

        :param dag_id: A DAG of tests/airflow/dags.
        :param run_id: Its name.
        :param conf: Its configuration.
        """
        self.unpause(dag_id)
        self.airflow("dags", "trigger", dag_id, "--run-id", run_id, "--conf", json.dumps(conf or {}))

    def unpause(self, dag_id: str) -> None:
        """Let a DAG run."""
        self.wait_for(lambda: self.query("select 1 from serialized_dag where dag_id = ?", dag_id), f"{dag_id} is there")
        self.airflow("dags", "unpause", dag_id, *([] if not AIRFLOW_V_3_0_PLUS else ["--yes"]))

    def mark_failed(self, dag_id: str, run_id: str, task_id: str) -> None:
        """Do what the button in Airflow's pages does."""
        if AIRFLOW_V_3_0_PLUS:
            path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}"
            self.api("PATCH", path, {"new_state": "failed"})
        else:
            self._run("-c", _MARK_FAILED, dag_id, run_id, task_id)

    def states(self, dag_id: str, run_id: str) -> dict[tuple[str, int], tuple[str, int]]:
        """Return state and try number by task id and map index."""
        rows = self.query(
            "select task_id, map_index, state, try_number from task_instance where dag_id = ? and run_id = ?",
            dag_id,
            run_id,
        )
        return {(task_id, index): (state, tries) for task_id, index, state, tries in rows}

    def wait_for_run(self, dag_id: str, run_id: str, patience: float = PATIENCE) -> str:
        """Wait for the end of a run; return its state."""

        def ended() -> str | None:
            rows = self.query("select state from dag_run where dag_id = ? and run_id = ?", dag_id, run_id)
            return rows[0][0] if rows and rows[0][0] in ("success", "failed") else None

        state: str = self.wait_for(ended, f"run {run_id} of {dag_id} ends", patience)
        return state

    def xcom(self, dag_id: str, run_id: str, key: str = "return_value") -> list[Any]:
        """Return the values that a run's tasks pushed under a key."""
        rows = self.query("select value from xcom where dag_id = ? and run_id = ? and key = ?", dag_id, run_id, key)
        values = [json.loads(value) for (value,) in rows]
        return [json.loads(value) if isinstance(value, str) and value[:1] in "{[" else value for value in values]

    # --- the API server of Airflow 3 ---------------------------------------------------------------------------------

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """Call Airflow's REST API.

        :param path: ``/api/v2/...`` or ``/ui/...``.
        """
        token = self._http("GET", "/auth/token")["access_token"]
        return self._http(method, path, body, {"Authorization": f"Bearer {token}"})

    def _http(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, data, {"Content-Type": "application/json", **(headers or {})}, method=method
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as reply:
            raw = reply.read()
        return json.loads(raw) if raw else None


def _settings(home: Path, port: int) -> dict[str, str]:
    url = f"http://127.0.0.1:{port}"
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        # SQLite: the only executor Airflow 2 allows with it runs one task at a time.
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor" if AIRFLOW_V_3_0_PLUS else "SequentialExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG": "1000",
        "AIRFLOW__CORE__FERNET_KEY": "",
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": "of the tests",
        "AIRFLOW__API_AUTH__JWT_SECRET": "of the tests, and long enough for the algorithm that signs with it....",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
        "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
        "NO_PROXY": "127.0.0.1,localhost",
    }


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal a component and the processes it has started: each has a session of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
