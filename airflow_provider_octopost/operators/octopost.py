"""Create, publish, announce, update and delete posts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_octopost.operators.base import OctopostOperator, PublishingOperator, merge, with_retry_policy
from airflow_provider_octopost.utils.attempt import Attempt, read_moment
from airflow_provider_octopost.utils.content import (
    CONTENT_FIELDS,
    as_list,
    check_at_parse_time,
    known_at_parse_time,
    make_drafts,
)
from airflow_provider_octopost.utils.failures import told_to_airflow
from octopost_core.errors import InvalidInput, NotFound, RateLimited
from octopost_core.platforms import check_platforms

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_octopost.utils.content import WhenTooLong

_JSON_RENDERERS = {"media": "json", "segments": "json", "platform_options": "json", "extra": "json"}
#: What can be changed or deleted without touching anything live.
_NOT_LIVE = frozenset({"draft", "scheduled", "failed"})


class _ContentOperator(PublishingOperator):
    """
    Base of the operators that make a post: its content, and the identity of the announcement.

    :param content: Text of the post; for a thread of its first part (templated; a name that ends in ``.j2`` or
        ``.jinja`` is read as a template file).
    :param platforms: Network ids, a list or a string with commas (templated).
    :param post_file: Path of a post written as YAML, in place of ``content`` (templated); the other arguments given
        here win over it.
    :param preset: Id or name of a preset, in place of ``platforms`` (templated).
    :param scheduled_for: When it goes out: an aware datetime, or ISO 8601 with an offset (templated).
    :param media: ``{"images": [{"url": ..., "alt_text": ...}], "video": url}``, public URLs (templated).
    :param segments: The replies of a thread, ``[{"content": ...}, ...]`` (templated).
    :param platform_options: Options per network, passed on as they are (templated).
    :param extra: Further fields of the request, passed on as they are (templated).
    :param link: The link that stays whole where the text is shortened or split (templated).
    :param when_too_long: What to do with a text over a network's limit: ``fail``, ``shorten`` or ``thread``.
    :param retry_failed: Whether a further try publishes a new post for the networks on which the first one failed.
    :param republish_after: Optional. A moment; posts made before it do not count as this task's (templated). The way
        to post again on purpose when a task is cleared: set it to the present, from a Variable for instance. Without
        it a cleared task returns the post it has already made.
    """

    template_fields: Sequence[str] = ("octopost_conn_id", *CONTENT_FIELDS, "republish_after")
    template_fields_renderers = _JSON_RENDERERS
    template_ext: Sequence[str] = (".j2", ".jinja")
    _publish = True

    def __init__(
        self,
        *,
        content: str | None = None,
        platforms: list[str] | str | None = None,
        post_file: str | None = None,
        preset: str | None = None,
        scheduled_for: datetime | str | None = None,
        media: dict[str, Any] | None = None,
        segments: list[dict[str, Any]] | None = None,
        platform_options: dict[str, Any] | None = None,
        extra: dict[str, Any] | None = None,
        link: str | None = None,
        when_too_long: WhenTooLong = "fail",
        retry_failed: bool = False,
        republish_after: datetime | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**with_retry_policy(kwargs, retry_failed=retry_failed))
        self.content = content
        self.platforms = platforms
        self.post_file = post_file
        self.preset = preset
        self.scheduled_for = scheduled_for
        self.media = media
        self.segments = segments
        self.platform_options = platform_options
        self.extra = extra
        self.link = link
        self.when_too_long = when_too_long
        self.retry_failed = retry_failed
        self.republish_after = republish_after
        check_at_parse_time(self._told(), when_too_long)
        if known_at_parse_time(republish_after):
            read_moment(republish_after, "republish_after")

    def _told(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in CONTENT_FIELDS}

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Make the post, or find what an earlier try has made of it.

        :param context: The task's context.
        """
        return self._run(context)

    def execute_after_limit(
        self, context: Context, event: Any = None, *, since: str, give_up_at: float, **_: Any
    ) -> dict[str, Any]:
        """
        Go on where the rate limit stopped the task.

        :param context: The task's context.
        :param event: What the time trigger says; nothing of interest.
        :param since: When the first part of this try began.
        :param give_up_at: When to stop waiting for limits, in seconds since the epoch.
        """
        return self._run(context, since=read_moment(since, "since"), give_up_at=give_up_at)

    def _run(
        self, context: Context, *, since: datetime | None = None, give_up_at: float | None = None
    ) -> dict[str, Any]:
        from octopost_core import publish_once

        with told_to_airflow(retry_failed=self.retry_failed):
            republish_after = read_moment(self.republish_after, "republish_after")
            attempt = Attempt.of(context, republish_after=republish_after)
            with self.hook.get_conn() as client:
                drafts = make_drafts(self._told(), self.when_too_long, client)
                callbacks = self._callbacks(context)
                try:
                    outcomes = [
                        publish_once(
                            client,
                            draft,
                            identity=part.identity,
                            since=since or part.since,
                            second_try=part.second_try or since is not None,
                            ledger=part.ledger,
                            publish=self._publish,
                            retry_failed=self.retry_failed,
                            wait=self.wait_for_completion is not False and not self.deferrable,
                            deadline=self.timeout,
                            on_partial_failure="ignore",
                            **callbacks,  # type: ignore[arg-type]
                        )
                        for draft, part in zip(drafts, attempt.parts(len(drafts)), strict=True)
                    ]
                except RateLimited as error:
                    self._defer_until_limit_resets(context, error, since or attempt.since, give_up_at)
                    raise
            outcome = merge(outcomes)
            if outcome.operation == "unchanged":
                self._tell_nothing_was_sent(outcome.post.id)
            outcome.raise_for(self.on_partial_failure)  # type: ignore[arg-type]
            return self._conclude(context, outcome)

    def _tell_nothing_was_sent(self, post_id: str) -> None:
        self.log.warning(
            "Nothing was sent: post %s is the same announcement, made by an earlier try or minutes ago. To post it "
            "again on purpose, start a new run of the DAG; or give this task republish_after, a moment after that "
            "post was made (a template may read it from a Variable), and clear the task.",
            post_id,
        )


class OctopostAnnounceOperator(_ContentOperator):
    """
    Create a post and publish it, or schedule it, exactly once, however often Airflow tries.

    .. seealso:: The other arguments are those of :class:`OctopostCreatePostOperator` and
        :class:`OctopostPublishOperator`.
    """


class OctopostCreatePostOperator(_ContentOperator):
    """
    Create a draft that another task publishes; with ``scheduled_for``, a scheduled post.

    A draft is harmless: it goes out only when somebody publishes it.
    """

    _publish = False


class OctopostPublishOperator(PublishingOperator):
    """
    Publish a post that exists, once; a post that is live already is returned as it is.

    :param post_id: The post (templated).
    """

    template_fields: Sequence[str] = ("octopost_conn_id", "post_id")

    def __init__(self, *, post_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.post_id = post_id
        _check_post_id(post_id)

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Publish the post.

        :param context: The task's context.
        """
        return self._run(context)

    def execute_after_limit(
        self, context: Context, event: Any = None, *, since: str, give_up_at: float, **_: Any
    ) -> dict[str, Any]:
        """
        Go on where the rate limit stopped the task.

        :param context: The task's context.
        :param event: What the time trigger says; nothing of interest.
        :param since: Not needed here: the post is known.
        :param give_up_at: When to stop waiting for limits, in seconds since the epoch.
        """
        return self._run(context, give_up_at=give_up_at)

    def _run(self, context: Context, *, give_up_at: float | None = None) -> dict[str, Any]:
        from datetime import UTC, datetime

        from octopost_core import publish_existing

        with told_to_airflow():
            post_id = _rendered_post_id(self.post_id)
            callbacks = self._callbacks(context)
            callbacks["on_post_id"](post_id)
            with self.hook.get_conn() as client:
                try:
                    outcome = publish_existing(
                        client,
                        post_id,
                        wait=self.wait_for_completion is not False and not self.deferrable,
                        deadline=self.timeout,
                        on_partial_failure=self.on_partial_failure,  # type: ignore[arg-type]
                        on_event=callbacks["on_event"],
                    )
                except RateLimited as error:
                    self._defer_until_limit_resets(context, error, datetime.now(UTC), give_up_at)
                    raise
            if outcome.operation == "unchanged" and outcome.live:
                self.log.warning("Nothing was sent: post %s was live already.", post_id)
            return self._conclude(context, outcome)


class OctopostUpdatePostOperator(OctopostOperator):
    """
    Change a post that is not live.

    :param post_id: The post (templated).
    :param content: New text (templated).
    :param platforms: New networks (templated).
    :param scheduled_for: New time: an aware datetime, or ISO 8601 with an offset (templated).
    :param unschedule: Take the time away, so that the post becomes a draft.
    :param media: New media (templated).
    :param segments: New replies (templated).
    :param platform_options: New options per network (templated).
    :param allow_live: Try even where the post is live; documented is that Octopost then refuses.
    """

    template_fields: Sequence[str] = (
        "octopost_conn_id",
        "post_id",
        "content",
        "platforms",
        "scheduled_for",
        "media",
        "segments",
        "platform_options",
    )
    template_fields_renderers = _JSON_RENDERERS
    template_ext: Sequence[str] = (".j2", ".jinja")

    def __init__(
        self,
        *,
        post_id: str,
        content: str | None = None,
        platforms: list[str] | str | None = None,
        scheduled_for: datetime | str | None = None,
        unschedule: bool = False,
        media: dict[str, Any] | None = None,
        segments: list[dict[str, Any]] | None = None,
        platform_options: dict[str, Any] | None = None,
        allow_live: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.post_id = post_id
        self.content = content
        self.platforms = platforms
        self.scheduled_for = scheduled_for
        self.unschedule = unschedule
        self.media = media
        self.segments = segments
        self.platform_options = platform_options
        self.allow_live = allow_live
        _check_post_id(post_id)
        if unschedule and scheduled_for is not None:
            raise InvalidInput(
                "scheduled_for and unschedule are both given.", field="unschedule", cure="Give one of them."
            )
        if not unschedule and all(getattr(self, name) is None for name in self.template_fields[2:]):
            raise InvalidInput("There is nothing to change.", field="content", cure="Give a new value of some field.")
        if platforms is not None and known_at_parse_time(platforms):
            check_platforms(as_list(platforms))
        if known_at_parse_time(scheduled_for):
            read_moment(scheduled_for, "scheduled_for")

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Change the post.

        :param context: The task's context.
        """
        with told_to_airflow(), self.hook.get_conn() as client:
            post_id = _rendered_post_id(self.post_id)
            changes: dict[str, Any] = {
                name: value
                for name in ("content", "media", "segments", "platform_options")
                if (value := getattr(self, name)) is not None
            }
            if self.platforms is not None:
                changes["platforms"] = check_platforms(as_list(self.platforms))
            if self.unschedule:
                changes["scheduled_for"] = None
            elif (moment := read_moment(self.scheduled_for, "scheduled_for")) is not None:
                changes["scheduled_for"] = moment
            _refuse_live(client.get_post(post_id), "changed", allow_live=self.allow_live)
            post = client.update_post(post_id, **changes)
            self.log.info("Changed %s of post %s; it is %s.", ", ".join(changes), post.id, post.status)
            return post.to_dict()


class OctopostDeletePostOperator(OctopostOperator):
    """
    Delete a post that is not live. One that no longer exists counts as deleted.

    :param post_id: The post (templated).
    :param allow_live: Delete even a post that is live; whether Octopost then removes it from the networks too is not
        documented.
    """

    template_fields: Sequence[str] = ("octopost_conn_id", "post_id")

    def __init__(self, *, post_id: str, allow_live: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.post_id = post_id
        self.allow_live = allow_live
        _check_post_id(post_id)

    def execute(self, context: Context) -> None:
        """
        Delete the post.

        :param context: The task's context.
        """
        with told_to_airflow(), self.hook.get_conn() as client:
            post_id = _rendered_post_id(self.post_id)
            try:
                _refuse_live(client.get_post(post_id), "deleted", allow_live=self.allow_live)
                client.delete_post(post_id)
            except NotFound:
                self.log.info("Post %s does not exist (any more).", post_id)
            else:
                self.log.info("Deleted post %s.", post_id)


def _check_post_id(post_id: Any) -> None:
    if post_id is None or (isinstance(post_id, str) and not post_id.strip()):
        raise InvalidInput("post_id is empty.", field="post_id", cure="Give the id that create returned.")


def _rendered_post_id(post_id: Any) -> str:
    """A template that found nothing renders as ``None`` or as an empty text."""
    text = str(post_id).strip()
    if text in ("", "None"):
        raise InvalidInput(
            f"post_id was rendered as {post_id!r}.",
            field="post_id",
            cure="Check the template: the task that makes the post pushes its id to XCom under post_id.",
        )
    return text


def _refuse_live(post: Any, verb: str, *, allow_live: bool) -> None:
    if post.status in _NOT_LIVE or allow_live:
        return
    live = f" on {', '.join(post.live)}" if post.live else ""
    raise InvalidInput(
        f"Post {post.id} is {post.status}{live}; it was not {verb}.",
        field="allow_live",
        cure="Say allow_live=True to try all the same.",
    )
