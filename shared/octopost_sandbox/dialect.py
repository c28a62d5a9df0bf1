"""Dialects: the ways Octopost may answer where its documentation is silent, each with a label of how sure we are.

``TABLE`` is the one place for these choices; the control API, ``--dialect``, OpenAPI and the docs read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Label = Literal["documented", "inferred", "guess"]


@dataclass(frozen=True)
class Choice:
    """One open question: its possible values (``float`` or ``int`` for a number), the default, and its source."""

    name: str
    values: tuple[str, ...] | type[int] | type[float]
    default: str | int | float
    label: Label
    about: str

    def parse(self, value: object) -> str | int | float:
        """Return the value in its own type; raise ValueError that names the choice when it is not one of them."""
        if isinstance(self.values, tuple):
            text = str(value)
            if text in self.values:
                return text
            raise ValueError(f"dialect {self.name}: {text!r} is not one of {', '.join(self.values)}")
        try:
            number = self.values(str(value))
        except ValueError:
            number = -1
        if number < 0 or number > 1_000_000:
            raise ValueError(f"dialect {self.name}: {str(value)!r} is not a number from 0 to 1000000")
        return number


TABLE: tuple[Choice, ...] = (
    Choice("publish", ("sync", "async", "empty"), "sync", "guess",
           "Answer of a publish: the final post with 200, 202 with status publishing, or 204 without a body."),
    Choice("publish_seconds", float, 0.0, "guess", "How long a post stays publishing (sync: the reply is held)."),
    Choice("publish_polls", int, 0, "guess", "How many GETs of the post still see publishing (not with sync)."),
    Choice("list_wrap", ("posts", "data", "items", "bare"), "posts", "inferred",
           "Envelope of GET /posts; accounts and presets are documented with a named key."),
    Choice("paging", ("cursor", "page", "offset", "none"), "cursor", "guess", "How GET /posts is cut into pages."),
    Choice("page_size", int, 20, "guess", "Posts per page unless the request says limit (at most 100)."),
    Choice("order", ("newest", "oldest"), "newest", "guess", "Order of GET /posts."),
    Choice("list_filters", ("honoured", "ignored"), "honoured", "guess", "Whether ?status= and ?platform= work."),
    Choice("list_lag_seconds", float, 0.0, "guess", "How long a new post is missing from lists."),
    Choice("wrap", ("bare", "post", "data"), "bare", "documented", "Envelope of a post; overview shows it bare."),
    Choice("create_reply", ("short", "full"), "short", "documented",
           "Fields of a create's reply: the six of the overview's example, or the whole object of the posts page."),
    Choice("create_status", ("201", "200"), "201", "inferred", "Status of a create."),
    Choice("put", ("merge", "replace"), "merge", "guess", "Whether PUT keeps or resets the fields that are not sent."),
    Choice("put_schedules", ("yes", "no", "refused"), "yes", "inferred",
           "Whether PUT with scheduled_for schedules a draft, ignores the field, or answers 422."),
    Choice("threads", ("segments", "thread"), "segments", "inferred",
           "Name of the thread's field. The posts page has segments, platform pages thread; the other one is ignored."),
    Choice("unknown_fields", ("ignore", "reject"), "ignore", "guess", "What happens to unknown fields of a request."),
    Choice("extra_fields", ("no", "yes"), "no", "documented",
           "Whether replies carry fields nobody knows yet; overview: fields may be added at any time."),
    Choice("echo_options", ("yes", "no"), "yes", "guess", "Whether platform_options come back on the post."),
    Choice("empty_results", ("null", "empty", "absent"), "null", "guess", "platform_results before publishing."),
    Choice("limit_violation", ("result", "error"), "result", "guess",
           "Content over a network's limit: a failed entry of platform_results, or the publish answers 422."),
    Choice("republish_failed", ("allowed", "conflict"), "allowed", "guess", "Publishing a wholly failed post."),
    Choice("delete", ("204", "200"), "204", "guess", "Status of a delete; 200 comes with the deleted post's id."),
    Choice("delete_reach", ("networks", "record"), "networks", "inferred",
           "Whether deleting a published post takes it off the networks too; Octopost's MCP tool does by default."),
    Choice("time_precision", ("seconds", "milliseconds", "microseconds"), "seconds", "documented",
           "Precision of times in replies; every example has whole seconds."),
    Choice("publish_headers", ("publish", "general"), "publish", "guess",
           "Which window the X-RateLimit headers of a publish describe."),
)  # fmt: skip
CHOICES = {choice.name: choice for choice in TABLE}


class Dialect:
    """The choices in force."""

    def __init__(self, values: dict[str, Any] | None = None) -> None:
        self._values: dict[str, str | int | float] = {choice.name: choice.default for choice in TABLE}
        self.update(values or {})

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def update(self, values: dict[str, Any]) -> None:
        """Change some choices, all or none; raise ValueError for an unknown name or value."""
        parsed = {}
        for name, value in values.items():
            if name not in CHOICES:
                raise ValueError(f"dialect {name!r} is unknown; known are: {', '.join(CHOICES)}")
            parsed[name] = CHOICES[name].parse(value)
        self._values.update(parsed)

    def as_dict(self) -> dict[str, str | int | float]:
        """Return every choice with its value."""
        return dict(self._values)
