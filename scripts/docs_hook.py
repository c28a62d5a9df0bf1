"""Fail the documentation's build where a page would load something from another host: it must be readable offline."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError

_LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video)\b[^>]*?\bsrc=["']?((?:https?:)?//[^"'\s>]+)"""
    r"""|<link\b(?=[^>]*\brel=["']?(?:stylesheet|preload|preconnect|icon))[^>]*?\bhref=["']?((?:https?:)?//[^"'\s>]+)"""
    r"""|url\(["']?((?:https?:)?//[^"')]+)""",
    re.IGNORECASE,
)


def on_post_build(config: Any, **_: Any) -> None:
    """Look through every page and style sheet that was built.

    :param config: MkDocs' configuration.
    """
    for path in sorted(Path(config["site_dir"]).rglob("*")):
        if path.suffix in (".html", ".css"):
            for found in _LOADED.findall(path.read_text(encoding="utf-8")):
                raise PluginError(f"{path} loads {next(filter(None, found))} from another host.")
