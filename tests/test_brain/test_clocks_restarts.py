"""Clocks under restarts and outages: no timer is lost, and none is told twice."""

from __future__ import annotations

import heapq
import random

import msgspec
import pytest
from clock_plans import AIR, AIR_HIGH, BEGIN, DAY, LIFE, M

from brain.incidents import clock_acts as acts
from brain.incidents import clocks as c
from brain.incidents.calendar import limit_of
from brain.incidents.clocks import Clock, Told
from brain.incidents.limits import Plan


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
