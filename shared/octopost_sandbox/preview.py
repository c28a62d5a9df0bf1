"""What a post looks like on each network: data for the preview cards, nothing of it from the network itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from octopost_core.limits import UNIT_NAMES, count
from octopost_core.platforms import PLATFORMS
from octopost_sandbox.networks import parts_for
from octopost_sandbox.posts import Post
from octopost_sandbox.world import World


@dataclass(frozen=True)
class Look:
    """How a network draws a post: a monogram (no logos), a layout, and how much text shows before it is folded.

    Folding is what readers of the network see; the numbers are network knowledge, rounded, and change over time.
    """

    mark: str
    layout: str  # feed, media (picture first), video or chat
    folded_after: int | None = None
    at_sign: bool = True


LOOKS = {
    "twitter": Look("X", "feed", 280),
    "bluesky": Look("B", "feed"),
    "mastodon": Look("M", "feed"),
    "linkedin": Look("in", "feed", 210, at_sign=False),
    "threads": Look("@", "feed", at_sign=False),
    "instagram": Look("Ig", "media", 125, at_sign=False),
    "facebook": Look("f", "feed", 480, at_sign=False),
    "tiktok": Look("Tk", "video", 80),
    "youtube": Look("▶", "video", 150),
    "discord": Look("D", "chat", at_sign=False),
    "slack": Look("#", "chat", at_sign=False),
    "telegram": Look("Tg", "chat", at_sign=False),
}
# Only http and https become links; a trailing full stop or bracket belongs to the sentence.
_TOKEN = re.compile(r"(?P<url>https?://[^\s<>\"]*[^\s<>\".,;:!?)\]}'])|(?P<tag>(?<![\w&/])[#@][\w.@-]*\w)")
# What has no shape of its own is shown as a sign every font has, so that nothing hides in a text.
_CONTROLS = dict.fromkeys((*range(9), 11, 12, *range(14, 32), *range(127, 160)), "�")
_TOO_MANY_TOKENS = 2_000


def visible(text: str) -> str:
    """Return the text with each control character (a null byte, say) shown as a sign."""
    return text.translate(_CONTROLS)


def tokens(text: str) -> Iterator[tuple[str, str]]:
    """Yield the text in pieces: ``("text" | "url" | "tag", piece)``."""
    text = visible(text)
    at = 0
    for number, match in enumerate(_TOKEN.finditer(text)):
        if number >= _TOO_MANY_TOKENS:
            break
        if match.start() > at:
            yield "text", text[at : match.start()]
        yield str(match.lastgroup), match.group()
        at = match.end()
    if at < len(text):
        yield "text", text[at:]


def fold(text: str, after: int | None) -> tuple[str, str]:
    """Return what shows at once and what is behind "more", cut between words where possible."""
    if after is None or len(text) <= after:
        return text, ""
    cut = max(text.rfind(" ", 0, after), text.rfind("\n", 0, after))
    cut = cut if cut > after // 2 else after
    return text[:cut], text[cut:]


def counter(text: str, network: str) -> dict[str, Any]:
    """Return the counter of a text: used, limit, unit in words, whether it fits, and a bar's width of 100."""
    verdict = count(text, network)
    return {
        "used": verdict.used,
        "limit": verdict.limit,
        "unit": UNIT_NAMES[verdict.unit],
        "exact": verdict.exact,
        "fits": verdict.fits,
        "width": min(100, round(100 * verdict.used / verdict.limit, 1)),
        "also": [str(measure) for measure in verdict.also if not measure.fits],
    }


def _part(text: str, network: str, media: dict[str, Any] | None) -> dict[str, Any]:
    look = LOOKS[network]
    title = None
    shown = text
    if network == "youtube":  # Documented: the first line is the title, cut to 100 characters.
        title, _, shown = text.partition("\n")
        title = title[:100]
    first, rest = fold(shown, look.folded_after)
    media = media or {}
    video = media.get("video")
    return {
        "title": visible(title) if title is not None else None,
        "first": list(tokens(first)),
        "rest": list(tokens(rest)),
        "images": [
            {"url": visible(image["url"]), "alt": visible(image["alt_text"] or "")}
            for image in media.get("images") or []
        ],
        "video": visible(video["url"] if isinstance(video, dict) else video) if video else None,
        "counter": counter(text, network),
    }


def state_of(post: Post, network: str) -> str:
    """Return how a network stands: live, failed, publishing, scheduled or draft."""
    entry = (post.results or {}).get(network)
    if entry is None:
        return post.status if post.status in ("publishing", "scheduled") else "draft"
    return "live" if entry["success"] else "failed"


def card(world: World, post: Post, network: str) -> dict[str, Any]:
    """Return all a preview card of one network shows."""
    look, platform = LOOKS[network], PLATFORMS[network]
    account = next((a for a in world.accounts.values() if a["platform"] == network), None)
    texts = parts_for(post, network)
    media = [post.media, *(segment["media"] for segment in post.segments or [])]
    entry = (post.results or {}).get(network) or {}
    return {
        "network": network,
        "name": platform.name,
        "look": look,
        "state": state_of(post, network),
        "error": visible(str(entry.get("error") or "")),
        "network_post_id": entry.get("post_id"),
        "display_name": visible(account["display_name"]) if account else "No account",
        "handle": ("@" if look.at_sign else "") + visible(account["username"]) if account else "not connected",
        "account": account,
        "failing": world.failing.get(network),
        "parts": [_part(text, network, media[place]) for place, text in enumerate(texts)],
        "dropped": len(post.parts) - len(texts),
    }


def chips(post: Post) -> list[dict[str, str]]:
    """Return the networks of a post with their state, for the list."""
    return [
        {"network": n, "name": PLATFORMS[n].name, "mark": LOOKS[n].mark, "state": state_of(post, n)}
        for n in post.platforms
    ]


def verdict(post: Post) -> tuple[str, str]:
    """Return the post's state for people: a key for its colour and a word."""
    if post.deleted_at is not None:
        return "deleted", "deleted"
    if post.status == "published" and any(not entry["success"] for entry in (post.results or {}).values()):
        return "partial", "partly published"
    return post.status, post.status
