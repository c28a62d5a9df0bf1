"""Buttons on a task that lead to its posts, one per network that answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
from airflow.providers.common.compat.sdk import BaseOperatorLink

from airflow_provider_octopost.version_compat import AIRFLOW_V_3_0_PLUS
from octopost_core.platforms import PLATFORMS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow.providers.common.compat.sdk import BaseOperator, TaskInstanceKey


@attrs.define(slots=False)
class OctopostPostLink(BaseOperatorLink):
    """
    Lead to the post on one network.

    :param network: Network id, ``bluesky`` for instance.
    """

    network: str = ""

    @property
    def name(self) -> str:
        """The button's text."""
        return f"Post on {PLATFORMS[self.network].name if self.network in PLATFORMS else self.network}"

    @property
    def xcom_key(self) -> str:
        """The XCom that holds the address; the only thing Airflow 3's API server reads."""
        return f"octopost_url_{self.network}"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """
        Return the address, or nothing where the network has not answered.

        Airflow 3 calls this in the task's own process when the try ends, Airflow 2 in the web server.

        :param operator: The task.
        :param ti_key: Its instance.
        """
        if AIRFLOW_V_3_0_PLUS:
            urls: dict[str, str] = getattr(operator, "post_urls", None) or {}
            return urls.get(self.network, "")
        from airflow.models.xcom import XCom

        return XCom.get_value(key=self.xcom_key, ti_key=ti_key) or ""


def links_for(networks: Iterable[str]) -> tuple[OctopostPostLink, ...]:
    """
    Return one link per network.

    :param networks: Network ids.
    """
    return tuple(OctopostPostLink(network=network) for network in networks)


def links_of(operator: Any) -> tuple[OctopostPostLink, ...]:
    """
    Return the links of a task: of the networks that answered once it ran, of all it may post to before.

    Airflow asks at parse time which buttons there may be (one without an address is not shown), and again in the
    task's process which addresses to store.

    :param operator: The operator, or the mapped one that stands for it at parse time.
    """
    urls = getattr(operator, "post_urls", None)
    if urls is not None:
        return links_for(urls)
    platforms = getattr(operator, "platforms", None)
    if platforms is None:
        platforms = (getattr(operator, "partial_kwargs", None) or {}).get("platforms")
    if isinstance(platforms, list | tuple) and all(name in PLATFORMS for name in platforms):
        return links_for(platforms)
    return links_for(PLATFORMS)
