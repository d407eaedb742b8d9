"""Maps from files: read, compiled, read back, built beside; what is wrong is named with its place."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
import shapely

from geo import compiled, geojson
from geo.changes import same
from geo.city_map import CityMap, Feature, MapError
from geo.grid_map import GridMap

CHANGE = 1_592_755_200_000
"""2020-06-22 00:00 in China."""


def features() -> list[Feature]:
    """Two grids; their community moves from one town to another at the change."""
    grids = [Feature("grid", f"g{k}", shapely.box(113 + k, 22, 114 + k, 23), attributes={"town": "t", "district": "d"})
             for k in range(2)]  # fmt: skip
    whole = shapely.box(113, 22, 115, 23)
    towns = [Feature("town", "a", whole, until=CHANGE), Feature("town", "b", whole, since=CHANGE)]
    risk = Feature(
        "risk", "r", shapely.Point(114, 22.5).buffer(0.3), attributes={"level": 2, "share": 0.5, "open": True}
    )
    return [*grids, *towns, risk]


def written(path: Path) -> Path:
    source = path / "map.geojson"
    source.write_bytes(geojson.write(features()))
    return source


def test_a_map_written_as_geojson_reads_back_the_same(tmp_path: Path) -> None:
    assert CityMap(geojson.load(written(tmp_path))).version == CityMap(features()).version


def test_a_map_built_beside_gives_old_answers_before_its_change_and_new_ones_after(tmp_path: Path) -> None:
    built = tmp_path / "built"
    built.mkdir()
    city = compiled.build_beside(written(tmp_path), built)
    lon, lat, time = np.full(2, 113.5), np.full(2, 22.5), np.array([CHANGE - 1, CHANGE])
    answers = city.locate(lon, lat, time)
    towns = [city.features("town")[k].code for k in answers[:, city.columns("town").start]]
    assert towns == ["a", "b"]
    assert (compiled.read(built).locate(lon, lat, time) == answers).all()
    assert city.version == CityMap(features()).version
    assert [same(a, b) for a, b in zip(city.features("risk"), features()[-1:], strict=True)] == [True]


def test_a_map_that_cannot_be_used_is_refused_by_the_builder_with_all_findings(tmp_path: Path) -> None:
    bad = [Feature("grid", code, shapely.box(22, 113, 23, 114)) for code in "ab"]
    source, built = tmp_path / "map.geojson", tmp_path / "built"
    source.write_bytes(geojson.write(bad))
    built.mkdir()
    with pytest.raises(MapError, match="look swapped") as error:
        compiled.build_beside(source, built)
    assert len(error.value.findings) == 2
    assert list(built.iterdir()) == []


def test_a_compiled_map_of_another_format_says_so(tmp_path: Path) -> None:
    compiled.write(CityMap(features()), tmp_path)
    path = tmp_path / compiled.FEATURES
    head = msgspec.msgpack.decode(path.read_bytes())
    path.write_bytes(msgspec.msgpack.encode({**head, "format": 99}))
    with pytest.raises(ValueError, match="expected format 1, got 99; compile the map anew"):
        compiled.read(tmp_path)


RING = [[113, 22], [114, 22], [114, 23], [113, 23], [113, 22]]


def collection(ring: object = RING, **properties: object) -> dict[str, object]:
    named = {"grid": "g", "town": "t", "district": "d", **properties}
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": named, "geometry": geometry}]}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (collection(RING[:-1]), r"features\[0\]: geometry: .*closed"),
        (collection(RING[:2]), r"features\[0\]: geometry: "),
        (collection([[113, "x"], *RING]), r"features\[0\]: geometry: "),
        (collection([[22, 113], [23, 113], [23, 114], [22, 114], [22, 113]]), "grid g: .*look swapped"),
        (collection([[-179, 22], [179, 22], [179, 23], [-179, 23], [-179, 22]]), "grid g: spans 358"),
        (collection(grid=7), r"features\[0\]: properties.grid: expected text, got 7"),
        (collection(layer=7), r"features\[0\]: properties.layer: expected text, got 7"),
        (collection(since="yesterday"), r"properties.since: expected a time as 2020-06-22T00:00:00\+08:00"),
        (collection(since="2020-06-22T00:00:00"), "has no offset"),
        (collection(town=None), "grid g: properties.town: expected text, got none"),
        (collection(layer="town", town="t"), "expected at least one of layer grid, got layers town"),
        ({"features": [None]}, r"features\[0\]: expected a Feature with properties"),
        ({"features": {}}, "expected a FeatureCollection"),
        ({**collection(), "crs": {"type": "name", "properties": {"name": "EPSG:4547"}}}, "rectify the map first"),
    ],
)
def test_a_file_that_is_no_map_is_named_with_the_place_in_it(data: object, says: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.geojson"
    path.write_bytes(msgspec.json.encode(data))
    with pytest.raises(MapError, match=says) as error:
        GridMap.load(path)
    assert "bad.geojson: " in str(error.value)


def test_dates_in_a_file_are_those_of_the_features(tmp_path: Path) -> None:
    (feature,) = geojson.read(collection(since="2020-06-22T00:00:00+08:00"))
    assert feature.since == CHANGE
