"""What a worker says of itself: it must not look alive because nothing contradicts it."""

from types import SimpleNamespace
from typing import Any

import pytest

from streams import door, meters
from streams import progress as module
from streams.audit_task import AuditTask
from streams.city import City
from streams.conductor import Conductor
from streams.figures import Figure, Meter
from streams.lane import Lane
from streams.progress import CITY, CONDUCTOR, Progress
from streams.records import TP, Reason

NAME = "test.progress/0"


class Clock:
    """Both clocks, moved by hand."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        patch.setattr(module.time, "monotonic", lambda: self.now)
        patch.setattr(module.time, "time", lambda: 1_700_000_000.0 + self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def lane(position: int, pulse_ms: int = -1) -> Any:
    head = SimpleNamespace(position=position, time=pulse_ms)
    return SimpleNamespace(topics=SimpleNamespace(source=TP("test.progress", 0)), head=head, meter=Meter())


def gauge(progress: Progress, name: str) -> float | None:
    wanted = {"input": "test.progress", "partition": "0"}
    return next((s.value for f in progress.collect() for s in f.samples if (s.name, s.labels) == (name, wanted)), None)


def test_a_task_with_input_that_moves_nothing_is_stuck_and_one_without_input_is_not(clock: Clock) -> None:
    progress = Progress(stuck_s=30)
    progress.member_ok = True
    progress.progress(lane(10), "flush", 0.1)
    progress.look(NAME, 10)
    clock.now += 100
    assert progress.stuck() == []
    progress.look(NAME, 11)
    assert [t.name for t in progress.stuck()] == [NAME]
    ready, why = progress.ready()
    assert (ready, why) == (False, f"no progress: {NAME} at 10 of 11")
    progress.progress(lane(11), "flush", 0.1)
    assert progress.ready()[0]


def test_a_lane_that_came_back_to_an_input_worked_to_its_end_is_neither_behind_nor_stuck(clock: Clock) -> None:
    progress = Progress(stuck_s=30)
    progress.member_ok = True
    progress.look(NAME, -1)
    progress.task(NAME).moved = clock.now
    progress.progress(lane(10), "restored")
    progress.look(NAME, 10)
    clock.now += 100
    assert (gauge(progress, "brain_lag_records"), progress.ready()[0]) == (0, True)
    progress.look(NAME, 11)
    assert progress.ready() == (False, f"no progress: {NAME} at 10 of 11")


def test_lag_grows_in_records_and_seconds_though_nothing_is_fetched_any_more(clock: Clock) -> None:
    progress = Progress()
    progress.progress(lane(10), "flush", 0.1)
    progress.look(NAME, 10)
    assert (gauge(progress, "brain_lag_records"), gauge(progress, "brain_lag_seconds")) == (0, 0)
    progress.look(NAME, 15)  # the stable offset is stuck: the end moves and nothing can be read
    clock.now += 40
    progress.look(NAME, 18)
    assert (gauge(progress, "brain_lag_records"), round(gauge(progress, "brain_lag_seconds"))) == (8, 40)
    progress.progress(lane(18), "flush", 0.1)
    assert (gauge(progress, "brain_lag_records"), gauge(progress, "brain_lag_seconds")) == (0, 0)


def test_a_lane_without_pulses_goes_unready_and_its_pulse_grows_old(clock: Clock) -> None:
    progress = Progress(stuck_s=30)
    progress.member_ok = True
    progress.progress(lane(10, 1_700_001_000_000), "flush", 0.1)
    assert progress.ready()[0]
    clock.now += 31
    progress.progress(lane(12, 1_700_001_000_000), "flush", 0.1)  # rows still come, the clock of the logic stands
    assert progress.ready() == (False, f"no pulse for 30 s: {NAME}")
    assert round(gauge(progress, "brain_pulse_age_seconds")) == 31
    progress.progress(lane(13, 1_700_001_031_000), "flush", 0.1)
    assert progress.ready()[0]


def test_recorded_pulses_of_long_ago_do_not_make_a_lane_unready_while_they_move(clock: Clock) -> None:
    progress = Progress(stuck_s=30)
    progress.member_ok = True
    for n in range(100):
        progress.progress(lane(n, 1_500_000_000_000 + n * 1000), "flush", 0.1)
        clock.now += 1
    assert progress.ready()[0]


def test_a_conductor_that_writes_no_pulse_and_a_city_that_commits_nothing_are_stuck(clock: Clock) -> None:
    progress = Progress(stuck_s=30)
    progress.conductor("beat", 1)
    progress.city("flush", 0.1)
    progress.city_lag(5)
    clock.now += 31
    assert {t.name for t in progress.stuck()} == {CONDUCTOR, CITY}
    progress.conductor("beat", 2)
    progress.city("flush", 0.1)
    assert progress.stuck() == []


def test_nothing_is_shown_any_more_of_a_lane_that_is_somebody_elses(clock: Clock) -> None:
    progress = Progress()
    progress.progress(lane(10, 1_700_001_000_000), "flush", 0.1)
    progress.stands(NAME, "sha256:a", [Figure("brain_agent_stopped", "", ("agent",), {("a.b",): 1.0})])
    names = {f.name for f in progress.collect() if f.samples}
    assert {"brain_lag_records", "brain_set_info", "brain_agent_stopped", "brain_pulse_age_seconds"} <= names
    progress.drop(NAME)
    assert {f.name for f in progress.collect() if f.samples} == {"brain_ready", "brain_stuck_tasks"}


def test_what_was_accepted_last_is_told_by_its_time_so_that_a_worker_that_hangs_looks_old(clock: Clock) -> None:
    progress = Progress()
    progress.look(NAME, 0)
    began = gauge(progress, "brain_accepted_timestamp_seconds")
    assert began == 1_700_000_000.0 + 1_000.0
    one = lane(10)
    one.meter.accepted, one.meter.event_ms = 3, 1_700_000_900_000
    clock.now += 10
    progress.progress(one, "flush", 0.1)
    assert gauge(progress, "brain_accepted_timestamp_seconds") == began + 10
    assert gauge(progress, "brain_event_timestamp_seconds") == 1_700_000_900.0
    one.meter.clear()
    clock.now += 10
    progress.progress(one, "flush", 0.1)  # pulses alone
    assert gauge(progress, "brain_accepted_timestamp_seconds") == began + 10


def test_more_scenarios_than_are_told_apart_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meters, "_known", set())
    monkeypatch.setattr(meters, "SCENARIOS", 2)
    for n in range(5):
        meters.raised(f"eco.test_many.{n}", life=False, n=2)
    found = {s.labels["scenario"]: s.value for f in meters.RAISES.collect() for s in f.samples
             if s.name == "brain_raises_total" and s.labels["scenario"] in {"eco.test_many.1", "other"}}  # fmt: skip
    assert found == {"eco.test_many.1": 2.0, "other": 6.0}


def test_series_are_at_zero_before_anything_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    meters.begin(["t.begin"], ["torn"], ["opened"])
    dead = [s for f in meters.DEAD.collect() for s in f.samples if s.labels["input"] == "t.begin"]
    assert {s.labels["reason"] for s in dead if s.name.endswith("_total")} == set(Reason)
    assert {s.value for s in dead if s.name.endswith("_total")} == {0.0}
    tasks = {(s.labels["task"], s.labels["event"]) for f in meters.TASKS.collect() for s in f.samples}
    kinds = [door._kind(object.__new__(task)) for task in (Lane, City, Conductor, AuditTask)]
    assert tasks >= {(kind, event) for kind in kinds for event in ("started", "ended", "fenced")}
