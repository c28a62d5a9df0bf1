"""Drafts refuse what cannot be meant, in one sentence that names the field; replies take what comes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from octopost_core import InvalidInput, Media, MediaImage, PostDraft, Segment
from octopost_core.matching import Announcement, fingerprint
from octopost_core.models import check_schedule
from octopost_core.wire import create_body, parse_post, update_body

GOOD: dict[str, Any] = {"content": "Hello", "platforms": ["twitter"]}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"content": " \n"}, "content is empty; write the text to publish."),
        ({"content": None}, "content is not right: input should be a valid string."),
        ({"platforms": []}, "platforms is not right: list should have at least 1 item"),
        ({"platforms": ["twiter"]}, "Did you mean twitter?"),
        ({"platforms": ["x"]}, "Did you mean twitter?"),
        ({"scheduled_for": datetime(2030, 1, 1)}, "scheduled_for has no time zone"),
        ({"scheduled_for": "next week"}, "scheduled_for is not right"),
        (
            {"media": {"images": [{"url": "/tmp/a.png"}]}},
            "media.images.0.url is '/tmp/a.png'; give a public",
        ),
        ({"media": {"pictures": []}}, "media.pictures is not a field of a post."),
        ({"segments": [{"content": ""}]}, "segments.0.content is not right"),
        ({"segments": [{"content": "x"}] * 25}, "segments has 25 replies; a thread takes at most 24"),
        ({"platform": "twitter"}, "platform is not a field of a post. Put fields we do not know in extra."),
        ({"extra": {"content": "x", "poll": {}}}, "extra repeats content; set the field of that name instead."),
    ],
)
def test_bad_drafts_are_told_in_one_sentence(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        PostDraft(**{**GOOD, **fields})
    assert says in str(caught.value)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    assert "pydantic" not in str(caught.value)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"^platforms is missing\.$"):
        PostDraft(content="Hello")


def test_networks_are_named_once_in_their_order() -> None:
    assert PostDraft(content="x", platforms=["bluesky", "twitter", "bluesky"]).platforms == ["bluesky", "twitter"]


def test_times_become_utc_with_whole_seconds() -> None:
    draft = PostDraft(**GOOD, scheduled_for="2030-01-01T12:00:00.987+02:00")
    assert create_body(draft, schedule=True, thread_field="segments")["scheduled_for"] == "2030-01-01T10:00:00Z"
    assert "scheduled_for" not in create_body(draft, schedule=False, thread_field="segments")


def test_the_margin_before_a_scheduled_time() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    check_schedule(now + timedelta(seconds=60), now)
    with pytest.raises(InvalidInput, match="it is 2026-01-01T00:00:00Z now"):
        check_schedule(now + timedelta(seconds=59), now)


def test_both_spellings_of_a_thread() -> None:
    draft = PostDraft(**GOOD, segments=[Segment(content="two"), Segment(content="three")])
    assert create_body(draft, schedule=True, thread_field="segments") == {
        "content": "Hello",
        "platforms": ["twitter"],
        "segments": [{"content": "two"}, {"content": "three"}],
    }
    assert create_body(draft, schedule=True, thread_field="thread") == {
        "platforms": ["twitter"],
        "thread": [{"content": "Hello"}, {"content": "two"}, {"content": "three"}],
    }


def test_media_options_and_unknown_fields_go_out_as_they_are() -> None:
    draft = PostDraft(
        content="Hello",
        platforms=["tiktok"],
        media=Media(images=[MediaImage(url="https://e.example/a.png")], video="https://e.example/v.mp4"),
        platform_options={"tiktok": {"privacy_level": "SELF_ONLY"}},
        extra={"poll": {"options": ["a", "b"]}},
    )
    assert create_body(draft, schedule=True, thread_field="segments") == {
        "content": "Hello",
        "platforms": ["tiktok"],
        "media": {"images": [{"url": "https://e.example/a.png"}], "video": {"url": "https://e.example/v.mp4"}},
        "platform_options": {"tiktok": {"privacy_level": "SELF_ONLY"}},
        "poll": {"options": ["a", "b"]},
    }


@pytest.mark.parametrize(
    ("segments", "read"),
    [(None, []), (["a", "b"], ["a", "b"]), ([{"content": "a"}, {"text": "b"}], ["a", "b"]), ("odd", [])],
)
def test_segments_are_read_in_every_likely_shape(segments: Any, read: list[str]) -> None:
    assert parse_post({"id": "1", "segments": segments}).segments == read


def test_a_thread_is_read_in_the_other_spelling() -> None:
    post = parse_post({"post": {"id": 7, "thread": [{"content": "one"}, {"content": "two"}]}})
    assert (post.id, post.content, post.segments) == ("7", "one", ["two"])
    assert parse_post({"id": "1"}).segments is None, "not mentioned is not the same as none"


def test_an_update_sends_the_whole_post() -> None:
    post = parse_post(
        {**GOOD, "id": "1", "scheduled_for": "2030-01-01T00:00:00+00:00", "segments": ["two"], "likes": 3}
    )
    assert update_body(post, {"content": "Hi", "scheduled_for": None}) == {
        "content": "Hi",
        "platforms": ["twitter"],
        "scheduled_for": None,
        "segments": [{"content": "two"}],
    }
    assert update_body(post, {}, thread_field="thread")["thread"] == [{"content": "Hello"}, {"content": "two"}]


def test_a_fingerprint_tells_what_goes_out() -> None:
    base = PostDraft(content="Caf\u00e9\n", platforms=["twitter", "bluesky"])
    assert fingerprint(base) == fingerprint(PostDraft(content="Cafe\u0301\r\n", platforms=["bluesky", "twitter"]))
    others = [
        base.model_copy(update={"content": "Café!"}),
        base.with_platforms(["twitter"]),
        base.model_copy(update={"segments": [Segment(content="two")]}),
        base.model_copy(update={"scheduled_for": datetime(2030, 1, 1, tzinfo=UTC)}),
        base.model_copy(update={"media": Media(video="https://e.example/v.mp4")}),
        base.model_copy(update={"platform_options": {"twitter": {"a": 1}}}),
    ]
    assert len({fingerprint(draft) for draft in [base, *others]}) == len(others) + 1


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Out: https://g.example/r/v1.0", True),
        ("Out: https://g.example/r/v1.0.", True),
        ("(https://g.example/r/v1.0)", True),
        ("https://g.example/r/v1.0?utm_source=x", True),
        ("https://g.example/r/v1.0#notes", True),
        ("https://g.example/r/v1.0/", True),
        ("https://g.example/r/v1.0.1", False),
        ("https://g.example/r/v1.0-rc1", False),
        ("https://g.example/r/v1.0+build", False),
        ("https://g.example/r/v1.01", False),
        ("https://g.example/r/v1.0/assets", False),
        ("https://other.example/https://g.example/r/v1.0", False),
    ],
)
def test_a_key_is_found_whole_or_not_at_all(text: str, named: bool) -> None:
    announcement = Announcement(PostDraft(content="something else", platforms=["twitter"]), "https://g.example/r/v1.0")
    assert announcement.matches(parse_post({"id": "1", "content": text})) is named
    assert announcement.matches(parse_post({"id": "1", "content": "thread", "segments": [text]})) is named


def test_stored_copies_of_media_are_not_taken_for_other_media() -> None:
    draft = PostDraft(
        content="x", platforms=["twitter"], media=Media(images=[MediaImage(url="https://e.example/a.png")])
    )
    announcement = Announcement(draft)

    def with_images(*urls: str) -> bool:
        return announcement.matches(
            parse_post({"id": "1", "content": "x", "media": {"images": [{"url": u} for u in urls]}})
        )

    assert with_images("https://e.example/a.png")
    assert with_images("https://cdn.octopost.ink/uploads/1.png")
    assert not with_images("https://e.example/b.png")
    assert not with_images()
