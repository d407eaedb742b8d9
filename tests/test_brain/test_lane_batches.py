"""Scores are made for a whole stretch at once: nothing that is said or kept depends on that."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from lane_rig import GRIDS, HIGH, ODD, QUIET, RATE, T0, Rig, city, flood, reading

from brain.lane import ReadingsLane
from brain.scenarios import read
from brain.sets import CitySet
from geo.grid_map import GridMap
from streams.logic import View
from streams.records import Signal
from streams.registry import Registry

AGAIN = flood("again", "detect: {detector: robust, score_over: 2.5}\nclear: {score_below: 2}")
OTHER = flood("other", "detect: {detector: robust, score_over: 1.5, settings: {alpha: 0.3}}")
JOINT = """
id: eco.air.rare
version: 1
name: {zh: 组合异常, en: Rare combination}
domain: eco
event_code: eco.air
source: iot
match: {type: air, metrics: [no2, pm25]}
detect: {detector: halfspace, score_over: -3.0}
"""
SHARP = """
id: eco.air.sharp
version: 1
name: {zh: 突变, en: Sharp}
domain: eco
event_code: eco.air
source: iot
match: {type: air, metric: pm25}
detect: {detector: robust, score_over: 2}
"""
RANGES = {m: {"unit": "u", "range": [0, 100]} for m in ("no2", "pm25")}


def test_scenarios_with_the_same_detector_say_together_what_each_says_alone() -> None:
    texts = (RATE, AGAIN, OTHER)
    rigs = [Rig(ReadingsLane, city(*texts)), *(Rig(ReadingsLane, city(text)) for text in texts)]
    draw = random.Random(4)
    for k in range(300):
        body = reading(f"wl-{draw.randrange(4)}", k, draw.choice([1, 2, 3, 9, 30]))
        for rig in rigs:
            rig.say(body)
    together, *alone = (rig.run().signals for rig in rigs)

    def said(signals: list[Signal]) -> list[Any]:
        return sorted((s.scenario, s.asset, s.offset, s.kind, s.n, s.level, s.score, s.onset) for s in signals)

    assert said(together) == said([s for one in alone for s in one])
    assert {s.scenario for s in together} == {read(text).id for text in texts}


def test_a_minute_of_several_metrics_has_nothing_of_the_readings_after_it() -> None:
    registry = Registry.of([{"id": "air-1", "type": "air", "lon": 113.5, "lat": 22.5, "metrics": RANGES}])
    rig = Rig(ReadingsLane, CitySet("s", registry, GridMap(GRIDS), [read(JOINT), read(SHARP)]))
    draw = random.Random(1)
    for k in range(240):
        if k % 10 == 0:
            rig.beat(10)
        metric = draw.choice(["no2", "pm25"])
        rig.say({"asset": "air-1", "metric": metric, "t": T0 + k * 1000, "v": draw.randrange(100)})
    whole = rig.run()
    rig.begin()
    parts = rig.run(range(1, len(rig.records)))
    assert whole.summaries == parts.summaries
    assert len(whole.summaries) == 4
    assert whole.signals == parts.signals != []
    assert len({s.columns["pm25"] for s in whole.summaries}) > 1


@pytest.mark.parametrize("seed", range(4))
def test_a_pulse_that_is_not_looked_at_could_not_have_changed_anything(seed: int) -> None:
    draw = random.Random(seed)
    longer = flood("longer", "detect: {silent_s: 45}")
    rig = Rig(ReadingsLane, city(QUIET, longer))
    names = {"longer": 45_000, "quiet": 12_000}
    since: dict[tuple[str, str], int] = {}  # up-time of what waits for a silence
    silent: set[tuple[str, str]] = set()
    expected = []
    for k in range(250):
        if draw.random() < 0.6:
            outage = 20_000 if draw.random() < 0.05 else 0
            rig.beat(draw.choice([1, 3, 7]), outage)
            for what, up in sorted(since.items()):
                if what in silent:
                    continue
                if outage:
                    since[what] = rig.up
                elif rig.up - up >= names[what[0]]:
                    silent.add(what)
                    expected.append(("raise", *what, len(rig.records) - 1))
        else:
            asset = f"wl-{draw.randrange(5)}"
            rig.say(reading(asset, k, 1))
            over = [(name, asset) for name in names if (name, asset) in silent]
            expected += [("clear", *what, len(rig.records) - 1) for what in over]
            silent.difference_update(over)
            since |= {(name, asset): rig.up for name in names}
    got = [(s.kind, s.scenario.rpartition(".")[2], s.asset, s.offset) for s in rig.run().signals]
    assert sorted(got) == sorted(expected)
    assert len(got) > 10


class EveryBeat(ReadingsLane):
    """Looks at each pulse, whether it can bring something about or not."""

    def _turns(self, view: View) -> Iterator[int]:
        return iter(range(len(view.beats)))


NIGHT = flood("night", "detect: {silent_s: 20}").replace(
    "metric: water_level}", 'metric: water_level, hours: {from: "00:00", to: "14:20"}}'
)
"""Its hours end within the log, which begins at 14:06:40 of the city's time."""


@pytest.mark.parametrize("seed", range(12))
def test_leaving_out_pulses_that_bring_nothing_about_changes_nothing(seed: int) -> None:
    draw = random.Random(seed)
    scenarios = [QUIET, ODD, HIGH, NIGHT, flood("long", "detect: {above: 5}\nclear: {quiet_s: 90}")]
    chosen = [text for text in scenarios if draw.random() < 0.8] or scenarios
    later = [text for text in chosen if draw.random() < 0.7] or chosen
    rigs = [Rig(lane, city(*chosen)) for lane in (ReadingsLane, EveryBeat)]
    for rig in rigs:
        rig.pulse -= 400_000
    for k in range(400):
        body = reading(f"wl-{draw.randrange(5)}", k - 400, draw.choice([1, 1, 4, 9, 12, 25]))
        step, outage, beats = draw.choice([1, 1, 3, 9, 40]), 30_000 if draw.random() < 0.04 else 0, draw.random() < 0.5
        for rig in rigs:
            if beats:
                rig.beat(step, outage)
            else:
                rig.say(body)
    cuts = sorted(draw.sample(range(1, 399), 6))
    restarts = set(draw.sample(cuts, 2))
    first = [rig.run(cuts[:3], restarts) for rig in rigs]
    assert first[0].signals == first[1].signals != []
    assert first[0].summaries == first[1].summaries
    for rig in rigs:
        rig.begin()
        rig.run([200])
        rig.lane.enter("set-2", city(*later, id="set-2"))
    second = [rig.run(cuts) for rig in rigs]
    assert second[0].signals == second[1].signals
    states = [rig.store.flush(99) for rig in rigs]
    assert states[0] == states[1]
