"""API keys: any test key works, keys can be given scopes or revoked, and live keys are refused loudly."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from typing import Any

from octopost_sandbox.errors import ApiError

# Documented: authentication page. A key without explicit permissions has full access.
SCOPES = tuple(f"{what}:{how}" for what in ("posts", "accounts", "presets", "webhooks") for how in ("read", "write"))
LIVE_REFUSED = (
    "This is a local Octopost sandbox and it refuses live keys. Use an oct_test_ key here, and treat the live key as "
    "exposed if this address was not meant."
)


@dataclass
class Key:
    """A registered key; ``scopes`` None is full access, ``tier`` None the sandbox's own."""

    key: str
    scopes: list[str] | None = None
    tier: str | None = None
    revoked: bool = False


class Keys:
    """The keys that are registered, and the rule for those that are not."""

    def __init__(self, api_key: str) -> None:
        self.registered: dict[str, Key] = {api_key: Key(api_key)}

    def authenticate(self, header: str | None) -> Key:
        """Return the key of an Authorization header; raise the documented 401 for anything but a usable key."""
        scheme, _, token = (header or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise ApiError(401, "Missing or malformed Authorization header. Send 'Authorization: Bearer <api key>'.")
        if token.startswith("oct_live_"):
            print("octopost-sandbox: refused a live key (oct_live_...): this is a sandbox", file=sys.stderr, flush=True)
            raise ApiError(401, LIVE_REFUSED)
        key = self.registered.get(token)
        if key is None and token.startswith("oct_test_") and len(token) > len("oct_test_"):
            return Key(token)
        if key is None or key.revoked:
            raise ApiError(401, "Invalid or expired API key.")
        return key

    def register(self, key: Key) -> None:
        """Add a key or change one."""
        self.registered[key.key] = key

    def revoke(self, token: str) -> None:
        """Revoke a key at once."""
        key = self.registered.setdefault(token, Key(token))
        key.revoked = True

    def state(self) -> list[dict[str, Any]]:
        """Return what a restart needs."""
        return [asdict(key) for key in self.registered.values()]

    def restore(self, state: list[dict[str, Any]]) -> None:
        """Take up the keys of an earlier run."""
        self.registered |= {record["key"]: Key(**record) for record in state}


def require_scope(key: Key, scope: str) -> None:
    """Raise the documented 403 when the key lacks a scope."""
    if key.scopes is not None and scope not in key.scopes:
        raise ApiError(403, f"This API key lacks the {scope} permission.")
