"""A DAG that runs after posts, over three assets and two triggers of one account (Airflow 3)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow_provider_octopost.triggers.octopost import OctopostPostEventTrigger
from airflow_provider_octopost.version_compat import AIRFLOW_V_3_0_PLUS

if AIRFLOW_V_3_0_PLUS:
    from airflow.sdk import DAG, Asset, AssetWatcher, task

    def watched(name: str, *statuses: str) -> Asset:
        """Return an asset with a watcher; Airflow runs equal triggers once, whatever the number of assets."""
        trigger = OctopostPostEventTrigger(statuses=statuses, poll_interval=1)
        return Asset(name, watchers=[AssetWatcher(name=f"{name}_watcher", trigger=trigger)])

    everything = [watched(name, "published", "failed") for name in ("posts", "posts_too")]

    with DAG(
        "watching",
        schedule=everything[0] | everything[1] | watched("failures", "failed"),
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
    ):

        @task
        def told(triggering_asset_events: Any = None) -> list[str]:
            """Return the posts that this run was started for."""
            return sorted(
                event.extra["payload"]["post_id"] for events in triggering_asset_events.values() for event in events
            )

        told()
