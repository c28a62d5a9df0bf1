"""Releases: versions within tags, titles, and look-ups at GitHub over a real socket."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from github_action.config import Config
from github_action.context import Context
from github_action.event import Release
from github_action.github_api import GitHub
from github_action.publisher import look_back
from octopost_core.errors import InvalidInput
from octopost_core.publishing import CLOCK_SKEW
from tests.action.github import GitHubServer

TOKEN = "ghs_token_of_this_job"


def release(tag: str, name: str = "", repository: str = "orbit-labs/comet") -> Release:
    return Release(repository, tag, name or tag, "", f"https://github.com/{repository}/releases/tag/{tag}")


@pytest.mark.parametrize(
    ("tag", "version"),
    [
        ("v1.2.3", "1.2.3"),
        ("1.2.3", "1.2.3"),
        ("v2", "2"),
        ("V1.0", "1.0"),
        ("v1.2.3-rc.1+build.5", "1.2.3-rc.1+build.5"),
        ("engine-v1.2.3", "1.2.3"),
        ("engine@1.2.3", "1.2.3"),
        ("@orbit-labs/engine@1.2.3", "1.2.3"),
        ("engine/v1.2.3", "1.2.3"),
        ("py3-engine_v0.1.0a2", "0.1.0a2"),
        ("release-2026.11", "2026.11"),
        ("nightly", "nightly"),
    ],
)
def test_version_within_a_tag(tag: str, version: str) -> None:
    assert release(tag).version == version


@pytest.mark.parametrize(
    ("tag", "name", "title"),
    [
        ("v1.2.3", "Comet 1.2.3", "Comet 1.2.3"),
        ("v1.2.3", "v1.2.3", "comet v1.2.3"),
        ("v1.2.3", "1.2.3", "comet 1.2.3"),
        ("v1.2.3", "The fast one", "The fast one"),
        ("comet-v1.2.3", "comet-v1.2.3", "comet-v1.2.3"),
        ("engine@1.2.3", "engine@1.2.3", "comet engine@1.2.3"),
    ],
)
def test_title_names_the_project(tag: str, name: str, title: str) -> None:
    assert release(tag, name).title == title


def ask(server: GitHubServer, prefix: str = "", token: str = TOKEN) -> GitHub:
    return GitHub(Context(api_url=server.url + prefix, repository="orbit-labs/comet", run_id="9001"), token)


def test_a_tag_is_one_part_of_the_path(github: GitHubServer) -> None:
    github.releases["@orbit-labs/engine@1.0"] = {"tag_name": "x"}
    assert ask(github).release("@orbit-labs/engine@1.0") == {"tag_name": "x"}
    path = "/repos/orbit-labs/comet/releases/tags/%40orbit-labs%2Fengine%401.0"
    assert github.requests == [(path, f"Bearer {TOKEN}")]


def test_netrc_does_not_replace_the_token(
    github: GitHubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login mallory password stolen\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    github.releases["v1"] = {}
    ask(github).release("v1")
    ask(github, token="").release("v1")
    assert [authorization for _, authorization in github.requests] == [f"Bearer {TOKEN}", None]


def test_a_renamed_repository_is_followed_on_the_same_host(github: GitHubServer) -> None:
    github.redirects["/repos/orbit-labs/comet/releases/tags/v1"] = "/repositories/640011/releases/tags/v1"
    github.releases["v1"] = {"tag_name": "v1"}
    assert ask(github).release("v1") == {"tag_name": "v1"}
    assert [authorization for _, authorization in github.requests] == [f"Bearer {TOKEN}"] * 2


def test_a_redirect_to_another_host_gets_no_token_and_no_request(github: GitHubServer) -> None:
    with GitHubServer() as other:
        github.redirects["/repos/orbit-labs/comet/releases/tags/v1"] = f"{other.url}/steal"
        with pytest.raises(InvalidInput, match="answered 301"):
            ask(github).release("v1")
        assert other.requests == []


def test_a_release_made_a_moment_ago_is_asked_for_twice(github: GitHubServer) -> None:
    github.releases["v1"] = [404, {"tag_name": "v1"}]
    assert ask(github).release("v1") == {"tag_name": "v1"}
    assert ask(github).release("v2") is None
    assert len(github.requests) == 4


def test_a_server_that_recovers_is_asked_again(github: GitHubServer) -> None:
    github.releases["v1"] = [502, 429, {"tag_name": "v1"}]
    assert ask(github).release("v1") == {"tag_name": "v1"}


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (
            403,
            "127.0.0.1 answered 403 (Resource not accessible by integration) when asked for the release. Give the job",
        ),
        (401, "127.0.0.1 answered 401 (Sorry) when asked for the release. Give the job the permission contents: read"),
    ],
)
def test_a_refusal_names_the_permission(github: GitHubServer, status: int, sentence: str) -> None:
    github.releases["v1"] = status
    with pytest.raises(InvalidInput) as caught:
        ask(github).release("v1")
    assert str(caught.value).startswith(sentence)
    assert len(github.requests) == 1
    assert TOKEN not in str(caught.value)


def test_the_token_never_goes_over_plain_http_to_another_machine() -> None:
    context = Context(api_url="http://git.example/api/v3", repository="o/r")
    with pytest.raises(InvalidInput, match=r"GITHUB_API_URL is 'http://git.example/api/v3', not an https address"):
        GitHub(context, TOKEN).release("v1")


def test_the_start_of_the_run_is_its_first_attempts(github: GitHubServer) -> None:
    github.runs["9001"] = {"created_at": "2026-11-23T10:00:00Z", "run_started_at": "2026-11-25T08:00:00Z"}
    assert ask(github, "/api/v3").run_started() == datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert github.requests[0][0] == "/api/v3/repos/orbit-labs/comet/actions/runs/9001"


@pytest.mark.parametrize("answer", [404, 403, {}, {"created_at": "then"}])
def test_without_permission_the_start_of_the_run_is_not_known(github: GitHubServer, answer: Any) -> None:
    github.runs["9001"] = answer
    assert ask(github).run_started() is None


NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def bound(github: GitHubServer, *, attempt: int = 1, duplicates: str = "skip", published: datetime | None = None,
          event_name: str = "", event: dict[str, Any] | None = None) -> datetime | None:  # fmt: skip
    config = Config.from_environ(
        {"INPUT_API-KEY": "oct_test_1", "INPUT_PLATFORMS": "twitter", "INPUT_ON-DUPLICATE": duplicates}
    )
    context = Context(
        api_url=github.url, repository="o/r", run_id="9001", attempt=attempt, event_name=event_name, event=event or {}
    )
    subject = replace(release("v1"), published_at=published) if published else None
    return look_back(config, context, subject, GitHub(context, TOKEN), NOW)


def test_how_far_back_the_same_announcement_is_looked_for(github: GitHubServer) -> None:
    started, published = datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
    assert bound(github, published=published) == published
    assert bound(github, published=published, attempt=2) == published
    assert bound(github) is None, "the core's own 24 hours: there is nothing earlier to find"
    assert bound(github, event_name="schedule") == NOW, "yesterday's cron job said the same"
    assert bound(github, attempt=2) == NOW - timedelta(days=30), "unknown start: as long as runs can be started again"
    push = {"repository": {"pushed_at": int(started.timestamp())}}
    assert bound(github, event_name="push", event=push) == started
    github.runs["9001"] = {"created_at": "2026-11-22T00:00:00Z"}
    assert bound(github, attempt=2) == datetime(2026, 11, 22, tzinfo=UTC)


def test_a_repost_looks_back_to_its_own_run_only(github: GitHubServer) -> None:
    published = datetime(2026, 11, 1, tzinfo=UTC)
    assert bound(github, duplicates="repost", published=published) == NOW + CLOCK_SKEW
    assert bound(github, duplicates="repost", published=published, attempt=2) == published, "its start is not known"
    github.runs["9001"] = {"created_at": "2026-11-22T00:00:00Z"}
    begun = datetime(2026, 11, 22, tzinfo=UTC)
    assert bound(github, duplicates="repost", published=published, attempt=2) == begun + CLOCK_SKEW
