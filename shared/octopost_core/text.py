"""Make texts fit: Markdown to plain text, one text for many networks, threads."""

from __future__ import annotations

from octopost_core.fitting import fit
from octopost_core.markdown import markdown_to_text
from octopost_core.plain import defuse_mentions, tidy
from octopost_core.splitting import split

__all__ = ["defuse_mentions", "fit", "markdown_to_text", "split", "tidy"]
