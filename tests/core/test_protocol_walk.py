"""Random crashes at any line, faults at any call and re-runs, searched by hypothesis for a broken promise."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from octopost_sandbox.process import Sandbox
from tests.core.conftest import Evidence
from tests.core.protocol_worker import Job, Report, Try

#: Examples are spread over shards, so that several workers can search at once.
SHARDS = 4
EXAMPLES = (2_000 if os.environ.get("OCTOPOST_CI") else 40) // SHARDS
NETWORKS = ("twitter", "bluesky", "mastodon")

faults = st.builds(
    lambda operation, kind, skip: {"operation": operation, "skip": skip, **kind},
    st.sampled_from(("create", "list", "get", "publish", "delete", "any")),
    st.sampled_from(
        (
            {"kind": "reset_before"},
            {"kind": "reset_after"},
            {"kind": "error_before", "status": 500},
            {"kind": "error_after", "status": 503},
            {"kind": "truncated_json"},
            {"kind": "html_200"},
            {"kind": "rate_limited", "retry_after": "text"},
            {"kind": "unauthorized"},
        )
    ),
    st.integers(0, 4),
)
#: One try: where it dies (a line of the protocol, or nowhere), what fails meanwhile, and how many start at once.
tries = st.tuples(
    st.one_of(st.none(), st.integers(0, 500)), st.lists(faults, max_size=2), st.sampled_from((1, 1, 1, 2))
)
worlds = st.fixed_dictionaries(
    {
        "time_precision": st.sampled_from(("seconds", "milliseconds", "microseconds")),
        "publish": st.sampled_from(("sync", "async", "empty")),
        "publish_polls": st.sampled_from((0, 2)),
        "list_lag_seconds": st.sampled_from((0, 0, 0, 2)),
        "page_size": st.sampled_from((1, 20)),
        "order": st.sampled_from(("newest", "oldest")),
    }
)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_the_promise_holds_whatever_happens(
    shard: int, octopost_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory, evidence: Evidence
) -> None:
    folder = tmp_path_factory.mktemp("walk")
    number, deaths = 0, 0

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck), print_blob=True
    )
    @given(
        world=worlds,
        networks=st.sets(st.sampled_from(NETWORKS), min_size=1),
        ledger=st.booleans(),
        walk=st.lists(tries, min_size=1, max_size=3),
    )
    def search(world: dict[str, Any], networks: set[str], ledger: bool, walk: list[Any]) -> None:
        nonlocal number, deaths
        number += 1
        memory = folder / f"ledger-{number}" if ledger else None
        deaths += _walk(octopost_sandbox, world, sorted(networks), memory, walk, folder)

    search()
    evidence("walk", examples=number, deaths=deaths)


def _walk(
    sandbox: Sandbox, world: dict[str, Any], networks: list[str], ledger: Path | None, walk: list[Any], folder: Path
) -> int:
    """Take one walk; return how many processes died on it."""
    sandbox.reset()
    sandbox.dialect(**world)
    job = Job(sandbox.base_url, sandbox.api_key, networks=networks, ledger=str(ledger) if ledger else None)
    second, deaths = False, 0
    for line, planned, at_once in walk:
        for fault in planned:
            sandbox.fault(**fault)
        running = [Try(replace(job, second_try=second, die_at_line=line), folder) for _ in range(at_once)]
        second = True
        for report in [attempt.result() for attempt in running]:
            deaths += report.died
            _expect_true(sandbox, report)
        sandbox.clear_faults()
        assert sandbox.duplicates(ever=True) == []
    last = Try(replace(job, second_try=True), folder).result()
    _expect_true(sandbox, last)
    assert last.error is None, last
    assert sorted(copy["network"] for copy in sandbox.live()) == networks
    assert sandbox.duplicates(ever=True) == []
    return deaths


def _expect_true(sandbox: Sandbox, report: Report) -> None:
    live = {copy["network"] for copy in sandbox.live()}
    assert set(report.live) <= live
