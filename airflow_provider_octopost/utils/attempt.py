"""Who announces, since when, and what an earlier try of the same task left behind.

The publishing protocol (octopost_core.publishing) asks three things of its host: an identity that is the same for all
tries, the moment since which an earlier try may have made a post, and a memory. This module answers them from an
Airflow task context, on every Airflow version.
"""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from octopost_core.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from octopost_core.ledger import LedgerEntry

FIRST_TRY_KEY = "octopost_first_try"
POST_KEY = "octopost_post"

#: A backfilled run belongs to a moment years back. Where nothing better is known, an earlier try is looked for this
#: far back: far enough for every usual retry, and too near for the same text of last week's run.
BACKFILL_REACH = timedelta(days=6)
#: The core looks this much further back than told, because clocks differ (octopost_core.publishing.CLOCK_SKEW).
CORE_SKEW = timedelta(minutes=2)


class TaskStateLedger:
    """
    Remember posts in Airflow's task state store (3.3 and newer), which all tries of one task instance share.

    The store belongs to one task instance, so the identity plays no part in the key.

    :param store: ``context["task_state_store"]``.
    :param ignore_before: Entries recorded before this moment do not count, see ``republish_after``.
    :param key: Where in the store.
    """

    def __init__(self, store: Any, *, ignore_before: datetime | None = None, key: str = POST_KEY) -> None:
        self._store = store
        self._ignore_before = ignore_before
        self._key = key

    def part(self, number: int) -> TaskStateLedger:
        """
        Return the memory of one of several posts.

        :param number: Which, from 1.
        """
        return TaskStateLedger(self._store, ignore_before=self._ignore_before, key=f"{POST_KEY}_{number}")

    def recall(self, identity: str) -> LedgerEntry | None:
        """Return what an earlier try has stored."""
        stored = self._store.get(self._key)
        if not stored:
            return None
        from octopost_core.ledger import LedgerEntry

        try:
            record = json.loads(stored)
            recorded_at = datetime.fromisoformat(record["at"])
        except (ValueError, KeyError, TypeError):
            return LedgerEntry.from_json(str(stored))  # somebody edited it: raises with the cure
        if self._ignore_before and recorded_at < self._ignore_before:
            return None
        return LedgerEntry.from_json(json.dumps(record["entry"]))

    def record(self, identity: str, entry: LedgerEntry) -> None:
        """Store an entry; Airflow's API server has it when this returns."""
        record = {"entry": json.loads(entry.to_json()), "at": datetime.now(UTC).isoformat()}
        self._store.set(self._key, json.dumps(record))


class Attempt(NamedTuple):
    """
    Hold what the publishing protocol has to know about this try.

    :param identity: Dag, run, task and map index; never the try number.
    :param since: An earlier try cannot have made a post before this moment.
    :param second_try: Whether there may have been an earlier try.
    :param ledger: The memory that survives a try, or ``None`` before Airflow 3.3.
    """

    identity: str
    since: datetime
    second_try: bool
    ledger: TaskStateLedger | None

    @classmethod
    def of(cls, context: Mapping[str, Any], *, republish_after: datetime | None = None) -> Attempt:
        """
        Read a task context.

        :param context: The task's context.
        :param republish_after: Posts made before this moment do not count as this task's.
        """
        ti = context["ti"]
        store = context.get("task_state_store")
        since = _first_try(context, store)
        if republish_after is not None:
            since = max(since, republish_after + CORE_SKEW)
        return cls(
            identity=identity_of(ti),
            since=since,
            second_try=ti.try_number > 1,
            ledger=None if store is None else TaskStateLedger(store, ignore_before=republish_after),
        )

    def parts(self, count: int) -> list[Attempt]:
        """
        Return an attempt per post, where one announcement is several posts with texts of their own.

        :param count: How many.
        """
        if count == 1:
            return [self]
        return [
            self._replace(
                identity=f"{self.identity}#{number}",
                ledger=self.ledger.part(number) if self.ledger is not None else None,
            )
            for number in range(1, count + 1)
        ]


def identity_of(ti: Any) -> str:
    """
    Name a task instance the same way in all its tries.

    :param ti: The context's task instance.
    """
    name = f"{ti.dag_id}/{ti.run_id}/{ti.task_id}"
    map_index = getattr(ti, "map_index", -1)
    return name if map_index in (None, -1) else f"{name}[{map_index}]"


def _first_try(context: Mapping[str, Any], store: Any) -> datetime:
    """
    Return a moment that is not after the first try began, and no earlier than needed.

    Too late, and a later try misses the first one's post and publishes it twice; too early, and it takes the same
    text of another run for its own. In order of precision:

    1. the task state store (3.3), which keeps what the first try wrote there;
    2. in the first try: this try's own start;
    3. Airflow 2's history of tries, in its database;
    4. the run's start, unless a human cleared the run, for that resets it (2.11, 3.1 and 3.3 alike);
    5. the moment the run was due. It is exact enough for a run that started on time. A backfilled run was due years
       ago, so there the look back is bounded.
    """
    stored = store.get(FIRST_TRY_KEY) if store is not None else None
    if stored:
        with contextlib.suppress(ValueError, TypeError):
            return datetime.fromisoformat(stored)
    moment = _first_try_without_store(context)
    if store is not None:
        store.set(FIRST_TRY_KEY, moment.isoformat())
    return moment


def _first_try_without_store(context: Mapping[str, Any]) -> datetime:
    ti, run, now = context["ti"], context.get("dag_run"), datetime.now(UTC)
    if ti.try_number <= 1:
        return min(getattr(ti, "start_date", None) or now, now)
    history = _start_in_history(ti)
    if history is not None:
        return history
    run_start: datetime | None = getattr(run, "start_date", None)
    if run_start and not getattr(run, "clear_number", 0):
        return run_start
    return _due(run, now)


def _due(run: Any, now: datetime) -> datetime:
    kind = getattr(run, "run_type", None)
    kind = getattr(kind, "value", kind)
    names = ("run_after", "logical_date") if kind == "manual" else ("run_after", "data_interval_end", "logical_date")
    due = next((moment for name in names if (moment := getattr(run, name, None))), now - BACKFILL_REACH)
    return max(due, now - BACKFILL_REACH) if kind == "backfill" else min(due, now)


def _start_in_history(ti: Any) -> datetime | None:
    """Airflow 2 tasks may read the database, and it keeps every try; in Airflow 3 they may not."""
    from airflow_provider_octopost.version_compat import AIRFLOW_V_3_0_PLUS

    if AIRFLOW_V_3_0_PLUS:
        return None
    from airflow.models.taskinstancehistory import TaskInstanceHistory
    from airflow.utils.session import create_session
    from sqlalchemy import func

    with create_session() as session:
        first: datetime | None = (
            session.query(func.min(TaskInstanceHistory.start_date))
            .filter_by(dag_id=ti.dag_id, run_id=ti.run_id, task_id=ti.task_id, map_index=ti.map_index)
            .scalar()
        )
    return first.replace(tzinfo=UTC) if first is not None and first.tzinfo is None else first


def read_moment(value: Any, name: str) -> datetime | None:
    """
    Return an aware moment from an operator's argument, or ``None`` where it is empty.

    :param value: A datetime, or a string in ISO 8601 with an offset (a rendered template for instance).
    :param name: The argument's name, for the error.
    :raises InvalidInput: For anything else, a time without a zone included.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    moment = value
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip())
        except ValueError:
            raise InvalidInput(
                f"{name} is {value!r}, which is no time.",
                field=name,
                cure="Write it in ISO 8601 with an offset, as in 2026-04-03T12:00:00+02:00 or ...Z.",
            ) from None
    if not isinstance(moment, datetime):
        raise InvalidInput(
            f"{name} is of type {type(value).__name__}.", field=name, cure="Give a datetime or a string in ISO 8601."
        )
    if moment.tzinfo is None:
        raise InvalidInput(
            f"{name} is {moment.isoformat()}, without a time zone.",
            field=name,
            cure="Write one, as in 2026-04-03T12:00:00+02:00 or ...Z.",
        )
    return moment.astimezone(UTC)
