"""What publish_once promises, one situation at a time, against the sandbox."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from octopost_core import (
    FileLedger,
    IdempotencyMismatch,
    InvalidInput,
    Media,
    MediaImage,
    OctopostClient,
    OutcomeUnknown,
    PartialFailure,
    PostDraft,
    PublishFailed,
    RateLimited,
    Segment,
    Timeout,
    errors,
    publish_existing,
    publish_once,
)
from octopost_core.outcome import Event
from octopost_sandbox.process import Sandbox

NETWORKS = ["twitter", "bluesky", "linkedin"]
DRAFT = PostDraft(content="Hello, world", platforms=NETWORKS)
RELEASE = "https://github.com/octo/tool/releases/tag/v1.0"


@pytest.fixture
def sandbox(octopost_sandbox: Sandbox) -> Sandbox:
    octopost_sandbox.dialect(time_precision="microseconds")
    return octopost_sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[OctopostClient]:
    with OctopostClient(sandbox.api_key, sandbox.base_url, Timeout(read=5, publish=5)) as client:
        yield client


@pytest.fixture
def clock(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sleep in no time: our clock and the sandbox's move together."""
    real, offset = time.monotonic, 0.0

    def sleep(seconds: float) -> None:
        nonlocal offset
        offset += seconds
        sandbox.clock(advance=seconds)

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(time, "monotonic", lambda: real() + offset)


def networks(sandbox: Sandbox) -> list[str]:
    return sorted(copy["network"] for copy in sandbox.live())


def operations(sandbox: Sandbox) -> list[str]:
    return [call["operation"] for call in sandbox.calls()]


def test_the_quiet_case(sandbox: Sandbox, client: OctopostClient) -> None:
    seen: list[Event] = []
    ids: list[str] = []
    outcome = publish_once(client, DRAFT, on_event=seen.append, on_post_id=ids.append)
    assert outcome.operation == "created"
    assert outcome.status == "published"
    assert set(outcome.live) == set(NETWORKS)
    assert outcome.post.status == "published"
    assert networks(sandbox) == sorted(NETWORKS)
    assert operations(sandbox) == ["create", "list", "get", "publish"]
    assert [event.step for event in seen] == ["create", "look_up", "check", "commit", "settle", "judge"]
    assert set(ids) == {outcome.post.id}
    told = outcome.to_dict()
    assert told["id"] == outcome.post.id
    assert told["platform_results"]["twitter"]["success"] is True
    assert set(told["urls"]) == set(NETWORKS)


def test_a_second_try_finds_the_first_and_sends_nothing(sandbox: Sandbox, client: OctopostClient) -> None:
    first = publish_once(client, DRAFT)
    second = publish_once(client, DRAFT, second_try=True)
    assert second.operation == "unchanged"
    assert second.post.id == first.post.id
    assert second.live == first.live
    assert operations(sandbox)[4:] == ["list"]


def test_with_a_ledger_a_second_try_reads_one_post(sandbox: Sandbox, client: OctopostClient, tmp_path: Path) -> None:
    ledger = FileLedger(tmp_path / "ledger.json")
    first = publish_once(client, DRAFT, identity="a", ledger=ledger)
    second = publish_once(client, DRAFT, identity="a", ledger=FileLedger(tmp_path / "ledger.json"))
    assert (second.operation, second.post.id) == ("unchanged", first.post.id)
    assert operations(sandbox)[4:] == ["get"]


def test_an_identity_keeps_its_text(sandbox: Sandbox, client: OctopostClient, tmp_path: Path) -> None:
    ledger = FileLedger(tmp_path / "ledger.json")
    first = publish_once(client, DRAFT, identity="a", ledger=ledger)
    with pytest.raises(IdempotencyMismatch, match="Nothing was sent") as caught:
        publish_once(client, PostDraft(content="Hello again", platforms=NETWORKS), identity="a", ledger=ledger)
    assert caught.value.post_id == first.post.id
    assert caught.value.exit_code == 2
    assert len(sandbox.posts()) == 1


def test_what_is_different_is_not_swallowed(sandbox: Sandbox, client: OctopostClient) -> None:
    """Two texts in one run; the same text a week later; the same text with another picture."""
    started = datetime.now(UTC)
    for text in ("one", "two"):
        draft = PostDraft(content=text, platforms=["twitter"])
        assert publish_once(client, draft, since=started, second_try=True).operation == "created"
    sandbox.clock(advance=7 * 86400)
    week_later = started + timedelta(days=7)
    again = publish_once(client, PostDraft(content="one", platforms=["twitter"]), since=week_later, second_try=True)
    assert again.operation == "created"
    for name in ("a", "b"):
        media = Media(images=[MediaImage(url=f"https://example.com/{name}.png", alt_text=name)])
        draft = PostDraft(content="picture", platforms=["bluesky"], media=media)
        assert publish_once(client, draft, since=week_later, second_try=True).operation == "created"
    assert len(sandbox.live("twitter")) == 3
    assert len(sandbox.live("bluesky")) == 2


def test_a_release_is_known_by_its_page_in_any_wording(sandbox: Sandbox, client: OctopostClient) -> None:
    first = publish_once(client, PostDraft(content=f"Tool 1.0 is out {RELEASE}", platforms=["twitter"]), key=RELEASE)
    edited = PostDraft(content=f"Tool 1.0 is here! {RELEASE}", platforms=["twitter"])
    assert publish_once(client, edited, key=RELEASE).post.id == first.post.id
    for other in (f"{RELEASE}.1", f"{RELEASE}-rc1", f"{RELEASE}1"):
        outcome = publish_once(client, PostDraft(content=f"Tool {other}", platforms=["twitter"]), key=other)
        assert outcome.operation == "created", f"{other} is another release"
    assert len(sandbox.live("twitter")) == 4


def test_a_draft_of_the_release_in_other_words_is_taken_up_and_told(sandbox: Sandbox, client: OctopostClient) -> None:
    publish_once(client, PostDraft(content=f"Old words {RELEASE}", platforms=["twitter"]), key=RELEASE, publish=False)
    outcome = publish_once(client, PostDraft(content=f"New words {RELEASE}", platforms=["twitter"]), key=RELEASE)
    assert outcome.operation == "resumed"
    assert [post["content"] for post in sandbox.posts()] == [f"Old words {RELEASE}"]
    assert [event.message for event in outcome.events if event.level == "warning"] == [
        f"Draft {outcome.post.id} has other words; it goes out as it stands."
    ]


def test_another_network_is_added_without_touching_the_first(sandbox: Sandbox, client: OctopostClient) -> None:
    first = publish_once(client, PostDraft(content=f"Out {RELEASE}", platforms=["twitter"]), key=RELEASE)
    both = publish_once(client, PostDraft(content=f"Out {RELEASE}", platforms=["twitter", "bluesky"]), key=RELEASE)
    assert both.operation == "resumed"
    assert set(both.live) == {"twitter", "bluesky"}
    assert len(both.posts) == 2
    assert first.post.id in {post.id for post in both.posts}
    assert networks(sandbox) == ["bluesky", "twitter"]


def test_a_draft_beyond_our_networks_is_waited_for_and_named(
    sandbox: Sandbox, client: OctopostClient, clock: None
) -> None:
    (wider,) = sandbox.seed([{"content": "Hello", "platforms": ["twitter", "mastodon"]}])
    with pytest.raises(OutcomeUnknown, match="mastodon") as caught:
        publish_once(client, PostDraft(content="Hello", platforms=["twitter"]), second_try=True)
    assert caught.value.post_id == wider
    assert sandbox.live() == []
    assert "Publish or delete that draft" in str(caught.value)


def test_partial_failure_names_what_is_live_and_only_the_rest_is_tried_again(
    sandbox: Sandbox, client: OctopostClient
) -> None:
    sandbox.fail_network("linkedin", "Token expired.")
    with pytest.raises(
        PartialFailure, match=r"live on twitter, bluesky and failed on linkedin \(linkedin: Token"
    ) as caught:
        publish_once(client, DRAFT)
    assert caught.value.exit_code == 3
    first = caught.value.post_id
    with pytest.raises(PartialFailure):  # looked at, not tried again
        publish_once(client, DRAFT, second_try=True)
    assert len(sandbox.posts()) == 1
    sandbox.fail_network("linkedin", None)
    outcome = publish_once(client, DRAFT, second_try=True, retry_failed=True)
    assert outcome.operation == "resumed"
    assert outcome.post.id == first
    assert set(outcome.live) == set(NETWORKS)
    assert [post["platforms"] for post in sandbox.posts()] == [NETWORKS, ["linkedin"]]
    assert networks(sandbox) == sorted(NETWORKS)


def test_one_run_tries_a_failed_network_once(sandbox: Sandbox, client: OctopostClient, tmp_path: Path) -> None:
    sandbox.fail_network("linkedin", "Token expired.")
    ledger = FileLedger(tmp_path / "ledger.json")
    for expected in (1, 2, 3):
        with pytest.raises(PartialFailure):
            publish_once(client, DRAFT, identity="a", ledger=ledger, second_try=expected > 1, retry_failed=True)
        assert len(sandbox.posts()) == expected
    assert networks(sandbox) == ["bluesky", "twitter"]
    sandbox.fail_network("linkedin", None)
    outcome = publish_once(client, DRAFT, identity="a", ledger=ledger, retry_failed=True)
    assert set(outcome.live) == set(NETWORKS)
    assert networks(sandbox) == sorted(NETWORKS)


@pytest.mark.parametrize(("policy", "raises"), [("fail", True), ("warn", True), ("ignore", False)])
def test_failure_everywhere(sandbox: Sandbox, client: OctopostClient, policy: Any, raises: bool) -> None:
    for network in NETWORKS:
        sandbox.fail_network(network)
    if raises:
        with pytest.raises(PublishFailed) as caught:
            publish_once(client, DRAFT, on_partial_failure=policy)
        assert caught.value.exit_code == 1
        assert caught.value.outcome.failed.keys() == set(NETWORKS)
    else:
        assert publish_once(client, DRAFT, on_partial_failure=policy).status == "failed"


def test_partial_failure_as_a_warning(sandbox: Sandbox, client: OctopostClient) -> None:
    sandbox.fail_network("linkedin")
    outcome = publish_once(client, DRAFT, on_partial_failure="warn")
    assert set(outcome.failed) == {"linkedin"}
    assert [event.level for event in outcome.events].count("warning") == 1


def test_a_publish_slower_than_our_patience_is_waited_for(sandbox: Sandbox) -> None:
    sandbox.fault("publish", "slow", seconds=1.5)
    with OctopostClient(sandbox.api_key, sandbox.base_url, Timeout(publish=0.3)) as client:
        outcome = publish_once(client, DRAFT)
    assert outcome.operation == "created"
    while "publish" not in operations(sandbox):  # the sandbox is still holding its reply back
        time.sleep(0.1)
    assert operations(sandbox).count("publish") == 1
    assert networks(sandbox) == sorted(NETWORKS)


def test_a_post_that_never_ends_is_told_as_unknown(sandbox: Sandbox, client: OctopostClient, clock: None) -> None:
    sandbox.dialect(publish="async", publish_polls=10_000)
    with pytest.raises(OutcomeUnknown, match="last seen as publishing") as caught:
        publish_once(client, DRAFT, deadline=120)
    assert caught.value.exit_code == 4
    assert operations(sandbox).count("publish") == 1
    outcome = publish_once(client, DRAFT, second_try=True, wait=False)
    assert (outcome.operation, outcome.status, outcome.pending) == ("unchanged", "publishing", NETWORKS)


def test_a_lost_publish_call_is_sent_once_more_and_no_more(
    sandbox: Sandbox, client: OctopostClient, clock: None
) -> None:
    sandbox.fault("publish", "reset_before", count=2)
    with pytest.raises(OutcomeUnknown, match="still a draft after two publish calls"):
        publish_once(client, DRAFT)
    assert operations(sandbox).count("publish") == 2
    assert publish_once(client, DRAFT, second_try=True).operation == "resumed"
    assert networks(sandbox) == sorted(NETWORKS)


def test_a_post_that_somebody_deletes_is_not_made_again(
    sandbox: Sandbox, client: OctopostClient, tmp_path: Path
) -> None:
    ledger = FileLedger(tmp_path / "ledger.json")
    first = publish_once(client, DRAFT, identity="a", ledger=ledger)
    client.delete_post(first.post.id)
    with pytest.raises(OutcomeUnknown, match="somebody deleted it"):
        publish_once(client, DRAFT, identity="a", ledger=ledger)
    assert len(sandbox.posts()) == 0


def test_a_revoked_key_after_the_publish_call_is_not_told_as_nothing_happened(
    sandbox: Sandbox, client: OctopostClient
) -> None:
    sandbox.fault("publish", "reset_after")
    sandbox.fault("get", "unauthorized", skip=1)
    with pytest.raises(OutcomeUnknown, match="its publish call was sent, and then: Octopost answered 401"):
        publish_once(client, DRAFT)
    assert networks(sandbox) == sorted(NETWORKS)


def test_a_long_rate_limit_is_told_with_the_post(sandbox: Sandbox, client: OctopostClient) -> None:
    sandbox.tier("free")
    for number in range(10):
        publish_once(client, PostDraft(content=f"number {number}", platforms=["twitter"]))
    with pytest.raises(RateLimited) as caught:
        publish_once(client, DRAFT)
    assert caught.value.post_id == sandbox.posts()[-1]["id"]
    assert caught.value.reset_at is not None
    assert sandbox.posts()[-1]["status"] == "draft"
    sandbox.tier("unlimited")
    assert publish_once(client, DRAFT, second_try=True).operation == "resumed"
    assert networks(sandbox).count("linkedin") == 1


def test_a_hidden_list_never_leads_to_a_blind_publish(sandbox: Sandbox, client: OctopostClient, clock: None) -> None:
    sandbox.dialect(list_lag_seconds=100_000)
    with pytest.raises(OutcomeUnknown, match="the list of posts does not show it"):
        publish_once(client, DRAFT)
    assert sandbox.live() == []


def test_a_thread_the_server_dropped_is_not_published(sandbox: Sandbox, client: OctopostClient) -> None:
    sandbox.dialect(threads="thread")
    thread = PostDraft(content="first", segments=[Segment(content="second")], platforms=["twitter"])
    with pytest.raises(errors.InvalidResponse, match="kept 0 of the 1 replies"):
        publish_once(client, thread)
    assert sandbox.live() == []


def test_drafts_stay_drafts_when_asked(sandbox: Sandbox, client: OctopostClient) -> None:
    first = publish_once(client, DRAFT, publish=False)
    assert (first.operation, first.status) == ("drafted", "draft")
    second = publish_once(client, DRAFT, publish=False, second_try=True)
    assert second.post.id == first.post.id
    assert sandbox.live() == []
    assert publish_existing(client, first.post.id).operation == "resumed"
    assert publish_existing(client, first.post.id).operation == "unchanged"
    assert networks(sandbox) == sorted(NETWORKS)


def test_scheduled_once(sandbox: Sandbox, client: OctopostClient) -> None:
    later = datetime.now(UTC) + timedelta(hours=3)
    draft = PostDraft(content="Later", platforms=NETWORKS, scheduled_for=later)
    first = publish_once(client, draft)
    assert (first.operation, first.status, first.pending) == ("scheduled", "scheduled", NETWORKS)
    second = publish_once(client, draft, second_try=True)
    assert (second.operation, second.post.id) == ("unchanged", first.post.id)
    assert publish_existing(client, first.post.id).status == "scheduled"
    sandbox.clock(advance=3 * 3600 + 1)
    sandbox.wait("published")
    assert networks(sandbox) == sorted(NETWORKS)
    after = publish_once(client, draft, second_try=True)
    assert (after.operation, after.status) == ("unchanged", "published")


def test_a_past_time_sends_nothing(sandbox: Sandbox, client: OctopostClient) -> None:
    past = PostDraft(content="Late", platforms=["twitter"], scheduled_for=datetime(2020, 1, 1, tzinfo=UTC))
    with pytest.raises(InvalidInput, match=r"scheduled_for is 2020-01-01T00:00:00Z.*at least 60 seconds ahead"):
        publish_once(client, past)
    assert sandbox.calls() == []


def test_a_person_s_draft_about_the_release_is_not_tidied_away(sandbox: Sandbox, client: OctopostClient) -> None:
    publish_once(client, PostDraft(content=f"Out {RELEASE}", platforms=["twitter"]), key=RELEASE)
    (theirs,) = sandbox.seed([{"content": f"My own words about {RELEASE}", "platforms": ["twitter", "linkedin"]}])
    publish_once(client, PostDraft(content=f"Out {RELEASE}", platforms=["twitter"]), key=RELEASE)
    assert client.get_post(theirs).status == "draft"


def test_an_unknown_id_is_told_and_nothing_is_made(sandbox: Sandbox, client: OctopostClient) -> None:
    with pytest.raises(errors.NotFound, match="not created again by itself"):
        publish_existing(client, "post_nowhere")
    assert sandbox.posts() == []
