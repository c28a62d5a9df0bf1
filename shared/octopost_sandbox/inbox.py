"""The inbox: pages for people who want to see what went out. No key, no outside resource, no inline script."""

from __future__ import annotations

import asyncio
import json
import unicodedata
from collections.abc import AsyncIterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from octopost_core.platforms import PLATFORMS
from octopost_sandbox import webhooks
from octopost_sandbox.clock import to_iso
from octopost_sandbox.dialect import TABLE
from octopost_sandbox.errors import ApiError
from octopost_sandbox.faults import KINDS
from octopost_sandbox.openapi import describe
from octopost_sandbox.posts import STATUSES, Post
from octopost_sandbox.preview import LOOKS, card, chips, tokens, verdict, visible
from octopost_sandbox.world import World

HERE = Path(__file__).parent
PAGE = 50
LOOK_EVERY = 0.25  # seconds between looks for a change, per open page
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with no-referrer a browser would send "Origin: null" for the buttons
    "Cache-Control": "no-store",
}
OUTCOMES = (*STATUSES, "partial", "deleted")


@cache
def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {
        "visible": visible,
        "tokens": tokens,
        "clock": _clock_time,
        "day": _day,
        "iso": to_iso,
        "pretty": _pretty,
    }
    return made


def _clock_time(at: int) -> str:
    return to_iso(at)[11:19]


def _day(at: int) -> str:
    return to_iso(at)[:10]


def _pretty(text: str) -> str:
    """Lay JSON out for reading; leave everything else as it is."""
    try:
        return visible(json.dumps(json.loads(text), indent=2, ensure_ascii=False))
    except (ValueError, RecursionError):
        return visible(text)


def world_of(request: Request) -> World:
    """Return the state the application serves."""
    world: World = request.app.state.world
    return world


def _twins(world: World) -> list[dict[str, Any]]:
    """Return the live duplicates, one entry per set of posts, with all the networks that show them."""
    sets: dict[tuple[str, ...], dict[str, Any]] = {}
    for group in world.copies.duplicates() if world.copies.doubled else []:
        entry = sets.setdefault(tuple(group["post_ids"]), group | {"networks": []})
        entry["networks"].append(PLATFORMS[group["network"]].name)
    return list(sets.values())


def page(request: Request, template: str, code: int = 200, **values: Any) -> HTMLResponse:
    """Return a page with the frame every page has."""
    world = world_of(request)
    frame = {
        "world": world,
        "now": world.clock.now(),
        "networks": {name: {"name": PLATFORMS[name].name, "mark": LOOKS[name].mark} for name in PLATFORMS},
        "duplicates": _twins(world),
        "path": request.url.path,
    }
    return HTMLResponse(_templates().get_template(template).render(frame | values), code, SECURITY)


def _fold_case(text: str) -> str:
    return text.lower() if text.isascii() else unicodedata.normalize("NFC", text).casefold()


def _selected(world: World, query: dict[str, str]) -> list[Post]:
    """Return the posts the filter lets through, newest first."""
    wanted = _fold_case(query.get("q", "").strip())
    status, network = query.get("status", ""), query.get("network", "")
    found = []
    for post in reversed(world.ordered()):
        if status == "" and post.deleted_at is not None:
            continue
        if status:
            outcome = verdict(post)[0]
            if status != outcome and not (outcome == "partial" and status == post.status):
                continue
        if network and network not in post.platforms:
            continue
        if wanted and not any(wanted in _fold_case(text) for text in (post.id, *post.parts)):
            continue
        found.append(post)
    return found


async def index(request: Request) -> HTMLResponse:
    """Show the list, newest first."""
    world = world_of(request)
    query = dict(request.query_params)
    found = _selected(world, query)
    start = int(query["from"]) if query.get("from", "").isdecimal() and len(query["from"]) < 9 else 0
    kept = {name: query[name] for name in ("q", "status", "network") if query.get(name)}
    rows = [{"post": post, "verdict": verdict(post), "chips": chips(post)} for post in found[start : start + PAGE]]

    def turned(to: int) -> str:
        return "/?" + urlencode(kept | {"from": str(to)})

    return page(
        request, "inbox.html", rows=rows, total=len(found), query=query, outcomes=OUTCOMES,
        newer=turned(max(0, start - PAGE)) if start else None,
        older=turned(start + PAGE) if start + PAGE < len(found) else None,
    )  # fmt: skip


def _post(request: Request) -> Post:
    post = world_of(request).posts.get(request.path_params["id"])
    if post is None:
        raise ApiError(404, f"Post with ID '{request.path_params['id']}' not found.")
    return post


async def show(request: Request) -> HTMLResponse:
    """Show one post: a card per network, and every call about it."""
    world, post = world_of(request), _post(request)
    twins = (
        {twin for group in world.copies.duplicates() for twin in group["post_ids"]} if world.copies.doubled else set()
    )
    return page(
        request, "post.html", post=post, verdict=verdict(post), twin=post.id in twins,
        cards=[card(world, post, network) for network in post.platforms], calls=list(world.calls.select(post.id)),
        said=request.query_params.get("said", "")[:300],
    )  # fmt: skip


async def controls(request: Request) -> HTMLResponse:
    """Show clock, networks, faults, dialect and webhooks."""
    world = world_of(request)
    changed = [(choice, world.dialect[choice.name]) for choice in TABLE]
    accounts = sorted(world.accounts.values(), key=lambda account: list(PLATFORMS).index(account["platform"]))
    return page(
        request, "controls.html", accounts=accounts, choices=changed, waiting=world.next_scheduled(),
        deliveries=list(world.webhook_log)[-20:][::-1], said=request.query_params.get("said", "")[:300],
    )  # fmt: skip


async def permalink(request: Request) -> Response:
    """Lead from a network's copy to its post."""
    copy = world_of(request).copies.all.get(request.path_params["copy"])
    if copy is None:
        raise ApiError(404, "There is no such copy.")
    return RedirectResponse(f"/posts/{copy.post_id}#{copy.network}", 303)


def _act(world: World, action: str, target: str, value: str) -> str:
    """Do what a button says; return a sentence about it."""
    if action == "publish":
        post = world.publish(target)
        return f"Published: {post.status}."
    if action == "fail" and target in PLATFORMS:
        world.failing[target] = "The network did not accept the post."
        world.save_settings()
        return f"{PLATFORMS[target].name} fails from now on."
    if action == "mend" and target in PLATFORMS:
        world.failing.pop(target, None)
        world.save_settings()
        return f"{PLATFORMS[target].name} works again."
    if action in ("expire", "renew") and target in world.accounts:
        account = world.accounts[target]
        world.set_active(account, action == "renew")
        state = "valid again" if action == "renew" else "expired"
        return f"The {PLATFORMS[account['platform']].name} token of {account['username']} is {state}."
    if action == "clock":
        return _move(world, value)
    raise ApiError(400, "The inbox has no such button.")


def _move(world: World, value: str) -> str:
    waiting = world.next_scheduled()
    steps = {"minute": 60, "hour": 3_600, "day": 86_400}
    if value == "freeze":
        world.clock.freeze()
    elif value == "resume":
        world.clock.resume()
    elif value in steps:
        world.clock.advance(steps[value])
    elif value == "next" and waiting is not None:
        world.jump(waiting)
    else:
        return "Nothing is scheduled."
    world.save_settings()
    world.tick()
    return f"It is {to_iso(world.clock.now())} now."


async def act(request: Request) -> Response:
    """Take a button's form; only a page of this very address may send it."""
    origin = urlsplit(request.headers.get("origin", "")).netloc
    if origin != request.headers.get("host"):
        raise ApiError(403, "Only the inbox itself may press its buttons.")
    form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
    action, target, value, back = (form.get(name, "") for name in ("action", "target", "value", "back"))
    world = world_of(request)
    try:
        with world.lock:
            said = _act(world, action, target, value)
    except ApiError as error:
        if error.status == 400:
            raise
        said = str(error)
    where = back if back == "/controls" or (back.startswith("/posts/") and back[7:] in world.posts) else "/"
    return RedirectResponse(f"{where}?{urlencode({'said': said})}", 303)


async def events(request: Request) -> StreamingResponse:
    """Stream a line whenever something changed."""
    world = world_of(request)

    async def lines() -> AsyncIterator[str]:
        seen, quiet = world.version, 0.0
        yield "retry: 1000\n\n"
        while True:
            await asyncio.sleep(LOOK_EVERY)
            quiet += LOOK_EVERY
            if world.version != seen:
                seen, quiet = world.version, 0.0
                yield f"data: {seen}\n\n"
            elif quiet >= 15:
                quiet = 0.0
                yield ": still here\n\n"

    return StreamingResponse(lines(), media_type="text/event-stream", headers=SECURITY)


async def docs(request: Request) -> HTMLResponse:
    """Describe the API and the control API."""
    about = " ".join((webhooks.__doc__ or "").split("\n\n", 1)[-1].replace("``", "").split())
    document = describe(world_of(request).public_url)
    return page(request, "docs.html", document=document, kinds=KINDS, webhooks=about)


async def openapi(request: Request) -> JSONResponse:
    """Return the OpenAPI document."""
    return JSONResponse(describe(world_of(request).public_url))


ROUTES = [
    Route("/_sandbox/docs", docs),
    Route("/_sandbox/openapi.json", openapi),
    Route("/", index),
    Route("/posts/{id}", show),
    Route("/controls", controls),
    Route("/live/{network}/{copy}", permalink),
    Route("/act", act, methods=["POST"]),
    Route("/events", events),
    Mount("/static", StaticFiles(directory=HERE / "static")),
]
