"""The lifecycle: every action in every state, two persons who act at once, orders in which it may come, what waits."""

from __future__ import annotations

import itertools
import json
from typing import Any

import msgspec
import pytest
from city_rig import put_into

from brain.incidents import actions
from brain.incidents.actions import CLASSES, KINDS, Accepted, Actor, AnyAction, Role, kind_of
from brain.incidents.inbox import PATIENCE_MS, Waiting, audit
from brain.incidents.life import (
    BY_BOOK,
    HISTORY_KEPT,
    PROMISE_LIFE_MS,
    PROPOSAL_MS,
    SHELF_MS,
    Done,
    Refused,
    apply,
    judge,
    may,
    may_merge,
    may_shelve,
    next_state,
    propose,
    record,
)
from brain.incidents.transitions import NEXT, ROLES, Refusal
from brain.incidents.value import Incident, Member, State, Text
from streams.records import Notice

T0 = 1_718_000_000_000
STATES: tuple[State, ...] = (
    "detected", "confirmed", "dispatched", "handling", "resolved", "closed", "false_alarm", "merged",
)  # fmt: skip
NEEDED: dict[str, dict[str, Any]] = {
    "assign": {"lead": "fire"}, "take": {"expect": 1}, "dispatch": {"units": ["u-1"]}, "split": {"members": ["m1"]},
    "merge": {"into": "inc-2"}, "link": {"other": "inc-2"}, "handover": {"giver": "op-9", "taker": "op-8"},
    "shelve": {"until": T0 + 60_000}, "grade": {"grade": "major"}, "respond": {"response": "II"},
    "extend": {"days": 2}, "wait": {"until": T0 + 86_400_000},
    "create": {"code": "emergency.fire", "text": "x"},
}  # fmt: skip
A, B = Actor("op-1", Role.COMMANDER, "desk"), Actor("op-2", Role.COMMANDER, "fire")


def incident(state: State = "detected", **more: Any) -> Incident:
    made = Incident(
        id="inc-1", revision=1, state=state, domain="emergency", scenario="emergency.fire.call", scenario_version=1,
        event_code="emergency.fire", name=Text("火情", "Fire"), level=2, peak_level=2, life=False, onset=T0, opened=T0,
        raised=T0, updated=T0, family="emergency.fire", members=[Member("m1", "a1", T0), Member("m2", "a2", T0)],
    )  # fmt: skip
    for name, value in more.items():
        setattr(made, name, value)
    return made


def act(kind: str, by: Actor = A, t: int = T0, id: str = "a", **more: Any) -> Any:
    given: dict[str, Any] = {"id": id, "t": t, "by": by, "note": "because", **NEEDED.get(kind, {}), **more}
    if kind != "create":
        given.setdefault("incident", "inc-1")
    return CLASSES[kind](**given)


def do(to: Incident, kind: str, now: int = T0, **more: Any) -> Done | Refused:
    return apply(to, act(kind, t=more.pop("t", now), **more), now)


def refusal(answer: Done | Refused | None) -> Refusal:
    assert isinstance(answer, Refused)
    return answer.reason


@pytest.mark.parametrize("kind", KINDS)
def test_every_action_in_every_state_does_what_the_table_says_or_nothing(kind: str) -> None:
    for state in STATES:
        one = incident(state, taken_by="op-9", withheld="shelved" if kind == "unshelve" else "", merged_into="inc-2")
        before = msgspec.json.encode(one)
        action, legal = act(kind), state in NEXT[kind]
        answer = judge(one, action, T0) if kind in BY_BOOK else apply(one, action, T0)
        if kind in BY_BOOK:
            assert msgspec.json.encode(one) == before
            assert (answer is None) == legal, state
        elif legal:
            assert isinstance(answer, Done), state
            assert (answer.was, answer.state, one.state) == (state, NEXT[kind][state], NEXT[kind][state])
            (written,) = one.history
            assert (written.what, written.by, written.unit, written.role) == (kind, "op-1", "desk", "commander")
            assert written.was == (state if NEXT[kind][state] != state else "")
            assert (one.revision, written.revision, one.updated) == (2, 2, T0)
        else:
            assert refusal(answer) in {Refusal.ILLEGAL_TRANSITION, Refusal.ALREADY, Refusal.NOTHING_TO_UNDO}
            assert msgspec.json.encode(one) == before, state


def test_the_table_is_as_it_is_written_down() -> None:
    """One line a kind: the states it is legal in, by their initials, and where it leads."""
    letter = dict(zip(STATES, "dcphrxfm", strict=True))
    said = {kind: " ".join(f"{letter[a]}{letter[b]}" for a, b in NEXT[kind].items()) for kind in KINDS}
    assert {kind: sorted(moves.split()) for kind, moves in said.items()} == {
        kind: sorted(moves.split()) for kind, moves in TABLE.items()
    }


TABLE = {
    "create": "", "confirm": "dc cc pp hh", "false_alarm": "df cf pf hf rf", "assign": "dd cc pp hh",
    "take": "dd cc pp hh", "dispatch": "dp cp pp hh", "arrive": "ch ph hh", "resolve": "cr pr hr", "close": "rx",
    "reopen": "rc xc fc", "split": "dd cc pp hh rr", "merge": "dm cm pm hm rm", "unmerge": "md",
    "link": "dd cc pp hh rr xx ff", "handover": "dd cc pp hh", "shelve": "dd cc", "unshelve": "dd cc pp hh",
    "grade": "dd cc pp hh rr", "respond": "dd cc pp hh rr", "extend": "dd cc pp hh", "return": "dd cc pc hc",
    "dispute": "dd cc pp hh", "settle": "dd cc pp hh", "wait": "dd cc pp hh", "supervise": "dd cc pp hh",
    "acknowledge": "dd cc pp hh rr", "note": "dd cc pp hh rr xx ff mm",
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_action_is_open_to_the_roles_of_its_row_alone(kind: str) -> None:
    for role in Role:
        refused = may(act(kind, Actor("x", role)))
        assert (refused is None) == (role in ROLES[kind])
        if refused is not None:
            assert refusal(refused) is Refusal.FORBIDDEN_ROLE
            assert role in refused.detail


def test_an_incident_goes_the_whole_way() -> None:
    one = incident(quiet_until=T0 + 9)
    way = [
        do(one, kind, T0 + i, id=f"a{i}")
        for i, kind in enumerate(("confirm", "dispatch", "arrive", "resolve", "close", "reopen", "resolve"))
    ]
    assert [d.state for d in way if isinstance(d, Done)] == [
        "confirmed", "dispatched", "handling", "resolved", "closed", "handling", "resolved",
    ]  # fmt: skip
    assert (one.onset, one.resolved, one.confidence, one.quiet_until) == (T0, T0 + 6, "confirmed", None)
    assert [a.to for a in one.history][:2] == ["", "u-1"]


def test_what_the_book_does_is_not_done_here() -> None:
    for kind in sorted(BY_BOOK):
        with pytest.raises(TypeError, match="done by the book"):
            apply(incident(), act(kind), T0)


# -- two persons at once


def test_of_two_who_take_at_once_the_second_learns_who_was_first() -> None:
    one = incident(revision=7)
    assert isinstance(do(one, "take", by=A, expect=7, id="a"), Done)
    answer = do(one, "take", by=B, expect=7, id="b")
    assert refusal(answer) is Refusal.STALE_REVISION
    assert isinstance(answer, Refused)
    assert (answer.by, answer.unit) == ("op-1", "desk")
    assert "op-1 (desk)" in answer.detail
    assert one.taken_by == "op-1"
    assert isinstance(do(one, "take", by=B, expect=8, id="c"), Done)  # having seen it
    assert one.taken_by == "op-2"


def test_signals_that_move_an_incident_make_nobody_stale_and_a_revision_to_come_is_no_excuse() -> None:
    one = incident(revision=40)
    assert isinstance(do(one, "take", expect=3), Done)
    assert refusal(do(one, "take", expect=99)) is Refusal.STALE_REVISION


def test_an_older_action_that_comes_later_does_not_undo_a_newer_one() -> None:
    one = incident("confirmed")
    assert isinstance(do(one, "assign", T0 + 20, lead="water"), Done)
    assert refusal(do(one, "assign", T0 + 21, t=T0 + 10, lead="fire", by=B)) is Refusal.OVERTAKEN
    assert isinstance(do(one, "resolve", T0 + 30), Done)
    assert refusal(do(one, "arrive", T0 + 31, t=T0 + 25, by=B)) is Refusal.OVERTAKEN
    assert refusal(do(one, "false_alarm", T0 + 32, t=T0 + 26, by=B)) is Refusal.OVERTAKEN
    assert (one.lead, one.state) == ("water", "resolved")


def test_who_has_seen_the_newer_one_is_not_overtaken_though_his_clock_is_slow() -> None:
    one = incident("confirmed")
    do(one, "dispatch", T0 + 20)
    assert isinstance(do(one, "arrive", T0 + 30, t=T0 + 10, by=B, expect=one.revision), Done)


def test_a_clock_that_is_fast_overtakes_nobody() -> None:
    one = incident("confirmed")
    do(one, "dispatch", T0 + 20, t=T0 + 200_000)
    assert isinstance(do(one, "arrive", T0 + 30, by=B), Done)


def test_whatever_order_they_come_in_the_last_word_by_peoples_own_time_holds() -> None:
    said = [("fire", 1), ("water", 2), ("gas", 3)]
    for order in itertools.permutations(said):
        one = incident("confirmed")
        for lead, at in order:
            do(one, "assign", T0 + 10, t=T0 + at, lead=lead, id=lead)
        assert one.lead == "gas"


# -- never hidden


def test_a_never_hidden_class_takes_two_persons_to_be_called_off() -> None:
    one = incident("handling", life=True)
    first = do(one, "false_alarm", by=A, id="a")
    assert isinstance(first, Done)
    assert (first.proposed, one.state, one.history[-1].what) == (True, "handling", "propose_false_alarm")
    assert refusal(do(one, "false_alarm", by=A, id="b")) is Refusal.FORBIDDEN_LIFE
    assert isinstance(do(one, "false_alarm", by=B, id="c"), Done)
    assert one.state == "false_alarm"
    # Reopened, it takes two again: an old proposal is no licence.
    assert isinstance(do(one, "reopen", T0 + 1, by=B, id="d"), Done)
    again = do(one, "false_alarm", T0 + 2, by=B, id="e")
    assert isinstance(again, Done)
    assert again.proposed


def test_a_proposal_that_nobody_seconded_in_time_has_to_be_made_anew() -> None:
    one = incident("handling", life=True)
    do(one, "false_alarm", by=A, id="a")
    late = do(one, "false_alarm", T0 + PROPOSAL_MS + 1, by=B, id="b")
    assert isinstance(late, Done)
    assert late.proposed


def test_a_never_hidden_class_is_not_put_aside_and_not_merged_across_sites() -> None:
    one, other = incident(life=True), incident(id="inc-2", life=True)
    assert refusal(judge(one, act("shelve"), T0)) is Refusal.FORBIDDEN_LIFE
    assert refusal(may_shelve(act("shelve"), T0, life=True)) is Refusal.FORBIDDEN_LIFE
    assert refusal(may_merge(one, other, same_site=False)) is Refusal.FORBIDDEN_LIFE
    assert refusal(may_merge(one, incident(id="inc-3"), same_site=True)) is Refusal.FORBIDDEN_LIFE
    assert may_merge(one, other, same_site=True) is None
    merge = act("merge")
    assert judge(one, merge, T0) is None
    first = propose(one, merge, T0)
    assert first is not None
    assert first.proposed
    assert refusal(judge(one, merge, T0)) is Refusal.FORBIDDEN_LIFE
    assert propose(one, act("merge", B), T0) is None
    other_target = propose(one, act("merge", B, into="inc-3"), T0)
    assert other_target is not None  # another target is another proposal


# -- particulars


def test_reasons_against_are_named() -> None:
    one = incident("confirmed", confidence="confirmed", taken_by="op-9", links=["inc-2"], grade="major", response="II")
    two = incident("merged", id="inc-2", merged_into="inc-1")
    responder = Actor("r-1", Role.RESPONDER)
    wanted = [
        (do(one, "confirm"), Refusal.ALREADY),
        (do(one, "grade"), Refusal.ALREADY),
        (do(one, "respond"), Refusal.ALREADY),
        (judge(one, act("link"), T0), Refusal.ALREADY),
        (judge(one, act("link", other="inc-1"), T0), Refusal.SAME_INCIDENT),
        (judge(one, act("merge", into="inc-1"), T0), Refusal.SAME_INCIDENT),
        (may_merge(one, one, same_site=True), Refusal.SAME_INCIDENT),
        (may_merge(one, two, same_site=True), Refusal.ILLEGAL_TRANSITION),
        (judge(two, act("merge"), T0), Refusal.ALREADY_MERGED),
        (judge(one, act("unmerge"), T0), Refusal.NOTHING_TO_UNDO),
        (judge(one, act("split", members=["m9"]), T0), Refusal.NOT_A_MEMBER),
        (judge(one, act("split", members=["m1", "m2"]), T0), Refusal.NOT_ALL_MEMBERS),
        (do(one, "handover", giver="op-7"), Refusal.NOT_TAKEN),
        (do(one, "return", by=responder), Refusal.NOT_TAKEN),
        (judge(one, act("unshelve"), T0), Refusal.NOTHING_TO_UNDO),
        (judge(one, act("shelve", until=T0), T0), Refusal.BAD_TIME),
        (judge(one, act("shelve", until=T0 + SHELF_MS + 1), T0), Refusal.BAD_TIME),
        (do(one, "wait", until=T0), Refusal.BAD_TIME),
        (do(one, "supervise", until=T0 - 1), Refusal.BAD_TIME),
        (do(one, "acknowledge", until=T0 - 1), Refusal.BAD_TIME),
    ]
    assert [(answer, reason) for answer, reason in wanted if refusal(answer) is not reason] == []
    assert one.history == []


def test_effects_are_those_of_the_field_that_is_meant_and_the_scales_stay_apart() -> None:
    one = incident("confirmed", taken_by="op-9", warning="red")
    for kind in ("grade", "respond", "assign", "handover"):
        assert isinstance(do(one, kind, id=kind), Done)
    assert (one.warning, one.grade, one.response) == ("red", "major", "II")
    assert (one.lead, one.lead_name, one.taken_by) == ("fire", Text(), "op-8")
    assert isinstance(do(one, "respond", response=""), Done)
    assert one.response == ""


def test_a_promise_is_for_a_short_time_only() -> None:
    one, fire = incident(), incident(life=True)
    assert isinstance(do(one, "acknowledge", until=T0 + PROMISE_LIFE_MS + 1), Done)
    assert refusal(do(fire, "acknowledge", until=T0 + PROMISE_LIFE_MS + 1)) is Refusal.BAD_TIME
    assert isinstance(do(fire, "acknowledge", until=T0 + PROMISE_LIFE_MS), Done)
    assert fire.history[-1].until == T0 + PROMISE_LIFE_MS


def test_an_undone_merge_gives_back_the_state_it_was_merged_in() -> None:
    one = incident("handling")
    merge = act("merge")
    one.state = next_state(one, merge)
    record(one, merge, T0, "handling")
    assert one.state == "merged"
    assert next_state(one, act("unmerge")) == "handling"
    assert next_state(incident("merged"), act("unmerge")) == "detected"  # merged by a rule


def test_a_long_history_keeps_its_end_and_says_how_much_went_before() -> None:
    one = incident()
    for i in range(HISTORY_KEPT + 50):
        do(one, "note", T0 + i, id=f"n{i}")
    assert len(one.history) == HISTORY_KEPT
    assert (one.history[0].what, one.history[0].count, one.history[0].t) == ("earlier", 51, T0)
    assert sum(a.count for a in one.history) == HISTORY_KEPT + 50
    assert one.history[-1].id == f"n{HISTORY_KEPT + 49}"


# -- the way there


def notice(key: str, offset: int, fold: int) -> Notice:
    body = msgspec.json.encode(Accepted(act("confirm", incident=key)))
    return Notice("feedback", f"a{offset}", key, T0, offset, 0, msgspec.Raw(body), fold)


def test_what_comes_before_its_incident_waits_in_order_and_not_for_ever() -> None:
    waiting = Waiting()
    for offset, key in enumerate(("inc-1", "inc-2", "inc-1", "inc-3")):
        waiting.put(notice(key, offset, T0 + offset))
    assert waiting.due() == T0 + PATIENCE_MS
    assert [n.offset for n in waiting.opened("inc-1")] == [0, 2]
    assert waiting.due() == T0 + 1 + PATIENCE_MS
    assert [n.offset for n in waiting.fire(T0 + 1 + PATIENCE_MS)] == [1]
    assert [n.offset for n in waiting.fire(T0 + 10**6)] == [3]
    assert (len(waiting), waiting.due()) == (0, None)


def test_what_waits_survives_a_restart() -> None:
    waiting, state = Waiting(), {b"i/x": b"another's"}
    for offset in range(12):
        waiting.put(notice(f"inc-{offset % 3}", offset, T0 + offset))
        if offset == 7:
            waiting.opened("inc-1")
        put_into(state, waiting.changes())
        again = Waiting()
        assert again.load(state) == {b"i/x": b"another's"}
        assert again.due() == waiting.due()
        waiting = again
    assert [n.offset for n in waiting.opened("inc-0")] == [0, 3, 6, 9]
    assert [n.offset for n in waiting.opened("inc-1")] == [10]


def told(answer: Done | Refused, one: Incident | None) -> dict[str, Any]:
    topic, key, value, headers = audit(Accepted(act("take", B, expect=1)), answer, T0, one)
    assert (topic, key, headers) == ("audit", b"city", (("ce_type", b"city.audit"),))
    note: dict[str, Any] = json.loads(value)
    return note


def test_who_what_and_why_stand_in_the_audit_of_done_and_refused_alike() -> None:
    one = incident()
    done = do(one, "take", by=B)
    note = told(done, one)
    assert (note["what"], note["do"], note["by"], note["incident"], note["revision"]) == (
        "feedback.done", "take", "op-2", "inc-1", 2,
    )  # fmt: skip
    refused = told(Refused(Refusal.STALE_REVISION, "op-1 (desk): take", "op-1", "desk"), one)
    assert (refused["what"], refused["reason"], refused["other"]) == ("feedback.refused", "stale_revision", "op-1")
    assert told(Refused(Refusal.UNKNOWN_INCIDENT, ""), None)["incident"] == ""


def test_the_closed_list_is_the_union() -> None:
    made: list[AnyAction] = [act(kind) for kind in KINDS]
    assert [kind_of(action) for action in made] == list(KINDS)
    assert set(NEXT) == set(ROLES) == set(KINDS)
    assert actions.subject(act("create", id="c1")).startswith("inc-")
