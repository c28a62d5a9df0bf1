"""Fifty tasks that do nothing: what the Dag processor itself costs."""

from __future__ import annotations

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

with DAG("fifty_empty", schedule=None):
    for number in range(50):
        EmptyOperator(task_id=f"announce_{number}")
