"""The same fifty tasks with the http provider's operator, for the Dag processor."""

from __future__ import annotations

from airflow.providers.http.operators.http import HttpOperator
from airflow.sdk import DAG

with DAG("fifty_http", schedule=None):
    for number in range(50):
        HttpOperator(
            task_id=f"announce_{number}",
            http_conn_id="octopost",
            endpoint="/v1/posts",
            method="POST",
            data={"content": f"Version {{{{ params.version }}}} is out, part {number}"},
        )
