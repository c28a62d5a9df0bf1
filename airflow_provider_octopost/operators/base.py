"""What all operators of the provider share: the connection, the events of the protocol, waiting, results, killing."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowTaskTimeout, BaseOperator, conf

from airflow_provider_octopost.hooks.octopost import OctopostHook
from airflow_provider_octopost.links.octopost import OctopostPostLink, links_of
from airflow_provider_octopost.utils.content import ON_PARTIAL_FAILURE, check_choice
from airflow_provider_octopost.utils.failures import told_to_airflow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow.providers.common.compat.sdk import Context

    from octopost_core.errors import RateLimited
    from octopost_core.outcome import Event, Outcome

#: Seconds by which Airflow's own limit on a deferral comes after the trigger's deadline, so that the trigger's event,
#: which says what was seen, comes first.
DEFER_MARGIN = 120.0
#: Seconds to wait on a rate limit that names no time.
UNTOLD_WAIT = 300.0


def with_retry_policy(kwargs: dict[str, Any], *, retry_failed: bool = False) -> dict[str, Any]:
    """
    Make OctopostRetryPolicy the default where Airflow has retry policies (3.3) and the author named none.

    :param kwargs: What the author gave.
    :param retry_failed: Whether a further try posts to the networks that failed.
    """
    if "retry_policy" in kwargs or "retry_policy" in (kwargs.get("default_args") or {}):
        return kwargs
    try:
        from airflow.sdk import RetryPolicy  # noqa: F401
    except ImportError:
        return kwargs
    from airflow_provider_octopost.retry.octopost import OctopostRetryPolicy

    return {**kwargs, "retry_policy": OctopostRetryPolicy(retry_failed=retry_failed)}


def execution_deadline(operator: BaseOperator, context: Context) -> float:
    """
    Return when a task's ``execution_timeout`` is over, in seconds since the epoch.

    Airflow 3 holds it against a running task only; a deferred one would wait on.

    :param operator: The task.
    :param context: Its context.
    """
    if operator.execution_timeout is None:
        return math.inf
    started = getattr(context["ti"], "start_date", None) or datetime.now(UTC)
    return float((started + operator.execution_timeout).timestamp())


class OctopostOperator(BaseOperator):
    """
    Base of the operators: the connection.

    :param octopost_conn_id: Connection of type ``octopost`` (templated).
    """

    template_fields: Sequence[str] = ("octopost_conn_id",)
    ui_color = "#dcecf7"

    def __init__(self, *, octopost_conn_id: str = OctopostHook.default_conn_name, **kwargs: Any) -> None:
        super().__init__(**with_retry_policy(kwargs))
        self.octopost_conn_id = octopost_conn_id

    @cached_property
    def hook(self) -> OctopostHook:
        """The hook; made when the task runs, never when the DAG file is parsed."""
        return OctopostHook(self.octopost_conn_id)


class PublishingOperator(OctopostOperator):
    """
    Base of the operators that publish: waiting, partial failure, results, links, killing.

    :param wait_for_completion: Optional. Whether to wait until every network has answered. Where left out, a post
        that goes out now is waited for and one that is scheduled is not.
    :param deferrable: Wait in the triggerer, without a worker slot; default from ``[operators] default_deferrable``.
    :param poll_interval: Seconds between two looks at a post that is waited for.
    :param timeout: Seconds to wait; for a scheduled post counted from its time.
    :param on_partial_failure: What a post is that went out on some networks only: ``fail`` fails the task, ``warn``
        logs a warning, ``ignore`` says nothing. A post that failed on every network fails the task unless ``ignore``.
    """

    #: Address of the post per network that answered; ``None`` until the task runs. The extra links are made of it.
    post_urls: dict[str, str] | None = None
    template_fields: Sequence[str] = OctopostOperator.template_fields
    _killed = False

    def __init__(
        self,
        *,
        wait_for_completion: bool | None = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poll_interval: float = 15.0,
        timeout: float = 3600.0,
        on_partial_failure: str = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_choice("on_partial_failure", on_partial_failure, ON_PARTIAL_FAILURE)
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.timeout = timeout
        self.on_partial_failure = on_partial_failure

    @property
    def operator_extra_links(self) -> tuple[OctopostPostLink, ...]:  # type: ignore[override]
        """One button per network."""
        return links_of(self)

    # --- what the protocol tells while it runs -----------------------------------------------------------------------

    def _callbacks(self, context: Context) -> dict[str, Callable[..., None]]:
        """What the core calls: with every step, and with a post's id as soon as it is known."""
        self.post_urls = {}
        self._post_ids: list[str] = []

        def on_event(event: Event) -> None:
            # A killed task must not go on to the next step: the signal alone does not end it in Airflow 3.
            if self._killed:
                raise AirflowFailException(f"The task was killed before the step {event.step}.")
            log = self.log.warning if event.level == "warning" else self.log.info
            log("%s: %s", event.step, event.message)

        def on_post_id(post_id: str) -> None:
            if post_id not in self._post_ids:
                self._post_ids.append(post_id)
                context["ti"].xcom_push(key="post_id", value=post_id)

        return {"on_event": on_event, "on_post_id": on_post_id}

    # --- how it ends -------------------------------------------------------------------------------------------------

    def _conclude(self, context: Context, outcome: Outcome) -> dict[str, Any]:
        """Wait where that is wanted and not done yet, then return the result; may defer."""
        scheduled = any(result.status == "scheduled" for result in outcome.results.values())
        wanted = self.wait_for_completion if self.wait_for_completion is not None else not scheduled
        if wanted and outcome.pending and outcome.operation != "drafted":
            outcome = self._wait(context, outcome)
        return self._result(context, outcome)

    def _wait(self, context: Context, outcome: Outcome) -> Outcome:
        """Wait for the networks that have not answered: in the triggerer, or here."""
        from octopost_core.outcome import judge

        pending = [post for post in outcome.posts if not post.terminal]
        due = max((post.scheduled_for for post in pending if post.scheduled_for), default=None)
        deadline = max(time.time(), due.timestamp() if due else 0.0) + self.timeout
        if self.deferrable:
            self._defer(context, outcome, deadline, due)
        posts = {post.id: post for post in outcome.posts}
        with self.hook.get_conn() as client:
            while any(not post.terminal for post in posts.values()):
                left = deadline - time.time()
                if left <= 0:
                    raise AirflowFailException(_timed_out(", ".join(posts)))
                wait = max(self.poll_interval, due.timestamp() - time.time()) if due else self.poll_interval
                time.sleep(min(wait, left))
                posts = {name: client.get_post(name) if not post.terminal else post for name, post in posts.items()}
        outcome = judge(posts.values(), list(outcome.results), operation=outcome.operation, events=outcome.events)
        outcome.raise_for(self.on_partial_failure)  # type: ignore[arg-type]
        return outcome

    def _defer(self, context: Context, outcome: Outcome, deadline: float, due: datetime | None) -> None:
        from airflow_provider_octopost.triggers.octopost import OctopostPostTrigger

        posts = outcome.posts
        created = [post.created_at for post in posts if post.created_at]
        limit = execution_deadline(self, context)
        ends = min(deadline, limit)
        self._push_urls(context, outcome)
        self.defer(
            trigger=OctopostPostTrigger(
                octopost_conn_id=self.octopost_conn_id,
                post_ids=[post.id for post in posts],
                deadline=ends,
                poll_interval=self.poll_interval,
                created_at=min(created).isoformat() if len(created) == len(posts) else None,
                due=due.isoformat() if due else None,
                cancel_on_kill=True,
            ),
            method_name="execute_complete",
            kwargs={
                "networks": list(outcome.results),
                "operation": outcome.operation,
                "post_ids": [post.id for post in posts],
                "killed_by_timeout": limit < deadline,
            },
            timeout=timedelta(seconds=max(0.0, ends - time.time()) + DEFER_MARGIN),
        )

    def execute_complete(
        self,
        context: Context,
        event: Any = None,
        *,
        networks: list[str],
        operation: str,
        post_ids: Sequence[str] = (),
        killed_by_timeout: bool = False,
        **_: Any,
    ) -> dict[str, Any]:
        """
        Return the result when the trigger has fired. Runs on a fresh instance of the operator.

        :param context: The task's context.
        :param event: What the trigger says.
        :param networks: The networks in question.
        :param operation: What was done before the task was deferred.
        :param post_ids: The posts.
        :param killed_by_timeout: Whether the wait could last until the task's ``execution_timeout``.
        """
        from airflow_provider_octopost.triggers.octopost import validate_event
        from octopost_core.models import Post
        from octopost_core.outcome import judge

        event = validate_event(event)
        self.post_urls = {}
        if event["status"] == "timeout":
            if killed_by_timeout:  # what Airflow does with a running task
                self._post_ids = list(post_ids)
                self.on_kill()
                raise AirflowTaskTimeout(f"The task's execution_timeout is over. {event['message']}")
            raise AirflowFailException(_timed_out(event["message"]))
        if event["status"] == "missing":
            raise AirflowFailException(event["message"])
        if event["status"] == "error":
            # Reading failed, not publishing: another try finds the post and goes on waiting.
            raise RuntimeError(event["message"])
        outcome = judge(
            [Post.model_validate(post) for post in event["posts"]],
            networks,
            operation=operation,  # type: ignore[arg-type]
        )
        for network, reason in outcome.failed.items():
            self.log.warning("%s failed: %s", network, reason)
        self._push_urls(context, outcome)
        with told_to_airflow():
            outcome.raise_for(self.on_partial_failure)  # type: ignore[arg-type]
        return self._result(context, outcome)

    def _result(self, context: Context, outcome: Outcome) -> dict[str, Any]:
        self._push_urls(context, outcome)
        result = outcome.to_dict()
        for network, url in result["urls"].items():
            self.log.info("Live on %s: %s", network, url)
        if outcome.operation == "drafted":
            self.log.info("Post %s is a draft; it goes out when it is published.", outcome.post.id)
        elif outcome.pending:
            self.log.info("Not out yet on %s (post %s).", ", ".join(outcome.pending), outcome.post.id)
        return result

    def _push_urls(self, context: Context, outcome: Outcome) -> None:
        """Store what the extra links need, and the id once more: it may not be the first one that was known."""
        self.post_urls = {network: url for network, url in outcome.live.items() if url}
        for link in links_of(self):
            context["ti"].xcom_push(key=link.xcom_key, value=self.post_urls[link.network])
        context["ti"].xcom_push(key="post_id", value=outcome.post.id)

    # --- limits and killing ------------------------------------------------------------------------------------------

    def _defer_until_limit_resets(
        self, context: Context, error: RateLimited, since: datetime, give_up_at: float | None
    ) -> None:
        """Free the worker until the rate limit resets; returns where that is not possible, and the error stands."""
        now = datetime.now(UTC)
        give_up_at = give_up_at if give_up_at is not None else now.timestamp() + max(self.timeout, 7200.0)
        moment = now + timedelta(seconds=error.retry_after if error.retry_after is not None else UNTOLD_WAIT)
        if not self.deferrable or moment.timestamp() > min(give_up_at, execution_deadline(self, context)):
            return
        try:
            from airflow.providers.standard.triggers.temporal import DateTimeTrigger
        except ImportError:  # Airflow 2
            from airflow.triggers.temporal import DateTimeTrigger  # type: ignore[no-redef]

        self.log.warning("%s Waiting until %s without a worker slot.", error.message, f"{moment:%Y-%m-%d %H:%M:%S} UTC")
        self.defer(
            trigger=DateTimeTrigger(moment=moment),
            method_name="execute_after_limit",
            kwargs={"since": since.isoformat(), "give_up_at": give_up_at},
        )

    def on_kill(self) -> None:
        """Unschedule what is not live yet, and say what already is."""
        from airflow_provider_octopost.utils.cancel import unschedule

        self._killed = True
        if post_ids := getattr(self, "_post_ids", None):
            unschedule(self.hook.settings(), post_ids)


def merge(outcomes: Sequence[Outcome]) -> Outcome:
    """
    Make one outcome of those of an announcement's posts.

    :param outcomes: At least one; their networks do not overlap.
    """
    if len(outcomes) == 1:
        return outcomes[0]
    from octopost_core.outcome import judge

    operations = [outcome.operation for outcome in outcomes]
    return judge(
        [post for outcome in outcomes for post in outcome.posts],
        [network for outcome in outcomes for network in outcome.results],
        operation=next((operation for operation in operations if operation != "unchanged"), "unchanged"),
        events=[event for outcome in outcomes for event in outcome.events],
    )


def _timed_out(what: str) -> str:
    return (
        f"{what} The networks may still answer: look at the post in the Octopost dashboard. Clearing this task is "
        "safe: it finds the post again and goes on waiting."
    )
