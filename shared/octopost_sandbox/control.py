"""The control API under /_sandbox: look into the sandbox, and make it do what a test needs."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from octopost_sandbox import networks
from octopost_sandbox.clock import MICROS, from_iso, to_iso
from octopost_sandbox.dialect import TABLE
from octopost_sandbox.errors import ApiError
from octopost_sandbox.keys import SCOPES, Key
from octopost_sandbox.posts import PLATFORMS, STATUSES, Post
from octopost_sandbox.ratelimit import TIERS
from octopost_sandbox.world import World

LONGEST_WAIT = 300.0  # seconds
LOOK_EVERY = 0.02  # seconds


def world_of(request: Request) -> World:
    """Return the state the application serves."""
    world: World = request.app.state.world
    return world


async def body_of(request: Request) -> dict[str, Any]:
    """Return the JSON object of a control request; no body is an empty object. Raises 400 for anything else."""
    raw = await request.body()
    try:
        body = json.loads(raw) if raw.strip() else {}
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise ApiError(400, "The request body must be valid JSON.") from None
    if not isinstance(body, dict):
        raise ApiError(400, "The request body must be a JSON object.")
    return body


def _only(body: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in body:
        if name not in names:
            raise ApiError(400, f"Unknown setting {name!r}; known are: {', '.join(names)}.")


def show_post(post: Post) -> dict[str, Any]:
    """Return all the sandbox knows of a post, times to the microsecond."""
    times = ("created_at", "updated_at", "scheduled_for", "published_at", "deleted_at")
    shown = asdict(post) | {
        name: None if (at := getattr(post, name)) is None else to_iso(at, "microseconds") for name in times
    }
    shown["platform_results"] = shown.pop("results")
    for name in ("publishing_until", "polls_left", "failing"):
        del shown[name]
    return shown | {"fingerprint": post.fingerprint}


async def health(request: Request) -> JSONResponse:
    """Tell that the sandbox answers, and how it stands."""
    world = world_of(request)
    standing = [post for post in world.posts.values() if post.deleted_at is None]
    return JSONResponse(
        {
            "status": "ok",
            "base_url": f"{world.public_url}/v1",
            "inbox": f"{world.public_url}/",
            "now": to_iso(world.clock.now(), "microseconds"),
            "frozen": world.clock.frozen,
            "tier": world.limits.tier,
            "posts": len(standing),
            "duplicate_live": world.copies.doubled > 0,
            "duplicate_seen": world.copies.duplicate_seen,
        }
    )


async def reset(request: Request) -> JSONResponse:
    """Go back to how the sandbox was started."""
    world_of(request).reset()
    return JSONResponse({"status": "ok"})


async def seed(request: Request) -> JSONResponse:
    """Fill in posts (create bodies, with ``publish: true`` to send them) and accounts."""
    world = world_of(request)
    body = await body_of(request)
    _only(body, ("posts", "accounts"))
    made = []
    for wanted in _objects(body, "accounts"):
        _save_account(world, f"acc_{wanted.get('platform')}_{len(world.accounts)}", wanted)
    for wanted in _objects(body, "posts"):
        post = world.create({name: value for name, value in wanted.items() if name != "publish"})
        if wanted.get("publish") is True:
            world.publish(post.id)
        made.append(post.id)
    return JSONResponse({"posts": made})


def _objects(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    value = body.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ApiError(400, f"{name} must be an array of objects.")
    return value


def _clock_state(world: World) -> dict[str, Any]:
    waiting = world.next_scheduled()
    return {
        "now": to_iso(world.clock.now(), "microseconds"),
        "frozen": world.clock.frozen,
        "next_scheduled": to_iso(waiting.scheduled_for) if waiting and waiting.scheduled_for else None,
    }


def _moment(value: object) -> int:
    try:
        at = from_iso(str(value))
        to_iso(at)
    except (ValueError, OverflowError):
        raise ApiError(400, f"{value!r} is not an ISO 8601 time with an offset.") from None
    return at


async def clock(request: Request) -> JSONResponse:
    """Show the clock, or freeze, resume, set, advance it, or jump to the next scheduled post."""
    world = world_of(request)
    if request.method == "POST":
        body = await body_of(request)
        _only(body, ("freeze", "resume", "set", "advance", "jump"))
        with world.lock:
            for name, value in body.items():
                _move_clock(world, name, value)
            world.save_settings()
            world.tick()
    return JSONResponse(_clock_state(world))


def _move_clock(world: World, name: str, value: Any) -> None:
    if name == "freeze":
        world.clock.freeze(None if value is True else _moment(value))
    elif name == "resume":
        world.clock.resume()
    elif name == "set":
        world.clock.move_to(_moment(value))
    elif name == "advance":
        if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= 1e9:
            raise ApiError(400, "advance must be a number of seconds.")
        _moment(_later(world, float(value)))
        world.clock.advance(float(value))
    else:
        waiting = world.next_scheduled()
        if waiting is None:
            raise ApiError(409, "No post is scheduled.")
        world.jump(waiting)


def _later(world: World, seconds: float) -> str:
    try:
        return to_iso(world.clock.now() + round(seconds * MICROS))
    except (ValueError, OverflowError, OSError):
        raise ApiError(400, "The clock cannot be moved that far.") from None


async def faults(request: Request) -> JSONResponse:
    """List, add or remove fault rules."""
    world = world_of(request)
    if request.method == "POST":
        try:
            rule = world.faults.add(await body_of(request))
        except ValueError as error:
            raise ApiError(400, str(error)) from None
        world.changed()
        return JSONResponse(asdict(rule), 201)
    if request.method == "DELETE":
        removed = world.faults.remove(request.path_params.get("id"))
        if not removed and "id" in request.path_params:
            raise ApiError(404, "There is no such fault.")
        world.changed()
        return JSONResponse({"removed": removed})
    return JSONResponse({"faults": world.faults.as_list()})


async def dialect(request: Request) -> JSONResponse:
    """Show the dialect and what is possible, or change some choices."""
    world = world_of(request)
    if request.method == "POST":
        try:
            world.dialect.update(await body_of(request))
        except ValueError as error:
            raise ApiError(400, str(error)) from None
        world.save_settings()
    choices = [
        {
            "name": choice.name,
            "value": world.dialect[choice.name],
            "values": list(choice.values) if isinstance(choice.values, tuple) else choice.values.__name__,
            "default": choice.default,
            "label": choice.label,
            "about": choice.about,
        }
        for choice in TABLE
    ]
    return JSONResponse({"dialect": world.dialect.as_dict(), "choices": choices})


async def tier(request: Request) -> JSONResponse:
    """Show or change the tier, which sets the rate limits."""
    world = world_of(request)
    if request.method == "POST":
        name = (await body_of(request)).get("tier")
        if name not in tuple(TIERS):
            raise ApiError(400, f"tier {name!r} is not one of {', '.join(TIERS)}.")
        world.limits.tier = name
        world.limits.clear()
    return JSONResponse({"tier": world.limits.tier})


def _save_account(world: World, account_id: str, wanted: dict[str, Any]) -> dict[str, Any]:
    texts = ("username", "display_name", "platform_user_id", "platform")
    _only(wanted, (*texts, "is_active", "avatar_url"))
    old = world.accounts.get(account_id)
    if old is None and wanted.get("platform") not in PLATFORMS:
        raise ApiError(400, f"platform must be one of {', '.join(PLATFORMS)}.")
    for name in texts:
        if not isinstance(wanted.get(name, ""), str) or (
            name == "platform" and old and wanted.get(name, old[name]) != old[name]
        ):
            raise ApiError(400, f"{name} cannot be {wanted[name]!r}.")
    if not isinstance(wanted.get("is_active", True), bool) or not isinstance(wanted.get("avatar_url"), str | None):
        raise ApiError(400, "is_active must be a boolean and avatar_url a string or null.")
    if old is None:
        blank = networks.accounts(to_iso(world.clock.now()))[PLATFORMS.index(wanted["platform"])]
        world.save("account", blank | wanted | {"id": account_id})
        world.emit("account.connected", {"account": world.accounts[account_id]})
    else:
        world.set_active(old, wanted.get("is_active", old["is_active"]))
        world.save("account", world.accounts[account_id] | wanted)
    return world.accounts[account_id]


async def accounts(request: Request) -> JSONResponse:
    """List the accounts, connect one more, or remove all."""
    world = world_of(request)
    if request.method == "POST":
        body = await body_of(request)
        account_id = f"acc_{body.get('platform')}_{len(world.accounts)}_{world.clock.stamp() % 10_000_000}"
        return JSONResponse(_save_account(world, account_id, body), 201)
    return JSONResponse({"accounts": list(world.accounts.values())})


async def account(request: Request) -> Response:
    """Change an account (``is_active: false`` expires its token), or remove it."""
    world = world_of(request)
    account_id = request.path_params["id"]
    if account_id not in world.accounts:
        raise ApiError(404, f"Account with ID '{account_id}' not found.")
    if request.method == "DELETE":
        world.drop("account", account_id)
        return Response(status_code=204)
    return JSONResponse(_save_account(world, account_id, await body_of(request)))


async def failing(request: Request) -> JSONResponse:
    """Show or set which networks fail: an error text makes one fail until it is set to null."""
    world = world_of(request)
    if request.method == "POST":
        body = await body_of(request)
        _only(body, PLATFORMS)
        if not all(isinstance(value, str | None) for value in body.values()):
            raise ApiError(400, "Every value must be an error text or null.")
        merged = world.failing | body
        world.failing = {name: text for name, text in merged.items() if text is not None}
        world.save_settings()
    return JSONResponse({"failing": world.failing})


async def keys(request: Request) -> JSONResponse:
    """List the registered keys, or register one: ``key``, and ``scopes``, ``tier``, ``revoked`` as wanted."""
    world = world_of(request)
    if request.method == "POST":
        body = await body_of(request)
        _only(body, ("key", "scopes", "tier", "revoked"))
        key = Key(body.get("key") or "", body.get("scopes"), body.get("tier"), body.get("revoked", False))
        if not isinstance(key.key, str) or not key.key.startswith("oct_") or key.key.startswith("oct_live_"):
            raise ApiError(400, "key must start with oct_, best with oct_test_; live keys are refused.")
        scopes_fit = key.scopes is None or (isinstance(key.scopes, list) and all(s in SCOPES for s in key.scopes))
        if not scopes_fit or key.tier not in (None, *TIERS) or not isinstance(key.revoked, bool):
            raise ApiError(
                400, f"scopes must be of {', '.join(SCOPES)}; tier of {', '.join(TIERS)}; revoked a boolean."
            )
        world.keys.register(key)
        world.save_settings()
        return JSONResponse(asdict(key), 201)
    return JSONResponse({"keys": world.keys.state()})


async def posts(request: Request) -> JSONResponse:
    """List every post, oldest first, the deleted ones too."""
    world = world_of(request)
    return JSONResponse({"posts": [show_post(post) for post in world.ordered()]})


def _post(request: Request) -> Post:
    post = world_of(request).posts.get(request.path_params["id"])
    if post is None:
        raise ApiError(404, f"Post with ID '{request.path_params['id']}' not found.")
    return post


async def post(request: Request) -> JSONResponse:
    """Show one post, also a deleted one."""
    return JSONResponse(show_post(_post(request)))


async def publish(request: Request) -> JSONResponse:
    """Publish a post as another client would: 409 when it is out already."""
    found = world_of(request).publish(_post(request).id)
    return JSONResponse(show_post(found))


async def calls(request: Request) -> JSONResponse:
    """List the API calls, oldest first, keys masked."""
    world = world_of(request)
    query = request.query_params
    shown = world.calls.as_list(query.get("post_id"), query.get("operation"))
    for call in shown:
        call["at"] = to_iso(call["at"], "microseconds")
    return JSONResponse({"calls": shown})


async def live(request: Request) -> JSONResponse:
    """List what stands on the networks right now."""
    world = world_of(request)
    network = request.query_params.get("network")
    copies = [
        asdict(copy) | {"at": to_iso(copy.at, "microseconds")}
        for copy in world.copies.all.values()
        if copy.removed_at is None and network in (None, copy.network)
    ]
    return JSONResponse({"live": copies})


async def duplicates(request: Request) -> JSONResponse:
    """List content that is live more than once on one network."""
    query = request.query_params
    found = world_of(request).copies.duplicates(query.get("url"), query.get("ever") in ("true", "1"))
    return JSONResponse({"duplicates": found})


async def wait(request: Request) -> JSONResponse:
    """Wait until a post (any, or ``post_id``) has the ``status``; 408 when ``timeout`` seconds were not enough."""
    world = world_of(request)
    query = request.query_params
    status = query.get("status", "published")
    if status not in STATUSES:
        raise ApiError(400, f"status {status!r} is not one of {', '.join(STATUSES)}.")
    try:
        patience = float(query.get("timeout", "10"))
    except ValueError:
        patience = -1
    if not 0 <= patience <= LONGEST_WAIT:
        raise ApiError(400, f"timeout must be a number of seconds from 0 to {LONGEST_WAIT:g}.")
    until = time.monotonic() + patience
    while True:
        world.tick()
        for candidate in reversed(world.posts.values()):
            if (
                candidate.status == status
                and candidate.deleted_at is None
                and query.get("post_id") in (None, candidate.id)
            ):
                return JSONResponse(show_post(candidate))
        if time.monotonic() >= until:
            return JSONResponse({"error": f"No post became {status} within {patience:g} s.", "code": "timeout"}, 408)
        await asyncio.sleep(LOOK_EVERY)


async def deliveries(request: Request) -> JSONResponse:
    """List the webhook deliveries, oldest first: every try with its answer."""
    return JSONResponse({"deliveries": list(world_of(request).webhook_log)})


ROUTES = [
    Route("/health", health),
    Route("/reset", reset, methods=["POST"]),
    Route("/seed", seed, methods=["POST"]),
    Route("/clock", clock, methods=["GET", "POST"]),
    Route("/faults", faults, methods=["GET", "POST", "DELETE"]),
    Route("/faults/{id}", faults, methods=["DELETE"]),
    Route("/dialect", dialect, methods=["GET", "POST"]),
    Route("/tier", tier, methods=["GET", "POST"]),
    Route("/accounts", accounts, methods=["GET", "POST"]),
    Route("/accounts/{id}", account, methods=["POST", "DELETE"]),
    Route("/networks", failing, methods=["GET", "POST"]),
    Route("/keys", keys, methods=["GET", "POST"]),
    Route("/posts", posts),
    Route("/posts/{id}", post),
    Route("/posts/{id}/publish", publish, methods=["POST"]),
    Route("/calls", calls),
    Route("/live", live),
    Route("/duplicates", duplicates),
    Route("/wait", wait),
    Route("/deliveries", deliveries),
]
