"""One tree of errors. Each says what happened, whether it may have happened anyway, and what to do about it.

Two questions decide every retry, so every error answers them:

* ``retryable`` - may the same call simply be sent again?
* ``may_have_happened`` - may the server have done the work although we saw an error?

``exit_code`` follows the project's table: 1 failed on every network, 2 invalid input or refused key, 3 partial,
4 outcome unknown, 5 rate limited beyond the wait budget.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from octopost_core.models import Post


class OctopostError(Exception):
    """Say what went wrong; the base of every error raised by this package.

    :param message: What happened, one sentence.
    :param cure: What the reader can do about it, one sentence, or empty.
    """

    exit_code: ClassVar[int] = 1
    default_cure: ClassVar[str] = ""
    retryable: bool = False
    may_have_happened: bool = False
    status: int | None = None
    code: str | None = None
    details: Any = None
    request_id: str | None = None
    post_id: str | None = None

    def __init__(self, message: str, *, cure: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure or self.default_cure

    def __str__(self) -> str:
        return f"{self.message} {self.cure}".strip()


class InvalidInput(OctopostError, ValueError):
    """Refuse input before anything is sent.

    :param message: What was found and what to write instead.
    :param field: The name of the input as its author knows it, or ``None``.
    """

    exit_code = 2

    def __init__(self, message: str, *, field: str | None = None, cure: str = "") -> None:
        super().__init__(message, cure=cure)
        self.field = field


class IdempotencyMismatch(InvalidInput):
    """Refuse to publish another text under an identity that already has a post.

    :param post_id: The post that is stored for this identity.
    :param identity: The identity both share.
    """

    default_cure = (
        "Nothing was sent. To publish the new text on purpose, give it an identity of its own "
        "(another task, run or step) or remove the stored entry."
    )

    def __init__(self, post_id: str, identity: str) -> None:
        super().__init__(f"Post {post_id} is stored for {identity}, but with a different text, media or networks.")
        self.post_id = post_id
        self.identity = identity


# --- what the server answered ----------------------------------------------------------------------------------------


class APIError(OctopostError):
    """Report an error reply of the API.

    :param message: What happened, with the server's own words.
    :param status: HTTP status.
    :param code: The envelope's ``code`` (documented: errors page), or ``None``.
    :param details: The envelope's ``details``, any shape (unknown: errors page is cut), or ``None``.
    :param request_id: The request id we sent or the server named, for support.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str | None = None,
        details: Any = None,
        request_id: str | None = None,
        cure: str = "",
    ) -> None:
        super().__init__(message, cure=cure)
        self.status = status
        self.code = code
        self.details = details
        self.request_id = request_id


class BadRequest(APIError):
    """Report a 400: the request itself is malformed."""

    exit_code = 2
    default_cure = "Correct the input that the server names; sending it again unchanged cannot succeed."


class AuthenticationError(APIError):
    """Report a 401: the key is missing, malformed, expired or revoked."""

    exit_code = 2
    default_cure = (
        "Create a key under Settings > API Keys in the Octopost dashboard and store it as the secret or connection "
        "password; a test key (oct_test_...) is refused by endpoints that only work live."
    )


class PermissionDenied(APIError):
    """Report a 403: the key lacks a scope, or the thing belongs to somebody else."""

    exit_code = 2
    default_cure = "Give the key the scope it lacks (posts:read and posts:write to publish), or use the owner's key."


class NotFound(APIError):
    """Report a 404: no such post, deleted, or another user's."""

    exit_code = 2
    default_cure = "Check the id; a deleted post is not created again by itself."


class Conflict(APIError):
    """Report a 409: the post is being published or already was."""

    default_cure = "Look at the post's state before doing anything else; it may already be live."


class UnprocessableContent(APIError):
    """Report a 422: a field was refused."""

    exit_code = 2
    default_cure = "Correct the field that the server names; sending it again unchanged cannot succeed."


class UnexpectedRedirect(APIError):
    """Report a 3xx: a redirect of a write is never followed."""

    exit_code = 2
    default_cure = "Set the base URL to the address the API really has; redirects are not followed."


class RateLimited(APIError):
    """Report a 429 whose wait goes beyond the budget.

    :param retry_after: Seconds to wait as far as the server told, else ``None``.
    :param reset_at: The moment (aware) at which the limit resets, or ``None``.
    """

    exit_code = 5
    retryable = True

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        reset_at: datetime | None = None,
        status: int = 429,
        code: str | None = "rate_limited",
        details: Any = None,
        request_id: str | None = None,
        cure: str = "",
    ) -> None:
        when = f"not before {reset_at:%Y-%m-%d %H:%M:%S} UTC" if reset_at else "later"
        cure = cure or f"Run it again {when}; what was already created is found again and not doubled."
        super().__init__(message, status=status, code=code, details=details, request_id=request_id, cure=cure)
        self.retry_after = retry_after
        self.reset_at = reset_at


class ServerError(APIError):
    """Report a 5xx: the server failed, before or after doing the work."""

    retryable = True
    may_have_happened = True
    default_cure = "Try again later; if it lasts, tell Octopost the request id."


# --- what happened on the way ----------------------------------------------------------------------------------------


class TransportError(OctopostError):
    """Report a failure below HTTP.

    :param request_id: The request id we sent, for support.
    """

    retryable = True

    def __init__(self, message: str, *, request_id: str | None = None, cure: str = "") -> None:
        super().__init__(message, cure=cure)
        self.request_id = request_id


class ConnectFailed(TransportError):
    """Report that no connection was made, so nothing was sent."""

    default_cure = "Check the base URL, the network and the proxy settings."


class ResponseLost(TransportError):
    """Report that the request went out and no whole reply came back."""

    may_have_happened = True
    default_cure = "The server may have done the work: look before sending it again."


class InvalidResponse(OctopostError):
    """Report a reply of 2xx that is not what the API documents (not JSON, no id, cut short)."""

    may_have_happened = True
    default_cure = "Check that the base URL is the API's (https://api.octopost.ink/v1), not a web page or a proxy."

    def __init__(
        self, message: str, *, status: int | None = None, request_id: str | None = None, cure: str = ""
    ) -> None:
        super().__init__(message, cure=cure)
        self.status = status
        self.request_id = request_id


# --- how a publication ended -----------------------------------------------------------------------------------------


class OutcomeUnknown(OctopostError):
    """Report that nobody can prove whether the announcement is out; never retried by itself.

    :param post_id: The post in question, or ``None`` when not even its id is known.
    :param seen: What was last seen of it.
    :param sent: Whether a publish call may have been sent; ``False`` where it was held back for want of proof.
    :param cure: How to go on.
    """

    exit_code = 4
    may_have_happened = True

    def __init__(self, post_id: str | None, seen: str, *, sent: bool = True, cure: str = "") -> None:
        subject = f"Post {post_id}" if post_id else "A post"
        fate = "may or may not have gone out" if sent else "was held back"
        cure = cure or (
            "Look at it in the Octopost dashboard; running this again is safe: it looks the post up first"
            + (f", and publishing by id ({post_id}) continues from there." if post_id else ".")
        )
        super().__init__(f"{subject} {fate}: {seen}", cure=cure)
        self.post_id = post_id
        self.seen = seen
        self.may_have_happened = sent


def _reasons(failed: dict[str, str]) -> str:
    return "; ".join(f"{network}: {error.rstrip('.')}" for network, error in failed.items())


class PublicationError(OctopostError):
    """Say that a publication ended without reaching every network.

    :param post: The post as last seen.
    :param failed: Error text per failed network.
    :param live: URL (or ``None``) per network that has the post.
    """

    def __init__(
        self, message: str, *, post: Post, failed: dict[str, str], live: dict[str, str | None], cure: str = ""
    ) -> None:
        super().__init__(message, cure=cure)
        self.post = post
        self.post_id = post.id
        self.failed = failed
        self.live = live
        self.outcome: Any = None


class PartialFailure(PublicationError):
    """Report a post that is live on some networks and failed on others."""

    exit_code = 3

    def __init__(self, *, post: Post, failed: dict[str, str], live: dict[str, str | None]) -> None:
        errors = _reasons(failed)
        super().__init__(
            f"Post {post.id} is live on {', '.join(live)} and failed on {', '.join(failed)} ({errors}).",
            post=post,
            failed=failed,
            live=live,
            cure="Do not publish it again as a whole: mend the cause, then run again with retry-failed, "
            "which posts to the failed networks only.",
        )


class PublishFailed(PublicationError):
    """Report a post that failed on every network."""

    def __init__(self, *, post: Post, failed: dict[str, str]) -> None:
        errors = _reasons(failed) or "no reason given"
        super().__init__(
            f"Post {post.id} failed on every network ({errors}).",
            post=post,
            failed=failed,
            live={},
            cure="Mend the cause, then run again with retry-failed.",
        )
