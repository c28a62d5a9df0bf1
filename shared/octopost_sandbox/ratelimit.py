"""Rate limits: requests per minute and, apart, publishes per hour, counted per API key."""

from __future__ import annotations

from dataclasses import dataclass

from octopost_sandbox.clock import MICROS, Clock, to_iso
from octopost_sandbox.errors import ApiError

# Documented: rate-limits page. ``unlimited`` is the sandbox's own, for tests that make thousands of calls.
TIERS = {"free": (60, 10), "starter": (300, 60), "pro": (1_000, 300), "unlimited": (1_000_000_000, 1_000_000_000)}
MINUTE, HOUR = 60, 3_600


@dataclass
class Window:
    """A fixed window that opens with its first call."""

    limit: int
    seconds: int
    ends_at: int = 0
    used: int = 0

    def roll(self, now: int) -> None:
        """Open a new window when the old one is over (or when the clock was set back before it)."""
        if now >= self.ends_at or now < self.ends_at - self.seconds * MICROS:
            self.ends_at, self.used = now + self.seconds * MICROS, 0

    def headers(self) -> dict[str, str]:
        """Return the three headers every response carries (documented: rate-limits page)."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(0, self.limit - self.used)),
            "X-RateLimit-Reset": str(-(-self.ends_at // MICROS)),
        }


class RateLimits:
    """The windows of every key seen."""

    def __init__(self, clock: Clock, tier: str) -> None:
        self.tier = tier
        self._clock = clock
        self._windows: dict[tuple[str, str], Window] = {}

    def window(self, key: str, publish: bool, tier: str | None = None) -> Window:
        """Return the key's window for publishes or for everything else, opened for the present time."""
        per_minute, per_hour = TIERS[tier or self.tier]
        limit, seconds = (per_hour, HOUR) if publish else (per_minute, MINUTE)
        window = self._windows.setdefault((key, "publish" if publish else "general"), Window(limit, seconds))
        window.limit = limit
        window.roll(self._clock.now())
        return window

    def spend(self, window: Window) -> None:
        """Count a call; raise the documented 429 when the window is full."""
        if window.used >= window.limit:
            raise too_many(self._clock, window.limit, window.ends_at)
        window.used += 1

    def clear(self) -> None:
        """Open every window anew."""
        self._windows.clear()


def too_many(clock: Clock, limit: int, ends_at: int) -> ApiError:
    """Return the documented 429 with its details and Retry-After in seconds."""
    wait = max(1, -(-(ends_at - clock.now()) // MICROS))
    details = {"limit": limit, "remaining": 0, "reset_at": to_iso(ends_at), "retry_after": wait}
    return ApiError(
        429, f"Rate limit exceeded. Please try again in {wait} seconds.", details, {"Retry-After": str(wait)}
    )
