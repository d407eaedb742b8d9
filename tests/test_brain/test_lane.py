"""Lanes as functions of their log: what comes out, and what is side-lined."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from lane_rig import (
    CROWD,
    FIRE,
    HIGH,
    MANY,
    NOISE,
    ODD,
    T0,
    Rig,
    city,
    reading,
    ticket,
    told,
)

from brain.lane import DetectionsLane, ReadingsLane, TicketsLane
from brain.set_library import SetLibrary
from brain.sets import CitySet
from geo.coords import wgs84_to_gcj02
from streams.partition import partition_of
from streams.records import Reason
from streams.state import Store

DEMO = Path(__file__).parents[2] / "config" / "demo"


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


@pytest.mark.parametrize("lane", [ReadingsLane, DetectionsLane])
def test_a_rollback_before_the_first_flush_leaves_a_lane_whose_state_is_written(lane: type[ReadingsLane]) -> None:
    rig = Rig(lane, city(HIGH, CROWD))
    for _ in range(2):
        rig.lane.bind(rig.store, rig.at, rig.partitions)
        rig.lane.enter("set-1", rig.content)
        rig.say(reading("wl-1", 1, 11))
        rig.say({"version": "4.0", "@timestamp": T0, "sensorId": "cam-1", "objects": []})
        assert rig.run().counts["readings"] == 1
        rows = {name: table.n for name, table in rig.store.tables.items()}
        rig.store.rollback()
    assert rows["series"] > 0
    rig.lane.bind(rig.store, rig.at, rig.partitions)
    rig.lane.enter("set-1", rig.content)
    rig.run()
    again = Store(rig.lane.tables, rig.lane.owner)
    again.restore(rig.store.flush(1))
    assert {name: table.n for name, table in again.tables.items()} == rows


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


def test_a_ticket_at_a_new_place_is_counted_though_the_table_of_cases_is_full() -> None:
    rig = Rig(TicketsLane, city(NOISE))
    table = rig.store.table("case")
    table.slots(b"other\x1f%d" % n for n in range(len(table.rows)))
    for id, second in [("a", 0), ("b", 10), ("c", 20)]:
        rig.say(ticket(id, second, "噪音扰民"))
    assert [(s.kind, s.value) for s in rig.run().signals] == [("raise", 3)]
    table.slots(b"more\x1f%d" % n for n in range(len(table.rows) - table.n))
    assert rig.lane._seat(rig.lane.scenarios[0], "copies", 7) == table.n - 1


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
    with (tmp_path / "routes.yaml").open("a") as routes:
        routes.write("# another content\n")
    assert CitySet.load(tmp_path).id != demo.id
    assert replace(demo, id="other").registry is demo.registry


def test_the_time_of_the_warm_up_is_not_told_as_that_of_the_first_records(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = count()
    monkeypatch.setattr("brain.lane.perf_counter", lambda: float(next(looks)))
    rig = Rig(ReadingsLane, city(HIGH))
    rig.say(reading("wl-1", 0, 11))
    assert rig.run().seconds == {"decode": 1.0, "score": 1.0}
