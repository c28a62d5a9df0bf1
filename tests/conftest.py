"""Fixtures for every test: the sandbox, as its users get it."""

pytest_plugins = ["octopost_sandbox.pytest_plugin"]
