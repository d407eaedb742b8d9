"""The API is held to its own OpenAPI document: any input, no server error, and every answer as it is described."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from access_rig import Rig
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from brain.screen.access.demo import Demo

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
CALLERS: dict[str, dict[str, Any] | None] = {
    "dispatcher": {}, "bound": {"districts": ["440402"]}, "auditor": {"roles": ["auditor"], "duty": None},
    "viewer": {"roles": ["viewer"], "duty": None}, "nobody": None,
}  # fmt: skip


@pytest.fixture(scope="module")
def rig() -> Rig:
    return Rig(wait_s=0.0)


def operations(rig: Rig) -> Iterator[Any]:
    async def near(scope: Any, receive: Any, send: Any) -> None:
        """As from this machine, which is all that the demo lets in."""
        if scope["type"] == "http":
            others = [pair for pair in scope["headers"] if pair[0] != b"host"]
            scope = {**scope, "client": ("127.0.0.1", 50_000), "headers": [(b"host", b"127.0.0.1"), *others]}
        await rig.app(scope, receive, send)

    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", near)
    for found in schema.get_all_operations():
        yield found.ok()


def hold(rig: Rig, operation: Any, caller: dict[str, Any] | None, examples: int) -> None:
    headers = {} if caller is None else rig.bearer(**caller)

    @settings(
        max_examples=examples, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(operation.as_strategy())
    def held(case: Any) -> None:
        response = case.call(headers=headers)
        case.validate_response(response, checks=CHECKS)

    held()


def test_any_input_is_answered_as_the_document_says(rig: Rig) -> None:
    names = set()
    for operation in operations(rig):
        names.add(f"{operation.method.upper()} {operation.path}")
        hold(rig, operation, CALLERS["auditor" if operation.path.endswith("/audit") else "dispatcher"], 12)
    assert {"POST /api/v1/incidents", "POST /api/v1/incidents/{incident}/actions", "GET /api/v1/audit"} <= names


@pytest.mark.long
@pytest.mark.parametrize("caller", CALLERS)
def test_any_input_of_any_caller_is_answered_as_the_document_says(caller: str) -> None:
    rig = Rig(wait_s=0.0)
    for operation in operations(rig):
        hold(rig, operation, CALLERS[caller], 300)


def test_any_input_to_the_demo_is_answered_as_the_document_says() -> None:
    rig = Rig(wait_s=0.0, demo=Demo())
    mine = [one for one in operations(rig) if "session" in one.path or one.path.endswith("/me")]
    assert any(one.path.endswith("/session/demo") for one in mine)
    for operation in mine:
        hold(rig, operation, None, 5)


@pytest.mark.parametrize(
    ("path", "where", "kind"),
    [("assets?limit=0", "limit", "bad"), ("assets?health=doubted", "health", "bad"), ("assets?grid=", "grid", "bad"),
     ("board?domain=x", "domain", "bad"), ("board?limit=10001", "limit", "bad"), ("nearby?lat=1", "lon", "bad"),
     ("nearby?lon=181&lat=1", "lon", "bad"), ("nearby?lon=1&lat=1&crs=x", "crs", "bad"),
     ("stats?hours=49", "hours", "bad"),
     ("replay?from=1", "to", "bad"), ("replay?from=-1&to=1", "from", "bad"), ("replay/at?t=x", "t", "bad"),
     ("stream?withheld=5", "withheld", "bad"), ("incidents?limit=0", "limit", "bad"), ("audit?from=-1", "from", "bad"),
     ("audit?cursor=1", "cursor", "bad"), ("replay/at?t=1&u=2", "u", "unknown"), ("codes?u=2", "u", "unknown"),
     ("stats?hours=1&hours=2", "hours", "bad")],
)  # fmt: skip
def test_a_parameter_that_is_not_as_documented_is_refused_by_its_name(
    rig: Rig, path: str, where: str, kind: str
) -> None:
    with rig.client() as c:
        caller = CALLERS["auditor" if path.startswith("audit") else "dispatcher"] or {}
        problem = c.get(f"/api/v1/{path}", headers=rig.bearer(**caller)).json()
    assert problem["type"].endswith(f"/problems#{kind}-parameter")
    assert problem["where"] == where
    assert "/api/v1/openapi.json" in problem["detail"] or "hours=" in path


def test_whoever_asks_the_api_for_what_is_not_there_is_led_to_its_document_and_not_to_the_map(rig: Rig) -> None:
    with rig.client() as c:
        detail = c.get("/api/v1/nothing").json()["detail"]
        assert ("/api/v1/openapi.json" in detail, "/ogc" in detail) == (True, False)
        assert "/ogc" in c.get("/ogc/nothing").json()["detail"]


def test_the_document_names_what_a_query_needs(rig: Rig) -> None:
    with rig.client() as c:
        paths = c.get("/api/v1/openapi.json").json()["paths"]
    needed = {
        f"{path.removeprefix('/api/v1')}?{parameter['name']}"
        for path, operations in paths.items()
        for parameter in operations.get("get", {}).get("parameters", ())
        if parameter["in"] == "query" and parameter["required"]
    }
    assert needed == {"/nearby?lon", "/nearby?lat", "/replay?from", "/replay?to", "/replay/at?t"}


def test_the_document_names_each_answer_of_each_action(rig: Rig) -> None:
    with rig.client() as c:
        paths = c.get("/api/v1/openapi.json").json()["paths"]
    act = paths["/api/v1/incidents/{incident}/actions"]["post"]
    assert set(act["responses"]) == {"200", "202", *map(str, (400, 401, 403, 404, 409, 413, 422, 429, 503))}
    assert "application/problem+json" in act["responses"]["409"]["content"]
    kinds = {one["properties"]["do"]["enum"][0]
             for one in act["requestBody"]["content"]["application/json"]["schema"]["anyOf"]}  # fmt: skip
    assert {"take", "false_alarm", "shelve", "handover"} <= kinds
    assert "create" not in kinds
    assert not {"t", "by"} & set(paths["/api/v1/incidents"]["post"]["requestBody"]["content"]["application/json"]
                                 ["schema"]["properties"])  # fmt: skip
