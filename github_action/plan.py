"""What goes out where: each text fitted to its networks, as one post or as a thread."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NoReturn

from github_action.compose import Composition, Reply
from github_action.config import Config, MediaItem
from github_action.message import Message
from octopost_core.errors import InvalidInput
from octopost_core.limits import count, findings
from octopost_core.platforms import MAX_PARTS, PLATFORMS

if TYPE_CHECKING:
    from octopost_core.models import Media, PostDraft

_MARK = re.compile(r"^[ \t]*-{3,}[ \t]*$", re.MULTILINE)


@dataclass(frozen=True)
class Planned:
    """Hold one post as it will go out.

    :param networks: Where.
    :param parts: The post, and the replies of a thread.
    :param shortened: Whether some of the text had to be left out.
    :param media: Pictures and videos of each part; where there are fewer entries than parts, the others have none.
    """

    networks: tuple[str, ...]
    parts: tuple[str, ...]
    shortened: bool = False
    media: tuple[tuple[MediaItem, ...], ...] = ()


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


def plan(config: Config, networks: Sequence[str], composition: Composition) -> list[Planned]:
    """Fit every text to its networks.

    :param config: Says how: ``thread`` and ``when_too_long``.
    :param networks: All networks, in the user's order.
    :param composition: The texts.
    :raises InvalidInput: Where a text is too long and that was to be an error.
    """
    planned = []
    own, media = composition.own, tuple(composition.media)
    rest = tuple(name for name in networks if name not in own)
    if rest and composition.shared:
        planned += _arrange(config, rest, composition.shared, composition.replies, media)
    for name in networks:
        if name in own:
            planned += _arrange(config, (name,), own[name], (), media)
    return planned


def measure(planned: Planned, network: str) -> Used:
    """Count a planned post on one of its networks.

    :param planned: The post.
    :param network: The network.
    """
    longest = max((count(part, network) for part in planned.parts), key=lambda verdict: verdict.used)
    return Used(longest.used, longest.limit, longest.exact)


def objections(planned: Planned) -> list[str]:
    """Return what the networks may object to, one sentence each.

    :param planned: The post.
    :raises InvalidInput: For the first thing that Octopost is documented to refuse.
    """
    media = planned.media[0] if planned.media else ()
    videos = sum(item.video for item in media)
    warnings = [
        f"media: {item.url} has no alt text; write {item.url} | what it shows."
        for item in (item for items in planned.media for item in items)
        if not item.alt_text and not item.video
    ]
    for name in planned.networks:
        for finding in findings(
            planned.parts[0],
            name,
            images=len(media) - videos,
            video=bool(videos),
            replies=len(planned.parts) - 1,
        ):
            if finding.level == "error":
                raise InvalidInput(
                    finding.message, field="platforms", cure=f"Mend the post, or remove {name} from platforms."
                )
            warnings.append(finding.message)
    return list(dict.fromkeys(warnings))


def draft(planned: Planned, composition: Composition, scheduled_for: datetime | None) -> PostDraft:
    """Return what the client publishes.

    :param planned: The post.
    :param composition: Its options; those of other networks are left out.
    :param scheduled_for: When, or ``None`` for now.
    :raises InvalidInput: For what Octopost is known to refuse.
    """
    from octopost_core.models import PostDraft, Segment

    media = [_media(items) for items in planned.media] + [None] * (len(planned.parts) - len(planned.media))
    return PostDraft(
        content=planned.parts[0],
        platforms=list(planned.networks),
        segments=[Segment(content=part, media=held) for part, held in zip(planned.parts[1:], media[1:], strict=True)],
        media=media[0],
        platform_options={
            name: dict(options) for name, options in composition.options.items() if name in planned.networks
        },
        scheduled_for=scheduled_for,
        extra=dict(composition.extra),
    )


def _media(items: Sequence[MediaItem]) -> Media | None:
    from octopost_core.models import Media, MediaImage

    if not items:
        return None
    videos = [item.url for item in items if item.video]
    if len(videos) > 1:
        raise InvalidInput(f"media holds {len(videos)} videos; a post takes one.", field="media")
    images = [MediaImage(url=item.url, alt_text=item.alt_text) for item in items if not item.video]
    return Media(images=images, video=videos[0] if videos else None)


def _arrange(
    config: Config,
    networks: tuple[str, ...],
    message: Message,
    replies: Sequence[Reply],
    media: tuple[MediaItem, ...],
) -> list[Planned]:
    """Return one post for all the networks, or a thread for those that chain replies and a post for the others."""
    chaining, others = _by_threads(networks)
    first, *marked = [part.strip() for part in _MARK.split(message.text) if part.strip()] or [message.text]
    if replies or (config.thread != "off" and marked):
        # Marks are looked for where threads are wanted; replies of a post file are a thread by themselves.
        texts = [first, *marked] if config.thread != "off" else [message.text]
        parts = [Reply(texts[0], media), *map(Reply, texts[1:]), *replies]
        posts = [_chain(config, chaining, parts, message.link)] if chaining else []
        joined = Message("\n\n".join(part.text for part in parts), message.link)
        everything = tuple(item for part in parts for item in part.media)
        return posts + ([_post(config, others, joined, everything)] if others else [])
    if (config.thread == "auto" or config.when_too_long == "thread") and _too_long(message.whole, chaining):
        thread = _thread(config, chaining, message, media)
        return [thread] + ([_post(config, others, message, media)] if others else [])
    return [_post(config, networks, message, media)]


def _by_threads(networks: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Only some networks are known to chain replies; elsewhere nobody knows what becomes of them."""
    chaining = tuple(name for name in networks if PLATFORMS[name].threads)
    return chaining, tuple(name for name in networks if name not in chaining)


def _post(config: Config, networks: tuple[str, ...], message: Message, media: tuple[MediaItem, ...]) -> Planned:
    too_long = _too_long(message.whole, networks)
    if not too_long:
        return Planned(networks, (message.whole,), media=(media,))
    if config.when_too_long == "fail":
        raise InvalidInput(
            f"content is too long: {'; '.join(too_long)}.",
            field="content",
            cure="Shorten it, or write when-too-long: shorten, or thread.",
        )
    from octopost_core.text import fit  # most texts fit as they are

    text = fit(message.text, list(networks), link=message.link)
    return Planned(networks, (text,), shortened=True, media=(media,))


def _thread(config: Config, networks: tuple[str, ...], message: Message, media: tuple[MediaItem, ...]) -> Planned:
    from octopost_core.text import fit, split

    parts = split(message.text, list(networks), link=message.link, max_parts=len(message.text) + 1)
    if len(parts) <= MAX_PARTS:
        return Planned(networks, tuple(parts), media=(media,))
    if config.when_too_long == "fail":
        _refuse_parts(len(parts), "Shorten it, or write when-too-long: shorten.")
    kept, rest = parts[: MAX_PARTS - 1], "\n\n".join(parts[MAX_PARTS - 1 :])
    missing = message.link if message.link and not any(message.link in part for part in kept) else None
    last = fit(rest, list(networks), link=missing)
    return Planned(networks, (*kept, last), shortened=True, media=(media,))


def _chain(config: Config, networks: tuple[str, ...], parts: Sequence[Reply], link: str | None) -> Planned:
    """Return a thread of the author's own parts, each made to fit."""
    done: list[Reply] = []
    shortened = False
    # A link that no part holds goes below the first, which is the one that is shared.
    home = next((index for index, part in enumerate(parts) if link and link in part.text), 0)
    splitting = config.when_too_long == "thread" or config.thread == "auto"
    for index, part in enumerate(parts):
        message = Message(part.text, link if index == home else None)
        too_long = _too_long(message.whole, networks)
        made = (_thread if splitting and too_long else _post)(config, networks, message, part.media)
        shortened = shortened or made.shortened
        done += [Reply(made.parts[0], part.media), *map(Reply, made.parts[1:])]
    if len(done) > MAX_PARTS:
        _refuse_parts(len(done), "Remove some of them.")
    return Planned(networks, tuple(part.text for part in done), shortened, tuple(part.media for part in done))


def _refuse_parts(number: int, cure: str) -> NoReturn:
    raise InvalidInput(
        f"content makes a thread of {number} parts; {MAX_PARTS} are allowed.", field="content", cure=cure
    )


def _too_long(text: str, networks: tuple[str, ...]) -> list[str]:
    """Return what is too long where, in words."""
    return [str(verdict) for name in networks if not (verdict := count(text, name)).fits]
