"""Read the code blocks of README.md and docs/."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md")] + sorted((ROOT / "docs").rglob("*.md"))
OURS = "octopost/publish-action@"
# What stands in for an expression when a step's inputs are checked or run.
EXPRESSIONS = {
    "api-key": "oct_test_docs",
    "base-url": "http://127.0.0.1:8787/v1",
    "content": "Hello from the docs",
    "tag": "v1.4.0",
}


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, its language and text, and whether a script has made it."""

    page: str
    line: int
    language: str
    text: str
    generated: bool

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def is_dag(self) -> bool:
        """Tell whether it is a DAG file."""
        return self.language == "python" and "with DAG(" in self.text

    @property
    def is_test(self) -> bool:
        """Tell whether it is for pytest."""
        return self.language == "python" and ("def test_" in self.text or "pytest_plugins" in self.text)

    @property
    def yaml(self) -> Any:
        """The block as YAML; GitHub's ``on`` stays a word."""
        return yaml.load(self.text, _Loader)

    @property
    def is_workflow(self) -> bool:
        """Tell whether it is a whole workflow."""
        return self.language == "yaml" and isinstance(self.yaml, dict) and "jobs" in self.yaml

    @property
    def is_post(self) -> bool:
        """Tell whether it is a post file."""
        return self.language == "yaml" and isinstance(self.yaml, dict) and "jobs" not in self.yaml

    def steps(self) -> list[dict[str, Any]]:
        """Return the steps of a workflow, or of a piece of one."""
        if isinstance(self.yaml, list):
            return self.yaml
        return [step for job in self.yaml["jobs"].values() for step in job.get("steps", [])]


class _Loader(yaml.SafeLoader):
    pass


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:bool"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def blocks() -> Iterator[Block]:
    """Return every fenced block of every page."""
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        made = [match.span() for match in re.finditer(r"<!-- generated: .*?<!-- /generated -->", text, re.DOTALL)]
        for match in re.finditer(r"^```(\S*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
            generated = any(start < match.start() < end for start, end in made)
            line = text.count("\n", 0, match.start()) + 1
            yield Block(str(path.relative_to(ROOT)), line, match[1], match[2], generated)


def action() -> dict[str, Any]:
    """Return action.yml."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    return found


def inputs_of(step: dict[str, Any]) -> dict[str, str]:
    """Return what a step hands over, with something sensible in place of GitHub's expressions."""
    return {
        name: EXPRESSIONS[name] if "${{" in str(value) else str(value) for name, value in step.get("with", {}).items()
    }


def addressed(text: str, sandbox: Any) -> str:
    """Return text that speaks to a sandbox in place of the one on the usual port."""
    return text.replace("http://127.0.0.1:8787", sandbox.root).replace("oct_test_demo", sandbox.api_key)
