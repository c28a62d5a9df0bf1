"""DAGs of the tests: one announcement each, in the ways the tests need."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_octopost.operators.octopost import (
    OctopostAnnounceOperator,
    OctopostCreatePostOperator,
    OctopostDeletePostOperator,
    OctopostPublishOperator,
    OctopostUpdatePostOperator,
)
from airflow_provider_octopost.sensors.octopost import OctopostPostSensor

SETTINGS = {
    "schedule": None,
    "start_date": datetime(2026, 1, 1, tzinfo=UTC),
    "catchup": False,
    "default_args": {"retries": 2, "retry_delay": timedelta(seconds=0)},
}

with DAG("announce", **SETTINGS):
    OctopostAnnounceOperator(
        task_id="announce",
        content="Hello from {{ run_id }}",
        platforms=["bluesky", "mastodon"],
        timeout=60,
        poll_interval=0.5,
    )

with DAG("announce_deferred", **SETTINGS):
    OctopostAnnounceOperator(
        task_id="announce",
        content="Deferred hello from {{ run_id }}",
        platforms=["bluesky", "mastodon"],
        deferrable=True,
        timeout=60,
        poll_interval=0.5,
    )

with DAG("announce_mapped", **SETTINGS):
    OctopostAnnounceOperator.partial(task_id="announce", platforms=["bluesky"], timeout=60).expand(
        content=["First of {{ run_id }}", "Second of {{ run_id }}", "Third of {{ run_id }}"]
    )

with DAG("life_of_a_draft", **SETTINGS):
    create = OctopostCreatePostOperator(task_id="create", content="Draft of {{ run_id }}", platforms="bluesky,mastodon")
    post_id = "{{ ti.xcom_pull(task_ids='create', key='post_id') }}"
    update = OctopostUpdatePostOperator(task_id="update", post_id=post_id, content="Better draft of {{ run_id }}")
    publish = OctopostPublishOperator(task_id="publish", post_id=post_id, wait_for_completion=False)
    wait = OctopostPostSensor(task_id="wait", post_id=post_id, poke_interval=0.5, timeout=60)
    delete = OctopostDeletePostOperator(task_id="delete", post_id=post_id, allow_live=True)
    create >> update >> publish >> wait >> delete
