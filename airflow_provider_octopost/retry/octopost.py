"""A retry policy that waits exactly as long as Octopost asks (Airflow 3.3 and newer)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowOptionalProviderFeatureException

try:
    from airflow.sdk import RetryDecision, RetryPolicy
except ImportError:
    raise AirflowOptionalProviderFeatureException("OctopostRetryPolicy needs Airflow 3.3 or newer.") from None

from airflow_provider_octopost.utils.failures import worth_retrying
from octopost_core.errors import OctopostError, RateLimited

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

#: Seconds beyond the told time: those who were told the same moment should not all come back in it.
MARGIN = 5.0


class OctopostRetryPolicy(RetryPolicy):
    """
    Decide on retries of tasks that talk to Octopost.

    A rate limit is waited out for as long as the server says, whatever the task's ``retry_delay``. What no retry can
    cure fails at once. Everything else is left to the task's own settings, or to the next policy in a
    ``ChainRetryPolicy([OctopostRetryPolicy(), your_own])``. Our operators use it unless ``retry_policy`` is given.

    :param retry_failed: Whether a further try posts to the networks that failed.
    """

    def __init__(self, *, retry_failed: bool = False) -> None:
        self.retry_failed = retry_failed

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,
        context: Context | None = None,
    ) -> RetryDecision:
        """
        Decide what follows a failure.

        :param exception: What the task raised.
        :param try_number: The try that failed, from 1.
        :param max_tries: The last try there may be.
        :param context: The task's context.
        """
        if isinstance(exception, RateLimited) and exception.retry_after is not None:
            wait = timedelta(seconds=exception.retry_after + MARGIN)
            return RetryDecision.retry(delay=wait, reason=f"Octopost's rate limit: next try in {wait.seconds} s.")
        if isinstance(exception, OctopostError) and not worth_retrying(exception, retry_failed=self.retry_failed):
            return RetryDecision.fail(reason=str(exception)[:500])
        return RetryDecision.default()

    def serialize(self) -> dict[str, Any]:
        """Return the policy's settings."""
        return {"retry_failed": self.retry_failed}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> OctopostRetryPolicy:
        """
        Make the policy again.

        :param data: What :meth:`serialize` returned.
        """
        return cls(**data)
