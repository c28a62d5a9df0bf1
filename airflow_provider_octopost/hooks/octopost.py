"""Connect to Octopost with the key and address of an Airflow connection."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseHook

from airflow_provider_octopost import connection_form
from airflow_provider_octopost.version_compat import mask_secret
from octopost_core.errors import InvalidInput, OctopostError, PermissionDenied

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow.providers.common.compat.sdk import Connection

    from octopost_core.client import OctopostClient
    from octopost_core.models import Account

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]", "::1")


@dataclass(frozen=True)
class ClientSettings:
    """Hold what a connection says, so that a client can be made of it anywhere, in a thread for instance.

    :param api_key: The key; never shown.
    :param base_url: The API's address with its version.
    :param extra: The connection's extra, see :data:`airflow_provider_octopost.connection_form.FIELDS`.
    """

    api_key: str = field(repr=False)
    base_url: str
    extra: dict[str, Any] = field(default_factory=dict)

    def client(self, *, max_wait: float | None = None) -> OctopostClient:
        """Make a client.

        :param max_wait: Seconds one call may wait for a limit or between tries; the connection's where ``None``.
        :raises InvalidInput: For a key, address or extra field that cannot be used.
        """
        from airflow import __version__ as airflow_version

        from octopost_core import OctopostClient, Timeout

        patience = self._number("max_wait", 60) if max_wait is None else max_wait
        return OctopostClient(
            self.api_key,
            self.base_url,
            Timeout(read=self._number("read_timeout", 30), publish=self._number("publish_timeout", 300)),
            max_wait=patience,
            user_agent=f"airflow/{airflow_version}",
            thread_field=self._thread_field(),
            verify=self.extra.get("ca_bundle") or True,
        )

    def _number(self, name: str, default: float) -> float:
        value = self.extra.get(name)
        if value in (None, ""):
            return default
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = -1
        if number < 0:
            raise InvalidInput(
                f"{name} in the connection's extra is {value!r}.", field=name, cure="Write a number of seconds."
            )
        return number

    def _thread_field(self) -> Any:
        value = self.extra.get("thread_field") or "segments"
        if value not in ("segments", "thread"):
            raise InvalidInput(
                f"thread_field in the connection's extra is {value!r}.",
                field="thread_field",
                cure="Write segments or thread.",
            )
        return value


def settings_of(connection: Connection, extra: dict[str, Any]) -> ClientSettings:
    """Read a connection.

    :param connection: An Airflow connection of type ``octopost``.
    :param extra: Its extra as a dict, read by the caller: on an event loop that takes another call than in a task.
    :raises InvalidInput: Where it has no key.
    """
    key = (connection.password or "").strip()
    if not key:
        raise InvalidInput(
            f"The connection {connection.conn_id} has no API key.",
            field="password",
            cure="Write the key (oct_live_... or oct_test_...) into its password field, which the form calls API key.",
        )
    mask_secret(key)
    return ClientSettings(key, _base_url(connection), dict(extra))


def _base_url(connection: Connection) -> str:
    """A whole URL in the host field, or the parts that a connection URI leaves behind."""
    host = (connection.host or "").strip().rstrip("/")
    if not host:
        return connection_form.DEFAULT_BASE_URL
    if "://" in host:
        return host
    scheme = "http" if host in _LOOPBACK else "https"
    if "/" in host:
        return f"{scheme}://{host}"
    port = f":{connection.port}" if connection.port else ""
    return f"{scheme}://{host}{port}/{(connection.schema or '').strip('/') or 'v1'}"


class OctopostHook(BaseHook):
    """
    Talk to Octopost from a task.

    The connection's password is the API key, its host the base URL (empty: the public API).

    :param octopost_conn_id: Connection of type ``octopost``.
    :param max_wait: Optional. Seconds one call may wait for a rate limit or between tries; the connection's
        ``max_wait`` where left out.
    """

    conn_name_attr = "octopost_conn_id"
    default_conn_name = "octopost_default"
    conn_type = "octopost"
    hook_name = "Octopost"

    def __init__(
        self, octopost_conn_id: str = default_conn_name, *, max_wait: float | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.octopost_conn_id = octopost_conn_id
        self.max_wait = max_wait
        self._settings: ClientSettings | None = None
        self._client: OctopostClient | None = None

    def get_conn(self) -> OctopostClient:
        """Return the client, the same one each time.

        :raises InvalidInput: For a connection without a usable key or address.
        """
        if self._client is None:
            self._client = self.settings().client(max_wait=self.max_wait)
        return self._client

    def settings(self) -> ClientSettings:
        """
        Look the connection up and read it, once.

        A killed task asks again from its signal handler, where another call to Airflow could wait for ever for the one
        that the signal has interrupted.
        """
        if self._settings is None:
            connection = self.get_connection(self.octopost_conn_id)
            self._settings = settings_of(connection, connection.extra_dejson)
        return self._settings

    @classmethod
    async def async_settings(cls, octopost_conn_id: str) -> ClientSettings:
        """Look the connection up and read it, on an event loop.

        :param octopost_conn_id: Connection of type ``octopost``.
        """
        from airflow.providers.common.compat.connection import get_async_connection

        connection = await get_async_connection(octopost_conn_id)
        return settings_of(connection, await _async_extra(connection))

    def test_connection(self) -> tuple[bool, str]:
        """Say whether the key works, which networks are connected and which tokens have expired."""
        try:
            with self.get_conn() as client:
                try:
                    return True, _describe(client.list_accounts())
                except PermissionDenied:
                    # A key for posting alone is a sensible one: prove it by what it may do.
                    next(iter(client.list_pages()), None)
                    return True, "The key works. It lacks accounts:read, so the connected networks cannot be shown."
        except OctopostError as error:
            return False, str(error)

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Return the form's extra fields, for Airflow before 3.2."""
        return connection_form.form_widgets()

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return the form's labels and hidden fields, for Airflow before 3.2."""
        return connection_form.field_behaviour()


async def _async_extra(connection: Connection) -> dict[str, Any]:
    try:
        from airflow.providers.common.compat.connection import get_async_extra_dejson
    except ImportError:  # common.compat before 1.23
        import asyncio

        return dict(await asyncio.to_thread(lambda: connection.extra_dejson))
    return dict(await get_async_extra_dejson(connection))


def _describe(accounts: Iterable[Account]) -> str:
    working: list[str] = []
    expired: list[str] = []
    for account in accounts:
        name = f"{account.platform} ({account.username})" if account.username else account.platform
        (expired if account.is_active is False else working).append(name)
    if not working and not expired:
        return "The key works, but no network is connected yet: connect one in the Octopost dashboard."
    parts = [f"Connected: {', '.join(working)}." if working else "No network is connected."]
    if expired:
        parts.append(f"Token expired or revoked, reconnect in the Octopost dashboard: {', '.join(expired)}.")
    return "The key works. " + " ".join(parts)
