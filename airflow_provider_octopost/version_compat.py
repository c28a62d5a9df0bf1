"""What common.compat does not smooth over between the supported versions of Airflow."""

from __future__ import annotations

from airflow import __version__ as _airflow_version

AIRFLOW_V_3_0_PLUS = int(_airflow_version.split(".", 1)[0]) >= 3


def mask_secret(secret: str) -> None:
    """
    Have Airflow replace a secret by stars wherever it writes logs or rendered fields.

    :param secret: The secret.
    """
    try:  # common.compat passes it on from 1.22 only
        from airflow.sdk.log import mask_secret as mask
    except ImportError:  # Airflow 2
        from airflow.utils.log.secrets_masker import mask_secret as mask  # type: ignore[import-not-found, no-redef]
    mask(secret)
