"""
Announce a release: create a draft, publish it, and report where it went.

Needs a connection ``octopost_default``. Start it with ``{"version": "1.4.0"}`` as configuration, or as it stands.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_octopost.operators.octopost import OctopostCreatePostOperator, OctopostPublishOperator

# [START release]
with DAG(
    dag_id="example_octopost_release",
    description="Create a post from a template and publish it to several networks.",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    params={"version": "1.4.0", "notes_url": "https://example.com/releases"},
    tags=["octopost", "example"],
) as dag:
    create = OctopostCreatePostOperator(
        task_id="create_post",
        content=(
            "Version {{ params.version }} is out: faster backfills and a calmer log.\n\n"
            "{{ params.notes_url }}/{{ params.version }}"
        ),
        platforms=["bluesky", "mastodon", "linkedin"],
    )

    publish = OctopostPublishOperator(
        task_id="publish_post",
        post_id="{{ ti.xcom_pull(task_ids='create_post', key='post_id') }}",
    )

    @task
    def report(post: Any) -> str:
        """Write where the post can be seen."""
        lines = [f"{network}: {url}" for network, url in post["urls"].items()]
        print("\n".join(lines))
        return "\n".join(lines)

    create >> publish
    report(publish.output)
# [END release]

if __name__ == "__main__":
    dag.test()
