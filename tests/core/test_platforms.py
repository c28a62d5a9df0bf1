"""The table of networks."""

from __future__ import annotations

import subprocess
import sys

import pytest

from octopost_core.errors import InvalidInput
from octopost_core.platforms import PLATFORMS, check_platform, check_platforms

# Documented: posts page (newer generation) and platform pages.
IDS = [
    "twitter",
    "bluesky",
    "mastodon",
    "linkedin",
    "threads",
    "instagram",
    "facebook",
    "tiktok",
    "youtube",
    "discord",
    "slack",
    "telegram",
]
LIMITS = {
    "twitter": 280,
    "bluesky": 300,
    "mastodon": 500,
    "linkedin": 3000,
    "threads": 500,
    "instagram": 2200,
    "facebook": 63_206,
    "tiktok": 2200,
    "youtube": 5000,
}


def test_the_table_holds_the_documented_networks_in_order():
    assert list(PLATFORMS) == IDS
    assert all(platform.id == name for name, platform in PLATFORMS.items())


@pytest.mark.parametrize(("name", "limit"), LIMITS.items())
def test_documented_limits(name, limit):
    assert PLATFORMS[name].text.limit == limit
    assert PLATFORMS[name].text.source.label == "documented"


def test_what_is_not_documented_says_so():
    for name in ("discord", "slack", "telegram"):
        assert PLATFORMS[name].text.source.label == "network knowledge"
        assert PLATFORMS[name].media.source.label == "unknown"
        assert PLATFORMS[name].threads is None


def test_octopost_itself_refuses_only_what_is_documented():
    assert {name for name, rules in PLATFORMS.items() if rules.text.refused_above == rules.text.limit} == {
        "bluesky",
        "linkedin",
    }
    assert PLATFORMS["twitter"].text.refused_above == 25_000
    assert {name for name, rules in PLATFORMS.items() if rules.media.required} == {"instagram", "tiktok", "youtube"}
    assert {name for name, rules in PLATFORMS.items() if rules.media.exclusive} == {"twitter"}


@pytest.mark.parametrize(
    ("written", "meant"),
    [("x", "twitter"), ("X", "twitter"), ("Bluesky", "bluesky"), ("mastadon", "mastodon"), ("ig", "instagram")],
)
def test_a_near_miss_is_answered_with_the_name_that_was_meant(written, meant):
    with pytest.raises(InvalidInput, match=f"Did you mean {meant}\\?"):
        check_platform(written)


@pytest.mark.parametrize("written", ["", "qqqqqq", "x" * 10_000, 5, None])
def test_anything_else_is_answered_with_all_names_and_not_echoed_at_length(written):
    with pytest.raises(InvalidInput, match=r"Known networks: twitter, .*telegram") as caught:
        check_platform(written)
    assert len(str(caught.value)) < 300


def test_a_list_is_checked_and_each_name_kept_once():
    assert check_platforms(["bluesky", "twitter", "bluesky"]) == ["bluesky", "twitter"]
    assert check_platforms("bluesky") == ["bluesky"]
    with pytest.raises(InvalidInput, match="No network is named"):
        check_platforms([])


def test_importing_the_table_loads_nothing_heavy():
    code = "import octopost_core.platforms, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert not {"requests", "pydantic", "yaml", "regex", "markdown_it", "linkify_it"} & set(loaded)
