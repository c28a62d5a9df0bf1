"""Measure speed and cost beside peers and limits, and write docs/performance.md.

bench.py [--quick] [ROW[,ROW...]]: with rows, only those are run and the page is left alone; --quick takes tiny counts,
to see that every script still works, and writes nothing.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from bench import table  # noqa: E402
from bench.measure import BenchFailed, say  # noqa: E402
from bench.versions import versions  # noqa: E402

# In the order of the page. The module scripts/bench/<row>.py measures one.
ROWS = ("imports", "parsing", "action", "node", "image", "client", "waiting", "limits", "memory")
PAGE = ROOT / "docs/performance.md"


def main() -> int:
    """Run the rows; 0 where all could be measured, whether or not their goals are met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", help=f"of {', '.join(ROWS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="tiny counts; the figures mean nothing")
    options = parser.parse_args()
    rows = [row for part in options.rows for row in part.split(",") if row] or list(ROWS)
    if unknown := [row for row in rows if row not in ROWS]:
        parser.error(f"no such row: {', '.join(unknown)}; there are {', '.join(ROWS)}")
    subprocess.run([sys.executable, ROOT / "scripts/environments.py", "bench", "bench-action"], check=True)
    started = time.monotonic()
    sections, failed = [], []
    for row in rows:
        say(f"{row} ...")
        try:
            section = importlib.import_module(f"bench.{row}").measure(options.quick)
        except BenchFailed as error:
            say(f"{row} could not be measured: {error}")
            failed.append(row)
            continue
        print(table.render(section), flush=True)
        sections.append(section)
    took = time.monotonic() - started
    if failed:
        say(f"not measured: {', '.join(failed)}; the page is left as it was")
        return 1
    if rows == list(ROWS) and not options.quick:
        PAGE.write_text(table.page(sections, versions(), took), encoding="utf-8")
        say(f"wrote {PAGE.relative_to(ROOT)} after {took:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
