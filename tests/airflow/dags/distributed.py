"""Many announcements at once, for the test on Celery."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_octopost.operators.octopost import OctopostAnnounceOperator

with DAG(
    "many_announcements",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_tasks=1000,
    default_args={"retries": 5, "retry_delay": timedelta(seconds=1)},
):

    @task
    def texts(dag_run: Any = None) -> list[str]:
        """Return as many texts as the run's configuration says."""
        return [f"Announcement {number}" for number in range(dag_run.conf["count"])]

    OctopostAnnounceOperator.partial(
        task_id="announce",
        platforms=["bluesky", "mastodon"],
        deferrable=True,
        poll_interval=2,
        timeout=1800,
    ).expand(content=texts())
