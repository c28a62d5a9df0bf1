"""Faults: what can go wrong between a client and Octopost, planned in advance and the same on every run.

A rule says which calls it is about (``operation``, ``post_id``), which of them it hits (``skip``, ``count``,
``probability`` with ``seed``) and what happens (``kind`` and its own settings).
"""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, field
from typing import Any

OPERATIONS = ("create", "list", "get", "update", "delete", "publish", "accounts", "presets", "webhooks", "scheduled")

KINDS = {
    "reset_before": "The connection is reset before any work.",
    "reset_after": "The work is done, then the connection is reset without a reply.",
    "error_before": "`status` (500, 502, 503) before any work.",
    "error_after": "The work is done, then `status` is answered.",
    "slow": "The reply comes `seconds` late; the work is done before the wait, or after it with commit=after.",
    "timeout_after": "The work is done, then nothing comes for `seconds` (30 unless given).",
    "truncated_json": "The reply stops half way, short of its Content-Length. commit=never: no work.",
    "html_200": "200 with an HTML page instead of JSON. commit=never: no work.",
    "empty_200": "200 without a body. commit=never: no work.",
    "rate_limited": "429 before any work; `retry_after` as seconds, date, missing, negative, far or text.",
    "unauthorized": "401 before any work; with revoke=true the key stays revoked.",
    "partial_network_failure": "The publish succeeds except on `networks`.",
    "expired_account": "The accounts of `networks` lose their token before the work, and stay so.",
}
WITHOUT_WORK = {"reset_before", "error_before", "rate_limited", "unauthorized"}
RETRY_AFTER = ("seconds", "date", "missing", "negative", "far", "text")
ON_NETWORKS = {"partial_network_failure", "expired_account"}
COMMITS_OF = {
    "slow": ("before", "after"),
    "truncated_json": ("before", "never"),
    "html_200": ("before", "never"),
    "empty_200": ("before", "never"),
}


@dataclass
class Rule:
    """One planned fault; ``seen`` counts the calls it is about, ``fired`` those it has hit."""

    id: str
    operation: str
    kind: str
    post_id: str | None = None
    count: int = 1
    skip: int = 0
    probability: float = 1.0
    seed: int = 0
    status: int = 500
    seconds: float = 30.0
    commit: str = "before"
    retry_after: str = "seconds"
    details: bool = True
    revoke: bool = False
    networks: list[str] = field(default_factory=list)
    error: str = "The network did not accept the post."
    seen: int = 0
    fired: int = 0

    def matches(self, operation: str, post_id: str | None) -> bool:
        """Tell whether the rule is about this call."""
        return self.operation in ("any", operation) and self.post_id in (None, post_id)

    def take(self) -> bool:
        """Count a call the rule is about; tell whether it hits it."""
        self.seen += 1
        if self.seen <= self.skip or self.fired >= self.count:
            return False
        # The nth call always gets the same draw, whatever happened to the calls before it.
        if self.probability < 1 and random.Random(f"{self.seed}/{self.seen}").random() >= self.probability:
            return False
        self.fired += 1
        return True


def parse_rule(number: int, body: dict[str, Any]) -> Rule:
    """Build a rule from a control request; raise ValueError that names the wrong setting."""
    unknown = set(body) - {name for name in Rule.__dataclass_fields__ if name not in ("id", "seen", "fired")}
    if unknown:
        raise ValueError(f"fault: unknown setting {sorted(unknown)[0]!r}")
    try:
        rule = Rule(id=f"fault_{number}", **body)
    except TypeError:
        raise ValueError("fault: operation and kind are required") from None
    checks: tuple[tuple[str, object, tuple[Any, ...]], ...] = (
        ("operation", rule.operation, (*OPERATIONS, "any")),
        ("kind", rule.kind, tuple(KINDS)),
        ("status", rule.status, (500, 502, 503)),
        ("retry_after", rule.retry_after, RETRY_AFTER),
        ("details", rule.details, (True, False)),
        ("revoke", rule.revoke, (True, False)),
    )
    for name, value, allowed in checks:
        if value not in allowed:
            raise ValueError(f"fault: {name} {value!r} is not one of {', '.join(map(str, allowed))}")
    for name, number_value in (("count", rule.count), ("skip", rule.skip), ("seed", rule.seed)):
        if not isinstance(number_value, int) or number_value < 0:
            raise ValueError(f"fault: {name} {number_value!r} is not a whole number from 0")
    if not isinstance(rule.seconds, int | float) or not 0 <= rule.seconds <= 3600:
        raise ValueError(f"fault: seconds {rule.seconds!r} is not a number from 0 to 3600")
    if not isinstance(rule.probability, int | float) or not 0 <= rule.probability <= 1:
        raise ValueError(f"fault: probability {rule.probability!r} is not a number from 0 to 1")
    if not isinstance(rule.networks, list) or not all(isinstance(name, str) for name in rule.networks):
        raise ValueError("fault: networks is not a list of names")
    if not isinstance(rule.post_id, str | None) or not isinstance(rule.error, str):
        raise ValueError("fault: post_id and error are texts")
    possible = COMMITS_OF.get(rule.kind, ("before",))
    if rule.commit not in possible:
        raise ValueError(f"fault: {rule.kind} with commit {rule.commit!r} makes no sense, only {' or '.join(possible)}")
    if rule.kind in ON_NETWORKS and not rule.networks:
        raise ValueError(f'fault: {rule.kind} needs networks, for instance ["linkedin"]')
    if (rule.kind in ON_NETWORKS) > (rule.operation in ("publish", "scheduled", "any")):
        raise ValueError(f"fault: {rule.kind} is about publish or scheduled, not {rule.operation}")
    if rule.operation == "scheduled" and rule.kind not in ON_NETWORKS:
        raise ValueError(f"fault: {rule.kind} needs a call; scheduled posts go out without one")
    return rule


class Faults:
    """The rules in force, oldest first."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self._made = 0

    def add(self, body: dict[str, Any]) -> Rule:
        """Add a rule; raise ValueError when it makes no sense."""
        rule = parse_rule(self._made + 1, body)
        self._made += 1
        self.rules.append(rule)
        return rule

    def remove(self, rule_id: str | None = None) -> int:
        """Remove one rule, or all; return how many went."""
        before = len(self.rules)
        self.rules = [rule for rule in self.rules if rule_id is not None and rule.id != rule_id]
        return before - len(self.rules)

    def take(self, operation: str, post_id: str | None) -> Rule | None:
        """Return the rule that hits this call, the oldest if several would."""
        for rule in self.rules:
            if rule.matches(operation, post_id) and rule.take():
                return rule
        return None

    def as_list(self) -> list[dict[str, Any]]:
        """Return the rules with their counters."""
        return [asdict(rule) for rule in self.rules]
