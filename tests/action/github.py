"""A GitHub API small enough to read: releases by tag, workflow runs, and what was asked."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote


class GitHubServer:
    """Serve ``/repos/{owner}/{name}/releases/tags/{tag}`` and ``/actions/runs/{id}`` below any prefix.

    Attributes: ``releases`` maps a tag to its release, or to a list of answers given one after the other, where a
    number is an HTTP status; ``runs`` maps a run's id to its facts; ``requests`` holds (path, authorization).
    """

    def __init__(self) -> None:
        self.releases: dict[str, Any] = {}
        self.runs: dict[str, Any] = {}
        self.redirects: dict[str, str] = {}
        self.requests: list[tuple[str, str | None]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.requests.append((self.path, self.headers.get("Authorization")))
                status, body, headers = server.answer(self.path)
                data = json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", "Content-Length": len(data), **headers}.items():
                    self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def answer(self, path: str) -> tuple[int, Any, dict[str, str]]:
        """Return status, body and headers for a path."""
        if path in self.redirects:
            return 301, {"message": "Moved Permanently"}, {"Location": self.redirects[path]}
        kind, _, name = path.rpartition("/")
        known = (
            self.releases if kind.endswith("/releases/tags") else self.runs if kind.endswith("/actions/runs") else {}
        )
        found = known.get(unquote(name), 404)
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        if isinstance(found, int):
            return (
                found,
                {"message": {404: "Not Found", 403: "Resource not accessible by integration"}.get(found, "Sorry")},
                {},
            )
        return 200, found, {}

    def __enter__(self) -> GitHubServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
