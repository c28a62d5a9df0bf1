"""How an error of the core reaches Airflow: failed at once where no retry can help, plain where one can."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowNotFoundException

from octopost_core.errors import InvalidResponse, OctopostError, PublicationError

if TYPE_CHECKING:
    from collections.abc import Iterator


def worth_retrying(error: OctopostError, *, retry_failed: bool = False) -> bool:
    """
    Tell whether Airflow should try the task again; the protocol makes that safe, not always useful.

    :param error: What the core raised.
    :param retry_failed: Whether a further try posts to the networks that failed.
    """
    if isinstance(error, PublicationError):
        return retry_failed
    # A page of a proxy in place of an answer is as passing as a 502, and the protocol looks before it sends again.
    return error.retryable or isinstance(error, InvalidResponse)


def words_of(error: Exception) -> str:
    """
    Return an error as one line for a log: our own speak for themselves, others need the name of their class.

    :param error: Any.
    """
    return str(error) if isinstance(error, OctopostError) else f"{type(error).__name__}: {error}"


@contextlib.contextmanager
def told_to_airflow(*, retry_failed: bool = False) -> Iterator[None]:
    """
    Turn errors of the core into what Airflow acts upon, with the same words.

    :param retry_failed: Whether a further try posts to the networks that failed.
    :raises AirflowFailException: For what no retry can cure: wrong input, a refused key, an unknown outcome, a failed
        publication. Airflow fails the task at once, whatever its retries.
    """
    try:
        yield
    except OctopostError as error:
        if worth_retrying(error, retry_failed=retry_failed):
            raise error from None
        raise AirflowFailException(str(error)) from None
    except AirflowNotFoundException as error:
        raise AirflowFailException(
            f"{error} Create it (type octopost, password = API key), or name another one in octopost_conn_id."
        ) from None
