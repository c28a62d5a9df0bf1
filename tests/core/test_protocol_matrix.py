"""Every call of the protocol, met by every fault, in every dialect: in one process, and killed at that point.

In every case: at most one live copy per network at any time; after at most two re-runs exactly one; no report that
is not true. A thinned choice runs by default, all of it where OCTOPOST_CI is set.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from octopost_sandbox.process import Sandbox
from tests.core.conftest import Evidence
from tests.core.protocol_worker import Job, Report, Try

NETWORKS = ["twitter", "bluesky"]

#: One entry per kind of failure; where a kind has several forms, the cases take them in turn.
FAULTS: dict[str, list[dict[str, Any]]] = {
    "none": [],
    "reset before": [{"kind": "reset_before"}],
    "reset after": [{"kind": "reset_after"}],
    "5xx before": [{"kind": "error_before", "status": status} for status in (500, 502, 503)],
    "5xx after": [{"kind": "error_after", "status": status} for status in (500, 502, 503)],
    "slow, work first": [{"kind": "slow", "seconds": 0.6}],
    "slow, work last": [{"kind": "slow", "seconds": 0.6, "commit": "after"}],
    "truncated": [{"kind": "truncated_json", "commit": commit} for commit in ("before", "never")],
    "html": [{"kind": "html_200", "commit": commit} for commit in ("before", "never")],
    "empty": [{"kind": "empty_200", "commit": commit} for commit in ("before", "never")],
    "429": [
        {"kind": "rate_limited", "retry_after": told, "details": told == "seconds"}
        for told in ("seconds", "date", "missing", "negative", "far", "text")
    ],
    "401": [{"kind": "unauthorized"}],
}

DIALECTS: dict[str, dict[str, Any]] = {
    "default": {},
    "whole seconds": {"time_precision": "seconds"},
    "milliseconds": {"time_precision": "milliseconds"},
    "publish async, polls": {"publish": "async", "publish_polls": 2},
    "publish async, seconds": {"publish": "async", "publish_seconds": 3},
    "publish empty": {"publish": "empty"},
    "publish empty, seconds": {"publish": "empty", "publish_seconds": 3},
    "list in data": {"list_wrap": "data"},
    "list in items": {"list_wrap": "items"},
    "list bare": {"list_wrap": "bare"},
    "pages by number": {"paging": "page", "page_size": 1},
    "pages by offset": {"paging": "offset", "page_size": 1},
    "pages by cursor": {"paging": "cursor", "page_size": 1},
    "no pages, oldest first": {"paging": "none", "order": "oldest"},
    "oldest first": {"order": "oldest", "page_size": 1},
    "list lags": {"list_lag_seconds": 2},
    "post wrapped": {"wrap": "post"},
    "post in data": {"wrap": "data"},
    "create in full": {"create_reply": "full"},
    "put replaces": {"put": "replace"},
    "put does not schedule": {"put_schedules": "no"},
    "put refuses to schedule": {"put_schedules": "refused"},
    "thread field": {"threads": "thread"},
    "new fields": {"extra_fields": "yes"},
    "results empty": {"empty_results": "empty"},
    "results absent": {"empty_results": "absent"},
    "delete says 200": {"delete": "200"},
}

#: Every call of the protocol, and the publication that makes it. "rival" has an older draft of the same text, so that
#: ours is deleted.
CALLS = {
    "create": "publish",
    "list": "publish",
    "get": "publish",
    "publish": "publish",
    "look up": "look first",
    "update": "schedule",
    "delete": "rival",
}
OPERATIONS = {"look up": "list"}


@dataclass(frozen=True)
class Case:
    call: str
    fault: str
    form: int
    dialect: str
    killed: bool
    ledger: bool

    def __str__(self) -> str:
        ending = "killed" if self.killed else "lives"
        return (
            f"{self.call}/{self.fault} {self.form}/{self.dialect}/{ending}/{'ledger' if self.ledger else 'no ledger'}"
        )


def all_cases() -> Iterator[Case]:
    number = 0
    for call in CALLS:
        for fault, forms in FAULTS.items():
            for turn, dialect in enumerate(DIALECTS):
                for killed in (False, True):
                    number += 1
                    form = (turn + number) % max(1, len(forms))
                    yield Case(call, fault, form, dialect, killed, ledger=number % 4 in (1, 2))


CASES = list(all_cases())
# A step that shares no factor with the counts above visits every value of every axis.
CHOSEN = CASES if os.environ.get("OCTOPOST_CI") else CASES[::23]


def test_the_matrix_is_large_enough() -> None:
    assert len(CASES) >= 1000


@pytest.mark.parametrize("case", CHOSEN, ids=str)
def test_never_twice_never_lost_always_told(
    case: Case, octopost_sandbox: Sandbox, tmp_path: Path, evidence: Evidence
) -> None:
    sandbox = octopost_sandbox
    sandbox.dialect(**{"time_precision": "microseconds", **DIALECTS[case.dialect]})
    job = first_job(case, sandbox, tmp_path)
    plan(case, sandbox)
    reports = [Try(job, tmp_path).result()]
    check(sandbox, job, reports[-1])
    assert reports[0].died is case.killed
    again = replace(job, second_try=True, die_at=None)
    for _ in range(2):
        reports.append(Try(again, tmp_path).result())
        check(sandbox, job, reports[-1])
        if reports[-1].error is None:
            break
    assert reports[-1].error is None, [report.message for report in reports]
    evidence("matrix", cases=1, killed=case.killed, reruns=len(reports) - 1)
    if job.scheduled_for:
        sandbox.clock(advance=6 * 3600)
        check(sandbox, replace(job, scheduled_for=None), Try(again, tmp_path).result())
    if case.fault == "slow, work last":
        time.sleep(0.7)  # the server is still at work on a call that we have long given up
    assert sorted(copy["network"] for copy in sandbox.live()) == sorted(job.networks)
    assert sandbox.duplicates(ever=True) == []
    drafts = [post["id"] for post in sandbox.posts() if post["status"] == "draft"]
    assert len(drafts) <= (case.fault == "slow, work last" and case.call == "create"), "a draft was left behind"


def first_job(case: Case, sandbox: Sandbox, folder: Path) -> Job:
    scenario = CALLS[case.call]
    threaded = case.dialect == "thread field"
    if scenario == "rival":
        text = {"thread": [{"content": Job.text}, {"content": "and a reply"}]} if threaded else {"content": Job.text}
        sandbox.seed([{**text, "platforms": NETWORKS}])
        sandbox.clock(advance=1)  # surely older, however coarse the clock
    return Job(
        sandbox.base_url,
        sandbox.api_key,
        networks=NETWORKS,
        segments=["and a reply"] if threaded else [],
        thread_field="thread" if threaded else "segments",
        scheduled_for=(datetime.now(UTC) + timedelta(hours=5)).isoformat() if scenario == "schedule" else None,
        second_try=scenario == "look first",
        ledger=str(folder / "ledger.json") if case.ledger else None,
        die_at=OPERATIONS.get(case.call, case.call) if case.killed else None,
    )


def plan(case: Case, sandbox: Sandbox) -> None:
    forms = FAULTS[case.fault]
    if forms:
        sandbox.fault(OPERATIONS.get(case.call, case.call), count=1, **forms[case.form])


def check(sandbox: Sandbox, job: Job, report: Report) -> None:
    """Nothing is live twice, and what was reported is so."""
    assert sandbox.duplicates(ever=True) == []
    assert len({post["network"] for post in sandbox.live()}) == len(sandbox.live())
    if report.died:
        return
    live = {
        network: result["post_url"]
        for post in sandbox.posts()
        for network, result in (post["platform_results"] or {}).items()
        if result["success"]
    }
    assert report.live.items() <= live.items()
    if report.error is None and job.scheduled_for:
        assert report.status == "scheduled"
        assert [post["status"] for post in sandbox.posts()].count("scheduled") == 1
    elif report.error is None:
        assert set(report.live) == set(job.networks)
        assert report.status == "published"
    elif report.error != "OutcomeUnknown":
        assert live == {}, f"{report.error} was reported although it is live: {report.message}"
    if report.operation == "created":
        assert sandbox.post(report.post_id or "")["content"] == job.text
