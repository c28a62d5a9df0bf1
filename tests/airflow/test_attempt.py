"""Since when an earlier try is looked for, and what is remembered between tries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_octopost.utils.attempt import (
    BACKFILL_REACH,
    CORE_SKEW,
    FIRST_TRY_KEY,
    POST_KEY,
    Attempt,
    TaskStateLedger,
    identity_of,
    read_moment,
)
from octopost_core.errors import InvalidInput
from octopost_core.ledger import LedgerEntry
from tests.airflow.stand_ins import Store, context

pytestmark = pytest.mark.usefixtures("airflow_home")  # Airflow 2 looks into its database

NOW = datetime.now(UTC)
AGO = {name: NOW - delta for name, delta in {"hour": timedelta(hours=1), "years": timedelta(days=900)}.items()}


def test_the_first_try_looks_no_further_back_than_its_start() -> None:
    attempt = Attempt.of(context(started=NOW, run_after=AGO["years"]))

    assert attempt.since == NOW
    assert not attempt.second_try
    assert attempt.ledger is None


def test_the_store_remembers_the_first_try() -> None:
    """A week later, cleared by a human: the run's own times have been reset, the store has not."""
    store = Store()
    first = Attempt.of(context(store=store, started=AGO["hour"]))
    later = Attempt.of(context(store=store, try_number=4, started=NOW, clear_number=1))

    assert first.since == later.since == AGO["hour"]
    assert later.second_try


@pytest.mark.parametrize(
    ("run", "since"),
    [
        ({"start_date": AGO["hour"]}, AGO["hour"]),
        ({"start_date": None, "run_after": AGO["hour"], "clear_number": 1}, AGO["hour"]),
        ({"start_date": NOW, "run_after": AGO["hour"], "clear_number": 1, "run_type": "scheduled"}, AGO["hour"]),
        ({"start_date": AGO["hour"], "run_after": AGO["years"], "run_type": "backfill"}, AGO["hour"]),
    ],
    ids=["retried", "cleared", "cleared, scheduled", "backfilled"],
)
def test_without_a_store_a_later_try_goes_by_the_run(run: dict[str, object], since: datetime) -> None:
    assert Attempt.of(context(try_number=2, **run)).since == since


def test_a_cleared_backfill_does_not_reach_the_same_text_of_last_week() -> None:
    run = {"start_date": NOW, "run_after": AGO["years"], "run_type": "backfill", "clear_number": 1}
    since = Attempt.of(context(try_number=2, **run)).since

    assert datetime.now(UTC) - since < timedelta(days=7)
    assert datetime.now(UTC) - since >= BACKFILL_REACH


def test_republish_after_hides_what_was_posted_before() -> None:
    store = Store()
    TaskStateLedger(store).record("who", LedgerEntry(("post_1",), "print"))
    moment = datetime.now(UTC) + timedelta(seconds=1)
    attempt = Attempt.of(context(store=store, try_number=3), republish_after=moment)

    assert attempt.ledger is not None
    assert attempt.ledger.recall("who") is None
    assert attempt.since == moment + CORE_SKEW


def test_the_ledger_gives_back_what_it_was_given() -> None:
    store, entry = Store(), LedgerEntry(("post_1", "post_2"), "print", committed=("post_1",))
    TaskStateLedger(store).record("who", entry)

    assert TaskStateLedger(store).recall("who") == entry
    assert isinstance(store[POST_KEY], str)


@pytest.mark.parametrize("stored", ["nonsense", "{}", '{"at": "2026-01-01T00:00:00+00:00", "entry": {}}'])
def test_an_edited_entry_is_told(stored: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        TaskStateLedger(Store({POST_KEY: stored})).recall("who")


def test_an_edited_first_try_is_made_up_for() -> None:
    assert Attempt.of(context(store=Store({FIRST_TRY_KEY: "?"}), started=NOW)).since == NOW


def test_the_identity_names_the_mapped_task_and_never_the_try() -> None:
    assert identity_of(context(try_number=1)["ti"]) == identity_of(context(try_number=2)["ti"])
    assert identity_of(context(map_index=3)["ti"]) == "dag/manual__1/announce[3]"


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (None, None),
        ("", None),
        ("2026-04-03T12:00:00+02:00", datetime(2026, 4, 3, 10, tzinfo=UTC)),
        ("2026-04-03T12:00:00Z", datetime(2026, 4, 3, 12, tzinfo=UTC)),
        ("2026-04-03 12:00:00+00:00", datetime(2026, 4, 3, 12, tzinfo=UTC)),
        (datetime(2026, 4, 3, 12, tzinfo=UTC), datetime(2026, 4, 3, 12, tzinfo=UTC)),
    ],
)
def test_read_moment(value: object, moment: datetime | None) -> None:
    assert read_moment(value, "scheduled_for") == moment


@pytest.mark.parametrize("value", ["soon", "2026-04-03T12:00:00", datetime(2026, 4, 3), 1_775_000_000])
def test_read_moment_refuses(value: object) -> None:
    with pytest.raises(InvalidInput, match="scheduled_for"):
        read_moment(value, "scheduled_for")
