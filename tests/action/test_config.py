"""Inputs: gathered, masked, checked; every mistake is one sentence that names the input."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from github_action.config import Config, InvalidInputs, MediaItem, Schedule

GOOD = {"INPUT_API-KEY": "oct_test_1", "INPUT_PLATFORMS": "twitter"}


def read(**inputs: str) -> Config:
    return Config.from_environ(
        GOOD | {f"INPUT_{name.upper().replace('_', '-')}": text for name, text in inputs.items()}
    )


def problems(**inputs: str) -> list[str]:
    with pytest.raises(InvalidInputs) as caught:
        read(**inputs)
    return [str(problem) for problem in caught.value.problems]


def test_dashes_and_underscores_are_read_and_an_empty_input_is_an_absent_one() -> None:
    config = Config.from_environ({"INPUT_API_KEY": "oct_test_1", "INPUT_API-KEY": "", "INPUT_PLATFORMS": "twitter"})
    assert config.api_key == "oct_test_1"
    assert config.thread == "off"


def test_secrets_are_masked_before_anything_is_found_wrong_and_never_shown() -> None:
    masked: list[str] = []
    environ = {"INPUT_API-KEY": "oct_live_se cret", "INPUT_GITHUB-TOKEN": "ghs_1", "INPUT_PLATFORMS": "nowhere"}
    with pytest.raises(InvalidInputs) as caught:
        Config.from_environ(environ, masked.append)
    assert masked == ["oct_live_se cret", "ghs_1"]
    assert "oct_live" not in str(caught.value)
    assert "oct_test_1" not in repr(read())


def test_a_key_with_a_line_end_behind_it_is_taken_without_it() -> None:
    assert read(api_key=" oct_test_2\n").api_key == "oct_test_2"


@pytest.mark.parametrize("key", ["oct_test 1", "oct_test\n1", "oct_tést"])
def test_a_malformed_key_is_told_without_showing_it(key: str) -> None:
    (problem,) = problems(api_key=key)
    assert problem.startswith("api-key is malformed: ")
    assert key not in problem


@pytest.mark.parametrize(
    "text",
    [
        "twitter, bluesky",
        "twitter\nbluesky",
        "twitter,\n bluesky,\n",
        "- twitter\n- bluesky\n",
        '["twitter", "bluesky"]',
    ],
)
def test_networks_by_comma_line_or_yaml_list(text: str) -> None:
    assert read(platforms=text).platforms == ("twitter", "bluesky")


def test_networks_each_once() -> None:
    assert read(platforms="twitter, bluesky, twitter").platforms == ("twitter", "bluesky")


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({"platforms": "x"}, "platforms names 'x', which is not a network Octopost knows. Did you mean twitter?"),
        ({"platforms": " , "}, "platforms names no network. Write names like twitter, bluesky, separated by"),
        ({"base_url": "api.octopost.ink"}, "base-url is 'api.octopost.ink', not an http(s) URL. Write it like"),
        ({"publish": "no"}, "publish is 'no'. Write true or false."),
        ({"thread": "yes"}, "thread is 'yes'. Write off, auto or markers."),
        ({"fail_on": "partial"}, "fail-on is 'partial'. Write any, all or none."),
        ({"scheduled_for": "2030-01-01T10:00:00"}, "scheduled-for is '2030-01-01T10:00:00', a time without an offset"),
        ({"scheduled_for": "+2 weeks"}, "scheduled-for is '+2 weeks', not a delay. Write an ISO 8601 time"),
        ({"scheduled_for": "soon"}, "scheduled-for is 'soon', not a time. Write an ISO 8601 time"),
        ({"wait_timeout": "-1"}, "wait-timeout is '-1'. Write a number of seconds, like 120, or 2m."),
        ({"max_wait": "forever"}, "max-wait is 'forever'. Write a number of seconds"),
        ({"tag": "v1 2"}, "tag is 'v1 2', not a tag's name. Write the tag as git shows it, like v1.2.3."),
        ({"media": "./logo.png | Logo"}, "media holds './logo.png', not a public http(s) URL; files of the workspace"),
        ({"overrides": "Just a text"}, "overrides is a text, not a map of networks. Write one line per network, like"),
        ({"overrides": "linkedin: [a"}, "overrides is not YAML at line 1, column 13: "),
        ({"overrides": "twitter: 12"}, "overrides gives twitter a number, not a text. Put the text in quotes"),
        ({"overrides": "twitter: {{ tag }}"}, "overrides is not YAML"),
        (
            {"overrides": "linkdin: Hi"},
            "overrides names 'linkdin', which is not a network Octopost knows. Did you mean",
        ),
        ({"overrides": "linkedin: Hi"}, "overrides names linkedin, which platforms does not list. Add linkedin to"),
        ({"platform_options": "twitter: 1"}, "platform-options gives twitter a number, not a map of options."),
        ({"platform_options": "- !!python/object/apply:os.system [id]"}, "platform-options is not YAML"),
        ({"preset": "All"}, "platforms and preset are both given. Keep one"),
        ({"content": "a", "content_file": "b"}, "content and content-file are both given. Keep the one"),
        ({"content": "a", "post_file": "b"}, "content and post-file are both given. Keep the one"),
        ({"post_file": "b", "media": "https://x.example/a.png"}, "post-file and media are both given. Move media into"),
        (
            {"publish": "false", "scheduled_for": "+2h"},
            "publish is false, so a draft stays for review, but scheduled-for",
        ),
    ],
)
def test_a_mistake_is_one_sentence_that_names_the_input(inputs: dict[str, str], sentence: str) -> None:
    found = problems(**inputs)
    assert len(found) == 1, found
    assert found[0].startswith(sentence)


def test_nothing_given_at_all() -> None:
    with pytest.raises(InvalidInputs) as caught:
        Config.from_environ({})
    assert [problem.field for problem in caught.value.problems] == ["api-key", "platforms"]


def test_a_preview_needs_no_key() -> None:
    assert read(api_key="", dry_run="true").api_key == ""


def test_media_lines() -> None:
    config = read(
        media="https://x.example/a.png | One, two | three\n\nhttps://x.example/b.png\nhttps://x.example/c.png |\n"
    )
    assert config.media == (
        MediaItem("https://x.example/a.png", "One, two | three"),
        MediaItem("https://x.example/b.png"),
        MediaItem("https://x.example/c.png"),
    )


@pytest.mark.parametrize(
    ("text", "delay"),
    [
        ("+2h", timedelta(hours=2)),
        ("+1h30m", timedelta(hours=1.5)),
        ("+45m", timedelta(minutes=45)),
        ("+1d", timedelta(1)),
    ],
)
def test_delays(text: str, delay: timedelta) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    schedule = read(scheduled_for=text).scheduled_for
    assert schedule is not None
    assert schedule.resolve(now) == now + delay


def test_times_with_an_offset() -> None:
    schedule = read(scheduled_for="2030-01-31T09:00:00+01:00").scheduled_for
    assert schedule == Schedule(at=datetime(2030, 1, 31, 8, tzinfo=UTC))


@pytest.mark.parametrize(("text", "seconds"), [("90", 90.0), ("2m", 120.0), ("1.5h", 5400.0), ("0", 0.0)])
def test_durations(text: str, seconds: float) -> None:
    assert read(wait_timeout=text).wait_timeout == seconds


def test_choices_in_any_case() -> None:
    config = read(on_duplicate="Repost", publish="FALSE")
    assert (config.on_duplicate, config.publish) == ("repost", False)


def test_a_tag_may_be_a_whole_ref() -> None:
    assert read(tag="refs/tags/engine/v1.0").tag == "engine/v1.0"
