"""Detectors and silences in a lane: cuts of the log change nothing, scores are the detector's own, faults are named."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest
from lane_rig import (
    HIGH,
    MANY,
    NOISE,
    ODD,
    QUIET,
    RATE,
    SHIFT,
    T0,
    Rig,
    city,
    reading,
    ticket,
)

from brain.lane import ReadingsLane, TicketsLane
from brain.scenarios import ScenarioError, read
from models.cusum import LevelShift

SURGE = "{detector: surge, score_over: 3.5, settings: {bin_s: 3600, warmup: 24}}"


@pytest.mark.parametrize("seed", range(5))
def test_the_way_the_log_is_cut_changes_neither_signals_nor_state(seed: int) -> None:
    draw = random.Random(seed)
    rig = Rig(ReadingsLane, city(HIGH, ODD, SHIFT, RATE, QUIET))
    for k in range(400):
        if draw.random() < 0.1:
            rig.beat(draw.choice([1, 5, 20]))
        v = draw.choice([0, 1, 2, 3, 9, 11, 12, 30])
        rig.say(reading(f"wl-{draw.randrange(3)}", k + draw.choice([0, 0, 0, -5, 1e6]), v))
    whole, state = rig.run(), [t.rows[: t.n].tobytes() for t in rig.store.tables.values()]
    rig.begin()
    parts = rig.run(sorted(draw.sample(range(1, len(rig.records)), 60)))
    assert whole.signals == parts.signals
    assert {s.scenario.rpartition(".")[2] for s in whole.signals} >= {"high", "odd", "quiet", "rate"}
    assert whole.dead == parts.dead
    assert whole.counts == parts.counts
    assert state == [t.rows[: t.n].tobytes() for t in rig.store.tables.values()]
    order = [(s.offset, s.index) for s in whole.signals]
    assert order == sorted(set(order))


def test_a_scenario_decides_on_the_very_scores_of_the_detector_that_it_names() -> None:
    draw = np.random.default_rng(3)
    values = np.round(draw.normal(5, 1, 300), 2)
    values[200:] += 4
    rig = Rig(ReadingsLane, city(SHIFT))
    for k, v in enumerate(values.tolist()):
        rig.say(reading("wl-1", k, v))
    signals = rig.run().signals
    model = LevelShift(warmup=10)
    scores = model.score(
        np.zeros(1, model.state), np.zeros(300, np.int32), T0 + np.arange(300) * 1000, values
    )  # fmt: skip
    raised = next(k for k in range(300) if scores[k] >= 5)
    assert (signals[0].kind, signals[0].offset, signals[0].threshold) == ("raise", raised, 5.0)
    assert signals[0].score == scores[raised]
    assert all(s.score == scores[s.offset] for s in signals)
    assert all(scores[s.offset] < 1 for s in signals if s.kind == "clear")


def test_a_silence_begins_at_a_pulse_in_up_time_never_in_an_outage_and_ends_with_a_reading() -> None:
    rig = Rig(ReadingsLane, city(QUIET))
    rig.say(reading("wl-1", 1, 3))
    rig.beat(5)
    rig.beat(5, outage=3_600_000)  # nobody could have spoken: the twelve seconds begin anew
    rig.beat(10)
    rig.beat(3)
    rig.beat(1)
    rig.say(reading("wl-1", 3_640, 4))
    rig.beat(1)
    out = rig.run()
    assert [(s.kind, s.n, s.level, s.asset, s.offset) for s in out.signals] == [
        ("raise", 0, 2, "wl-1", 4), ("clear", 1, 0, "wl-1", 6),
    ]  # fmt: skip
    assert out.signals[0].identity() == out.signals[1].identity()
    assert out.signals[0].origin == ("in", 0, 4, 0)
    assert (out.signals[0].metric, out.signals[0].threshold) == ("water_level", 12.0)


@pytest.mark.parametrize(
    ("detect", "why"),
    [
        ("{detector: nothing, score_over: 3}", "detect.detector: unknown 'nothing'; expected one of robust"),
        ("{detector: nois, score_over: 3}", "(did you mean 'noise'?)"),
        ("{detector: spike, score_over: 3, settings: {neighbours: []}}", "spike has most, least"),
        ("{detector: clock_skew, score_over: 3}", "within_m (metres above 0)"),
        ("{detector: noise, score_over: 3, settings: {quik: 1}}", "(did you mean 'quick'?)"),
        ("{detector: rate, score_over: 3, settings: {speed: 1}}", "detect.settings.speed: rate has"),
        ("{detector: level_shift, score_over: 3, settings: {warmup: 1}}", "detect.settings.warmup: expected"),
        ("{detector: autoregressive, score_over: 3, settings: {order: 7}}", "leave out what changes it"),
        ("{detector: rate}", "expected one of above"),
        ("{above: 3, side: up}", "settings and side are for a detector"),
        ("{silent_s: 0}", "detect.silent_s: expected seconds above 0"),
    ],
)
def test_a_detector_that_cannot_be_used_is_refused_with_what_there_is(detect: str, why: str) -> None:
    with pytest.raises(ScenarioError, match=re.escape(why)):
        read(HIGH.replace("{above: 10}", detect).replace("clear: {below: 8}\n", "").split("levels")[0], "x")


def test_every_changed_row_is_marked_so_that_a_restart_sees_it() -> None:
    rig = Rig(ReadingsLane, city(HIGH, ODD, MANY, SHIFT, RATE, QUIET))
    rig.store.flush(1)
    before = {name: t.rows[: t.n].copy() for name, t in rig.store.tables.items()}
    for k in range(30):
        rig.say(reading(f"wl-{k % 3}", k, 11 + k % 5))
    rig.run()
    for name, table in rig.store.tables.items():
        changed = table.rows[: table.n] != before[name]
        assert changed.any() or not table.n
        assert (table.dirty[: table.n][changed] == 1).all()


def test_tickets_that_exceed_the_past_of_their_place_are_a_surge_and_as_many_elsewhere_are_none() -> None:
    text = NOISE.replace("{count_over: 2, window_s: 100}", SURGE).replace("levels: [{level: 2, at: 4}]", "")
    rig = Rig(TicketsLane, city(text))
    number = 0
    for hour in range(80):
        while rig.pulse < T0 + hour * 3_600_000:
            rig.beat(600)
        usual, busy = (2 if hour < 78 else 9), 9
        for k in range(usual):
            number += 1
            rig.say(ticket(f"a{number}", hour * 3600 + k * 20, "噪音"))
        for k in range(busy):
            number += 1
            rig.say(ticket(f"b{number}", hour * 3600 + k * 20, "噪音", lon=114.5))
    raised = [s for s in rig.run((50, 300)).signals if s.kind == "raise"]
    assert [s.asset for s in raised] == ["g0/noise"]
    assert raised[0].score is not None
    assert raised[0].score >= 3.5
    assert raised[0].t >= T0 + 78 * 3_600_000
    assert raised[0].threshold == 3.5
