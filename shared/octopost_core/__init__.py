"""Publish one post to many networks through Octopost: never twice, never lost, always told.

Names load on first use, so that importing a small part (the platform table, say) costs no HTTP library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from octopost_core.version import __version__

if TYPE_CHECKING:
    from octopost_core.client import OctopostClient, Timeout
    from octopost_core.errors import (
        APIError,
        IdempotencyMismatch,
        InvalidInput,
        OctopostError,
        OutcomeUnknown,
        PartialFailure,
        PublishFailed,
        RateLimited,
    )
    from octopost_core.ledger import FileLedger, Ledger, LedgerEntry, NoLedger
    from octopost_core.limits import count
    from octopost_core.models import Account, Media, MediaImage, PlatformResult, Post, PostDraft, Preset, Segment
    from octopost_core.publishing import Outcome, publish_existing, publish_once
    from octopost_core.text import fit, markdown_to_text, split

_HOME = {
    "APIError": "errors",
    "Account": "models",
    "FileLedger": "ledger",
    "IdempotencyMismatch": "errors",
    "InvalidInput": "errors",
    "Ledger": "ledger",
    "LedgerEntry": "ledger",
    "Media": "models",
    "MediaImage": "models",
    "NoLedger": "ledger",
    "OctopostClient": "client",
    "OctopostError": "errors",
    "Outcome": "publishing",
    "OutcomeUnknown": "errors",
    "PartialFailure": "errors",
    "PlatformResult": "models",
    "Post": "models",
    "PostDraft": "models",
    "Preset": "models",
    "PublishFailed": "errors",
    "RateLimited": "errors",
    "Segment": "models",
    "Timeout": "client",
    "count": "limits",
    "fit": "text",
    "markdown_to_text": "text",
    "publish_existing": "publishing",
    "publish_once": "publishing",
    "split": "text",
}

__all__ = [
    "APIError",
    "Account",
    "FileLedger",
    "IdempotencyMismatch",
    "InvalidInput",
    "Ledger",
    "LedgerEntry",
    "Media",
    "MediaImage",
    "NoLedger",
    "OctopostClient",
    "OctopostError",
    "Outcome",
    "OutcomeUnknown",
    "PartialFailure",
    "PlatformResult",
    "Post",
    "PostDraft",
    "Preset",
    "PublishFailed",
    "RateLimited",
    "Segment",
    "Timeout",
    "__version__",
    "count",
    "fit",
    "markdown_to_text",
    "publish_existing",
    "publish_once",
    "split",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"octopost_core.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
