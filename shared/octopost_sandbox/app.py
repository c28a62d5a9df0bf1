"""The application: the API under /v1, the control API under /_sandbox, and the inbox."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from octopost_sandbox import control, inbox
from octopost_sandbox.errors import ApiError
from octopost_sandbox.v1 import V1
from octopost_sandbox.webhooks import Deliverer
from octopost_sandbox.world import World

TICK = 0.2  # seconds between the background's looks at the clock


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address stays on this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class Guard:
    """Refuse requests that a web page elsewhere could have made a browser send.

    The control API needs no key, so a page on the internet must not be able to reach it through the user's browser:
    neither from its own address (Origin) nor, on loopback, under a name that was made to point here (Host).
    """

    def __init__(self, app: ASGIApp, allow_remote: bool) -> None:
        self.app = app
        self.allow_remote = allow_remote

    def objection(self, host: str, origin: str) -> str | None:
        """Return why a request is refused, or None."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
            page = urlsplit(origin)
        except ValueError:
            return "The Host or Origin header is malformed."
        if not self.allow_remote and host and not is_loopback(name):
            return f"The Host header names {name!r}, not this machine; see --allow-remote."
        if origin and page.netloc != host:
            return f"The Origin header names {origin!r}, not this sandbox."
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403."""
        if scope["type"] == "http":
            headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
            objection = self.objection(headers.get(b"host", ""), headers.get(b"origin", ""))
            if objection is not None:
                await JSONResponse({"error": objection, "code": "forbidden"}, 403)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _answer(request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, ApiError) else 500
    if isinstance(error, HTTPException):
        status = error.status_code
    if "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(("/v1", "/_sandbox")):
        return inbox.page(request, "error.html", code=status, status=status, message=str(error))
    if isinstance(error, ApiError):
        return JSONResponse(error.body, error.status, error.headers)
    code = {404: "not_found", 405: "method_not_allowed"}.get(status, "error")
    return JSONResponse({"error": f"{request.method} {request.url.path}: {error}", "code": code}, status)


def make_app(world: World, allow_remote: bool = False) -> ASGIApp:
    """Return the ASGI application for a state."""

    async def keep_time() -> None:
        while True:
            world.tick()
            await asyncio.sleep(TICK)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(keep_time())
        world.listeners.append(Deliverer(world))
        yield
        task.cancel()
        world.storage.close()

    v1 = V1(world)
    app = Starlette(
        routes=[
            *inbox.ROUTES,
            Mount("/_sandbox", routes=control.ROUTES),
            Route("/v1", v1),
            Route("/v1/{rest:path}", v1),
        ],
        exception_handlers={ApiError: _answer, HTTPException: _answer},
        lifespan=lifespan,
    )
    app.state.world = world
    return Guard(app, allow_remote)
