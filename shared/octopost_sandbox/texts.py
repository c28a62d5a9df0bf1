"""How long a text is for a network."""

from __future__ import annotations

from dataclasses import dataclass

LIMITS = {
    "twitter": 280, "bluesky": 300, "mastodon": 500, "linkedin": 3_000, "threads": 500, "instagram": 2_200,
    "facebook": 63_206, "tiktok": 2_200, "youtube": 5_100, "discord": 2_000, "slack": 40_000, "telegram": 4_096,
}  # fmt: skip


@dataclass(frozen=True)
class Size:
    """A text's length and the network's limit, in the network's unit."""

    used: int
    limit: int | None
    unit: str


def measure(text: str, network: str) -> Size:
    """Count a text for a network."""
    return Size(len(text), LIMITS[network], "characters")
