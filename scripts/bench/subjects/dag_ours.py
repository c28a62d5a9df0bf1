"""Fifty of our tasks, for the Dag processor."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_octopost.operators.octopost import OctopostAnnounceOperator

with DAG("fifty_octopost", schedule=None):
    for number in range(50):
        OctopostAnnounceOperator(
            task_id=f"announce_{number}",
            content=f"Version {{{{ params.version }}}} is out, part {number}",
            platforms=["twitter", "bluesky", "mastodon"],
        )
