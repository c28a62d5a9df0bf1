"""Publish to many social networks from Airflow through Octopost: never twice, never lost, always told."""

from octopost_core.version import __version__

__all__ = ["__version__"]
