"""The job summary: Markdown for GitHub, in which nothing written by others can be markup."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from github_action.commands import printable
from github_action.report import Report, Row
from octopost_core.errors import PublicationError
from octopost_core.platforms import PLATFORMS

if TYPE_CHECKING:
    from github_action.plan import Planned

#: Characters that are shown of one text, and of all together; the rest is counted.
SHOWN, SHOWN_OF_ALL = 4_000, 80_000

_STATUS = {
    "published": "✅ live",
    "scheduled": "🕓 scheduled",
    "publishing": "⏳ on its way",
    "draft": "📝 draft",
    "failed": "❌ failed",
    "not-sent": "⏸️ not sent",
    "unknown": "❓ not known",
    "previewed": "👁️ preview",
}
#: What Markdown may take for markup anywhere in a line (underscores inside words are not), or at its start.
_MARKUP = re.compile(
    r"[\\`*\[\]#|~@$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:(?=[\w+-]+:)|^[-+=]|(?<=^\d)[.)]|(?<=^\d\d)[.)]"
)
_URL = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]]")

_RETRY = """Mend the cause, then announce it once more with `retry-failed: true`: only the failed networks are tried.
Running it again without that is safe and sends nothing. With this line in the workflow, **Re-run failed jobs** retries:

```yaml
retry-failed: ${{ github.run_attempt > 1 }}
```
"""


def summary(report: Report, *, failed: bool) -> str:
    """Return the summary of a run.

    :param report: What happened.
    :param failed: Whether the step fails.
    """
    blocks = [f"## {headline(report, failed=failed)}"]
    if report.skipped:
        blocks.append(inert(report.skipped.message))
    if report.rows:
        blocks.append(_table(report))
    told_by_table = [error for error in report.errors if isinstance(error, PublicationError)]
    blocks += [
        f"<strong>{inert(error.message)}</strong> {inert(error.cure)}".rstrip()
        for error in report.errors
        if error not in told_by_table
    ]
    if told_by_table:
        blocks.append(_RETRY)
    blocks += [f"⚠️ {inert(warning)}" for warning in report.warnings]
    facts = _facts(report)
    if facts:
        blocks.append(facts)
    shown = min(SHOWN, SHOWN_OF_ALL // max(sum(len(post.parts) for post in report.planned), 1))
    blocks += [_text(post, shown) for post in report.planned]
    return "\n\n".join(blocks) + "\n"


def headline(report: Report, *, failed: bool) -> str:
    """Return the summary's first line.

    :param report: What happened.
    :param failed: Whether the step fails.
    """
    what = inert(report.release.title) if report.release else "Post"
    reached = sum(row.status == "published" for row in report.rows.values())
    of_all = f"{reached} of {len(report.rows)} networks"
    match report.status:
        case "skipped":
            return "⏭️ Nothing announced"
        case "previewed":
            return f"👁️ {what}: a preview, nothing was sent"
        case "published" if report.operation == "unchanged":
            return f"✅ {what}: announced before, nothing was sent again"
        case "published":
            return f"✅ {what}: live on {_networks(len(report.rows))}"
        case "partial":
            return f"{'❌' if failed else '⚠️'} {what}: live on {of_all}"
        case "scheduled":
            return f"🕓 {what}: scheduled"
        case "draft":
            return f"📝 {what}: a draft waits for review"
        case "publishing":
            return f"⏳ {what}: on its way"
        case "unknown":
            return f"❓ {what}: it is not known whether it went out"
        case "failed":
            return f"❌ {what}: failed on every network"
    return f"{'❌' if failed else '⚠️'} {what}: nothing was sent"


def inert(text: str) -> str:
    """Return text that shows as it is, on one line, wherever it stands in Markdown or HTML.

    :param text: Any text.
    """
    line = " ".join(printable(text).split())
    return _MARKUP.sub(lambda match: f"&#{ord(match[0])};", html.escape(line, quote=False))


def _networks(number: int) -> str:
    return "1 network" if number == 1 else f"{number} networks"


def _table(report: Report) -> str:
    lines = ["| Network | Status | Post | Characters |", "| :-- | :-- | :-- | --: |"]
    for row in report.rows.values():
        name = PLATFORMS[row.network].name
        lines.append(f"| {name} | {_STATUS.get(row.status, inert(row.status))} | {_link(row)} | {row.used} |")
    return "\n".join(lines)


def _link(row: Row) -> str:
    if row.url.startswith(("https://", "http://")):
        return f'<a href="{_address(row.url)}">{inert(_shown_url(row.url))}</a>'
    return inert(row.error) if row.error else "–"


def _address(url: str) -> str:
    """Return a URL that can end neither its attribute nor its line nor its cell of a table."""
    return html.escape(quote(url, safe="%/:?#[]@!$&'()*+,;=~", errors="replace"), quote=True)


def _shown_url(url: str) -> str:
    short = url.split("://", 1)[1].removeprefix("www.")
    return short if len(short) <= 50 else f"{short[:49]}…"


def _facts(report: Report) -> str:
    lines = []
    if report.scheduled_for and not report.skipped:
        lines.append(f"- Goes out at {report.scheduled_for:%Y-%m-%d %H:%M} UTC")
    if report.release and not report.release.sample:
        release = report.release
        lines.append(f'- Release <a href="{_address(release.url)}">{inert(release.tag)}</a>')
    elif report.release:
        lines.append("- This event carries no release: the text shows a made-up one")
    if report.post_ids:
        lines.append("- Octopost post " + ", ".join(f"<code>{inert(post_id)}</code>" for post_id in report.post_ids))
    return "\n".join(lines)


def _text(post: Planned, limit: int) -> str:
    names = [PLATFORMS[name].name for name in post.networks]
    where = ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else names[0]
    kind = f", a thread of {len(post.parts)}" if len(post.parts) > 1 else ""
    cut = ", shortened" if post.shortened else ""
    parts = "".join(f'<blockquote dir="auto">{_shown(part, limit)}</blockquote>' for part in post.parts)
    # One line of HTML: Markdown does not look inside, and only what _shown made is markup.
    return f"<details open><summary>Text on {where}{kind}{cut}</summary>{parts}</details>"


def _shown(text: str, limit: int) -> str:
    """Return text as HTML with its line ends, its links to follow, and nothing else."""
    text = printable(text).replace("\r", "")
    more = len(text) - limit
    if more > 0:
        text = text[:limit]
    pieces, end = [], 0
    for match in _URL.finditer(text):
        url = html.escape(match[0], quote=True)
        pieces += [html.escape(text[end : match.start()], quote=False), f'<a href="{url}">{url}</a>']
        end = match.end()
    pieces.append(html.escape(text[end:], quote=False))
    shown = "".join(pieces).replace("\n", "<br>")
    return f"{shown}<br><em>… and {more:,} characters more</em>" if more > 0 else shown
