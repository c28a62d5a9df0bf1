"""Counting: X's conformance cases, graphemes against a second library, and each network's own way."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import wcwidth
import yaml

from octopost_core import InvalidInput, count
from octopost_core.limits import capacity, findings, graphemes, measure
from octopost_core.weighted import links, weigh

CONFORMANCE = Path(__file__).resolve().parents[3] / "shared/conformance/twitter-text/validate.yml"
GROUPS = ("WeightedTweetsWithDiscountedEmojiCounterTest", "UnicodeDirectionalMarkerCounterTest")


def conformance_cases():
    # Reference material beside the checkout; where it is absent, the cases below stand alone.
    if not CONFORMANCE.exists():
        return []
    tests = yaml.safe_load(CONFORMANCE.read_text(encoding="utf-8"))["tests"]
    return [pytest.param(case, id=case["description"]) for group in GROUPS for case in tests[group]]


@pytest.mark.parametrize("case", conformance_cases())
def test_x_conformance(case):
    verdict = count(case["text"], "twitter")

    assert verdict.used == case["expected"]["weightedLength"]
    assert verdict.fits == (case["expected"]["weightedLength"] <= 280)


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("", 0),
        ("hello", 5),
        ("a\r\nb", 3),
        ("Ünïcödé", 7),
        ("U\u0308", 1),  # NFC makes it one
        ("漢字", 4),
        ("…", 2),
        ("“quoted” – it’s", 15),
        ("\u200d", 1),
        ("😀", 2),
        ("👨‍👩‍👧‍👦", 2),
        ("👍🏽👍🏿", 4),
        ("🇩🇪🇫🇷", 4),
        ("🇩", 2),
        ("🏴󠁧󠁢󠁳󠁣󠁴󠁿", 2),
        ("#️⃣1⃣", 4),
        ("❤️‍🔥 🏳️‍🌈", 5),
        ("👩🏽‍❤️‍💋‍👨🏿", 2),
        ("😀‍😀", 5),  # no such emoji: two, and the joiner
        ("© ©️", 4),
        ("https://example.org", 23),
        ("see https://example.org/" + "x" * 500 + " now", 4 + 23 + 4),
        ("https://example.org/a_(b)_c?d=e&f#g.", 24),
        ("(https://example.org)", 25),
        ("example.com", 23),
        ("node.js", 7),
        ("test.dev", 23),
        ("v1.2.3", 6),
        ("e.g. this", 9),
        ("joe@example.com", 15),
        ("http://localhost:8080/x", 23),
        ("テストexample.comテスト", 6 + 23 + 6),
        ("http://例え.jp/道", 23 + 2),
        ("xhttp://foo.com", 15),
        ("https://" + "a" * 64 + ".com", 8 + 64 + 4),
        ("https://t.co/abcdef/more", 23 + 5),
        ("a.co/", 23),
        ("-example.com", 12),
        ("@example.com", 12),
        ("example.com:80", 23 + 3),
        ("example.com:80/x", 23),
        ("https://example.org/" + "y" * 4096, 4116),
    ],
)
def test_x_weights(text, weight):
    assert weigh(text) == weight


@pytest.mark.parametrize(
    "filler", ["a", "a.", "日本語.", "テ", "a.co/((", "é.中国", "https://e.org/a ", "👨‍👩‍👧", "@a@b", "_.-"]
)
def test_a_long_text_weighs_what_its_parts_weigh(filler):
    """A space ends every link, so pieces set apart by one weigh the same alone; minutes pass if it is not linear."""
    piece = filler * (20_000 // len(filler))

    assert weigh(" ".join([piece] * 10)) == 10 * weigh(f" {piece}") - 1


def test_links_without_scheme_can_be_left_out():
    text = "example.com and https://example.org"

    assert [text[start:end] for start, end in links(text)] == ["example.com", "https://example.org"]
    assert [text[start:end] for start, end in links(text, bare=False)] == ["https://example.org"]


HARD = (
    *("a", "é", "e\u0301", "\u0301", "\u0308", "ä", "한", "각", "ᄀ", "ᅡ", "ᆨ", "가", "क्षि", "क्", "ष", "ि"),
    *("ന്\u200d", "தி", "ก็", "ำ", "\u0e33", "👨‍👩‍👧‍👦", "👍🏽", "👍", "🏽", "🇩🇪", "🇩", "🇪", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "❤️", "❤"),
    *("\ufe0f", "\u200d", "\u200c", "1️⃣", "#", "\u20e3", "\r", "\n", "\r\n", "\t", "\x00", " ", "\u2028"),
    *("\u0600", "\u070f", "☝🏻", "🏳️‍🌈", "\u180e", "\ufeff"),
)


def test_graphemes_agree_with_a_second_library_on_ten_thousand_hard_strings():
    rng = random.Random(7)
    for _ in range(10_000):
        text = "".join(rng.choices(HARD, k=rng.randint(1, 12)))
        assert graphemes(text) == list(wcwidth.iter_graphemes(text)), ascii(text)
        assert measure(text, "graphemes") == len(graphemes(text))


@pytest.mark.parametrize(
    ("text", "platform", "used"),
    [
        ("👨‍👩‍👧‍👦é", "bluesky", 2),
        ("see https://example.org/" + "x" * 100, "bluesky", 124),
        ("see https://example.org/" + "x" * 100, "mastodon", 27),
        ("see https://e.org", "mastodon", 27),
        ("see example.org", "mastodon", 15),
        ("@me@example.social hi", "mastodon", 6),
        ("@me hi", "mastodon", 6),
        ("joe@example.social", "mastodon", 18),
        ("👨‍👩‍👧‍👦", "mastodon", 1),
        ("hi 😀", "threads", 7),
        ("漢字", "threads", 2),
        ("https://example.org", "threads", 19),
        ("😀a", "linkedin", 3),
        ("漢字", "telegram", 2),
        ("\ud800", "discord", 1),
    ],
)
def test_each_network_counts_in_its_own_way(text, platform, used):
    assert count(text, platform).used == used


def test_bluesky_has_two_limits_and_either_can_refuse():
    family = "👨‍👩‍👧‍👦"  # 1 grapheme, 25 bytes

    fits = count("x" * 300, "bluesky")
    too_many = count("x" * 301, "bluesky")
    too_heavy = count(family * 200, "bluesky")

    assert (fits.fits, fits.refused, fits.left) == (True, False, 0)
    assert (too_many.fits, too_many.refused, too_many.left) == (False, True, -1)
    assert (too_heavy.used, too_heavy.also[0].used, too_heavy.fits, too_heavy.refused) == (200, 5000, False, True)
    assert str(too_heavy) == "Bluesky: 200 of 300 graphemes; 5,000 of 3,000 bytes; 2,000 too many"


def test_x_is_soft_at_280_and_hard_at_25_000():
    assert (count("x" * 281, "twitter").fits, count("x" * 281, "twitter").refused) == (False, False)
    assert count("x" * 25_001, "twitter").refused


def test_a_verdict_says_whether_it_is_exact():
    assert count("x", "twitter").exact
    assert count("x", "bluesky").exact
    assert not count("x", "linkedin").exact


def test_an_unknown_network_is_refused():
    with pytest.raises(InvalidInput, match="Did you mean twitter"):
        count("x", "x")


def test_the_tightest_limit_of_each_unit_counts():
    assert capacity(["twitter", "bluesky", "youtube", "linkedin"]) == {
        "weighted": 280,
        "graphemes": 300,
        "bytes": 3000,
        "utf16": 3000,
    }


@pytest.mark.parametrize(
    ("platform", "post", "level", "message"),
    [
        ("instagram", {}, "error", "needs an image or a video"),
        ("tiktok", {"images": 1}, "error", "needs a video"),
        ("twitter", {"images": 1, "video": True}, "error", "images or a video, not both"),
        ("bluesky", {"video": True}, "warning", "takes no video"),
        ("bluesky", {"images": 5}, "warning", "takes 4 images, the post has 5"),
        ("linkedin", {"replies": 2}, "warning", "has no threads"),
        ("discord", {"replies": 2}, "warning", "is not known to have threads"),
        ("bluesky", {"replies": 25}, "error", "at most 24 replies"),
    ],
)
def test_findings(platform, post, level, message):
    found = findings("Hi", platform, **post)

    assert (found[0].platform, found[0].level) == (platform, level)
    assert message in found[0].message


def test_findings_about_texts():
    assert findings("Hi", "bluesky") == []
    assert [finding.level for finding in findings("x" * 301, "bluesky")] == ["error"]
    assert [finding.level for finding in findings("x" * 501, "mastodon")] == ["warning"]
    assert "30 hashtags" in findings("#a " * 31, "instagram", images=1)[0].message
    assert "cut to 100" in findings("x" * 101, "youtube", video=True)[0].message
