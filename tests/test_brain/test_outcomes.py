"""Alarms of never-hidden classes: each gets its outcome in time, or the auditor says so."""

from __future__ import annotations

import msgspec
from city_rig import parted

from brain.incidents.city import CityLogic
from brain.incidents.publish import outcomes
from streams.audit import Auditor, Finding, Kind
from streams.lane_parts import LaneTopics
from streams.outcomes import WITHIN_MS, Outcomes
from streams.records import CE_TYPE, SIGNAL_TYPE, TP, Signal

LANE = LaneTopics.of("iot.telemetry", 0)
INCIDENTS = TP("incidents.emergency", 0)
T0 = 1_718_000_000_000


def fire(offset: int = 7, kind: str = "raise", n: int = 0) -> Signal:
    origin = ("iot.telemetry", 0, offset, 0)
    return msgspec.convert(
        {
            "scenario": "emergency.fire.smoke", "asset": f"s-{offset}", "kind": kind, "origin": origin, "n": n,
            "offset": offset + n, "index": 0, "t": T0, "onset": T0, "fold": T0, "life": True,
        },
        Signal,
    )  # fmt: skip


class Watch:
    """An auditor fed with alarms, incidents and seconds."""

    def __init__(self, alarms_from: int = 0) -> None:
        self.auditor = Auditor([LANE], outcomes=outcomes, alarms_from=alarms_from)
        self.logic = CityLogic()
        self.offset = 100

    def alarm(self, signal: Signal, at: float) -> list[Finding]:
        self.offset += 1
        heads = ((CE_TYPE, SIGNAL_TYPE),)
        key, value = signal.identity().encode(), msgspec.json.encode(signal)
        return self.auditor.record(LANE.alarms, self.offset, T0 + int(at * 1000), key, value, heads)

    def incident(self, signal: Signal, at: float) -> list[Finding]:
        self.logic.signal(signal)
        _, records = parted(self.logic.changes())
        found = []
        for suffix, key, value, heads in records:
            self.offset += 1
            found += self.auditor.record(TP(suffix, 0), self.offset, T0 + int(at * 1000), key, value, heads)
        return found

    def at(self, seconds: float) -> list[Finding]:
        self.auditor.now = max(self.auditor.now, T0 + int(seconds * 1000))
        found = self.auditor.judge([LANE.alarms, *self.auditor.incidents])
        return [f for f in found if f.kind is not Kind.UNSEALED]


def test_an_alarm_whose_incident_comes_in_time_is_no_finding() -> None:
    watch = Watch()
    watch.alarm(fire(), 0)
    assert watch.at(29) == []
    assert watch.incident(fire(), 29.5) == []
    assert watch.at(500) == []
    assert watch.auditor.totals.alarms == 1


def test_the_incident_may_be_read_before_its_alarm() -> None:
    watch = Watch()
    watch.incident(fire(), 0.4)
    watch.alarm(fire(), 0)
    assert watch.at(60) == []


def test_an_overdue_alarm_is_reported_once_and_again_when_its_outcome_comes() -> None:
    watch = Watch()
    watch.alarm(fire(), 0)
    (overdue,) = watch.at(31)
    assert (overdue.kind, overdue.where, overdue.about) == (Kind.OVERDUE_ALARM, LANE.alarms, fire().identity())
    assert (overdue.expected, overdue.got) == ("an outcome within 30 s", "none after 31.0 s")
    assert watch.at(40) == []
    assert watch.auditor.totals.overdue == 1
    (late,) = watch.incident(fire(), 45)
    assert (late.kind, late.offset, late.got) == (Kind.LATE_OUTCOME, overdue.offset, "after 45.0 s")
    assert watch.auditor.totals.overdue == 0
    assert watch.at(100) == []


def test_an_escalation_of_a_settled_alarm_wants_no_second_outcome() -> None:
    watch = Watch()
    watch.alarm(fire(), 0)
    watch.incident(fire(), 1)
    watch.alarm(fire(kind="update", n=1), 60)
    assert watch.at(200) == []


def test_nothing_is_overdue_while_the_incidents_are_not_read_to_their_ends() -> None:
    watch = Watch()
    watch.alarm(fire(), 0)
    watch.auditor.now += 10 * WITHIN_MS
    behind = [tp for tp in watch.auditor.partitions if tp != INCIDENTS]
    assert Kind.OVERDUE_ALARM not in [f.kind for f in watch.auditor.judge(behind)]
    assert [f.kind for f in watch.at(400)] == [Kind.OVERDUE_ALARM]


def test_alarms_from_before_the_incidents_that_are_read_are_not_asked() -> None:
    watch = Watch(alarms_from=T0)
    watch.alarm(fire(), -1)
    assert watch.at(100) == []


def test_memory_is_bounded_however_many_alarms_have_no_outcome_or_come_again() -> None:
    kept = Outcomes(most=10)
    for n in range(35):
        kept.outcome(f"settled {n}")
        kept.alarm(f"alarm {n}", LANE.alarms, n, n)
    assert len(kept.waiting) == 10
    assert kept.forgotten == 25
    assert len(kept.judge(10 * WITHIN_MS)) == 10
    for n in range(35, 50):
        kept.alarm(f"alarm {n}", LANE.alarms, n, n)
        kept.judge(10 * WITHIN_MS)
    assert (len(kept.overdue), len(kept._settled)) == (10, 10)


def test_a_record_that_is_no_incident_settles_nothing() -> None:
    assert list(outcomes(b"\xff")) == []
    assert list(outcomes(b'{"provisional":"x"}')) == []
    assert list(outcomes(b'{"provisional":["a","b"],"members":[{}]}')) == ["a", "b"]
