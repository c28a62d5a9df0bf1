"""The command ``octopost-sandbox``."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sqlite3
import sys
import threading
from pathlib import Path
from typing import Any

from octopost_sandbox.dialect import TABLE, Dialect
from octopost_sandbox.ratelimit import TIERS

EPILOG = """\
Once it accepts connections it prints three lines:
  base_url: http://127.0.0.1:PORT/v1     what a client is given in place of https://api.octopost.ink/v1
  api_key:  oct_test_...                 any other oct_test_ key works too; oct_live_ keys are refused
  inbox:    http://127.0.0.1:PORT/       open this in a browser to see what went out

Nothing leaves this machine. State is in memory unless --db names a file. SIGTERM or Ctrl-C ends it: exit code 0, or 1
with --fail-on-duplicate when any network ever showed the same content twice at once.
The control API is described at /_sandbox/docs. `octopost-sandbox --list-dialects` prints what --dialect knows.
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="octopost-sandbox",
        description="A local Octopost for trying and testing: draft, schedule and publish, and reach no network.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=int, default=8787, help="port, 0 for any free one (default: %(default)s)")
    add("--allow-remote", action="store_true", help="let other machines connect; the control API has no password")
    add("--db", type=Path, metavar="FILE", help="keep the state in this SQLite file (default: in memory)")
    add("--key", metavar="KEY", help="the test key to print (default: a new one, or the one kept in --db)")
    add(
        "--tier",
        choices=TIERS,
        default="pro",
        help="rate limits; unlimited is the sandbox's own (default: %(default)s)",
    )
    add(
        "--dialect",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="how to answer where the API is not documented",
    )
    add("--list-dialects", action="store_true", help="print the dialects with their source, and end")
    add("--scheduler-interval", type=float, default=0.0, metavar="SECONDS",
        help="how often scheduled posts are looked for; 60 is documented (default: at once)")  # fmt: skip
    add(
        "--max-posts",
        type=int,
        default=50_000,
        help="keep at most so many posts, oldest go first (default: %(default)s)",
    )
    add("--max-calls", type=int, default=20_000, help="keep at most so many logged calls (default: %(default)s)")
    add("--fail-on-duplicate", action="store_true", help="exit with 1 if a duplicate was ever live")
    add(
        "--ready-file",
        type=Path,
        metavar="PATH",
        help="write {base_url, key, inbox, pid} here once it accepts connections",
    )
    add(
        "--stop-with-stdin",
        action="store_true",
        help="end when standard input is closed, so that no parent leaves it behind",
    )
    return parser


def list_dialects() -> str:
    """Return the table of dialects as text."""
    lines = []
    for choice in TABLE:
        values = (
            " | ".join(choice.values) if isinstance(choice.values, tuple) else f"a number ({choice.values.__name__})"
        )
        lines.append(f"{choice.name} = {values}\n    default {choice.default}; {choice.label}. {choice.about}")
    return "\n".join(lines)


def _dialect(pairs: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"--dialect {pair!r} is not NAME=VALUE, for instance publish=async")
        values[name] = value
    Dialect(values)
    return values


def _check(options: argparse.Namespace) -> None:
    from octopost_sandbox.app import is_loopback

    if not options.allow_remote and not is_loopback(options.host):
        raise ValueError(f"--host {options.host} can be reached from other machines; add --allow-remote if you mean it")
    if options.key is not None and not options.key.startswith("oct_test_"):
        raise ValueError("--key must start with oct_test_")
    if options.max_posts < 1 or options.max_calls < 1:
        raise ValueError("--max-posts and --max-calls must be at least 1")
    if not 0 <= options.scheduler_interval <= 86_400:
        raise ValueError("--scheduler-interval must be from 0 to 86400 seconds")
    if options.db is not None and not options.db.absolute().parent.is_dir():
        raise ValueError(f"--db {options.db}: its folder does not exist")


def _kept_key(db: Path | None) -> str:
    """Return the key an earlier run with this file printed, or a new one."""
    if db is not None and db.exists():
        from octopost_sandbox.storage import Storage

        storage = Storage(db)
        kept = [record["value"][0]["key"] for record in storage.load("setting") if record["id"] == "keys"]
        storage.close()
        if kept:
            return str(kept[0])
    return f"oct_test_{secrets.token_hex(12)}"


def _write_ready_file(path: Path, facts: dict[str, Any]) -> None:
    partial = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    partial.write_text(json.dumps(facts) + "\n")
    partial.replace(path)


def main(argv: list[str] | None = None) -> int:
    """Run the sandbox until it is told to end; return the exit code (2: wrong options)."""
    options = _parser().parse_args(argv)
    if options.list_dialects:
        print(list_dialects())
        return 0
    try:
        return _serve(options)
    except (ValueError, OSError, OverflowError, sqlite3.Error) as error:
        print(f"octopost-sandbox: {error}", file=sys.stderr)
        return 2


def _serve(options: argparse.Namespace) -> int:
    dialect = _dialect(options.dialect)
    _check(options)
    from octopost_sandbox.app import make_app
    from octopost_sandbox.server import listen, make_server
    from octopost_sandbox.world import Settings, World

    key = options.key or _kept_key(options.db)
    settings = Settings(
        tier=options.tier, api_key=key, dialect=dialect, db=options.db, max_posts=options.max_posts,
        max_calls=options.max_calls, scheduler_interval=options.scheduler_interval,
    )  # fmt: skip
    world = World(settings)
    world.save_settings()
    bound = listen(options.host, options.port)
    host, port = bound.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - every address; name one that works
    world.public_url = f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def announce() -> None:
        facts = {"base_url": f"{world.public_url}/v1", "key": key, "inbox": f"{world.public_url}/", "pid": os.getpid()}
        if options.ready_file is not None:
            _write_ready_file(options.ready_file, facts)
        print(f"base_url: {facts['base_url']}\napi_key:  {key}\ninbox:    {facts['inbox']}", flush=True)

    server = make_server(make_app(world, options.allow_remote), announce)
    if options.stop_with_stdin:

        def watch() -> None:
            while os.read(0, 4096):  # not sys.stdin: its lock would be held while the interpreter ends
                pass
            server.should_exit = True

        threading.Thread(target=watch, daemon=True).start()
    server.run(sockets=[bound])
    if options.fail_on_duplicate and world.copies.duplicate_seen:
        print("octopost-sandbox: a duplicate was live, see --fail-on-duplicate", file=sys.stderr)
        return 1
    return 0
