"""What can be known to be wrong while a DAG file is parsed is told there, without network or connection."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_octopost.notifications.octopost import OctopostNotifier
from airflow_provider_octopost.operators.octopost import (
    OctopostAnnounceOperator,
    OctopostCreatePostOperator,
    OctopostDeletePostOperator,
    OctopostPublishOperator,
    OctopostUpdatePostOperator,
)
from airflow_provider_octopost.sensors.octopost import OctopostPostSensor
from airflow_provider_octopost.triggers.octopost import OctopostPostEventTrigger
from octopost_core.errors import InvalidInput

GOOD: dict[str, Any] = {"content": "Hello", "platforms": ["bluesky"]}


@pytest.mark.parametrize("operator", [OctopostAnnounceOperator, OctopostCreatePostOperator])
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"platforms": ["bluesky", "twiter"]}, "twitter"),
        ({"platforms": "bluesky, myspace"}, "myspace"),
        ({"platforms": None}, "No network is named"),
        ({"platforms": []}, "No network is named"),
        ({"preset": "All Platforms"}, "platforms and preset are both given"),
        ({"content": None}, "no text"),
        ({"content": "  "}, "no text"),
        ({"post_file": "post.yaml"}, "content and post_file are both given"),
        ({"scheduled_for": datetime(2030, 1, 1)}, "time zone"),
        ({"scheduled_for": "2030-01-01T12:00:00"}, "time zone"),
        ({"scheduled_for": "tomorrow"}, "no time"),
        ({"republish_after": "2030-01-01"}, "time zone"),
        ({"content": "x" * 301}, "301 of 300"),
        ({"when_too_long": "truncate"}, "fail, shorten, thread"),
        ({"on_partial_failure": "retry"}, "fail, warn, ignore"),
    ],
)
def test_wrong_arguments(operator: Any, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        operator(task_id="post", **{**GOOD, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"platforms": "bluesky, mastodon"},
        {"platforms": "{{ params.platforms }}"},
        {"platforms": None, "preset": "All Platforms"},
        {"content": None, "post_file": "post.yaml", "platforms": None},
        {"scheduled_for": datetime(2030, 1, 1, tzinfo=UTC)},
        {"scheduled_for": "2030-01-01T12:00:00+02:00"},
        {"scheduled_for": "{{ data_interval_end }}"},
        {"content": "x" * 301, "when_too_long": "thread"},
        {"content": "{{ params.text }}" + "x" * 301},
        {"content": "announcement.j2"},
    ],
)
def test_right_arguments(changes: dict[str, Any]) -> None:
    OctopostAnnounceOperator(task_id="post", **{**GOOD, **changes})


def test_the_text_of_an_error_names_the_cure() -> None:
    with pytest.raises(InvalidInput) as raised:
        OctopostAnnounceOperator(task_id="post", content="Hello", platforms=["x"])
    assert "Did you mean twitter?" in str(raised.value)


def test_other_operators() -> None:
    with pytest.raises(InvalidInput, match="post_id is empty"):
        OctopostPublishOperator(task_id="publish", post_id="")
    with pytest.raises(InvalidInput, match="nothing to change"):
        OctopostUpdatePostOperator(task_id="update", post_id="post_1")
    with pytest.raises(InvalidInput, match="both given"):
        OctopostUpdatePostOperator(
            task_id="update", post_id="post_1", unschedule=True, scheduled_for="2030-01-01T00:00Z"
        )
    with pytest.raises(InvalidInput, match="post_id is empty"):
        OctopostDeletePostOperator(task_id="delete", post_id=" ")
    with pytest.raises(InvalidInput, match="fail, warn, ignore"):
        OctopostPostSensor(task_id="wait", post_id="post_1", on_partial_failure="maybe")
    with pytest.raises(InvalidInput, match="published, failed or both"):
        OctopostPostEventTrigger(statuses=["live"])
    with pytest.raises(InvalidInput, match="not a network"):
        OctopostNotifier(content="It failed.", platforms=["myspace"])


@pytest.mark.parametrize(
    "operator",
    [
        OctopostAnnounceOperator,
        OctopostCreatePostOperator,
        OctopostPublishOperator,
        OctopostUpdatePostOperator,
        OctopostDeletePostOperator,
        OctopostPostSensor,
        OctopostNotifier,
    ],
)
def test_the_connection_id_is_templated(operator: Any) -> None:
    assert "octopost_conn_id" in operator.template_fields
