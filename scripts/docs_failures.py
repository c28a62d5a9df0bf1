"""Act out what can go wrong, against a sandbox, and record the words a user then reads; docs_tables.py prints them.

Every scenario is real: the client, the protocol and the action run as they are, over sockets. A crash is an exception
that nothing catches. Only time is sped up where a scenario would wait for half a minute.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "shared")]

import octopost_core.client  # noqa: E402
from octopost_core import FileLedger, OctopostClient, PostDraft, Timeout, publish_once  # noqa: E402
from octopost_core.errors import OctopostError  # noqa: E402
from octopost_core.outcome import Event, judge  # noqa: E402
from octopost_core.publishing import publish_existing  # noqa: E402
from octopost_sandbox.process import Sandbox, SandboxProcess  # noqa: E402

TEXT = "Comet 1.4 is out: https://example.com/comet/1.4"
NETWORKS = ["bluesky", "mastodon", "linkedin"]
IDENTITY = "release_dag/scheduled__2026-04-03/announce"
SCENARIOS: dict[str, Callable[[Stage], None]] = {}


class Killed(BaseException):
    """The process died here."""


def scenario(play: Callable[[Stage], None]) -> Callable[[Stage], None]:
    """Register a scenario under its name, with dashes."""
    SCENARIOS[play.__name__.strip("_").replace("_", "-")] = play
    return play


class Stage:
    """Where one scenario is played: a sandbox, a memory that outlives crashes, and what was said."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox, self.folder = sandbox, folder
        self.ledger = FileLedger(folder / "ledger.json")
        self.lines: list[str] = []
        self._names: dict[str, str] = {}

    def client(self, **options: Any) -> OctopostClient:
        """Return a client that waits little."""
        return OctopostClient(self.sandbox.api_key, self.sandbox.base_url, **{"max_wait": 5.0, **options})

    def say(self, line: str) -> None:
        """Record a line, with ids and times that are the same in every run."""
        for post_id in re.findall(r"post_[0-9a-f]{16}", line):
            self._names.setdefault(post_id, f"post_{len(self._names) + 1}")
            line = line.replace(post_id, self._names[post_id])
        line = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "2026-04-03 12:45:00 UTC", line)
        line = re.sub(r"/live_\d+_[0-9a-f]{8}", "/live_1", line)
        line = re.sub(r"Waiting \d\.\d s", "Waiting 1.0 s", line)
        line = line.replace(self.sandbox.root, "http://127.0.0.1:8787")
        self.lines.append(re.sub(r"127\.0\.0\.1:\d{4,5}", "127.0.0.1:8787", line))

    def remark(self, text: str) -> None:
        """Record what happens between two runs."""
        self.lines.append(f"# {text}")

    def publish(
        self,
        text: str = TEXT,
        networks: list[str] = NETWORKS,
        *,
        show: str = "recall look_up create elect commit settle judge",
        meanwhile: tuple[str, Callable[[], None]] | None = None,
        client: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        """Publish once, and record the events of the steps to show and how it ended.

        :param meanwhile: Words that begin an event, and what to do when it comes, once.
        :param client: Options of the client.
        :param options: Of ``publish_once``.
        """
        acts = [meanwhile] if meanwhile else []

        def on_event(event: Event) -> None:
            if event.step in show.split():
                self.say(f"{event.level.upper():<7} {event.step}: {event.message}")
            if acts and f"{event.step}: {event.message}".startswith(acts[0][0]):
                acts.pop()[1]()

        draft = PostDraft(content=text, platforms=networks, scheduled_for=options.pop("scheduled_for", None))
        try:
            with self.client(**client or {}) as connected:
                outcome = publish_once(connected, draft, on_event=on_event, **options)
            self.lines.append(f"operation {outcome.operation}, status {outcome.status}")
        except OctopostError as error:
            self.fail(error)
        except Killed:
            self.remark("the process is killed here")

    def fail(self, error: OctopostError) -> None:
        """Record an error as its reader sees it."""
        self.say(f"ERROR   {error}")
        self.lines.append(f"{type(error).__name__}, exit code {error.exit_code}")


def die() -> None:
    """Die."""
    raise Killed


@contextmanager
def hurried(factor: float = 40.0) -> Iterator[None]:
    """Let the protocol's waits pass faster."""
    fast = SimpleNamespace(
        monotonic=lambda: time.monotonic() * factor, sleep=lambda seconds: time.sleep(seconds / factor)
    )
    from octopost_core import lookup, run, settling

    modules: tuple[Any, ...] = (lookup, run, settling)
    for module in modules:
        module.time = fast
    try:
        yield
    finally:
        for module in modules:
            module.time = time


# --- the failure modes, in the order of the page ---------------------------------------------------------------------


@scenario
def lost_reply(stage: Stage) -> None:
    stage.sandbox.fault("publish", "reset_after")
    stage.publish(show="commit settle judge")


@scenario
def slow_publish(stage: Stage) -> None:
    stage.sandbox.fault("publish", "timeout_after", seconds=2)
    stage.publish(show="commit settle judge", client={"timeout": Timeout(publish=0.5)})


@scenario
def conflict(stage: Stage) -> None:
    stage.sandbox.dialect(publish="async", publish_seconds=1)

    def other() -> None:
        (post,) = stage.sandbox.posts()
        stage.sandbox.control("POST", f"/posts/{post['id']}/publish")

    stage.publish(show="commit settle judge", meanwhile=("commit: Sending", other))


@scenario
def killed_before_publish(stage: Stage) -> None:
    memory = {"identity": IDENTITY, "ledger": stage.ledger}
    stage.publish(show="create persist commit", meanwhile=("check: ", die), **memory)
    stage.publish(show="recall look_up create commit judge", second_try=True, **memory)


@scenario
def killed_before_noting(stage: Stage) -> None:
    stage.publish(show="create", meanwhile=("create: ", die))
    stage.publish(show="look_up create commit judge", second_try=True)


@scenario
def killed_after_publish(stage: Stage) -> None:
    memory = {"identity": IDENTITY, "ledger": stage.ledger}
    stage.publish(show="create commit settle", meanwhile=("settle: ", die), **memory)
    stage.publish(show="recall look_up create commit judge", second_try=True, **memory)


@scenario
def two_workers(stage: Stage) -> None:
    stage.publish(show="create", meanwhile=("create: ", die))
    time.sleep(1.1)  # the drafts' times differ, as they do in the field
    stage.remark("a second worker, which knows nothing of the first")
    stage.publish(show="create look_up elect commit judge")


@scenario
def partial(stage: Stage) -> None:
    stage.sandbox.fault("publish", "partial_network_failure", networks=["linkedin"], error="Your token has expired.")
    stage.publish(show="judge")
    stage.remark("run again, as it is")
    stage.publish(show="create commit judge", second_try=True)
    stage.remark("run again with retry-failed")
    stage.publish(show="create commit judge", second_try=True, retry_failed=True)


@scenario
def several_posts_of_one_task(stage: Stage) -> None:
    for index, section in enumerate(("Pipelines: 412 runs", "Cost: down 4 %")):
        stage.remark(f"map index {index}")
        stage.publish(
            section, ["bluesky"], show="create judge", identity=f"digest_dag/run/announce[{index}]", ledger=stage.ledger
        )


@scenario
def changed_text(stage: Stage) -> None:
    memory = {"identity": IDENTITY, "ledger": stage.ledger}
    stage.publish("Report of 12:00:01", show="create", meanwhile=("check: ", die), **memory)
    stage.remark("the second try renders another text")
    stage.publish("Report of 12:05:37", show="recall create commit", second_try=True, **memory)


@scenario
def paused_worker(stage: Stage) -> None:
    def other() -> None:
        with stage.client() as client:
            publish_once(client, PostDraft(content=TEXT, platforms=NETWORKS), second_try=True)

    stage.publish(show="commit settle judge", meanwhile=("commit: Sending", other))


@scenario
def server_error_after_some(stage: Stage) -> None:
    stage.sandbox.fail_network("linkedin", "LinkedIn is not available.")
    stage.sandbox.fault("publish", "error_after", status=502)
    stage.publish(show="commit settle judge")


@scenario
def deleted_meanwhile(stage: Stage) -> None:
    memory = {"identity": IDENTITY, "ledger": stage.ledger}
    stage.publish(show="create", meanwhile=("settle: ", die), **memory)
    stage.remark("somebody deletes the post")
    (post,) = stage.sandbox.posts()
    with stage.client() as client:
        client.delete_post(post["id"])
    stage.publish(show="recall create commit", second_try=True, **memory)


@scenario
def failed_later(stage: Stage) -> None:
    for network in NETWORKS:
        stage.sandbox.fail_network(network, "The network did not accept the post.")
    made = stage.sandbox.seed([{"content": TEXT, "platforms": NETWORKS, "publish": True}])
    with stage.client() as client:
        outcome = judge([client.get_post(made[0])])
    try:
        outcome.raise_for("fail")
    except OctopostError as error:
        stage.fail(error)


@scenario
def list_lags(stage: Stage) -> None:
    stage.sandbox.dialect(list_lag_seconds=3600)
    with hurried():
        stage.publish(show="create commit")


@scenario
def list_too_long(stage: Stage) -> None:
    client = octopost_core.client
    pages, client.MAX_PAGES = client.MAX_PAGES, 2
    try:
        stage.sandbox.seed([{"content": f"Another post, {n}", "platforms": ["bluesky"]} for n in range(60)])
        stage.publish(show="create commit", second_try=True)
    finally:
        client.MAX_PAGES = pages


@scenario
def html_page(stage: Stage) -> None:
    stage.sandbox.fault("publish", "html_200")
    stage.publish(show="commit settle judge")


@scenario
def rate_limited(stage: Stage) -> None:
    stage.sandbox.fault("publish", "rate_limited", count=100)
    stage.publish(show="create commit judge", client={"max_wait": 0.0})


@scenario
def unknown_outcome(stage: Stage) -> None:
    stage.sandbox.fault("publish", "reset_after")
    stage.sandbox.dialect(publish="async", publish_seconds=6)
    stage.publish(show="commit settle", deadline=4.0)
    stage.remark("run again")
    stage.publish(show="look_up create commit settle judge", second_try=True)


# --- what no run can mend --------------------------------------------------------------------------------------------


@scenario
def key_refused(stage: Stage) -> None:
    stage.sandbox.key("oct_test_revoked", revoked=True)
    with OctopostClient("oct_test_revoked", stage.sandbox.base_url) as client:
        try:
            publish_existing(client, "post_unknown")
        except OctopostError as error:
            stage.fail(error)


@scenario
def scope_missing(stage: Stage) -> None:
    stage.sandbox.key("oct_test_reader", scopes=["posts:read"])
    with OctopostClient("oct_test_reader", stage.sandbox.base_url) as client:
        try:
            publish_once(client, PostDraft(content=TEXT, platforms=NETWORKS))
        except OctopostError as error:
            stage.fail(error)


@scenario
def no_connection(stage: Stage) -> None:
    with OctopostClient("oct_test_any", "http://127.0.0.1:9/v1", max_wait=0.0) as client:
        try:
            publish_once(client, PostDraft(content=TEXT, platforms=NETWORKS))
        except OctopostError as error:
            stage.fail(error)


@scenario
def no_such_post(stage: Stage) -> None:
    with stage.client() as client:
        try:
            publish_existing(client, "post_abc123")
        except OctopostError as error:
            stage.fail(error)


# --- the action ------------------------------------------------------------------------------------------------------


def act(stage: Stage, name: str, event: dict[str, Any], inputs: dict[str, str], **settings: str) -> None:
    """Run the action and record its annotations and exit code."""
    from tests.action.github import GitHubServer
    from tests.action.harness import Workflow

    with GitHubServer() as github:
        facts = {"API_URL": github.url, **settings}
        workflow = Workflow(stage.folder / "runner", name, event, facts)
        connection = {"api-key": stage.sandbox.api_key, "base-url": stage.sandbox.base_url}
        done = workflow.run({**connection, "platforms": "bluesky, mastodon", **inputs})
    for level in ("notice", "warning", "error"):
        for text in done.annotations(level):
            stage.say(f"{level.title()}: {text}")
    stage.lines.append(f"exit code {done.code}")


def release_event(action: str = "published", **changes: Any) -> dict[str, Any]:
    """Return a release event as GitHub sends it."""
    path = ROOT / "tests/action/scenarios/release_published/event.json"
    event: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {**event, "action": action, "release": {**event["release"], **changes}}


@scenario
def action_rerun(stage: Stage) -> None:
    act(stage, "release", release_event(), {})
    stage.remark("the job is run again")
    act(stage, "release", release_event(), {}, RUN_ATTEMPT="2")


@scenario
def action_prerelease(stage: Stage) -> None:
    act(stage, "release", release_event(prerelease=True, tag_name="v1.5.0-rc.1"), {})


@scenario
def action_edited(stage: Stage) -> None:
    act(stage, "release", release_event("edited"), {})


@scenario
def action_no_release(stage: Stage) -> None:
    act(stage, "schedule", {}, {})


@scenario
def action_tag_without_release(stage: Stage) -> None:
    act(stage, "workflow_dispatch", {}, {"tag": "v9.9.9"})


@scenario
def action_host_path(stage: Stage) -> None:
    act(stage, "workflow_dispatch", {}, {"content-file": "/home/me/post.txt"})


@scenario
def action_no_key(stage: Stage) -> None:
    act(stage, "release", release_event(), {"api-key": ""})


# --- Airflow ---------------------------------------------------------------------------------------------------------


@scenario
def airflow_cleared(stage: Stage) -> None:
    from airflow_provider_octopost.operators.octopost import OctopostAnnounceOperator

    log = SimpleNamespace(warning=lambda text, *values: stage.say(f"WARNING {text % values}"))
    operator: Any = SimpleNamespace(log=log)
    OctopostAnnounceOperator._tell_nothing_was_sent(operator, "post_0123456789abcdef")


@scenario
def airflow_connection(stage: Stage) -> None:
    stage.sandbox.expire_account("linkedin")
    connection = {"conn_type": "octopost", "host": stage.sandbox.base_url, "password": stage.sandbox.api_key}
    environ = {
        **os.environ,
        "AIRFLOW_HOME": str(stage.folder),
        "AIRFLOW_CONN_OCTOPOST_DEFAULT": json.dumps(connection),
    }
    ask = (
        "from airflow_provider_octopost.hooks.octopost import OctopostHook; print(OctopostHook().test_connection()[1])"
    )
    done = subprocess.run([sys.executable, "-c", ask], env=environ, capture_output=True, text=True, check=True)
    stage.say(done.stdout.splitlines()[-1])


def play(names: list[str] | None = None) -> dict[str, str]:
    """Play scenarios; return what was said in each.

    :param names: Which; all where omitted.
    """
    told = {}
    with SandboxProcess("--tier", "unlimited") as sandbox:
        for name in names or list(SCENARIOS):
            sandbox.reset()
            with tempfile.TemporaryDirectory(prefix="octopost-docs-") as folder:
                stage = Stage(sandbox, Path(folder))
                SCENARIOS[name](stage)
            doubled = sandbox.duplicates(ever=True)
            assert not doubled, f"{name} has published twice: {doubled}"
            told[name] = "\n".join(stage.lines)
    return told


if __name__ == "__main__":
    for title, text in play(sys.argv[1:]).items():
        print(f"--- {title}\n{text}\n")
