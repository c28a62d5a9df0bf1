"""Webhooks: events, their signature, delivery with back-off, and the log of deliveries."""

from __future__ import annotations

# Documented: webhooks page.
EVENTS = ("post.published", "post.failed", "post.scheduled", "account.connected", "account.disconnected")
