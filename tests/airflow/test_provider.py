"""What Airflow finds of the provider, and what finding it costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_octopost.get_provider_info import get_provider_info

HERE = Path(__file__).parent


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


def test_metadata_is_valid_for_this_airflow() -> None:
    import airflow
    import jsonschema

    schema = json.loads(Path(airflow.__file__).with_name("provider_info.schema.json").read_text())
    jsonschema.validate(get_provider_info(), schema)


def test_the_entry_point_leads_to_the_metadata() -> None:
    [entry] = [
        entry
        for entry in entry_points(group="apache_airflow_provider")
        if entry.value.startswith("airflow_provider_octopost")
    ]

    assert entry.name == "provider_info"
    assert entry.dist is not None
    assert entry.load()()["package-name"] == entry.dist.name


def test_every_name_in_the_metadata_exists() -> None:
    info = get_provider_info()
    modules = [
        module
        for kind in ("hooks", "operators", "sensors", "triggers")
        for entry in info[kind]
        for module in entry["python-modules"]
    ]
    paths = info["notifications"] + info["extra-links"] + [info["connection-types"][0]["hook-class-name"]]
    for module in modules:
        import_module(module)
    for path in paths:
        module, _, name = path.rpartition(".")
        assert hasattr(import_module(module), name), path


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["list"], "airflow-provider-octopost"),
        (["get", "airflow-provider-octopost", "--full"], "octopost_default|OctopostHook|Octopost"),
        (["hooks"], "octopost"),
        (["links"], "OctopostPostLink"),
        (["notifications"], "OctopostNotifier"),
        (["triggers"], "airflow_provider_octopost.triggers.octopost"),
    ],
)
@pytest.mark.slow
def test_airflow_providers_lists_it(command: list[str], words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "airflow", "providers", *command, "--output", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert any(word in done.stdout for word in words.split("|")), done.stdout


DAG_FILE = """
import sys
import airflow_provider_octopost.operators.octopost
import airflow_provider_octopost.sensors.octopost
import airflow_provider_octopost.notifications.octopost
import airflow_provider_octopost.triggers.octopost
"""


def test_parsing_a_dag_file_imports_no_http_library_of_ours() -> None:
    """Airflow may have loaded requests or pydantic itself: only what our modules add counts."""
    code = (
        "import sys\n"
        "import airflow.providers.common.compat.sdk as sdk\n"
        "sdk.BaseOperator, sdk.BaseSensorOperator, sdk.BaseHook, sdk.BaseOperatorLink, sdk.PokeReturnValue\n"
        "from airflow.providers.common.compat.notifier import BaseNotifier\n"
        "from airflow.triggers.base import BaseTrigger\n"
        "sdk.BaseOperator(task_id='plain')\n"
        "before = set(sys.modules)\n"
        f"{DAG_FILE}\n"
        "from datetime import datetime, timezone\n"
        "op = airflow_provider_octopost.operators.octopost.OctopostAnnounceOperator(\n"
        "    task_id='a', content='Hello', platforms=['bluesky', 'twitter'])\n"
        "import json\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))\n"
    )
    added: list[Any] = json.loads(python(code))

    heavy = {"requests", "pydantic", "urllib3", "yaml", "regex", "markdown_it", "octopost_core.client"}
    assert heavy.intersection(added) == set()


def test_example_dags_parse_without_network_or_connection() -> None:
    from tests.airflow.harness import dag_bag

    expected = {"example_octopost_release", "example_octopost_digest", "example_octopost_notifier"}
    assert expected <= set(dag_bag().dags)
