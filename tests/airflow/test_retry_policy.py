"""Retries that wait as long as Octopost asks (Airflow 3.3), alone and beside the author's own policy."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

pytest.importorskip("airflow.sdk.definitions.retry_policy", reason="retry policies exist from Airflow 3.3 on")

from airflow.providers.common.compat.sdk import ChainRetryPolicy
from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

from airflow_provider_octopost.operators.octopost import OctopostAnnounceOperator, OctopostPublishOperator
from airflow_provider_octopost.retry.octopost import MARGIN, OctopostRetryPolicy
from airflow_provider_octopost.sensors.octopost import OctopostPostSensor
from octopost_core.errors import AuthenticationError, ConnectFailed, OutcomeUnknown, RateLimited, ServerError

OWN = ExceptionRetryPolicy(rules=[RetryRule(exception=ConnectFailed, retry_delay=timedelta(seconds=7))])


def decide(error: BaseException, policy: Any = None) -> Any:
    return (policy or OctopostRetryPolicy()).evaluate(error, 1, 3)


def test_a_limit_is_waited_out_as_told() -> None:
    decision = decide(RateLimited("Too many.", retry_after=1234.0))

    assert decision.action is RetryAction.RETRY
    assert decision.retry_delay == timedelta(seconds=1234 + MARGIN)


@pytest.mark.parametrize("error", [AuthenticationError("No.", status=401), OutcomeUnknown("post_1", "lost")])
def test_what_no_retry_cures(error: Exception) -> None:
    assert decide(error).action is RetryAction.FAIL


@pytest.mark.parametrize(
    "error", [ServerError("Down.", status=503), ConnectFailed("Refused."), RateLimited("Later."), ValueError("Yours.")]
)
def test_everything_else_is_the_tasks_own_matter(error: Exception) -> None:
    assert decide(error).action is RetryAction.DEFAULT


def test_it_composes_with_the_authors_own() -> None:
    chain = ChainRetryPolicy([OctopostRetryPolicy(), OWN])

    assert decide(RateLimited("Too many.", retry_after=60.0), chain).retry_delay == timedelta(seconds=60 + MARGIN)
    assert decide(ConnectFailed("Refused."), chain).retry_delay == timedelta(seconds=7)


def test_it_is_the_default_of_our_operators_and_gives_way() -> None:
    assert isinstance(OctopostPublishOperator(task_id="a", post_id="p").retry_policy, OctopostRetryPolicy)
    assert isinstance(OctopostPostSensor(task_id="b", post_id="p").retry_policy, OctopostRetryPolicy)
    announce: dict[str, Any] = {"content": "Hello", "platforms": ["bluesky"]}
    assert OctopostAnnounceOperator(task_id="c", retry_failed=True, **announce).retry_policy.retry_failed is True
    assert OctopostAnnounceOperator(task_id="d", retry_policy=OWN, **announce).retry_policy is OWN
    assert OctopostAnnounceOperator(task_id="e", default_args={"retry_policy": OWN}, **announce).retry_policy is OWN


def test_it_survives_serialization() -> None:
    policy = OctopostRetryPolicy(retry_failed=True)

    assert OctopostRetryPolicy.deserialize(policy.serialize()).retry_failed is True
