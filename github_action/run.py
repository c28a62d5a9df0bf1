"""The story: read the inputs, find the release, write the text, fit it, publish it once, tell what happened."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from types import FrameType
from typing import TYPE_CHECKING, Any

from github_action import conclude
from github_action.commands import Runner
from github_action.config import Config, InvalidInputs
from github_action.context import Context
from github_action.event import Release, Skip, resolve, sample
from github_action.report import Report
from github_action.steps import leave_note, published_by_another_step
from octopost_core.errors import InvalidInput, OctopostError

if TYPE_CHECKING:
    from github_action.compose import Composition
    from github_action.plan import Planned
    from octopost_core.client import OctopostClient
    from octopost_core.models import PostDraft

#: Seconds for all of it when nobody waits for the networks (wait-timeout: 0): creating and publishing take some, too.
SENDING = 300.0


class Cancelled(BaseException):
    """The runner told the container to stop."""


def main(environ: Mapping[str, str]) -> int:
    """Run the action once.

    :param environ: All it reads.
    :return: 0 done, 1 failed on every network, 2 invalid input or refused key, 3 partial, 4 outcome unknown,
        5 rate limited beyond the wait budget.
    """
    _on_stop(_stop)
    runner, report = Runner(environ), Report()
    if runner.debugging:
        _show_requests(runner)
    try:
        config = Config.from_environ(environ, runner.mask)
        report.fail_on = config.fail_on
        runner.check()
        report.errors += announce(config, Context.from_environ(environ), runner, report)
    except InvalidInputs as error:
        report.errors += error.problems
    except OctopostError as error:
        report.errors.append(error)
    except Cancelled:
        conclude.cancelled(report)
    except Exception as error:  # our own mistake: told with what a bug report needs
        conclude.crashed(error, runner, report)
    _on_stop(signal.SIG_IGN)  # what happened is told whole, even if the runner loses patience meanwhile
    return conclude.conclude(runner, report)


def announce(config: Config, context: Context, runner: Runner, report: Report) -> list[OctopostError]:
    """Announce what the event is about.

    :param config: The inputs.
    :param context: The run.
    :param runner: Told every step.
    :param report: Filled as things happen.
    :return: What went wrong while publishing.
    :raises OctopostError: What went wrong before.
    """
    subject = resolve(config, context, _look_up(config, context))
    if isinstance(subject, Skip):
        return report.skip(subject)
    written = _write(config, context, subject)
    if isinstance(written, Skip):
        return report.skip(written)
    report.release, composition = written
    if report.release and report.release.private:
        report.warn("The repository is private: people who follow the link cannot see the release.")
    client = None
    if not config.dry_run or composition.preset:
        client = _client(config)
    networks = composition.platforms or _preset(client, composition.preset, report)
    posts = _plan(config, context, composition, networks, report)
    conclude.show(runner, report)
    if config.dry_run or client is None:
        return []
    with client:
        return _publish(config, context, client, runner, report, posts)


def _write(config: Config, context: Context, release: Release | None) -> tuple[Release | None, Composition] | Skip:
    """Write the texts; without the release they need, preview a sample, or skip where an event often has none."""
    from github_action.compose import compose
    from github_action.message import NeedsRelease

    try:
        return release, compose(config, context, release)
    except NeedsRelease:
        if config.dry_run:
            release = sample(context)
            return release, compose(config, context, release)
        if context.event_name == "workflow_run":
            run = context.event.get("workflow_run") or {}
            return Skip("no-release", f"The workflow run was for {run.get('head_branch')}, which has no release.")
        raise


def _plan(
    config: Config, context: Context, composition: Composition, networks: tuple[str, ...], report: Report
) -> list[tuple[Planned, PostDraft]]:
    from github_action.plan import draft, measure, objections, plan

    now = datetime.now(UTC)
    if composition.schedule:
        report.scheduled_for = composition.schedule.resolve(now)
    planned = plan(config, networks, composition)
    report.previewed = config.dry_run
    report.plan(planned, {name: measure(post, name) for post in planned for name in post.networks})
    for post in planned:
        for objection in objections(post):
            report.warn(objection)
    return [(post, draft(post, composition, report.scheduled_for)) for post in planned]


def _publish(
    config: Config,
    context: Context,
    client: OctopostClient,
    runner: Runner,
    report: Report,
    posts: list[tuple[Planned, PostDraft]],
) -> list[OctopostError]:
    from github_action.github_api import GitHub
    from github_action.publisher import Publisher, look_back

    release, networks = report.release, list(report.rows)
    until = time.monotonic() + (config.wait_timeout or SENDING)
    publisher = Publisher(
        client=client,
        config=config,
        runner=runner,
        report=report,
        key=_key(config, context, release, networks),
        since=look_back(config, context, release, GitHub(context, config.github_token), datetime.now(UTC)),
        again=context.attempt > 1,
    )
    if config.on_duplicate == "fail":
        publisher.refuse_duplicates(posts)
    report.sending = True
    found = publisher.publish(posts, lambda: max(until - time.monotonic(), 1.0))
    if release and not found:
        leave_note(context, release.url, networks)
    return found


def _key(config: Config, context: Context, release: Release | None, networks: list[str]) -> str | None:
    """Return the URL by which the announcement is known in any wording; ``None`` where only its text tells."""
    if release is None or config.on_duplicate == "repost" or published_by_another_step(context, release.url, networks):
        return None
    return release.url


def _client(config: Config) -> OctopostClient:
    from octopost_core.client import OctopostClient

    try:
        return OctopostClient(config.api_key, config.base_url, max_wait=config.max_wait, user_agent="github-actions")
    except InvalidInput as error:
        name = (error.field or "").replace("_", "-")
        raise InvalidInput(f"{name}: {error.message}", field=name, cure=error.cure) from None


def _preset(client: OctopostClient | None, wanted: str, report: Report) -> tuple[str, ...]:
    """Return a preset's networks; how a post could name a preset is unknown, so they are sent themselves."""
    assert client is not None
    presets = list(client.list_presets())
    for preset in presets:
        if wanted.lower() in (preset.name.lower(), preset.id.lower()) and preset.platforms:
            if preset.cross_link_enabled:
                report.warn(
                    f"Preset {preset.name}: its networks are used; its cross-linking is not known to apply here."
                )
            return tuple(dict.fromkeys(preset.platforms))
    raise InvalidInput(
        f"preset is {wanted!r}, and this account has no preset of that name with networks.",
        field="preset",
        cure=f"It has {', '.join(repr(preset.name) for preset in presets) or 'none'}; platforms lists networks.",
    )


def _look_up(config: Config, context: Context) -> Any:
    def look_up(tag: str) -> Mapping[str, Any] | None:
        from github_action.github_api import GitHub

        return GitHub(context, config.github_token).release(tag)

    return look_up


def _show_requests(runner: Runner) -> None:
    """Print the core's log lines (method, path, status, request id; never a key) for a run with debug logging."""

    class Debug(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            runner.debug(record.getMessage())

    logger = logging.getLogger("octopost_core")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(Debug())


def _on_stop(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    """Set what a cancelled job does: the runner sends SIGINT, then SIGTERM, then kills."""
    with suppress(ValueError):  # only a main thread may
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, handler)


def _stop(number: int, frame: FrameType | None) -> None:
    raise Cancelled
