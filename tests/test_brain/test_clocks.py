"""Clocks of incidents: what starts, stops, stands still and is told."""

from __future__ import annotations

from typing import Any

import pytest
from clock_plans import AIR, AIR_HIGH, BEGIN, DAY, LIFE, H, M, S, at

from brain.incidents import clock_acts as acts
from brain.incidents import clocks as c
from brain.incidents.calendar import limit_of
from brain.incidents.clocks import Clock, ClockReason, Told
from brain.incidents.limits import NO_PLAN


def told(many: list[Told], since: int = BEGIN) -> list[tuple[str, str, int]]:
    return [(t.reason.value, t.what, t.at - since) for t in many]


def of(clocks: list[Clock], name: c.ClockName) -> Clock:
    found = c.find(clocks, name)
    assert found is not None
    return found


def test_life_safety_that_nobody_takes_escalates_step_by_step_beside_its_limits() -> None:
    clocks = c.start(LIFE, BEGIN)
    assert told(c.fire(clocks, BEGIN + 11 * M)) == [
        ("breach_predicted", "accept", 45 * S), ("breached", "accept", M), ("unacknowledged", "escalate:1", 2 * M),
        ("unacknowledged", "escalate:2", 5 * M), ("breach_predicted", "arrive", 6 * M), ("breached", "arrive", 8 * M),
        ("unacknowledged", "escalate:3", 10 * M),
    ]  # fmt: skip
    assert c.next_due(clocks) == BEGIN + 90 * M
    assert of(clocks, "accept").breached == BEGIN + M
    assert of(clocks, "accept").predicted == BEGIN + 45 * S


@pytest.mark.parametrize(
    ("state", "running"),
    [
        ("detected", {"accept", "arrive", "dispose", "escalate"}), ("confirmed", {"arrive", "dispose"}),
        ("dispatched", {"arrive", "dispose"}), ("handling", {"dispose"}), ("resolved", set()), ("closed", set()),
        ("false_alarm", set()), ("merged", set()),
    ],
)  # fmt: skip
def test_a_state_stops_the_clocks_it_ends(state: c.State, running: set[str]) -> None:
    clocks = c.start(LIFE, BEGIN)
    c.moved(clocks, LIFE, state, BEGIN + 30 * S)
    assert {clock.name for clock in clocks if clock.running()} == running
    assert all(clock.stopped_by == state for clock in clocks if not clock.running())


def test_a_clock_that_was_in_time_tells_nothing_and_one_that_ends_at_its_very_end_is_late() -> None:
    clocks = c.start(LIFE, BEGIN)
    assert told(acts.acknowledged(clocks, LIFE, BEGIN + 40 * S)) == [
        ("clock_stopped", "accept", 40 * S), ("clock_stopped", "escalate:0", 40 * S),
    ]  # fmt: skip
    assert c.fire(clocks, BEGIN + 5 * M) == []
    # Timers go before what comes at the same time.
    assert told(c.fire(clocks, BEGIN + 8 * M))[-1] == ("breached", "arrive", 8 * M)
    c.moved(clocks, LIFE, "handling", BEGIN + 8 * M)
    assert of(clocks, "arrive").breached == BEGIN + 8 * M


def test_working_limits_wait_for_working_hours_and_life_does_not() -> None:
    friday = at("01-16 17:00")
    clocks = c.start(AIR, friday)
    assert of(clocks, "accept").due == at("01-19 10:00")
    assert of(clocks, "dispose").due == at("01-21 18:00")
    assert of(clocks, "accept").warn == at("01-19 09:30")
    assert of(c.start(LIFE, friday), "dispose").due == friday + 2 * H


def test_a_limit_beyond_the_calendar_says_so() -> None:
    clocks = c.start(AIR, at("12-31 10:00"))
    assert [(clock.name, clock.uncovered) for clock in clocks] == [
        ("accept", False), ("arrive", False), ("dispose", True),
    ]  # fmt: skip


def test_a_stale_acknowledgement_rises_again_and_life_safety_escalates_anew() -> None:
    clocks = c.start(LIFE, BEGIN)
    acts.acknowledged(clocks, LIFE, BEGIN + 30 * S, promised=3 * M)
    stale = 30 * S + 3 * M
    assert told(c.fire(clocks, BEGIN + stale + 2 * M)) == [
        ("stale_acknowledgement", "progress:1", stale), ("unacknowledged", "escalate:1", stale + 2 * M),
    ]  # fmt: skip
    assert told(acts.progressed(clocks, LIFE, BEGIN + 6 * M)) == [("clock_stopped", "escalate:1", 6 * M)]
    assert of(clocks, "progress").due == BEGIN + 9 * M
    c.moved(clocks, LIFE, "handling", BEGIN + 7 * M)
    assert told(c.fire(clocks, BEGIN + 89 * M)) == []


def test_a_stale_acknowledgement_is_told_as_often_as_the_table_says() -> None:
    clocks = c.start(AIR, BEGIN)
    acts.acknowledged(clocks, AIR, BEGIN)
    stale = [t for t in told(c.fire(clocks, BEGIN + 9 * DAY)) if t[0] == "stale_acknowledgement"]
    assert stale == [("stale_acknowledgement", "progress:1", 4 * H), ("stale_acknowledgement", "progress:2", 8 * H)]


def test_reopened_it_keeps_its_clocks_and_the_time_it_was_resolved_counts_for_none() -> None:
    clocks = c.start(AIR_HIGH, BEGIN)
    c.moved(clocks, AIR_HIGH, "handling", BEGIN + 5 * M)
    c.moved(clocks, AIR_HIGH, "resolved", BEGIN + H)
    assert c.fire(clocks, BEGIN + 9 * H) == []
    assert told(c.moved(clocks, AIR_HIGH, "handling", BEGIN + 10 * H)) == [("clock_resumed", "dispose", 10 * H)]
    dispose = of(clocks, "dispose")
    assert (dispose.started, dispose.due) == (BEGIN, BEGIN + 15 * H)
    assert not of(clocks, "accept").running()


def test_life_safety_that_comes_back_to_nobody_escalates_anew() -> None:
    clocks = c.start(LIFE, BEGIN)
    acts.acknowledged(clocks, LIFE, BEGIN + 30 * S)
    c.moved(clocks, LIFE, "resolved", BEGIN + 5 * M)
    c.moved(clocks, LIFE, "detected", BEGIN + 10 * M)
    assert told(c.fire(clocks, BEGIN + 12 * M))[-1] == ("unacknowledged", "escalate:1", 12 * M)
    assert of(clocks, "accept").stopped_by == "taken"


def test_a_return_stands_still_until_somebody_takes_it_and_acceptance_begins_anew() -> None:
    clocks = c.start(AIR, BEGIN)
    acts.acknowledged(clocks, AIR, BEGIN + H)
    assert {(t.reason, t.clock.name) for t in acts.returned(clocks, AIR, BEGIN + 2 * H)} == {
        (ClockReason.RETURNED, "arrive"), (ClockReason.RETURNED, "dispose"), (ClockReason.RETURNED, "accept"),
        (ClockReason.STOPPED, "progress"),
    }  # fmt: skip
    accept = of(clocks, "accept")
    assert (accept.round, accept.started, accept.due) == (2, BEGIN + 2 * H, at("01-12 15:00"))
    c.fire(clocks, at("01-13 09:00"))
    assert accept.missed == 1
    acts.acknowledged(clocks, AIR, at("01-13 09:00"))
    # It had used two hours: two of four are left, and 26 of 28; Monday afternoon counts for nothing.
    assert of(clocks, "arrive").due == at("01-13 11:00")
    assert of(clocks, "dispose").due == at("01-16 16:00")


def test_life_safety_stands_still_for_no_return_and_no_dispute() -> None:
    clocks = c.start(LIFE, BEGIN)
    acts.acknowledged(clocks, LIFE, BEGIN + 30 * S)
    assert [t.reason for t in acts.disputed(clocks, LIFE, BEGIN + M)] == [ClockReason.RUNS_ON]
    acts.returned(clocks, LIFE, BEGIN + 2 * M)
    assert of(clocks, "dispose").due == BEGIN + 2 * H
    assert told(c.fire(clocks, BEGIN + 4 * M)) == [
        ("breach_predicted", "accept", 2 * M + 45 * S), ("breached", "accept", 3 * M),
        ("unacknowledged", "escalate:1", 4 * M),
    ]  # fmt: skip
    acts.waiting(clocks, LIFE, BEGIN + DAY, BEGIN + 5 * M)
    assert of(clocks, "dispose").due == BEGIN + 2 * H


def test_a_dispute_stops_the_clock_and_settled_it_runs_on_with_what_was_left() -> None:
    clocks = c.start(AIR, BEGIN)
    acts.disputed(clocks, AIR, at("01-12 10:00"))
    assert c.next_due(clocks) is None
    assert [t.reason for t in acts.disputed(clocks, AIR, at("01-12 11:00"))] == [ClockReason.NOT_RUNNING]
    acts.settled(clocks, AIR, at("01-14 17:00"))
    assert of(clocks, "accept").due == at("01-14 18:00")
    assert of(clocks, "accept").warn == at("01-14 17:30")
    assert [t.reason for t in acts.settled(clocks, AIR, at("01-14 17:00"))] == [ClockReason.NOT_RUNNING]


def test_more_time_is_granted_once_before_the_end_and_voids_the_prediction() -> None:
    clocks = c.start(AIR, BEGIN)
    c.moved(clocks, AIR, "handling", BEGIN)
    dispose = of(clocks, "dispose")
    assert [t.reason for t in c.fire(clocks, at("01-15 17:00"))] == [ClockReason.PREDICTED]
    assert acts.extended(clocks, AIR, limit_of("2d"), at("01-15 17:00")).reason is ClockReason.EXTENDED
    assert (dispose.due, dispose.predicted, dispose.extended) == (at("01-19 18:00"), None, 1)
    assert acts.extended(clocks, AIR, limit_of("2d"), at("01-15 17:30")).reason is ClockReason.EXTENDED_OUT
    assert [t.reason for t in c.fire(clocks, at("01-20 09:00"))] == [ClockReason.PREDICTED, ClockReason.BREACHED]
    assert acts.extended(clocks, AIR, limit_of("2d"), at("01-20 09:00")).reason is ClockReason.TOO_LATE


def test_who_presses_may_want_it_earlier_and_never_later() -> None:
    clocks = c.start(AIR, BEGIN)
    assert acts.supervised(clocks, AIR, BEGIN, at("01-13 12:00")).reason is ClockReason.SUPERVISED
    dispose = of(clocks, "dispose")
    assert dispose.due == at("01-13 12:00")
    acts.supervised(clocks, AIR, BEGIN + H, at("01-20 12:00"))
    assert (dispose.due, dispose.supervised) == (at("01-13 12:00"), 2)
    assert acts.supervised(clocks, AIR, BEGIN + H, BEGIN).reason is ClockReason.PAST


def test_a_wait_has_its_day_and_the_disposal_has_after_it_what_it_had_left() -> None:
    clocks = c.start(AIR, BEGIN)
    c.moved(clocks, AIR, "handling", BEGIN)
    dispose = of(clocks, "dispose")  # its three days end on Thursday evening, four days of working time away
    acts.waiting(clocks, AIR, at("02-12 09:00"), BEGIN)
    assert dispose.due == at("02-24 18:00")  # Thursday 12, Friday, the made-up Saturday, Tuesday after the holiday
    acts.waiting(clocks, AIR, at("01-19 09:00"), at("01-13 09:00"))
    assert dispose.due == at("01-22 18:00")
    assert told(c.fire(clocks, at("01-19 09:00")), at("01-19 09:00")) == [("review_due", "review", 0)]
    assert acts.waiting(clocks, AIR, BEGIN, at("01-19 09:00")).reason is ClockReason.PAST


def test_a_wait_keeps_its_worth_through_a_dispute_and_a_reopening() -> None:
    clocks = c.start(AIR, BEGIN)
    c.moved(clocks, AIR, "handling", BEGIN)
    acts.waiting(clocks, AIR, at("01-19 09:00"), BEGIN)
    acts.disputed(clocks, AIR, at("01-13 09:00"))
    acts.settled(clocks, AIR, at("01-14 09:00"))
    assert of(clocks, "dispose").due == at("01-22 18:00")
    c.moved(clocks, AIR, "closed", at("01-15 09:00"))
    c.moved(clocks, AIR, "handling", at("01-20 09:00"))
    assert of(clocks, "dispose").due == at("01-23 18:00")


def test_a_review_keeps_its_day_through_closing_and_reopening() -> None:
    clocks = c.start(AIR, BEGIN)
    acts.waiting(clocks, AIR, BEGIN + 9 * DAY, BEGIN)
    c.moved(clocks, AIR, "resolved", BEGIN + DAY)
    assert of(clocks, "review").running()
    c.moved(clocks, AIR, "closed", BEGIN + 2 * DAY)
    c.moved(clocks, AIR, "detected", BEGIN + 5 * DAY)
    assert of(clocks, "review").due == BEGIN + 9 * DAY
    c.moved(clocks, AIR, "closed", BEGIN + 6 * DAY)
    c.moved(clocks, AIR, "detected", BEGIN + 20 * DAY)
    assert ("review_due", "review", 20 * DAY) in told(c.fire(clocks, BEGIN + 20 * DAY))


def test_a_higher_level_shortens_limits_from_their_start_and_lengthens_none() -> None:
    clocks = c.start(AIR, BEGIN)
    assert told(acts.levelled(clocks, AIR_HIGH, BEGIN + 5 * M)) == [
        ("tightened", "accept", 5 * M), ("tightened", "dispose", 5 * M),
    ]  # fmt: skip
    assert [(x.name, x.due - BEGIN) for x in clocks] == [("accept", 10 * M), ("arrive", 5 * H + H), ("dispose", 6 * H)]
    assert acts.levelled(clocks, AIR_HIGH, BEGIN + 6 * M) == []
    assert acts.levelled(clocks, AIR, BEGIN + 6 * M) == []


def test_a_higher_level_long_after_the_start_is_due_at_once_and_never_in_the_past() -> None:
    clocks = c.start(AIR, BEGIN)
    later = at("01-13 10:00")
    c.fire(clocks, later)
    acts.levelled(clocks, AIR_HIGH, later)
    assert [(t.reason, t.at) for t in c.fire(clocks, later) if t.clock.name == "dispose"] == [
        (ClockReason.BREACHED, later)
    ]


def test_a_level_that_rose_while_it_stood_still_counts_when_it_runs_on() -> None:
    clocks = c.start(AIR, BEGIN)
    acts.disputed(clocks, AIR, BEGIN)
    assert acts.levelled(clocks, AIR_HIGH, BEGIN + M) == []
    reasons = {t.reason for t in acts.settled(clocks, AIR_HIGH, BEGIN + 2 * M)}
    assert reasons == {ClockReason.RESUMED, ClockReason.TIGHTENED}


def test_who_has_seen_it_has_not_taken_it() -> None:
    clocks = c.start(LIFE, BEGIN)
    assert told(acts.acted(clocks, LIFE, "acknowledge", BEGIN + 30 * S, until=BEGIN + 3 * M)) == [
        ("clock_stopped", "escalate:0", 30 * S)
    ]
    assert of(clocks, "progress").due == BEGIN + 3 * M
    assert ("breached", "accept", M) in told(c.fire(clocks, BEGIN + M))
    assert told(acts.acted(clocks, LIFE, "take", BEGIN + 2 * M)) == [("clock_stopped", "accept", 2 * M)]
    assert of(clocks, "progress").due == BEGIN + 12 * M


@pytest.mark.parametrize(
    ("what", "more", "reasons"),
    [
        ("take", {}, {"clock_stopped"}), ("handover", {}, {"clock_stopped"}), ("return", {}, {"returned"}),
        ("dispute", {}, {"disputed"}), ("settle", {}, {"not_running"}), ("note", {}, set()), ("assign", {}, set()),
        ("wait", {"until": BEGIN + DAY}, {"waiting"}), ("wait", {"until": BEGIN}, {"past"}),
        ("supervise", {}, {"supervised"}), ("supervise", {"until": BEGIN + 2 * H}, {"supervised"}),
        ("extend", {"more": limit_of("1d")}, {"extended"}), ("extend", {}, set()),
    ],
)  # fmt: skip
def test_each_kind_of_action_has_its_effect(what: str, more: dict[str, Any], reasons: set[str]) -> None:
    clocks = c.start(AIR, BEGIN)
    done = acts.acted(clocks, AIR, what, BEGIN + H, **more)
    assert {t.reason.value for t in done} == reasons
    assert all(t.reason.changes == (t.reason.value not in {"not_running", "past"}) for t in done)


def test_a_return_that_moves_the_state_leaves_acceptance_running() -> None:
    clocks = c.start(AIR, BEGIN)
    c.moved(clocks, AIR, "handling", BEGIN + H)
    c.moved(clocks, AIR, "confirmed", BEGIN + 2 * H)
    acts.acted(clocks, AIR, "return", BEGIN + 2 * H)
    assert {clock.name for clock in clocks if clock.running()} == {"accept"}
    c.moved(clocks, AIR, "dispatched", BEGIN + 3 * H)
    assert {clock.name for clock in clocks if clock.running()} == {"dispose"}


def test_a_set_without_limits_starts_no_clock() -> None:
    assert c.start(NO_PLAN, BEGIN) == []
    assert c.next_due([]) is None
    assert c.fire([], BEGIN) == []
