"""Fixtures of the action's tests: a GitHub API of our own on a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.action.github import GitHubServer


@pytest.fixture
def github() -> Iterator[GitHubServer]:
    """Run a GitHub API for one test."""
    with GitHubServer() as server:
        yield server
