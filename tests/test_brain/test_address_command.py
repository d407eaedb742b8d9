"""``brain address``: books from files, answers for people and for programs, errors that name the way out."""

import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from brain.addresses import load_book
from brain.cli import app
from geo.addresses import BookError
from geo.feature import MapError

CSV = """code,town,road,number,estate,building,poi,lon,lat
a,翠香街道,翠香路,12号,,,,113.5,22.2
b,翠香街道,翠香路,14号,,,,113.51,22.2
c,翠香街道,,,锦绣花园,3栋,,113.52,22.2
"""


def ask(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(app, ["address", *arguments], input=given, env={"COLUMNS": "200"})


@pytest.fixture
def book(tmp_path: Path) -> str:
    path = tmp_path / "book.csv"
    path.write_text(CSV, encoding="utf-8")
    return str(path)


def feature(code: str, point: list[float], **properties: str) -> dict[str, object]:
    return {
        "type": "Feature", "properties": {"layer": "address", "code": code, **properties},
        "geometry": {"type": "Point", "coordinates": point},
    }  # fmt: skip


def collection(path: Path, *features: dict[str, object]) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def test_a_dispatcher_sees_the_place_and_what_was_read(book: str) -> None:
    done = ask("--book", book, "翠相路12号附近很吵", "翠香路13号")
    assert done.exit_code == 0
    assert "✓ 已定位 (门牌) · 附近 · 识别: 翠相路12号→翠香路[门牌]" in done.output
    assert "号不在库中" in done.output
    assert "113.500000" in done.output
    assert "✗ not in this city" in ask("--book", book, "--city", "海澜市", "--lang", "en", "深圳市翠香路12号").output


def test_a_program_reads_one_json_object_for_each_line_of_input(book: str) -> None:
    done = ask("--book", book, "--format", "json", given="锦绣花园三栋\n翠香路\n")
    found, coarse = (json.loads(line) for line in done.output.splitlines())
    assert (found["code"], found["level"], found["why"], found["lon"]) == ("c", "building", "matched", 113.52)
    assert found["candidates"] == [{"code": "c", "address": "翠香街道锦绣花园3栋", "confidence": 0.97}]
    assert (coarse["code"], coarse["level"], coarse["why"], coarse["lon"]) == (None, "road", "coarse", None)


def test_a_book_that_cannot_be_read_is_said_with_its_place(tmp_path: Path) -> None:
    gone = ask("--book", str(tmp_path / "none.csv"), "x")
    assert gone.exit_code == 2
    assert "none.csv: No such file" in gone.output
    bad = tmp_path / "bad.csv"
    bad.write_text("code,road,number,lon,lat\na,翠香路,12号,113.5\n", encoding="utf-8")
    assert "bad.csv: record 2: expected 5 fields as the header, got 4" in ask("--book", str(bad), "x").output


def test_a_book_may_be_packed_and_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "book.csv.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + CSV.encode()))
    assert len(load_book(path, 0)) == 3


def test_a_map_gives_its_addresses_in_force(tmp_path: Path) -> None:
    path = collection(
        tmp_path / "map.geojson",
        feature("old", [113.5, 22.2], road="翠香路", number="12号", until="2020-01-01T00:00:00+08:00"),
        feature("new", [113.6, 22.2], road="翠香路", number="12号", since="2020-01-01T00:00:00+08:00"),
        feature("park", [113.7, 22.2], name="翠湖公园"),
    )
    assert load_book(path, 1_600_000_000_000).code == ["new", "park"]
    assert load_book(path, 0).code == ["old", "park"]
    assert load_book(path, 0).poi == ["", "翠湖公园"]


def test_features_a_line_are_read_without_their_rooms(tmp_path: Path) -> None:
    unit = feature("u", [113.5, 22.2], estate="锦绣花园", building="3栋", unit="1单元")
    room = feature("r", [113.5, 22.2], estate="锦绣花园", building="3栋", unit="1单元", room="501室")
    path = tmp_path / "addresses.ndjson.gz"
    path.write_bytes(gzip.compress("\n".join(json.dumps(f, ensure_ascii=False) for f in (unit, room)).encode()))
    assert load_book(path, 0).code == ["u"]
    path.write_bytes(gzip.compress(b"{"))
    with pytest.raises(BookError, match=r"addresses\.ndjson\.gz: Input data was truncated"):
        load_book(path, 0)


def test_a_map_without_addresses_or_with_shapes_for_points_is_refused(tmp_path: Path) -> None:
    none = feature("g", [113.5, 22.2])
    none["properties"] = {"layer": "grid", "code": "g"}
    with pytest.raises(BookError, match=r"a\.geojson: expected features of layer 'address' in force now, got none"):
        load_book(collection(tmp_path / "a.geojson", none), 0)
    line = feature("x", [], road="翠香路", number="1号")
    line["geometry"] = {"type": "LineString", "coordinates": [[113.5, 22.2], [113.6, 22.2]]}
    with pytest.raises(BookError, match="address x: expected a Point, got LineString"):
        load_book(collection(tmp_path / "b.geojson", line), 0)
    (tmp_path / "c.geojson").write_text("[", encoding="utf-8")
    with pytest.raises(MapError, match=r"c\.geojson: not a JSON object"):
        load_book(tmp_path / "c.geojson", 0)
