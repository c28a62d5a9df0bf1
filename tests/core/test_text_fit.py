"""One text for many networks."""

from __future__ import annotations

import pytest

from octopost_core import InvalidInput, count, fit
from octopost_core.platforms import PLATFORMS

LINK = "https://github.com/octo/post/releases/tag/v1.2.3"
WORDS = "word " * 200
SENTENCES = "This sentence has six plain words. " * 30


def test_what_fits_stays_and_the_link_comes_last_below_a_blank_line():
    assert fit("Hello", ["twitter", "bluesky"]) == "Hello"
    assert fit("Hello", ["twitter"], link=LINK) == f"Hello\n\n{LINK}"
    assert fit("  Hello \r\n there ", "twitter") == "Hello\n there"
    assert fit("", "twitter", link=LINK) == LINK
    assert fit("", "twitter") == ""


def test_a_long_text_is_cut_behind_a_word_as_late_as_possible():
    fitted = fit(WORDS, "twitter")

    assert fitted == "word " * 54 + "word…"
    assert count(f"word {fitted}", "twitter").used == 281


def test_a_sentence_that_ends_late_enough_is_worth_more():
    assert fit(SENTENCES, "twitter").endswith("six plain words. …")
    assert fit("Short. " + WORDS, "twitter").endswith("word…")


def test_a_line_that_ends_late_enough_is_kept_whole():
    fitted = fit("• An item of a list of things\n" * 20, "bluesky")

    assert fitted.endswith("• An item of a list of things\n…")


def test_the_weight_of_the_link_is_reserved_first():
    fitted = fit(WORDS, ["twitter", "bluesky"], link=LINK)

    text, link = fitted.split("\n\n")
    assert link == LINK
    assert text.endswith("word…")
    assert count(fitted, "bluesky").used <= 300
    assert count(f"word {fitted}", "twitter").used > 280 or count(f"word {fitted}", "bluesky").used > 300


def test_a_link_the_text_holds_is_not_doubled():
    assert fit(f"See {LINK}.", "twitter", link=LINK) == f"See {LINK}."
    assert fit(f"{LINK} {WORDS}", "twitter", link=LINK).count(LINK) == 1
    assert fit(f"{WORDS} {LINK}", "twitter", link=LINK).count(LINK) == 1
    # The beginning of another link is not this link.
    assert fit(f"See {LINK}4", "twitter", link=LINK) == f"See {LINK}4\n\n{LINK}"


@pytest.mark.parametrize(
    ("whole", "platform"),
    [
        ("https://example.org/" + "x" * 60, "bluesky"),
        ("@someone@example.social", "bluesky"),
        ("#ReleaseDay", "bluesky"),
        ("#リリース", "twitter"),
        ("http://localhost:8080/" + "x" * 60, "bluesky"),
        ("👨‍👩‍👧‍👦", "twitter"),
        ("🏴󠁧󠁢󠁳󠁣󠁴󠁿", "threads"),
    ],
)
def test_links_mentions_hashtags_and_emoji_are_whole_or_gone(whole, platform):
    for length in range(230, 520, 3):
        text = "字" * (length // 2) if whole.startswith("#リ") else "a " * (length // 2)
        fitted = fit(f"{text}{whole} " + "more " * 50, platform)
        rest = fitted.replace(whole, "").replace("more", "")
        assert set(rest) <= set("a字m… \n"), rest


def test_an_ellipsis_does_not_become_a_part_of_a_link():
    fitted = fit("https://example.org/path " + "x" * 290, "bluesky")

    assert fitted == "https://example.org/path " + "x" * 274 + "…" or fitted == "https://example.org/path …"


def test_scripts_without_spaces_are_cut_at_graphemes():
    fitted = fit("日本語の文章" * 60, "twitter")

    assert fitted.endswith("…")
    assert count(fitted, "twitter").used == 280
    assert fit("क्षि" * 400, "bluesky").removesuffix("…").replace("क्षि", "") == ""


def test_all_networks_at_once_take_the_tightest_way_of_counting():
    text = "Grüße 👨‍👩‍👧‍👦 aus https://example.org/" + "x" * 40 + " 日本語。 " * 60
    fitted = fit(text, list(PLATFORMS), link=LINK)

    assert all(count(fitted, platform).fits for platform in PLATFORMS)


def test_what_cannot_be_cut_is_told():
    with pytest.raises(InvalidInput, match="alone takes 323 of 300 graphemes and cannot be cut") as caught:
        fit("Hi", ["twitter", "bluesky"], link="https://example.org/" + "x" * 303)
    assert caught.value.field == "link"
    with pytest.raises(InvalidInput, match="cannot be cut"):
        fit("https://example.org/" + "x" * 303, "bluesky")
    with pytest.raises(InvalidInput, match="cannot be cut"):
        fit("e" + "\u0301" * 400, "twitter")
    with pytest.raises(InvalidInput, match="Did you mean twitter"):
        fit("Hi", "x")


def test_where_no_piece_of_the_text_fits_beside_the_link_the_link_stays():
    link = "https://example.org/" + "x" * 278

    assert fit("Hello there", "bluesky", link=link) == link


@pytest.mark.parametrize(
    "filler", ["word ", "日本語。", "https://example.org/a/b/c ", "👨‍👩‍👧‍👦", "e\u0301", "a.b.c.", "\n\na"]
)
def test_a_megabyte_is_fitted_like_a_page(filler):
    page, book = filler * (40_000 // len(filler)), filler * (1_000_000 // len(filler))

    assert fit(book, ["twitter", "bluesky", "mastodon"], link=LINK) == fit(
        page, ["twitter", "bluesky", "mastodon"], link=LINK
    )


def test_public_names_are_at_the_top():
    import octopost_core

    assert octopost_core.fit is fit
    assert octopost_core.count is count
