"""Write what README.md and docs/ take from the code: tables, examples, and the words of real runs.

    python scripts/docs_tables.py [--check] [NAME ...]

Between ``<!-- generated: NAME -->`` and ``<!-- /generated -->`` stands what the code says. Names limit the work to
those blocks; messages of runs (``run ...``) take a minute. --check changes nothing and fails where a block is old.
The tables of the action's inputs and outputs are written by scripts/action_tables.py.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "shared"), str(ROOT / "scripts")]

MARKED = re.compile(r"(<!-- generated: ([^>]+?) -->\n)(.*?)(<!-- /generated -->)", re.DOTALL)


def rows(head: Iterable[str], body: Iterable[Iterable[object]]) -> str:
    """Return a Markdown table."""
    lines = [list(head)]
    lines += [[str(cell).replace("|", "\\|") for cell in row] for row in body]
    lines.insert(1, [":--"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def fenced(language: str, text: str) -> str:
    """Return a block of code."""
    return f"```{language}\n{text.rstrip()}\n```"


def limits() -> str:
    """How much each network takes, and where that is from."""
    from octopost_core.limits import UNIT_NAMES
    from octopost_core.platforms import PLATFORMS

    def row(p: object) -> list[object]:
        text = p.text  # type: ignore[attr-defined]
        more = f", {text.max_bytes:,} bytes" if text.max_bytes else ""
        link = f"; a link counts {text.link_weight}" if text.link_weight else ""
        exact = "" if text.exact else " (upper bound)"
        return [
            f"`{p.id}`",  # type: ignore[attr-defined]
            p.name,  # type: ignore[attr-defined]
            f"{text.limit:,}{more}",
            f"{UNIT_NAMES[text.unit]}{exact}{link}",
            f"over {text.refused_above:,}" if text.refused_above else "not known",
            text.source.label,
            text.unit_source.label,
        ]

    head = ("id", "network", "limit", "counted in", "refused by Octopost", "limit is", "counting is")
    return rows(head, map(row, PLATFORMS.values()))


def media() -> str:
    """What each network takes besides text."""
    from octopost_core.platforms import PLATFORMS

    def size(number: int | None) -> str:
        if number is None:
            return ""
        return f", {number // 1024**3} GB" if number >= 1024**3 else f", {number // 1024**2} MB"

    def row(p: object) -> list[object]:
        rule = p.media  # type: ignore[attr-defined]
        images = "not known" if rule.max_images is None else "none"
        if rule.max_images:
            images = f"{rule.max_images} ({', '.join(rule.image_formats)}{size(rule.max_image_bytes)})"
        video = "not known" if rule.video == "unknown" else rule.video
        if rule.video_formats:
            video += f" ({', '.join(rule.video_formats)}{size(rule.max_video_bytes)})"
        threads = {True: "yes", False: "no", None: "not known"}[p.threads]  # type: ignore[attr-defined]
        need = "an image or a video" if rule.required and rule.max_images else "a video" if rule.required else ""
        notes = "; ".join(p.notes)  # type: ignore[attr-defined]
        return [f"`{p.id}`", images, video, need, threads, notes]  # type: ignore[attr-defined]

    return rows(("id", "images", "video", "must have", "threads", "notes"), map(row, PLATFORMS.values()))


def retry_table() -> str:
    """What is sent again after which failure, as ``python -m octopost_core.retry`` prints it."""
    command = [sys.executable, "-m", "octopost_core.retry"]
    done = subprocess.run(command, cwd=ROOT / "shared", capture_output=True, text=True, check=True)
    return done.stdout.strip()


def errors() -> str:
    """Every error that can reach a user."""
    from octopost_core import errors as module

    kinds = [kind for kind in vars(module).values() if isinstance(kind, type)]
    kinds = [kind for kind in kinds if issubclass(kind, module.OctopostError) and not kind.__subclasses__()]
    yes = {True: "yes", False: "no"}
    return rows(
        ("error", "what it says", "exit code", "same call may be sent again", "may have happened"),
        (
            [
                f"`{kind.__name__}`",
                _first((kind.__doc__ or "").split("\n")[0]),
                kind.exit_code,
                yes[kind.retryable],
                yes[kind.may_have_happened],
            ]
            for kind in kinds
        ),
    )


def _first(sentence: str) -> str:
    """Return a docstring's sentence for a cell: what is reported."""
    text = sentence.removeprefix("Report ").removeprefix("that ").rstrip(".")
    return text[:1].upper() + text[1:]


def connection_fields() -> str:
    """The extra fields of an Airflow connection."""
    from airflow_provider_octopost.connection_form import FIELDS

    return rows(
        ("in the form", "in extra", "what it does"),
        (
            [
                field.label,
                f"`{field.name}`",
                field.description + (f" One of {', '.join(field.choices)}." if field.choices else ""),
            ]
            for field in FIELDS
        ),
    )


def dialects() -> str:
    """Where the sandbox can answer in several ways."""
    from octopost_sandbox.dialect import TABLE

    def values(choice: object) -> str:
        found = choice.values  # type: ignore[attr-defined]
        return ", ".join(f"`{value}`" for value in found) if isinstance(found, tuple) else "a number"

    return rows(
        ("dialect", "values", "default", "the default is", "about"),
        ([f"`{c.name}`", values(c), f"`{c.default}`", c.label, c.about] for c in TABLE),
    )


def faults() -> str:
    """What can go wrong on purpose."""
    from octopost_sandbox.faults import KINDS

    return rows(("kind", "what happens"), ([f"`{kind}`", about] for kind, about in KINDS.items()))


def tiers() -> str:
    """Rate limits of the sandbox."""
    from octopost_sandbox.ratelimit import TIERS

    def number(value: int) -> str:
        return "no limit" if value >= 1_000_000_000 else f"{value:,}"

    return rows(
        ("`--tier`", "requests a minute", "publish calls an hour"),
        ([f"`{name}`", *(number(value) for value in pair)] for name, pair in TIERS.items()),
    )


def help_of(module: str) -> str:
    """What a command says about itself."""
    environ = {**os.environ, "COLUMNS": "100", "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "shared")])}
    command = [sys.executable, "-m", module, "--help"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    return fenced("text", done.stdout)


def example(name: str) -> str:
    """The marked part of an example DAG."""
    text = (ROOT / f"airflow_provider_octopost/example_dags/example_octopost_{name}.py").read_text(encoding="utf-8")
    found = re.search(rf"^ *# \[START {name}\]\n(.*?)\n *# \[END {name}\]", text, re.DOTALL | re.M)
    assert found, f"the example {name} has no [START {name}] and [END {name}]"
    before = text.partition("# [START")[0].replace(", AirflowOptionalProviderFeatureException", "")
    imports = re.findall(r"^ *(from (?!__future__)\S+ import [^#\n]*)", before, re.MULTILINE)
    ours = [line for line in imports if "octopost" in line]
    theirs = [line for line in imports if line.startswith("from airflow.")]
    standard = [line for line in imports if line not in ours + theirs]
    constants = re.findall(r"^[A-Z]+ = .*$", before, re.MULTILINE)
    head = ["\n".join(group).strip() for group in (standard, theirs, ours, constants) if group]
    return fenced("python", "\n\n".join([*head, textwrap.dedent(found[1])]))


@cache
def messages(names: tuple[str, ...]) -> dict[str, str]:
    """What runs say, by scenario of scripts/docs_failures.py."""
    from docs_failures import play

    return play(list(names))


BLOCKS = {
    "limits": limits,
    "media": media,
    "retry table": retry_table,
    "errors": errors,
    "connection fields": connection_fields,
    "dialects": dialects,
    "faults": faults,
    "tiers": tiers,
    "octopost-sandbox --help": lambda: help_of("octopost_sandbox"),
}


def block(name: str, runs: tuple[str, ...]) -> str:
    """Return the text of one block."""
    if name.startswith("run "):
        return fenced("text", messages(runs)[name.removeprefix("run ")])
    if name.startswith("example "):
        return example(name.removeprefix("example "))
    return BLOCKS[name]()


def files() -> list[Path]:
    """Return the files that may hold a block."""
    return [path for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))) if path.exists()]


def used() -> list[str]:
    """Return the names of all blocks, in the order of the files."""
    return [found[2] for path in files() for found in MARKED.finditer(path.read_text(encoding="utf-8"))]


def main() -> int:
    """Write or check the blocks; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; fail where a block is old")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    wanted = [name for name in dict.fromkeys(used()) if not options.names or name in options.names]
    runs = tuple(name.removeprefix("run ") for name in wanted if name.startswith("run "))
    made = {name: block(name, runs) for name in wanted}
    old = 0
    for path in files():
        text = path.read_text(encoding="utf-8")
        new = MARKED.sub(lambda m: f"{m[1]}\n{made[m[2]]}\n\n{m[4]}" if m[2] in made else m[0], text)
        if new != text:
            old += 1
            told = "is out of date; run scripts/docs_tables.py" if options.check else "written"
            print(f"{path.relative_to(ROOT)}: {told}")
            if not options.check:
                path.write_text(new, encoding="utf-8")
    return 1 if old and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
