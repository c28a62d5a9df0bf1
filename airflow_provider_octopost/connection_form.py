"""The connection form, described once.

Airflow 3.2 and newer read it from the provider's metadata (``conn-fields``, ``ui-field-behaviour``); 2.11 to 3.1 ask
the hook for WTForms widgets and a behaviour dict. Both are made from ``FIELDS`` here, so they cannot drift apart.
Imported whenever Airflow lists its providers, hence free of imports that cost anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

HIDDEN = ("login", "schema", "port", "extra")
RELABELED = {"host": "Base URL", "password": "API key"}
DEFAULT_BASE_URL = "https://api.octopost.ink/v1"


@dataclass(frozen=True)
class Field:
    """Describe one extra field of the connection.

    :param name: Key in the connection's extra.
    :param label: What the form calls it.
    :param kind: JSON type: ``string``, ``integer`` or ``boolean``.
    :param description: One sentence for the person who fills it in.
    :param default: Value where the field is left empty.
    :param choices: The allowed values, or empty for any.
    :param minimum: Smallest number allowed.
    """

    name: str
    label: str
    kind: str
    description: str
    default: str | int | bool | None = None
    choices: tuple[str, ...] = ()
    minimum: int | None = None

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the field, as Airflow 3.2 and newer want it."""
        schema: dict[str, Any] = {"type": [self.kind, "null"], "default": self.default}
        if self.choices:
            schema["enum"] = list(self.choices)
        if self.minimum is not None:
            schema["minimum"] = self.minimum
        return schema


FIELDS = (
    Field(
        "read_timeout", "Read timeout", "integer", "Seconds to wait for a reply; 30 where empty.", default=30, minimum=1
    ),
    Field(
        "publish_timeout",
        "Publish timeout",
        "integer",
        "Seconds to wait for the reply to a publish call, which may take as long as the networks do; 300 where empty.",
        default=300,
        minimum=1,
    ),
    Field(
        "max_wait",
        "Longest wait for a limit",
        "integer",
        "Seconds one call may wait for a rate limit or between tries before the task is told; 60 where empty.",
        default=60,
        minimum=0,
    ),
    Field(
        "thread_field",
        "Threads as",
        "string",
        "How the replies of a thread are sent; change it only if Octopost support says so.",
        default="segments",
        choices=("segments", "thread"),
    ),
    Field("ca_bundle", "CA bundle", "string", "Path of a CA bundle on the workers, for a proxy that inspects TLS."),
)


def placeholders() -> dict[str, str]:
    """Return the grey texts of the empty form."""
    return {"host": DEFAULT_BASE_URL, "password": "oct_live_... or oct_test_..."}


def connection_type() -> dict[str, Any]:
    """Return the provider-info entry of the connection type (Airflow 3.2 and newer read the form from it)."""
    return {
        "connection-type": "octopost",
        "hook-class-name": "airflow_provider_octopost.hooks.octopost.OctopostHook",
        "hook-name": "Octopost",
        "ui-field-behaviour": {
            "hidden-fields": list(HIDDEN),
            "relabeling": dict(RELABELED),
            "placeholders": placeholders(),
        },
        "conn-fields": {
            field.name: {"label": field.label, "description": field.description, "schema": field.schema()}
            for field in FIELDS
        },
    }


def field_behaviour() -> dict[str, Any]:
    """Return the behaviour dict that Airflow before 3.2 asks the hook for."""
    return {"hidden_fields": list(HIDDEN), "relabeling": dict(RELABELED), "placeholders": placeholders()}


def form_widgets() -> dict[str, Any]:
    """Return the WTForms fields that Airflow before 3.2 asks the hook for.

    Airflow 3.0 and 3.1 put stand-ins in the place of WTForms and Flask-AppBuilder while they ask.
    """
    try:
        from flask_appbuilder.fieldwidgets import BS3TextFieldWidget
        from flask_babel import lazy_gettext
        from wtforms import IntegerField, StringField
        from wtforms.validators import NumberRange, Optional, any_of
    except ModuleNotFoundError:  # those Airflows elsewhere: the labels must not be lost with the fields
        return {}

    def widget(field: Field) -> Any:
        label, text = lazy_gettext(field.label), {"description": field.description, "default": field.default}
        if field.choices:
            # Airflow accepts four kinds of field and drops the whole connection type for any other, a select too.
            limits = [Optional(), any_of(list(field.choices))]
            return StringField(label, validators=limits, widget=BS3TextFieldWidget(), **text)
        if field.kind == "integer":
            limits = [Optional(), NumberRange(min=field.minimum)]
            return IntegerField(label, validators=limits, widget=BS3TextFieldWidget(), **text)
        return StringField(label, widget=BS3TextFieldWidget(), **text)

    return {field.name: widget(field) for field in FIELDS}
