"""Which Airflow this is, where a feature cannot be detected by looking for it."""

from __future__ import annotations

from airflow import __version__ as _airflow_version

AIRFLOW_V_3_0_PLUS = int(_airflow_version.split(".", 1)[0]) >= 3
