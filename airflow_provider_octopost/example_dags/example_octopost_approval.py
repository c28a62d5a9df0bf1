"""
Have a person approve a draft before it is published (Airflow 3.1 and newer).

Needs a connection ``octopost_default``. On older versions this file holds no DAG.
"""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import DAG, AirflowOptionalProviderFeatureException

from airflow_provider_octopost.operators.octopost import OctopostCreatePostOperator, OctopostPublishOperator

try:
    from airflow.providers.standard.operators.hitl import ApprovalOperator
except (ImportError, AirflowOptionalProviderFeatureException):  # before Airflow 3.1
    ApprovalOperator = None  # type: ignore[assignment, misc]

if ApprovalOperator is not None:
    # [START approval]
    with DAG(
        dag_id="example_octopost_approval",
        description="Draft, ask a person, publish.",
        schedule=None,
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        tags=["octopost", "example"],
    ) as dag:
        draft = OctopostCreatePostOperator(
            task_id="draft",
            content="We are moving office on {{ ds }}: same people, better coffee.",
            platforms=["bluesky", "linkedin"],
        )
        approve = ApprovalOperator(
            task_id="approve",
            subject="Publish this post?",
            body="{{ ti.xcom_pull(task_ids='draft')['content'] }}",
        )
        publish = OctopostPublishOperator(
            task_id="publish",
            post_id="{{ ti.xcom_pull(task_ids='draft', key='post_id') }}",
        )
        draft >> approve >> publish
    # [END approval]

    if __name__ == "__main__":
        dag.test()
