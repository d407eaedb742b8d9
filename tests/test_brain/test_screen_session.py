"""Sessions, forgery, other origins, limits, headers, and what people do: answered, once, by whom the token names."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from access_rig import HERE, KEY, NOW, Rig, patiently
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar import Router, get
from litestar.params import FromPath
from screen_map import store

from brain.incidents.actions import Create
from brain.screen import following, writing
from brain.screen.access import origin
from brain.screen.access.config import Limits
from brain.screen.access.gate import REFUSED
from brain.screen.access.limits import Buckets
from brain.screen.access.rights import Right
from brain.screen.app import build
from brain.screen.heard import KEPT_MS, Heard
from brain.screen.whereabouts import MapWhereabouts
from brain.screen.writing import Writing
from streams.log import LogError
from streams.records import TP
from streams.tailing import Seen

ACT = "/api/v1/incidents/inc-here/actions"
NOTE = {"do": "note", "note": "x"}


def test_a_cookie_needs_the_token_against_forgery_and_a_bearer_does_not() -> None:
    rig = Rig()
    with rig.client(base_url="https://brain.test") as c:
        begun = c.post("/api/v1/session", json={"token": rig.token()})
        cookie = begun.headers["set-cookie"]
        for part in ("HttpOnly", "SameSite=strict", "Secure", "Path=/api", "Max-Age=600"):
            assert part in cookie
        csrf = c.get("/api/v1/me").json()["csrf"]
        assert csrf == begun.json()["csrf"] == origin.csrf_of(c.cookies["brain_token"], KEY)
        assert c.post(ACT, json=NOTE).status_code == 403
        assert c.post(ACT, json=NOTE, headers={"X-CSRF-Token": "0" * 48}).status_code == 403
        other = origin.csrf_of(rig.token(sub="op-2"), KEY)
        assert c.post(ACT, json=NOTE, headers={"X-CSRF-Token": other}).status_code == 403
        assert c.post(ACT, json=NOTE, headers={"X-CSRF-Token": csrf}).status_code == 200
        assert c.delete("/api/v1/session").status_code == 403
        assert c.delete("/api/v1/session", headers={"X-CSRF-Token": csrf}).status_code == 204
        assert c.get("/api/v1/me").status_code == 401
        assert c.post(ACT, json=NOTE, headers=rig.bearer()).status_code == 200
    assert [n["what"] for n in rig.notes if n["what"].startswith("session")] == ["session.began", "session.ended"]


def test_a_write_of_another_origin_is_refused_whatever_it_brings() -> None:
    rig = Rig(origins=["https://wall.test"])
    with rig.client(base_url="https://brain.test") as c:

        def post(**headers: str) -> int:
            return c.post(ACT, json=NOTE, headers={**rig.bearer(), **headers}).status_code

        assert post(Origin="https://brain.test") == post() == 200
        for foreign in ("https://evil.test", "http://brain.test", "https://brain.test.evil.test", "null"):
            assert post(Origin=foreign) == 403
        assert post(**{"Sec-Fetch-Site": "cross-site"}) == 403
        assert post(Origin="https://wall.test") == 200
        assert c.post("/api/v1/session", json={"token": rig.token()}, headers={"Origin": "null"}).status_code == 403
        seen = c.get("/api/v1/me", headers={**rig.bearer(), "Origin": "https://wall.test"}).headers
        assert seen["access-control-allow-origin"] == "https://wall.test"
        assert "access-control-allow-credentials" not in seen
        asked = c.options("/api/v1/me", headers={"Origin": "https://wall.test"}).headers
        assert "Authorization" in asked["access-control-allow-headers"]
        assert "access-control-allow-origin" not in c.get("/api/v1/me", headers={"Origin": "https://evil.test"}).headers
    with Rig().client() as c:
        assert "access-control-allow-origin" not in c.get("/api/v1/me", headers={"Origin": "https://a.test"}).headers
        assert c.get("/ogc", headers={"Origin": "https://a.test"}).headers["access-control-allow-origin"] == "*"


def test_every_answer_has_the_headers_that_browsers_must_hold_to() -> None:
    rig = Rig()
    with rig.client(base_url="https://brain.test") as c:
        for path in ("/api/v1/me", "/api/v1/openapi.json", "/ogc", "/problems", "/nowhere"):
            headers = c.get(path, headers={"Accept": "application/json"}).headers
            assert "frame-ancestors" in headers["content-security-policy"] or path == "/problems"
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["strict-transport-security"].startswith("max-age=")
        assert c.get("/api/v1/me").headers["cache-control"] == "no-store"
    with rig.client() as c:
        assert "strict-transport-security" not in c.get("/ogc").headers
    with pytest.raises(ValueError, match="gate"):
        build(store(), lambda: NOW, routers=[Router("/api/v1", route_handlers=[])])


def test_whoever_asks_too_often_waits_and_hears_for_how_long() -> None:
    rig = Rig(Limits(reads=1, reads_burst=3, writes=1, writes_burst=2, failures=1, failures_burst=2, address_times=3))
    with rig.client() as c:
        mine, others = rig.bearer(), rig.bearer(sub="op-2")
        assert [c.get("/api/v1/me", headers=mine).status_code for _ in range(4)] == [200, 200, 200, 429]
        answer = c.get("/api/v1/me", headers=mine)
        assert (answer.headers["retry-after"], answer.json()["status"]) == ("2", 429)
        assert c.get("/api/v1/me", headers=others).status_code == 200
        assert [c.post(ACT, json=NOTE, headers=mine).status_code for _ in range(3)] == [200, 200, 429]
        rig.now += 5_000
        assert c.get("/api/v1/me", headers=mine).status_code == 200
        bad = {"Authorization": "Bearer a.b.c"}
        assert [c.get("/api/v1/me", headers=bad).status_code for _ in range(3)] == [401, 401, 429]
        rig.now += 60_000
        codes = [c.get("/api/v1/me", headers=rig.bearer(sub=f"a-{n}")).status_code for n in range(12)]
        assert codes == [200] * 9 + [429] * 3, "an address stands for several accounts, not for any number"


def refusals() -> dict[str, float]:
    """By reason how many there were in this process."""
    return {s.labels["reason"]: s.value for m in REFUSED.collect() for s in m.samples if s.name.endswith("_total")}


def test_who_writes_without_a_token_again_and_again_is_counted_as_one_who_fails_and_then_waits() -> None:
    rig = Rig(Limits(reads=0, writes=0, failures=1, failures_burst=3))
    before = refusals()
    with rig.client() as c:
        assert [c.get("/api/v1/me").status_code for _ in range(9)] == [401] * 9, "so every page begins"
        answers = [c.post(ACT, json=NOTE) for _ in range(6)]
        assert [a.status_code for a in answers] == [401] * 3 + [429] * 3
        assert [a.json()["reason"] for a in answers] == ["no_token"] * 3 + ["too_many_failures"] * 3
        assert c.post(ACT, json=NOTE, headers=rig.bearer()).status_code == 200, "whoever says who they are may go on"
    made = {reason: n - before[reason] for reason, n in refusals().items() if n != before[reason]}
    assert made == {"no_token": 3.0, "too_many_failures": 3.0}
    assert [(n["what"], n["reason"]) for n in rig.notes] == [("access.refused", "unauthenticated")] * 3


def test_every_way_to_be_refused_is_counted_once_by_a_reason_from_a_closed_list() -> None:
    rig = Rig(Limits(reads=1, reads_burst=1, writes=0, failures=0, address_times=99))
    foreign = {**rig.bearer(), "Origin": "https://evil.test"}
    with rig.client() as c:
        for reason, ask in (
            ("malformed", lambda: c.get("/api/v1/me", headers={"Authorization": "Bearer a.b.c"})),
            ("expired", lambda: c.get("/api/v1/me", headers=rig.bearer(exp=1))),
            ("unknown_key", lambda: c.post("/api/v1/session", json={"token": rig.token(kid="none")})),
            ("forbidden", lambda: c.get("/api/v1/audit", headers=rig.bearer(sub="op-3"))),
            ("forbidden_role", lambda: c.post(ACT, json=NOTE, headers=rig.bearer(duty=None))),
            ("not_found", lambda: c.post(ACT, json=NOTE, headers=rig.bearer(districts=["x"]))),
            ("cross_site", lambda: c.post(ACT, json=NOTE, headers=foreign)),
            ("too_many_requests", lambda: [c.get("/api/v1/me", headers=rig.bearer()) for _ in range(2)][1]),
            ("", lambda: c.post(ACT, json={"do": "fly"}, headers=rig.bearer())),
        ):
            before = refusals()
            assert ask().status_code >= 400
            made = {name: n - before[name] for name, n in refusals().items() if n != before[name]}
            assert made == ({reason: 1.0} if reason else {}), reason
    forged = [n for n in rig.notes if n["asked"] == "POST /api/v1/session"]
    assert [n["reason"] for n in forged] == ["unauthenticated"], "a sign-in that failed is on the audit"


def test_buckets_forget_who_was_silent_longest_and_no_clock_that_goes_back_fills_them() -> None:
    buckets = Buckets(1.0, 2, most=3)
    assert [buckets.take("a", 10.0), buckets.take("a", 10.0), buckets.take("a", 5.0)] == [0.0, 0.0, 1.0]
    for n in range(1000):
        buckets.take(f"k{n}", 10.0)
    assert len(buckets) == 3
    assert Buckets(0.0, 1).take("a", 0.0) == 0.0


def test_the_address_behind_a_proxy_is_believed_only_from_that_proxy() -> None:
    def address(client: str, forwarded: str) -> str:
        headers = {b"x-forwarded-for": forwarded.encode()}
        return origin.address_of({"client": (client, 1)}, headers, ["10.0.0.1", "10.0.0.2"])

    assert address("10.0.0.1", "1.1.1.1, 2.2.2.2, 10.0.0.2") == "2.2.2.2"
    assert address("9.9.9.9", "1.1.1.1") == "9.9.9.9"
    assert address("10.0.0.1", "nonsense") == "10.0.0.1"
    assert [origin.local(h) for h in ("127.0.0.1:80", "[::1]:80", "::1", "localhost", "a.test", "")] == [True] * 4 + [
        False
    ] * 2


def test_actor_and_time_are_the_servers_to_say() -> None:
    rig = Rig()
    with rig.client() as c:
        for forged in ({"by": {"id": "cmd-1", "role": "commander"}}, {"t": 1}, {"incident": "inc-there"}):
            assert c.post(ACT, json={**NOTE, **forged}, headers=rig.bearer()).status_code == 400, forged
        assert c.post(ACT, json={"do": "create", "code": "a.b", "text": "x"}, headers=rig.bearer()).status_code == 400
        assert rig.city.taken == []
        assert c.post(ACT, json=NOTE, headers=rig.bearer(duty=None)).status_code == 403
        made = c.post(ACT, json={**NOTE, "id": "mine"}, headers=rig.bearer())
        assert made.json() == {"id": "mine", "result": "done", "revision": 2}
    (action,) = rig.city.taken
    assert (action.t, action.by.id, action.by.role, action.by.unit) == (NOW, "op-1", "operator", "应急局")
    assert action.incident == "inc-here"


ANSWERS: list[tuple[dict[str, Any], int, dict[str, Any]]] = [
    ({"proposed": True}, 200, {"result": "proposed"}),
    ({"what": "feedback.refused", "reason": "stale_revision", "detail": "d", "other": "op-2", "other_unit": "公安局",
      "revision": 7}, 409, {"by": "op-2", "unit": "公安局", "revision": 7}),
    ({"what": "feedback.refused", "reason": "overtaken", "detail": "d", "other": "op-2", "other_unit": ""}, 409, {}),
    ({"what": "feedback.refused", "reason": "already", "detail": "d", "other": "", "other_unit": ""}, 422,
     {"reason": "already"}),
    ({"what": "feedback.dead", "reason": "late", "detail": "d"}, 422, {"reason": "late"}),
]  # fmt: skip


@pytest.mark.parametrize(("said", "status", "members"), ANSWERS)
def test_what_the_city_says_is_what_the_client_hears(
    said: dict[str, Any], status: int, members: dict[str, Any]
) -> None:
    rig = Rig()
    rig.city.say = said
    with rig.client() as c:
        answer = c.post(ACT, json=NOTE, headers=rig.bearer())
    assert answer.status_code == status
    assert {name: answer.json()[name] for name in members} == members


def test_without_an_answer_in_time_the_same_may_be_sent_again_and_is_the_same_record() -> None:
    rig = Rig()
    rig.city.silent = True
    with rig.client() as c:
        first = c.post(ACT, json=NOTE, headers=rig.bearer())
        assert (first.status_code, first.json()["result"]) == (202, "sent")
        again = {**NOTE, "id": first.json()["id"]}
        rig.now += 2_000
        assert c.post(ACT, json=again, headers=rig.bearer()).status_code == 202
        assert rig.city.taken[0] == rig.city.taken[1], "its time too"
        assert c.post(ACT, json={**again, "note": "y"}, headers=rig.bearer()).status_code == 409
        assert c.post(ACT, json=again, headers=rig.bearer(sub="op-2")).status_code == 409
        rig.city.tell({"what": "feedback.done", "id": first.json()["id"], "do": "note", "named": "inc-here",
                       "by": "op-1", "revision": 3})  # fmt: skip
        late = c.post(ACT, json=again, headers=rig.bearer())
        assert (late.status_code, late.json()["revision"], len(rig.city.taken)) == (200, 3, 2)
        rig.city.failure = LogError("no broker")
        assert c.post(ACT, json=NOTE, headers=rig.bearer()).status_code == 503


def test_after_a_restart_of_the_server_an_answer_that_was_heard_counts_for_the_same_id() -> None:
    rig = Rig()
    rig.city.tell({"what": "feedback.done", "id": "old", "do": "note", "named": "inc-here", "by": "op-1",
                   "revision": 9})  # fmt: skip
    with rig.client() as c:
        assert c.post(ACT, json={**NOTE, "id": "old"}, headers=rig.bearer()).json()["revision"] == 9
        assert c.post(ACT, json={**NOTE, "id": "old"}, headers=rig.bearer(sub="op-2")).status_code == 409
    assert rig.city.taken == []
    rig.city.say = {"what": "feedback.dead", "reason": "conflict", "lane": "feedback/0", "offset": 0}
    with rig.client() as c:
        assert c.post(ACT, json={**NOTE, "id": "going"}, headers=rig.bearer()).status_code == 202, (
            "its first is to come"
        )


def test_personal_data_are_shown_only_after_the_audit_has_who_looked() -> None:
    @get("/incidents/{one:str}", opt={"right": Right.READ, "personal": True}, sync_to_thread=False)
    def incident(one: FromPath[str]) -> str:
        return f"of {one}"

    rig = Rig(more=[Router("/api/v1", route_handlers=[incident])])
    with rig.client() as c:

        def look(**more: Any) -> int:
            return c.get("/api/v1/incidents/inc-1", headers=rig.bearer(**more)).status_code

        rig.failure = LogError("away")
        assert (look(), look(roles=["viewer"], duty=None)) == (503, 200), "who sees nothing personal is not noted"
        rig.failure = None
        assert [look(), look(), look(sub="op-2")] == [200, 200, 200]
        rig.now += 10 * 60_000
        assert look() == 200
    looks = [(n["by"], n["of"]) for n in rig.notes if n["what"] == "access.personal"]
    assert looks == [(who, ["/incidents/inc-1"]) for who in ("op-1", "op-2", "op-1")]


def test_pages_of_the_audit_have_each_note_once_the_newest_first() -> None:
    rig = Rig()
    for n in range(25):
        rig.heard.hear([Seen("audit", n % 2, n, NOW + n // 3, b"", msgspec.json.encode(
            {"what": "x", "by": f"a{n % 3}", "incident": f"inc-{n % 5}", "n": n}))])  # fmt: skip
    rig.heard.hear([Seen("audit", 0, 99, NOW, b"", value) for value in (b"{", b"[]", b"{}", None)])
    auditor = rig.bearer(roles=["auditor"], duty=None)
    with rig.client() as c:

        def page(query: str) -> Any:
            answer = c.get(f"/api/v1/audit?{query}", headers=auditor)
            return answer.json() if answer.status_code == 200 else answer.status_code

        seen, cursor = list[int](), ""
        while cursor is not None:
            found = page(f"limit=4{cursor and '&cursor=' + cursor}")
            seen += [item["note"]["n"] for item in found["items"]]
            cursor = found["next"]
            rig.heard.hear([Seen("audit", 0, 1000 + len(seen), NOW + 99, b"", b'{"what":"newer","n":-1}')])
        assert sorted(seen) == list(range(25))
        assert [i["note"]["by"] for i in page("actor=a1&incident=inc-1")["items"]] == ["a1", "a1"]
        assert len(page(f"from={NOW + 2}&to={NOW + 3}")["items"]) == 6
        for wrong in ("limit=0", "limit=x", "cursor=1", "from=-1", "who=a", "limit=1&limit=2"):
            assert page(wrong) == 400, wrong


def test_what_is_heard_is_kept_for_hours_and_waiters_are_told_by_id_or_place() -> None:
    heard = Heard("p.")
    heard.hear([Seen("audit", 0, 1, NOW, b"", b'{"what":"old"}'), Seen("audit", 0, 2, NOW + KEPT_MS + 1, b"",
               b'{"what":"feedback.dead","reason":"forged_actor","lane":"p.feedback/0","offset":7}')])  # fmt: skip
    assert [n.said["what"] for n in heard.notes()] == ["feedback.dead"]

    async def waits() -> str:
        future = heard.waiter("an-id")
        heard.also(future, heard.by_offset(7))
        said = await asyncio.wait_for(future, 1)
        heard.leave(future, "an-id", heard.by_offset(7))
        return str(said["reason"])

    assert asyncio.run(waits()) == "forged_actor"

    async def late() -> bool:
        heard.hear([Seen("audit", 0, 3, NOW + KEPT_MS + 1, b"", b'{"what":"feedback.done","id":"heard"}')])
        return heard.waiter("heard").done()

    assert asyncio.run(late()), "what is heard before anybody waits counts too"


def test_what_follows_the_audit_goes_on_where_it_was_in_every_partition_when_the_broker_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries = list[dict[TP, int]]()

    def follow(broker: str, topics: list[str], *, positions: dict[TP, int], stop: Any) -> Iterator[Seen]:
        tries.append(dict(positions))
        yield Seen("audit", 0, len(tries) + 4, NOW, b"", b'{"what":"x"}')
        if len(tries) == 1:
            raise LogError("away")
        while not stop():
            time.sleep(0.005)

    begin = {TP("audit", 0): 5, TP("audit", 1): 7}
    monkeypatch.setattr(writing, "since", lambda broker, topic, t: dict(begin))
    monkeypatch.setattr(writing, "follow", follow)
    monkeypatch.setattr(following, "AGAIN_S", 0.01)
    with Writing("nowhere:1", "", lambda: NOW) as w:
        patiently(lambda: len(w.heard.notes()) == 2)
    assert tries == [begin, {**begin, TP("audit", 0): 6}]


def test_where_a_position_lies_follows_from_the_grids_that_are_served() -> None:
    where = MapWhereabouts(store(), lambda: NOW, {"inc-1": HERE}.get)
    assert where.district_of("incident", "inc-1") == HERE
    assert where.district_of("asset", "a") is where.district_of("grid", "none") is None
    assert where.district_of("grid", "g1") == ""

    def at(**more: Any) -> str | None:
        body = {"do": "create", "id": "a", "t": NOW, "by": {"id": "o", "role": "operator"}, "code": "a", "text": "x"}
        return where.district_at(msgspec.convert({**body, **more}, Create))

    assert (at(lon=113.05, lat=22.01), at(grid="g1"), at(), at(lon=0.0, lat=0.0)) == ("", "", None, None)


FUZZ = Rig(wait_s=0.0)


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(
    st.sampled_from([ACT, "/api/v1/incidents", "/api/v1/session", "/api/v1/incidents/%00/actions"]),
    st.one_of(
        st.binary(max_size=64),
        st.sampled_from([b'{"do":"note","note":"\\ud800"}', b"[" * 5000, b'{"do":"note"' * 9, b'{"do":1e999}']),
        st.dictionaries(
            st.sampled_from(["do", "id", "note", "expect", "until", "into", "lon", "lat", "members", "code", "text"]),
            st.none() | st.integers() | st.text(max_size=9) | st.sampled_from(["take", "note", "split"])
            | st.lists(st.integers(), max_size=2) | st.floats(),
            max_size=5,
        ).map(msgspec.json.encode),
    ),
    st.dictionaries(
        st.sampled_from(["Authorization", "Cookie", "Origin", "X-CSRF-Token", "Content-Type", "X-Forwarded-For",
                         "Sec-Fetch-Site", "Accept-Language"]),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40),
        max_size=3,
    ),
    st.booleans(),
)  # fmt: skip
def test_no_bytes_and_no_headers_make_a_server_error(
    path: str, body: bytes, headers: dict[str, str], signed: bool
) -> None:
    with FUZZ.client() as c:
        given_ = {**headers, **(FUZZ.bearer() if signed else {})}
        assert c.post(path, content=body, headers=given_).status_code < 500
