"""DAGs whose tasks the tests kill, clear and keep waiting under a running scheduler."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_octopost.operators.octopost import OctopostAnnounceOperator
from airflow_provider_octopost.sensors.octopost import OctopostPostSensor

SETTINGS = {
    "schedule": None,
    "start_date": datetime(2026, 1, 1, tzinfo=UTC),
    "catchup": False,
    "default_args": {"retries": 3, "retry_delay": timedelta(seconds=1)},
}


def leave_pid(context: Any) -> None:
    """Tell the test which process to kill."""
    ti = context["ti"]
    name = f"{ti.dag_id}.{ti.run_id}.{ti.try_number}.pid"
    Path(os.environ["AIRFLOW_HOME"], name).write_text(str(os.getpid()))


for dag_id in ("killed", "cleared"):
    with DAG(dag_id, **SETTINGS):
        OctopostAnnounceOperator(
            task_id="announce",
            content="Hello from {{ run_id }}",
            platforms=["bluesky", "mastodon"],
            pre_execute=leave_pid,
            republish_after="{{ var.value.get('republish_after', '') }}",
            timeout=120,
            poll_interval=1,
        )

for dag_id in ("deferred_until_killed", "deferred_until_cleared"):
    with DAG(dag_id, **SETTINGS):
        OctopostAnnounceOperator(
            task_id="announce",
            content="Scheduled hello from {{ run_id }}",
            platforms=["bluesky"],
            scheduled_for="{{ dag_run.conf['scheduled_for'] }}",
            wait_for_completion=True,
            deferrable=True,
            poll_interval=1,
        )

with DAG("running_until_killed", **SETTINGS):
    OctopostAnnounceOperator(
        task_id="announce",
        content="Scheduled hello from {{ run_id }}",
        platforms=["bluesky"],
        scheduled_for="{{ dag_run.conf['scheduled_for'] }}",
        wait_for_completion=True,
    )

with DAG("many_waiting", **SETTINGS, max_active_tasks=1000):

    @task
    def post_ids(dag_run: Any = None) -> list[str]:
        """Return the posts to wait for."""
        return list(dag_run.conf["post_ids"])

    OctopostPostSensor.partial(
        task_id="wait", deferrable=True, poke_interval=2, timeout=1800, max_active_tis_per_dag=1000
    ).expand(post_id=post_ids())
