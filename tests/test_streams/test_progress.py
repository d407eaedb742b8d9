"""What a worker says of itself: it must not look alive because nothing contradicts it."""

from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import REGISTRY

from streams import progress as module
from streams.progress import CITY, CONDUCTOR, Progress
from streams.records import TP

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
    return SimpleNamespace(topics=SimpleNamespace(source=TP("test.progress", 0)), head=head)


def gauge(name: str) -> float:
    return REGISTRY.get_sample_value(name, {"input": "test.progress", "partition": "0"}) or 0.0


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


def test_lag_grows_in_records_and_seconds_though_nothing_is_fetched_any_more(clock: Clock) -> None:
    progress = Progress()
    progress.progress(lane(10), "flush", 0.1)
    progress.look(NAME, 10)
    assert (gauge("brain_lag_records"), gauge("brain_lag_seconds")) == (0, 0)
    progress.look(NAME, 15)  # the stable offset is stuck: the end moves and nothing can be read
    clock.now += 40
    progress.look(NAME, 18)
    assert (gauge("brain_lag_records"), round(gauge("brain_lag_seconds"))) == (8, 40)
    progress.progress(lane(18), "flush", 0.1)
    assert (gauge("brain_lag_records"), gauge("brain_lag_seconds")) == (0, 0)


def test_a_lane_without_pulses_goes_unready_and_its_pulse_grows_old(clock: Clock) -> None:
    progress = Progress(stuck_s=30)
    progress.member_ok = True
    progress.progress(lane(10, 1_700_001_000_000), "flush", 0.1)
    assert progress.ready()[0]
    clock.now += 31
    progress.progress(lane(12, 1_700_001_000_000), "flush", 0.1)  # rows still come, the clock of the logic stands
    assert progress.ready() == (False, f"no pulse for 30 s: {NAME}")
    assert round(gauge("brain_pulse_age_seconds")) == 31
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
