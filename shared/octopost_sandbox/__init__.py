"""A local, stateful Octopost for trying and testing: nothing it publishes leaves this machine.

Start it with ``octopost-sandbox`` (or ``python -m octopost_sandbox``); see ``--help``. The API lives under ``/v1``,
a control API under ``/_sandbox/`` and an inbox, where people look at what went out, at ``/``.

In tests::

    pytest_plugins = ["octopost_sandbox.pytest_plugin"]

    def test_announcement(octopost_sandbox):
        announce(base_url=octopost_sandbox.base_url, api_key=octopost_sandbox.api_key)
        assert len(octopost_sandbox.live("bluesky")) == 1
        assert octopost_sandbox.duplicates() == []

It is written from the public API facts, never from the client's code: two readings of the facts, so that a mistake in
one of them shows. What the facts leave open is a *dialect* (see ``octopost_sandbox.dialect``), and what can go wrong on
the way is a *fault* (see ``octopost_sandbox.faults``).
"""
