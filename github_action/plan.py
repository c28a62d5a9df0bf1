"""What goes out where: each text fitted to its networks, as one post or as a thread."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from github_action.config import Config, MediaItem
from github_action.message import Message
from octopost_core.errors import InvalidInput
from octopost_core.limits import count, findings
from octopost_core.platforms import MAX_PARTS, PLATFORMS

if TYPE_CHECKING:
    from octopost_core.models import PostDraft

_VIDEO = re.compile(r"\.(mp4|mov|m4v|webm|avi|wmv|flv|3gp)([?#].*)?$", re.IGNORECASE)
_MARK = re.compile(r"^[ \t]*-{3,}[ \t]*$", re.MULTILINE)


@dataclass(frozen=True)
class Planned:
    """Hold one post as it will go out.

    :param networks: Where.
    :param parts: The post, and the replies of a thread.
    :param shortened: Whether some of the text had to be left out.
    """

    networks: tuple[str, ...]
    parts: tuple[str, ...]
    shortened: bool = False


@dataclass(frozen=True)
class Used:
    """Say how much of a network's limit a text takes; of a thread, its longest part.

    :param used: Counted as the network counts.
    :param limit: How much an ordinary account may write.
    :param exact: Whether the way of counting is known, not just an upper bound.
    """

    used: int
    limit: int
    exact: bool

    def __str__(self) -> str:
        return f"{'' if self.exact else '≤ '}{self.used:,} of {self.limit:,}"


def plan(config: Config, networks: Sequence[str], shared: Message | None, own: Mapping[str, Message]) -> list[Planned]:
    """Fit every text to its networks.

    :param config: Says how: ``thread`` and ``when_too_long``.
    :param networks: All networks, in the user's order.
    :param shared: The text of the networks without one of their own.
    :param own: Texts by network.
    :raises InvalidInput: Where a text is too long and that was to be an error.
    """
    planned = []
    rest = tuple(name for name in networks if name not in own)
    if rest and shared:
        planned += _arrange(config, rest, shared)
    for name in networks:
        if name in own:
            planned += _arrange(config, (name,), own[name])
    return planned


def measure(planned: Planned, network: str) -> Used:
    """Count a planned post on one of its networks.

    :param planned: The post.
    :param network: The network.
    """
    longest = max((count(part, network) for part in planned.parts), key=lambda verdict: verdict.used)
    return Used(longest.used, longest.limit, longest.exact)


def objections(planned: Planned, media: Sequence[MediaItem]) -> list[str]:
    """Return what the networks may object to, one sentence each.

    :param planned: The post.
    :param media: Its pictures and video.
    :raises InvalidInput: For the first thing that Octopost is documented to refuse.
    """
    videos = [item for item in media if _VIDEO.search(item.url)]
    warnings = []
    for name in planned.networks:
        for finding in findings(
            planned.parts[0],
            name,
            images=len(media) - len(videos),
            video=bool(videos),
            replies=len(planned.parts) - 1,
        ):
            if finding.level == "error":
                raise InvalidInput(
                    finding.message, field="platforms", cure=f"Mend the post, or remove {name} from platforms."
                )
            warnings.append(finding.message)
    return list(dict.fromkeys(warnings))


def draft(
    planned: Planned,
    *,
    media: Sequence[MediaItem],
    options: Mapping[str, Mapping[str, Any]],
    scheduled_for: datetime | None,
) -> PostDraft:
    """Return what the client publishes.

    :param planned: The post.
    :param media: Goes with the first part.
    :param options: Per network; those of other networks are left out.
    :param scheduled_for: When, or ``None`` for now.
    :raises InvalidInput: For what Octopost is known to refuse.
    """
    from octopost_core.models import Media, MediaImage, PostDraft, Segment

    videos = [item.url for item in media if _VIDEO.search(item.url)]
    images = [MediaImage(url=item.url, alt_text=item.alt_text) for item in media if not _VIDEO.search(item.url)]
    if len(videos) > 1:
        raise InvalidInput(f"media holds {len(videos)} videos; a post takes one.", field="media")
    return PostDraft(
        content=planned.parts[0],
        platforms=list(planned.networks),
        segments=[Segment(content=part) for part in planned.parts[1:]] or None,
        media=Media(images=images, video=videos[0] if videos else None) if media else None,
        platform_options={name: dict(options[name]) for name in planned.networks if name in options},
        scheduled_for=scheduled_for,
    )


def _arrange(config: Config, networks: tuple[str, ...], message: Message) -> list[Planned]:
    """Return one post for all the networks, or a thread for those that chain replies and a post for the others."""
    chaining, others = _by_threads(networks)
    marked = [part.strip() for part in _MARK.split(message.text) if part.strip()]
    if config.thread != "off" and len(marked) > 1:
        thread = [_marked_thread(config, chaining, marked, message.link)] if chaining else []
        return thread + ([_post(config, others, Message("\n\n".join(marked), message.link))] if others else [])
    if (config.thread == "auto" or config.when_too_long == "thread") and _too_long(message.whole, chaining):
        return [_thread(config, chaining, message)] + ([_post(config, others, message)] if others else [])
    return [_post(config, networks, message)]


def _by_threads(networks: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Only some networks are known to chain replies; elsewhere nobody knows what becomes of them."""
    chaining = tuple(name for name in networks if PLATFORMS[name].threads)
    return chaining, tuple(name for name in networks if name not in chaining)


def _post(config: Config, networks: tuple[str, ...], message: Message) -> Planned:
    too_long = _too_long(message.whole, networks)
    if not too_long:
        return Planned(networks, (message.whole,))
    if config.when_too_long == "fail":
        raise InvalidInput(
            f"content is too long: {'; '.join(too_long)}.",
            field="content",
            cure="Shorten it, or write when-too-long: shorten, or thread.",
        )
    from octopost_core.text import fit  # most texts fit as they are

    return Planned(networks, (fit(message.text, list(networks), link=message.link),), shortened=True)


def _thread(config: Config, networks: tuple[str, ...], message: Message) -> Planned:
    from octopost_core.text import fit, split

    parts = split(message.text, list(networks), link=message.link, max_parts=len(message.text) + 1)
    if len(parts) <= MAX_PARTS:
        return Planned(networks, tuple(parts))
    if config.when_too_long == "fail":
        raise InvalidInput(
            f"content makes a thread of {len(parts)} parts; {MAX_PARTS} are allowed.",
            field="content",
            cure="Shorten it, or write when-too-long: shorten.",
        )
    kept, rest = parts[: MAX_PARTS - 1], "\n\n".join(parts[MAX_PARTS - 1 :])
    missing = message.link if message.link and not any(message.link in part for part in kept) else None
    return Planned(networks, (*kept, fit(rest, list(networks), link=missing)), shortened=True)


def _marked_thread(config: Config, networks: tuple[str, ...], marked: list[str], link: str | None) -> Planned:
    parts: list[str] = []
    shortened = False
    for text in marked:
        held = link if link and link in text else None
        if not _too_long(text, networks):
            parts.append(text)
        elif config.when_too_long == "thread" or config.thread == "auto":
            from octopost_core.text import split

            parts += split(text, list(networks), link=held)
        else:
            post = _post(config, networks, Message(text, held))
            parts, shortened = [*parts, *post.parts], True
    if len(parts) > MAX_PARTS:
        raise InvalidInput(
            f"content makes a thread of {len(parts)} parts; {MAX_PARTS} are allowed.",
            field="content",
            cure="Remove some of its --- marks.",
        )
    return Planned(networks, tuple(parts), shortened)


def _too_long(text: str, networks: tuple[str, ...]) -> list[str]:
    """Return what is too long where, in words."""
    return [str(verdict) for name in networks if not (verdict := count(text, name)).fits]
