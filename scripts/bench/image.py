"""What the action's image adds to its base, and how fast it starts."""

from __future__ import annotations

import json
from typing import Any

from bench.measure import ROOT, BenchFailed, say
from bench.table import Figure, Section, ms
from tests.e2e.image import Image, ImageError

MOST_BYTES, MOST_SECONDS = 25_000_000, 0.6
REASON = "the heaviest parts are below."

# Runs inside the container with the base's own Python: starts the entry point as a runner does, for a dry run.
INSIDE = """
import json, os, statistics, subprocess, sys, time
command, environ, rounds = json.load(sys.stdin)
def start(command):
    began = time.perf_counter()
    subprocess.run(command, env={**os.environ, **environ}, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began
bare = command[:command.index("-m")] + ["-c", "pass"]
taken = [(start(command), start(bare)) for _ in range(rounds + 1)][1:]
print(json.dumps([statistics.median(column) for column in zip(*taken)]))
"""


def measure(quick: bool) -> Section:
    """Build the image, weigh it, and start the action in a container."""
    say("image: building")
    try:
        image = Image()
        added, whole = weigh(image)
        start, bare = starts(image, 1 if quick else 15)
    except ImageError as error:
        raise BenchFailed(str(error)) from None
    figures = [
        Figure("bytes added over the base, unpacked", f"{added / 1e6:.1f} MB", "the whole image",
               f"{whole / 1e6:.0f} MB", f"{added / whole:.2f}", "at most 25 MB", added <= MOST_BYTES,
               "" if added <= MOST_BYTES else REASON),
        Figure("start in the container: a dry run to its exit", ms(start), "the same Python, started for nothing",
               ms(bare), f"{start / bare:.1f}", "at most 0.6 s", start <= MOST_SECONDS,
               "" if start <= MOST_SECONDS else REASON),
    ]  # fmt: skip
    return Section("Image", figures, HOW, weights(image))


HOW = (
    "Built from the Dockerfile by Docker, or by buildah on a Debian base made here. Everything the image adds lies in "
    "/opt/octopost; its files are added up as they lie there, unpacked, bytecode included. Starts are timed inside one "
    "container, from process start to exit, without the container engine's own time."
)


def weigh(image: Image) -> tuple[int, int]:
    """Return the bytes that the image adds, and the bytes of all of it."""
    added = int(image.shell("du -sxb /opt/octopost").split()[0])
    return added, int(
        image.shell("du -sxb --exclude=/proc --exclude=/sys --exclude=/dev / 2>/dev/null || true").split()[0]
    )


def weights(image: Image) -> list[str]:
    """Return the heaviest parts of what is added."""
    listed = image.shell("cd /opt/octopost && du -xb lib/python3*/site-packages/* app/* | sort -rn | head -8")
    parts = [line.split("\t") for line in listed.strip().splitlines()]
    return ["`du`: " + ", ".join(f"`{name.rpartition('/')[2]}` {int(size) / 1e6:.1f} MB" for size, name in parts)]


def starts(image: Image, rounds: int) -> tuple[float, float]:
    """Return the median seconds of a dry run and of the bare interpreter, inside the container."""
    event = json.loads((ROOT / "tests/action/scenarios/release_published/event.json").read_text(encoding="utf-8"))
    config: Any = image.config()
    # The files that a runner would mount are written inside, so that one container serves all rounds.
    environ = {
        "GITHUB_EVENT_NAME": "release",
        "GITHUB_EVENT_PATH": "/tmp/event.json",
        "GITHUB_OUTPUT": "/tmp/output",
        "GITHUB_STEP_SUMMARY": "/tmp/summary",
        "GITHUB_REPOSITORY": "orbit-labs/comet",
        "GITHUB_WORKSPACE": "/tmp",
        "INPUT_DRY-RUN": "true",
        "INPUT_PLATFORMS": "twitter, bluesky, mastodon, linkedin",
    }
    given = json.dumps([config["Entrypoint"], environ, rounds])
    script = f"""cat > /tmp/event.json <<'EVENT'
{json.dumps(event)}
EVENT
touch /tmp/output /tmp/summary
cat > /tmp/inside.py <<'INSIDE'
{INSIDE}
INSIDE
python3 /tmp/inside.py <<'GIVEN'
{given}
GIVEN
"""
    start, bare = json.loads(image.shell(script).strip().splitlines()[-1])
    return start, bare
