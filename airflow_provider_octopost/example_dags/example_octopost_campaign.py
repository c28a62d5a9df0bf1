"""
Schedule a campaign from a folder of YAML posts, one a day from tomorrow on.

Needs a connection ``octopost_default``. Octopost itself publishes at the time: no worker waits. Running the same DAG
run again schedules nothing twice.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_octopost.operators.octopost import OctopostAnnounceOperator

POSTS = Path(__file__).parent / "posts"

# [START campaign]
with DAG(
    dag_id="example_octopost_campaign",
    description="Schedule every post of a folder, one a day.",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    tags=["octopost", "example"],
) as dag:

    @task
    def plan(started: str) -> list[dict[str, str]]:
        """Give each file its day, counted from the start of the run so that a retry plans the same."""
        first = datetime.fromisoformat(started).replace(hour=9, minute=0, second=0, microsecond=0)
        return [
            {"post_file": str(path), "scheduled_for": (first + timedelta(days=day)).isoformat()}
            for day, path in enumerate(sorted(POSTS.glob("*.yaml")), start=1)
        ]

    OctopostAnnounceOperator.partial(task_id="schedule_post").expand_kwargs(
        plan("{{ dag_run.run_after if dag_run.run_after is defined else dag_run.logical_date }}")
    )
# [END campaign]

if __name__ == "__main__":
    dag.test()
