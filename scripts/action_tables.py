#!/usr/bin/env python3
"""Write the tables of the action's inputs and outputs into Markdown files, from action.yml.

    python scripts/action_tables.py [--check] [FILE ...]

Between ``<!-- inputs -->`` and ``<!-- /inputs -->``, and the same with outputs, stands what action.yml says. Without
files, README.md and everything below docs/ is looked through. --check changes nothing and fails where a table is old.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
MARKED = re.compile(r"(<!-- (inputs|outputs) -->\n)(.*?)(<!-- /\2 -->)", re.DOTALL)


def tables() -> dict[str, str]:
    """Return the Markdown of both tables."""
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    return {"inputs": inputs_table(action["inputs"]), "outputs": outputs_table(action["outputs"])}


def inputs_table(inputs: dict[str, dict[str, Any]]) -> str:
    """Return the table of inputs.

    :param inputs: As in action.yml.
    """
    rows = [
        f"| `{name}` | {cell(item['description'])} | {code(str(item.get('default') or ''))} |"
        for name, item in inputs.items()
    ]
    return "\n".join(["| Input | What it does | Default |", "| :-- | :-- | :-- |", *rows]) + "\n"


def outputs_table(outputs: dict[str, dict[str, Any]]) -> str:
    """Return the table of outputs.

    :param outputs: As in action.yml.
    """
    rows = [f"| `{name}` | {cell(item['description'])} |" for name, item in outputs.items()]
    return "\n".join(["| Output | What it holds |", "| :-- | :-- |", *rows]) + "\n"


def cell(text: str) -> str:
    """Return text for a table's cell; braces are kept from site generators that read templates.

    :param text: One paragraph.
    """
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """Return a value as code, or nothing.

    :param text: The value.
    """
    return f"`{text}`" if text else ""


def filled(text: str) -> str:
    """Return a file's text with its tables as they are to be.

    :param text: A Markdown file.
    """
    found = tables()
    return MARKED.sub(lambda match: f"{match[1]}\n{found[match[2]]}\n{match[4]}", text)


def files() -> list[Path]:
    """Return the files that may hold a table."""
    return [path for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))) if path.exists()]


def main() -> int:
    """Write or check the tables; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; fail where a table is old")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    options = parser.parse_args()
    old = []
    for path in options.files or files():
        text = path.read_text(encoding="utf-8")
        new = filled(text)
        if new != text:
            old.append(path)
            if not options.check:
                path.write_text(new, encoding="utf-8")
    for path in old:
        print(f"{path}: {'is out of date; run scripts/action_tables.py' if options.check else 'written'}")
    return 1 if old and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
