"""What people's actions do to a city of incidents: found, waited for, merged and split, put aside, over and back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from city_rig import LIMITS
from console_rig import LAT, LON, METRE, SET
from people_rig import EPOCH, Town

from brain.incidents.actions import Place
from brain.incidents.archive import KEPT_MS
from brain.incidents.inbox import PATIENCE_MS
from brain.incidents.value import DOMAINS, Incident, incident_id
from streams.records import Notice, Signal


def refused(answer: dict[str, Any]) -> str:
    assert answer["what"] == "feedback.refused"
    return str(answer["reason"])


def test_an_incident_is_confirmed_worked_and_closed_and_all_of_it_is_told() -> None:
    town = Town()
    town.alarm(0, "air", "a")
    one = town.id("a")
    for t, do, more in (
        (1, "confirm", {}), (2, "take", {"expect": 2}), (3, "dispatch", {"units": ["u1"]}), (4, "arrive", {}),
        (5, "resolve", {"note": "done"}), (6, "close", {}),
    ):  # fmt: skip
        assert town.act(t, do, one, **more)["what"] == "feedback.done"
    incident = town.topic[one]
    assert (incident.state, incident.taken_by, incident.confidence) == ("closed", "op-1", "confirmed")
    assert [a.what for a in incident.history] == ["confirm", "take", "dispatch", "arrive", "resolve", "close"]
    assert [n["do"] for n in town.answers] == [a.what for a in incident.history]
    assert len(town.logic) == 0


def test_silence_does_not_end_what_people_work_on_and_resolved_it_closes_by_itself() -> None:
    town = Town()
    one = town.alarm(0, "air", "a")
    town.act(1, "dispatch", town.id("a"), units=["u1"])
    town.over(2, one)
    town.now(4000)
    assert town.of("a").state == "dispatched"
    town.act(4001, "resolve", town.id("a"), note="done")
    assert town.of("a").state == "resolved"
    town.now(4001 + 900)
    assert town.of("a").state == "closed"


def test_a_withheld_incident_that_somebody_sees_to_is_shown() -> None:
    town = Town(calm=0)
    town.alarm(0, "air", "a")
    assert town.of("a").shown is None
    town.act(1, "confirm", town.id("a"))
    assert (town.of("a").withheld, town.of("a").shown) == ("", (EPOCH + 1) * 1000)


def test_an_action_before_its_incident_waits_is_done_in_its_place_and_survives_a_restart() -> None:
    town = Town()
    coming = Signal("eco.fire", "f", "raise", ("in", 0, 3, 0), 0, 3, 0, 0, 0)
    one = incident_id(coming.identity())
    assert town.act(0, "confirm", one)["what"] == "waits"
    assert town.act(1, "dispatch", one, units=["u1"])["what"] == "waits"
    town.restart()
    town.n = 2
    town.alarm(2, "fire", "f")
    assert [n["do"] for n in town.answers] == ["confirm", "dispatch"]
    assert (town.topic[one].state, town.topic[one].history[0].t) == ("dispatched", (EPOCH + 2) * 1000)


def test_an_action_on_what_never_comes_is_refused_after_fifteen_seconds_and_nothing_changes() -> None:
    town = Town()
    assert town.act(0, "confirm", "inc-none")["what"] == "waits"
    town.now(PATIENCE_MS / 1000 - 1)
    assert town.answers == []
    town.now(PATIENCE_MS / 1000)
    assert refused(town.answers[-1]) == "unknown_incident"
    assert "did not come within 15 s" in town.answers[-1]["detail"]
    assert (town.topic, town.state) == ({}, {})


def test_a_refused_action_changes_no_byte() -> None:
    town = Town()
    town.alarm(0, "air", "a")
    before = dict(town.state)
    tried: dict[str, dict[str, Any]] = {
        "close": {}, "take": {"expect": 99}, "split": {"members": ["x"]}, "merge": {"into": "inc-x"}, "unmerge": {},
        "unshelve": {}, "link": {"other": "inc-x"},
    }  # fmt: skip
    for do, more in tried.items():
        refused(town.act(1, do, town.id("a"), **more))
    assert town.state == before


# -- merge, undo, split


def test_a_merge_moves_all_members_and_the_undo_gives_back_what_came_as_it_stands_then() -> None:
    town = Town()
    a, b = town.alarm(0, "air", "a"), town.alarm(1, "air", "b", at=5000)
    one, two = town.id("a"), town.id("b")
    before = town.topic[two].reasons
    answer = town.act(2, "merge", two, into=one)
    assert (answer["state"], answer["to"]) == ("merged", one)
    assert town.open() == {one: ["a", "b"]}
    assert town.topic[one].lon == pytest.approx(LON + 2500 * METRE)  # in the middle
    assert (town.topic[two].state, town.topic[two].merged_into, town.topic[one].merged_from) == ("merged", one, [two])
    town.over(3, b)  # signals find it where it is now
    assert [m.cleared is None for m in town.topic[one].members] == [True, False]
    # Feedback to the one that was merged acts on its successor.
    assert town.act(4, "confirm", two)["incident"] == one
    town.restart()
    assert town.act(5, "unmerge", two)["state"] == "detected"
    assert town.open() == {one: ["a"], two: ["b"]}
    assert (town.topic[two].merged_into, town.topic[one].merged_from) == ("", [])
    assert [town.topic[i].lon for i in (one, two)] == pytest.approx([LON, LON + 5000 * METRE])
    assert town.topic[two].members[0].cleared == (EPOCH + 3) * 1000
    assert town.topic[two].quiet_until is not None
    assert (town.topic[two].onset, town.topic[one].onset) == ((EPOCH + 1) * 1000, EPOCH * 1000)
    assert [x.what for x in town.topic[two].history] == ["merge", "unmerge"]
    assert before
    assert town.topic[two].reasons[: len(before)] == before
    town.over(6, a)
    assert town.topic[one].cleared == (EPOCH + 6) * 1000


def test_a_merge_is_undone_from_the_outside_in() -> None:
    town = Town()
    for n in range(3):
        town.alarm(n, "air", f"a{n}", at=5000 * n)
    ids = [town.id(f"a{n}") for n in range(3)]
    town.act(4, "merge", ids[0], into=ids[1])
    town.act(5, "merge", ids[1], into=ids[2])
    assert refused(town.act(6, "unmerge", ids[0])) == "nothing_to_undo"
    town.act(7, "unmerge", ids[1])
    assert town.open() == {ids[1]: ["a0", "a1"], ids[2]: ["a2"]}
    town.act(8, "unmerge", ids[0])
    assert town.open() == {ids[0]: ["a0"], ids[1]: ["a1"], ids[2]: ["a2"]}


def test_a_split_leaves_two_incidents_that_signals_find() -> None:
    town = Town()
    town.alarm(0, "air", "a")
    b = town.alarm(1, "air", "b", at=10)
    one = town.id("a")
    assert town.open() == {one: ["a", "b"]}
    member = next(m.id for m in town.topic[one].members if m.asset == "b")
    town.act(2, "split", one, members=[member], id="s1")
    new = incident_id("feedback|s1")
    assert town.open() == {one: ["a"], new: ["b"]}
    assert (town.topic[new].links, town.topic[one].links) == ([one], [new])
    town.restart()
    town.over(3, b)
    assert town.topic[new].cleared == (EPOCH + 3) * 1000
    assert town.topic[one].cleared is None
    assert town.act(4, "confirm", new)["state"] == "confirmed"


def test_never_hidden_incidents_are_merged_by_two_persons_and_at_one_site_only() -> None:
    town = Town()
    town.alarm(0, "fire", "a")
    town.alarm(1, "fire", "b", at=400)
    town.alarm(2, "fire", "c", at=4000)
    one, two, far = town.id("a"), town.id("b"), town.id("c")
    assert one != two
    assert refused(town.act(3, "merge", far, into=one)) == "forbidden_life"
    assert refused(town.act(4, "merge", two, into=one)) == "forbidden_life"  # 400 m apart, and no site of the map
    town.logic.book.cases[two].incident.areas = {"site": ["s-1"]}
    town.logic.book.cases[one].incident.areas = {"site": ["s-1"]}
    assert town.act(5, "merge", two, into=one, who="op-1")["proposed"]
    assert refused(town.act(6, "merge", two, into=one, who="op-1")) == "forbidden_life"
    assert town.act(7, "merge", two, into=one, who="op-2")["state"] == "merged"
    assert sorted(town.topic[one].provisional) == sorted(m.id for m in town.topic[one].members)


def test_links_stand_on_both() -> None:
    town = Town()
    town.alarm(0, "air", "a")
    town.alarm(1, "flood", "b")
    town.act(2, "link", town.id("a"), other=town.id("b"))
    assert (town.of("a").links, town.of("b").links) == ([town.id("b")], [town.id("a")])
    assert town.of("b").history[0].to == town.id("a")


# -- by hand


def test_an_incident_by_hand_is_shown_at_once_and_sensors_join_it() -> None:
    town = Town(calm=0)
    place = Place(LON, LAT, "g0", "t1", "d1")
    answer = town.act(0, "create", id="c1", code="eco.flood.x", text="路面积水", level=2, place=place)
    one = answer["incident"]
    assert one == incident_id("feedback|c1")
    incident = town.topic[one]
    assert (incident.domain, incident.name.zh, incident.shown, incident.level) == ("eco", "eco.flood", EPOCH * 1000, 2)
    town.alarm(5, "flood", "w", at=20)
    assert town.open() == {one: sorted(["w", "feedback|c1"])}
    assert (town.topic[one].confidence, town.topic[one].sources) == ("corroborated", ["iot", "people"])


def test_a_fire_by_hand_is_never_hidden_though_the_caller_did_not_say_so() -> None:
    town = Town()
    answer = town.act(0, "create", code="eco.fire.x", text="着火")
    incident = town.topic[answer["incident"]]
    assert incident.life
    assert incident.shown == EPOCH * 1000
    assert refused(town.act(1, "create", role="supervisor", code="eco.fire.x", text="x")) == "forbidden_role"


def test_codes_and_departments_that_the_set_does_not_know_are_refused() -> None:
    town = Town()
    town.alarm(0, "air", "a")
    before = dict(town.state)
    assert refused(town.act(1, "create", code="eco.unheard.of", text="x")) == "unknown_code"
    town.logic.enter("r", SimpleNamespace(routes=ROUTES, scenarios=SET.scenarios))
    assert refused(town.act(2, "create", code="social.unheard", text="x")) == "unknown_code"
    assert refused(town.act(3, "assign", town.id("a"), lead="nobody")) == "unknown_unit"
    assert town.state == before
    assert town.act(4, "create", code="social.dispute.street", text="x")["what"] == "feedback.done"
    town.act(5, "assign", town.id("a"), lead="police", assisting=["water"])
    incident = town.of("a")
    assert (incident.lead, incident.lead_name.zh, incident.assisting) == ("police", "公安局", ["water"])


ROUTES = {
    "version": 1, "departments": {"police": {"zh": "公安局"}, "water": {"zh": "水务局"}},
    "defaults": {d: {"lead": "water"} for d in DOMAINS},
    "routes": [{"event_code": "social.dispute*", "lead": "police"}, {"domain": "social", "lead": "police"}],
}  # fmt: skip


# -- shelves


def test_an_incident_put_aside_comes_back_at_its_end_or_when_a_person_says_so() -> None:
    town = Town()
    town.alarm(0, "air", "a")
    one, until = town.id("a"), (EPOCH + 100) * 1000
    town.act(1, "shelve", one, until=until, note="works")
    assert town.topic[one].withheld == "shelved"
    town.restart()
    town.now(100)
    assert town.topic[one].withheld == ""
    town.act(101, "shelve", one, until=until + 900_000, note="works")
    town.act(102, "unshelve", one)
    assert (town.topic[one].withheld, town.state.get(b"s/incident:" + one.encode())) == ("", None)


def test_a_scope_put_aside_covers_what_is_open_and_what_comes_but_never_what_must_not_be_hidden() -> None:
    town = Town()
    town.alarm(0, "air", "a")
    until = (EPOCH + 1000) * 1000
    assert town.act(1, "shelve", grid="g0", until=until, note="works")["what"] == "feedback.done"
    town.alarm(2, "flood", "b")
    town.alarm(3, "fire", "f")
    assert [town.of(x).withheld for x in "abf"] == ["shelved", "shelved", ""]
    assert (town.answers[-1]["to"], town.answers[-1]["state"]) == ("grid:|g0", "")
    assert refused(town.act(3, "unshelve", town.id("a"))) == "nothing_to_undo"
    assert refused(town.act(4, "shelve", grid="g0", family="eco.fire", until=until, note="x")) == "forbidden_life"
    town.act(5, "unshelve", grid="g0")
    assert [town.of(x).withheld for x in "abf"] == ["", "", ""]
    assert town.of("b").shown is not None
    assert refused(town.act(6, "unshelve", grid="g0")) == "nothing_to_undo"


# -- over and back


@pytest.mark.parametrize("how", ["false_alarm", "close"])
def test_what_is_over_can_be_reopened_with_its_onset_for_a_day(how: str) -> None:
    town = Town()
    a = town.alarm(0, "air", "a")
    one = town.id("a")
    if how == "close":
        town.act(1, "confirm", one)
        town.act(2, "resolve", one, note="done")
    town.act(3, how, one, note="because")
    assert town.open() == {}
    town.restart()
    assert town.act(4, "note", one, note="seen again")["what"] == "feedback.done"
    answer = town.act(10, "reopen", one, note="it burns")
    assert (answer["was"], answer["state"]) == (town.topic[one].history[-1].was, "confirmed")
    assert town.open() == {one: ["a"]}
    assert town.topic[one].onset == EPOCH * 1000
    town.over(11, a)
    assert town.topic[one].cleared == (EPOCH + 11) * 1000
    assert not any(key.startswith((b"e/", b"x/")) for key in town.state)
    town.act(12, "false_alarm", one, note="because")
    town.now(12 + KEPT_MS / 1000)
    assert town.act(13 + KEPT_MS / 1000, "reopen", one, note="too late")["what"] == "waits"
    assert not any(key.startswith(b"e/") for key in town.state)


def test_a_shift_hands_over_all_that_it_has_taken() -> None:
    town = Town()
    for n in range(3):
        town.alarm(n, "air", f"a{n}", at=5000 * n)
    for n in range(2):
        town.act(4 + n, "take", town.id(f"a{n}"), expect=2)
    town.act(9, "handover", **{"from": "op-1", "to": "op-2"}, id="shift")
    assert [town.of(f"a{n}").taken_by for n in range(3)] == ["op-2", "op-2", ""]
    assert [n["incident"] for n in town.answers if n["id"] == "shift"] == sorted(town.id(f"a{n}") for n in range(2))
    assert refused(town.act(10, "handover", **{"from": "op-1", "to": "op-2"})) == "not_taken"


def test_people_move_clocks_and_what_cannot_be_extended_is_refused() -> None:
    town = Town()
    town.logic.enter("c", SimpleNamespace(routes=None, limits=LIMITS, scenarios=SET.scenarios))
    town.alarm(0, "air", "a")
    one = town.id("a")
    before = {clock.name: clock.due for clock in town.of("a").clocks}
    assert "dispose" in before
    town.act(1, "take", one, expect=2)
    town.act(2, "extend", one, minutes=30, note="rain")
    clocks = {clock.name: clock for clock in town.of("a").clocks}
    assert clocks["accept"].stopped is not None
    assert clocks["dispose"].due > before["dispose"]
    for n in range(9):
        last = town.act(3 + n, "extend", one, minutes=30, note="rain")
    assert refused(last) == "no_limit"
    town.act(20, "confirm", one)
    town.act(21, "resolve", one, note="x")
    assert all(clock.stopped is not None for clock in town.of("a").clocks)
    assert refused(town.act(22, "extend", one, days=1, note="x")) == "illegal_transition"
    town.act(23, "reopen", one, note="x")
    assert any(clock.running() for clock in town.of("a").clocks)


def test_an_official_warning_is_told_in_its_place() -> None:
    town = Town()
    body = {"id": "w-1", "sender": "met", "kind": "alert", "event": "台风", "colour": "red", "onset": 5, "text": "long"}
    packed = msgspec.Raw(msgspec.json.encode(body))
    town.logic.notice(Notice("warning", "w-1", "w-1", 5, 1, 0, packed, EPOCH * 1000))
    town.take()
    (note,) = town.audit
    assert (note["what"], note["event"], note["colour"], note["fold"]) == (
        "warning.accepted",
        "台风",
        "red",
        EPOCH * 1000,
    )
    assert town.state == {}


def test_a_restart_anywhere_changes_nothing() -> None:
    def play(restarts: bool) -> tuple[dict[str, Incident], dict[bytes, bytes], list[dict[str, Any]]]:
        town = Town()
        signals = [town.alarm(n, "air", f"a{n}", at=5000 * (n // 2)) for n in range(6)]
        ids = [town.id(f"a{n}") for n in range(0, 6, 2)]
        steps: list[tuple[str, str, dict[str, Any]]] = [
            ("confirm", ids[0], {}), ("merge", ids[1], {"into": ids[0]}), ("take", ids[1], {"expect": 3}),
            ("confirm", "inc-later", {}), ("shelve", ids[2], {"until": (EPOCH + 60) * 1000, "note": "x"}),
            ("unmerge", ids[1], {}), ("resolve", ids[0], {"note": "x"}), ("false_alarm", ids[1], {"note": "x"}),
            ("reopen", ids[1], {"note": "x"}), ("link", ids[1], {"other": ids[2]}),
        ]  # fmt: skip
        for n, (do, one, more) in enumerate(steps):
            if restarts:
                town.restart()
            town.act(10 + 3 * n, do, one, **more)
        for n, signal in enumerate(signals):
            town.over(100 + n, signal)
        town.now(5000)
        return town.topic, town.state, town.audit

    assert play(True) == play(False)
