"""
Tell the world, or just your team's network, that a DAG failed.

Needs a connection ``octopost_default``. The task fails on purpose; its callback posts.
"""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_octopost.notifications.octopost import send_octopost_notification

# [START notifier]
with DAG(
    dag_id="example_octopost_notifier",
    description="Post when a task fails.",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    tags=["octopost", "example"],
) as dag:

    @task(
        on_failure_callback=send_octopost_notification(
            content="The nightly load failed in {{ ti.task_id }} (run {{ run_id }}). We are looking into it.",
            platforms=["mastodon", "slack"],
        )
    )
    def load() -> None:
        """Fail, so that there is something to tell."""
        raise RuntimeError("The warehouse is closed.")

    load()
# [END notifier]

if __name__ == "__main__":
    dag.test()
