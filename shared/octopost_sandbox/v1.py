"""The way of a call through /v1: log, fault, key, rate limit, work, and the reply as bytes on the wire."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from octopost_sandbox.api import Context, Operation, Reply, publish_reply, resolve
from octopost_sandbox.calls import Call
from octopost_sandbox.clock import MICROS
from octopost_sandbox.errors import ApiError
from octopost_sandbox.faults import WITHOUT_WORK, Rule
from octopost_sandbox.keys import require_scope
from octopost_sandbox.ratelimit import too_many
from octopost_sandbox.server import transport_of
from octopost_sandbox.world import World

MAX_BODY = 2_000_000
HTML = b"<!doctype html><title>Octopost</title><h1>We will be right back</h1><p>Something is being repaired.</p>"
HOLD_STEP = 0.02  # seconds between looks at a publish whose reply is held


class Cut(Exception):
    """The connection ends here without a (whole) reply."""

    def __init__(self, raw: bytes | None = None) -> None:
        super().__init__("cut")
        self.raw = raw


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def read_body(content_type: str, raw: bytes, needed: bool) -> dict[str, Any]:
    """Return the JSON object of a request; raise the documented 400 for anything else."""
    if not needed and not raw:
        return {}
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise ApiError(400, "The Content-Type header must be application/json.")
    if len(raw) > MAX_BODY:
        raise ApiError(400, f"The request body is larger than {MAX_BODY} bytes.")
    try:
        body = json.loads(raw, parse_constant=_no_constant)
        json.dumps(body, ensure_ascii=False).encode()  # refuses half of a surrogate pair, which is no text
    except (ValueError, RecursionError):
        raise ApiError(400, "The request body must be valid JSON.") from None
    if not isinstance(body, dict):
        raise ApiError(400, "The request body must be a JSON object.")
    return body


class V1:
    """The ASGI application under /v1."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        request = Request(scope, receive)
        try:
            raw = await request.body()
        except ClientDisconnect:
            return
        started = time.perf_counter()
        world = self.world
        path = scope["path"]
        call = Call(
            world.calls.next_id(), world.clock.now(), request.method, path, scope["query_string"].decode("latin-1"),
            "unknown", None, request.headers.get("authorization", ""), raw.decode("utf-8", "replace"),
        )  # fmt: skip
        try:
            status, headers, body = await self._answer(request, raw, call)
        except Cut as cut:
            await self._cut(scope, receive, cut.raw)
        else:
            call.status, call.reply = status, body.decode()
            encoded = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
            if status != 204:
                encoded.append((b"content-length", str(len(body)).encode()))
            await send({"type": "http.response.start", "status": status, "headers": encoded})
            await send({"type": "http.response.body", "body": body})
        finally:
            call.milliseconds = round((time.perf_counter() - started) * 1000, 1)
            with world.lock:
                world.calls.add(call)
                world.changed()

    async def _answer(self, request: Request, raw: bytes, call: Call) -> tuple[int, dict[str, str], bytes]:
        world = self.world
        rule: Rule | None = None
        headers: dict[str, str] = {}
        try:
            operation, path_id = resolve(request.method, call.path.removeprefix("/v1"))
            call.operation = operation.name
            if operation.path.startswith("/posts"):
                call.post_id = path_id or None
            world.tick()
            rule = world.faults.take(operation.name, call.post_id)
            call.fault = rule.kind if rule else None
            works = rule is None or (rule.kind not in WITHOUT_WORK and rule.commit != "never")
            if rule is not None and rule.kind == "slow" and rule.commit == "after":
                await asyncio.sleep(rule.seconds)
            if rule is not None and not works:
                headers = self._rate_headers(request, operation)
                reply = self._unworked(rule, headers, request)
            else:
                reply = await self._work(request, raw, operation, path_id, rule, headers)
        except ApiError as error:
            headers = headers or self._rate_headers(request, None)
            reply = Reply(error.status, error.body, error.headers)
        if reply.post is not None:
            call.post_id = reply.post.id
        body = b"" if reply.body is None else json.dumps(reply.body, ensure_ascii=False).encode()
        headers = self._common_headers(call) | headers | reply.headers
        if body:
            headers["Content-Type"] = "application/json"
        if rule is None:
            return reply.status, headers, body
        return await self._spoil(rule, call, reply.status, headers, body)

    def _common_headers(self, call: Call) -> dict[str, str]:
        return {"Date": self.world.clock.http_date(), "X-Request-Id": call.id}

    def _rate_headers(self, request: Request, operation: Operation | None) -> dict[str, str]:
        """Return the headers of the caller's window without counting the call."""
        key = request.headers.get("authorization", "")
        return self.world.limits.window(key, operation is not None and operation.name == "publish").headers()

    async def _work(
        self,
        request: Request,
        raw: bytes,
        operation: Operation,
        path_id: str,
        rule: Rule | None,
        headers: dict[str, str],
    ) -> Reply:
        world = self.world
        key = world.keys.authenticate(request.headers.get("authorization"))
        publishes = operation.name == "publish"
        # The windows are kept under the header itself, so that the refusal of an unknown key shows one too.
        name = request.headers["authorization"]
        window = world.limits.window(name, publishes, key.tier)
        shown = window
        if publishes and world.dialect["publish_headers"] == "general":
            shown = world.limits.window(name, False, key.tier)
        try:
            world.limits.spend(window)
        finally:
            headers |= shown.headers()
        require_scope(key, operation.scope)
        needs_body = operation.method in ("POST", "PUT") and not publishes
        body = read_body(request.headers.get("content-type", ""), raw, needs_body)
        query = dict(parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True))
        context = Context(world, path_id, query, body, rule, request.scope["path"])
        with world.lock:
            reply = operation.run(context)
        if publishes and reply.post is not None and world.dialect["publish"] != "async":
            post = reply.post
            while post.status == "publishing" and post.polls_left <= 0 and world.posts.get(post.id) is post:
                await asyncio.sleep(HOLD_STEP)
                world.tick()
            reply = publish_reply(context, post)
        return reply

    # -- faults -----------------------------------------------------------------------------------------------------

    def _unworked(self, rule: Rule, headers: dict[str, str], request: Request) -> Reply:
        """Return the reply of a fault that keeps the call from being worked on."""
        if rule.kind == "reset_before":
            raise Cut
        if rule.kind == "unauthorized":
            if rule.revoke:
                self.world.keys.revoke(request.headers.get("authorization", "").partition(" ")[2].strip())
            raise ApiError(401, "Invalid or expired API key.")
        if rule.kind == "rate_limited":
            raise self._rate_limited(rule, headers)
        if rule.kind == "error_before":
            raise ApiError(rule.status, "Something went wrong on our side.")
        return Reply(200, {"id": "post_0000", "status": "draft"})

    def _rate_limited(self, rule: Rule, headers: dict[str, str]) -> ApiError:
        clock = self.world.clock
        limit = int(headers["X-RateLimit-Limit"])
        ends_at = clock.now() + round(rule.seconds * MICROS)
        error = too_many(clock, limit, ends_at)
        headers["X-RateLimit-Remaining"] = "0"
        headers["X-RateLimit-Reset"] = str(-(-ends_at // MICROS))
        values = {
            "seconds": error.headers["Retry-After"],
            "date": clock.http_date(ends_at),
            "negative": "-5",
            "far": "Sat, 01 Jan 3000 00:00:00 GMT",
            "text": "soon",
        }
        error.headers = {} if rule.retry_after == "missing" else {"Retry-After": values[rule.retry_after]}
        if rule.retry_after not in ("seconds", "date"):
            headers["X-RateLimit-Reset"] = "0"
        if not rule.details:
            error.details = None
        return error

    async def _spoil(
        self, rule: Rule, call: Call, status: int, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """Do to a finished reply what the fault says."""
        if rule.kind in ("timeout_after", "slow") and rule.commit == "before":
            await asyncio.sleep(rule.seconds)
        elif rule.kind == "reset_after":
            raise Cut
        elif rule.kind == "error_after":
            body = json.dumps(ApiError(rule.status, "Something went wrong on our side.").body).encode()
            return rule.status, headers | {"Content-Type": "application/json"}, body
        elif rule.kind == "html_200":
            return 200, headers | {"Content-Type": "text/html; charset=utf-8"}, HTML
        elif rule.kind == "empty_200":
            return 200, headers, b""
        elif rule.kind == "truncated_json":
            whole = body or b'{"id": "post_0000", "status": "draft"}'
            call.status, call.reply = status, whole[: len(whole) // 2].decode("utf-8", "replace")
            lines = [f"HTTP/1.1 {200 if status == 204 else status} OK", f"content-length: {len(whole)}"]
            lines += [f"{name.lower()}: {value}" for name, value in headers.items()]
            head = "\r\n".join([*lines, "connection: close", "", ""])
            raise Cut(head.encode("latin-1") + whole[: len(whole) // 2])
        return status, headers, body

    async def _cut(self, scope: Scope, receive: Receive, raw: bytes | None) -> None:
        """End the connection: after some raw bytes, or with a TCP reset."""
        transport = transport_of(scope)
        if raw is not None:
            transport.write(raw)
            transport.close()
        else:
            linger = struct.pack("ii", 1, 0)  # on, for 0 seconds: close sends RST instead of FIN
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass
