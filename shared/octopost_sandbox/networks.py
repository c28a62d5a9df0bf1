"""The social networks behind the sandbox: what they accept, and what they answer."""

from __future__ import annotations

import secrets
from typing import Any

from octopost_core.limits import count
from octopost_core.platforms import PLATFORMS
from octopost_sandbox.posts import Post

ONLY_ADVISED = {"slack"}  # Network knowledge: Slack takes ten times the length it advises.
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
    return post.parts if PLATFORMS[network].threads else post.parts[:1]


def limit_error(post: Post, network: str) -> str | None:
    """Return why the network refuses the post's length, or None."""
    if network in ONLY_ADVISED:
        return None
    name, parts = PLATFORMS[network].name, parts_for(post, network)
    for number, text in enumerate(parts, 1):
        over = next((measure for measure in count(text, network).measures if not measure.fits), None)
        if over is not None:
            where = f" in part {number} of {len(parts)}" if len(parts) > 1 else ""
            return f"Content is too long for {name}{where}: {over}."
    return None


def media_error(post: Post, network: str) -> str | None:
    """Return why the network refuses the post's media, or None."""
    media = post.media or {}
    images, video = media.get("images") or [], media.get("video")
    name, rule = PLATFORMS[network].name, PLATFORMS[network].media
    if rule.video == "required" and not video:
        return f"{name} posts need a video."
    if rule.required and not images and not video:
        return f"{name} posts need an image or a video."
    if rule.video == "no" and video:
        return f"Video is not supported on {name}."
    if rule.exclusive and images and video:
        return f"{name} does not take images and a video in one post."
    if rule.max_images and len(images) > rule.max_images:
        return f"{name} takes at most {rule.max_images} images, the post has {len(images)}."
    return None


def refusal(post: Post, network: str, account: dict[str, Any] | None, failing: dict[str, str]) -> str | None:
    """Return why the post does not go out on a network, or None."""
    name = PLATFORMS[network].name
    if account is None:
        return f"No {name} account is connected."
    if not account["is_active"]:
        return f"The access token of {account['username']} has expired. Please reconnect your {name} account."
    return failing.get(network) or limit_error(post, network) or media_error(post, network)


def network_post_id(network: str) -> str:
    """Return an id in the network's own manner (documented: a number on X, an at:// URI on Bluesky)."""
    if network == "bluesky":
        return f"at://did:plc:octosandbox/app.bsky.feed.post/{secrets.token_hex(7)}"
    return str(1_900_000_000_000_000_000 + secrets.randbelow(10**17))
