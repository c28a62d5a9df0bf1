"""Announcing what happens to a task."""

from __future__ import annotations

import pytest

from airflow_provider_octopost.notifications.octopost import OctopostNotifier, send_octopost_notification
from octopost_core.errors import AuthenticationError
from octopost_sandbox.process import Sandbox
from tests.airflow.stand_ins import context

TEXT = "Task {{ ti.task_id }} of run {{ run_id }} failed."


def test_it_posts_the_rendered_text(sandbox: Sandbox) -> None:
    send_octopost_notification(content=TEXT, platforms=["bluesky", "slack"])(context())

    [post] = sandbox.posts()
    assert post["content"] == "Task announce of run manual__1 failed."
    assert post["status"] == "published"


def test_a_callback_that_runs_twice_posts_once(sandbox: Sandbox) -> None:
    found = context()
    for _ in range(2):
        OctopostNotifier(content=TEXT, platforms=["bluesky"])(found)

    assert len(sandbox.live()) == 1


def test_different_tasks_post_different_texts(sandbox: Sandbox) -> None:
    notifier = OctopostNotifier(content="Index {{ ti.map_index }} failed.", platforms=["bluesky"])
    for index in (1, 2):
        OctopostNotifier(content=notifier.content, platforms=["bluesky"])(context(map_index=index))

    assert len(sandbox.live()) == 2


async def test_on_an_event_loop(sandbox: Sandbox) -> None:
    await OctopostNotifier(content="Deadline missed.", platforms=["bluesky"]).async_notify({})

    assert len(sandbox.live()) == 1


def test_a_long_text_is_shortened(sandbox: Sandbox) -> None:
    OctopostNotifier(content="All is lost. " * 100, platforms=["bluesky"])(context())

    assert len(sandbox.posts()[0]["content"]) <= 300
    assert len(sandbox.live()) == 1


def test_a_refused_key_is_told_without_the_key(sandbox: Sandbox) -> None:
    sandbox.fault("list", "unauthorized")
    with pytest.raises(AuthenticationError) as raised:
        OctopostNotifier(content="Down.", platforms=["bluesky"]).notify(context())
    assert sandbox.api_key not in str(raised.value)
