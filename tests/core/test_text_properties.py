"""What holds for any text: limits are kept, words, links and graphemes survive, a second pass changes nothing."""

from __future__ import annotations

import re
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from octopost_core import InvalidInput, count
from octopost_core.fitting import ELLIPSIS
from octopost_core.limits import graphemes
from octopost_core.platforms import MAX_PARTS, PLATFORMS
from octopost_core.text import defuse_mentions, fit, markdown_to_text, split, tidy
from octopost_core.weighted import links
from tests.core.hard_text import FRAGMENTS, texts, thorough

LINK = "https://github.com/octo/post/releases/tag/v1.2.3"

networks = st.lists(st.sampled_from(list(PLATFORMS)), min_size=1, max_size=4, unique=True)
maybe_link = st.sampled_from([None, LINK])
long_texts = st.lists(texts, min_size=1, max_size=6).map(" ".join)
pings = re.compile(r"(?:\A|[^A-Za-z0-9_@＠/])[@＠]\w")


def attempt(call):
    try:
        return call(), ""
    except InvalidInput as error:
        return None, str(error)


def boundaries(text: str) -> set[int]:
    return {0, *accumulate(map(len, graphemes(text)))}


def dense(text: str) -> str:
    return re.sub(r"\s", "", text)


def inside_link(text: str, place: int) -> bool:
    return any(start < place < end for start, end in links(text))


@thorough
@given(long_texts, networks, maybe_link)
def test_fit_keeps_every_limit_and_the_link(text, platforms, link):
    fitted, refusal = attempt(lambda: fit(text, platforms, link=link))
    if fitted is None:
        assert "cannot be cut" in refusal
        return

    assert all(count(fitted, platform).fits for platform in platforms)
    assert link is None or link in fitted
    assert fit(fitted, platforms, link=link) == fitted


@thorough
@given(long_texts, networks)
def test_fit_cuts_between_graphemes_and_outside_links(text, platforms):
    whole = tidy(text)
    fitted, _ = attempt(lambda: fit(text, platforms))
    if fitted in (None, whole):
        return

    assert fitted.endswith(ELLIPSIS)
    kept = fitted.removesuffix(ELLIPSIS).rstrip()
    assert whole.startswith(kept)
    assert len(kept) in boundaries(whole)
    assert not inside_link(whole, len(kept)), (whole, kept, platforms)


@thorough
@given(long_texts, networks, maybe_link, st.booleans())
def test_split_keeps_every_limit_and_loses_nothing(text, platforms, link, numbered):
    parts, refusal = attempt(lambda: split(text, platforms, link=link, numbered=numbered))
    if parts is None:
        assert re.search(r"cannot be cut|needs \d+ parts|no text", refusal)
        return

    assert 1 <= len(parts) <= MAX_PARTS
    for part in parts:
        assert part.strip()
        assert all(count(part, platform).fits for platform in platforms)
        assert split(part, platforms) == [part]
    if numbered and len(parts) > 1:
        assert [part.rsplit("\n\n", 1)[1] for part in parts] == [f"{i}/{len(parts)}" for i in range(1, len(parts) + 1)]
        parts = [part.rsplit("\n\n", 1)[0] for part in parts]
    whole = re.sub(r"(?m)^[ \t]*-{3,}[ \t]*$", "", tidy(text))
    if link and whole.strip():
        assert sum(part.count(link) for part in parts) == max(1, whole.count(link))
        parts[0] = parts[0].removesuffix(f"\n\n{link}") if link not in whole else parts[0]
    assert dense("".join(parts)) == dense(whole) or (not whole.strip() and parts == [link])


@thorough
@given(long_texts, networks)
def test_split_cuts_between_graphemes(text, platforms):
    text = text.replace("---", "")
    parts, _ = attempt(lambda: split(text, platforms))
    whole, position = tidy(text), 0
    places = boundaries(whole)
    for part in parts or ():
        start = whole.index(part, position)
        position = start + len(part)
        assert start in places
        assert position in places


@thorough
@given(long_texts)
def test_markdown_never_fails_pings_nobody_and_settles(text):
    plain = markdown_to_text(text)

    assert not pings.search(re.sub(r"https?://[^\s()<>]+", "", plain))
    assert markdown_to_text(plain) is not None
    assert tidy(plain) == plain
    assert defuse_mentions(plain) == plain


@thorough
@given(st.lists(st.text("AZazäöü日本語,;'", min_size=1, max_size=12), min_size=1, max_size=60).map(" ".join))
def test_text_without_markdown_comes_back_as_it_is(text):
    assert markdown_to_text(text) == text


def test_the_fragments_cover_what_is_cut_differently():
    assert {len(graphemes(fragment)) == len(fragment) for fragment in FRAGMENTS} == {True, False}
