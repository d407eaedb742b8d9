"""Clocks of incidents: what starts, stops, stands still and is told; a restart loses none and tells none twice."""

from __future__ import annotations

import heapq
import random
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest

from brain.incidents import clock_acts as acts
from brain.incidents import clocks as c
from brain.incidents.calendar import WorkCalendar, limit_of
from brain.incidents.clocks import Clock, ClockReason, Told
from brain.incidents.limits import NO_PLAN, Limits, Plan

CONFIG = Path(__file__).parents[2] / "config" / "jurisdiction"
CALENDAR = WorkCalendar.of(msgspec.yaml.decode((CONFIG / "calendar.yaml").read_bytes()))
CHINA = timezone(timedelta(hours=8))
S, M, H = 1000, 60_000, 3_600_000
TABLE: dict[str, Any] = {
    "version": 1,
    "unacknowledged": ["2m", "5m", "10m"],
    "promise": {"life": "10m", "other": "4h", "repeats": 2},
    "limits": [
        {"event_code": "*", "life": True, "calendar": "clock", "accept": "1m", "arrive": "8m", "dispose": "2h"},
        {"event_code": "*", "life": False, "calendar": "working", "accept": "2h", "arrive": "4h", "dispose": "3d"},
        {"event_code": "*", "levels": [3, 4], "life": False, "calendar": "clock", "accept": "10m", "dispose": "6h"},
    ],
}
LIMITS = Limits.of(TABLE, CALENDAR)
LIFE = LIMITS.plan("emergency.fire.smoke", 3, True)
AIR = LIMITS.plan("eco.air.pm25", 1, False)
AIR_HIGH = LIMITS.plan("eco.air.pm25", 3, False)
BEGIN = round(datetime(2026, 1, 12, 9, tzinfo=CHINA).timestamp() * 1000)  # a Monday
DAY = 24 * H


def at(text: str) -> int:
    return round(datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=CHINA).timestamp() * 1000)


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


# -- restarts


def history(seed: int) -> list[tuple[int, int, str, int]]:
    """Acts on twelve incidents over a week: (fold time, incident, act, a number that the act uses)."""
    draw = random.Random(seed)
    states = ("detected", "confirmed", "dispatched", "handling", "resolved", "closed", "false_alarm")
    does = (
        *states, "acknowledged", "acknowledged", "progressed", "returned", "disputed", "settled", "settled",
        "extended", "supervised", "waiting", "levelled",
    )  # fmt: skip
    rows = [(BEGIN + draw.randrange(2 * DAY), i, "start", 0) for i in range(12)]
    rows += [(t + draw.randrange(5 * DAY), i, draw.choice(does), draw.randrange(1, 400)) for t, i, _, _ in rows * 14]
    return sorted(rows)


def act(clocks: list[Clock], number: int, what: str, now: int, value: int) -> list[Told]:
    plan: Plan = LIFE if number % 3 == 0 else AIR_HIGH if number % 3 == 1 else AIR
    if what == "start":
        clocks += c.start(plan, now)
        return []
    if what == "acknowledged":
        return acts.acknowledged(clocks, plan, now, None if value % 2 else value * M)
    if what == "progressed":
        return acts.progressed(clocks, plan, now)
    if what == "extended":
        return [acts.extended(clocks, plan, limit_of(f"{value}m"), now)]
    if what in {"supervised", "waiting"}:
        by = now + value * 10 * M
        return [acts.supervised(clocks, plan, now, by) if what == "supervised" else acts.waiting(clocks, plan, by, now)]
    if what == "levelled":
        return acts.levelled(clocks, AIR_HIGH if plan is AIR else plan, now)
    if what in {"returned", "disputed", "settled"}:
        return list(getattr(acts, what)(clocks, plan, now))
    return c.moved(clocks, plan, what, now)  # type: ignore[arg-type]


class Driver:
    """Incidents of nothing but clocks, one heap of timers, and a record of what was told: what the city task does."""

    def __init__(self, state: dict[int, bytes]) -> None:
        self.clocks = {n: msgspec.json.decode(data, type=list[Clock]) for n, data in sorted(state.items())}
        self.heap = [(due, n) for n, mine in self.clocks.items() if (due := c.next_due(mine)) is not None]
        heapq.heapify(self.heap)
        self.out: list[tuple[int, int, str, str]] = []

    def state(self) -> dict[int, bytes]:
        return {n: msgspec.json.encode(mine) for n, mine in self.clocks.items()}

    def due(self) -> int | None:
        while self.heap and c.next_due(self.clocks[self.heap[0][1]]) != self.heap[0][0]:
            heapq.heappop(self.heap)
        return self.heap[0][0] if self.heap else None

    def note(self, number: int, many: list[Told]) -> None:
        self.out += [(t.at, number, t.reason.value, t.what) for t in many]
        due = c.next_due(self.clocks[number])
        if due is not None:
            heapq.heappush(self.heap, (due, number))

    def until(self, now: int) -> None:
        while (due := self.due()) is not None and due <= now:
            number = heapq.heappop(self.heap)[1]
            self.note(number, c.fire(self.clocks[number], due))

    def take(self, row: tuple[int, int, str, int]) -> None:
        now, number, what, value = row
        self.until(now)
        mine = self.clocks.setdefault(number, [])
        if mine or what == "start":
            self.note(number, act(mine, number, what, now, value))


def run(seed: int, restarts: int, outage: tuple[int, int] | None = None) -> bytes:
    """What was told, and the last state. With ``outage`` no timer is looked at between those times before a restart."""
    rows, draw, end = history(seed), random.Random(seed + restarts), BEGIN + 30 * DAY
    stops = sorted(draw.randrange(BEGIN, BEGIN + 9 * DAY) for _ in range(restarts))
    driver, out = Driver({}), []
    for row in [*rows, (end, -1, "end", 0)]:
        while stops and stops[0] < row[0]:
            stop = stops.pop(0)
            if outage is None or not outage[0] <= stop < outage[1]:
                driver.until(stop)
            out += driver.out
            driver = Driver(driver.state())
        driver.take(row)
    out += driver.out
    assert len({(t, n, r, w) for t, n, r, w in out if r in {"breached", "unacknowledged", "review_due"}}) == sum(
        r in {"breached", "unacknowledged", "review_due"} for _, _, r, _ in out
    )
    return msgspec.json.encode([out, {str(n): data.decode() for n, data in sorted(driver.state().items())}])


@pytest.mark.parametrize("seed", range(6))
def test_twenty_restarts_and_an_outage_lose_no_timer_and_tell_none_twice(seed: int) -> None:
    once = run(seed, 0)
    reasons = {r for _, _, r, _ in msgspec.json.decode(once)[0]}
    assert {"breached", "breach_predicted", "unacknowledged", "stale_acknowledgement", "review_due"} <= reasons
    assert run(seed, 25) == once
    assert run(seed, 60, outage=(BEGIN + 2 * DAY, BEGIN + 3 * DAY)) == once


@pytest.mark.parametrize("seed", range(3))
def test_told_late_each_has_its_own_time_and_order(seed: int) -> None:
    rows = history(seed)
    prompt, late = Driver({}), Driver({})
    for row in rows:
        prompt.take(row)
    prompt.until(BEGIN + 60 * DAY)
    for now, number, what, value in rows:  # nobody looks at a clock until something happens to its incident
        mine = late.clocks.setdefault(number, [])
        late.note(number, c.fire(mine, now))
        if mine or what == "start":
            late.note(number, act(mine, number, what, now, value))
    for number, mine in late.clocks.items():
        late.note(number, c.fire(mine, BEGIN + 60 * DAY))
    assert [r for n in range(12) for r in late.out if r[1] == n] == [
        r for n in range(12) for r in prompt.out if r[1] == n
    ]
    assert late.state() == prompt.state()


def test_after_any_history_nothing_is_due_that_was_not_told() -> None:
    for seed in range(4):
        driver = Driver({})
        for row in history(seed):
            driver.take(row)
            driver.until(row[0])
            assert all((due := c.next_due(mine)) is None or due > row[0] for mine in driver.clocks.values())
            assert all(t <= row[0] for t, _, _, _ in driver.out)
