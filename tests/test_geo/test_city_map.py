"""All layers and editions at once, against GEOS; owners on borders; what is refused."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from geo.city_map import CityMap
from geo.feature import Feature, MapError, check
from geo.index import Index
from geo.lookup import NO_EDITION, NO_POSITION, OUTSIDE
from geo.shares import shares

CHANGE = 1_592_755_200_000


def expected(city: CityMap, layer: str, lon: np.ndarray, lat: np.ndarray, time: int) -> list[list[int]]:
    """Numbers of the features in force whose shape covers each point, by GEOS."""
    features = city.features(layer)
    valid = np.array([f.since <= time < f.until for f in features])
    a, b = shapely.STRtree([f.shape for f in features]).query(shapely.points(lon, lat), predicate="intersects")
    out: list[list[int]] = [[] for _ in lon]
    for point, number in zip(a[valid[b]].tolist(), b[valid[b]].tolist(), strict=True):
        out[point].append(number)
    return [sorted(numbers) for numbers in out]


def agrees(city: CityMap, points: np.ndarray, times: tuple[int, ...]) -> None:
    lon, lat = np.ascontiguousarray(points[:, 0]), np.ascontiguousarray(points[:, 1])
    for time in times:
        answers = city.locate(lon, lat, np.full(len(lon), time))
        for layer in city.layers:
            want = expected(city, layer, lon, lat, time)
            got = [city.members(row, layer) for row in answers]
            assert got == (want if layer in city.overlapping else [w[:1] for w in want]), layer


def on_borders(features: list[Feature]) -> np.ndarray:
    at = shapely.get_coordinates([f.shape for f in features])
    return np.vstack((at, (at[1:] + at[:-1]) / 2, np.nextafter(at, 200), np.nextafter(at, -200)))


@st.composite
def maps(draw: st.DrawFn) -> list[Feature]:
    """Small maps on a lattice, where borders of all layers meet in corners and lie on each other."""
    seed = draw(st.integers(0, 10**6))
    scale, shift = draw(st.sampled_from([(1.0, 0.0), (0.01, 113.37), (1 / 3, -7.1)]))
    random = np.random.default_rng(seed)
    corners = random.integers(0, 7, (draw(st.integers(4, 14)), 2)).astype(float) * scale + shift
    triangles = shapely.get_parts(shapely.delaunay_triangles(shapely.multipoints(corners)))
    assume(len(triangles))  # corners on one line, or two of them, make none
    features = []
    for k, shape in enumerate(triangles):
        since, until = [(-(2**63), 2**63 - 1), (-(2**63), CHANGE), (CHANGE, 2**63 - 1)][random.integers(0, 3)]
        features.append(Feature("grid", f"g{k}", shape, since, until))
    for layer in ("town", "district"):
        whole = shapely.union_all(random.choice(triangles, random.integers(1, len(triangles) + 1)))
        if whole.geom_type in {"Polygon", "MultiPolygon"} and whole.is_valid:
            features.append(Feature(layer, layer, whole))
    for k in range(draw(st.integers(0, 4))):
        low = random.integers(0, 6, 2)
        west, south, east, north = (*low, *(low + random.integers(1, 4, 2)))
        box = shapely.box(*(np.array([west, south, east, north]) * scale + shift))
        features.append(Feature("risk", f"r{k}", box))
    return features


@settings(max_examples=60, deadline=None)
@given(maps(), st.sampled_from([(4, 4), (16, 8), (64, 64)]))
def test_every_layer_answers_as_geos_does_at_every_time_on_every_border(
    features: list[Feature], cells: tuple[int, int]
) -> None:
    assume(not check(features, {"risk", "site"}))
    city = CityMap(features, cells=cells)
    random = np.random.default_rng(1)
    low, high = city.index.raster[2:4], city.index.raster[4:6]
    scattered = random.uniform(low - 0.1 * (high - low), high + 0.1 * (high - low), (300, 2))
    agrees(city, np.vstack((scattered, on_borders(features))), (CHANGE - 1, CHANGE))


def strip(n: int = 4, layer: str = "grid", **times: int) -> list[Feature]:
    return [Feature(layer, f"{layer}{k}", shapely.box(k, 0, k + 1, 1), **times) for k in range(n)]


def one(city: CityMap, lon: float, lat: float, time: int | None = None) -> list[int]:
    times = None if time is None else np.array([time])
    return [int(v) for v in city.locate(np.array([lon]), np.array([lat]), times)[0]]


def test_the_time_of_a_point_chooses_the_edition() -> None:
    before = Feature("town", "a", shapely.box(0, 0, 2, 1), until=CHANGE)
    after = Feature("town", "b", shapely.box(0, 0, 2, 1), since=CHANGE)
    city = CityMap([*strip(2), before, after])
    assert one(city, 0.5, 0.5, CHANGE - 1) == [0, 0, 0]
    assert one(city, 0.5, 0.5, CHANGE) == [1, 0, 1]
    assert one(city, 0.5, 0.5) == [1, 0, 1]


def test_a_time_before_the_first_edition_is_answered_as_such() -> None:
    city = CityMap(strip(2, since=CHANGE))
    assert one(city, 0.5, 0.5, CHANGE - 1) == [NO_EDITION, NO_EDITION]
    assert one(city, 1.0, 0.5, CHANGE - 1) == [NO_EDITION, NO_EDITION]


def test_editions_that_are_no_longer_live_are_left_out() -> None:
    city = CityMap([*strip(1, until=CHANGE), *strip(2, "town", since=CHANGE)], live_since=CHANGE)
    assert city.layers == ("town",)
    assert city.starts.tolist() == [CHANGE]


def test_the_sea_and_a_missing_position_are_answers_in_every_layer() -> None:
    city = CityMap([*strip(2), *strip(1, "town")])
    assert one(city, 50.0, 0.5) == [0, OUTSIDE, OUTSIDE]
    assert one(city, 1.5, 0.5) == [0, 1, OUTSIDE]
    assert one(city, math.nan, 0.5) == [0, NO_POSITION, NO_POSITION]
    assert one(city, math.inf, 0.5) == [0, OUTSIDE, OUTSIDE]


def test_all_risk_zones_over_a_point_are_named_however_many_there_are() -> None:
    zones = [Feature("risk", f"r{k:02d}", shapely.box(0, 0, 1 + k / 10, 1)) for k in range(12)]
    city = CityMap([*strip(4), *zones])
    row = city.locate(np.array([0.5, 1.55]), np.array([0.5, 0.5]))
    assert city.members(row[0], "risk") == list(range(12))
    assert city.members(row[1], "risk") == [6, 7, 8, 9, 10, 11]


def test_a_cell_that_borders_cross_on_every_side_is_decided_polygon_by_polygon() -> None:
    spokes = [shapely.Polygon([(0, 0), (np.cos(a), np.sin(a)), (np.cos(a + 0.1), np.sin(a + 0.1))])
              for a in np.arange(0, 6.2, 0.1)]  # fmt: skip
    features = [Feature("grid", f"g{k:02d}", s) for k, s in enumerate(spokes)]
    city = CityMap(features, cells=(8, 8))
    points = np.random.default_rng(2).normal(0, 0.02, (2000, 2))
    agrees(city, np.vstack((points, on_borders(features))), (0,))


def test_an_index_read_back_from_files_answers_the_same(tmp_path: object) -> None:
    features = [*strip(4), *strip(2, "town")]
    city = CityMap(features)
    city.index.save(tmp_path)  # type: ignore[arg-type]
    again = CityMap(features, index=Index.load(tmp_path))  # type: ignore[arg-type]
    points = on_borders(features)
    lon, lat = np.ascontiguousarray(points[:, 0]), np.ascontiguousarray(points[:, 1])
    assert (again.locate(lon, lat) == city.locate(lon, lat)).all()
    assert again.version == city.version


def test_the_version_names_the_content() -> None:
    assert CityMap(strip(2)).version == CityMap(reversed(strip(2))).version
    assert CityMap(strip(2)).version != CityMap(strip(3)).version
    assert CityMap(strip(2)).version != CityMap(strip(2, since=5)).version


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="expected one length"):
        CityMap(strip(2)).locate(np.zeros(2), np.zeros(3))


# -- shares


def test_a_point_beside_a_border_has_the_shares_of_the_normal_distribution() -> None:
    city = CityMap(strip(2))
    sigma = 10 / 1.5096
    for away in (0.0, 3.0, 6.0, 12.0):
        got = shares(city, "grid", np.array([1 - away / 111_320]), np.array([0.0005]), np.array([10.0]))
        inside = 0.5 * (1 + math.erf(away / sigma / math.sqrt(2)))
        assert abs(dict(zip(got.number.tolist(), got.share.tolist(), strict=True)).get(0, 0.0) - inside) < 0.01


def test_a_point_in_a_corner_of_four_grids_has_their_shares() -> None:
    quarters = [Feature("grid", f"g{k}", shapely.box(k % 2, k // 2, k % 2 + 1, k // 2 + 1)) for k in range(4)]
    got = shares(CityMap(quarters), "grid", np.array([1.0]), np.array([1 + 5 / 111_320]), np.array([10.0]))
    south = 0.5 * (1 + math.erf(-5 / (10 / 1.5096) / math.sqrt(2)))
    want = [south / 2, south / 2, (1 - south) / 2, (1 - south) / 2]
    assert got.share[np.argsort(got.number)] == pytest.approx(want, abs=0.02)


def test_shares_of_each_point_add_up_to_one_and_fall() -> None:
    random = np.random.default_rng(3)
    lon, lat, off = random.uniform(-0.1, 4.1, 50), random.uniform(-0.1, 1.1, 50), random.uniform(0, 30_000, 50)
    got = shares(CityMap(strip(4)), "grid", lon, lat, off)
    assert np.allclose(np.bincount(got.point, got.share), 1.0)
    same = got.point[1:] == got.point[:-1]
    assert (np.diff(got.share)[same] <= 0).all()


def test_a_position_without_accuracy_is_where_it_is() -> None:
    got = shares(CityMap(strip(2)), "grid", np.array([0.5, np.nan]), np.array([0.5, 0.5]), np.array([np.nan, 5.0]))
    assert list(zip(got.point.tolist(), got.number.tolist(), got.share.tolist(), strict=True)) == [
        (0, 0, 1.0), (1, NO_POSITION, 1.0),
    ]  # fmt: skip


def test_shares_of_a_layer_that_overlaps_are_refused() -> None:
    with pytest.raises(ValueError, match="would not add up"):
        shares(CityMap(strip(2, "risk")), "risk", np.zeros(1), np.zeros(1), np.ones(1))


# -- what is refused


@pytest.mark.parametrize(
    ("feature", "says"),
    [
        (Feature("grid", "x", shapely.box(22.1, 113.1, 22.2, 113.2)), "longitude and latitude look swapped"),
        (Feature("grid", "x", shapely.box(432_000, 2_460_000, 432_100, 2_460_100)), "is it in metres"),
        (Feature("grid", "x", shapely.box(-179.9, 22, 179.9, 22.1)), "spans 359.8 by 0.1 degrees"),
        (
            Feature("grid", "x", shapely.transform(shapely.box(0, 0, 1, 1), lambda at: np.where(at == 1, np.inf, at))),
            "not a finite number",
        ),
        (Feature("grid", "x", shapely.box(100, 0, 101, 1)), "lies 99 degrees from the middle"),
        (Feature("grid", "x", shapely.box(0, 0.2, 1, 0.4)), "overlaps x by"),
        (Feature("grid", "x", shapely.box(9, 0, 9.5, 1), 5, 5), "expected since before until"),
        (Feature("grid", "grid1", shapely.box(9, 0, 9.5, 1)), "there twice at one time"),
    ],
)
def test_a_feature_that_would_make_answers_wrong_is_named_and_nothing_is_built(feature: Feature, says: str) -> None:
    with pytest.raises(MapError, match=says):
        CityMap([*strip(3), feature])


def test_every_finding_is_there_and_the_text_shows_ten() -> None:
    with pytest.raises(MapError, match="and 5 more") as error:
        CityMap([Feature("grid", f"g{k}", shapely.Point(0, 0)) for k in range(15)])
    assert len(error.value.findings) == 15


def test_a_code_may_be_there_again_at_another_time() -> None:
    assert check([*strip(2, until=CHANGE), *strip(2, since=CHANGE)]) == []
