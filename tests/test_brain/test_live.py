"""Live changes of map and assets: what becomes of a set's files, and what is refused with everything left as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.lane import ReadingsLane
from brain.live import LiveChanges
from brain.live_apply import ASSETS, FEATURES, Outcome, Record, follow, name_of
from brain.set_library import SetLibrary
from brain.sets import Changes, CitySet, digest, digest_of, files, write
from geo import geojson
from geo.changes import Change
from geo.feature import Feature
from streams import set_store
from streams.records import TP, Batch
from streams.set_build import Built
from streams.state import Store

DEMO = Path(__file__).parents[2] / "config" / "demo"
NOW, MOVE = 1_592_800_000_000, 1_592_755_200_000  # the second is 2020-06-22T00:00:00+08:00
AFTER = Changes("sha256:base", {ASSETS: 9, FEATURES: 9}, NOW)
GAS = {"id": "gas-77", "type": "gas", "lon": 113.45, "lat": 22.2, "unit": "%LEL", "range": [0, 100]}


def feature(change: Feature, offset: int = 0) -> Record:
    key, value = Change.of(change).record()
    return Record(FEATURES, offset, key, value)


def asset(offset: int = 0, since: str = "", **other: Any) -> Record:
    body = {**GAS, **other}
    return Record(ASSETS, offset, f"{body['id']}{since and '/'}{since}".encode(), json.dumps(body).encode())


def grids() -> list[Feature]:
    return [f for f in geojson.load(DEMO / "map.geojson") if f.layer == "grid"]


def moved(grid: Feature, town: str, since: int = MOVE) -> Feature:
    return Feature("grid", grid.code, grid.shape, since, attributes={**grid.attributes, "town": town})


def made(outcome: Outcome, folder: Path, base: Path = DEMO) -> CitySet:
    write({**files(base), **outcome.files}, folder)
    return CitySet.load(folder)


def test_grids_that_move_to_another_town_answer_by_the_time_of_the_event(tmp_path: Path) -> None:
    first, second = grids()[:2]
    fresh = [feature(moved(g, "990102009"), n) for n, g in enumerate((first, second))]
    outcome = follow(DEMO, fresh, [], AFTER)
    assert (outcome.applied, outcome.refused) == (2, [])
    assert set(outcome.files) == {"map.geojson", "changes.json"}
    city = made(outcome, tmp_path / "next")
    at = [np.array([c, c]) for c in (first.shape.centroid.x, first.shape.centroid.y)]
    before, after = city.map.locate(*at, np.array([MOVE - 1, MOVE])).tolist()
    assert [city.map.towns[k] for k in (before, after)] == [first.attributes["town"], "990102009"]
    assert msgspec.json.decode(outcome.files["changes.json"], type=Changes) == AFTER


def test_changes_that_make_the_map_unsound_are_left_out_with_their_reason_and_the_others_stay(tmp_path: Path) -> None:
    first, second, third = grids()[:3]
    wide = Feature("grid", second.code, second.shape.buffer(0.004), MOVE, attributes=second.attributes)
    nowhere = Feature("grid", "g-new", third.shape.buffer(-0.002).buffer(0), MOVE, attributes={"town": "t"})
    fresh = [
        feature(moved(first, "990102009"), 0), feature(wide, 1), feature(nowhere, 2),
        Record(FEATURES, 3, b"grid/x/always", b"{"), Record(FEATURES, 4, b"nonsense", None),
    ]  # fmt: skip
    outcome = follow(DEMO, fresh, [], AFTER)
    why = {r.record.offset: r.why for r in outcome.refused}
    assert sorted(why) == [1, 2, 3, 4]
    assert "overlaps" in why[1]
    assert "district: expected text" in why[2] or "overlaps" in why[2]
    assert "layer/code/valid-from" in why[4]
    city = made(outcome, tmp_path / "next")
    assert city.map.towns.count("990102009") == 1


def test_a_map_of_another_place_is_no_live_change() -> None:
    from shapely.affinity import translate

    fresh = [
        feature(Feature("grid", f"far-{n}", translate(g.shape, 0.5, 0.5), attributes=g.attributes), n)
        for n, g in enumerate(grids())
    ]  # fmt: skip
    outcome = follow(DEMO, fresh, [], AFTER)
    assert outcome.files == {}
    assert all("at most 20% at once" in r.why for r in outcome.refused)
    assert len(outcome.refused) == len(fresh)


def test_an_asset_that_moved_stands_for_older_readings_where_it_stood_then(tmp_path: Path) -> None:
    fresh = [asset(0), asset(1, "2020-06-22T00:00:00+08:00", lon=113.5, crs="gcj02")]
    outcome = follow(DEMO, fresh, [], AFTER)
    assert outcome.refused == []
    city = made(outcome, tmp_path / "next")
    a = city.registry.index["gas-77"]
    lon, lat = (side[[a, a]] for side in city.placed())
    now = lon[0]
    city.placed_before(np.array([a, a], np.int32), np.array([MOVE - 1, MOVE]), lon, lat)
    assert lon[0] == pytest.approx(113.45)
    assert lon[1] == now
    assert now == pytest.approx(113.495, abs=0.003)  # rectified


def test_a_deleted_version_of_an_asset_leaves_the_one_before_it_or_nothing(tmp_path: Path) -> None:
    old, new = asset(0), asset(1, "2020-06-22T00:00:00+08:00", unit="ppm")
    both = made(follow(DEMO, [old, new], [], AFTER), tmp_path / "both")
    assert both.registry.units[both.registry.series_unit[both.registry.first[both.registry.index["gas-77"]]]] == "ppm"
    gone = Record(ASSETS, 2, new.key, None)
    back = made(follow(tmp_path / "both", [gone], [old, gone], AFTER), tmp_path / "back", tmp_path / "both")
    assert back.registry.units[back.registry.series_unit[back.registry.first[back.registry.index["gas-77"]]]] == "%LEL"
    gone = Record(ASSETS, 3, old.key, None)
    outcome = follow(tmp_path / "back", [gone], [gone], AFTER)
    assert b"gas-77" not in outcome.files["assets.ndjson"]


def test_a_lane_that_changes_over_to_another_map_keeps_what_it_worked_out_of_the_same_assets(tmp_path: Path) -> None:
    outcome = follow(DEMO, [feature(moved(grids()[0], "990102009"))], [], AFTER)
    contents = {**files(DEMO), **outcome.files}
    library = SetLibrary([DEMO], tmp_path / "cache")
    library.keep(contents, digest_of(contents))
    old, new = library.get(digest(DEMO)), library.get(digest_of(contents))
    assert new.registry is old.registry
    assert new.partitions(4) is old.partitions(4)
    lane = ReadingsLane()
    lane.bind(Store(lane.tables, lane.owner), TP("in", 0), 1)
    lane.enter(old.id, old)
    cells, agents = lane.program.cells, lane.program.agents
    lane.enter(new.id, new)
    assert lane.program.content is new
    assert lane.program.cells is cells
    again = lane.program.agents
    assert again is not agents, "a grid has two editions now, so that grids have other numbers"
    lane.enter("another name", new)
    assert lane.program.agents is again


def test_a_change_that_is_valid_later_waits_for_its_time_and_is_then_asked_for_once() -> None:
    set_id = digest(DEMO)
    live = LiveChanges(SetLibrary([DEMO]), DEMO.parent, "nobody:1", "sets")
    assert not live.waiting(set_id, MOVE - 1)
    change = asset(0, "2020-06-22T00:00:00+08:00")
    live.take(ASSETS, Batch.of(TP(ASSETS, 0), 0, 1, [(0, 0, change.key, change.value, ())]))
    assert live.waiting(set_id, MOVE - 1), "new, so it must be looked at once"
    assert live.build(set_id, MOVE - 1) == Built("", 0, [])
    live.judged()
    assert not live.waiting(set_id, MOVE - 1)
    assert live.waiting(set_id, MOVE)


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (asset(lon=999), "lon in [-180, 180]"),
        (Record(ASSETS, 0, b"gas-78", json.dumps(GAS).encode()), "the key names 'gas-78'"),
        (Record(ASSETS, 0, b"gas-77/yesterday", json.dumps(GAS).encode()), "yesterday"),
        (asset(colour="red"), "unknown field `colour`"),
        (asset(past=[{"until": 1, "lon": 1, "lat": 1}]), "past: is kept by the registry"),
        (Record(ASSETS, 0, b"\xff", b"{}"), "utf-8"),
    ],
)
def test_a_wrong_change_of_an_asset_is_refused_and_changes_nothing(record: Record, why: str) -> None:
    outcome = follow(DEMO, [record], [], AFTER)
    assert outcome.files == {}
    assert why in outcome.refused[0].why


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=60), st.one_of(st.none(), st.binary(max_size=80)), st.sampled_from([ASSETS, FEATURES]))
def test_bytes_of_anyone_are_refused_or_used_but_never_raise(key: bytes, value: bytes | None, topic: str) -> None:
    outcome = follow(DEMO, [Record(topic, 0, key, value)], [], AFTER)
    assert outcome.applied + len(outcome.refused) == 1


def test_the_name_of_an_asset_may_hold_a_slash_where_a_time_follows() -> None:
    assert name_of(b"a/b/2020-06-22T00:00:00Z") == ("a/b", 1_592_784_000_000)
    assert name_of(b"a/always") == ("a", 0)
    assert name_of(b"a") == ("a", 0)


def test_a_set_goes_through_chunks_unharmed_and_is_found_by_its_content(tmp_path: Path) -> None:
    contents = files(DEMO)
    set_id = digest(DEMO)
    assert digest_of(contents) == set_id
    packed = set_store.pack(contents)
    shelf = set_store.Shelf()
    parts = [(f"{set_id}/{k}/3".encode(), packed[k::3]) for k in range(3)]
    thirds = [
        packed[: len(packed) // 3],
        packed[len(packed) // 3 : 2 * len(packed) // 3],
        packed[2 * len(packed) // 3 :],
    ]
    for (key, _), part in zip(reversed(parts), reversed(thirds), strict=True):
        assert shelf.ids() == []
        shelf.take(key, part)
    shelf.take(b"wanted", b"{}")
    assert shelf.ids() == [set_id]
    library = SetLibrary([], tmp_path / "cache", lambda id: set_store.unpack(shelf.packed(id)))
    assert library.find(set_id, tmp_path / "none").id == set_id
    assert SetLibrary([], tmp_path / "cache").get(set_id).id == set_id
    with pytest.raises(KeyError):
        library.find("sha256:other", tmp_path / "none")
    shelf.take(parts[1][0], None)
    assert shelf.ids() == []


def test_a_set_whose_files_are_not_what_its_hash_says_is_not_kept(tmp_path: Path) -> None:
    library = SetLibrary([], tmp_path / "cache")
    with pytest.raises(ValueError, match="its files have the content"):
        library.keep({**files(DEMO), "routes.yaml": b"{}"}, digest(DEMO))
    with pytest.raises(ValueError, match="no file of a set"):
        write({"../evil.yaml": b""}, tmp_path / "cache" / "x")
    assert not list((tmp_path / "cache").glob("*"))


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200))
def test_what_is_no_packed_set_is_said_so(packed: bytes) -> None:
    with pytest.raises(set_store.SetTorn):
        set_store.unpack(packed)


def test_old_sets_leave_the_topic_but_those_in_use_stay() -> None:
    shelf = set_store.Shelf()
    for n in range(set_store.KEPT + 3):
        shelf.take(f"s{n}/0/1".encode(), b"x")
    assert shelf.old(["s0"]) == [b"s1/0/1", b"s2/0/1"]


def test_a_camera_changes_what_it_sees_live_and_a_view_that_cannot_be_watched_is_refused(tmp_path: Path) -> None:
    lines = (DEMO / "assets.ndjson").read_bytes().splitlines()
    camera = json.loads(next(line for line in lines if b"cam-0001" in line))
    lane = camera["view"]["zones"][1] | {"id": "new lane"}
    views = [{**camera["view"], "zones": [lane]}, {"zones": [lane]}, {"points": [[0, 0, 113.5, 22.2]] * 4}]
    outcomes = [follow(DEMO, [asset(**{**camera, "view": view})], [], AFTER) for view in views]
    assert [o.applied for o in outcomes] == [1, 0, 0]
    assert "zone 'new lane': needs metres" in outcomes[1].refused[0].why
    assert "points: pairs: expected" in outcomes[2].refused[0].why
    city = made(outcomes[0], tmp_path / "next")
    (seen,) = [s for a, s in city.sights().items() if city.registry.ids[a] == "cam-0001"]
    assert [area.id for area in seen.areas] == ["new lane"]


def test_a_worker_that_does_not_conduct_holds_the_newest_record_of_each_key_and_no_more() -> None:
    live = LiveChanges(SetLibrary([DEMO]), DEMO.parent, "nobody:1", "sets")
    for n in range(200):
        change = asset(n, "2020-06-22T00:00:00+08:00" if n % 2 else "always")
        live.take(ASSETS, Batch.of(TP(ASSETS, 0), n, n + 1, [(n, 0, change.key, change.value, ())]))
    assert len(live._newest) == 2
    assert len(live._later) == 1
