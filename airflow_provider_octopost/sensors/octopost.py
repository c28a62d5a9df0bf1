"""Wait for a post."""

from __future__ import annotations

import time
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)

from airflow_provider_octopost.hooks.octopost import OctopostHook
from airflow_provider_octopost.operators.base import DEFER_MARGIN, execution_deadline, with_retry_policy
from airflow_provider_octopost.utils.content import ON_PARTIAL_FAILURE, check_choice
from airflow_provider_octopost.utils.failures import told_to_airflow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context

    from octopost_core.models import Post


class OctopostPostSensor(BaseSensorOperator):
    """
    Wait until a post is published, and return it.

    The post is not asked for before its scheduled time. One that failed fails the task at once.

    :param post_id: The post (templated).
    :param octopost_conn_id: Connection of type ``octopost`` (templated).
    :param on_partial_failure: What a post is that went out on some networks only: ``fail``, ``warn`` or ``ignore``.
    :param deferrable: Wait in the triggerer, without a worker slot; default from ``[operators] default_deferrable``.
    """

    template_fields: Sequence[str] = ("octopost_conn_id", "post_id")
    ui_color = "#dcecf7"

    def __init__(
        self,
        *,
        post_id: str,
        octopost_conn_id: str = OctopostHook.default_conn_name,
        on_partial_failure: str = "fail",
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**with_retry_policy(kwargs))
        check_choice("on_partial_failure", on_partial_failure, ON_PARTIAL_FAILURE)
        self.post_id = post_id
        self.octopost_conn_id = octopost_conn_id
        self.on_partial_failure = on_partial_failure
        self.deferrable = deferrable
        self._due = 0.0

    @cached_property
    def hook(self) -> OctopostHook:
        """The hook; made when the task runs, never when the DAG file is parsed."""
        return OctopostHook(self.octopost_conn_id)

    def execute(self, context: Context) -> Any:
        """
        Wait, here or in the triggerer.

        :param context: The task's context.
        """
        if not self.deferrable:
            return super().execute(context)
        with told_to_airflow(), self.hook.get_conn() as client:
            post = client.get_post(self.post_id)
            if post.terminal:
                return self._judged(post)
        self._defer(context, post)
        return None

    def poke(self, context: Context) -> PokeReturnValue:
        """
        Look at the post once.

        :param context: The task's context.
        """
        if time.time() < self._due:
            return PokeReturnValue(is_done=False)
        with told_to_airflow(), self.hook.get_conn() as client:
            post = client.get_post(self.post_id)
            if post.terminal:
                return PokeReturnValue(is_done=True, xcom_value=self._judged(post))
        if post.status == "scheduled" and post.scheduled_for:
            self._due = post.scheduled_for.timestamp()
        self.log.info("Post %s is %s.", post.id, post.status)
        return PokeReturnValue(is_done=False)

    def _judged(self, post: Post) -> dict[str, Any]:
        from octopost_core.outcome import judge

        outcome = judge([post])
        for network, reason in outcome.failed.items():
            self.log.warning("%s failed: %s", network, reason)
        outcome.raise_for(self.on_partial_failure)  # type: ignore[arg-type]
        return outcome.to_dict()

    def _defer(self, context: Context, post: Post) -> None:
        from airflow_provider_octopost.triggers.octopost import OctopostPostTrigger

        due = post.scheduled_for if post.status == "scheduled" else None
        deadline, limit = time.time() + self.timeout, execution_deadline(self, context)
        ends = min(deadline, limit)
        self.defer(
            trigger=OctopostPostTrigger(
                octopost_conn_id=self.octopost_conn_id,
                post_ids=[post.id],
                deadline=ends,
                poll_interval=float(self.poke_interval),
                created_at=post.created_at.isoformat() if post.created_at else None,
                due=due.isoformat() if due else None,
            ),
            method_name="execute_complete",
            kwargs={"killed_by_timeout": limit < deadline},
            timeout=timedelta(seconds=max(0.0, ends - time.time()) + DEFER_MARGIN),
        )

    def execute_complete(
        self, context: Context, event: Any = None, *, killed_by_timeout: bool = False, **_: Any
    ) -> dict[str, Any]:
        """
        Return the post when the trigger has fired. Runs on a fresh instance of the sensor.

        :param context: The task's context.
        :param event: What the trigger says.
        :param killed_by_timeout: Whether the wait could last until the task's ``execution_timeout``.
        """
        from airflow_provider_octopost.triggers.octopost import validate_event
        from octopost_core.models import Post

        event = validate_event(event)
        if event["status"] == "timeout":
            if killed_by_timeout:
                raise AirflowTaskTimeout(f"The task's execution_timeout is over. {event['message']}")
            error = AirflowSkipException if self.soft_fail else AirflowSensorTimeout
            raise error(event["message"])
        if event["status"] == "missing":
            raise AirflowFailException(event["message"])
        if event["status"] == "error":
            raise RuntimeError(event["message"])
        with told_to_airflow():
            return self._judged(Post.model_validate(event["posts"][0]))
