"""Tracks of cameras as signals of the lane: what raises, what ends it, and what must not matter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lane_rig import CROWD, GRIDS, PEOPLE, T0, Rig

from bench.harness import shared
from brain import lane
from brain.drill.recorded import Place, events
from brain.lane import DetectionsLane
from brain.scenarios import ScenarioError, read
from brain.sets import CitySet
from geo.grid_map import GridMap
from streams.partition import partition_of
from streams.records import Reason, Signal
from streams.registry import Registry
from streams.state import Store

DEMO = Path(__file__).parents[2] / "config" / "demo"
REAL = shared(Path("shared/data/mot_tud_tracks/TUD-Campus"))
LON, LAT = 114.2, 22.5
EAST, NORTH = 102_896.25, 110_737.08
"""Metres a degree of longitude and of latitude there."""


def spot(x: float, y: float) -> tuple[float, float]:
    """Degrees of a place in metres: the camera's picture has ten px a metre, and its lower edge is south."""
    return LON + x / EAST, LAT + y / NORTH


def box(*corners: tuple[float, float]) -> list[list[float]]:
    return [[10 * x, 500 - 10 * y] for x, y in corners]


SQUARE = ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0))
POINTS = [[10 * x, 500 - 10 * y, *spot(x, y)] for x, y in ((-20, 0), (30, 0), (30, 40), (-20, 40), (5, 20))]
ZONES = [
    {"id": "bus lane", "kind": "no_stop", "picture": box(*SQUARE)},
    {"id": "lane", "kind": "one_way", "map": [spot(*c) for c in SQUARE], "along": [spot(0, 5), spot(10, 5)]},
    {"id": "square", "kind": "crowd", "picture": box(*SQUARE), "area_m2": 10},
    {"id": "track", "kind": "intrusion", "picture": box(*SQUARE)},
    {"id": "way out", "kind": "exit", "picture": box((20, 4), (22, 4), (22, 6), (20, 6))},
]
LINES = [{"id": "door", "kind": "gate", "picture": box((5, 0), (5, 10)), "to": box((9, 5))[0]}]
VIEW = {"points": POINTS, "zones": ZONES, "lines": LINES}
CAMERA = {"id": "cam-1", "type": "camera", "lon": 113.5, "lat": 22.5, "metrics": PEOPLE, "view": VIEW}


def scenario(detect: str, rest: str = "", name: str = "public.traffic.watch") -> str:
    return f"""
id: {name}
version: 1
name: {{zh: 轨迹, en: tracks}}
domain: {name.partition(".")[0]}
event_code: {name}
source: video
match: {{type: camera}}
detect: {{{detect}}}
{rest}
"""


STALLED = scenario("watch: standing, zone: no_stop, classes: [car], above: 5", name="public.traffic.stalled")
WRONG = scenario("watch: wrong_way, zone: one_way, above: 3", name="public.traffic.wrong")
DOOR = scenario("watch: crossing, line: gate, window_s: 4, above: 1", name="public.door.many")
FULL = scenario("watch: density, zone: crowd, above: 0.25", "for: {seconds: 1}\nclear: {below: 0.15}\n"
                "levels: [{level: 2, at: 0.35}]", name="emergency.crowd.full")  # fmt: skip
IN = scenario("watch: intrusion, zone: intrusion, classes: [person], above: 0", "clear: {quiet_s: 10}\nlife: true",
              name="emergency.track.intrusion")  # fmt: skip


def city(*texts: str, camera: dict[str, Any] = CAMERA, id: str = "set-1") -> CitySet:
    found = sorted((read(t) for t in texts), key=lambda s: s.id)
    return CitySet(id, Registry.of([camera]), GridMap(GRIDS), found)


def frame(second: float, *objects: tuple[Any, str, float, float], camera: str = "cam-1") -> dict[str, Any]:
    """One frame; objects are (id, class, x, y) in metres: the foot of a box of a metre."""
    found = [f"{k}|{10 * x - 5}|{480 - 10 * y}|{10 * x + 5}|{500 - 10 * y}|{name}|#" for k, name, x, y in objects]
    return {"version": "4.0", "id": 1, "@timestamp": T0 + round(second * 1000), "sensorId": camera, "objects": found}


def street() -> Rig:
    """A car that stops, people who go in and out, one against the way; ids break, frames are missing."""
    rig = Rig(DetectionsLane, city(STALLED, WRONG, DOOR, FULL, IN, CROWD))
    for k in range(150):
        s = k / 5
        if k % 20 == 0:
            rig.beat(4)
        if k in (31, 32, 33, 77):
            continue
        car = (9 if k < 40 else 12, "car", max(2.0, 8 - s) if s < 18 else 2.0 - 4 * (s - 18), 5.0)
        people = [(f"p{n}-{k // 25}", "person", (n + 0.9 * s) % 14 - 2, 1.0 + n) for n in range(4)]
        rig.say(frame(s, car, *people))
    for _ in range(20):
        rig.beat(5)
    return rig


def seen(signals: list[Signal]) -> list[tuple[str, str, int]]:
    return [(s.kind, s.asset, s.offset) for s in signals]


def test_a_car_that_stands_in_the_no_stopping_lane_is_raised_where_it_stands_and_cleared_when_it_leaves() -> None:
    rig = Rig(DetectionsLane, city(STALLED))
    for k in range(50):
        s = k / 2
        rig.say(frame(s, (7, "car", max(4.0, 8 - 4 * s) if s < 15 else 4 - 6 * (s - 15), 3.0), (8, "bus", 6, 6)))
    first, last = rig.run().signals
    assert (first.kind, first.asset, first.metric, first.value, first.threshold) == (
        "raise", "cam-1/bus lane", "standing", 5.5, 5
    )  # fmt: skip
    assert (first.lon, first.lat) == pytest.approx(spot(4, 3), abs=2e-7)
    assert first.grid == "g1"
    assert (first.t, last.kind, last.t) == (T0 + 6500, "clear", T0 + 15_500)
    assert last.origin == first.origin


def test_a_stay_goes_on_over_missing_frames_and_a_changed_id() -> None:
    rig = Rig(DetectionsLane, city(STALLED))
    for k in range(40):
        if not 10 <= k < 16 and not 20 <= k < 25:
            rig.say(frame(k / 4, ("a" if k < 20 else "b", "car", 4.0 + 0.1 * (k % 3), 3.0)))
    (raised,) = rig.run().signals
    assert (raised.value, raised.t) == (6.25, T0 + 6250)  # the first frame after the gap in which 5 s were reached


def test_going_against_the_way_raises_and_going_along_it_does_not() -> None:
    rig = Rig(DetectionsLane, city(WRONG))
    for k in range(20):
        rig.say(frame(k / 2, (1, "car", 0.5 * k, 4.0), (2, "bicycle", 9.5 - 0.5 * k, 7.0)))
    (raised,) = [s for s in rig.run().signals if s.kind == "raise"]
    assert raised.value == pytest.approx(3.5, abs=1e-4)
    assert raised.lat == pytest.approx(spot(0, 7)[1], abs=2e-7)


def test_a_line_counts_who_crosses_it_to_its_side_within_the_window() -> None:
    rig = Rig(DetectionsLane, city(DOOR))
    for k in range(40):
        s = k / 4
        rig.say(frame(s, (1, "person", 2 + s, 2.0), (2, "person", 1 + s, 5.0), (3, "person", 8 - s, 8.0)))
    raised, cleared = rig.run().signals
    assert (raised.kind, raised.value, raised.asset) == ("raise", 2, "cam-1/door")
    assert (cleared.kind, cleared.value, cleared.t - raised.t) == ("clear", 1, 3000)


def test_a_crowd_is_dense_by_the_ground_that_is_registered_and_has_levels() -> None:
    rig = Rig(DetectionsLane, city(FULL))
    for k, people in enumerate([1, 3, 3, 3, 4, 3, 2, 1]):
        rig.say(frame(k / 2, *((n, "person", 1 + 2 * n, 5) for n in range(people))))
    out = rig.run().signals
    assert [(s.kind, s.offset, s.level, s.value) for s in out] == [
        ("raise", 3, 1, 0.3), ("update", 4, 2, 0.4), ("clear", 7, 0, 0.1)
    ]  # fmt: skip


def test_people_who_stream_to_the_exit_flow_and_those_who_come_back_count_against_it() -> None:
    text = scenario("watch: flow, zone: crowd, above: 20")
    for step, want in ((0.4, 1), (-0.4, 0)):
        rig = Rig(DetectionsLane, city(text))
        for k in range(12):
            rig.say(frame(k / 4, *((n, "person", 5 + step * k, 2 + 2 * n) for n in range(4))))
        raised = [s for s in rig.run().signals if s.kind == "raise"]
        assert len(raised) == want


def test_an_intruder_of_a_never_hidden_class_is_told_at_once_and_ends_when_nobody_was_seen_for_long_enough() -> None:
    rig = Rig(DetectionsLane, city(IN))
    rig.beat(1)
    rig.say(frame(0, (1, "person", 5, 5), (2, "dog", 6, 6)))
    rig.beat(5)
    rig.beat(3, outage=60_000)
    rig.beat(9)
    rig.beat(1)
    raised, cleared = rig.run().signals
    assert (raised.life, raised.value, raised.offset) == (True, 1, 1)
    assert (cleared.kind, cleared.offset, cleared.asset) == ("clear", 5, "cam-1/track")


def test_a_camera_that_falls_silent_does_not_leave_its_condition_open() -> None:
    rig = Rig(DetectionsLane, city(scenario("watch: count, zone: crowd, above: 0")))
    rig.beat(1)
    rig.say(frame(0, (1, "person", 5, 5)))
    for _ in range(7):
        rig.beat(10)
    assert seen(rig.run().signals) == [("raise", "cam-1/square", 1), ("clear", "cam-1/square", 7)]


CUTS = [(), tuple(range(1, 170)), (3, 50, 51, 90), (75,)]


def test_neither_cuts_nor_a_restart_in_mid_stream_change_a_signal_or_a_byte_of_state() -> None:
    answers, states = [], []
    for cuts in CUTS:
        rig = street()
        answers.append(rig.run(cuts).signals)
        states.append({n: {k: t.rows[t.find(k)].tobytes() for k in t.keys} for n, t in rig.store.tables.items()})
    assert {s.scenario for s in answers[0]} == {
        "emergency.crowd.full", "emergency.crowd.street", "emergency.track.intrusion", "public.door.many",
        "public.traffic.stalled", "public.traffic.wrong",
    }  # fmt: skip
    assert {s.kind for s in answers[0]} == {"raise", "update", "clear"}
    assert all(answer == answers[0] for answer in answers)
    assert all(state == states[0] for state in states)
    assert [(s.offset, s.index) for s in answers[0]] == sorted((s.offset, s.index) for s in answers[0])

    rig, log, flush = street(), list[tuple[bytes, bytes | None]](), 0
    process = rig.lane.process

    def restarted(view: Any) -> Any:
        nonlocal process, flush
        out = process(view)
        flush += 1
        log.extend(rig.store.flush(flush))
        rig.begin()
        rig.store = Store(rig.lane.tables, rig.lane.owner)
        rig.store.restore(log)
        rig.lane.bind(rig.store, rig.at, rig.partitions)
        rig.lane.enter(rig.content.id, rig.content)
        process = rig.lane.process
        rig.lane.process = restarted
        return out

    rig.lane.process = restarted
    assert rig.run(tuple(range(7, 170, 9))).signals == answers[0]


def test_a_rollback_before_the_first_flush_forgets_what_was_seen_and_nothing_more() -> None:
    rig = street()
    whole = rig.run().signals
    rig.store.rollback()
    rig.lane.bind(rig.store, rig.at, rig.partitions)
    rig.lane.enter(rig.content.id, rig.content)
    assert rig.run().signals == whole


def test_what_a_set_without_the_scenario_leaves_open_is_cleared_at_the_next_beat() -> None:
    rig = Rig(DetectionsLane, city(IN))
    rig.say(frame(0, (1, "person", 5, 5)))
    (raised,) = rig.run().signals
    rig.lane.enter("set-2", city(CROWD, id="set-2"))
    rig.records, rig.beats = [], {}
    rig.beat(1)
    (cleared,) = rig.run().signals
    assert (cleared.kind, cleared.origin, cleared.asset) == ("clear", raised.origin, "cam-1/track")
    assert not rig.lane.tracks.busy


def test_another_set_with_the_same_watch_goes_on_with_the_stays_that_are_there() -> None:
    rig = Rig(DetectionsLane, city(STALLED))
    for k in range(12):
        if k == 6:
            rig.run()
            rig.lane.enter("set-2", city(STALLED, IN, id="set-2"))
            rig.records = []
        rig.say(frame(k / 2, (7, "car", 4, 3)))
    (raised,) = [s for s in rig.run().signals if s.scenario == "public.traffic.stalled"]
    assert raised.value == 5.5


def test_frames_that_are_late_or_of_a_foreign_partition_are_no_part_of_a_track() -> None:
    rig = Rig(DetectionsLane, city(scenario("watch: count, zone: crowd, above: 0")))
    rig.say(frame(5))
    rig.say(frame(4, (1, "person", 5, 5)))
    rig.say(frame(5, (1, "person", 5, 5)))
    out = rig.run()
    assert (out.signals, [d.reason for d in out.dead]) == ([], [Reason.LATE, Reason.CONFLICT])
    right = partition_of(b"cam-1", 4)
    rig = Rig(DetectionsLane, rig.content, partition=(right + 1) % 4, partitions=4)
    rig.say(frame(5, (1, "person", 5, 5)))
    assert [d.reason for d in rig.run().dead] == [Reason.WRONG_PARTITION]


def test_a_lane_without_a_watch_does_not_look_at_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "decode_frames", None)
    rig = Rig(DetectionsLane, city(CROWD))
    rig.say(frame(0, (1, "person", 5, 5), (2, "person", 6, 5)))
    assert len(rig.run().signals) == 1
    assert rig.store.table("track").n == 0


def test_a_camera_without_registration_is_watched_in_px_and_its_signals_are_where_it_stands() -> None:
    zone = {"id": "yard", "kind": "intrusion", "picture": box(*SQUARE)}
    text = scenario("watch: dwell, zone: intrusion, above: 2")
    rig = Rig(DetectionsLane, city(text, camera=CAMERA | {"view": {"zones": [zone]}}))
    for k in range(6):
        rig.say(frame(k / 2, ("", "person", 5 + 0.1 * k, 5)))
    (raised,) = rig.run().signals
    assert (raised.value, raised.lon, raised.lat, raised.grid) == (2.5, 113.5, 22.5, "g0")


def test_more_objects_than_can_be_followed_are_counted() -> None:
    rig = Rig(DetectionsLane, city(IN))
    rig.say(frame(0, *((k, "person", -15 + 0.15 * k, 20) for k in range(260))))
    out = rig.run()
    assert (out.counts["objects"], out.counts["unfollowed"]) == (256, 4)


@pytest.mark.parametrize(
    ("detect", "rest", "says"),
    [
        ("watch: dwel, zone: no_stop, above: 1", "", r"detect\.watch: invalid enum value 'dwel'"),
        ("watch: dwell, zone: nostop, above: 1", "", r"detect\.zone: invalid enum value 'nostop'"),
        ("watch: dwell, above: 1", "", "expected line and window_s for crossing, zone for all others"),
        ("watch: crossing, line: gate, above: 1", "", "expected line and window_s"),
        ("watch: dwell, zone: no_stop, below: 1", "", "expected above .*got below"),
        ("watch: count, zone: crowd, silent_s: 1", "", "expected above .*got silent_s"),
        ("watch: count, zone: crowd, count_over: 1, window_s: 5", "", "expected above .*got count_over"),
        ("watch: wrong_way, zone: crowd, above: 1", "", "expected one_way for wrong_way, got crowd"),
        ("watch: dwell, zone: no_stop, above: 1, radius_m: 2", "", "radius_m: expected metres above 0, with watch"),
        ("watch: dwell, zone: no_stop, above: 1", "clear: {above: 2}", r"clear\.above: expected below or quiet_s"),
        ("watch: crossing, line: gate, window_s: 9, above: 2000", "", "expected below 1024"),
        ("watch: count, zone: crowd, above: 1, classes: [car, car]", "", "names, each once"),
        ("zone: crowd, above: 1", "", r"detect\.zone: only with watch"),
    ],
)
def test_a_watch_that_means_nothing_is_refused_with_its_place(detect: str, rest: str, says: str) -> None:
    with pytest.raises(ScenarioError, match=says):
        read(scenario(detect, rest), "f.yaml")


def test_a_watch_names_no_metric_and_only_cameras_have_one() -> None:
    with pytest.raises(ScenarioError, match="type of the cameras, and no metric"):
        read(STALLED.replace("type: camera", "type: camera, metric: person_count"))
    with pytest.raises(ScenarioError, match="only for source video; source is 'iot'"):
        read(STALLED.replace("source: video", "source: iot"))
    with pytest.raises(ScenarioError, match="only for source video; source is 'hotline'"):
        read(STALLED.replace("source: video", "source: hotline"))


@pytest.mark.parametrize(
    ("text", "view", "says"),
    [
        (STALLED, {"zones": [ZONES[0]]}, r"scenario public\.traffic\.stalled: .*cam-1, zone 'bus lane': needs metres"),
        (
            IN,
            VIEW | {"points": [[0, 0, LON, LAT]] * 4},
            r"assets: cam-1: view: points: pairs: expected image points apart",
        ),
        (
            IN,
            VIEW | {"points": [*POINTS[:4], [50, 300, *spot(9, 26)]]},
            r"view: points: pairs: expected errors up to 2",
        ),
        (IN, {"zones": [ZONES[3] | {"picture": [[0, 0], [9, 9], [9, 0], [0, 9]]}]}, r"zones\[0\] \(track\): .*a ring"),
        (IN, VIEW | {"lines": [LINES[0] | {"to": [50, 450]}]}, r"lines\[0\] \(door\): to: expected a point beside"),
    ],
)
def test_a_set_whose_cameras_cannot_be_watched_is_refused_with_camera_and_zone(
    text: str, view: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        Rig(DetectionsLane, city(text, camera=CAMERA | {"view": view}))


side = st.sampled_from([0.0, 5.0, 49.9, 450.0, -300.0, 1e9, -1e9, 1e308, -1e308, 5e-324])
objects = st.tuples(
    st.sampled_from(["", "1", "2", "x"]), side, side, side, side, st.sampled_from(["car", "person", "?"])
)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 12), st.lists(objects, max_size=5)), min_size=2, max_size=10), st.data())
def test_nothing_that_a_camera_can_send_raises_or_depends_on_cuts(frames: list[Any], data: st.DataObject) -> None:
    rig = Rig(DetectionsLane, city(STALLED, WRONG, DOOR, FULL, IN))
    t = 0.0
    for step, found in frames:
        t += step / 2
        texts = [
            f"{i}|{min(x1, x2)!r}|{min(y1, y2)!r}|{max(x1, x2)!r}|{max(y1, y2)!r}|{c}" for i, x1, y1, x2, y2, c in found
        ]
        rig.say(frame(t) | {"objects": texts})
    rig.beat(500)
    whole = rig.run().signals
    rig.begin()
    assert rig.run(sorted(data.draw(st.sets(st.integers(1, len(frames)))))).signals == whole


def demo_rig() -> Rig:
    return Rig(DetectionsLane, CitySet.load(DEMO))


def test_the_demo_feed_raises_its_crowd_and_its_stalled_car() -> None:
    rig = demo_rig()
    for n, event in enumerate(events(Place([], ["cam-0001"], [], (113.4, 22.15, 113.6, 22.3)), T0)):
        if event.topic == "video.metadata":
            rig.say(event.value)
            if n % 50 == 0:
                rig.beat(10)
    out = rig.run()
    found = {(s.scenario, s.kind, s.asset) for s in out.signals}
    for name, zone in (("public.traffic.stalled_vehicle", "公交站前"), ("emergency.crowd.density", "广场")):
        assert {(name, "raise", f"cam-0001/{zone}"), (name, "clear", f"cam-0001/{zone}")} <= found
    assert not out.dead
    car = next(s for s in out.signals if s.scenario == "public.traffic.stalled_vehicle")
    assert 170_000 < car.t - T0 < 180_000
    assert car.grid


def test_the_demo_street_finds_a_rider_who_goes_the_wrong_way() -> None:
    rig = demo_rig()
    for k in range(40):
        x = 600 - 12 * k
        body = frame(k / 5, camera="cam-0002") | {"objects": [f"5|{x - 20}|250|{x + 20}|310|bicycle"]}
        rig.say(body)
    raised = [s for s in rig.run().signals if s.kind == "raise"]
    assert [(s.scenario, s.asset, s.level) for s in raised] == [("public.traffic.wrong_way", "cam-0002/东行车道", 2)]


@pytest.mark.skipif(REAL is None, reason="no shared/data/mot_tud_tracks beside or above the project")
def test_on_a_real_street_a_tracker_that_loses_people_counts_fewer_crossings_and_none_that_was_not() -> None:
    assert REAL is not None
    lines = [{"id": f"at {x}", "kind": "gate", "picture": [[x, 0], [x, 480]]} for x in (160, 320, 450)]
    text = scenario("watch: crossing, line: gate, window_s: 100, above: 0")
    people: dict[str, Any] = CAMERA | {"view": {"lines": lines, "gap_s": 1.0, "reach": 30}}
    counts = []
    for name in ("gt", "test"):
        table = np.loadtxt(REAL / f"{name}.txt", delimiter=",")[:, :6]
        rig = Rig(DetectionsLane, city(text, camera=people))
        for k in sorted(set(table[:, 0])):
            boxes = [f"{int(i)}|{x}|{y}|{x + w}|{y + h}|person" for f, i, x, y, w, h in table if f == k]
            rig.say(frame(k / 25) | {"objects": boxes})
        assert len(rig.run().signals) == 3
        counts.append(rig.store.table("watched").rows["crossings"][:3])
    true, found = counts
    assert (found <= true).all()
    assert found.sum() >= 0.8 * true.sum()
