"""The web server: uvicorn on a socket of our own, with connections that can be cut."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

SHORT_GRACE = 0.1  # seconds for replies under way when the server ends
_transports: dict[tuple[str, int], asyncio.Transport] = {}


def transport_of(scope: Scope) -> asyncio.Transport:
    """Return the TCP connection a request came in on."""
    host, port = scope["client"]
    return _transports[host, port]


class CuttableProtocol(H11Protocol):
    """HTTP/1.1 that remembers each connection's transport under the client's address."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remember the connection."""
        super().connection_made(transport)
        if self.client is not None:
            _transports[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self.client is not None:
            _transports.pop(self.client, None)
        super().connection_lost(exc)


class Server(uvicorn.Server):
    """A uvicorn server that says when it accepts connections."""

    def __init__(self, config: uvicorn.Config, when_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._when_ready = when_ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End on SIGTERM and SIGINT; unlike uvicorn's own, leave the exit code to the command."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the sockets, then call back."""
        await super().startup(sockets)
        if self.started:
            self._when_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End at once: an open inbox page or a reply held by a fault would otherwise be waited for."""
        await asyncio.sleep(SHORT_GRACE)
        for transport in list(_transports.values()):
            transport.abort()
        for task in list(self.server_state.tasks):
            task.cancel()
        await super().shutdown(sockets)


class Quiet:
    """End requests quietly that are cancelled because the server ends."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        try:
            await self.app(scope, receive, send)
        except asyncio.CancelledError:
            if scope["type"] != "http":
                raise


def listen(host: str, port: int) -> socket.socket:
    """Return a bound socket; raise OSError when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


def make_server(app: ASGIApp, when_ready: Callable[[], None]) -> Server:
    """Return a server for the application; run it with ``server.run(sockets=[...])``."""
    options: dict[str, Any] = {
        "http": CuttableProtocol,
        "ws": "none",
        "lifespan": "on",
        "log_level": "warning",
        "access_log": False,
        "date_header": False,  # Date is the sandbox's time
        "server_header": False,
        "timeout_graceful_shutdown": 1,
        "backlog": 2048,
    }
    return Server(uvicorn.Config(Quiet(app), **options), when_ready)
