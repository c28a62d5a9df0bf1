"""Fixtures for pytest: put ``pytest_plugins = ["octopost_sandbox.pytest_plugin"]`` into the top conftest.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from octopost_sandbox.process import Sandbox, SandboxProcess


@pytest.fixture(scope="session")
def octopost_sandbox_process() -> Iterator[SandboxProcess]:
    """Run one sandbox for the session, without rate limits."""
    with SandboxProcess("--tier", "unlimited") as sandbox:
        yield sandbox


@pytest.fixture
def octopost_sandbox(octopost_sandbox_process: SandboxProcess) -> Sandbox:
    """Return the session's sandbox, reset: no posts, no faults, the default dialect, the real time."""
    octopost_sandbox_process.reset()
    return octopost_sandbox_process


@pytest.fixture
def start_octopost_sandbox() -> Iterator[Callable[..., SandboxProcess]]:
    """Return a function that starts a sandbox of its own with command line options; all end with the test."""
    started: list[SandboxProcess] = []

    def start(*options: str) -> SandboxProcess:
        started.append(SandboxProcess(*options))
        return started[-1]

    yield start
    for sandbox in started:
        sandbox.stop()
