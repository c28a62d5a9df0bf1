"""Ask GitHub what the event does not tell: a release by its tag, and when this run started."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import requests

from github_action.context import Context
from octopost_core.errors import InvalidInput

#: Seconds to connect, and seconds without a byte of reply.
TIMEOUT = (5.0, 30.0)
#: Seconds between tries of a look-up that a busy or lagging server did not answer well.
PAUSES = (1.0, 3.0)
MAX_REDIRECTS = 3


class _Token(requests.auth.AuthBase):
    """Set the token where requests would otherwise look into ~/.netrc."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class GitHub:
    """Read from the GitHub that runs this workflow; on GitHub Enterprise Server that is your own host.

    :param context: Names the API's address and the repository.
    :param token: Sent to that address only; may be empty for public repositories.
    """

    def __init__(self, context: Context, token: str) -> None:
        self._context, self._token = context, token
        self._root = f"{context.api_url}/repos/{context.repository}"

    def release(self, tag: str) -> dict[str, Any] | None:
        """Return the published release of a tag; ``None`` where there is none (drafts are not found).

        :param tag: The tag, which may hold slashes.
        :raises InvalidInput: When GitHub refuses the question or cannot be reached.
        """
        # Documented: "Get a release by tag name"; needs contents: read.
        return self._get(f"/releases/tags/{quote(tag, safe='')}", "the release", "contents: read")

    def run_started(self) -> datetime | None:
        """Return when this workflow run was started for the first time; ``None`` where GitHub does not tell us."""
        # Documented: "Get a workflow run"; needs actions: read in private repositories.
        try:
            run = self._get(f"/actions/runs/{quote(self._context.run_id, safe='')}", "this run", "actions: read")
        except InvalidInput:
            return None
        try:
            return datetime.fromisoformat((run or {})["created_at"])
        except (KeyError, TypeError, ValueError):
            return None

    def _get(self, path: str, what: str, permission: str) -> dict[str, Any] | None:
        url = self._root + path
        host = urlsplit(url)
        if host.scheme != "https" and host.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise InvalidInput(
                f"GITHUB_API_URL is {self._context.api_url!r}, not an https address.", field="GITHUB_API_URL"
            )
        problem = ""
        for pause in (*PAUSES, None):
            try:
                reply = self._send(url)
            except requests.RequestException as error:
                problem = f"could not be reached ({type(error).__name__})"
            else:
                if 200 <= reply.status_code < 300:
                    return self._object(reply, what)
                if reply.status_code == 404 and not self._may_lag(path, pause):
                    return None
                problem = f"answered {reply.status_code}{self._reason(reply)}"
                if reply.status_code not in (404, 429) and reply.status_code < 500:
                    break
            if pause:
                time.sleep(pause)
        raise InvalidInput(
            f"{host.hostname} {problem} when asked for {what}.",
            field="tag",
            cure=f"Give the job the permission {permission} and leave github-token at its default, or try again later.",
        )

    @staticmethod
    def _may_lag(path: str, pause: float | None) -> bool:
        """A release made a moment ago may not be readable yet: a 404 is believed the second time."""
        return pause == PAUSES[0] and path.startswith("/releases/")

    def _send(self, url: str) -> requests.Response:
        headers = {
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "User-Agent": "octopost-publish-action",
        }
        origin = urlsplit(url)[:2]
        with requests.Session() as session:
            for _ in range(MAX_REDIRECTS + 1):
                reply = session.get(
                    url, headers=headers, auth=_Token(self._token), timeout=TIMEOUT, allow_redirects=False
                )
                target = reply.headers.get("Location")
                # A renamed repository redirects; the token follows on the same host only.
                if not reply.is_redirect or not target or urlsplit(url := urljoin(url, target))[:2] != origin:
                    break
        return reply

    @staticmethod
    def _object(reply: requests.Response, what: str) -> dict[str, Any]:
        try:
            found = reply.json()
        except requests.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            raise InvalidInput(
                f"{urlsplit(reply.url).hostname} answered the question for {what} with something else than JSON.",
                field="GITHUB_API_URL",
                cure="Check GITHUB_API_URL and the proxy settings.",
            )
        return found

    @staticmethod
    def _reason(reply: requests.Response) -> str:
        try:
            message = reply.json().get("message")
        except (requests.JSONDecodeError, AttributeError):
            return ""
        return f" ({str(message)[:200]})" if message else ""
