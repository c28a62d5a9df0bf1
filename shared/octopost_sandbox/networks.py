"""The social networks behind the sandbox: what they accept, and what they answer."""

from __future__ import annotations

import secrets
from typing import Any

from octopost_sandbox.posts import PLATFORMS, Post
from octopost_sandbox.texts import measure

# Documented: the platform pages, images per post.
MAX_IMAGES = {"twitter": 4, "bluesky": 4, "mastodon": 4, "linkedin": 4, "threads": 10, "instagram": 10, "facebook": 10}
THREADED = {"twitter", "bluesky", "mastodon", "threads"}  # Documented: threading page and platform pages.

NAMES = {
    "twitter": "X", "bluesky": "Bluesky", "mastodon": "Mastodon", "linkedin": "LinkedIn", "threads": "Threads",
    "instagram": "Instagram", "facebook": "Facebook", "tiktok": "TikTok", "youtube": "YouTube", "discord": "Discord",
    "slack": "Slack", "telegram": "Telegram",
}  # fmt: skip
USERNAMES = {"bluesky": "octo.bsky.social", "mastodon": "octo@mastodon.social"}


def accounts(stamp: str) -> list[dict[str, Any]]:
    """Return one connected account per network (documented: accounts page, field by field)."""
    return [
        {
            "id": f"acc_{network}",
            "platform": network,
            "platform_user_id": str(7_000_000_000 + index),
            "username": USERNAMES.get(network, "octo"),
            "display_name": "Octo Sandbox",
            "avatar_url": None,
            "is_active": True,
            "connected_at": stamp,
            "last_used_at": None,
        }
        for index, network in enumerate(PLATFORMS)
    ]


def parts_for(post: Post, network: str) -> list[str]:
    """Return the texts a network shows: the thread, or (a guess) only the main post where threads do not exist."""
    return post.parts if network in THREADED else post.parts[:1]


def limit_error(post: Post, network: str) -> str | None:
    """Return why the network refuses the post's length, or None."""
    parts = parts_for(post, network)
    for number, text in enumerate(parts, 1):
        size = measure(text, network)
        if size.limit is not None and size.used > size.limit:
            where = f" in part {number} of {len(parts)}" if len(parts) > 1 else ""
            return f"Content is too long for {NAMES[network]}{where}: {size.used} of at most {size.limit} {size.unit}."
    return None


def media_error(post: Post, network: str) -> str | None:
    """Return why the network refuses the post's media, or None (documented: the platform pages)."""
    media = post.media or {}
    images, video = media.get("images") or [], media.get("video")
    name = NAMES[network]
    if network == "instagram" and not images and not video:
        return "Instagram posts need an image or a video."
    if network in ("tiktok", "youtube") and not video:
        return f"{name} posts need a video."
    if network in ("bluesky", "linkedin") and video:
        return f"Video is not supported on {name}."
    if network == "twitter" and images and video:
        return "X does not take images and a video in one post."
    if len(images) > MAX_IMAGES.get(network, len(images)):
        return f"{name} takes at most {MAX_IMAGES[network]} images, the post has {len(images)}."
    return None


def refusal(post: Post, network: str, account: dict[str, Any] | None, failing: dict[str, str]) -> str | None:
    """Return why the post does not go out on a network, or None."""
    if account is None:
        return f"No {NAMES[network]} account is connected."
    if not account["is_active"]:
        return f"The access token of {account['username']} has expired. Please reconnect your {NAMES[network]} account."
    return failing.get(network) or limit_error(post, network) or media_error(post, network)


def network_post_id(network: str) -> str:
    """Return an id in the network's own manner (documented: a number on X, an at:// URI on Bluesky)."""
    if network == "bluesky":
        return f"at://did:plc:octosandbox/app.bsky.feed.post/{secrets.token_hex(7)}"
    return str(1_900_000_000_000_000_000 + secrets.randbelow(10**17))
