"""The connection: how it is read, tested and shown as a form."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import BaseHook, Connection

from airflow_provider_octopost import connection_form
from airflow_provider_octopost.hooks.octopost import OctopostHook
from octopost_core.errors import InvalidInput
from octopost_sandbox.process import Sandbox


def set_connection(monkeypatch: pytest.MonkeyPatch, value: str | dict[str, Any]) -> None:
    text = value if isinstance(value, str) else json.dumps({"conn_type": "octopost", **value})
    monkeypatch.setenv("AIRFLOW_CONN_OCTOPOST_DEFAULT", text)


@pytest.mark.parametrize(
    ("connection", "base_url"),
    [
        ({"password": "oct_test_1"}, "https://api.octopost.ink/v1"),
        ({"password": "oct_test_1", "host": "https://octopost.example/v1/"}, "https://octopost.example/v1"),
        ({"password": "oct_test_1", "host": "octopost.example"}, "https://octopost.example/v1"),
        ({"password": "oct_test_1", "host": "octopost.example/v2"}, "https://octopost.example/v2"),
        ({"password": "oct_test_1", "host": "localhost", "port": 8787}, "http://localhost:8787/v1"),
        ("octopost://:oct_test_1@localhost:8787/v2", "http://localhost:8787/v2"),
    ],
)
def test_base_url(monkeypatch: pytest.MonkeyPatch, connection: Any, base_url: str) -> None:
    set_connection(monkeypatch, connection)

    with OctopostHook().get_conn() as client:
        assert client.base_url == base_url


def test_the_same_client_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    set_connection(monkeypatch, {"password": "oct_test_1"})
    hook = OctopostHook()

    assert hook.get_conn() is hook.get_conn()


def test_making_a_hook_looks_nothing_up() -> None:
    assert OctopostHook("a_connection_that_does_not_exist").octopost_conn_id == "a_connection_that_does_not_exist"


@pytest.mark.parametrize(
    ("connection", "words"),
    [
        ({}, "no API key"),
        ({"password": "oct_test_1", "extra": {"read_timeout": "soon"}}, "read_timeout"),
        ({"password": "oct_test_1", "extra": {"thread_field": "tweets"}}, "segments or thread"),
        ({"password": "oct_live_1", "host": "http://octopost.example"}, "https"),
    ],
)
def test_an_unusable_connection_is_told_without_its_key(
    monkeypatch: pytest.MonkeyPatch, connection: dict[str, Any], words: str
) -> None:
    set_connection(monkeypatch, connection)

    with pytest.raises(InvalidInput, match=words) as raised:
        OctopostHook().get_conn()
    assert "oct_" not in str(raised.value).replace("oct_live_...", "").replace("oct_test_...", "")
    assert OctopostHook().test_connection() == (False, str(raised.value))


def test_test_connection_tells_networks_and_expired_tokens(sandbox: Sandbox) -> None:
    sandbox.expire_account("linkedin")
    works, message = OctopostHook().test_connection()

    assert works
    assert "bluesky (" in message.partition("expired")[0]
    assert "linkedin (" in message.partition("expired")[2]


def test_test_connection_with_a_refused_key(sandbox: Sandbox) -> None:
    sandbox.fault("accounts", "unauthorized")
    works, message = OctopostHook().test_connection()

    assert not works
    assert "401" in message
    assert sandbox.api_key not in message


def test_test_connection_with_a_key_that_may_only_post(
    sandbox: Sandbox, connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = sandbox.key("oct_test_posting_only", scopes=["posts:read", "posts:write"])
    set_connection(monkeypatch, {"password": key, "host": sandbox.base_url})
    works, message = OctopostHook().test_connection()

    assert works
    assert "accounts:read" in message


async def test_the_connection_is_read_on_an_event_loop(sandbox: Sandbox) -> None:
    settings = await OctopostHook.async_settings("octopost_default")

    assert settings.base_url == sandbox.base_url
    assert sandbox.api_key not in repr(settings)


def test_both_forms_say_the_same() -> None:
    declared = connection_form.connection_type()
    behaviour = OctopostHook.get_ui_field_behaviour()

    assert declared["ui-field-behaviour"]["hidden-fields"] == behaviour["hidden_fields"]
    assert declared["ui-field-behaviour"]["relabeling"] == behaviour["relabeling"]
    assert declared["ui-field-behaviour"]["placeholders"] == behaviour["placeholders"]
    pytest.importorskip("flask_appbuilder", reason="Airflow 3 has no WTForms; there the declared form is used")
    widgets = OctopostHook.get_connection_form_widgets()
    assert list(widgets) == list(declared["conn-fields"])


def test_airflow_takes_the_form() -> None:
    """Airflow drops a connection type whose form it does not like, with no more than a warning."""
    try:
        from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService
    except ImportError:  # Airflow 2
        from airflow.providers_manager import ProvidersManager

        manager = ProvidersManager()
        assert manager.hooks["octopost"] is not None
        found = {name for name in manager.connection_form_widgets if name.startswith("extra__octopost__")}
        assert found == {f"extra__octopost__{field.name}" for field in connection_form.FIELDS}
        assert manager.field_behaviours["octopost"]["relabeling"]["password"] == "API key"
        return
    [form] = [meta for meta in HookMetaService.hook_meta_data() if meta.connection_type == "octopost"]
    assert form.extra_fields is not None
    assert set(form.extra_fields) == {field.name for field in connection_form.FIELDS}
    assert form.standard_fields is not None
    assert form.standard_fields.password is not None
    assert form.standard_fields.password.title == "API key"


def test_what_the_form_stores_is_read(sandbox: Sandbox, connect: Callable[..., None]) -> None:
    connect(sandbox, read_timeout=7, publish_timeout="99", max_wait=0, thread_field="thread", ca_bundle="")
    client = OctopostHook().get_conn()

    assert client._transport._timeout.read == 7
    assert client._transport._timeout.publish == 99


def test_the_hook_is_what_airflow_finds_for_the_type() -> None:
    assert issubclass(OctopostHook, BaseHook)
    assert (OctopostHook.conn_name_attr, OctopostHook.default_conn_name) == ("octopost_conn_id", "octopost_default")
    assert Connection(conn_id="a", conn_type=OctopostHook.conn_type).conn_type == "octopost"
