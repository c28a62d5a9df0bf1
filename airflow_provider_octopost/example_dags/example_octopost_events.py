"""
Follow up on every post that went out, whoever published it (Airflow 3.0 and newer).

Needs a connection ``octopost_default``. On Airflow 2 this file holds no DAG.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Asset, task

from airflow_provider_octopost.triggers.octopost import OctopostPostEventTrigger

try:
    from airflow.sdk import AssetWatcher
except ImportError:  # Airflow 2
    AssetWatcher = None  # type: ignore[assignment, misc]

if AssetWatcher is not None:
    # [START events]
    published = Asset(
        name="octopost_published",
        uri="octopost://published",
        watchers=[
            AssetWatcher(
                name="published_posts",
                trigger=OctopostPostEventTrigger(statuses=["published"], poll_interval=60),
            )
        ],
    )

    with DAG(
        dag_id="example_octopost_events",
        description="Run once for each batch of posts that went out.",
        schedule=[published],
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        tags=["octopost", "example"],
    ) as dag:

        @task
        def follow_up(triggering_asset_events: Any = None) -> list[str]:
            """Write what went out, and where."""
            lines = [
                f"{event.extra['payload']['post_id']}: {event.extra['payload']['urls']}"
                for events in triggering_asset_events.values()
                for event in events
            ]
            print("\n".join(lines) or "Started by hand: no events.")
            return lines

        follow_up()
    # [END events]

    if __name__ == "__main__":
        dag.test()
