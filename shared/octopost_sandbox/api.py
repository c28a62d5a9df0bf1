"""What each operation of the API under /v1 does, and which path and method it has."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from octopost_sandbox.clock import to_iso
from octopost_sandbox.errors import ApiError, invalid
from octopost_sandbox.faults import Rule
from octopost_sandbox.posts import PLATFORMS, Post, wrap_post, write_post
from octopost_sandbox.webhooks import EVENTS
from octopost_sandbox.world import World

MAX_PAGE = 100


@dataclass
class Context:
    """A call as an operation sees it."""

    world: World
    path_id: str
    query: dict[str, str]
    body: dict[str, Any]
    rule: Rule | None
    path: str


@dataclass
class Reply:
    """What goes back: ``body`` None is an empty body; ``post`` is the post it is about."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    post: Post | None = None


def _shown(context: Context, post: Post, status: int = 200, short: bool = False) -> Reply:
    dialect = context.world.dialect
    return Reply(status, wrap_post(write_post(post, dialect, short), dialect), post=post)


def create_post(context: Context) -> Reply:
    """Create a draft, or a scheduled post when scheduled_for is sent."""
    dialect = context.world.dialect
    post = context.world.create(context.body)
    return _shown(context, post, int(dialect["create_status"]), short=dialect["create_reply"] == "short")


def get_post(context: Context) -> Reply:
    """Get a post; see the dialect publish_polls."""
    post = context.world.find(context.path_id)
    reply = _shown(context, post)
    context.world.polled(post)
    return reply


def update_post(context: Context) -> Reply:
    """Change a post that has not gone out; see the dialects put and put_schedules."""
    return _shown(context, context.world.update(context.path_id, context.body))


def delete_post(context: Context) -> Reply:
    """Delete a post; see the dialects delete and delete_reach."""
    post = context.world.delete(context.path_id)
    if context.world.dialect["delete"] == "204":
        return Reply(204, post=post)
    return Reply(200, {"id": post.id, "deleted": True}, post=post)


def publish_post(context: Context) -> Reply:
    """Publish a post; of any number of calls at once one commits, the others get 409. See the dialect publish."""
    world = context.world
    world.find(context.path_id)
    post = world.publish(context.path_id, world.network_faults(context.rule))
    return publish_reply(context, post)


def publish_reply(context: Context, post: Post) -> Reply:
    """Return the answer of a publish in the dialect's manner."""
    manner = context.world.dialect["publish"]
    if manner == "empty":
        return Reply(204, post=post)
    return _shown(context, post, 202 if manner == "async" else 200)


def _number(query: dict[str, str], name: str, default: int, least: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= least):
        raise invalid(name, f"must be a whole number from {least}")
    return int(text)


def _after(posts: list[Post], cursor: str, newest: bool) -> list[Post]:
    try:
        created_at, seq = map(int, base64.urlsafe_b64decode(cursor).split(b"."))
    except (ValueError, binascii.Error):
        raise invalid("cursor", "is not a cursor of this list") from None
    mark = (created_at, seq)
    return [
        post for post in posts if ((post.created_at, post.seq) < mark) == newest and (post.created_at, post.seq) != mark
    ]


def _page(context: Context, posts: list[Post]) -> tuple[list[Post], dict[str, Any], dict[str, str]]:
    """Cut the list; return its page, the envelope's paging fields, and the query of the next page."""
    dialect, query = context.world.dialect, context.query
    if dialect["paging"] == "none":
        return posts, {}, {}
    size = min(_number(query, "limit", dialect["page_size"], 1) or 1, MAX_PAGE)
    if dialect["paging"] == "cursor":
        newest = dialect["order"] == "newest"
        rest = _after(posts, query["cursor"], newest) if query.get("cursor") else posts
        page, more = rest[:size], len(rest) > size
        cursor = f"{page[-1].created_at}.{page[-1].seq}".encode() if more else b""
        token = base64.urlsafe_b64encode(cursor).decode() or None
        return page, {"has_more": more, "next_cursor": token}, {"cursor": token} if token else {}
    if dialect["paging"] == "page":
        number = _number(query, "page", 1, 1)
        pages = -(-len(posts) // size)
        page = posts[(number - 1) * size : number * size]
        paging = {"page": number, "per_page": size, "total": len(posts), "total_pages": pages}
        return page, paging, {"page": str(number + 1)} if number < pages else {}
    offset = _number(query, "offset", 0, 0)
    page = posts[offset : offset + size]
    more = offset + size < len(posts)
    return page, {"offset": offset, "limit": size, "total": len(posts)}, {"offset": str(offset + size)} if more else {}


def list_posts(context: Context) -> Reply:
    """List posts; filters, paging, order and envelope are guesses, see the dialects."""
    world, query = context.world, context.query
    dialect = world.dialect
    posts = list(world.listed())
    if dialect["list_filters"] == "honoured" and ("status" in query or "platform" in query):
        posts = [
            post
            for post in posts
            if query.get("status", post.status) == post.status
            and ("platform" not in query or query["platform"] in post.platforms)
        ]
    if dialect["order"] == "newest":
        posts.reverse()
    page, paging, following = _page(context, posts)
    shown = [write_post(post, dialect) for post in page]
    if dialect["list_wrap"] == "bare":
        # A bare array has no room for paging fields; a Link header is what other APIs use then.
        link = f'<{context.path}?{urlencode(query | following)}>; rel="next"'
        return Reply(200, shown, {"Link": link} if following else {})
    return Reply(200, {dialect["list_wrap"]: shown, **paging})


# -- accounts, presets, webhooks --------------------------------------------------------------------------------------


def _one(records: dict[str, dict[str, Any]], what: str, record_id: str) -> dict[str, Any]:
    if record_id not in records:
        raise ApiError(404, f"{what} with ID '{record_id}' not found.")
    return records[record_id]


def list_accounts(context: Context) -> Reply:
    """List the connected accounts."""
    return Reply(200, {"accounts": list(context.world.accounts.values())})


def get_account(context: Context) -> Reply:
    """Get an account."""
    return Reply(200, _one(context.world.accounts, "Account", context.path_id))


def delete_account(context: Context) -> Reply:
    """Disconnect an account."""
    account = _one(context.world.accounts, "Account", context.path_id)
    context.world.drop("account", context.path_id)
    context.world.emit("account.disconnected", {"account": account})
    return Reply(204)


def list_presets(context: Context) -> Reply:
    """List the presets, system and own."""
    return Reply(200, {"presets": list(context.world.presets.values())})


def get_preset(context: Context) -> Reply:
    """Get a preset."""
    return Reply(200, _one(context.world.presets, "Preset", context.path_id))


def _preset_fields(context: Context, preset: dict[str, Any]) -> dict[str, Any]:
    body = context.body
    fields = {
        name: body.get(name, preset[name])
        for name in ("name", "platforms", "primary_platform", "cross_link_enabled", "cross_link_template", "is_default")
    }
    if not isinstance(fields["name"], str) or not 1 <= len(fields["name"]) <= 100:
        raise invalid("name", "must be a string of 1 to 100 characters")
    networks = fields["platforms"]
    if not isinstance(networks, list) or not networks or any(name not in PLATFORMS for name in networks):
        raise invalid("platforms", f"must be a non-empty array of {', '.join(PLATFORMS)}")
    if fields["primary_platform"] not in (None, *networks):
        raise invalid("primary_platform", "must be one of the preset's platforms or null")
    for name, kind in (("cross_link_enabled", bool), ("cross_link_template", str), ("is_default", bool)):
        if not isinstance(fields[name], kind):
            raise invalid(name, f"must be a {'boolean' if kind is bool else 'string'}")
    clash = any(
        p["is_default"] and not p["is_system"] and p["id"] != preset["id"] for p in context.world.presets.values()
    )
    if fields["is_default"] and clash:
        raise ApiError(409, "Another preset is the default already.")
    return fields


def create_preset(context: Context) -> Reply:
    """Create a preset; the body is inferred from the object."""
    stamp = to_iso(context.world.clock.stamp())
    blank = {
        "id": f"preset_{secrets.token_hex(6)}", "name": None, "platforms": None, "primary_platform": None,
        "cross_link_enabled": False, "cross_link_template": "", "is_default": False, "is_system": False,
    }  # fmt: skip
    preset = blank | _preset_fields(context, blank) | {"created_at": stamp, "updated_at": stamp}
    context.world.save("preset", preset)
    return Reply(201, preset)


def _own_preset(context: Context) -> dict[str, Any]:
    preset = _one(context.world.presets, "Preset", context.path_id)
    if preset["is_system"]:
        raise ApiError(403, "System presets cannot be changed.")  # Documented: errors page.
    return preset


def update_preset(context: Context) -> Reply:
    """Change a preset of your own."""
    preset = _own_preset(context)
    preset = preset | _preset_fields(context, preset) | {"updated_at": to_iso(context.world.clock.stamp())}
    context.world.save("preset", preset)
    return Reply(200, preset)


def delete_preset(context: Context) -> Reply:
    """Delete a preset of your own."""
    _own_preset(context)
    context.world.drop("preset", context.path_id)
    return Reply(204)


def list_webhooks(context: Context) -> Reply:
    """List the webhooks; the envelope is inferred."""
    return Reply(200, {"webhooks": list(context.world.webhooks.values())})


def get_webhook(context: Context) -> Reply:
    """Get a webhook."""
    return Reply(200, _one(context.world.webhooks, "Webhook", context.path_id))


def _webhook_fields(context: Context, webhook: dict[str, Any]) -> dict[str, Any]:
    fields = {name: context.body.get(name, webhook[name]) for name in ("url", "events", "is_active")}
    if not isinstance(fields["url"], str) or not fields["url"].startswith(("http://", "https://")):
        raise invalid("url", "must be an http or https URL")
    events = fields["events"]
    if not isinstance(events, list) or not events or any(event not in EVENTS for event in events):
        raise invalid("events", f"must be a non-empty array of {', '.join(EVENTS)}")
    if not isinstance(fields["is_active"], bool):
        raise invalid("is_active", "must be a boolean")
    return fields


def create_webhook(context: Context) -> Reply:
    """Register a webhook; that the reply carries the secret is inferred."""
    stamp = to_iso(context.world.clock.stamp())
    blank = {"id": f"wh_{secrets.token_hex(6)}", "url": None, "events": None, "is_active": True}
    webhook = blank | _webhook_fields(context, blank)
    webhook |= {"secret": f"whsec_{secrets.token_hex(16)}", "created_at": stamp, "updated_at": stamp}
    context.world.save("webhook", webhook)
    return Reply(201, webhook)


def update_webhook(context: Context) -> Reply:
    """Change a webhook."""
    webhook = _one(context.world.webhooks, "Webhook", context.path_id)
    webhook = webhook | _webhook_fields(context, webhook) | {"updated_at": to_iso(context.world.clock.stamp())}
    context.world.save("webhook", webhook)
    return Reply(200, webhook)


def delete_webhook(context: Context) -> Reply:
    """Delete a webhook."""
    _one(context.world.webhooks, "Webhook", context.path_id)
    context.world.drop("webhook", context.path_id)
    return Reply(204)


@dataclass(frozen=True)
class Operation:
    """One endpoint; ``name`` is what faults and the call log call it."""

    name: str
    method: str
    path: str  # with ``*`` for an id
    scope: str
    run: Callable[[Context], Reply]
    label: str


OPERATIONS = (
    Operation("create", "POST", "/posts", "posts:write", create_post, "documented"),
    Operation("list", "GET", "/posts", "posts:read", list_posts, "documented"),
    Operation("get", "GET", "/posts/*", "posts:read", get_post, "inferred"),
    Operation("update", "PUT", "/posts/*", "posts:write", update_post, "documented"),
    Operation("delete", "DELETE", "/posts/*", "posts:write", delete_post, "documented"),
    Operation("publish", "POST", "/posts/*/publish", "posts:write", publish_post, "documented"),
    Operation("accounts", "GET", "/accounts", "accounts:read", list_accounts, "documented"),
    Operation("accounts", "GET", "/accounts/*", "accounts:read", get_account, "inferred"),
    Operation("accounts", "DELETE", "/accounts/*", "accounts:write", delete_account, "inferred"),
    Operation("presets", "GET", "/presets", "presets:read", list_presets, "documented"),
    Operation("presets", "POST", "/presets", "presets:write", create_preset, "documented"),
    Operation("presets", "GET", "/presets/*", "presets:read", get_preset, "inferred"),
    Operation("presets", "PUT", "/presets/*", "presets:write", update_preset, "inferred"),
    Operation("presets", "DELETE", "/presets/*", "presets:write", delete_preset, "inferred"),
    Operation("webhooks", "GET", "/webhooks", "webhooks:read", list_webhooks, "documented"),
    Operation("webhooks", "POST", "/webhooks", "webhooks:write", create_webhook, "documented"),
    Operation("webhooks", "GET", "/webhooks/*", "webhooks:read", get_webhook, "inferred"),
    Operation("webhooks", "PUT", "/webhooks/*", "webhooks:write", update_webhook, "inferred"),
    Operation("webhooks", "DELETE", "/webhooks/*", "webhooks:write", delete_webhook, "inferred"),
)
_BY_PATH: dict[str, dict[str, Operation]] = {}
for _operation in OPERATIONS:
    _BY_PATH.setdefault(_operation.path, {})[_operation.method] = _operation


def resolve(method: str, path: str) -> tuple[Operation, str]:
    """Return the operation of a path below /v1 and the id in it.

    Raises 404 for an unknown path and 400 for a method the endpoint does not have (documented: errors page, not 405).
    """
    steps = path.strip("/").split("/")
    path_id = steps[1] if len(steps) > 1 else ""
    pattern = "/" + "/".join("*" if place == 1 else step for place, step in enumerate(steps))
    methods = _BY_PATH.get(pattern)
    if methods is None or (len(steps) > 1 and not path_id):
        raise ApiError(404, f"There is no endpoint at {path}.")
    if method not in methods:
        raise ApiError(400, f"Method {method} is not supported by this endpoint; it has {', '.join(methods)}.")
    return methods[method], path_id
