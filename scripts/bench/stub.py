"""A server that answers every call at once with a fixed reply, so that what is measured is the client.

``python -m bench.stub`` prints its base URL and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.measure import PYTHON, child_environ

POST = {
    "id": "post_1",
    "content": "Version 1.4.0 is out",
    "platforms": ["twitter", "bluesky"],
    "status": "published",
    "created_at": "2026-04-01T10:00:00Z",
    "updated_at": "2026-04-01T10:00:00Z",
    "published_at": "2026-04-01T10:00:00Z",
    "platform_results": {
        "twitter": {"success": True, "post_id": "1", "post_url": "https://x.example/1"},
        "bluesky": {"success": True, "post_id": "at://1", "post_url": "https://bsky.example/1"},
    },
}


def _reply(body: object) -> bytes:
    raw = json.dumps(body).encode()
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Wed, 01 Apr 2026 10:00:00 GMT\r\n"
        "X-RateLimit-Limit: 1000000000\r\nX-RateLimit-Remaining: 1000000000\r\nX-RateLimit-Reset: 1775037660\r\n"
        f"Content-Length: {len(raw)}\r\n\r\n"
    )
    return head.encode() + raw


ONE = _reply(POST)
LIST = _reply({"posts": [{**POST, "id": f"post_{number}"} for number in range(20)], "has_more": False})


class Stub(asyncio.Protocol):
    """HTTP/1.1 as far as requests speaks it: a body of a known length, kept connections, nothing pipelined."""

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer when a request is whole."""
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end:
            return
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line[:15].lower() == b"content-length:"), 0)
        if len(body) >= length:
            self._received = b""
            self._transport.write(LIST if head.startswith(b"GET /v1/posts ") else ONE)  # type: ignore[attr-defined]


async def main() -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Stub, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


@contextmanager
def stub() -> Iterator[str]:
    """Run the server in a process of its own; give its base URL."""
    process = subprocess.Popen(
        [PYTHON, "-m", "bench.stub"], env=child_environ(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(10)


if __name__ == "__main__":
    asyncio.run(main())
