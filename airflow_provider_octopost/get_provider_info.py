"""What the provider tells Airflow about itself, through the entry point ``apache_airflow_provider``.

Airflow calls this in every process as soon as it starts: nothing here may import more than the standard library.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_octopost.connection_form import connection_type

_PACKAGE = "airflow_provider_octopost"
_INTEGRATION = "Octopost"


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata."""

    def modules(folder: str) -> list[dict[str, Any]]:
        return [{"integration-name": _INTEGRATION, "python-modules": [f"{_PACKAGE}.{folder}.octopost"]}]

    return {
        "package-name": "airflow-provider-octopost",
        "name": "Octopost",
        "description": "Publish one post to many social networks: never twice, never lost, always told.",
        "integrations": [
            {
                "integration-name": _INTEGRATION,
                "external-doc-url": "https://octopost.ink/docs",
                "tags": ["service"],
            }
        ],
        "connection-types": [connection_type()],
        "hooks": modules("hooks"),
        "operators": modules("operators"),
        "sensors": modules("sensors"),
        "triggers": modules("triggers"),
        "notifications": [f"{_PACKAGE}.notifications.octopost.OctopostNotifier"],
        "extra-links": [f"{_PACKAGE}.links.octopost.OctopostPostLink"],
    }
