"""Run DAGs in this process through ``dag.test()``, and read what they left behind."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any


@dataclass
class TaskRun:
    """One task instance after a run."""

    state: str
    tries: int
    xcom: dict[str, Any] = field(default_factory=dict)

    @property
    def result(self) -> Any:
        """What the task returned."""
        return self.xcom.get("return_value")


@dataclass
class DagResult:
    """One DAG run: its state, and its task instances by name (``task`` or ``task[map index]``)."""

    state: str
    run_id: str
    tasks: dict[str, TaskRun]


@cache
def dag_bag() -> Any:
    """Return the DAGs of the session's AIRFLOW_HOME."""
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:
        from airflow.models.dagbag import DagBag
    bag = DagBag(Path(os.environ["AIRFLOW_HOME"]) / "dags")
    assert not bag.import_errors, bag.import_errors
    return bag


def run_dag(dag_id: str, conf: dict[str, Any] | None = None, **options: Any) -> DagResult:
    """Run a DAG to its end, retries and deferrals included.

    :param dag_id: A DAG of tests/airflow/dags or an example.
    :param conf: Configuration of the run.
    :param options: Passed on to ``dag.test()``.
    """
    run = dag_bag().dags[dag_id].test(run_conf=conf, **options)
    return read_run(dag_id, run.run_id)


def read_run(dag_id: str, run_id: str) -> DagResult:
    """Read a run from Airflow's database."""
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        run = session.scalar(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
        instances = session.scalars(
            select(TaskInstance).where(TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id)
        ).all()
        tasks = {
            ti.task_id if ti.map_index < 0 else f"{ti.task_id}[{ti.map_index}]": TaskRun(
                str(ti.state), ti.try_number, _xcom(session, ti)
            )
            for ti in instances
        }
        return DagResult(str(getattr(run.state, "value", run.state)), run_id, tasks)


def _xcom(session: Any, ti: Any) -> dict[str, Any]:
    from sqlalchemy import select

    try:
        from airflow.models.xcom import XComModel as Model
    except ImportError:  # Airflow 2, whose rows are read on loading
        from airflow.models.xcom import XCom as Model
    rows = session.scalars(
        select(Model).where(
            Model.dag_id == ti.dag_id,
            Model.run_id == ti.run_id,
            Model.task_id == ti.task_id,
            Model.map_index == ti.map_index,
        )
    )
    read = getattr(Model, "deserialize_value", None) if Model.__name__ == "XComModel" else None
    return {row.key: read(row) if read else row.value for row in rows}
