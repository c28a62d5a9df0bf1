"""What importing the provider costs a DAG file."""

from __future__ import annotations

import statistics
import subprocess
from functools import partial

from bench.measure import PYTHON, environ, interleave, say, time_statement
from bench.table import Figure, Section, ms, ratio_of

OURS = (
    "airflow_provider_octopost.operators.octopost",
    "airflow_provider_octopost.sensors.octopost",
    "airflow_provider_octopost.notifications.octopost",
)
# Of each peer what stands beside ours: its operators, sensors and notifiers, as far as it has them.
PEERS = {
    "http": ("airflow.providers.http.operators.http", "airflow.providers.http.sensors.http"),
    "slack": ("airflow.providers.slack.operators.slack", "airflow.providers.slack.notifications.slack"),
    "discord": (
        "airflow.providers.discord.operators.discord_webhook",
        "airflow.providers.discord.notifications.discord",
    ),
    "telegram": ("airflow.providers.telegram.operators.telegram",),
    "apprise": ("airflow.providers.apprise.notifications.apprise",),
    "dbt-cloud": ("airflow.providers.dbt.cloud.operators.dbt", "airflow.providers.dbt.cloud.sensors.dbt"),
    "anthropic": ("airflow.providers.anthropic.operators.batch", "airflow.providers.anthropic.sensors.batch"),
}
SETUP = "import airflow.sdk"
MOST = 0.015  # seconds
REASON = (
    "what is left is the making of our own classes, a little in each of twenty small modules (see below); nothing "
    "of the client, of requests or of pydantic is loaded. The cheapest peer defines one notifier."
)


def measure(quick: bool) -> Section:
    """Import each provider after ``airflow.sdk`` in fresh interpreters."""
    wanted = {"ours": OURS, **({"http": PEERS["http"]} if quick else PEERS)}
    values = interleave(
        {name: partial(time_statement, SETUP, f"import {', '.join(modules)}") for name, modules in wanted.items()},
        1 if quick else 9,
    )
    ours = values.pop("ours")
    middle = statistics.median(ours)
    cheapest = min(values, key=lambda name: statistics.median(values[name]))
    figures = [
        Figure("importing our operators, sensors and notifier after `airflow.sdk`", ms(middle), "the goal", ms(MOST),
               f"{middle / MOST:.2f}", "at most 15 ms", middle <= MOST, "" if middle <= MOST else REASON)
    ]  # fmt: skip
    for name in sorted(values, key=lambda name: statistics.median(values[name])):
        ratio, judged = ratio_of(ours, values[name]), name == cheapest
        figure = Figure("the same", ms(middle), f"{name} provider", ms(statistics.median(values[name])), f"{ratio:.2f}")
        if judged:
            figure.goal, figure.met = "at most 1/4 of the cheapest", ratio <= 0.25
            figure.reason = "" if figure.met else REASON
        figures.append(figure)
    how = (
        "`pyperf timeit` in a fresh interpreter per value: `import airflow.sdk` is the setup, the import of the "
        "provider's operator, sensor and notifier modules is timed."
    )
    return Section("Import", figures, how, slowest_modules())


def slowest_modules() -> list[str]:
    """Return the modules of ours that cost most by ``python -X importtime``, with their own share."""
    say("imports: python -X importtime")
    command = [PYTHON, "-X", "importtime", "-c", f"{SETUP}\nimport {', '.join(OURS)}"]
    rounds = []
    for _ in range(3):
        log = subprocess.run(command, env=environ(), capture_output=True, text=True, check=True).stderr
        found: dict[str, int] = {}
        for line in log.splitlines():
            parts = line.removeprefix("import time:").split("|")
            if len(parts) == 3 and parts[0].strip().isdigit():
                name = parts[2].strip()
                if name == "airflow.sdk":
                    found = {}  # what was loaded so far is Airflow's own
                else:
                    found[name] = int(parts[0])
        rounds.append(found)
    own = {name: statistics.median(found.get(name, 0) for found in rounds) for name in rounds[0]}
    top = sorted(own, key=lambda name: own[name], reverse=True)[:6]
    total = sum(own.values())
    lines = [f"`{name}` {own[name] / 1000:.1f} ms" for name in top]
    return [f"`python -X importtime`: {len(own)} modules, {total / 1000:.1f} ms in all, of which {', '.join(lines)}"]
