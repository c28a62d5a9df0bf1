"""The text: the user's template, or ours, filled with the release. Release text is only ever a value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from github_action.context import Context
from github_action.event import Release
from octopost_core.errors import InvalidInput

#: What a template may use (documented in action.yml under content).
RELEASE_VARIABLES = ("name", "tag", "version", "url", "notes", "title", "prerelease")
VARIABLES = (*RELEASE_VARIABLES, "repository")


class NeedsRelease(InvalidInput):
    """Refuse a text that cannot be made without a release."""


@dataclass(frozen=True)
class Message:
    """Hold a whole text, before it is made to fit.

    :param text: The text.
    :param link: The URL that must survive any cut, or ``None``; one that the text does not hold is put below it.
    """

    text: str
    link: str | None = None

    @property
    def whole(self) -> str:
        """The text with its link."""
        return self.text if not self.link or self.link in self.text else f"{self.text}\n\n{self.link}"


class Author:
    """Write texts about one release.

    :param context: The run.
    :param release: What is announced, or ``None``.
    """

    def __init__(self, context: Context, release: Release | None) -> None:
        self._context, self._release = context, release

    def default(self) -> Message:
        """Return the text used where the user gives none: title, cleaned notes, link.

        :raises NeedsRelease: Where there is no release.
        """
        if self._release is None:
            raise NeedsRelease(
                f"content is empty, and the event ({self._context.event_name or 'none'}) carries no release.",
                field="content",
                cure="Write content: with the text, or tag: with the release's tag.",
            )
        values = self._values
        return Message("\n\n".join(filter(None, [values["title"], values["notes"]])), values["url"])

    def write(self, template: str, name: str) -> Message:
        """Fill a template of the user's.

        :param template: Text with ``{{ variables }}``, Jinja; text without braces is taken as it is.
        :param name: The input it comes from, for errors.
        :raises NeedsRelease: When it uses a release and there is none.
        :raises InvalidInput: For an unknown variable or a mistake in the template.
        """
        text = self._render(template, name) if re.search(r"\{[{%#]", template) else template
        text = text.replace("\r\n", "\n").strip()
        if not text:
            raise InvalidInput(f"{name} is empty once its template is filled.", field=name, cure="Write some text.")
        link = self._release.url if self._release and self._release.url in text else None
        return Message(text, link)

    def _render(self, template: str, name: str) -> str:
        # Imported here: a plain text or the default one does not pay for it.
        import jinja2
        from jinja2 import meta
        from jinja2.sandbox import SandboxedEnvironment

        environment = SandboxedEnvironment(undefined=jinja2.StrictUndefined, autoescape=False)
        try:
            used = meta.find_undeclared_variables(environment.parse(template))
            self._check(used, name)
            return environment.from_string(template).render(self._values)
        except jinja2.TemplateSyntaxError as error:
            raise InvalidInput(
                f"{name} has a mistake in its template, line {error.lineno}: {error.message}",
                field=name,
                cure="Write {{ tag }} for a value; to show braces themselves put them in {% raw %}…{% endraw %}.",
            ) from None
        except InvalidInput:
            raise
        except Exception as error:  # a template may fail in any way Python can
            raise InvalidInput(
                f"{name} cannot be filled: {error}.", field=name, cure="Correct the expression in its template."
            ) from None

    def _check(self, used: set[str], name: str) -> None:
        unknown = sorted(used - set(VARIABLES))
        if unknown:
            raise InvalidInput(
                f"{name} uses {{{{ {unknown[0]} }}}}, which is not known here.",
                field=name,
                cure=f"Known are {', '.join(VARIABLES)}; values of GitHub's own contexts are written ${{{{ … }}}}.",
            )
        missing = sorted(used & set(RELEASE_VARIABLES)) if self._release is None else []
        if missing:
            raise NeedsRelease(
                f"{name} uses {{{{ {missing[0]} }}}}, but the event ({self._context.event_name or 'none'}) carries no "
                "release.",
                field=name,
                cure="Write tag: with the release's tag, or a text without it.",
            )

    @cached_property
    def _values(self) -> Mapping[str, Any]:
        release = self._release
        if release is None:
            return {"repository": self._context.repository}
        return {
            "name": plain(release.name),
            "title": plain(release.title),
            "tag": release.tag,
            "version": release.version,
            "url": release.url,
            "notes": self._notes,
            "prerelease": release.prerelease,
            "repository": release.repository,
        }

    @cached_property
    def _notes(self) -> str:
        from octopost_core.text import markdown_to_text

        return markdown_to_text(self._release.notes) if self._release else ""


def plain(title: str) -> str:
    """Return a release's title on one line, so that names in it ping nobody.

    :param title: Text written by whoever made the release.
    """
    from octopost_core.text import defuse_mentions

    return defuse_mentions(" ".join(title.split()))
