"""A task, and a context with every corner that Airflow hands to it, without Airflow around them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_octopost.operators.octopost import OctopostAnnounceOperator


class Store(dict[str, Any]):
    """A task state store: strings by key, shared by all tries of a task."""

    def set(self, key: str, value: Any) -> None:
        self[key] = value


class TaskInstance(SimpleNamespace):
    """The parts of a task instance that the provider reads, and the XComs it pushes."""

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcom[key] = value


def context(
    *,
    try_number: int = 1,
    run_id: str = "manual__1",
    map_index: int = -1,
    store: Store | None = None,
    started: datetime | None = None,
    **run: Any,
) -> dict[str, Any]:
    """Return a context.

    :param try_number: Which try this is.
    :param store: The task state store of Airflow 3.3; ``None`` for an older version.
    :param started: When this try began.
    :param run: Fields of the DAG run.
    """
    now = datetime.now(UTC)
    ti = TaskInstance(
        dag_id="dag",
        run_id=run_id,
        task_id="announce",
        map_index=map_index,
        try_number=try_number,
        start_date=started or now,
        xcom={},
    )
    dag_run = SimpleNamespace(**{"run_type": "manual", "start_date": now, "run_after": now, "clear_number": 0, **run})
    found: dict[str, Any] = {"ti": ti, "task_instance": ti, "dag_run": dag_run, "run_id": run_id, "dag": DAG("dag")}
    if store is not None:
        found["task_state_store"] = store
    return found


def announce(**changes: Any) -> OctopostAnnounceOperator:
    """Return a task that announces something on two networks."""
    options = {"content": "Hello", "platforms": ["bluesky", "mastodon"], "timeout": 60, "poll_interval": 0.2}
    return OctopostAnnounceOperator(task_id="announce", **{**options, **changes})


def in_an_hour() -> datetime:
    """Return a time to schedule for."""
    return (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
