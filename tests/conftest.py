"""Fixtures for every test: the sandbox, as its users get it. And how several workers share the tests."""

from __future__ import annotations

import pytest

pytest_plugins = ["octopost_sandbox.pytest_plugin"]

#: Files of many small independent tests, which all workers share (pytest --dist loadgroup). Every other file stays
#: with one worker, for the sake of what its fixtures start.
SHARED_OUT = {
    "test_protocol_matrix.py",
    "test_protocol_race.py",
    "test_protocol_walk.py",
    "test_scenarios.py",
    "test_text_properties.py",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file together."""
    for item in items:
        if item.path.name not in SHARED_OUT:
            item.add_marker(pytest.mark.xdist_group(str(item.path)))
