"""The census of a lane: who speaks, who fell silent, what an outage is not, and that no cut of the log moves it."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import msgspec
import numpy as np
import pytest
import shadow_rig as pipeline
from city_rig import parted
from hypothesis import given, settings
from hypothesis import strategies as st
from lane_rig import ASSETS, GRIDS, HIGH, PEOPLE, QUIET, T0, Rig, reading

from brain.census import CHUNK, EVERY_MS, NAME, Told, heard, read
from brain.incidents.city import CityLogic
from brain.lane import DetectionsLane, ReadingsLane
from brain.scenarios import read as scenario
from brain.sets import CitySet
from geo.grid_map import GridMap
from streams.records import CE_TYPE, Summary
from streams.registry import Registry
from streams.state import Store

EVERY_S = 60.0


def city(every_s: float = EVERY_S, assets: int = 8, *texts: str) -> CitySet:
    regular = [{**ASSETS[0], "id": f"wl-{k}", "every_s": every_s} for k in range(assets)]
    silent_type = {"id": "cam-1", "type": "camera", "lon": 114.5, "lat": 22.5, "metrics": PEOPLE}
    registry = Registry.of([*regular, silent_type])
    return CitySet("set-1", registry, GridMap(GRIDS), [scenario(text) for text in texts])


def rig(content: CitySet | None = None) -> Rig:
    made = Rig(ReadingsLane, content or city())
    made.beat(1)
    return made


def minutes(r: Rig, n: int, *speaking: str) -> None:
    """So many minutes of beats, one reading of each of these assets in each."""
    for _ in range(n):
        for name in speaking:
            r.say(reading(name, (r.pulse - T0) / 1000, 1.0))
        for _ in range(6):
            r.beat(10)


def told(summaries: list[Summary]) -> dict[int, dict[str, Told]]:
    out: dict[int, dict[str, Told]] = {}
    for s in summaries:
        assert s.name == NAME
        out.setdefault(s.t, {}).update(read(s))
    return out


def image(r: Rig) -> list[bytes]:
    return [t.rows[: t.n].tobytes() for t in r.store.tables.values()]


def test_an_asset_goes_silent_after_three_intervals_and_is_live_again_once_it_speaks() -> None:
    r = rig()
    minutes(r, 7, "wl-0", "wl-1")
    minutes(r, 20, "wl-0")
    last = r.pulse - T0
    minutes(r, 10, "wl-0", "wl-1")
    found = told(r.run().summaries)
    course = [(t, rows["wl-1"]) for t, rows in sorted(found.items()) if "wl-1" in rows]
    (_, first), (fell, silent), *_, (again, back) = course
    assert (first.since, silent.since, back.since) == (0, fell, 0)
    assert silent.last == T0 + 1000 + 6 * 60_000, "the newest reading, to the millisecond"
    assert 3 * EVERY_S * 1000 <= fell - silent.last <= 3 * EVERY_S * 1000 + 2 * EVERY_MS
    assert 0 <= again - (T0 + last) <= EVERY_MS
    assert all(rows["wl-0"].since == 0 for rows in found.values() if "wl-0" in rows)


def test_who_stays_silent_says_since_when_in_every_whole_census() -> None:
    r = rig()
    minutes(r, 5, "wl-0")
    minutes(r, 150)
    found = [(t, rows["wl-0"].since) for t, rows in sorted(told(r.run().summaries).items()) if "wl-0" in rows]
    fell = next(t for t, since in found if since)
    assert [t % 3_600_000 == 0 for t, _ in found if t > fell] == [True, True]
    assert {since for t, since in found if t >= fell} == {fell}


def test_what_never_spoke_or_has_no_interval_is_not_told_of() -> None:
    r = rig()
    minutes(r, 70, "wl-3")
    assert {name for rows in told(r.run().summaries).values() for name in rows} == {"wl-3"}
    bare = Rig(ReadingsLane, city(0.0))
    minutes(bare, 70, "wl-3")
    assert bare.run().summaries == []
    assert not bare.lane.program.timed, "a lane without such assets looks at no pulse"


def test_one_lane_says_nothing_of_what_speaks_in_another_though_the_key_is_its_own() -> None:
    content = city()
    camera = Rig(DetectionsLane, content)
    camera.beat(1)
    minutes(camera, 20)
    assert camera.run().summaries == []


def test_nobody_goes_silent_by_an_outage_and_who_was_silent_stays_so() -> None:
    r = rig()
    minutes(r, 3, "wl-0", "wl-1")
    minutes(r, 12, "wl-0")
    r.beat(1, outage=7_200_000)
    after = r.pulse
    r.beat(120)
    minutes(r, 2)
    minutes(r, 12, "wl-0")
    found = told(r.run().summaries)
    assert all(rows["wl-0"].since == 0 for rows in found.values() if "wl-0" in rows)
    assert all(rows["wl-1"].since < after - 7_200_000 for t, rows in found.items() if t > after and "wl-1" in rows)


def test_silence_begins_anew_after_an_outage_that_lay_between_two_censuses() -> None:
    r = rig()
    minutes(r, 5, "wl-0")
    minutes(r, 2)
    r.beat(1, outage=60_000)
    end = r.pulse
    minutes(r, 25)
    fell = next(t for t, rows in sorted(told(r.run().summaries).items()) if rows.get("wl-0", Told(0, 0)).since)
    assert 3 * EVERY_S * 1000 <= fell - end <= 3 * EVERY_S * 1000 + EVERY_MS


def test_between_whole_censuses_only_what_changed_is_told() -> None:
    names = [f"wl-{k}" for k in range(8)]
    r = rig()
    minutes(r, 65, *names)
    minutes(r, 55, *names[1:])
    found = told(r.run().summaries)
    whole = {t for t in found if t % 3_600_000 == 0}
    first, *rest = sorted(set(found) - whole)
    assert all(set(found[t]) == set(names) for t in whole)
    assert whole
    assert set(found[first]) == set(names)
    assert [list(found[t]) for t in rest] == [["wl-0"]]


def test_a_lane_of_many_assets_tells_them_in_records_well_below_a_megabyte() -> None:
    n = CHUNK + 10
    content = city(EVERY_S, n)
    r = rig(content)
    for k in range(n):
        r.say(reading(f"wl-{k}", 1, 1.0))
    minutes(r, 6)
    out = r.run().summaries
    assert [len(s.keys) for s in out if s.t == out[0].t] == [CHUNK, 10]
    assert [s.index for s in out[:2]] == [out[0].index, out[0].index + 1]
    assert max(len(msgspec.msgpack.encode(s)) for s in out) < 300_000
    assert max(len(msgspec.msgpack.encode(s)) for s in out) / CHUNK < 40, "bytes of an asset"


def busy(seed: int, texts: tuple[str, ...]) -> tuple[Rig, random.Random]:
    """Hours of a lane in which assets come and go, with outages, gaps of pulses and readings that are refused."""
    draw = random.Random(seed)
    r = rig(city(EVERY_S, 8, *texts))
    speaking = set(range(5))
    for _ in range(60):
        speaking ^= {draw.randrange(7)} if draw.random() < 0.3 else set()
        for k in sorted(speaking):
            at = (r.pulse - T0) / 1000 + draw.choice([0, 1, -200, 1e6] if draw.random() < 0.2 else [0, 2])
            r.say(reading(f"wl-{k}", at, draw.choice([1.0, 12.0, 5000.0])))
        r.beat(draw.choice([20, 60, 60, 240]), 900_000 if draw.random() < 0.05 else 0)
    return r, draw


@settings(max_examples=5, deadline=None, derandomize=True, database=None)
@given(st.integers(0, 99), st.sampled_from([(), (HIGH,), (QUIET,)]))
def test_the_census_does_not_depend_on_how_the_log_is_cut_or_where_the_lane_dies(
    seed: int, texts: tuple[str, ...]
) -> None:
    r, draw = busy(seed, texts)
    whole = r.run()
    state = image(r)
    assert whole.summaries
    for n in (1, 40):
        cuts = sorted(draw.sample(range(1, len(r.records)), n))
        r.begin()
        again = r.run(cuts, restarts=draw.sample(cuts, max(1, n // 8)))
        assert msgspec.msgpack.encode(again.summaries) == msgspec.msgpack.encode(whole.summaries)
        assert again.signals == whole.signals
        assert image(r) == state


def test_every_row_that_a_census_changes_is_marked_for_a_restart() -> None:
    r, _ = busy(3, ())
    r.store.flush(1)
    before = {name: t.rows[: t.n].copy() for name, t in r.store.tables.items()}
    r.run()
    table = r.store.table("census")
    changed = table.rows[: table.n] != before["census"]
    assert changed.sum() > 5
    assert (table.dirty[: table.n][changed] == 1).all()


def test_a_state_of_a_release_without_the_census_is_taken_over() -> None:
    r = rig()
    minutes(r, 10, "wl-0")
    r.run()
    log = [row for row in r.store.flush(1) if b"/census/" not in row[0]]
    fresh = Store(r.lane.tables, r.lane.owner)
    fresh.restore(log)
    lane: Any = ReadingsLane()
    lane.bind(fresh, r.at, 1)
    lane.enter("set-1", r.content)
    assert fresh.table("census").rows["told"].sum() == 0
    r.lane, r.store = lane, fresh
    n = len(r.records)
    minutes(r, 20)
    found = told(r.run([n], since=1).summaries)
    first, second, *_ = sorted(found)
    assert found[first]["wl-0"].since == 0
    assert found[second]["wl-0"].since == second


def test_through_the_whole_engine_a_census_is_told_once_whoever_dies_and_moves_no_incident() -> None:
    rows = [pipeline.reading(k % 4, 5 + 20 * (k > 20), T0 + 13_000 * k) for k in range(50)]
    lines = pipeline.log(rows, 1000)
    bare = pipeline.with_states({}, (HIGH,))
    registry = Registry.of([{**asset, "every_s": 30} for asset in ASSETS])
    sets = {"set-1": dataclasses.replace(bare, registry=registry)}
    whole = pipeline.run(lines, sets)
    found = censuses(whole)
    assert {name for s in found for name in s.keys} == {f"wl-{k}" for k in range(4)}
    assert {s.t % EVERY_MS for s in found} == {0}
    assert any(s.column("since").any() for s in found)
    assert found == censuses(pipeline.killed(lines, sets, 3, 40))
    assert pipeline.incidents(whole, "incidents") == pipeline.incidents(
        pipeline.run(lines, {"set-1": bare}), "incidents"
    )


def censuses(broker: Any) -> list[Summary]:
    rows = [row for tp in sorted(broker.partitions) if tp.topic.startswith("signals.") for row in broker.read(tp)]
    found = [heard(dict(headers).get(CE_TYPE), value) for _, _, value, headers in rows]
    return [s for s in found if s is not None]


def test_the_city_task_passes_over_a_census() -> None:
    logic = CityLogic()
    logic.enter("set-1", city())
    columns = {name: np.zeros(1, "<f8").tobytes() for name in ("last", "since")}
    logic.summary(Summary(NAME, T0, 3, 1, ["wl-0"], columns, T0 + 999, "set-1", "iot.telemetry/0"))
    assert logic.due() is None
    assert parted(logic.changes()) == ({}, [])
    assert logic.counts["late_summary"] == 0


@pytest.mark.parametrize(
    ("last", "since", "why"),
    [([1.0], [0.0, 0.0], "2 assets, 1 and 2 values"), ([1.0, 2.0], None, "expected columns last and since, got last"),
     ([1.0, np.nan], [0.0, 0.0], "expected times"), ([1.0, np.inf], [0.0, 0.0], "expected times")],
)  # fmt: skip
def test_columns_that_do_not_fit_their_assets_or_hold_no_times_are_refused(
    last: list[float], since: list[float] | None, why: str
) -> None:
    columns = {"last": np.array(last, "<f8").tobytes()}
    if since is not None:
        columns["since"] = np.array(since, "<f8").tobytes()
    with pytest.raises(ValueError, match=f"sensing: {why}"):
        read(Summary(NAME, T0, 3, 1, ["a", "b"], columns))
