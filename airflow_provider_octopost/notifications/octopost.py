"""Announce what happens to a task or DAG run."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.notifier import BaseNotifier

from airflow_provider_octopost.hooks.octopost import OctopostHook
from airflow_provider_octopost.utils.attempt import identity_of
from airflow_provider_octopost.utils.content import CONTENT_FIELDS, check_at_parse_time, make_drafts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_octopost.hooks.octopost import ClientSettings
    from airflow_provider_octopost.utils.content import WhenTooLong
    from octopost_core.outcome import Event

#: Without a task to go by (a deadline alert), the same text within this time counts as the same announcement.
RECENT = timedelta(minutes=10)


class OctopostNotifier(BaseNotifier):
    """
    Publish a post as a callback: ``on_failure_callback=send_octopost_notification(content=..., platforms=[...])``.

    It goes through the same protocol as the operators: should the callback run twice for one try of a task, the
    second finds the first's post. It does not wait for the networks.

    :param content: Text of the post (templated).
    :param platforms: Network ids, a list or a string with commas (templated).
    :param preset: Id or name of a preset, in place of ``platforms`` (templated).
    :param link: The link that stays whole where the text is shortened (templated).
    :param when_too_long: What to do with a text over a network's limit: ``shorten``, ``thread`` or ``fail``.
    :param octopost_conn_id: Connection of type ``octopost`` (templated).
    """

    template_fields: Sequence[str] = ("octopost_conn_id", "content", "platforms", "preset", "link")

    def __init__(
        self,
        *,
        content: str,
        platforms: list[str] | str | None = None,
        preset: str | None = None,
        link: str | None = None,
        when_too_long: WhenTooLong = "shorten",
        octopost_conn_id: str = OctopostHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        # Airflow 3.1 and newer pass a context here; older ones know no arguments.
        super().__init__(**kwargs)
        self.content = content
        self.platforms = platforms
        self.preset = preset
        self.link = link
        self.when_too_long: WhenTooLong = when_too_long
        self.octopost_conn_id = octopost_conn_id
        check_at_parse_time(self._told(), when_too_long)

    @cached_property
    def hook(self) -> OctopostHook:
        """The hook."""
        return OctopostHook(self.octopost_conn_id)

    def notify(self, context: Context) -> None:
        """
        Publish, in the worker or wherever Airflow runs callbacks.

        :param context: The task's context.
        """
        self._publish(self.hook.settings(), context)

    async def async_notify(self, context: Context) -> None:
        """
        Publish on the triggerer's event loop, without blocking it (deadline alerts of Airflow 3.1 and newer).

        :param context: The context.
        """
        settings = await OctopostHook.async_settings(self.octopost_conn_id)
        await asyncio.to_thread(self._publish, settings, context)

    def _told(self) -> dict[str, Any]:
        return {name: getattr(self, name, None) for name in CONTENT_FIELDS}

    def _publish(self, settings: ClientSettings, context: Context) -> None:
        from octopost_core import publish_once

        ti = context.get("ti")
        started = getattr(ti, "start_date", None) or datetime.now(UTC) - RECENT
        with settings.client() as client:
            [draft] = make_drafts(self._told(), self.when_too_long, client)
            outcome = publish_once(
                client,
                draft,
                identity=f"notify:{identity_of(ti)}" if ti is not None else "notify",
                since=started,
                second_try=True,
                wait=False,
                on_event=self._on_event,
            )
        self.log.info("Post %s is %s.", outcome.post.id, outcome.status)

    def _on_event(self, event: Event) -> None:
        (self.log.warning if event.level == "warning" else self.log.info)("%s: %s", event.step, event.message)


send_octopost_notification = OctopostNotifier
