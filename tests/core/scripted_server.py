"""A server that answers with prepared bytes and keeps every request's bytes: for what no well-behaved server does."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Received:
    """One request, byte for byte."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class ScriptedServer:
    """Answer the nth request with the nth script; the last one repeats."""

    url: str
    scripts: list[bytes | None]
    received: list[Received] = field(default_factory=list)

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        stream = connection.makefile("rb")
        method, target, _ = stream.readline().decode().split(" ")
        headers = {}
        while line := stream.readline().decode().strip():
            name, _, value = line.partition(":")
            headers[name] = value.strip()
        body = stream.read(int(headers.get("Content-Length", 0)))
        script = self.scripts[min(len(self.received), len(self.scripts) - 1)]
        self.received.append(Received(method, target, headers, body))
        if script is None:  # a reset: closing with a linger of zero sends RST
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        connection.sendall(script)


def reply(status: int, payload: Any = None, *, text: str | None = None, **headers: str) -> bytes:
    """Write a reply; ``payload`` goes as JSON, ``text`` as it is."""
    body = (text if text is not None else "" if payload is None else json.dumps(payload)).encode()
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@contextlib.contextmanager
def scripted(*scripts: bytes | None) -> Iterator[ScriptedServer]:
    """Run a scripted server on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = ScriptedServer(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", list(scripts))
        thread = threading.Thread(target=server.serve, args=(listener,), daemon=True)
        thread.start()
        yield server
        # Closing alone does not wake a blocked accept everywhere.
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)
