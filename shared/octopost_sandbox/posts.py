"""The post: its record, reading it from a request and writing it into a reply."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass, field
from typing import Any

from octopost_core.platforms import PLATFORMS as TABLE
from octopost_sandbox.clock import from_iso, to_iso
from octopost_sandbox.dialect import Dialect
from octopost_sandbox.errors import ApiError, invalid

PLATFORMS = tuple(TABLE)  # Documented: posts page (newer generation).
STATUSES = ("draft", "scheduled", "publishing", "published", "failed")
MAX_REPLIES = 24  # Documented for the web app (threading page); inferred for the API.
KNOWN_FIELDS = {"content", "platforms", "scheduled_for", "media", "segments", "thread", "platform_options"}
SHORT_REPLY = ("id", "content", "platforms", "status", "created_at", "updated_at")  # Documented: overview's example.


@dataclass
class Post:
    """A post as the sandbox keeps it; times are microseconds since 1970, ``segments`` are the replies of a thread."""

    id: str
    seq: int
    created_at: int
    updated_at: int
    content: str = ""
    platforms: list[str] = field(default_factory=list)
    status: str = "draft"
    scheduled_for: int | None = None
    media: dict[str, Any] | None = None
    segments: list[dict[str, Any]] | None = None
    platform_options: dict[str, Any] | None = None
    results: dict[str, dict[str, Any]] | None = None
    published_at: int | None = None
    deleted_at: int | None = None
    publishing_until: int = 0
    polls_left: int = 0
    failing: dict[str, str] = field(default_factory=dict)

    @property
    def parts(self) -> list[str]:
        """Return the texts of the main post and its replies."""
        return [self.content, *(segment["content"] for segment in self.segments or [])]

    @property
    def fingerprint(self) -> str:
        """Return the duplicate detector's name for the content: NFC texts of the post and its replies."""
        texts = "\0".join(unicodedata.normalize("NFC", part) for part in self.parts)
        return hashlib.sha256(texts.encode()).hexdigest()[:16]


def _text(body: dict[str, Any], field_name: str) -> str:
    value = body.get(field_name)
    if not isinstance(value, str):
        raise invalid(field_name, "is required and must be a string")
    return value


def _platforms(value: object) -> list[str]:
    if not isinstance(value, list) or not value:
        raise invalid("platforms", "is required and must be a non-empty array")
    for name in value:
        if name not in PLATFORMS:
            raise invalid("platforms", f"{name!r} is not one of {', '.join(PLATFORMS)}")
    return list(dict.fromkeys(value))


def _media(value: object, where: str = "media") -> dict[str, Any] | None:
    """Read media: images as objects with url and alt_text, or as plain URL strings (documented: posts, p/threads)."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise invalid(where, "must be an object with images and video")
    images = value.get("images") or []
    if not isinstance(images, list):
        raise invalid(where, "images must be an array")
    read = []
    for image in images:
        image = {"url": image} if isinstance(image, str) else image
        if not isinstance(image, dict) or not isinstance(image.get("url"), str):
            raise invalid(where, "every image must be a URL or an object with a url")
        alt_text = image.get("alt_text")
        if not isinstance(alt_text, str | None):
            raise invalid(where, "alt_text must be a string")
        read.append({"url": image["url"], "alt_text": alt_text})
    video = value.get("video")
    if isinstance(video, dict):
        video = {"url": video.get("url")}
    if video is not None and not isinstance(video["url"] if isinstance(video, dict) else video, str):
        raise invalid(where, "video must be a URL or an object with a url")
    return {"images": read, "video": video}


def _segments(value: object, where: str, at_most: int) -> list[dict[str, Any]] | None:
    if value is None:
        return None
    if not isinstance(value, list):
        raise invalid(where, "must be an array of objects with content")
    if len(value) > at_most:
        raise invalid(where, f"has {len(value)} entries, at most {at_most} are possible")
    read = []
    for segment in value:
        if not isinstance(segment, dict):
            raise invalid(where, "every entry must be an object with content")
        read.append({"content": _text(segment, "content"), "media": _media(segment.get("media"), where)})
    return read or None


def _scheduled_for(value: object, now: int) -> int | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise invalid("scheduled_for", "must be an ISO 8601 string")
    try:
        at = from_iso(value)
    except (ValueError, OverflowError):
        raise invalid("scheduled_for", f"{value!r} is not an ISO 8601 time with an offset") from None
    if at <= now:
        raise invalid("scheduled_for", "must be in the future")
    return at


def read_fields(body: dict[str, Any], dialect: Dialect, now: int, required: bool) -> dict[str, Any]:
    """Return the post's fields found in a create or update body.

    ``required`` asks for content and platforms (a create, or a PUT that replaces). Raises the 422 of the first wrong
    field. A thread is ``segments`` or ``thread`` as the dialect says; the other one is an unknown field.
    """
    known = KNOWN_FIELDS - {"thread" if dialect["threads"] == "segments" else "segments"}
    unknown = sorted(set(body) - known)
    if unknown and dialect["unknown_fields"] == "reject":
        raise invalid(unknown[0], "is not a known field")
    fields: dict[str, Any] = {}
    if dialect["threads"] == "thread" and body.get("thread") is not None:
        # Documented (platform pages): thread is used instead of content, its first element is the root post.
        parts = _segments(body["thread"], "thread", MAX_REPLIES + 1)
        if parts is None:
            raise invalid("thread", "must not be empty")
        root, *replies = parts
        fields["content"], fields["segments"] = root["content"], replies or None
        if root["media"] is not None:
            fields["media"] = root["media"]
    elif required or "content" in body:
        fields["content"] = _text(body, "content")
    if "media" in body:
        fields["media"] = _media(body["media"])
    if required and not fields["content"].strip() and not fields.get("media"):
        raise invalid("content", "must not be empty")
    if required or "platforms" in body:
        fields["platforms"] = _platforms(body.get("platforms"))
    if "scheduled_for" in body:
        fields["scheduled_for"] = _scheduled_for(body["scheduled_for"], now)
    if dialect["threads"] == "segments" and "segments" in body:
        fields["segments"] = _segments(body["segments"], "segments", MAX_REPLIES)
    if "platform_options" in body:
        options = body["platform_options"]
        if not isinstance(options, dict | None):
            raise invalid("platform_options", "must be an object keyed by platform")
        fields["platform_options"] = options
    return fields


def write_post(post: Post, dialect: Dialect, short: bool = False) -> dict[str, Any]:
    """Return the post as the API shows it, with the dialect's envelope."""
    precision = dialect["time_precision"]

    def when(at: int | None) -> str | None:
        return None if at is None else to_iso(at, precision)

    shown: dict[str, Any] = {
        "id": post.id,
        "content": post.content,
        "platforms": list(post.platforms),
        "status": post.status,
        "scheduled_for": when(post.scheduled_for),
        "media": post.media or {"images": [], "video": None},
    }
    if dialect["threads"] == "segments":
        shown["segments"] = post.segments
    else:
        root = {"content": post.content, "media": post.media}
        shown["thread"] = [root, *post.segments] if post.segments else None
    if post.results is not None or dialect["empty_results"] != "absent":
        shown["platform_results"] = {} if dialect["empty_results"] == "empty" else None
        if post.results is not None:
            shown["platform_results"] = post.results
    if dialect["echo_options"] == "yes" and post.platform_options:
        shown["platform_options"] = post.platform_options
    shown |= {
        "created_at": when(post.created_at),
        "updated_at": when(post.updated_at),
        "published_at": when(post.published_at),
    }
    if short:
        shown = {name: shown[name] for name in SHORT_REPLY}
    if dialect["extra_fields"] == "yes":
        shown |= {"workspace_id": "ws_sandbox", "approval": {"state": "not_required"}, "labels": []}
    return shown


def wrap_post(shown: dict[str, Any], dialect: Dialect) -> dict[str, Any]:
    """Put a single post into the dialect's envelope."""
    return shown if dialect["wrap"] == "bare" else {dialect["wrap"]: shown}


def already_out(post: Post) -> ApiError:
    """Return the 409 for a post that is publishing or published (documented: errors page)."""
    verb = "is already being published" if post.status == "publishing" else "has already been published"
    return ApiError(409, f"Post '{post.id}' {verb}.")
