"""Threads."""

from __future__ import annotations

import pytest

from octopost_core import InvalidInput, count, split

LINK = "https://github.com/octo/post/releases/tag/v1.2.3"
SENTENCE = "This sentence has six plain words."


def test_a_text_that_fits_is_one_part_without_a_number():
    assert split("Hello", ["twitter", "bluesky"], numbered=True) == ["Hello"]


def test_parts_are_about_as_long_as_each_other_and_end_with_sentences():
    parts = split(f"{SENTENCE} " * 20, "twitter")

    assert len(parts) == 3
    assert all(part.endswith("words.") for part in parts)
    assert max(map(len, parts)) - min(map(len, parts)) <= len(SENTENCE) + 1


def test_paragraphs_are_kept_together_where_they_can_be():
    paragraphs = [f"{name} " * 35 for name in ("alpha", "bravo", "delta")]

    assert split("\n\n".join(paragraphs), "twitter") == [paragraph.strip() for paragraph in paragraphs]


def test_no_more_parts_than_needed():
    words = "abcd " * 56 * 3  # 280 with the space behind, three times

    assert len(split(words, "twitter")) == 3


def test_numbers_stand_below_and_count_towards_the_limit():
    parts = split("word " * 200, "bluesky", numbered=True)

    assert [part.rsplit("\n\n", 1)[1] for part in parts] == [f"{i}/{len(parts)}" for i in range(1, len(parts) + 1)]
    assert all(count(part, "bluesky").fits for part in parts)


def test_the_authors_own_marks_end_parts():
    assert split("One\n---\nTwo\n\n -----  \n\nThree -- and --- more", "twitter") == [
        "One",
        "Two",
        "Three -- and --- more",
    ]
    assert split("---\n\n---\nOne\n---", "twitter") == ["One"]
    assert len(split("One\n---\n" + "word " * 100, "twitter")) == 3


def test_the_link_goes_below_the_first_part_once():
    parts = split("word " * 200, "twitter", link=LINK, numbered=True)

    assert parts[0].endswith(f"\n\n{LINK}\n\n1/{len(parts)}")
    assert sum(LINK in part for part in parts) == 1
    assert split(f"word {LINK} more\n---\nend", "twitter", link=LINK) == [f"word {LINK} more", "end"]
    assert split("", "twitter", link=LINK) == [LINK]


def test_a_set_of_networks_shares_its_parts():
    parts = split("Grüße 👨‍👩‍👧‍👦 日本語。 " * 60, ["twitter", "bluesky", "mastodon", "threads"])

    assert all(count(part, name).fits for part in parts for name in ("twitter", "bluesky", "mastodon", "threads"))


def test_a_word_longer_than_a_part_is_broken_but_not_lost():
    parts = split("before " + "x" * 700 + " after", "twitter")

    assert "".join(parts).replace(" ", "") == "before" + "x" * 700 + "after"


def test_twenty_five_parts_are_the_most():
    text = "\n---\n".join(f"part {number}" for number in range(1, 26))

    assert len(split(text, "twitter")) == 25
    with pytest.raises(InvalidInput, match="needs 26 parts, a thread takes 25"):
        split(text + "\n---\none more", "twitter")
    with pytest.raises(InvalidInput, match="needs 358 parts, a thread takes 25"):
        split("abcd " * 20_000, "twitter")
    with pytest.raises(InvalidInput, match="needs 2 parts, a thread takes 1"):
        split("abcd " * 100, "twitter", max_parts=1)


def test_what_cannot_be_split_is_told():
    with pytest.raises(InvalidInput, match="There is no text to split"):
        split(" \n---\n ", "twitter")
    with pytest.raises(InvalidInput, match="cannot be cut"):
        split("Hi https://example.org/" + "x" * 303, "bluesky")
    with pytest.raises(InvalidInput, match="cannot be cut"):
        split("Hi", "bluesky", link="https://example.org/" + "x" * 303)
    with pytest.raises(InvalidInput, match="Did you mean bluesky"):
        split("Hi", "bsky")
