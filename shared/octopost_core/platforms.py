"""The networks Octopost publishes to, as one table: limits, media rules, threads, and where each fact comes from.

Every rule carries a label, because the documentation was only partly readable:

* ``documented``: read on that page of Octopost's documentation.
* ``inferred``: reasoned from documented facts.
* ``network knowledge``: the network's own public rule; Octopost may treat it differently.
* ``unknown``: nothing found, nothing is checked.

A text over ``limit`` may still be accepted (paid accounts, generous servers): only what lies over ``refused_above``,
and the rules marked ``refused``, are known to be turned down by Octopost itself.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal, NamedTuple

from octopost_core.errors import InvalidInput

Label = Literal["documented", "inferred", "network knowledge", "unknown"]
#: What one step of a counter means. ``weighted``: X's rule (URL 23, emoji 2, most scripts outside Latin 2);
#: ``graphemes``: what a reader sees as one character; ``characters``: graphemes with a URL as 23 and
#: ``@user@host`` as ``@user`` (Mastodon); ``emoji bytes``: characters, an emoji as its UTF-8 bytes (Threads);
#: ``utf16``: UTF-16 units, never fewer than characters; ``bytes``: UTF-8.
Unit = Literal["weighted", "graphemes", "characters", "emoji bytes", "utf16", "bytes"]
Video = Literal["no", "optional", "required", "unknown"]

MAX_REPLIES = 24  #: replies of a thread besides the first post (documented: threading page, for the web app)
MAX_PARTS = MAX_REPLIES + 1


# Named tuples, for every DAG file pays for these classes when it is parsed: a frozen dataclass takes ten times as long.
class Source(NamedTuple):
    """Say how sure a fact is.

    :param label: How it is known.
    :param where: The page, or the reason.
    """

    label: Label
    where: str = ""

    def __str__(self) -> str:
        return f"{self.label}: {self.where}" if self.where else self.label


class TextRule(NamedTuple):
    """Limit the text of one post.

    :param limit: How much an ordinary account may write, in ``unit``.
    :param unit: How the network counts.
    :param refused_above: Beyond this Octopost or every account of the network refuses; ``None`` when not known.
    :param exact: Whether the way of counting is known, not just an upper bound.
    :param source: Where the limit comes from.
    :param unit_source: Where the way of counting comes from.
    :param max_bytes: A second limit in UTF-8 bytes, or ``None``.
    :param link_weight: What any link counts, or ``None`` when it counts in full.
    """

    limit: int
    unit: Unit
    source: Source
    unit_source: Source
    refused_above: int | None = None
    exact: bool = True
    max_bytes: int | None = None
    link_weight: int | None = None


class MediaRule(NamedTuple):
    """Limit the media of one post; ``None`` always means: not known, not checked.

    :param source: Where these facts come from.
    :param max_images: Images per post.
    :param image_formats: Accepted formats, lower case.
    :param max_image_bytes: Size of one image.
    :param video: Whether a video may or must be there.
    :param video_formats: Accepted containers, lower case.
    :param max_video_bytes: Size of the video.
    :param required: A post without media is refused by Octopost.
    :param exclusive: Images and a video in one post are refused by Octopost.
    """

    source: Source
    max_images: int | None = None
    image_formats: tuple[str, ...] = ()
    max_image_bytes: int | None = None
    video: Video = "unknown"
    video_formats: tuple[str, ...] = ()
    max_video_bytes: int | None = None
    required: bool = False
    exclusive: bool = False


class Platform(NamedTuple):
    """Describe one network.

    :param id: Octopost's name for it (documented: posts page).
    :param name: Its own name.
    :param text: Text rule.
    :param media: Media rule.
    :param threads: Whether replies are chained; ``None`` when not known.
    :param threads_source: Where that comes from.
    :param max_hashtags: More draw a warning, or ``None``.
    :param max_title: Length to which the first line is cut to make a title, or ``None``.
    :param notes: What else a writer should know.
    """

    id: str
    name: str
    text: TextRule
    media: MediaRule
    threads: bool | None
    threads_source: Source
    max_hashtags: int | None = None
    max_title: int | None = None
    notes: tuple[str, ...] = ()


MB = 1024 * 1024
GB = 1024 * MB


def _documented(page: str) -> Source:
    return Source("documented", page)


def _network(reason: str) -> Source:
    return Source("network knowledge", reason)


_UNKNOWN = Source("unknown")
_UTF16_BOUND = Source("inferred", "the way of counting is not documented; UTF-16 units are never too few")

_ALL = (
    Platform(
        "twitter",
        "X",
        TextRule(
            280,
            "weighted",
            _documented("platforms/twitter"),
            _network("twitter-text v3; that any URL counts 23 is documented: platforms/twitter"),
            refused_above=25_000,
            link_weight=23,
        ),
        MediaRule(
            _documented("platforms/twitter"),
            max_images=4,
            image_formats=("jpeg", "png", "gif", "webp"),
            max_image_bytes=5 * MB,
            video="optional",
            video_formats=("mp4",),
            max_video_bytes=512 * MB,
            exclusive=True,
        ),
        threads=True,
        threads_source=_documented("threading, platforms/twitter"),
        notes=("280 for ordinary accounts, 25,000 on X Premium; Octopost passes a longer text on and X decides",),
    ),
    Platform(
        "bluesky",
        "Bluesky",
        TextRule(
            300,
            "graphemes",
            _documented("platforms/bluesky"),
            _documented("platforms/bluesky; the 3,000 bytes are network knowledge (app.bsky.feed.post)"),
            refused_above=300,
            max_bytes=3000,
        ),
        MediaRule(
            _documented("platforms/bluesky"),
            max_images=4,
            image_formats=("jpeg", "png"),
            max_image_bytes=1 * MB,
            video="no",
        ),
        threads=True,
        threads_source=_documented("threading, platforms/bluesky"),
    ),
    Platform(
        "mastodon",
        "Mastodon",
        TextRule(
            500,
            "characters",
            _documented("platforms/mastodon"),
            _network("Mastodon's server: URL 23, @user@host as @user, graphemes"),
            link_weight=23,
        ),
        MediaRule(
            _documented("platforms/mastodon"),
            max_images=4,
            image_formats=("jpeg", "png", "gif", "webp"),
            video="optional",
        ),
        threads=True,
        threads_source=_documented("platforms/mastodon"),
        notes=("each server sets its own limit, usually 500; Octopost reads it from the account's server",),
    ),
    Platform(
        "linkedin",
        "LinkedIn",
        TextRule(3000, "utf16", _documented("platforms/linkedin"), _UTF16_BOUND, refused_above=3000, exact=False),
        MediaRule(
            _documented("platforms/linkedin"),
            max_images=4,
            image_formats=("jpeg", "png", "gif"),
            video="no",
        ),
        threads=False,
        threads_source=_documented("platforms/linkedin"),
        notes=("threads are not supported; what happens to the replies is unknown",),
    ),
    Platform(
        "threads",
        "Threads",
        TextRule(
            500,
            "emoji bytes",
            _documented("platforms/threads"),
            _network("Meta counts an emoji as its UTF-8 bytes; that links count in full is documented"),
            exact=False,
        ),
        MediaRule(
            _documented("platforms/threads"),
            max_images=10,
            image_formats=("jpeg", "png"),
            video="optional",
            video_formats=("mp4", "mov"),
        ),
        threads=True,
        threads_source=_documented("platforms/threads"),
    ),
    Platform(
        "instagram",
        "Instagram",
        TextRule(2200, "utf16", _documented("platforms/instagram"), _UTF16_BOUND, exact=False),
        MediaRule(
            _documented("platforms/instagram"),
            max_images=10,
            image_formats=("jpeg", "png"),
            video="optional",
            video_formats=("mp4", "mov"),
            required=True,
        ),
        threads=None,
        threads_source=_UNKNOWN,
        max_hashtags=30,
        notes=("links in a caption cannot be clicked",),
    ),
    Platform(
        "facebook",
        "Facebook",
        TextRule(63_206, "utf16", _documented("platforms/facebook"), _UTF16_BOUND, exact=False),
        MediaRule(
            _documented("platforms/facebook"),
            max_images=10,
            image_formats=("jpeg", "png", "gif", "bmp", "tiff"),
            max_image_bytes=10 * MB,
            video="optional",
            video_formats=("mp4", "mov", "avi", "wmv", "flv"),
            max_video_bytes=10 * GB,
        ),
        threads=None,
        threads_source=_UNKNOWN,
    ),
    Platform(
        "tiktok",
        "TikTok",
        TextRule(2200, "utf16", _documented("platforms/tiktok"), _network("TikTok counts UTF-16 units")),
        MediaRule(
            _documented("platforms/tiktok"),
            max_images=0,
            video="required",
            video_formats=("mp4", "webm"),
            max_video_bytes=4 * GB,
            required=True,
        ),
        threads=None,
        threads_source=_UNKNOWN,
    ),
    Platform(
        "youtube",
        "YouTube",
        TextRule(5000, "utf16", _documented("platforms/youtube"), _UTF16_BOUND, exact=False, max_bytes=5000),
        MediaRule(
            _documented("platforms/youtube"),
            max_images=0,
            video="required",
            video_formats=("mp4", "mov", "avi", "wmv", "flv", "webm", "3gp"),
            max_video_bytes=256 * GB,
            required=True,
        ),
        threads=None,
        threads_source=_UNKNOWN,
        max_title=100,
        notes=("the first line becomes the title unless platform_options sets one; the rest is the description",),
    ),
    Platform(
        "discord",
        "Discord",
        TextRule(2000, "utf16", _network("a message"), _UTF16_BOUND, exact=False),
        MediaRule(_UNKNOWN),
        threads=None,
        threads_source=_UNKNOWN,
    ),
    Platform(
        "slack",
        "Slack",
        TextRule(4000, "utf16", _network("advised for a message; Slack cuts at 40,000"), _UTF16_BOUND, exact=False),
        MediaRule(_UNKNOWN),
        threads=None,
        threads_source=_UNKNOWN,
    ),
    Platform(
        "telegram",
        "Telegram",
        TextRule(4096, "utf16", _network("a message; 1,024 as a caption"), _UTF16_BOUND, exact=False),
        MediaRule(_UNKNOWN),
        threads=None,
        threads_source=_UNKNOWN,
        notes=("with media the text is a caption and Telegram allows 1,024",),
    ),
)

#: Every network by its id, in the order of the documentation (documented: posts page, newer generation).
PLATFORMS: MappingProxyType[str, Platform] = MappingProxyType({platform.id: platform for platform in _ALL})

_OTHER_NAMES = {
    "x": "twitter",
    "x.com": "twitter",
    "tweet": "twitter",
    "bsky": "bluesky",
    "atproto": "bluesky",
    "fediverse": "mastodon",
    "masto": "mastodon",
    "li": "linkedin",
    "ig": "instagram",
    "insta": "instagram",
    "fb": "facebook",
    "meta": "facebook",
    "yt": "youtube",
    "tg": "telegram",
}


def check_platform(platform: str) -> str:
    """Return the id when Octopost knows the network.

    :param platform: A network id as a user wrote it.
    :raises InvalidInput: With the nearest id, or with all of them.
    """
    if platform in PLATFORMS:
        return platform
    hint = _nearest(platform)
    cure = f"Did you mean {hint}?" if hint else f"Known networks: {', '.join(PLATFORMS)}."
    raise InvalidInput(f"{_shown(platform)} is not a network Octopost knows.", field="platforms", cure=cure)


def check_platforms(platforms: str | list[str] | tuple[str, ...]) -> list[str]:
    """Return the ids, each once, in the order given.

    :param platforms: One id or several.
    :raises InvalidInput: When one is unknown or none is named.
    """
    named = [platforms] if isinstance(platforms, str) else list(platforms)
    if not named:
        raise InvalidInput("No network is named.", field="platforms", cure="Name at least one, for example bluesky.")
    return list(dict.fromkeys(check_platform(platform) for platform in named))


def _nearest(platform: object) -> str | None:
    from difflib import get_close_matches

    name = str(platform).strip().lower()[:40]
    if name in PLATFORMS:
        return name
    if name in _OTHER_NAMES:
        return _OTHER_NAMES[name]
    near = get_close_matches(name, PLATFORMS, n=1, cutoff=0.6)
    return near[0] if near else None


def _shown(platform: object) -> str:
    text = str(platform)
    return repr(text if len(text) <= 40 else text[:39] + "…")
