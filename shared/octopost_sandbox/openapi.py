"""The OpenAPI description of the API and the control API, each operation with its source."""

from __future__ import annotations

from typing import Any

from octopost_sandbox import api, control
from octopost_sandbox.dialect import TABLE
from octopost_sandbox.faults import COMMITS_OF, KINDS, OPERATIONS, RETRY_AFTER
from octopost_sandbox.keys import SCOPES
from octopost_sandbox.posts import MAX_REPLIES, PLATFORMS, STATUSES
from octopost_sandbox.ratelimit import TIERS
from octopost_sandbox.webhooks import EVENTS

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
NETWORKS: Schema = {"type": "array", "items": {"enum": list(PLATFORMS)}, "minItems": 1}
MEDIA: Schema = {
    "type": ["object", "null"],
    "properties": {
        "images": {
            "type": "array",
            "items": {"type": ["object", "string"], "properties": {"url": TEXT, "alt_text": TEXT}},
        },
        "video": {"type": ["object", "string", "null"], "properties": {"url": TEXT}},
    },
}
PART: Schema = {"type": "object", "properties": {"content": TEXT, "media": MEDIA}, "required": ["content"]}
POST_FIELDS: Schema = {
    "content": TEXT,
    "platforms": NETWORKS,
    "scheduled_for": {"type": ["string", "null"], "format": "date-time"},
    "media": MEDIA,
    "segments": {"type": ["array", "null"], "items": PART, "maxItems": MAX_REPLIES},
    "platform_options": {"type": ["object", "null"]},
}
POST: Schema = {
    "type": "object",
    "required": ["id"],
    "properties": POST_FIELDS
    | {"id": TEXT, "status": {"enum": list(STATUSES)}, "platform_results": {"type": ["object", "null"]}},
}
PRESET_FIELDS: Schema = {
    "name": {"type": "string", "minLength": 1, "maxLength": 100},
    "platforms": NETWORKS,
    "primary_platform": {"type": ["string", "null"]},
    "cross_link_enabled": FLAG,
    "cross_link_template": TEXT,
    "is_default": FLAG,
}
WEBHOOK_FIELDS: Schema = {
    "url": {"type": "string", "format": "uri"},
    "events": {"type": "array", "items": {"enum": list(EVENTS)}, "minItems": 1},
    "is_active": FLAG,
}
ERROR: Schema = {
    "type": "object",
    "required": ["error", "code"],
    "properties": {"error": TEXT, "code": TEXT, "details": {"type": "object"}},
}


def _object(fields: Schema, *required: str) -> Schema:
    made: Schema = {"type": "object", "properties": fields}
    return made | ({"required": list(required)} if required else {})


def _number(least: float = 0, most: float = 3_600) -> Schema:
    return {"type": "number", "minimum": least, "maximum": most}


_BODIES = {
    ("POST", "/posts"): _object(POST_FIELDS, "content", "platforms"),
    ("PUT", "/posts/*"): _object(POST_FIELDS),
    ("POST", "/presets"): _object(PRESET_FIELDS, "name", "platforms"),
    ("PUT", "/presets/*"): _object(PRESET_FIELDS),
    ("POST", "/webhooks"): _object(WEBHOOK_FIELDS, "url", "events"),
    ("PUT", "/webhooks/*"): _object(WEBHOOK_FIELDS),
}
_PAGING = ("limit", "cursor", "page", "offset", "status", "platform")
# Statuses besides those every operation has (400, 401, 403, 429); what a dialect can bring is in.
_ANSWERS = {
    "create": (200, 201, 422), "list": (200, 422), "get": (200, 404), "update": (200, 404, 409, 422),
    "delete": (200, 204, 404, 409), "publish": (200, 202, 204, 404, 409, 422),
}  # fmt: skip
_FAULT: Schema = _object(
    {
        "operation": {"enum": [*OPERATIONS, "any"]},
        "kind": {"enum": list(KINDS)},
        "post_id": {"type": ["string", "null"]},
        "count": {"type": "integer", "minimum": 0, "maximum": 1_000_000},
        "skip": {"type": "integer", "minimum": 0, "maximum": 1_000_000},
        "probability": _number(0, 1),
        "seed": {"type": "integer", "minimum": 0},
        "status": {"enum": [500, 502, 503]},
        "seconds": _number(),
        "commit": {"enum": sorted({commit for commits in COMMITS_OF.values() for commit in commits})},
        "retry_after": {"enum": list(RETRY_AFTER)},
        "details": FLAG,
        "revoke": FLAG,
        "networks": {"type": "array", "items": {"enum": list(PLATFORMS)}},
        "error": TEXT,
    },
    "operation",
    "kind",
)
_CLOCK: Schema = _object(
    {
        "freeze": {"anyOf": [{"const": True}, {"type": "string", "format": "date-time"}]},
        "resume": {"const": True},
        "set": {"type": "string", "format": "date-time"},
        "advance": _number(-1e6, 1e6),
        "jump": {"const": True},
    }
)
_KEY: Schema = _object(
    {
        "key": {"type": "string", "pattern": "^oct_test_[a-z0-9]+$"},
        "scopes": {"type": ["array", "null"], "items": {"enum": list(SCOPES)}},
        "tier": {"enum": [None, *TIERS]},
        "revoked": FLAG,
    },
    "key",
)
_ACCOUNT: Schema = _object(
    {"platform": {"enum": list(PLATFORMS)}, "username": TEXT, "display_name": TEXT, "is_active": FLAG}, "platform"
)
_CHANGE: Schema = _object({"username": TEXT, "display_name": TEXT, "is_active": FLAG})
_SEED_POST: Schema = _object(POST_FIELDS | {"publish": FLAG}, "content", "platforms")
_SEED: Schema = _object(
    {"posts": {"type": "array", "items": _SEED_POST}, "accounts": {"type": "array", "items": _ACCOUNT}}
)
_FAILING: Schema = _object({name: {"type": ["string", "null"]} for name in PLATFORMS})
_DIALECT: Schema = _object(
    {
        choice.name: {"enum": list(choice.values)}
        if isinstance(choice.values, tuple)
        else {"type": "integer" if choice.values is int else "number", "minimum": 0, "maximum": 1_000}
        for choice in TABLE
    }
)
# Control operations: body, answers, query parameters.
_CONTROL: dict[tuple[str, str], tuple[Schema | None, tuple[int, ...], tuple[str, ...]]] = {
    ("GET", "/health"): (None, (200,), ()),
    ("POST", "/reset"): (None, (200,), ()),
    ("POST", "/seed"): (_SEED, (200, 400, 409, 422), ()),
    ("GET", "/clock"): (None, (200,), ()),
    ("POST", "/clock"): (_CLOCK, (200, 400, 409), ()),
    ("GET", "/faults"): (None, (200,), ()),
    ("POST", "/faults"): (_FAULT, (201, 400), ()),
    ("DELETE", "/faults"): (None, (200,), ()),
    ("DELETE", "/faults/{id}"): (None, (200, 404), ()),
    ("GET", "/dialect"): (None, (200,), ()),
    ("POST", "/dialect"): (_DIALECT, (200, 400), ()),
    ("GET", "/tier"): (None, (200,), ()),
    ("POST", "/tier"): (_object({"tier": {"enum": list(TIERS)}}, "tier"), (200, 400), ()),
    ("GET", "/accounts"): (None, (200,), ()),
    ("POST", "/accounts"): (_ACCOUNT, (201, 400), ()),
    ("POST", "/accounts/{id}"): (_CHANGE, (200, 400, 404), ()),
    ("DELETE", "/accounts/{id}"): (None, (204, 404), ()),
    ("GET", "/networks"): (None, (200,), ()),
    ("POST", "/networks"): (_FAILING, (200, 400), ()),
    ("GET", "/keys"): (None, (200,), ()),
    ("POST", "/keys"): (_KEY, (201, 400), ()),
    ("GET", "/posts"): (None, (200,), ()),
    ("GET", "/posts/{id}"): (None, (200, 404), ()),
    ("POST", "/posts/{id}/publish"): (None, (200, 404, 409, 422), ()),
    ("GET", "/calls"): (None, (200,), ("post_id", "operation")),
    ("GET", "/live"): (None, (200,), ("network",)),
    ("GET", "/duplicates"): (None, (200,), ("url", "ever")),
    ("GET", "/wait"): (None, (200, 400, 408), ("status", "post_id", "timeout")),
    ("GET", "/deliveries"): (None, (200,), ()),
}


def _responses(statuses: tuple[int, ...], good: Schema) -> Schema:
    made: Schema = {}
    for status in sorted(statuses):
        content = {"application/json": {"schema": ERROR if status >= 400 else good}}
        made[str(status)] = {"description": "Done" if status < 400 else "Refused"} | (
            {} if status == 204 else {"content": content}
        )
    return made


def _parameters(path: str, query: tuple[str, ...]) -> list[Schema]:
    found = [{"name": "id", "in": "path", "required": True, "schema": TEXT}] if "{id}" in path else []
    return found + [{"name": name, "in": "query", "required": False, "schema": TEXT} for name in query]


def _operation(
    summary: str, label: str, tag: str, body: Schema | None, answers: Schema, parameters: list[Schema]
) -> Schema:
    made: Schema = {
        "summary": summary,
        "tags": [tag],
        "x-source": label,
        "parameters": parameters,
        "responses": answers,
    }
    if body is not None:
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return made


def _summary(function: Any) -> str:
    return str(function.__doc__).strip().splitlines()[0]


def describe(server: str) -> Schema:
    """Return the OpenAPI 3.1 document."""
    paths: Schema = {}
    for one in api.OPERATIONS:
        path = "/v1" + one.path.replace("*", "{id}")
        missing = (404, 409) if "*" in one.path else ((409,) if one.method == "POST" else ())
        statuses = _ANSWERS.get(one.name) or (200, 201, 204, 422, *missing)
        good = POST if one.name in ("create", "get", "update", "publish") else {}
        paths.setdefault(path, {})[one.method.lower()] = _operation(
            _summary(one.run), one.label, "API", _BODIES.get((one.method, one.path)),
            _responses((*statuses, 400, 401, 403, 429), good),
            _parameters(path, _PAGING if one.name == "list" else ()),
        )  # fmt: skip
        paths[path][one.method.lower()]["security"] = [{"key": []}]
    summaries = {(method, route.path): route.endpoint for route in control.ROUTES for method in route.methods or ()}
    for (method, path), (body, statuses, query) in _CONTROL.items():
        # 403 comes from the guard against web pages elsewhere.
        paths.setdefault(f"/_sandbox{path}", {})[method.lower()] = _operation(
            _summary(summaries[method, path]), "sandbox", "Control", body,
            _responses((*statuses, 403), {"type": "object"}), _parameters(path, query),
        )  # fmt: skip
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Octopost sandbox",
            "version": "1",
            "description": "A local Octopost. x-source: documented, inferred, guess; sandbox: our own.",
        },
        "servers": [{"url": server}],
        "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
        "paths": paths,
    }
