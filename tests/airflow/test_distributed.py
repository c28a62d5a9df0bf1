"""Two hundred announcements on two Celery workers and two triggerers, of which one each is killed midway.

``make test-distributed`` runs it; it needs Debian's redis-server and postgresql.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from octopost_sandbox.process import SandboxProcess
from tests.airflow.celery_cluster import CeleryCluster, Services
from tests.airflow.conftest import connection_json

pytestmark = pytest.mark.distributed

COUNT = int(os.environ.get("OCTOPOST_TEST_ANNOUNCEMENTS", "200"))
DAG_ID, RUN_ID = "many_announcements", "killed_midway"


@pytest.fixture
def sandbox() -> Iterator[SandboxProcess]:
    # Every post is on its way for twenty seconds, so that there always are tasks that wait in a triggerer.
    with SandboxProcess(
        "--tier", "unlimited", "--dialect", "publish=async", "--dialect", "publish_seconds=20"
    ) as running:
        yield running


@pytest.fixture
def cluster(sandbox: SandboxProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CeleryCluster]:
    home = tmp_path_factory.mktemp("airflow")
    environment = {"AIRFLOW_CONN_OCTOPOST_DEFAULT": connection_json(sandbox)}
    with Services() as services, CeleryCluster(home, environment, services) as started:
        yield started


def test_every_post_is_live_once_and_every_task_green(cluster: CeleryCluster, sandbox: SandboxProcess) -> None:
    def states() -> Counter[str]:
        found = cluster.states(DAG_ID, RUN_ID)
        return Counter(state for (task, _), (state, _) in found.items() if task == "announce")

    def worth_killing() -> bool:
        """Both workers are in the middle of something, and both triggerers wait for something."""
        found = states()
        waiting = cluster.query("select count(distinct triggerer_id) from trigger where triggerer_id is not null")
        begun = found["success"] + found["deferred"]
        return begun >= COUNT // 4 and found["running"] >= 3 and waiting[0][0] == 2

    # The reply to every publish call comes three seconds late: a task that is killed has mostly just published.
    sandbox.fault("publish", "slow", seconds=3, count=10 * COUNT)
    started = time.monotonic()
    cluster.trigger(DAG_ID, RUN_ID, {"count": COUNT})
    cluster.wait_for(worth_killing, "a quarter has begun, and all are busy", 1800)
    at_the_kill = states()
    cluster.kill("worker-1")
    cluster.kill("triggerer-1")
    assert cluster.wait_for_run(DAG_ID, RUN_ID, patience=2400) == "success", cluster.last_words()
    took = time.monotonic() - started

    tries = Counter(tries for (task, _), (_, tries) in cluster.states(DAG_ID, RUN_ID).items() if task == "announce")
    copies = Counter((copy["network"], copy["post_id"]) for copy in sandbox.live())
    posts = sandbox.posts()
    calls = Counter(call["operation"] for call in sandbox.calls())
    print(
        f"\n{COUNT} announcements, one of two workers and one of two triggerers killed: {took:.0f} s, "
        f"{len(copies)} live copies, {len(sandbox.duplicates(ever=True))} duplicates, "
        f"{sum(post['status'] == 'draft' for post in posts)} drafts left.\n"
        f"  when they were killed: {dict(at_the_kill)}\n"
        f"  tries: {dict(sorted(tries.items()))}\n"
        f"  requests: {dict(calls)}"
    )
    assert states() == {"success": COUNT}
    assert max(tries) > 1, "the kill came when the worker had nothing to do"
    assert sandbox.duplicates(ever=True) == []
    assert set(copies.values()) == {1}
    assert len(copies) == 2 * COUNT
    assert {post["content"] for post in posts} == {f"Announcement {number}" for number in range(COUNT)}
    assert len(posts) == COUNT, "a draft was left behind"
