"""Airflow on more than one machine's engine: Celery workers, Redis and PostgreSQL, each on a free port."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.airflow.cluster import PATIENCE, Cluster, die_with_parent, free_port


def program(name: str, package: str) -> str:
    """Return a program's path, or fail with the Debian package that brings it."""
    found = shutil.which(name) or next(map(str, sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))), None)
    assert found, f"{name} is missing: install the Debian package {package}."
    return found


class Services:
    """Redis and PostgreSQL of our own, in a folder of their own; a context manager that ends them."""

    def __init__(self) -> None:
        self.redis_port, self.postgres_port = free_port(), free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="octopost-services-"))
        self._processes: list[subprocess.Popen[bytes]] = []
        # PostgreSQL refuses to run as root; its package brings a user for it.
        self._user = "postgres" if os.geteuid() == 0 else None

    def __enter__(self) -> Services:
        data = self._folder / "postgres"
        data.mkdir()
        if self._user:
            self._folder.chmod(0o755)
            shutil.chown(data, self._user)
            assert pwd.getpwnam(self._user)
        initdb = [program("initdb", "postgresql"), "-D", data, "-U", "airflow", "--auth=trust", "-E", "UTF8", "-N"]
        subprocess.run(initdb, check=True, capture_output=True, user=self._user, cwd=data)
        speed = ["-c", "fsync=off", "-c", "max_connections=300"]
        address = ["-h", "127.0.0.1", "-p", str(self.postgres_port), "-k", data]
        self._start([program("postgres", "postgresql"), "-D", data, *address, *speed], user=self._user)
        memory = ["--save", "", "--appendonly", "no", "--dir", self._folder]
        address = ["--bind", "127.0.0.1", "--port", str(self.redis_port)]
        self._start([program("redis-server", "redis-server"), *address, *memory])
        self._create_database()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, command: list[Any], user: str | None = None) -> None:
        with (self._folder / f"{Path(command[0]).name}.out").open("wb") as output:
            self._processes.append(
                subprocess.Popen(
                    command,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    user=user,
                    cwd=self._folder,
                    preexec_fn=die_with_parent,
                )
            )

    def _create_database(self) -> None:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                connection = self.connect("postgres")
                break
            except Exception:
                assert time.monotonic() < until, "PostgreSQL does not answer."
                time.sleep(0.2)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("create database airflow")
        connection.close()

    def connect(self, database: str = "airflow") -> Any:
        """Return a connection to PostgreSQL."""
        import psycopg2

        return psycopg2.connect(host="127.0.0.1", port=self.postgres_port, user="airflow", dbname=database)


class CeleryCluster(Cluster):
    """An Airflow with two Celery workers and two triggerers.

    :param home: An empty folder.
    :param environment: Further environment variables.
    :param services: Running Redis and PostgreSQL.
    """

    components = (
        "api-server",
        "scheduler",
        "dag-processor",
        "triggerer-1",
        "triggerer-2",
        "worker-1",
        "worker-2",
    )

    def __init__(self, home: Path, environment: Mapping[str, str], services: Services) -> None:
        self.services = services
        database = f"airflow@127.0.0.1:{services.postgres_port}/airflow"
        settings = {
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CORE__PARALLELISM": "32",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{database}",
            "AIRFLOW__CELERY__BROKER_URL": f"redis://127.0.0.1:{services.redis_port}/0",
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+postgresql+psycopg2://{database}",
            # What a dead worker held must come back while the test still runs, not after hours.
            "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": "60",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "3",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
            "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "90",
            "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "10",
            "AIRFLOW__SCHEDULER__NUM_STUCK_IN_QUEUED_RETRIES": "20",
        }
        super().__init__(home, {**settings, **environment})

    def command(self, name: str) -> list[str]:
        """Return the Airflow command of a component."""
        if name.startswith("worker"):
            options = ["--celery-hostname", f"{name}@octopost", "--concurrency", "2", "--skip-serve-logs"]
            return ["celery", "worker", *options, "--without-mingle", "--without-gossip"]
        return super().command(name)

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read Airflow's database."""
        connection = self.services.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql.replace("?", "%s"), values)
                rows: list[tuple[Any, ...]] = cursor.fetchall()
                return rows
        finally:
            connection.close()
