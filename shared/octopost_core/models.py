"""What goes out (strict) and what comes back (tolerant).

Drafts refuse unknown names before any request. Replies keep unknown fields, accept missing ones and unknown words:
only ``id`` is required (docs: overview shows a create reply with six fields; fields may be added within /v1).
"""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from octopost_core.errors import InvalidInput
from octopost_core.platforms import check_platform

DRAFT = "draft"
SCHEDULED = "scheduled"
PUBLISHING = "publishing"
PUBLISHED = "published"
FAILED = "failed"
#: Statuses that never change any more by themselves (documented: posts page).
TERMINAL = frozenset({PUBLISHED, FAILED})


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise _readable(error) from None


class MediaImage(_Strict):
    """Name a public image.

    :param url: Public https URL (documented: posts page); local files cannot be uploaded (unknown: no endpoint seen).
    :param alt_text: What the image shows, for people who cannot see it.
    """

    url: str
    alt_text: str | None = None

    @field_validator("url")
    @classmethod
    def _public(cls, url: str) -> str:
        return _public_url(url)


class Media(_Strict):
    """Collect the images or the one video of a post.

    :param images: Images in order.
    :param video: Public URL of a video.
    """

    images: list[MediaImage] = Field(default_factory=list)
    video: str | None = None

    @field_validator("video")
    @classmethod
    def _public(cls, url: str | None) -> str | None:
        return url if url is None else _public_url(url)


class Segment(_Strict):
    """Hold one reply of a thread.

    :param content: The reply's text.
    :param media: Its media, or ``None``.
    """

    content: str = Field(min_length=1)
    media: Media | None = None


class PostDraft(_Strict):
    """Describe a post before it exists.

    :param content: Text; for a thread the first post.
    :param platforms: Network ids, each once.
    :param scheduled_for: When it goes out, with a time zone; ``None`` publishes when told to.
    :param media: Images or a video.
    :param segments: The replies of a thread, in order.
    :param platform_options: Options per network, passed through (documented: TikTok and YouTube pages).
    :param extra: Further top-level body fields, passed through as they are; they may not replace a known one.
    :raises InvalidInput: Naming the first field that is wrong, what was found and what is expected.
    """

    content: str
    platforms: list[str] = Field(min_length=1)
    scheduled_for: datetime | None = None
    media: Media | None = None
    segments: list[Segment] | None = None
    platform_options: dict[str, dict[str, Any]] = Field(default_factory=dict)
    extra: dict[str, Any] = Field(default_factory=dict)

    @field_validator("content")
    @classmethod
    def _text(cls, content: str) -> str:
        if not content.strip():
            raise ValueError("is empty; write the text to publish")
        return content

    @field_validator("platforms")
    @classmethod
    def _known(cls, platforms: list[str]) -> list[str]:
        for platform in platforms:
            check_platform(platform)
        return list(dict.fromkeys(platforms))

    @field_validator("scheduled_for")
    @classmethod
    def _aware(cls, when: datetime | None) -> datetime | None:
        if when is None:
            return None
        if when.tzinfo is None:
            raise ValueError("has no time zone; write one, as in 2026-04-03T12:00:00+02:00 or ...Z")
        return when.astimezone(UTC).replace(microsecond=0)

    @field_validator("segments")
    @classmethod
    def _thread(cls, segments: list[Segment] | None) -> list[Segment] | None:
        if segments and len(segments) > MAX_SEGMENTS:
            raise ValueError(f"has {len(segments)} replies; a thread takes at most {MAX_SEGMENTS} after its first post")
        return segments or None

    @field_validator("extra")
    @classmethod
    def _not_ours(cls, extra: dict[str, Any]) -> dict[str, Any]:
        clash = sorted({*cls.model_fields, "thread"} & extra.keys())
        if clash:
            raise ValueError(f"repeats {', '.join(clash)}; set the field of that name instead")
        return extra

    def with_platforms(self, platforms: list[str]) -> PostDraft:
        """Return the same draft for other networks, options of the others left out.

        :param platforms: Network ids.
        """
        options = {name: value for name, value in self.platform_options.items() if name in platforms}
        return self.model_copy(update={"platforms": list(platforms), "platform_options": options})


#: Replies after the first post (documented: threading page, as the web app's limit).
MAX_SEGMENTS = 24


def check_schedule(when: datetime, now: datetime, *, margin: float = 60) -> None:
    """Refuse a time that is past or too near to be kept.

    :param when: The wanted time, aware.
    :param now: The present, aware.
    :param margin: Seconds that must lie between (inferred: the scheduler looks every 60 s).
    :raises InvalidInput: Saying both times.
    """
    if (when - now).total_seconds() < margin:
        raise InvalidInput(
            f"scheduled_for is {when:%Y-%m-%dT%H:%M:%SZ}, and it is {now:%Y-%m-%dT%H:%M:%SZ} now.",
            field="scheduled_for",
            cure=f"Choose a time at least {margin:.0f} seconds ahead, or leave it out to publish at once.",
        )


def normalise(text: str) -> str:
    """Return a text in the form in which two texts are compared (NFC, LF line ends, no outer space).

    :param text: Any text.
    """
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def _public_url(url: str) -> str:
    if not url.lower().startswith(("https://", "http://")):
        raise ValueError(f"is {url!r}; give a public http(s) URL, files of this machine cannot be uploaded")
    return url


def _readable(error: ValidationError) -> InvalidInput:
    first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"]) or "the post"
    if isinstance(cause := first.get("ctx", {}).get("error"), InvalidInput):
        # A part (an image, a reply) has told about its own field: give it its full name.
        if cause.field and cause.message.startswith(f"{cause.field} "):
            return InvalidInput(f"{name}.{cause.message}", field=f"{name}.{cause.field}", cure=cause.cure)
        return InvalidInput(cause.message, field=name, cure=cause.cure)
    if first["type"] == "extra_forbidden":
        return InvalidInput(f"{name} is not a field of a post.", field=name, cure="Put fields we do not know in extra.")
    if first["type"] == "missing":
        return InvalidInput(f"{name} is missing.", field=name)
    reason = first["msg"].removeprefix("Value error, ")
    sentence = (
        reason if reason.startswith(("is ", "has ", "repeats ")) else f"is not right: {reason[:1].lower()}{reason[1:]}"
    )
    return InvalidInput(f"{name} {sentence}.", field=name)


# --- what comes back -------------------------------------------------------------------------------------------------


def _time(value: Any) -> Any:
    """An odd time must not fail a whole post: read as absent."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    try:
        parsed = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _text(value: Any) -> Any:
    return value if isinstance(value, str) or value is None else str(value)


Time = Annotated[datetime | None, BeforeValidator(_time)]
Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else _text(value))]
OptionalText = Annotated[str | None, BeforeValidator(_text)]
Flag = Annotated[bool | None, BeforeValidator(lambda value: value if isinstance(value, bool) else None)]


class _Tolerant(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class PlatformResult(_Tolerant):
    """Hold one network's result.

    :param success: Whether it went out; ``None`` while nothing is said.
    :param post_id: The network's own id.
    :param post_url: Where it can be seen.
    :param error: Why it failed, in the network's words.
    :param error_code: A machine code, where the server gives one (unknown).
    """

    success: bool | None = None
    post_id: OptionalText = None
    post_url: OptionalText = None
    error: OptionalText = None
    error_code: OptionalText = None


class Post(_Tolerant):
    """Hold a post as the server tells it. ``status`` and network names are open words.

    :param id: Opaque.
    :param segments: The replies' texts; ``None`` where the server did not mention them.
    """

    id: str
    content: Text = ""
    platforms: list[str] = Field(default_factory=list)
    status: Text = ""
    scheduled_for: Time = None
    media: dict[str, Any] | None = None
    segments: list[str] | None = None
    platform_results: dict[str, PlatformResult] = Field(default_factory=dict)
    created_at: Time = None
    updated_at: Time = None
    published_at: Time = None

    @property
    def live(self) -> dict[str, str | None]:
        """Map each network that has the post to its URL."""
        return {name: result.post_url for name, result in self.platform_results.items() if result.success}

    @property
    def failed(self) -> dict[str, str]:
        """Map each network that refused the post to its error."""
        return {
            name: result.error or "no reason given"
            for name, result in self.platform_results.items()
            if result.success is False
        }

    @property
    def terminal(self) -> bool:
        """Whether publishing has ended."""
        return self.status in TERMINAL

    def to_dict(self) -> dict[str, Any]:
        """Return the post as plain JSON-able data, unknown fields included."""
        return self.model_dump(mode="json")


class Account(_Tolerant):
    """Hold a connected account (documented: accounts page)."""

    id: Text
    platform: Text = ""
    username: Text = ""
    display_name: Text = ""
    is_active: Flag = None
    platform_user_id: OptionalText = None
    avatar_url: OptionalText = None
    connected_at: Time = None
    last_used_at: Time = None


class Preset(_Tolerant):
    """Hold a saved choice of networks (documented: presets page)."""

    id: Text
    name: Text = ""
    platforms: list[str] = Field(default_factory=list)
    primary_platform: OptionalText = None
    cross_link_enabled: Flag = None
    cross_link_template: OptionalText = None
    is_default: Flag = None
    is_system: Flag = None
    created_at: Time = None
    updated_at: Time = None
