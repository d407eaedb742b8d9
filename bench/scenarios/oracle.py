"""What thresholds and deviations must say, in plain Python, one scenario and one series at a time.

It shares nothing with the lane but the words of a scenario. What it does not know (detectors, standards, silences,
views of many assets) is held against runs of each scenario alone instead.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.scenarios.readings import Feed
from bench.watch.produce import PULSE_EVERY
from bench.watch.workload import START_MS
from brain.scenario import Scenario

Told = tuple[str, str, int, str, int]
"""Scenario, asset, time in ms, kind, level."""


class _Reading(NamedTuple):
    t: int
    value: float
    second: int


def knows(s: Scenario) -> bool:
    """Whether this oracle says what a scenario must say."""
    return s.detect.above is not None or s.detect.below is not None or s.detect.ewma_deviation is not None


def expected(feed: Feed, scenario: Scenario, assets: set[int]) -> set[Told]:
    """All signals of a scenario on the assets of those numbers."""
    registry, out = feed.city.registry, set[Told]()
    turns = len(feed.series)
    for place, series in enumerate(feed.series.tolist()):
        asset = int(registry.series_asset[series])
        if asset not in assets or registry.types[registry.asset_type[asset]] != scenario.match.type:
            continue
        if registry.metrics[registry.series_metric[series]] != scenario.match.metric:
            continue
        numbers = np.arange(place, feed.readings, turns)
        for t, kind, level in _one(
            scenario, _readings(numbers, feed.values[numbers]), feed.readings // PULSE_EVERY + 1
        ):
            out.add((scenario.id, registry.ids[asset], t, kind, level))
    return out


def _readings(numbers: NDArray[np.int64], thousandths: NDArray[np.int64]) -> list[_Reading]:
    return [
        _Reading(START_MS + n, v / 1000, n // PULSE_EVERY)
        for n, v in zip(numbers.tolist(), thousandths.tolist(), strict=True)
    ]


def _one(s: Scenario, readings: list[_Reading], last_second: int) -> Iterator[tuple[int, str, int]]:
    """One series: a condition that lasts, climbs a ladder, and ends by a value, or by pulses without a bad one."""
    bad, good = _tests(s)
    level, since, run, met = 0, 0, 0, 0
    quiet = s.clear.quiet_s
    scores = _deviations(s, readings) if s.detect.ewma_deviation is not None else [r.value for r in readings]
    for reading, x in zip(readings, scores, strict=True):
        if level and quiet is not None and reading.second - met >= quiet:
            yield START_MS + round(met + quiet) * 1000, "clear", 0
            level = run = 0
        if bad(x):
            met = reading.second
            if not level:
                since = since if run else reading.t
                run += 1
                if run >= s.duration.readings and reading.t - since >= s.duration.seconds * 1000:
                    level = _rung(s, x)
                    yield reading.t, "raise", level
            elif _rung(s, x) > level:
                level = _rung(s, x)
                yield reading.t, "update", level
        elif not level:
            run = 0
        elif quiet is None and good(x):
            level = run = 0
            yield reading.t, "clear", 0
    if level and quiet is not None and last_second - met >= quiet:
        yield START_MS + round(met + quiet) * 1000, "clear", 0


def _tests(s: Scenario):  # type: ignore[no-untyped-def]  # two predicates on a number
    d, c = s.detect, s.clear
    if d.above is not None:
        at, end = d.above, d.above if c.below is None else c.below
        return (lambda x: x > at), (lambda x: x < end or (c.below is None and x <= end))
    if d.below is not None:
        low, back = d.below, d.below if c.above is None else c.above
        return (lambda x: x < low), (lambda x: x > back or (c.above is None and x >= back))
    assert d.ewma_deviation is not None
    far = d.ewma_deviation
    near = far / 2 if c.deviation_below is None else c.deviation_below
    return (lambda x: abs(x) >= far), (lambda x: abs(x) < near)


def _rung(s: Scenario, x: float) -> int:
    below = s.detect.below is not None
    return max([s.level, *(r.level for r in s.levels if (x < r.at if below else x > r.at))])


def _deviations(s: Scenario, readings: list[_Reading]) -> list[float]:
    alpha, warmup = s.detect.alpha, s.detect.warmup
    mean = variance = 0.0
    out = []
    for n, reading in enumerate(readings):
        if n == 0:
            mean = reading.value
            out.append(math.nan)
            continue
        d = reading.value - mean
        out.append(d / math.sqrt(variance) if n >= warmup and variance > 0 else math.nan)
        mean += alpha * d
        variance = (1 - alpha) * (variance + alpha * d * d)
    return out
