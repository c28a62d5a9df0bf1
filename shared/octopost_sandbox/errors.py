"""The API's own errors, in the documented envelope."""

from __future__ import annotations

from typing import Any

# Documented: errors page for 400 to 409, rate-limits page for 429. Inferred: 422 and the 5xx codes.
CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    422: "validation_error",
    429: "rate_limited",
    500: "internal_error",
    502: "bad_gateway",
    503: "service_unavailable",
}


class ApiError(Exception):
    """An answer other than success: status, message for people, optional details and headers."""

    def __init__(
        self, status: int, error: str, details: dict[str, Any] | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(error)
        self.status = status
        self.details = details
        self.headers = headers or {}

    @property
    def body(self) -> dict[str, Any]:
        """Return the envelope ``{error, code, details?}`` (documented: errors page)."""
        body: dict[str, Any] = {"error": str(self), "code": CODES[self.status]}
        if self.details is not None:
            body["details"] = self.details
        return body


def invalid(field: str, message: str) -> ApiError:
    """Return the 422 for one field of a request body (inferred: status, code and the shape of details)."""
    return ApiError(422, f"{field}: {message}", {"fields": {field: [message]}})
