"""Rows laid on a grid of pulses: what a scenario's test is made of."""

from itertools import pairwise

from streams import bundle, pulse
from streams.records import CE_TYPE

T0 = 1_780_272_000_000


def test_rows_stand_among_pulses_of_every_second_until_all_that_came_is_folded() -> None:
    rows = [("iot.telemetry", 0, b"a", b"one", T0 + 500), ("iot.telemetry", 0, b"b", b"two", T0 + 2500)]
    lines = bundle.on_grid(rows, {"iot.telemetry": 1}, b"key", "set", T0 + 4200)
    assert [line.offset for line in lines] == list(range(len(lines)))
    beats = [line for line in lines if any(name == CE_TYPE for name, _ in line.header_pairs())]
    times = [line.timestamp for line in beats]
    assert times[0] < T0 + 500
    assert times[-1] >= T0 + 4200 + pulse.BOUND_MS
    assert {b - a for a, b in pairwise(times)} == {1000}
    data = [(line.timestamp, line.value_bytes()) for line in lines if line not in beats]
    assert data == [(T0 + 500, b"one"), (T0 + 2500, b"two")]
    assert all(line.timestamp <= after.timestamp for line, after in pairwise(lines))


def test_no_rows_are_pulses_alone() -> None:
    assert bundle.on_grid([], {"iot.telemetry": 1}, b"key", "set", T0)
