"""Which posts are the same announcement, and the fingerprint that two tries share."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from octopost_core import wire
from octopost_core.models import Post, PostDraft, normalise


def fingerprint(draft: PostDraft) -> str:
    """Return a hash of everything that goes out: text, networks, media, thread, options and time.

    :param draft: The draft.
    """
    parts = {
        "content": normalise(draft.content),
        "platforms": sorted(draft.platforms),
        "media": draft.media.model_dump() if draft.media else None,
        "segments": [{**s.model_dump(), "content": normalise(s.content)} for s in draft.segments or []],
        "options": draft.platform_options,
        "extra": draft.extra,
        "scheduled_for": wire.timestamp(draft.scheduled_for) if draft.scheduled_for else None,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True)
class Announcement:
    """Recognise the posts of one announcement among others.

    Networks play no part: they are judged one by one. Nor does the time: a draft has none until it is scheduled.

    :param draft: What is to be announced.
    :param key: A URL of its own (a release's page), by which it is known even when its text was edited since.
    """

    draft: PostDraft
    key: str | None = None
    _forms: set[str] = field(default_factory=set)

    def learn(self, post: Post) -> None:
        """Take the text of a post that surely is ours for one of its forms: the server may store it changed.

        :param post: A post that was made from the draft.
        """
        if post.content:
            self._forms.add(normalise(post.content))

    def matches(self, post: Post) -> bool:
        """Tell whether a post is this announcement.

        :param post: A post of the account.
        """
        return self.same_text(post) or self._names_key(post)

    def same_text(self, post: Post) -> bool:
        """Tell whether a post has this very text, thread and media.

        :param post: A post of the account.
        """
        return (
            normalise(post.content) in {self._content, *self._forms}
            and (post.segments is None or [normalise(text) for text in post.segments] == self._segments)
            and self._same_media(post)
        )

    @cached_property
    def _content(self) -> str:
        return normalise(self.draft.content)

    @cached_property
    def _segments(self) -> list[str]:
        return [normalise(segment.content) for segment in self.draft.segments or []]

    def _same_media(self, post: Post) -> bool:
        """Media differ only where both sides can be compared: the server may store copies under its own host."""
        if post.media is None:
            return True
        wanted = [image.url for image in self.draft.media.images] if self.draft.media else []
        found = [_url_of(image) for image in post.media.get("images") or []]
        if len(wanted) != len(found):
            return False
        return all(a == b or urlsplit(a).netloc != urlsplit(b).netloc for a, b in zip(wanted, found, strict=True))

    def _names_key(self, post: Post) -> bool:
        return self._key_pattern is not None and any(
            self._key_pattern.search(text) for text in (post.content, *(post.segments or []))
        )

    @cached_property
    def _key_pattern(self) -> re.Pattern[str] | None:
        if not self.key:
            return None
        # v1.0 must not be found in v1.0.1, v1.0-rc1 or v1.0/assets; a query or the end of a sentence may follow.
        return re.compile(rf"(?<![\w/]){re.escape(self.key.rstrip('/'))}(?!\w|[-./+%~@:]\w)")


def _url_of(image: Any) -> str:
    return str(image.get("url", "")) if isinstance(image, dict) else str(image)
