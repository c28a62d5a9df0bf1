"""What an operator is told to post: checked when the DAG file is parsed as far as it can be, made a draft when it runs.

Parsing must not cost an HTTP library or pydantic, so the checks here use plain values and the core's platform table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_octopost.utils.attempt import read_moment
from octopost_core.errors import InvalidInput
from octopost_core.platforms import PLATFORMS, check_platforms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from octopost_core.client import OctopostClient
    from octopost_core.models import PostDraft

WhenTooLong = Literal["fail", "shorten", "thread"]
WHEN_TOO_LONG = ("fail", "shorten", "thread")
ON_PARTIAL_FAILURE = ("fail", "warn", "ignore")

#: The arguments that describe a post, in the order of their documentation.
CONTENT_FIELDS = (
    "content",
    "post_file",
    "platforms",
    "preset",
    "scheduled_for",
    "media",
    "segments",
    "platform_options",
    "extra",
    "link",
)
#: What a post file says itself; only its networks and its time can be given from outside.
_IN_THE_FILE = ("media", "segments", "platform_options", "extra")


def known_at_parse_time(value: Any) -> bool:
    """
    Tell whether a value is final: neither a Jinja template nor the result of another task.

    :param value: An operator's argument.
    """
    if isinstance(value, str):
        return "{{" not in value and "{%" not in value and not value.endswith((".j2", ".jinja"))
    if isinstance(value, list | tuple):
        return all(known_at_parse_time(item) for item in value)
    return value is None or isinstance(value, bool | int | float) or hasattr(value, "isoformat")


def as_list(platforms: Any) -> list[str]:
    """
    Return network ids from a list, or from a string with commas (a rendered template for instance).

    :param platforms: What was given.
    """
    if isinstance(platforms, str):
        # A template that renders a list leaves its brackets and quotes behind.
        platforms = [part.strip(" \t\n\r'\"") for part in platforms.strip(" []()").split(",")]
    return [str(name) for name in platforms or () if str(name)]


def check_choice(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    """
    Refuse a word that is not one of the allowed ones.

    :param name: The argument.
    :param value: What was given.
    :param allowed: What it may be.
    """
    if value not in allowed:
        raise InvalidInput(f"{name} is {value!r}.", field=name, cure=f"Write one of {', '.join(allowed)}.")


def check_at_parse_time(told: Mapping[str, Any], when_too_long: str) -> None:
    """
    Refuse what can be known to be wrong while the DAG file is parsed, without network or connection.

    :param told: The arguments named in :data:`CONTENT_FIELDS`.
    :param when_too_long: What to do with a text that does not fit.
    :raises InvalidInput: Naming the argument; Airflow shows it as the DAG's import error.
    """
    check_choice("when_too_long", when_too_long, WHEN_TOO_LONG)
    content, post_file = told["content"], told["post_file"]
    platforms, preset = told["platforms"], told["preset"]
    if content is not None and post_file is not None:
        raise InvalidInput("content and post_file are both given.", field="content", cure="Give one of them.")
    if post_file is None and (content is None or (isinstance(content, str) and not content.strip())):
        raise InvalidInput("There is no text to post.", field="content", cure="Give content, or a post_file.")
    if post_file is not None and (doubled := [name for name in _IN_THE_FILE if told[name] is not None]):
        raise InvalidInput(
            f"{', '.join(doubled)} cannot be given besides post_file.", field=doubled[0], cure="Write it into the file."
        )
    if platforms is not None and preset is not None:
        raise InvalidInput("platforms and preset are both given.", field="platforms", cure="Give one of them.")
    if post_file is None and preset is None and (platforms is None or platforms in ("", [], ())):
        raise _no_network()
    if platforms is not None and known_at_parse_time(platforms):
        check_platforms(as_list(platforms))
    if known_at_parse_time(told["scheduled_for"]):
        read_moment(told["scheduled_for"], "scheduled_for")
    final = isinstance(content, str) and known_at_parse_time(content) and known_at_parse_time(platforms)
    if final and platforms is not None and when_too_long == "fail":
        check_length(content, as_list(platforms))


def _no_network() -> InvalidInput:
    return InvalidInput(
        "No network is named.", field="platforms", cure="Give platforms, for example ['bluesky'], or a preset."
    )


def check_length(content: str, platforms: list[str]) -> None:
    """
    Refuse a text that does not fit all networks.

    :param content: The text.
    :param platforms: Network ids.
    :raises InvalidInput: Naming each network, what the text counts there and the limit.
    """
    # Counting takes libraries; most texts are so short that no network's way of counting could matter. A link may
    # count more than it has characters (23 on X), and each has at least one dot.
    bound = 2 * len(content) + 23 * content.count(".")
    suspects = [name for name in platforms if bound > PLATFORMS[name].text.limit]
    if not suspects:
        return
    from octopost_core.limits import count

    over = [(name, counted) for name in suspects if (counted := count(content, name)).used > counted.limit]
    if over:
        told = "; ".join(f"{PLATFORMS[name].name}: {c.used} of {c.limit} {c.unit}" for name, c in over)
        raise InvalidInput(
            f"The text is too long ({told}).",
            field="content",
            cure="Write less, or say when_too_long='shorten' or 'thread'.",
        )


def make_drafts(told: Mapping[str, Any], when_too_long: WhenTooLong, client: OctopostClient) -> list[PostDraft]:
    """
    Make the drafts of rendered arguments: one, or one per text where a post file has texts of its own for networks.

    :param told: The arguments named in :data:`CONTENT_FIELDS`, rendered.
    :param when_too_long: What to do with a text that does not fit.
    :param client: For looking up a preset; not called otherwise.
    :raises InvalidInput: Naming the argument that is wrong, what was found and what to write instead.
    """
    drafts = _from_file(told, client) if told["post_file"] else [_from_arguments(told, client)]
    return [_fitted(draft, when_too_long, told["link"]) for draft in drafts]


def _from_arguments(told: Mapping[str, Any], client: OctopostClient) -> PostDraft:
    from octopost_core.models import PostDraft

    platforms = _expand_preset(client, told["preset"]) if told["preset"] else as_list(told["platforms"])
    if not platforms:
        raise _no_network()
    given = {name: told[name] for name in _IN_THE_FILE if told[name]}
    when = read_moment(told["scheduled_for"], "scheduled_for")
    return PostDraft(content=str(told["content"]), platforms=platforms, scheduled_for=when, **given)


def _from_file(told: Mapping[str, Any], client: OctopostClient) -> list[PostDraft]:
    """The networks and the time that the DAG gives win over the file's."""
    from dataclasses import replace

    from octopost_core.postfile import load_post_file

    post = load_post_file(told["post_file"])
    if when := read_moment(told["scheduled_for"], "scheduled_for"):
        post = replace(post, scheduled_for=when)
    preset = told["preset"] or post.preset
    if told["platforms"]:
        post = replace(post, platforms=tuple(as_list(told["platforms"])))
    elif preset:
        post = replace(post, platforms=tuple(_expand_preset(client, preset)))
    return post.drafts()


def _fitted(draft: PostDraft, when_too_long: WhenTooLong, link: str | None) -> PostDraft:
    if when_too_long == "fail" or draft.segments:
        for text in (draft.content, *(segment.content for segment in draft.segments or [])):
            check_length(text, draft.platforms)
        return draft
    if when_too_long == "shorten":
        from octopost_core.text import fit

        return draft.model_copy(update={"content": fit(draft.content, draft.platforms, link=link)})
    from octopost_core.models import Segment
    from octopost_core.text import split

    first, *replies = split(draft.content, draft.platforms, link=link)
    segments = [Segment(content=text) for text in replies] or None
    return draft.model_copy(update={"content": first, "segments": segments})


def _expand_preset(client: OctopostClient, wanted: str) -> list[str]:
    """A preset's networks, by its id or name. How the API names a preset in a post is unknown, so it is expanded."""
    presets = list(client.list_presets())
    for preset in presets:
        if wanted in (preset.id, preset.name):
            return list(preset.platforms)
    known = ", ".join(f"{preset.name} ({preset.id})" for preset in presets) or "there are none"
    raise InvalidInput(f"There is no preset {wanted!r}.", field="preset", cure=f"Known presets: {known}.")
