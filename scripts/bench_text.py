"""Time the text engine: a release note cleaned, fitted for nine networks and split, at 100 kB and on the way to 1 MB.

Exits 1 when the 100 kB note takes 100 ms or more, or the growth is worse than linear.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "shared"))

from octopost_core.errors import InvalidInput
from octopost_core.text import fit, markdown_to_text, split

NINE = ["twitter", "bluesky", "mastodon", "linkedin", "threads", "instagram", "facebook", "tiktok", "youtube"]
LINK = "https://github.com/octo/post/releases/tag/v2.0.0"
BUDGET = 0.1
SIZES = (100_000, 200_000, 400_000, 1_000_000)
SECONDS = 2.0  # of runs per figure

HEAD = "## What's Changed\n\nThis release is **faster**, see the [guide](https://example.org/guide) :tada:\n"
SECTION = """
### Features in area {n}

* feat(area-{n}): add `option_{n}` to the parser by @someone in https://github.com/octo/post/pull/{n}
* **Breaking:** drop `old_{n}`, use [the new one](https://example.org/docs/new-{n}) instead by @another in https://github.com/octo/post/pull/{n}1
* Mend snake_case_{n} & friends, thanks to @third! ([#{n}](https://github.com/octo/post/issues/{n}))
  * nested: *much* less memory for naïve users – größer, schöner, 日本語 too

Text that explains what changed in area {n}, and why; it goes on for a while.
It also says what to do. Have a look at https://example.org/area/{n}/details?tab=all first.

```python
client.publish(option_{n}=True)
```
"""


def note(size: int) -> str:
    """Return a release note of about ``size`` bytes that does not repeat itself."""
    sections, length, number = [HEAD], len(HEAD), 0
    while length < size:
        number += 1
        sections.append(SECTION.format(n=number))
        length += len(sections[-1].encode())
    return "".join(sections)


def clean_fit_split(notes: str) -> None:
    """Do all that an announcement can ask for: clean, fit each network, fit them all at once, split."""
    text = markdown_to_text(notes)
    for network in NINE:
        fit(text, network, link=LINK)
    fit(text, NINE, link=LINK)
    # At 100 kB a thread of the most parts; a longer note is refused after its parts are counted.
    with suppress(InvalidInput):
        split(text, "linkedin", link=LINK)


def best(call: Callable[[], object]) -> float:
    """Return the best of several runs in seconds: the others measure the machine's other work."""
    times: list[float] = []
    while sum(times) < SECONDS or len(times) < 3:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> int:
    """Print the times and judge them."""
    start = time.perf_counter()
    clean_fit_split(note(1000))
    print(f"first use, imports and patterns included: {(time.perf_counter() - start) * 1000:7.1f} ms")
    seconds = {}
    for size in SIZES:
        notes = note(size)
        text = markdown_to_text(notes)
        seconds[size] = best(lambda notes=notes: clean_fit_split(notes))
        cleaned = best(lambda notes=notes: markdown_to_text(notes))
        fitted = best(lambda text=text: [fit(text, network, link=LINK) for network in NINE])
        per = seconds[size] * 1000 * 100_000 / size
        print(
            f"{size // 1000:5d} kB: {seconds[size] * 1000:7.1f} ms  "
            f"(clean {cleaned * 1000:.1f}, fit {fitted * 1000:.1f}, per 100 kB {per:.1f})"
        )
    growth = (seconds[SIZES[-1]] / seconds[SIZES[0]]) / (SIZES[-1] / SIZES[0])
    fast, linear = seconds[SIZES[0]] < BUDGET, growth < 1.5
    print(f"100 kB under {BUDGET * 1000:.0f} ms: {'yes' if fast else 'NO'}")
    print(f"growth {growth:.2f} times linear: {'fine' if linear else 'TOO MUCH'}")
    return 0 if fast and linear else 1


if __name__ == "__main__":
    sys.exit(main())
