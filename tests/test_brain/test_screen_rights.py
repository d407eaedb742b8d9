"""Every route × every role: the table is written out here, and a route that it lacks fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from access_rig import CALLER, HERE, NOTED, SAID, THERE, Rig, private
from cryptography.hazmat.primitives import serialization
from litestar import Router, get
from litestar.routes import HTTPRoute
from litestar.testing import TestClient
from structlog.testing import capture_logs

from brain.screen.access.demo import ACCOUNTS, Demo
from brain.screen.access.rights import RIGHTS, Right, Role

V, D, T, S, C, A = Role.VIEWER, Role.DISPATCHER, Role.DOMAIN, Role.SYSTEM, Role.SECURITY, Role.AUDITOR
ALL = {V, D, T, S, C, A}
OPEN: set[Role] | None = None
"""Everybody, without a token too."""
TABLE: dict[tuple[str, str], set[Role] | None] = {
    ("GET", "/"): OPEN,
    ("GET", "/assets/{name}"): OPEN,
    ("GET", "/icon.svg"): OPEN,
    ("GET", "/problems"): OPEN,
    ("GET", "/metrics"): OPEN,  # the network decides who reaches these three
    ("GET", "/health/live"): OPEN,
    ("GET", "/health/ready"): OPEN,
    ("GET", "/ogc"): OPEN,
    ("GET", "/ogc/conformance"): OPEN,
    ("GET", "/ogc/api"): OPEN,
    ("GET", "/ogc/collections"): OPEN,
    ("GET", "/ogc/collections/{name}"): OPEN,
    ("GET", "/ogc/collections/{name}/items"): OPEN,
    ("GET", "/ogc/collections/{name}/items/{code}"): OPEN,
    ("GET", "/api/v1"): OPEN,  # the OpenAPI document, and its other address
    ("GET", "/api/v1/openapi.json"): OPEN,
    ("POST", "/api/v1/session"): OPEN,
    ("DELETE", "/api/v1/session"): ALL,
    ("GET", "/api/v1/me"): ALL,
    ("POST", "/api/v1/incidents"): {D},
    ("POST", "/api/v1/incidents/{incident}/actions"): {D},
    ("GET", "/api/v1/audit"): {A},
    ("GET", "/api/v1/board"): {V, D, T, S, A},
    ("GET", "/api/v1/incidents"): {V, D, T, S, A},
    ("GET", "/api/v1/incidents/{incident}"): {V, D, T, S, A},
    ("GET", "/api/v1/incidents/{incident}/similar"): {V, D, T, S, A},
    ("GET", "/api/v1/incidents/{incident}/firing"): {D, T, A},
    ("GET", "/api/v1/nearby"): {V, D, T, S, A},
    ("GET", "/api/v1/codes"): {V, D, T, S, A},
    ("GET", "/api/v1/stream"): {V, D, T, S, A},
    ("GET", "/api/v1/stats"): {V, D, T, S, A},
    ("GET", "/api/v1/status"): {V, D, T, S, A},
    ("GET", "/api/v1/replay"): {V, D, T, S, A},
    ("GET", "/api/v1/replay/at"): {V, D, T, S, A},
    ("GET", "/api/v1/layers"): {V, D, T, S, A},
    ("GET", "/api/v1/assets"): {V, D, T, S},
    ("GET", "/api/v1/assets/{asset}"): {V, D, T, S},
    ("GET", "/api/v1/assets/summary"): {V, D, T, S},
}
FILLED = {"{name}": "grid", "{code}": "g1", "{incident}": "inc-here", "{asset}": "wl-1"}
BODIES: dict[str, Any] = {
    "/api/v1/incidents": {"code": "emergency.fire", "text": "x", "grid": "g-here"},
    "/api/v1/incidents/{incident}/actions": {"do": "note", "note": "x"},
}


@pytest.fixture(scope="module")
def rig() -> Rig:
    return Rig()


@pytest.fixture(scope="module")
def c(rig: Rig) -> Iterator[TestClient[Any]]:
    with rig.client() as made:
        yield made


def routes_of(app: Any) -> list[tuple[str, str, Any]]:
    """Method, path with its parameters by name, handler; of all but OPTIONS, and HEAD where GET is there."""
    found = []
    for route in app.routes:
        assert isinstance(route, HTTPRoute), f"{route.path}: only HTTP is guarded"
        path = route.path_format
        for handler in route.route_handlers:
            found += [(m, path, handler) for m in handler.http_methods if m not in {"OPTIONS", "HEAD"}]
    return sorted(found, key=lambda entry: (entry[1], entry[0]))


def call(c: TestClient[Any], method: str, path: str, headers: dict[str, str]) -> int:
    for name, value in FILLED.items():
        path = path.replace(name, value)
    body = BODIES.get(path.replace("inc-here", "{incident}")) if method == "POST" else None
    path += "?lon=113.5&lat=22.2" if path.endswith("/nearby") else ""
    return c.request(method, path, headers=headers, json=body, follow_redirects=False).status_code


def test_every_route_names_a_right_and_stands_in_the_table(rig: Rig) -> None:
    routes = routes_of(rig.app)
    assert {(method, path) for method, path, _ in routes} == set(TABLE)
    with rig.client() as c:
        assert c.get("/api/v1/nowhere").json()["type"].endswith("#not-found")
    assert all(isinstance(handler.opt.get("right"), Right) for *_, handler in routes)


@pytest.mark.parametrize("role", [*Role, None])
def test_every_role_gets_what_the_table_says_and_nothing_else(rig: Rig, c: TestClient[Any], role: Role | None) -> None:
    headers = {} if role is None else rig.bearer(roles=[role.value], duty="operator" if role is D else None)
    for (method, path), allowed in TABLE.items():
        got = call(c, method, path, headers)
        if allowed is OPEN:
            assert got not in {401, 403}, (method, path)
        elif role is None:
            assert got == 401, (method, path)
        else:
            assert (got == 403) == (role not in allowed), (method, path, role, got)
            assert got < 500


def test_a_token_that_does_not_hold_opens_no_route_that_needs_one(rig: Rig, c: TestClient[Any]) -> None:
    at = rig.now // 1000
    public = (
        private("rsa")
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    good = rig.token()
    tokens = {
        "none": "eyJhbGciOiJub25lIn0." + good.split(".")[1] + ".", "forged": good[:-10] + "AAAAAAAAAA",
        "expired": rig.token(exp=at - 60), "audience": rig.token(aud="other"), "issuer": rig.token(iss="other"),
        "path in kid": rig.token(kid="../../keys"), "empty": "", "confused": "e30.e30." + public.hex(),
    }  # fmt: skip
    for (method, path), allowed in TABLE.items():
        for name, token in tokens.items():
            if allowed is not OPEN:
                assert call(c, method, path, {"Authorization": f"Bearer {token}"}) == 401, (path, name)
                assert call(c, method, path, {"Cookie": f"brain_token={token}"}) == 401, (path, name)
    answer = c.get("/api/v1/me", headers={"Authorization": f"Bearer {tokens['expired']}", "Accept-Language": "en"})
    assert answer.headers["www-authenticate"].endswith('error="invalid_token", error_description="expired"')
    assert (answer.headers["content-type"], answer.json()["reason"]) == ("application/problem+json", "expired")


def test_a_route_without_a_right_is_closed_to_everybody(rig: Rig) -> None:
    @get("/forgotten", sync_to_thread=False)
    def forgotten() -> str:
        return "open"

    made = Rig(more=[Router("/api/v1", route_handlers=[forgotten])])
    with made.client() as c, capture_logs() as logs:
        answer = c.get("/api/v1/forgotten", headers=made.bearer())
    assert (answer.status_code, "open" in answer.text) == (500, False)
    assert any("names no right" in line["event"] for line in logs)


def test_the_three_administrators_have_no_right_to_act_and_only_the_dispatcher_sees_what_is_personal() -> None:
    assert {role for role in Role if Right.ACT in RIGHTS[role]} == {D}
    assert {role for role in Role if Right.PERSONAL in RIGHTS[role]} == {D}
    assert {role for role in Role if Right.AUDIT in RIGHTS[role]} == {A}


ACTIONS: list[tuple[dict[str, Any], str, int]] = [
    ({"do": "take", "expect": 1}, "inc-here", 200),
    ({"do": "take", "expect": 1}, "inc-there", 404),
    ({"do": "take", "expect": 1}, "inc-nowhere", 404),
    ({"do": "merge", "into": "inc-there"}, "inc-here", 404),
    ({"do": "link", "other": "inc-there"}, "inc-here", 404),
    ({"do": "shelve", "asset": "a-here", "until": 1_800_000_100_000, "note": "x"}, "inc-here", 200),
    ({"do": "shelve", "asset": "a-there", "until": 1_800_000_100_000, "note": "x"}, "inc-here", 403),
    ({"do": "shelve", "grid": "g-there", "until": 1_800_000_100_000, "note": "x"}, "inc-here", 403),
    ({"do": "shelve", "grid": "g-nowhere", "until": 1_800_000_100_000, "note": "x"}, "inc-here", 403),
    ({"do": "handover", "from": "op-1", "to": "op-2", "incident": ""}, "inc-here", 200),
    ({"do": "handover", "from": "op-9", "to": "op-2", "incident": ""}, "inc-here", 403),
    ({"do": "grade", "grade": "major"}, "inc-here", 403),  # for commanders
]


@pytest.mark.parametrize(("body", "incident", "expected"), ACTIONS)
def test_an_account_of_a_district_acts_within_it_alone(
    rig: Rig, c: TestClient[Any], body: dict[str, Any], incident: str, expected: int
) -> None:
    before = len(rig.city.taken)
    answer = c.post(f"/api/v1/incidents/{incident}/actions", headers=rig.bearer(districts=[HERE]), json=body)
    assert answer.status_code == expected, answer.text
    assert (len(rig.city.taken) > before) == (expected == 200)
    everywhere = c.post(f"/api/v1/incidents/{incident}/actions", headers=rig.bearer(districts=[HERE, THERE]), json=body)
    assert everywhere.status_code in {200, 403, 404}
    free = c.post(f"/api/v1/incidents/{incident}/actions", headers=rig.bearer(), json=body)
    assert free.status_code == (403 if body["do"] == "grade" else 200), free.text


def test_an_incident_shows_each_role_what_its_rights_are_for(rig: Rig, c: TestClient[Any]) -> None:
    seen = {}
    for role in sorted({V, D, T, S, A}):
        headers = rig.bearer(roles=[role.value], duty="operator" if role is D else None)
        paths = ("incidents/inc-here", "incidents", "board?withheld=true", "incidents/inc-here/similar")
        seen[role] = "".join(c.get(f"/api/v1/{path}", headers=headers).text for path in paths)
    assert {role for role, text in seen.items() if CALLER in text or NOTED in text or SAID in text} == {D}
    assert {role for role, text in seen.items() if '"people_n":41.5' in text} == {D, T, A}, "numbers are evidence"
    assert {role for role, text in seen.items() if "asset-1" in text} == {D, T, A}
    assert all("inc-here" in text for text in seen.values())
    assert any(n["what"] == "access.personal" and n["of"] == ["/incidents/inc-here"] for n in rig.notes)


def test_who_is_bound_to_districts_reads_no_incident_of_others(rig: Rig, c: TestClient[Any]) -> None:
    for role in sorted({V, D, T, S, A}):
        bound = rig.bearer(roles=[role.value], duty=None, districts=[HERE])
        for path in ("board?withheld=true", "incidents", "nearby?lon=113.5&lat=22.2", "incidents/inc-here/similar"):
            text = c.get(f"/api/v1/{path}", headers=bound).text
            assert "inc-there" not in text, (role, path)
        assert c.get("/api/v1/incidents/inc-here", headers=bound).status_code == 200
        hidden = c.get("/api/v1/incidents/inc-there", headers=bound)
        gone = c.get("/api/v1/incidents/inc-gone", headers=bound)
        assert (hidden.status_code, gone.status_code) == (404, 404)
        assert hidden.text.replace("inc-there", "inc-gone") == gone.text
        if role in {D, T, A}:
            assert c.get("/api/v1/incidents/inc-there/firing", headers=bound).status_code == 404


def test_an_incident_is_made_only_where_the_account_may(rig: Rig, c: TestClient[Any]) -> None:
    def made(**more: Any) -> int:
        body = {"code": "emergency.fire", "text": "三楼冒烟", **more}
        return c.post("/api/v1/incidents", headers=rig.bearer(districts=[HERE]), json=body).status_code

    assert [made(grid="g-here"), made(grid="g-there"), made(grid="g-nowhere"), made()] == [201, 403, 403, 403]


def test_what_was_refused_of_writes_is_on_the_audit_with_who_and_why(rig: Rig, c: TestClient[Any]) -> None:
    rig.notes.clear()
    c.post("/api/v1/incidents/inc-there/actions", headers=rig.bearer(districts=[HERE]), json={"do": "close"})
    c.post("/api/v1/incidents", headers=rig.bearer(roles=["system"], sub="sys-1", duty=None), json={})
    c.post("/api/v1/incidents", json={})
    c.get("/api/v1/audit", headers=rig.bearer())
    kept = [(n["what"], n["by"], n["reason"], n["of"]) for n in rig.notes]
    assert kept == [
        ("access.refused", "op-1", "not-found", ["inc-there"]), ("access.refused", "sys-1", "forbidden", []),
        ("access.refused", "", "unauthenticated", []), ("access.refused", "op-1", "forbidden", []),
    ]  # fmt: skip


def test_the_demo_takes_its_own_accounts_on_this_machine_and_no_others() -> None:
    demo = Demo()
    rig = Rig(demo=demo)
    with rig.client(base_url="http://127.0.0.1:8080", address="127.0.0.1") as c:
        listed = c.get("/api/v1/session/demo").json()["items"]
        assert [a["id"] for a in listed] == [a.id for a in ACCOUNTS]
        for account in ACCOUNTS:
            assert c.post("/api/v1/session/demo", json={"account": account.id}).json()["roles"] == [account.role]
        assert c.get("/api/v1/me").json()["id"] == "aud-01", "by the cookie"
        assert c.post("/api/v1/session/demo", json={"account": "root"}).status_code == 404
        assert c.get("/api/v1/me", headers={"Authorization": f"Bearer {rig.token()}"}).status_code == 401
        assert c.get("/api/v1/session/demo", headers={"Host": "brain.example.test"}).status_code == 403
    with rig.client(base_url="http://127.0.0.1:8080", address="10.0.0.9") as c:
        assert c.get("/api/v1/session/demo").status_code == 403
    with Rig().client() as c:
        assert c.get("/api/v1/session/demo").status_code in {404, 405}
