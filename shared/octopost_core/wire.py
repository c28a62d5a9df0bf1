"""Everything we assume about the API's JSON, in one place: pure functions, nothing sent.

Each function says which page documents it; what is inferred or unknown is marked so and read tolerantly.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, ValidationError

from octopost_core import errors
from octopost_core.models import Media, Post, PostDraft, Segment

#: ``segments`` is the newer posts page's field, ``thread`` the platform pages' (which of them counts is unknown).
ThreadField = Literal["segments", "thread"]

WRITABLE = ("content", "platforms", "scheduled_for", "media", "segments", "platform_options")

# --- what is sent ----------------------------------------------------------------------------------------------------


def create_body(draft: PostDraft, *, schedule: bool, thread_field: ThreadField) -> dict[str, Any]:
    """Return the body of ``POST /posts`` (documented: posts page; threads inferred).

    :param draft: What to create.
    :param schedule: Whether to send ``scheduled_for``; without it the post is a harmless draft.
    :param thread_field: Which of the two documented spellings of a thread to send.
    """
    body: dict[str, Any] = {"content": draft.content, "platforms": draft.platforms}
    if schedule and draft.scheduled_for:
        body["scheduled_for"] = timestamp(draft.scheduled_for)
    if draft.media:
        body["media"] = media_body(draft.media)
    if draft.segments:
        replies = [segment_body(segment) for segment in draft.segments]
        if thread_field == "thread":
            body["thread"] = [{"content": body.pop("content")}, *replies]
        else:
            body["segments"] = replies
    if draft.platform_options:
        body["platform_options"] = draft.platform_options
    return {**body, **draft.extra}


def update_body(post: Post, changes: Mapping[str, Any], *, thread_field: ThreadField = "segments") -> dict[str, Any]:
    """Return the body of ``PUT /posts/:id``: all that is known of the post, changed.

    Whether PUT keeps or resets omitted fields is unknown, so none is omitted.

    :param post: The post as it is.
    :param changes: New values by field name.
    :param thread_field: Which of the two documented spellings of a thread to send.
    """
    known = post.to_dict()
    body = {name: known[name] for name in WRITABLE if known.get(name) is not None}
    if post.scheduled_for:
        body["scheduled_for"] = timestamp(post.scheduled_for)
    if post.segments:
        body["segments"] = [{"content": text} for text in post.segments]
    else:
        body.pop("segments", None)
    for name, value in changes.items():
        body[name] = _plain(value)
    if thread_field == "thread" and body.get("segments"):
        body["thread"] = [{"content": body.pop("content")}, *body.pop("segments")]
    return body


def media_body(media: Media) -> dict[str, Any]:
    """Return media as the posts page shows it; a video as ``{url}`` (unknown: only seen as null).

    :param media: Images or a video.
    """
    body: dict[str, Any] = {"images": [image.model_dump(exclude_none=True) for image in media.images]}
    if media.video:
        body["video"] = {"url": media.video}
    return body


def segment_body(segment: Segment) -> dict[str, Any]:
    """Return one reply of a thread (field names inferred).

    :param segment: The reply.
    """
    return {"content": segment.content, **({"media": media_body(segment.media)} if segment.media else {})}


def timestamp(when: datetime) -> str:
    """Return ISO 8601 in UTC with Z and whole seconds, as every documented example.

    :param when: An aware moment.
    """
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, Media):
        return media_body(value)
    if isinstance(value, Segment):
        return segment_body(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def reflects(post: Post, changes: Mapping[str, Any]) -> bool:
    """Tell whether a post shows the changes that were asked for, as far as both can be compared.

    :param post: The post as the server tells it.
    :param changes: What was asked.
    """
    for name, wanted in changes.items():
        found = getattr(post, name, None)
        if name == "scheduled_for":
            same = (found is None) == (wanted is None) and (found is None or timestamp(found) == timestamp(wanted))
        elif name in {"content", "platforms"}:
            same = found == wanted
        else:
            continue  # the shapes of media, segments and options in replies are unknown
        if not same:
            return False
    return True


# --- what comes back -------------------------------------------------------------------------------------------------


def parse_json(text: str, *, status: int, request_id: str | None) -> Any:
    """Read a reply's body.

    :raises InvalidResponse: For anything but JSON.
    """
    try:
        return json.loads(text)
    except ValueError:
        raise errors.InvalidResponse(
            f"Octopost's reply ({status}) is not JSON but begins with {snippet(text)!r}.",
            status=status,
            request_id=request_id,
        ) from None


def unwrap(payload: Any, name: str) -> Any:
    """Take a single object out of ``{name: ...}`` or ``{data: ...}`` (bare is documented: overview).

    :param payload: Parsed JSON.
    :param name: The object's singular name.
    """
    if isinstance(payload, Mapping) and "id" not in payload:
        for wrapper in (name, "data"):
            if isinstance(payload.get(wrapper), Mapping):
                return payload[wrapper]
    return payload


def parse_post(payload: Any) -> Post:
    """Read a post; only ``id`` is required.

    :raises InvalidResponse: Where there is none.
    """
    raw = unwrap(payload, "post")
    if not isinstance(raw, Mapping) or raw.get("id") in (None, ""):
        raise errors.InvalidResponse(f"Octopost's reply is no post: it has no id ({snippet(json.dumps(payload))}).")
    fields = {**raw, "id": str(raw["id"]), "platform_results": _results(raw.get("platform_results"))}
    fields["segments"] = _segments(raw)
    if isinstance(raw.get("thread"), list) and not raw.get("content"):
        fields["content"] = _text_of(raw["thread"][0]) if raw["thread"] else ""
    fields["platforms"] = [str(name) for name in raw.get("platforms") or [] if isinstance(name, str)]
    if not isinstance(raw.get("media"), Mapping):
        fields["media"] = None
    return Post.model_validate(fields)


def _results(raw: Any) -> dict[str, Any]:
    """Entries by network; missing, null and ``{}`` mean the same (unknown: before publishing)."""
    if not isinstance(raw, Mapping):
        return {}
    return {str(name): _result(value) for name, value in raw.items()}


def _result(raw: Any) -> dict[str, Any]:
    if not isinstance(raw, Mapping):
        return {"success": raw if isinstance(raw, bool) else None, "error": raw if isinstance(raw, str) else None}
    entry = dict(raw)
    problem = entry.get("error")
    if isinstance(problem, Mapping):  # a machine code inside is unknown, so it is only taken where it is
        entry["error"] = problem.get("message") or json.dumps(problem)
        entry["error_code"] = problem.get("code")
    if not isinstance(entry.get("success"), bool):
        entry["success"] = False if entry.get("error") else True if entry.get("post_url") else None
    return entry


def _segments(raw: Mapping[str, Any]) -> list[str] | None:
    """Replies' texts; ``None`` where the reply does not mention threads at all."""
    if "segments" in raw:
        items = raw["segments"]
    elif isinstance(raw.get("thread"), list):
        items = raw["thread"][1:]
    else:
        return None
    return [_text_of(item) for item in items] if isinstance(items, list) else []


def _text_of(item: Any) -> str:
    if isinstance(item, Mapping):
        item = item.get("content", item.get("text"))
    return item if isinstance(item, str) else ""


Model = TypeVar("Model", bound=BaseModel)


def parse_model(model: type[Model], raw: Any) -> Model | None:
    """Read one item of a list; an odd one is left out instead of failing the list.

    :param model: What it should be.
    :param raw: Parsed JSON.
    """
    try:
        if model is Post:
            return parse_post(raw)  # type: ignore[return-value]
        return model.model_validate(raw)
    except (ValidationError, errors.InvalidResponse):
        return None


# --- lists and their pages (all inferred or unknown: section 4.2 of the facts) ---------------------------------------


@dataclass(frozen=True)
class ListPart:
    """One reply of a list call.

    :param items: The raw items.
    :param next: Query parameters of the following page, or ``None`` where the server names none.
    :param total: How many items the server says there are, where it does.
    """

    items: list[Any]
    next: dict[str, str] | None
    total: int | None = None


def page_size(number: int) -> dict[str, str]:
    """Return the query parameter that asks for so many items a page (unknown: ``limit`` is common practice)."""
    return {"limit": str(number)}


def parse_list(payload: Any, name: str, *, seen: int = 0, asked: Mapping[str, str] | None = None) -> ListPart:
    """Read a list in any of its likely wrappings and find the way to the next page.

    :param payload: Parsed JSON: ``{name: [...]}`` (documented for accounts and presets), ``data``, ``items`` or bare.
    :param name: The plural name of the items.
    :param seen: How many items earlier pages held.
    :param asked: The query parameters this page was asked with.
    :raises InvalidResponse: Where there is no list.
    """
    if isinstance(payload, list):
        return ListPart(payload, None)
    if isinstance(payload, Mapping):
        for wrapper in (name, "data", "items", "results"):
            inner = payload.get(wrapper)
            if isinstance(inner, list):
                return _with_next(payload, inner, seen + len(inner), asked or {})
            if isinstance(inner, Mapping):
                return parse_list(inner, name, seen=seen, asked=asked)
    raise errors.InvalidResponse(f"Octopost's reply holds no list of {name} ({snippet(json.dumps(payload))}).")


def _with_next(payload: Mapping[str, Any], items: list[Any], seen: int, asked: Mapping[str, str]) -> ListPart:
    hints: dict[str, Any] = dict(payload)
    for nested in ("pagination", "paging", "meta", "page_info"):
        if isinstance(payload.get(nested), Mapping):
            hints.update(payload[nested])
    total = hints.get("total") if _is_int(hints.get("total")) else None
    return ListPart(items, _next(hints, seen, asked, total) if items else None, total)


def _next(hints: Mapping[str, Any], seen: int, asked: Mapping[str, str], total: int | None) -> dict[str, str] | None:
    if hints.get("has_more") is False:
        return None
    cursor = hints.get("next_cursor") or hints.get("next")
    if isinstance(cursor, str) and cursor:
        # A URL's host is not believed: only its query is taken, so that the key never leaves the base URL.
        query = dict(parse_qsl(urlsplit(cursor).query)) if "?" in cursor else {}
        return query or {"cursor": cursor}
    if any(name in hints for name in ("next_cursor", "next")):
        return None
    cursor = hints.get("cursor")
    if isinstance(cursor, str) and cursor and cursor != asked.get("cursor"):
        return {"cursor": cursor}
    more = hints.get("has_more") is True or (total is not None and seen < total)
    page, pages = hints.get("page"), hints.get("total_pages", hints.get("pages"))
    if isinstance(page, int) and (more or (_is_int(pages) and page < pages)):
        return {"page": str(page + 1)}
    return {"offset": str(seen)} if more else None


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


# --- errors ----------------------------------------------------------------------------------------------------------

_BY_STATUS: dict[int, type[errors.APIError]] = {
    400: errors.BadRequest,
    401: errors.AuthenticationError,
    403: errors.PermissionDenied,
    404: errors.NotFound,
    409: errors.Conflict,
    422: errors.UnprocessableContent,
}


def parse_error(status: int, text: str, *, what: str, request_id: str | None) -> errors.APIError:
    """Turn an error reply into the error of its kind (documented: errors page; 422 and later inferred).

    :param status: HTTP status, not 2xx and not 429.
    :param text: The body, whatever it is.
    :param what: The request, for the message (``POST /posts``).
    """
    envelope = envelope_of(text)
    kind = _BY_STATUS.get(status)
    if kind is None:
        kind = errors.ServerError if status >= 500 else errors.UnexpectedRedirect if status < 400 else errors.BadRequest
    said = envelope.get("error") or envelope.get("message") or snippet(text) or "nothing more"
    said = said if isinstance(said, str) else json.dumps(said)
    code, details = envelope.get("code"), envelope.get("details")
    message = f"Octopost answered {status}{f' {code}' if code else ''} to {what}: {said.rstrip('.')}."
    if details:
        message += f" Details: {describe(details)}."
    return kind(message, status=status, code=code, details=details, request_id=request_id)


def envelope_of(text: str) -> dict[str, Any]:
    """Return the error envelope, or an empty one for a body that is none.

    :param text: The body.
    """
    try:
        payload = json.loads(text)
    except ValueError:
        return {}
    return dict(payload) if isinstance(payload, Mapping) else {}


def describe(details: Any) -> str:
    """Write ``details`` as prose, whatever their shape (unknown: section 15, row 20).

    :param details: A map, a list, or anything.
    """
    if isinstance(details, Mapping):
        return "; ".join(f"{name}: {describe(value)}" for name, value in details.items())
    if isinstance(details, list):
        return ", ".join(describe(item) for item in details)
    return str(details)


def snippet(text: str, length: int = 80) -> str:
    """Return the beginning of a body on one line.

    :param text: The body.
    :param length: How many characters at most.
    """
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"


def header_date(value: str | None) -> datetime | None:
    """Read a Date header; ``None`` where it is missing or odd.

    :param value: The header.
    """
    try:
        moment = parsedate_to_datetime(value or "")
    except (ValueError, TypeError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
