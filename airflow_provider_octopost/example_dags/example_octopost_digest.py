"""
Post a daily digest: one announcement per section, as many as there are today.

Needs a connection ``octopost_default``. Each mapped task has an identity of its own, so a retry of one does not touch
the others, and two sections with different text are two posts.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_octopost.operators.octopost import OctopostAnnounceOperator

# [START digest]
with DAG(
    dag_id="example_octopost_digest",
    description="One post per section of the day, by dynamic task mapping.",
    schedule="@daily",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"retries": 3, "retry_delay": timedelta(seconds=30)},
    tags=["octopost", "example"],
) as dag:

    @task
    def sections(day: str) -> list[str]:
        """Collect today's sections; a real DAG would query a warehouse here."""
        found = {"Pipelines": "412 runs, 3 retried", "Freshness": "all tables under 2 hours", "Cost": "down 4 %"}
        return [f"{name} on {day}: {text}" for name, text in found.items()]

    OctopostAnnounceOperator.partial(
        task_id="announce_section",
        platforms=["bluesky", "mastodon"],
        when_too_long="shorten",
    ).expand(content=sections("{{ ds }}"))
# [END digest]

if __name__ == "__main__":
    dag.test()
