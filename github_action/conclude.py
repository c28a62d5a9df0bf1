"""The end of every run, good or bad: annotations, log, outputs, summary, exit code."""

from __future__ import annotations

import traceback

from github_action.commands import Runner
from github_action.report import OUTPUTS, Report
from octopost_core import errors

#: Exit codes that fail-on: none turns into 0. What the user has to mend (2) fails always.
FORGIVABLE = frozenset({1, 3, 4, 5})


def conclude(runner: Runner, report: Report) -> int:
    """Tell how it ended, and return the exit code.

    :param runner: Where to tell it.
    :param report: What happened.
    """
    code = exit_code(report)
    forgiven = (report.fail_on == "none" and code in FORGIVABLE) or (report.fail_on == "all" and code == 3)
    table(runner, report)
    for warning in report.warnings:
        runner.annotate("warning", warning, "Octopost")
    report.errors = [in_terms_of_inputs(error) for error in report.errors]
    for error in report.errors:
        runner.annotate("warning" if forgiven else "error", str(error), title(error))
    if report.skipped:
        runner.annotate("notice", report.skipped.message, "Nothing announced")
    elif report.operation == "unchanged" and not report.errors:
        runner.annotate("notice", f"{unchanged(report)} Nothing was sent.", "Announced before")
    outputs = report.outputs()
    try:
        for name in OUTPUTS:
            runner.set_output(name, outputs[name])
    except OSError as error:
        runner.annotate("error", f"The outputs could not be written ({error.strerror}).", "No outputs")
    from github_action.summary import summary

    runner.write_summary(summary(report, failed=bool(code) and not forgiven))
    return 0 if forgiven else code


def exit_code(report: Report) -> int:
    """Return the project's exit code for what happened, before fail-on is applied.

    :param report: What happened.
    """
    codes = [error.exit_code for error in report.errors]
    reached = any(row.status in ("published", "scheduled", "draft", "publishing") for row in report.rows.values())
    for code in (4, 5):
        if code in codes:
            return code
    if codes and reached:
        return 3
    return max(codes, default=0)


def in_terms_of_inputs(error: errors.OctopostError) -> errors.OctopostError:
    """Return an error that calls a field of the core by the name of its input.

    :param error: Any error.
    """
    if not (isinstance(error, errors.InvalidInput) and error.field and error.field.islower() and "_" in error.field):
        return error
    name = error.field.replace("_", "-")
    return errors.InvalidInput(error.message.replace(error.field, name), field=name, cure=error.cure)


def title(error: errors.OctopostError) -> str:
    """Return an error's headline.

    :param error: The error.
    """
    for kind, words in (
        (errors.AuthenticationError, "Octopost refused the key"),
        (errors.PermissionDenied, "Octopost refused the key"),
        (errors.RateLimited, "Rate limited"),
        (errors.OutcomeUnknown, "Outcome unknown"),
        (errors.PartialFailure, "Live on some networks only"),
        (errors.PublishFailed, "Failed on every network"),
        (errors.InvalidInput, "Invalid input"),
        (errors.TransportError, "Octopost could not be reached"),
    ):
        if isinstance(error, kind):
            return words
    return "Octopost failed"


def unchanged(report: Report) -> str:
    """Say where it was announced before.

    :param report: What happened.
    """
    places = ", ".join(f"{row.network} ({row.url or row.status})" for row in report.rows.values())
    return f"It is out already: {places}."


def show(runner: Runner, report: Report) -> None:
    """Show in the log what is going to be sent.

    :param runner: The log.
    :param report: What is planned.
    """
    if report.release:
        sample = " (made up: this event has no release)" if report.release.sample else ""
        runner.say(f"Release {report.release.tag} of {report.release.repository}{sample}")
    for post in report.planned:
        counters = ", ".join(f"{name} {report.rows[name].used}" for name in post.networks)
        kind = f"a thread of {len(post.parts)} parts" if len(post.parts) > 1 else "one post"
        with runner.group(f"For {counters}: {kind}{', shortened' if post.shortened else ''}"):
            runner.quote("\n---\n".join(post.parts))


def table(runner: Runner, report: Report) -> None:
    """Show in the log how each network ended.

    :param runner: The log.
    :param report: What happened.
    """
    if not report.previewed:
        for row in report.rows.values():
            runner.say(f"{row.network:10} {row.status:10} {row.url or row.error}".rstrip())


def cancelled(report: Report) -> None:
    """Note that the job was cancelled, and what that means for the post.

    :param report: What happened so far.
    """
    if not report.sending:
        report.errors.append(errors.OctopostError("The job was cancelled before anything was sent."))
        return
    post_id = report.post_ids[-1] if report.post_ids else None
    unknown = errors.OutcomeUnknown(post_id, "the job was cancelled while it was being published.")
    _leave_open(report, unknown)


def crashed(error: Exception, runner: Runner, report: Report) -> None:
    """Note a mistake of ours.

    :param error: What was raised.
    :param runner: Where its traceback goes.
    :param report: What happened so far.
    """
    with runner.group("Details for a bug report"):
        runner.quote("".join(traceback.format_exception(error)))
    post_id = report.post_ids[-1] if report.post_ids else None
    cure = "Please report this, with the details in the log, at https://github.com/octopost/publish-action/issues."
    if report.sending:
        _leave_open(report, errors.OutcomeUnknown(post_id, f"the action failed unexpectedly ({error!r}).", cure=cure))
    else:
        report.errors.append(
            errors.OctopostError(f"The action failed unexpectedly ({error!r}); nothing was sent.", cure=cure)
        )


def _leave_open(report: Report, error: errors.OutcomeUnknown) -> None:
    report.errors.append(error)
    open_rows = tuple(row.network for row in report.rows.values() if row.status == "not-sent")
    report.fail(open_rows, unknown=True, error=error.message, post_id=error.post_id)
