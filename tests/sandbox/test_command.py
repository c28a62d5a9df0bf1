"""The command: what it prints, what it refuses, how it ends, what it keeps."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from octopost_sandbox.dialect import TABLE
from octopost_sandbox.process import SandboxError, SandboxProcess

Start = Callable[..., SandboxProcess]


def run(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "octopost_sandbox", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_it_says_where_it_is(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    command = [sys.executable, "-m", "octopost_sandbox", "--port", "0", "--ready-file", str(ready)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = dict(process.stdout.readline().split(maxsplit=1) for _ in range(3))
            said = {name.rstrip(":"): value.strip() for name, value in lines.items()}
            facts = json.loads(ready.read_text())
            assert facts == {
                "base_url": said["base_url"], "key": said["api_key"], "inbox": said["inbox"], "pid": process.pid,
            }  # fmt: skip
            assert said["base_url"].startswith("http://127.0.0.1:")
            assert said["base_url"].endswith("/v1")
            headers = {"Authorization": f"Bearer {said['api_key']}"}
            assert requests.get(f"{said['base_url']}/accounts", headers=headers, timeout=10).status_code == 200
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        finally:
            process.kill()  # a failed test leaves nothing behind


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--host", "0.0.0.0"], "--allow-remote"),
        (["--host", "example.org"], "--allow-remote"),
        (["--key", "oct_live_1"], "oct_test_"),
        (["--dialect", "publish"], "NAME=VALUE"),
        (["--dialect", "publish=maybe"], "sync, async, empty"),
        (["--db", "/nowhere/at/all.sqlite"], "folder"),
        (["--max-posts", "0"], "at least 1"),
        (["--port", "99999"], "0-65535"),
    ],
)
def test_wrong_options_get_one_sentence(options: list[str], says: str) -> None:
    done = run(*options)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_port_in_use_gets_one_sentence(start_octopost_sandbox: Start) -> None:
    port = start_octopost_sandbox().root.rpartition(":")[2]
    done = run("--port", port)
    assert (done.returncode, done.stdout) == (2, "")
    assert "use" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_db_that_is_none_gets_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no database, but long enough to be taken for one" * 20)
    done = run("--db", str(tmp_path / "notes.txt"), "--port", "0")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_remote_is_possible_when_meant(start_octopost_sandbox: Start) -> None:
    sandbox = start_octopost_sandbox("--host", "0.0.0.0", "--allow-remote")
    assert sandbox.root.startswith("http://127.0.0.1:")
    headers = {"Authorization": "Bearer oct_test_x", "Host": "octopost:8787"}
    assert requests.get(f"{sandbox.root}/v1/posts", headers=headers, timeout=10).status_code == 200
    page_elsewhere = {"Host": "octopost:8787", "Origin": "https://evil.example"}
    reset = requests.post(f"{sandbox.root}/_sandbox/reset", headers=page_elsewhere, timeout=10)
    assert reset.status_code == 403


@pytest.mark.parametrize("twice", [False, True])
def test_fail_on_duplicate(twice: bool) -> None:
    sandbox = SandboxProcess("--fail-on-duplicate")
    post = {"content": "x", "platforms": ["twitter"], "publish": True}
    sandbox.seed([post] * (2 if twice else 1))
    sandbox.reset()  # the whole life of the process counts
    assert sandbox.stop() == (1 if twice else 0)


def test_it_ends_quietly_with_open_connections() -> None:
    sandbox = SandboxProcess()
    sandbox.fault("list", "slow", seconds=60)
    with requests.Session() as session, session.get(f"{sandbox.root}/events", stream=True, timeout=10) as inbox_page:
        assert next(inbox_page.iter_lines()) == b"retry: 1000"
        with pytest.raises(requests.exceptions.ReadTimeout):
            session.get(f"{sandbox.base_url}/posts", headers={"Authorization": "Bearer oct_test_x"}, timeout=0.2)
        sandbox.process.send_signal(signal.SIGTERM)
        assert sandbox.process.wait(10) == 0
    assert len(sandbox.output().splitlines()) == 3  # what it said at the start, and nothing more
    sandbox.stop()


def test_it_does_not_outlive_its_parent() -> None:
    script = (
        "import os\n"
        "from octopost_sandbox.process import SandboxProcess\n"
        "print(SandboxProcess().process.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False)
    pid = int(done.stdout)
    until = time.monotonic() + 10
    while time.monotonic() < until and Path(f"/proc/{pid}").exists() and not zombie(pid):
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists() or zombie(pid)


def zombie(pid: int) -> bool:
    return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()


def test_a_killed_sandbox_comes_back_with_everything(tmp_path: Path) -> None:
    options = ("--db", str(tmp_path / "state.sqlite"))
    first = SandboxProcess(*options)
    headers = {"Authorization": f"Bearer {first.api_key}"}
    first.dialect(wrap="data")
    first.clock(freeze="2030-01-01T00:00:00Z")
    first.expire_account("linkedin")
    first.fail_network("bluesky", "down")
    draft, out, later = first.seed(
        [
            {"content": "draft", "platforms": ["twitter"]},
            {"content": "out", "platforms": ["twitter", "bluesky"], "publish": True},
            {"content": "later", "platforms": ["twitter"], "scheduled_for": "2030-01-02T00:00:00Z"},
        ]
    )
    requests.get(f"{first.base_url}/posts/{draft}", headers=headers, timeout=10)
    before = (first.posts(), first.live(), first.calls(), first.control("GET", "/accounts"))
    os.kill(first.process.pid, signal.SIGKILL)
    first.stop()
    with SandboxProcess(*options) as second:
        assert second.api_key == first.api_key
        assert (second.posts(), second.live(), second.calls(), second.control("GET", "/accounts")) == before
        assert second.dialect()["wrap"] == "data"
        assert second.clock()["now"] == "2030-01-01T00:00:00.000000Z"
        second.clock(jump=True)
        assert second.post(later)["status"] == "published"
        second.seed([{"content": "out", "platforms": ["twitter"], "publish": True}])
        assert second.duplicates()[0]["post_ids"][0] == out


def test_old_posts_make_room(start_octopost_sandbox: Start) -> None:
    sandbox = start_octopost_sandbox("--max-posts", "3", "--max-calls", "2")
    sandbox.seed([{"content": f"post {number}", "platforms": ["twitter"], "publish": True} for number in range(5)])
    assert [post["content"] for post in sandbox.posts()] == ["post 2", "post 3", "post 4"]
    assert len(sandbox.live()) == 3
    for _ in range(4):
        requests.get(f"{sandbox.base_url}/posts", headers={"Authorization": "Bearer oct_test_x"}, timeout=10)
    assert len(sandbox.calls()) == 2


def test_dialects_from_the_command_line_survive_a_reset(start_octopost_sandbox: Start) -> None:
    sandbox = start_octopost_sandbox("--dialect", "publish=async", "--dialect", "page_size=5")
    sandbox.dialect(publish="empty")
    sandbox.reset()
    assert (sandbox.dialect()["publish"], sandbox.dialect()["page_size"]) == ("async", 5)


def test_the_list_of_dialects() -> None:
    done = run("--list-dialects")
    assert done.returncode == 0
    assert all(f"{choice.name} = " in done.stdout for choice in TABLE)


def test_help_tells_how_to_use_it() -> None:
    assert "base_url:" in run("--help").stdout


def test_a_start_that_fails_says_why() -> None:
    with pytest.raises(SandboxError, match="allow-remote"):
        SandboxProcess("--host", "0.0.0.0")
