"""Other people's files: coordinate systems stated or refused, fields and encodings, what cannot be read."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import shapely
from pyogrio import raw as ogr

from geo import importing
from geo.coords import gcj02_to_bd09, wgs84_to_gcj02
from geo.feature import Feature, MapError
from geo.geojson import load
from geo.importing import Fields, Imported, read_file
from geo.metres import Metres

SQUARE = shapely.Polygon([(113.5, 22.2), (113.6, 22.2), (113.6, 22.3), (113.5, 22.3)])
GRID = Fields("grid", {"code": "BM", "name": "MC"})


def written(path: Path, crs: str | None, shape: Any = SQUARE, encoding: str = "UTF-8", **columns: Any) -> Path:
    """A file as another department's tool writes it."""
    columns = columns or {"BM": [440402001], "MC": ["翠香街道"]}
    data = [np.array(v, object if isinstance(v[0], str) else None) for v in columns.values()]
    drivers = {".gpkg": "GPKG", ".shp": "ESRI Shapefile", ".geojson": "GeoJSON"}
    ogr.write(
        path, shapely.to_wkb(np.array([shape] * len(data[0]), object)), data, list(columns), crs=crs,
        geometry_type=shape.geom_type, driver=drivers[path.suffix], encoding=encoding,
    )  # fmt: skip
    return path


def in_metres(shape: Any) -> Any:
    return shapely.transform(shape, lambda at: np.column_stack(Metres(4547).of(at[:, 0], at[:, 1])))


def geojson(path: Path, *features: Any, text: str = "", **members: Any) -> Path:
    made = {"type": "FeatureCollection", "features": list(features), **members}
    path.write_bytes(text.encode() or msgspec.json.encode(made))
    return path


def one(ring: Any = None, **properties: Any) -> dict[str, Any]:
    ring = [[113.5, 22.2], [113.6, 22.2], [113.6, 22.3], [113.5, 22.2]] if ring is None else ring
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "properties": {"BM": "g", **properties}, "geometry": geometry}


def only(read: Imported) -> Feature:
    (feature,) = read.features
    return feature


def off(shape: Any) -> float:
    """Metres by which a shape's corners are off the square's."""
    x, y = Metres(4547).of(*shapely.get_coordinates(shapely.normalize(shape)).T)
    u, v = Metres(4547).of(*shapely.get_coordinates(shapely.normalize(SQUARE)).T)
    return float(np.hypot(x - u, y - v).max())


@pytest.mark.parametrize("name", ["a.shp", "a.gpkg"])
@pytest.mark.parametrize("crs", ["EPSG:4547", "EPSG:4490", "EPSG:4326"])
def test_a_file_that_states_its_system_comes_in_right_to_a_millimetre(name: str, crs: str, tmp_path: Path) -> None:
    shape = in_metres(SQUARE) if crs == "EPSG:4547" else SQUARE
    read = read_file(written(tmp_path / name, crs, shape), GRID)
    feature = only(read)
    assert (feature.layer, feature.code, dict(feature.attributes)) == ("grid", "440402001", {"name": "翠香街道"})
    assert off(feature.shape) < 0.001
    assert (read.crs, read.findings) == (crs, [])


@pytest.mark.parametrize("crs", ["gcj02", "BD-09"])
def test_an_offset_is_taken_out_only_where_a_person_says_so(crs: str, tmp_path: Path) -> None:
    def move(at: Any) -> Any:
        moved = wgs84_to_gcj02(at[:, 0].copy(), at[:, 1].copy())
        return np.column_stack(gcj02_to_bd09(*moved) if crs == "BD-09" else moved)

    path = written(tmp_path / "a.gpkg", "EPSG:4326", shapely.transform(SQUARE, move))
    assert off(only(read_file(path, GRID)).shape) > 500
    assert off(only(read_file(path, GRID, crs=crs)).shape) < 0.01


@pytest.mark.parametrize(
    ("stated", "option", "code", "says"),
    [
        (None, "", "M003", "states no coordinate system; say which by --crs"),
        ("EPSG:4547", "EPSG:4526", "M005", "the file states EPSG:4547, --crs says EPSG:4526"),
        ("EPSG:4547", "gcj02", "M005", "the file states EPSG:4547, --crs says gcj02"),
        ("EPSG:4610", "", "M004", "its datum is Xian 1980"),
        (None, "EPSG:99999", "M004", "PROJ does not know it"),
        ("EPSG:4527", "", "M011", "EPSG:4527 has no place for; another zone, or axes swapped"),
    ],
)
def test_a_system_that_is_unknown_contradicted_or_of_another_zone_is_refused(
    stated: str | None, option: str, code: str, says: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "a.shp", stated or "EPSG:4547", in_metres(SQUARE))
    if stated is None:
        path.with_suffix(".prj").unlink()
    with pytest.raises(MapError, match=says) as error:
        read_file(path, GRID, crs=option)
    assert [f.code for f in error.value.findings] == [code]


@pytest.mark.parametrize(
    "junk", [b"", b"\x00\xff", b'PROJCS["x",GEOGCS["y"', b'GEOGCS["y",DATUM["D_Xian_1980",SPHEROID["x",1,2]]]']
)
def test_a_prj_that_states_nothing_known_is_refused(junk: bytes, tmp_path: Path) -> None:
    path = written(tmp_path / "a.shp", "EPSG:4490")
    path.with_suffix(".prj").write_bytes(junk)
    with pytest.raises(MapError) as error:
        read_file(path, GRID)
    assert [f.code for f in error.value.findings] in (["M003"], ["M004"])


def test_northing_before_easting_is_seen_by_where_it_leads(tmp_path: Path) -> None:
    turned = shapely.transform(in_metres(SQUARE), lambda at: at[:, ::-1])
    with pytest.raises(MapError, match=r"outside the area of EPSG:4547, 112.5-115.5 E, .* axes swapped"):
        read_file(written(tmp_path / "a.gpkg", "EPSG:4547", turned), GRID)


def test_metres_in_a_file_without_a_system_are_read_where_it_is_given(tmp_path: Path) -> None:
    path = written(tmp_path / "a.shp", "EPSG:4547", in_metres(SQUARE))
    path.with_suffix(".prj").unlink()
    assert off(only(read_file(path, GRID, crs="EPSG:4547")).shape) < 0.001


def test_geojson_is_wgs_84_unless_a_person_says_otherwise(tmp_path: Path) -> None:
    ring = in_metres(SQUARE).exterior.coords[:]
    path = geojson(tmp_path / "a.geojson", one(ring))
    with pytest.raises(MapError, match="is it in metres"):
        read_file(path, GRID_OF_BM)
    assert off(only(read_file(path, GRID_OF_BM, crs="EPSG:4547")).shape) < 0.001
    stated = geojson(path, one(ring), crs={"type": "name", "properties": {"name": "EPSG:4547"}})
    assert off(only(read_file(stated, GRID_OF_BM)).shape) < 0.001


GRID_OF_BM = Fields("grid", {"code": "BM"})


def test_chinese_texts_of_a_shapefile_that_does_not_say_their_encoding_need_it_named(tmp_path: Path) -> None:
    path = written(tmp_path / "a.shp", "EPSG:4490", encoding="GBK")
    assert only(read_file(path, GRID)).attributes["name"] == "翠香街道"
    path.with_suffix(".cpg").unlink()
    assert only(read_file(path, GRID, encoding="GBK")).attributes["name"] == "翠香街道"
    with pytest.raises(MapError, match="another encoding: try --encoding GBK"):
        read_file(path, GRID, encoding="UTF-8")


def test_whole_numbers_truth_and_gaps_survive_and_what_is_no_value_is_counted(tmp_path: Path) -> None:
    made = [one(n=1, yes=True, share=0.5, parent=440402, list=[1]), one(BM="h", n=None, share=None)]
    read = read_file(geojson(tmp_path / "a.geojson", *made), GRID_OF_BM)
    assert [dict(f.attributes) for f in read.features] == [{"n": 1, "yes": True, "share": 0.5, "parent": "440402"}, {}]
    assert type(read.features[0].attributes["n"]) is int
    assert read.features[0].attributes["yes"] is True
    assert read.left_out == {"list": 1}


def test_a_map_of_ours_comes_in_as_it_is(tmp_path: Path) -> None:
    made = one(layer="town", code="t", since="2020-06-22T00:00:00+08:00", name="镇")
    feature = only(read_file(geojson(tmp_path / "a.geojson", made), Fields()))
    assert (feature.layer, feature.code, feature.since) == ("town", "t", 1_592_755_200_000)
    assert feature.attributes == {"BM": "g", "name": "镇"}
    marked = tmp_path / "b.geojson"
    marked.write_bytes(b"\xef\xbb\xbf" + (tmp_path / "a.geojson").read_bytes())
    assert only(read_file(marked, Fields())) == feature == load(marked)[0]


def test_a_geopackage_with_several_layers_needs_one_named(tmp_path: Path) -> None:
    path = written(tmp_path / "a.gpkg", "EPSG:4490")
    ogr.write(path, shapely.to_wkb(np.array([SQUARE], object)), [np.array(["x"], object)], ["BM"], crs="EPSG:4490",
              geometry_type="Polygon", driver="GPKG", layer="second", append=True)  # fmt: skip
    with pytest.raises(MapError, match="say which by --table: a, second"):
        read_file(path, GRID)
    assert only(read_file(path, GRID_OF_BM, table="second")).code == "x"


@pytest.mark.parametrize(
    ("file", "fields", "says"),
    [
        (one(), Fields("grid", {"code": "DM"}), "a.geojson: has no field 'DM'; it has 'BM'"),
        (one(), Fields("grid"), "has no field 'code'; it has 'BM'; say which by --code"),
        (one(), Fields("", {"code": "BM"}), "say which by --layer"),
        (one(BM=None, x=1), Fields("grid", {"code": "BM"}), "feature 1: properties.BM: expected text, got None"),
        (one(since="2020-06-22"), GRID_OF_BM, "feature 1: properties.since: .*has no offset"),
        (one([[113.5, 22.2], [113.6, 22.2], [113.6, 22.3]]), GRID_OF_BM, "feature 1: geometry: .*closed.*113.5, 22.2"),
        (one([[22.2, 113.5], [22.3, 113.5], [22.3, 113.6], [22.2, 113.5]]), GRID_OF_BM, "latitude look swapped"),
        (one([[-179, 22], [179, 22], [179, 23], [-179, 22]]), GRID_OF_BM, "spans 358 by 1 degrees"),
        ({**one(), "geometry": None}, GRID_OF_BM, "expected a Polygon or MultiPolygon, got nothing"),
        ({**one(), "geometry": {"type": "Point", "coordinates": [113, 22]}}, GRID_OF_BM, "MultiPolygon, got Point"),
    ],
)
def test_what_a_file_lacks_or_holds_wrongly_is_named_with_its_place(
    file: Any, fields: Fields, says: str, tmp_path: Path
) -> None:
    with pytest.raises(MapError, match=says):
        read_file(geojson(tmp_path / "a.geojson", file), fields)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"type":"FeatureCollection","features":[NaN]}', "\x00" * 100])
@pytest.mark.parametrize("name", ["a.geojson", "a.gpkg", "a.shp", "a.csv", "gone"])
def test_whatever_is_in_a_file_only_a_readable_finding_comes_out(name: str, text: str, tmp_path: Path) -> None:
    if name != "gone":
        geojson(tmp_path / name, text=text or " ")
    with pytest.raises(MapError, match=f"{name}: ") as error:
        read_file(tmp_path / name, GRID_OF_BM)
    assert {f.code for f in error.value.findings} == {"M001"}


def test_a_file_larger_than_is_taken_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = geojson(tmp_path / "a.geojson", one(), one(BM="h"))
    monkeypatch.setattr(importing, "MOST_FEATURES", 1)
    with pytest.raises(MapError, match="expected at most 1 features, got 2"):
        read_file(path, GRID_OF_BM)
    monkeypatch.setattr(importing, "MOST_BYTES", 10)
    with pytest.raises(MapError, match="expected at most 10 bytes"):
        read_file(path, GRID_OF_BM)
