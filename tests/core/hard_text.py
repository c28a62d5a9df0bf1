"""Texts that are hard to count and to cut, for property tests."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

#: Random texts per property: many where nobody waits (CI), few at a desk; OCTOPOST_EXAMPLES overrides both.
EXAMPLES = int(os.environ.get("OCTOPOST_EXAMPLES") or (5000 if os.environ.get("CI") else 200))

thorough = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)

FRAGMENTS = [
    "https://example.org/a/long/path?with=query&and=more#fragment",
    "http://localhost:8080/x",
    "example.com",
    "https://t.co/abc",
    "(https://example.org/x_(y))",
    "@someone",
    "@someone@example.social",
    "＠全角",
    "#hashtag",
    "#タグ",
    "joe@example.org",
    "@scope/package",
    "これは日本語です。",
    "ภาษาไทยไม่มีช่องว่าง",
    "한국어 문장입니다.",
    "العربية",
    "देवनागरी क्षि",
    "👨‍👩‍👧‍👦",
    "👍🏽",
    "🇩🇪",
    "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "1️⃣",
    "❤️",
    "e\u0301",
    "\u0301",
    "\u200d",
    "\u0600",
    "\u202e",
    "\ufeff",
    "\ud800",
    "…",
    "Hello, world.",
    "A sentence that goes on for a while, and then ends!",
    "supercalifragilisticexpialidocious" * 3,
    "--",
    "---",
    "\n---\n",
    "\n\n",
    "\n",
    "\r\n",
    "\t",
    "\u3000",
    " ",
    " ",
    "**bold**",
    "`code`",
    "[label](https://example.org/l)",
    "- item\n",
    "> quote\n",
    "<!-- note -->",
    "<b>",
    "&amp;",
    ":tada:",
    "\0",
]

fragments = st.lists(st.sampled_from(FRAGMENTS), max_size=60).map("".join)
sentences = st.lists(st.sampled_from(FRAGMENTS), max_size=60).map(" ".join)
texts = st.one_of(
    st.text(max_size=400), fragments, sentences, st.lists(st.text(max_size=12), max_size=60).map(" ".join)
)
