"""Lanes as functions of their log: what comes out, what is side-lined, and that cutting the log changes nothing."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import shapely

from brain.lane import DetectionsLane, ReadingsLane, TicketsLane
from brain.scenarios import Scenario, ScenarioError, read
from brain.sets import CitySet, SetLibrary
from geo.coords import wgs84_to_gcj02
from geo.grid_map import Grid, GridMap
from models.cusum import LevelShift
from streams.logic import Beat, Output, View
from streams.records import TP, Batch, Reason, Signal
from streams.registry import Registry
from streams.state import Store
from streams.topics import partition_of

DEMO = Path(__file__).parents[2] / "config" / "demo"
T0 = 1_718_000_000_000
GRIDS = [Grid(f"g{i}", "t1", "d1", shapely.box(113 + i, 22, 114 + i, 23)) for i in range(2)]
ASSETS = [
    {"id": f"wl-{i}", "type": "water_level", "lon": 113.5, "lat": 22.5, "unit": "m", "range": [-1000, 1000]}
    for i in range(8)
]
PEOPLE = {"person_count": {"unit": "1", "range": [0, 10000]}}
ASSETS.append({"id": "cam-1", "type": "camera", "lon": 114.5, "lat": 22.5, "metrics": PEOPLE})
HIGH = """
id: emergency.flood.high
version: 1
name: {zh: 高, en: High}
domain: emergency
event_code: emergency.flood.level
source: iot
match: {type: water_level, metric: water_level}
detect: {above: 10}
for: {readings: 3}
clear: {below: 8}
levels: [{level: 3, at: 20}]
"""
ODD = """
id: emergency.flood.odd
version: 1
name: {zh: 异, en: Odd}
domain: emergency
event_code: emergency.flood.level
source: iot
match: {type: water_level, metric: water_level}
detect: {ewma_deviation: 4, warmup: 5}
clear: {quiet_s: 30}
"""
SHIFT = """
id: emergency.flood.shift
version: 1
name: {zh: 变, en: Shift}
domain: emergency
event_code: emergency.flood.level
source: iot
match: {type: water_level, metric: water_level}
detect: {detector: level_shift, settings: {warmup: 10}, score_over: 5, side: up}
clear: {score_below: 1}
"""
RATE = """
id: emergency.flood.rate
version: 1
name: {zh: 快, en: Fast}
domain: emergency
event_code: emergency.flood.level
source: iot
match: {type: water_level, metric: water_level}
detect: {detector: robust, score_over: 1.5}
levels: [{level: 2, at: 3}]
"""
QUIET = """
id: emergency.flood.quiet
version: 1
name: {zh: 静, en: Quiet}
domain: emergency
event_code: emergency.flood.level
source: iot
match: {type: water_level, metric: water_level}
detect: {silent_s: 12}
level: 2
"""
CROWD = """
id: emergency.crowd.street
version: 1
name: {zh: 人群, en: Crowd}
domain: emergency
event_code: emergency.crowd
source: video
match: {type: camera, metric: person_count}
detect: {above: 1}
"""
MANY = """
id: emergency.flood.many
version: 1
name: {zh: 多处, en: Many}
domain: emergency
event_code: emergency.flood.level
source: iot
match: {type: water_level, metric: water_level}
detect: {sum_over: 20, by: town}
clear: {below: 15}
"""
FIRE = """
id: emergency.fire.call
version: 1
name: {zh: 火情, en: Fire}
domain: emergency
event_code: emergency.fire
life: true
source: hotline
match: {words: [着火, 浓烟], class: fire}
detect: {words: any}
clear: {quiet_s: 60}
level: 3
"""
NOISE = """
id: eco.noise.many
version: 1
name: {zh: 噪音, en: Noise}
domain: eco
event_code: eco.noise
source: hotline
match: {words: [噪音], class: noise}
detect: {count_over: 2, window_s: 100}
levels: [{level: 2, at: 4}]
"""


def city(*texts: str, id: str = "set-1") -> CitySet:
    scenarios: list[Scenario] = sorted((read(t) for t in texts), key=lambda s: s.id)
    return CitySet(id, Registry.of(ASSETS), GridMap(GRIDS), scenarios)


class Rig:
    """One lane over a list of payloads and beats; it can be cut anywhere."""

    def __init__(self, make: Callable[[], Any], content: CitySet, partition: int = 0, partitions: int = 1) -> None:
        self.make, self.content, self.partitions = make, content, partitions
        self.at = TP("in", partition)
        self.records: list[tuple[bytes | None, int]] = []  # (payload or None for a beat, pulse)
        self.beats: dict[int, Beat] = {}
        self.pulse, self.up = T0, 0
        self.begin()

    def begin(self) -> None:
        self.lane = self.make()
        self.store = Store(self.lane.tables, self.lane.owner)
        self.lane.bind(self.store, self.at, self.partitions)
        self.lane.enter(self.content.id, self.content)

    def say(self, body: dict[str, Any] | bytes) -> None:
        self.records.append((body if isinstance(body, bytes) else msgspec.json.encode(body), self.pulse))

    def beat(self, seconds: float, outage: int = 0) -> None:
        before = self.pulse if self.beats else -1
        self.pulse += round(seconds * 1000) + outage
        self.up += round(seconds * 1000)
        self.beats[len(self.records)] = Beat(0, len(self.records), self.pulse, self.up, outage, before)
        self.records.append((None, self.pulse))

    def run(self, cuts: Sequence[int] = ()) -> Output:
        whole = Output()
        up = 0
        for a, b in zip([0, *cuts], [*cuts, len(self.records)], strict=True):
            rows = [r for r in range(a, b) if self.records[r][0] is not None]
            batch = Batch.of(self.at, a, b, [(r, T0, None, self.records[r][0], ()) for r in range(a, b)])
            pulse = np.array([self.records[r][1] for r in rows], np.int64)
            beats = [self.beats[r]._replace(at=sum(k < r for k in rows)) for r in range(a, b) if r in self.beats]
            view = View(self.at, batch, np.array(rows, np.int32) - np.int32(a), pulse, beats, up)
            out = self.lane.process(view)
            up = beats[-1].up if beats else up
            whole.signals += out.signals
            whole.summaries += out.summaries
            whole.dead += [d._replace(row=d.row + a) for d in out.dead]
            for name, n in out.counts.items():
                whole.counts[name] = whole.counts.get(name, 0) + n
        return whole


def reading(asset: str, second: float, v: float, **more: Any) -> dict[str, Any]:
    return {"asset": asset, "metric": "water_level", "t": T0 + round(second * 1000), "v": v, **more}


def ticket(id: str, second: float, text: str, **more: Any) -> dict[str, Any]:
    place = {"lon": 113.5, "lat": 22.5, **more}
    return {"id": id, "t": T0 + round(second * 1000), "title": "", "text": text, "address": "", "district": "440402",
            "caller": "c", **place}  # fmt: skip


def told(signals: list[Signal]) -> list[tuple[str, int, int]]:
    return [(s.kind, s.offset, s.level) for s in signals]


def test_the_third_reading_raises_a_worse_one_escalates_and_the_first_below_clears() -> None:
    rig = Rig(ReadingsLane, city(HIGH))
    for k, v in enumerate([11, 12, 13, 9, 21, 15, 7]):
        rig.say(reading("wl-1", k, v))
    out = rig.run()
    assert told(out.signals) == [("raise", 2, 1), ("update", 4, 3), ("clear", 6, 0)]
    assert [s.origin for s in out.signals] == [("in", 0, 2, 0)] * 3
    assert [s.n for s in out.signals] == [0, 1, 2]
    assert {s.onset for s in out.signals} == {T0 + 2000}
    first = out.signals[0]
    assert (first.grid, first.town, first.district, first.lon, first.value) == ("g0", "t1", "d1", 113.5, 13)


def test_a_minute_is_summed_up_once_by_the_pulse_that_ends_it_however_the_log_is_cut() -> None:
    answers = []
    for cuts in ((), (1,), (2, 5), (4, 6, 7)):
        rig = Rig(ReadingsLane, city(HIGH, MANY))
        rig.beat(20)
        for asset, v in (("wl-1", 3), ("wl-2", 5), ("wl-1", 4)):
            rig.say(reading(asset, len(rig.records), v))
        rig.beat(60)
        rig.say(reading("wl-2", 70, 9))
        rig.beat(1)
        rig.beat(200)
        out = rig.run(cuts)
        answers.append(
            [(s.t, s.offset, s.keys, s.column("last").tolist(), s.column("n").tolist()) for s in out.summaries]
        )
    assert answers[0][0] == (T0 + 40_000, 4, ["wl-1", "wl-2"], [4.0, 5.0], [2.0, 1.0])
    assert [(s[2], s[3]) for s in answers[0]] == [(["wl-1", "wl-2"], [4.0, 5.0]), (["wl-2"], [9.0])]
    assert all(answer == answers[0] for answer in answers)


def test_a_reading_that_was_there_is_dropped_another_value_is_a_conflict_an_older_one_is_late() -> None:
    rig = Rig(ReadingsLane, city(HIGH))
    for second, v in [(5, 1), (5, 1), (5, 2), (4, 1), (6, 1)]:
        rig.say(reading("wl-1", second, v))
    out = rig.run()
    assert [(d.row, d.reason) for d in out.dead] == [(2, Reason.CONFLICT), (3, Reason.LATE)]
    assert (out.counts["readings"], out.counts["repeated"]) == (2, 1)


def test_a_device_one_day_fast_does_not_make_its_own_honest_readings_late() -> None:
    rig = Rig(ReadingsLane, city(HIGH))
    rig.say(reading("wl-1", 86_400, 1))
    rig.say(reading("wl-1", 1, 1))
    out = rig.run()
    assert [(d.row, d.reason) for d in out.dead] == [(0, Reason.FUTURE)]
    assert out.counts["readings"] == 1


def test_an_asset_in_a_foreign_partition_is_a_dead_letter_that_names_the_right_one() -> None:
    right = partition_of(b"wl-1", 4)
    rig = Rig(ReadingsLane, city(HIGH), partition=(right + 1) % 4, partitions=4)
    rig.say(reading("wl-1", 1, 1))
    (dead,) = rig.run().dead
    assert dead.reason is Reason.WRONG_PARTITION
    assert f"partition {right} " in dead.detail


def test_a_reading_is_placed_by_its_own_position_in_its_own_reference_system() -> None:
    rig = Rig(ReadingsLane, city(HIGH.replace("readings: 3", "readings: 1")))
    x, y = (float(v[0]) for v in wgs84_to_gcj02(np.array([113.999]), np.array([22.5])))
    assert x > 114
    rig.say(reading("wl-1", 1, 11, lon=x, lat=y, crs="gcj02"))
    rig.say(reading("wl-2", 1, 11, lon=x, lat=y, crs="wgs84"))
    rig.say(reading("wl-3", 1, 11, lon=100.0, lat=y, crs="wgs84"))
    out = rig.run()
    assert [s.grid for s in out.signals] == ["g0", "g1", ""]
    assert out.counts["outside"] == 1


def test_a_quiet_condition_clears_at_the_beat_after_its_silence_in_up_time() -> None:
    rig = Rig(ReadingsLane, city(ODD))
    for k in range(20):
        rig.say(reading("wl-1", k, k % 2))
    rig.say(reading("wl-1", 20, 50))
    rig.beat(20)
    rig.beat(5, outage=60_000)
    rig.beat(29)
    rig.beat(1)
    out = rig.run()
    assert [(s.kind, s.offset) for s in out.signals] == [("raise", 20), ("clear", 24)]
    assert out.signals[0].score is not None
    assert out.signals[0].score > 4


def test_what_an_earlier_set_left_open_is_cleared_at_the_next_beat() -> None:
    rig = Rig(ReadingsLane, city(HIGH))
    for k in range(3):
        rig.say(reading("wl-1", k, 11))
    raised = rig.run().signals
    rig.lane.enter("set-2", city(ODD, id="set-2"))
    rig.records, rig.beats = [], {}
    rig.beat(1)
    (cleared,) = rig.run().signals
    assert (cleared.kind, cleared.origin, cleared.asset) == ("clear", raised[0].origin, "wl-1")


def test_a_frame_with_more_people_than_allowed_raises() -> None:
    rig = Rig(DetectionsLane, city(CROWD))
    for k, people in enumerate([0, 2, 1]):
        objects = [f"{n}|1|1|2|2|person" for n in range(people)]
        frame = {"version": "4.0", "id": k, "@timestamp": f"2024-06-10T06:13:2{k}.000Z"}
        rig.say({**frame, "sensorId": "cam-1", "objects": objects})
    out = rig.run()
    assert [(s.kind, s.asset, s.metric, s.grid, s.source) for s in out.signals] == [
        ("raise", "cam-1", "person_count", "g1", "video"), ("clear", "cam-1", "person_count", "g1", "video")
    ]  # fmt: skip


def test_a_life_safety_word_raises_at_once_joins_visibly_and_ends_in_silence() -> None:
    rig = Rig(TicketsLane, city(FIRE))
    rig.say(ticket("a", 1, "三楼着火了"))
    rig.say(ticket("b", 2, "看到浓烟，电话13800000000"))
    rig.beat(59)
    rig.beat(1)
    out = rig.run()
    assert [(s.kind, s.asset, s.n, s.level, s.life) for s in out.signals] == [
        ("raise", "g0/fire", 0, 3, True), ("update", "g0/fire", 1, 3, True), ("clear", "g0/fire", 2, 0, True)
    ]  # fmt: skip
    assert "13800000000" not in out.signals[1].text


def test_two_fires_at_unknown_places_stay_two() -> None:
    rig = Rig(TicketsLane, city(FIRE))
    for id in "ab":
        body = ticket(id, 1, "着火了")
        del body["lon"], body["lat"]
        rig.say(body)
    assert [(s.kind, s.asset) for s in rig.run().signals] == [("raise", "ticket a/fire"), ("raise", "ticket b/fire")]


def test_tickets_of_a_class_are_counted_in_a_window_and_a_repeat_counts_once() -> None:
    rig = Rig(TicketsLane, city(NOISE))
    for id, second in [("a", 0), ("b", 10), ("b", 10), ("c", 105), ("d", 106), ("e", 107), ("f", 108), ("g", 108.5)]:
        rig.say(ticket(id, second, "噪音扰民"))
    out = rig.run()
    assert [(s.kind, s.value, s.level) for s in out.signals] == [("raise", 3, 1), ("update", 5, 2)]
    assert out.counts["repeated"] == 1


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
        ("{detector: nothing, score_over: 3}", "detect.detector: expected one of robust"),
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


def test_the_demo_set_loads_and_its_name_changes_with_its_content(tmp_path: Path) -> None:
    demo = CitySet.load(DEMO)
    assert demo.id.startswith("sha256:")
    assert len(demo.id) == len("sha256:") + 16
    lon, lat = demo.placed()
    assert (demo.map.locate(lon, lat) >= 0).all()
    library = SetLibrary([DEMO])
    assert library.get(demo.id).scenarios == demo.scenarios
    with pytest.raises(KeyError):
        library.get("sha256:none")
    for path in DEMO.rglob("*"):
        if path.is_file():
            copy = tmp_path / path.relative_to(DEMO)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    assert CitySet.load(tmp_path).id == demo.id
    (tmp_path / "routes.yaml").write_text("version: 2\n")
    assert CitySet.load(tmp_path).id != demo.id
    assert replace(demo, id="other").registry is demo.registry
