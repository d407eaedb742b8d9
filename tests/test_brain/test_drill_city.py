"""The sample city: the same for a seed, an exact partition, islands without roads, water where it belongs."""

from __future__ import annotations

import gzip
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import shapely
from typer.testing import CliRunner

from brain.cli import app
from brain.drill.city import SCALES, City, make_city
from brain.drill.city.asset_types import TYPES
from brain.drill.city.hierarchy import shares
from brain.drill.city.names import Names, numeral
from brain.drill.city.roads import BRIDGE, CLASSES
from brain.drill.city.terrain import BRIDGED, MAINLAND, plane
from brain.drill.city.write import FILES, sample, write
from geo import geojson
from geo.city_map import CityMap
from geo.coords import to_wgs84
from geo.feature import Feature
from geo.roads import BY_ROAD, NO_ROAD
from streams.registry import Registry

COMMITTED = Path(__file__).parents[2] / "config" / "map"
ABOVE = {"grid": "community", "community": "town", "town": "district"}


@pytest.fixture(scope="module")
def city() -> City:
    return make_city(1, "small")


@pytest.fixture(scope="module")
def files(city: City, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("city")
    write(city, out)
    return out


def layer(city: City, name: str) -> list[Feature]:
    return [f for f in city.polygons if f.layer == name]


def area(shape: Any) -> int:
    """Twice the area in units of the seventh decimal, squared: whole numbers, so sums are exact."""
    total = 0
    for part in shapely.get_parts([shape]):
        for k, ring in enumerate([part.exterior, *part.interiors]):
            points = [(round(x * 1e7), round(y * 1e7)) for x, y in ring.coords]
            twice = sum(a * d - b * c for (a, b), (c, d) in pairwise(points))
            total += -abs(twice) if k else abs(twice)
    return total


def test_the_same_seed_gives_the_same_bytes_in_whatever_order_the_parts_are_asked_for(files: Path, city: City) -> None:
    again = make_city(1, "small")
    assert again.cameras.name == city.cameras.name  # the last part first
    other = files / "again"
    write(again, other)
    assert {name: (other / name).read_bytes() for name in FILES} == {n: (files / n).read_bytes() for n in FILES}


def test_every_unit_lies_in_its_parent_and_areas_add_up_exactly(city: City) -> None:
    for child, parent in ABOVE.items():
        shapes = {f.code: f.shape for f in layer(city, parent)}
        held: dict[str, list[Any]] = {code: [] for code in shapes}
        for f in layer(city, child):
            assert f.code.startswith(f.attributes["parent"])
            held[f.attributes["parent"]].append(f.shape)
        for code, shape in shapes.items():
            assert sum(map(area, held[code])) == area(shape), f"{parent} {code}"
            assert shapely.covers(shapely.buffer(shape, 1e-9), held[code]).all(), f"{parent} {code}"


def test_a_grid_names_the_units_that_it_lies_in(city: City) -> None:
    parents = {f.code: f.attributes.get("parent") for f in city.administrative}
    for grid in layer(city, "grid"):
        a = grid.attributes
        assert a["community"] == a["parent"]
        assert (parents[a["community"]], parents[a["town"]]) == (a["town"], a["district"])


def test_the_population_of_a_unit_is_that_of_its_grids(city: City) -> None:
    for name in ("district", "town", "community", "zone"):
        of: Counter[str] = Counter()
        for grid in layer(city, "grid"):
            of[str(grid.attributes[name])] += int(grid.attributes["population"])
        assert {f.code: f.attributes["population"] for f in layer(city, name)} == {k: n for k, n in of.items() if k}


def test_a_zone_owns_grids_whose_codes_put_them_under_a_district(city: City) -> None:
    grids = layer(city, "grid")
    for zone in layer(city, "zone"):
        own = [g for g in grids if g.attributes["zone"] == zone.code]
        assert sum(area(g.shape) for g in own) == area(zone.shape)
        assert not any(g.code.startswith(zone.code) for g in own)
        assert len({g.attributes["town"] for g in own}) >= 1
    assert any(len({g.attributes["town"] for g in grids if g.attributes["zone"] == z.code}) > 1
               for z in layer(city, "zone"))  # fmt: skip


def test_neighbours_share_their_borders_point_for_point_without_gap_or_overlap(city: City) -> None:
    shapes = [f.shape for f in layer(city, "grid")]
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)


def test_every_point_on_land_has_one_grid_and_the_sea_has_none(city: City) -> None:
    west, south, east, north = layer(city, "district")[0].shape.bounds
    draw = np.random.default_rng(5)
    lon, lat = draw.uniform(west, east, 4_000), draw.uniform(south, north, 4_000)
    grids, land = [f.shape for f in layer(city, "grid")], shapely.union_all([f.shape for f in layer(city, "district")])
    point, _ = shapely.STRtree(grids).query(shapely.points(lon, lat), predicate="within")
    count = np.bincount(point, minlength=len(lon))
    assert (count == shapely.contains_xy(land, lon, lat)).all()
    assert 0 < count.mean() < 1


def test_the_map_of_all_layers_is_taken_without_a_finding(files: Path, city: City) -> None:
    made = CityMap(geojson.load(files / "map.geojson"))
    assert {name: len(made.features(name)) for name in made.layers} == Counter(f.layer for f in city.polygons)
    assert all(ring.is_ccw for f in city.polygons for p in shapely.get_parts([f.shape]) for ring in [p.exterior])
    assert {"flood", "landslide", "surge", "crowd", "chemical", "fire"} == {
        f.attributes["kind"] for f in made.features("risk")
    }


def test_grids_are_small_where_people_live_and_large_in_the_hills(city: City) -> None:
    size = np.array([f.shape.area for f in layer(city, "grid")])
    away = np.hypot(city.land.x - city.ground.centres[0, 0], city.land.y - city.ground.centres[0, 1])
    assert np.median(size[away < 5_000]) * 10 < np.median(size[city.ground.heights(city.land.x, city.land.y) > 150])


def test_islands_without_a_bridge_are_told_as_never_reached_by_road(city: City) -> None:
    graph = city.roads
    net = graph.net
    main = int(np.flatnonzero(graph.body == MAINLAND)[0])
    for body in np.unique(graph.body):
        there = np.flatnonzero(graph.body == body)
        back = net.times_from(int(there[0]))
        to, start = net.times_from(main), np.full(len(there), main)
        expected = BY_ROAD if body <= BRIDGED else NO_ROAD
        assert (net.reached(start, there, to[there]) == expected).all()
        assert np.isfinite(back[there]).all(), "within an island every place reaches every other"
    assert graph.body.max() >= 3


def test_closing_the_bridges_cuts_the_island_off(city: City) -> None:
    graph = city.roads
    _, _, _, street = graph.directed
    closed = graph.net.without(np.flatnonzero(graph.kind[street] == BRIDGE))
    main, island = (int(np.flatnonzero(graph.body == b)[0]) for b in (MAINLAND, BRIDGED))
    assert np.isfinite(graph.net.times_from(main)[island])
    assert not np.isfinite(closed.times_from(main)[island])


def test_streets_have_lengths_speeds_and_directions(city: City) -> None:
    graph = city.roads
    straight = np.hypot(*np.subtract(plane(graph.lon[graph.start], graph.lat[graph.start]),
                                     plane(graph.lon[graph.end], graph.lat[graph.end])))  # fmt: skip
    assert (np.abs(graph.metres - straight) < 0.004 * straight + 0.1).all()
    assert set(graph.kind.tolist()) == set(range(len(CLASSES)))
    assert 0.01 < graph.one_way.mean() < 0.2
    assert set(graph.speed.tolist()) == {30, 40, 50, 60, 80, 100}
    assert len(set(graph.names)) == len(graph.names) == graph.road.max() + 1


def test_rivers_flow_downhill_into_the_sea(city: City) -> None:
    net = city.rivers
    assert (net.height[net.start] > net.height[net.end]).all()
    mouths = np.setdiff1d(net.end, net.start)
    assert (city.grids.locate(net.lon[mouths], net.lat[mouths]) < 0).all()
    assert len(np.unique(net.start)) == len(net.start), "water leaves a node by one reach"
    for head in np.setdiff1d(net.start, net.end).tolist():
        assert np.isfinite(net.net.downstream(head)[mouths]).sum() == 1
    assert net.order.max() >= 2
    ends = [(line[0].tolist(), line[-1].tolist()) for line in net.line]
    assert ends == [([net.lon[a], net.lat[a]], [net.lon[b], net.lat[b]]) for a, b in zip(net.start, net.end)]  # noqa: B905


def test_reservoirs_lie_on_land_with_levels_in_order(city: City) -> None:
    land = shapely.union_all([f.shape for f in layer(city, "district")])
    dams = city.sites.of("dam")
    for reservoir in city.reservoirs:
        a: Any = reservoir.attributes
        assert shapely.covers(land, reservoir.shape)
        assert a["level_dead"] < a["level_flood"] < a["level_normal"]
        assert a["storage"] > 0
    assert len(dams) == len(city.reservoirs)


def test_every_asset_is_in_water_or_on_land_as_its_type_needs(city: City) -> None:
    assets = city.assets
    lines = shapely.multilinestrings([shapely.linestrings(line) for line in city.rivers.line])
    bridges = shapely.multilinestrings([
        [(city.roads.lon[a], city.roads.lat[a]), (city.roads.lon[b], city.roads.lat[b])]
        for a, b, k in zip(city.roads.start, city.roads.end, city.roads.kind, strict=True) if k == BRIDGE
    ])  # fmt: skip
    basins = shapely.union_all([f.shape for f in city.reservoirs])
    for k, name in enumerate(assets.type):
        where, at = TYPES[name].where, shapely.Point(assets.lon[k], assets.lat[k])
        if where == "river":
            assert lines.distance(at) < 1e-7
        elif where == "reservoir":
            assert basins.covers(at)
        elif where == "bridge":
            assert bridges.distance(at) < 1e-6
        else:
            assert (assets.grid[k] == "") == TYPES[name].water, f"{assets.records[k].id}"


def test_a_registered_position_is_the_true_one_in_the_system_it_states(city: City) -> None:
    assets, cameras = city.assets, city.cameras
    registry = Registry.of([*assets.records, *cameras.records])
    order = [registry.index[r.id] for r in [*assets.records, *cameras.records]]
    lon, lat = (a[order] for a in to_wgs84(registry.lon, registry.lat, registry.crs))
    truth = np.concatenate((assets.lon, cameras.lon)), np.concatenate((assets.lat, cameras.lat))
    away = np.hypot(*np.subtract(plane(lon, lat), plane(*truth)))
    assert away.max() < 0.03
    said = Counter(r.crs for r in assets.records)
    assert set(said) == {"wgs84", "gcj02", "bd09", "cgcs2000"}
    assert len(registry.types) == len(TYPES) + 1 > 25


def test_everything_is_there_as_often_as_its_scale_promises(city: City, files: Path) -> None:
    scale = SCALES["small"]
    units = city.units
    assert [len(u) for u in (units.districts, units.zones, units.towns, units.communities, units.grids)] == [
        3, 2, scale.towns, scale.communities, scale.grids,
    ]  # fmt: skip
    assert len(city.sites.lon) == scale.sites
    assert len(city.assets.lon) == scale.assets
    assert len(city.cameras.lon) == scale.cameras
    assert len(city.addresses.lon) == scale.addresses
    assert abs(len(city.roads.lon) - scale.nodes) < 0.06 * scale.nodes
    assert len(city.reservoirs) == scale.reservoirs
    assert len(set(city.sites.kind)) >= 12
    lines = gzip.decompress((files / "addresses.ndjson.gz").read_bytes()).splitlines()
    assert len(lines) == scale.addresses
    assert msgspec.json.decode(lines[0])["properties"]["layer"] == "address"
    assert "seed 1" in (files / "README").read_text(encoding="utf-8")


def test_an_address_lies_in_the_community_that_it_names_and_plates_are_there_once(city: City) -> None:
    made = city.addresses
    t = made.texts
    names = {f.code: f.attributes["name"] for f in city.administrative}
    grid_of = {f.code: f.attributes for f in layer(city, "grid")}
    found = city.grids.locate(made.lon, made.lat)
    assert [city.grids.codes[g] for g in found.tolist()] == t["grid"]
    for name in ("district", "town", "community"):
        assert [names[grid_of[code][name]] for code in t["grid"]] == t[name]
    doors = [(r, n) for r, n, kind in zip(t["road"], t["number"], t["kind"], strict=True) if kind == "door"]
    assert len(set(doors)) == len(doors)
    assert len(set(t["code"])) == len(t["code"])
    whole = made.text(t["kind"].index("room"))
    assert whole.endswith("室")
    assert len(made.book()["code"]) == len(t["code"]) - Counter(t["kind"])["room"]


def test_numbers_of_a_road_rise_from_its_beginning(city: City) -> None:
    made, graph = city.addresses, city.roads
    node = {}
    for k, road in enumerate(graph.road.tolist()):
        if graph.along[k] == 0.0:
            node[graph.names[road]] = int(graph.first[k])
    x, y = plane(made.lon, made.lat)
    beginning_x, beginning_y = plane(graph.lon, graph.lat)
    low, high = [], []
    for k, kind in enumerate(made.texts["kind"]):
        if kind == "door":
            begin = node[made.texts["road"][k]]
            away = float(np.hypot(x[k] - beginning_x[begin], y[k] - beginning_y[begin]))
            number = int(made.texts["number"][k].removesuffix("号"))
            # Along a bent road a plate may be nearer than its number says, never farther.
            assert away < (number + 2) / 2 * 12.0 + 40.0
            (low if number < 20 else high).append(away)
    assert np.median(low) < np.median(high)


def test_the_committed_layers_are_what_the_generator_makes(city: City) -> None:
    made = sample(city)
    assert {p.name for p in COMMITTED.glob("*.geojson")} == set(made)
    for name, data in made.items():
        assert (COMMITTED / name).read_bytes() == data, f"{name}: brain drill city config/map --scale small --sample"
    assert sum(map(len, made.values())) < 420_000


def test_the_command_writes_the_layers_and_another_seed_is_another_city(tmp_path: Path, city: City) -> None:
    args = ["drill", "city", str(tmp_path / "out"), "--scale", "small", "--seed", "3", "--sample", "--lang", "en"]
    result = CliRunner().invoke(app, args)
    assert result.exit_code == 0, result.output
    assert "3 district" in result.output
    towns = geojson.load(tmp_path / "out" / "town.geojson")
    assert len(towns) == SCALES["small"].towns
    assert not {f.shape.wkb for f in towns} & {f.shape.wkb for f in city.administrative}
    assert {f.attributes["name"] for f in towns} != {u.name for u in city.units.towns}


def test_a_scale_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(ValueError, match="expected one of full, small, got 'huge'"):
        make_city(1, "huge")
    with pytest.raises(ValueError, match="seed: expected 0 or more"):
        make_city(-1)


def test_shares_add_up_and_keep_the_least() -> None:
    assert shares([1, 1, 1], 10, [1, 1, 1]) in ([4, 3, 3], [3, 4, 3], [3, 3, 4])
    assert shares([1000, 1], 3, [1, 1]) == [2, 1]
    with pytest.raises(ValueError, match="at least 4"):
        shares([1, 1], 3, [2, 2])


def test_names_do_not_come_twice_and_numerals_are_chinese() -> None:
    named = Names(np.random.default_rng(1)).several(12_000)
    assert len(set(named)) == len(named)
    assert [numeral(k) for k in (1, 10, 12, 20, 99)] == ["一", "十", "十二", "二十", "九十九"]


@pytest.mark.long
def test_the_full_city_keeps_its_promises_too() -> None:
    city, scale = make_city(1, "full"), SCALES["full"]
    test_every_unit_lies_in_its_parent_and_areas_add_up_exactly(city)
    test_neighbours_share_their_borders_point_for_point_without_gap_or_overlap(city)
    test_islands_without_a_bridge_are_told_as_never_reached_by_road(city)
    test_rivers_flow_downhill_into_the_sea(city)
    assert len(city.map.features("grid")) == scale.grids
    assert len(city.units.communities) == scale.communities
    assert [len(city.sites.lon), len(city.addresses.lon), len(city.assets.lon), len(city.cameras.lon)] == [
        scale.sites, scale.addresses, scale.assets, scale.cameras,
    ]  # fmt: skip
    assert abs(len(city.roads.lon) - scale.nodes) < 0.06 * scale.nodes


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10, 13))
def test_any_seed_makes_a_city_that_holds(seed: int) -> None:
    city = make_city(seed, "small")
    test_every_unit_lies_in_its_parent_and_areas_add_up_exactly(city)
    test_neighbours_share_their_borders_point_for_point_without_gap_or_overlap(city)
    test_islands_without_a_bridge_are_told_as_never_reached_by_road(city)
    test_rivers_flow_downhill_into_the_sea(city)
    test_every_asset_is_in_water_or_on_land_as_its_type_needs(city)
    assert len(city.map) == len(city.polygons)
