"""Fill a sandbox with posts and print how long lists take and how much memory the process holds.

    python scripts/bench_sandbox.py [--posts 10000] [--db FILE]

It prints numbers and judges nothing. What we want of 10,000 posts: a list in under 100 ms, under 200 MB.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import time
from pathlib import Path

from octopost_sandbox.process import SandboxProcess


def memory(pid: int) -> dict[str, float]:
    """Return the resident memory of a process in MB, now and at its highest."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {name: int(lines[field].split()[0]) / 1024 for name, field in (("now", "VmRSS"), ("highest", "VmHWM"))}


def timed(connection: http.client.HTTPConnection, path: str, key: str, times: int = 20) -> str:
    """Return the median and the worst time of a GET, in milliseconds."""
    took = []
    for _ in range(times):
        started = time.perf_counter()
        connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
        reply = connection.getresponse()
        size = len(reply.read())
        took.append((time.perf_counter() - started) * 1000)
    return f"{statistics.median(took):7.1f} ms median, {max(took):7.1f} ms worst, {size:>10,} bytes"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, default=10_000, help="how many posts (default: %(default)s)")
    parser.add_argument("--db", metavar="FILE", help="keep the state in this file, as octopost-sandbox --db does")
    options = parser.parse_args()
    with SandboxProcess("--tier", "unlimited", *(["--db", options.db] if options.db else [])) as sandbox:
        print(f"empty: {memory(sandbox.process.pid)['now']:.0f} MB")
        connection = http.client.HTTPConnection(sandbox.root.removeprefix("http://"))
        headers = {"Authorization": f"Bearer {sandbox.api_key}", "Content-Type": "application/json"}
        started = time.perf_counter()
        for number in range(options.posts):
            body = {
                "content": f"Release {number} is out. https://example.org/{number}",
                "platforms": ["twitter", "bluesky"],
            }
            connection.request("POST", "/v1/posts", json.dumps(body), headers)
            made = json.loads(connection.getresponse().read())
            connection.request("POST", f"/v1/posts/{made['id']}/publish", headers=headers)
            connection.getresponse().read()
        took = time.perf_counter() - started
        print(f"{options.posts:,} posts created and published in {took:.1f} s, {2 * options.posts / took:,.0f} calls/s")
        for path in (
            "/v1/posts",
            "/v1/posts?limit=100",
            "/v1/posts?status=draft",
            "/",
            "/?q=release+77",
            f"/posts/{made['id']}",
        ):
            print(f"GET {path[:32]:<32} {timed(connection, path, sandbox.api_key)}")
        print("memory: {now:.0f} MB now, {highest:.0f} MB at most".format(**memory(sandbox.process.pid)))


if __name__ == "__main__":
    main()
