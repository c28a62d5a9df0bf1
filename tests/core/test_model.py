"""The publishing protocol under 20,000 random schedules of pauses, deaths and re-runs (a model, real decisions)."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from tests.core.conftest import Evidence
from tests.core.protocol_model import run

SEEDS = 20_000 if os.environ.get("OCTOPOST_CI") else 3_000


def test_no_schedule_doubles_loses_or_litters(evidence: Evidence) -> None:
    tally = Counter(run(seed) for seed in range(SEEDS))
    assert tally == {"ok": SEEDS}
    evidence("model", schedules=SEEDS)


@pytest.mark.parametrize("broken", ["pause", "adopt", "own"])
def test_the_model_sees_each_rule_that_is_taken_away(broken: str) -> None:
    assert any(run(seed, broken) == "duplicate" for seed in range(3_000))
