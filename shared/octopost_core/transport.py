"""One HTTP exchange with the API: what may leave this machine, and which error each failure is."""

from __future__ import annotations

import ipaddress
import json
import logging
import platform as host
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.auth import AuthBase

from octopost_core import errors, retry, wire
from octopost_core.version import __version__

log = logging.getLogger("octopost_core")


@dataclass(frozen=True)
class Timeout:
    """Bound the waits of one request.

    :param connect: Seconds until a connection must be made.
    :param read: Seconds without a byte of reply.
    :param publish: The same for publishing, which may take minutes (a peer measured 222 s).
    """

    connect: float = 5.0
    read: float = 30.0
    publish: float = 300.0


@dataclass(frozen=True)
class Reply:
    """Hold a reply of 2xx.

    :param payload: Parsed JSON, or ``None`` for an empty body.
    :param date: The server's clock, from its Date header.
    """

    status: int
    headers: Mapping[str, str]
    payload: Any
    date: datetime | None
    request_id: str


def check_api_key(api_key: str | None) -> str:
    """Return the key, or refuse one that cannot be sent.

    :param api_key: The key; its form beyond the prefix ``oct_`` is unknown, so nothing more is checked.
    :raises InvalidInput: Never repeating the key.
    """
    if not api_key or not api_key.strip():
        raise errors.InvalidInput(
            "The API key is empty.",
            field="api_key",
            cure="Create one under Settings > API Keys in the Octopost dashboard (it begins with oct_).",
        )
    key = api_key.strip()
    if not re.fullmatch(r"[\x21-\x7e]+", key):
        raise errors.InvalidInput(
            f"The API key is malformed: its {len(key)} characters include spaces, line ends or letters outside ASCII.",
            field="api_key",
            cure="Copy the key again, without quotation marks or line ends; it begins with oct_.",
        )
    return key


def check_base_url(base_url: str, api_key: str) -> str:
    """Return the base URL without a trailing slash, or refuse one that would give the key away.

    Plain http is for this machine, and for test keys, which never publish to real networks
    (documented: authentication page) and are what a sandbox in another container gets.

    :param base_url: The API's address.
    :param api_key: The key that would be sent there.
    :raises InvalidInput: Saying which part is wrong.
    """
    try:
        parts = urlsplit(base_url.strip())
        parts.port  # noqa: B018 - raises for a bad port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise errors.InvalidInput(
            f"The base URL {wire.snippet(base_url)!r} is no address of an API.",
            field="base_url",
            cure="Write it as https://api.octopost.ink/v1, without user name or query.",
        )
    if parts.scheme == "http" and not is_loopback(parts.hostname) and not api_key.startswith("oct_test_"):
        raise errors.InvalidInput(
            f"The base URL {base_url!r} would send the API key in the clear.",
            field="base_url",
            cure="Use https; plain http is only for this machine or for a test key (oct_test_...).",
        )
    return base_url.strip().rstrip("/")


def is_loopback(hostname: str) -> bool:
    """Tell whether a host name means this machine.

    :param hostname: Name or address, without port.
    """
    if hostname == "localhost" or hostname.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return False


class BearerAuth(AuthBase):
    """Send the key as a bearer token, to one origin only.

    As an ``auth`` object, so that requests does not let ``.netrc`` replace it.
    """

    def __init__(self, api_key: str, base_url: str) -> None:
        self._key = api_key
        self._base = base_url

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if (request.url or "").startswith(self._base + "/"):
            request.headers["Authorization"] = f"Bearer {self._key}"
        return request

    def __repr__(self) -> str:
        return "BearerAuth(***)"


class Transport:
    """Exchange one request for one reply or one error of the tree; nothing is sent twice here.

    :param api_key: The key.
    :param base_url: The API's address, with its version.
    :param timeout: The waits.
    :param user_agent: Appended to our own, as in ``airflow/3.3.2``.
    :param verify: Whether to check certificates, or a CA bundle's path.
    :param proxies: Proxies per scheme, as requests takes them.
    """

    def __init__(
        self,
        api_key: str,
        base_url: str,
        timeout: Timeout,
        *,
        user_agent: str = "",
        verify: bool | str = True,
        proxies: Mapping[str, str] | None = None,
    ) -> None:
        self._key = check_api_key(api_key)
        self.base_url = check_base_url(base_url, self._key)
        self._timeout = timeout
        self._session = requests.Session()
        self._session.auth = BearerAuth(self._key, self.base_url)
        self._session.verify = verify
        if proxies:
            self._session.proxies.update(proxies)
        agent = f"octopost-python/{__version__} (python {host.python_version()})"
        self._session.headers.update(
            {
                "Accept": "application/json",
                "Content-Type": "application/json",
                "User-Agent": f"{agent} {user_agent}".strip(),
            }
        )

    def close(self) -> None:
        """Close the kept connections."""
        self._session.close()

    def exchange(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
        long: bool = False,
        on_headers: Any = None,
    ) -> Reply:
        """Send a request once.

        :param method: HTTP method.
        :param path: Path below the base URL, beginning with a slash.
        :param body: JSON body, or ``None`` for none.
        :param params: Query parameters.
        :param long: Whether the publish timeout applies.
        :param on_headers: Called with (status, headers) of any reply.
        :raises OctopostError: One of the tree, never a requests exception.
        """
        request_id = str(uuid.uuid4())
        what = f"{method} {path}"
        read = self._timeout.publish if long else self._timeout.read
        try:
            response = self._session.request(
                method,
                self.base_url + path,
                params=dict(params) if params else None,
                data=json.dumps(body, ensure_ascii=False).encode() if body is not None else None,
                headers={"X-Request-Id": request_id},
                timeout=(self._timeout.connect, read),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise self._transport_error(error, what, request_id, read) from None
        log.debug("%s -> %s (request %s)", what, response.status_code, request_id)
        request_id = response.headers.get("X-Request-Id") or request_id
        if on_headers:
            on_headers(response.status_code, response.headers)
        return self._read(response, what, request_id)

    def _read(self, response: requests.Response, what: str, request_id: str) -> Reply:
        status, text = response.status_code, self._clean(response.content.decode("utf-8", "replace"))
        date = wire.header_date(response.headers.get("Date"))
        if 200 <= status < 300:
            payload = wire.parse_json(text, status=status, request_id=request_id) if text.strip() else None
            return Reply(status, response.headers, payload, date, request_id)
        if status == 429:
            raise self._rate_limited(text, response.headers, date, what, request_id)
        raise wire.parse_error(status, text, what=what, request_id=request_id)

    def _rate_limited(
        self, text: str, headers: Mapping[str, str], date: datetime | None, what: str, request_id: str
    ) -> errors.RateLimited:
        envelope = wire.envelope_of(text)
        now = date or datetime.now(UTC)
        wait = retry.told_wait(headers, envelope.get("details"), now)
        # The moment is given on our own clock: that is the one the reader compares it with.
        reset_at = datetime.now(UTC) + timedelta(seconds=wait) if wait is not None else None
        return errors.RateLimited(
            f"Octopost's rate limit is used up ({what}).",
            retry_after=wait,
            reset_at=reset_at,
            code=envelope.get("code") or "rate_limited",
            details=envelope.get("details"),
            request_id=request_id,
        )

    def _transport_error(
        self, error: requests.RequestException, what: str, request_id: str, read: float
    ) -> errors.OctopostError:
        if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema):
            return errors.InvalidInput(f"{self.base_url}{what} is no valid URL.", field="base_url")
        if _never_connected(error):
            reason = _reason(error)
            return errors.ConnectFailed(f"No connection to {self.base_url} ({reason}).", request_id=request_id)
        if isinstance(error, requests.Timeout):
            return errors.ResponseLost(f"No reply to {what} within {read:g} s.", request_id=request_id)
        return errors.ResponseLost(
            f"The connection broke before the whole reply to {what} had come.", request_id=request_id
        )

    def _clean(self, text: str) -> str:
        """Take the key out of whatever the server says, should it echo it."""
        return text.replace(self._key, "***")


def _never_connected(error: requests.RequestException) -> bool:
    """Only failures that surely came before the first byte of the request was sent."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    reason = error.args[0] if error.args else None
    reason = getattr(reason, "reason", reason)
    if isinstance(reason, urllib3.exceptions.ProxyError):
        reason = reason.original_error
    if isinstance(reason, urllib3.exceptions.SSLError):
        return "CERTIFICATE_VERIFY_FAILED" in str(reason)
    return isinstance(reason, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError)


def _reason(error: requests.RequestException) -> str:
    text = str(error)
    for sign, words in (
        ("CERTIFICATE_VERIFY_FAILED", "its certificate could not be verified"),
        ("refused", "refused"),
        ("NameResolution", "the host name is unknown"),
        ("timed out", "timed out"),
        ("Proxy", "the proxy cannot be reached"),
    ):
        if sign in text:
            return words
    return type(error).__name__
