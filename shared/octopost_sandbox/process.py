"""Start a sandbox in a child process and talk to it: for tests, demos and scripts."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

START_PATIENCE = 30.0  # seconds


class SandboxError(RuntimeError):
    """The sandbox did not start, or refused a control call."""


class Sandbox:
    """A running sandbox, seen from outside.

    Parameters: ``base_url`` is what a client is given (it ends in ``/v1``), ``api_key`` a test key that works.
    """

    def __init__(self, base_url: str, api_key: str) -> None:
        self.base_url = base_url
        self.api_key = api_key
        self.root = base_url.removesuffix("/v1")
        self.inbox_url = f"{self.root}/"
        # Loopback is never behind a proxy, whatever the environment says.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def control(self, method: str, path: str, body: dict[str, Any] | None = None, **query: Any) -> Any:
        """Make a control call below ``/_sandbox``; raise SandboxError with its message when it is refused."""
        wanted = {name: value for name, value in query.items() if value is not None}
        url = f"{self.root}/_sandbox{path}" + (f"?{urllib.parse.urlencode(wanted)}" if wanted else "")
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310
        try:
            with self._opener.open(request, timeout=330) as reply:
                raw = reply.read()
        except urllib.error.HTTPError as error:
            raise SandboxError(f"{method} {path}: {error.code} {error.read().decode('utf-8', 'replace')}") from None
        return json.loads(raw) if raw else None

    def reset(self) -> None:
        """Go back to how the sandbox was started."""
        self.control("POST", "/reset")

    def posts(self, include_deleted: bool = False) -> list[dict[str, Any]]:
        """Return every post, oldest first."""
        found = self.control("GET", "/posts")["posts"]
        return [post for post in found if include_deleted or post["deleted_at"] is None]

    def post(self, post_id: str) -> dict[str, Any]:
        """Return one post, also a deleted one."""
        found: dict[str, Any] = self.control("GET", f"/posts/{post_id}")
        return found

    def live(self, network: str | None = None) -> list[dict[str, Any]]:
        """Return what stands on a network (on all) right now."""
        found: list[dict[str, Any]] = self.control("GET", "/live", network=network)["live"]
        return found

    def duplicates(self, url: str | None = None, ever: bool = False) -> list[dict[str, Any]]:
        """Return content that is live twice on one network; see ``GET /_sandbox/duplicates``."""
        found: list[dict[str, Any]] = self.control("GET", "/duplicates", url=url, ever="true" if ever else None)[
            "duplicates"
        ]
        return found

    def calls(self, operation: str | None = None, post_id: str | None = None) -> list[dict[str, Any]]:
        """Return the logged API calls, oldest first."""
        found: list[dict[str, Any]] = self.control("GET", "/calls", operation=operation, post_id=post_id)["calls"]
        return found

    def fault(self, operation: str, kind: str, **settings: Any) -> str:
        """Plan a fault (see ``octopost_sandbox.faults``); return its id."""
        made = self.control("POST", "/faults", {"operation": operation, "kind": kind, **settings})
        return str(made["id"])

    def faults(self) -> list[dict[str, Any]]:
        """Return the planned faults with their counters ``seen`` and ``fired``."""
        found: list[dict[str, Any]] = self.control("GET", "/faults")["faults"]
        return found

    def clear_faults(self) -> None:
        """Remove every planned fault."""
        self.control("DELETE", "/faults")

    def dialect(self, **choices: Any) -> dict[str, Any]:
        """Change dialects (see ``octopost_sandbox.dialect``); return all that are in force."""
        made: dict[str, Any] = self.control("POST", "/dialect", choices)["dialect"]
        return made

    def clock(self, **move: Any) -> dict[str, Any]:
        """Show or move the clock: ``freeze=True`` (or a time), ``resume=True``, ``set=``, ``advance=`` seconds.

        ``jump=True`` goes to the next scheduled post.
        """
        state: dict[str, Any] = self.control("POST", "/clock", move)
        return state

    def tier(self, name: str) -> None:
        """Set the tier, and open every rate limit window anew."""
        self.control("POST", "/tier", {"tier": name})

    def key(self, key: str, **settings: Any) -> str:
        """Register a key with ``scopes``, ``tier`` or ``revoked``; return it."""
        self.control("POST", "/keys", {"key": key, **settings})
        return key

    def fail_network(self, network: str, error: str | None = "The network did not accept the post.") -> None:
        """Make a network fail from now on; error None makes it work again."""
        self.control("POST", "/networks", {network: error})

    def expire_account(self, network: str, active: bool = False) -> None:
        """Expire the tokens of a network's accounts, or renew them with ``active=True``."""
        for account in self.control("GET", "/accounts")["accounts"]:
            if account["platform"] == network:
                self.control("POST", f"/accounts/{account['id']}", {"is_active": active})

    def seed(self, posts: list[dict[str, Any]]) -> list[str]:
        """Make posts from create bodies (``publish: True`` sends them); return their ids."""
        made: list[str] = self.control("POST", "/seed", {"posts": posts})["posts"]
        return made

    def deliveries(self) -> list[dict[str, Any]]:
        """Return the webhook deliveries, every try with its answer, oldest first."""
        found: list[dict[str, Any]] = self.control("GET", "/deliveries")["deliveries"]
        return found

    def wait(self, status: str = "published", post_id: str | None = None, timeout: float = 10) -> dict[str, Any]:
        """Wait until a post has the status and return it; raise SandboxError after ``timeout`` seconds."""
        found: dict[str, Any] = self.control("GET", "/wait", status=status, post_id=post_id, timeout=timeout)
        return found


class SandboxProcess(Sandbox):
    """A sandbox in a child process; a context manager that ends it.

    Parameters: command line options of ``octopost-sandbox``; the port is a free one unless they say otherwise. The
    child also ends when this process dies. Raises SandboxError with the child's own words when it does not start.
    """

    def __init__(self, *options: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="octopost-sandbox-")
        ready = Path(self._folder.name, "ready.json")
        command = [sys.executable, "-m", "octopost_sandbox", "--port", "0", "--stop-with-stdin", *options]
        # In a file and not a pipe: nobody has to empty it.
        with Path(self._folder.name, "output.txt").open("w") as output:
            self.process = subprocess.Popen(
                [*command, "--ready-file", str(ready)], stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT
            )
        until = time.monotonic() + START_PATIENCE
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() > until:
                said = self.output()
                self.stop()
                raise SandboxError(f"The sandbox did not start: {said.strip() or 'it said nothing'}")
            time.sleep(0.01)
        facts = json.loads(ready.read_text())
        super().__init__(facts["base_url"], facts["key"])

    def output(self) -> str:
        """Return what the process has printed so far."""
        return Path(self._folder.name, "output.txt").read_text(encoding="utf-8", errors="replace")

    def stop(self) -> int:
        """End the process; return its exit code."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        if self.process.poll() is None:
            self.process.terminate()
        try:
            code = self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self._folder.cleanup()
        return code

    def __enter__(self) -> SandboxProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
