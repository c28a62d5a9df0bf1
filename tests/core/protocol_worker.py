"""One try to publish, in a process of its own that can be killed at any exchange or any line of the protocol.

Only time is patched: sleeping moves our clock and the sandbox's together, so that minutes pass in milliseconds.
"""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from octopost_core import FileLedger, OctopostClient, OctopostError, PostDraft, Segment, Timeout, publish_once
from octopost_core.transport import Transport
from octopost_sandbox.process import Sandbox

LINES = ("publishing.py", "settling.py", "lookup.py", "ledger.py", "client.py", "run.py")


@dataclass
class Job:
    """Say what to publish, and where the process dies.

    ``die_at`` names the call ("create", "list", ...) at whose first reply the process is killed; ``die_at_line`` counts
    executed lines of the protocol instead.
    """

    base_url: str
    api_key: str
    text: str = "Hello, world"
    networks: list[str] = field(default_factory=lambda: ["twitter", "bluesky"])
    segments: list[str] = field(default_factory=list)
    thread_field: str = "segments"
    schedule_in: float | None = None
    scheduled_for: str | None = None
    second_try: bool = False
    retry_failed: bool = False
    key: str | None = None
    ledger: str | None = None
    publish: bool = True
    die_at: str | None = None
    die_at_line: int | None = None
    seed: int = 0
    fast: bool = True
    think: float = 0.0


@dataclass
class Report:
    """Hold what the try said, or that it died."""

    died: bool = False
    error: str | None = None
    message: str = ""
    exit_code: int = 0
    post_id: str | None = None
    operation: str | None = None
    status: str | None = None
    live: dict[str, str | None] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    exchanges: int = 0
    lines: int = 0


def run_job(job: Job, path: str) -> None:
    """Carry out a job and write its report; the body of the child process."""
    random.seed(job.seed)
    if job.fast:
        _share_the_clock(Sandbox(job.base_url, job.api_key))
    counter = _die_at_exchange(job)
    lines = _die_at_line(job)
    report = _publish(job)
    sys.settrace(None)
    report.exchanges, report.lines = next(counter), next(lines)
    Path(path).write_text(json.dumps(asdict(report)))


def _publish(job: Job) -> Report:
    client = OctopostClient(
        job.api_key,
        job.base_url,
        Timeout(connect=2, read=0.4, publish=0.4),
        thread_field="thread" if job.thread_field == "thread" else "segments",
    )
    moment = datetime.fromisoformat(job.scheduled_for) if job.scheduled_for else None
    draft = PostDraft(
        content=job.text,
        platforms=job.networks,
        segments=[Segment(content=text) for text in job.segments] or None,
        scheduled_for=moment,
    )
    try:
        outcome = publish_once(
            client,
            draft,
            identity="test",
            since=datetime.now(UTC) - timedelta(hours=1),
            key=job.key,
            second_try=job.second_try,
            retry_failed=job.retry_failed,
            ledger=FileLedger(job.ledger) if job.ledger else None,
            publish=job.publish,
        )
    except OctopostError as error:
        outcome = getattr(error, "outcome", None)
        if outcome is None:
            return Report(
                error=type(error).__name__, message=str(error), exit_code=error.exit_code, post_id=error.post_id
            )
        return Report(
            error=type(error).__name__,
            message=str(error),
            exit_code=error.exit_code,
            post_id=error.post_id,
            live=outcome.live,
            failed=outcome.failed,
        )
    return Report(
        post_id=outcome.post.id,
        operation=outcome.operation,
        status=outcome.status,
        live=outcome.live,
        failed=outcome.failed,
    )


def _share_the_clock(sandbox: Sandbox) -> None:
    real, offset = time.monotonic, 0.0

    def sleep(seconds: float) -> None:
        nonlocal offset
        offset += seconds
        sandbox.clock(advance=seconds)

    time.sleep = sleep
    time.monotonic = lambda: real() + offset


def _die_at_exchange(job: Job) -> Any:
    counter, real = itertools.count(), Transport.exchange

    def exchange(transport: Transport, method: str, path: str, **settings: Any) -> Any:
        next(counter)
        if job.think:
            time.sleep(random.uniform(0, job.think))
        try:
            return real(transport, method, path, **settings)
        finally:
            if job.die_at == _operation(method, path):
                os.kill(os.getpid(), signal.SIGKILL)

    Transport.exchange = exchange  # type: ignore[method-assign]
    return counter


def _operation(method: str, path: str) -> str:
    if method == "POST":
        return "publish" if path.endswith("/publish") else "create"
    return {"GET": "list" if path == "/posts" else "get", "PUT": "update", "DELETE": "delete"}[method]


def _die_at_line(job: Job) -> Any:
    counter = itertools.count()
    if job.die_at_line is None:
        return counter

    def trace(frame: FrameType, event: str, _: Any) -> Callable[..., Any] | None:
        if "octopost_core" not in frame.f_code.co_filename or not frame.f_code.co_filename.endswith(LINES):
            return None
        if event == "line" and next(counter) == job.die_at_line:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    return counter


_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.core.protocol_worker", "octopost_core.publishing", "octopost_core.client"])


class Try:
    """A job under way in its own process."""

    def __init__(self, job: Job, folder: Path) -> None:
        self._path = folder / f"report-{time.monotonic_ns()}-{random.randrange(10**9)}.json"
        self._process = _context.Process(target=run_job, args=(job, str(self._path)))
        self._process.start()

    def result(self, patience: float = 120) -> Report:
        """Wait for its end and return its report."""
        self._process.join(patience)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
            raise AssertionError(f"a try did not end within {patience} s")
        if self._process.exitcode == -signal.SIGKILL:
            return Report(died=True)
        assert self._process.exitcode == 0, f"a try crashed with exit code {self._process.exitcode}"
        return Report(**json.loads(self._path.read_text()))
