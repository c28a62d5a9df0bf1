"""Whatever fits the OpenAPI description is answered as described: no 5xx, no status it does not name."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import status_code_conformance

from octopost_sandbox import control
from octopost_sandbox.openapi import describe
from octopost_sandbox.process import Sandbox

schema = schemathesis.openapi.from_dict(describe("http://127.0.0.1"))


def test_every_control_route_is_described() -> None:
    described = {(method.upper(), path) for path, methods in describe("")["paths"].items() for method in methods}
    served = {
        (method, f"/_sandbox{route.path}") for route in control.ROUTES for method in (route.methods or set()) - {"HEAD"}
    }
    assert served <= described


def existing(sandbox: Sandbox, path: str) -> str:
    if "posts" in path:
        return sandbox.seed([{"content": "x", "platforms": ["twitter"]}])[0]
    if "faults" in path:
        return sandbox.fault("list", "empty_200", count=0)
    return "acc_twitter" if "accounts" in path else "preset_sys_001"


@pytest.mark.slow
@schema.parametrize()
@settings(
    max_examples=15, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip
def test_no_surprise(case: Any, octopost_sandbox_process: Sandbox) -> None:
    if case.path == "/_sandbox/wait":
        case.query["timeout"] = "0"
    if "{id}" in case.path and len(repr(case.body)) % 2:  # now and then an id that exists
        case.path_parameters["id"] = existing(octopost_sandbox_process, case.path)
    case.call_and_validate(
        base_url=octopost_sandbox_process.root,
        headers={"Authorization": "Bearer oct_test_schemathesis"},
        checks=(not_a_server_error, status_code_conformance),
        timeout=20,
    )
