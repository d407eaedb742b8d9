"""brain map as a person uses it: exit codes, two languages, files whole or not at all, nothing sent unasked."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from pyogrio import raw as ogr
from typer.testing import CliRunner

from brain.commands.map import app
from geo import geojson
from geo.changes import apply, name_of, same
from geo.feature import Feature
from geo.metres import Metres
from geo.times import time_of

MOMENT = "2020-06-22T00:00:00+08:00"
"""When nine communities of one town came to a new one."""
CHANGE = time_of(MOMENT)
BOW_TIE = shapely.Polygon([(113.5, 22.2), (113.51, 22.21), (113.51, 22.2), (113.5, 22.21)])


@pytest.fixture(autouse=True)
def no_broker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("BRAIN_BOOTSTRAP", raising=False)
    monkeypatch.setenv("BRAIN_KAFKA_DATA", str(tmp_path / "kafka"))


def run(*args: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(a) for a in args])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def as_json(*args: object) -> Any:
    code, text = run(*args, "--json", "--lang", "en")
    return {**json.loads(text), "exit": code}


def cell(k: int) -> Any:
    """One of twelve squares in a row, of a kilometre each."""
    return shapely.box(113.5 + k / 100, 22.2, 113.5 + (k + 1) / 100, 22.21)


def row(a: int, b: int) -> Any:
    return shapely.box(113.5 + a / 100, 22.2, 113.5 + b / 100, 22.21)


def before() -> list[Feature]:
    """A district, its one town of twelve communities, a grid in each."""
    features = [
        Feature("district", "d", row(0, 12), attributes={"name": "香洲区"}),
        Feature("town", "old", row(0, 12), attributes={"parent": "d", "name": "旧镇"}),
    ]
    for k in range(12):
        features.append(Feature("community", f"c{k:02d}", cell(k), attributes={"parent": "old"}))
        named = {"parent": f"c{k:02d}", "community": f"c{k:02d}", "town": "old", "district": "d"}
        features.append(Feature("grid", f"g{k:02d}", cell(k), attributes=named))
    return features


def after() -> list[Feature]:
    """The same, and from the moment on the last nine communities, with their grids, in a town that is new."""
    features = []
    for f in before():
        moves = f.layer in {"community", "grid"} and f.code[1:] >= "03"
        if not moves and f.code != "old":
            features.append(f)
            continue
        features.append(replace(f, until=CHANGE))
        if f.code == "old":
            features.append(replace(f, since=CHANGE, shape=row(0, 3)))
        else:
            key = "parent" if f.layer == "community" else "town"
            features.append(replace(f, since=CHANGE, attributes={**f.attributes, key: "new"}))
    features.append(Feature("town", "new", row(3, 12), CHANGE, attributes={"parent": "d", "name": "新镇"}))
    return features


def written(path: Path, features: list[Feature]) -> Path:
    path.write_bytes(geojson.write(features))
    return path


@pytest.fixture
def maps(tmp_path: Path) -> tuple[Path, Path]:
    return written(tmp_path / "old.geojson", before()), written(tmp_path / "new.geojson", after())


# -- the change of 2020-06-22


def test_nine_communities_that_move_to_a_new_town_are_twenty_changes(maps: tuple[Path, Path], tmp_path: Path) -> None:
    changes = tmp_path / "changes.ndjson"
    told = as_json("diff", *maps, "--out", changes)
    assert told["exit"] == 0
    kinds = [c["key"].split("/")[0] for c in told["changes"]]
    assert {layer: kinds.count(layer) for layer in kinds} == {"community": 9, "grid": 9, "town": 2}
    assert {c["key"].rpartition("/")[2] for c in told["changes"]} == {"2020-06-21T16:00:00Z"}
    read = [json.loads(line) for line in changes.read_text().splitlines()]
    assert [r["key"] for r in read] == [c["key"] for c in told["changes"]]

    told = as_json("publish", changes, "--against", maps[0], "--share", "0.9")
    assert (told["exit"], told["sent"], len(told["changes"])) == (0, 0, 20)
    assert told["findings"] == []


def test_a_place_has_the_old_town_before_the_change_and_the_new_one_after(maps: tuple[Path, Path]) -> None:
    def town(*at: str) -> str:
        place = as_json("show", maps[1], "--at-point", "113.555,22.205", *at)["at_point"]
        return str(place["layers"]["town"][0]["name"])

    assert town("--at", "2020-06-21T23:59:59+08:00") == "旧镇"
    assert town("--at", MOMENT) == town() == "新镇"
    assert as_json("check", maps[1])["findings"] == []
    assert as_json("check", maps[1], "--at", "2020-06-21T23:59:59+08:00")["findings"] == []


def test_the_changes_as_they_are_sent_lead_from_the_old_map_to_the_new(maps: tuple[Path, Path], tmp_path: Path) -> None:
    from brain.commands.map_source import read_lines

    run("diff", *maps, "--out", tmp_path / "changes.ndjson")
    got = apply(geojson.load(maps[0]), read_lines(tmp_path / "changes.ndjson"))
    assert all(same(a, b) for a, b in zip(got, sorted(geojson.load(maps[1]), key=name_of), strict=True))


# -- import


def delivered(path: Path, shapes: list[Any], crs: str = "EPSG:4547") -> Path:
    """A shapefile in metres, its texts in GBK, as a survey office hands it over."""
    metres = shapely.transform(np.array(shapes, object), lambda at: np.column_stack(Metres(4547).of(*at.T)))
    columns = {
        "DM": np.array([f"44040200{k}" for k in range(len(shapes))], object),
        "MC": np.array(["翠香街道"] * len(shapes), object), "SSQ": np.array([440402] * len(shapes)),
    }  # fmt: skip
    ogr.write(path, shapely.to_wkb(metres), list(columns.values()), list(columns), crs=crs, geometry_type="Polygon",
              driver="ESRI Shapefile", encoding="GBK")  # fmt: skip
    return path


def test_a_delivery_in_metres_and_gbk_becomes_a_map(tmp_path: Path) -> None:
    file, out = delivered(tmp_path / "towns.shp", [cell(0), cell(1)]), tmp_path / "map.geojson"
    code, text = run("import", file, "--layer", "town", "--code", "DM", "--name", "MC", "--parent", "SSQ",
                     "--since", MOMENT, "--out", out)  # fmt: skip
    assert code == 0
    assert "towns.shp: 2 个要素, 坐标系 EPSG:4547" in text
    read = geojson.load(out)
    assert [(f.layer, f.code, f.since) for f in read] == [("town", f"44040200{k}", CHANGE) for k in (0, 1)]
    assert dict(read[0].attributes) == {"name": "翠香街道", "parent": "440402"}
    assert float(shapely.hausdorff_distance(read[0].shape, cell(0))) < 1e-9


def test_of_several_files_one_that_is_wrong_keeps_all_of_them_out(tmp_path: Path) -> None:
    good, bad = delivered(tmp_path / "a.shp", [cell(0)]), delivered(tmp_path / "b.shp", [cell(0)])
    out = tmp_path / "map.geojson"
    told = as_json("import", good, bad, "--layer", "town", "--code", "DM", "--out", out)
    assert (told["exit"], told["written"]) == (1, None)
    assert [(f["code"], f["where"]) for f in told["findings"]] == [
        ("M201", "town 440402000"), ("M202", "town 440402000"),
    ]  # fmt: skip
    bad.with_suffix(".prj").unlink()
    told = as_json("import", good, bad, "--layer", "town", "--code", "DM", "--out", out)
    assert [(f["code"], f["where"]) for f in told["findings"]] == [("M003", "b.shp")]
    assert not out.exists()


def test_an_invalid_ring_is_mended_only_when_asked_and_what_it_did_is_told(tmp_path: Path) -> None:
    file, out = delivered(tmp_path / "a.shp", [BOW_TIE]), tmp_path / "map.geojson"
    options = ("--layer", "town", "--code", "DM", "--out", out, "--lang", "en")
    code, text = run("import", file, *options)
    assert (code, out.exists()) == (1, False)
    assert "M103" in text
    assert "nothing was written" in text
    code, text = run("import", file, *options, "--repair")
    assert code == 0
    assert "mended town 440402000: Self-intersection" in text
    assert geojson.load(out)[0].shape.is_valid


def test_a_field_option_that_is_none_is_an_error_of_use(tmp_path: Path) -> None:
    code, text = run("import", delivered(tmp_path / "a.shp", [cell(0)]), "--layer", "town", "--field", "DM")
    assert code == 2
    assert "expected OURS=THEIRS" in text


# -- check


def test_a_sound_map_ends_with_zero_in_both_languages(maps: tuple[Path, Path]) -> None:
    assert run("check", maps[0], "--lang", "en") == (0, "✓ no findings\n")
    assert run("check", maps[0], "--lang", "zh") == (0, "✓ 未发现问题\n")


def test_findings_that_are_no_errors_do_not_refuse_a_map(tmp_path: Path) -> None:
    gap = [f for f in before() if f.code != "g05"]
    code, text = run("check", written(tmp_path / "a.geojson", gap), "--lang", "en")
    assert code == 0
    assert "warning M206 community c05: its grid features leave" in text
    assert "0 errors, 1 warnings, 0 notes" in text


def test_what_came_in_cannot_steer_the_terminal_nor_be_taken_for_markup(tmp_path: Path) -> None:
    evil = replace(before()[1], code="[red]x\x1b[2J", shape=BOW_TIE)
    code, text = run("check", written(tmp_path / "a.geojson", [evil]), "--lang", "en")
    assert code == 1
    assert "town [red]x\\x1b[2J: geometry is invalid: Self-intersection" in text
    assert "\x1b[2J" not in text


def test_check_mends_into_another_file_and_leaves_the_first_as_it_is(tmp_path: Path) -> None:
    source = written(tmp_path / "a.geojson", [replace(before()[0], shape=BOW_TIE)])
    content = source.read_bytes()
    told = as_json("check", source, "--repair", tmp_path / "b.geojson")
    assert told["exit"] == 0
    assert [(r["where"], round(r["before"])) for r in told["repaired"]] == [("district d", 0)]
    assert source.read_bytes() == content
    assert as_json("check", tmp_path / "b.geojson")["findings"] == []


def test_a_list_of_codes_is_held_against_another_and_against_a_map(tmp_path: Path) -> None:
    a, b = tmp_path / "a.csv", tmp_path / "b.csv"
    a.write_text("code,name\n1,万山镇\n2,担杆镇\n", encoding="utf-8")
    b.write_text("code,name\n1,担杆镇\n2,万山镇\n", encoding="utf-8")
    assert [f["code"] for f in as_json("check", a, "--against", b)["findings"]] == ["M401", "M401"]
    towns = [replace(f, code="1") for f in before() if f.code == "old"]
    (named, *_) = as_json("check", written(tmp_path / "m.geojson", towns), "--against", a)["findings"]
    assert named["says"] == "code 1 is 旧镇 here, 万山镇 there"
    code, text = run("check", a)
    assert code == 2
    assert "--against" in text


@pytest.mark.parametrize("command", ["check", "show", "publish"])
@pytest.mark.parametrize("content", [b"", b"\xff", b"[" * 100_000, b'{"features": [1]}', b'{"features": []}'])
def test_a_file_that_is_no_map_is_refused_readably(command: str, content: bytes, tmp_path: Path) -> None:
    bad, old = tmp_path / "a.geojson", written(tmp_path / "old.geojson", before())
    bad.write_bytes(content)
    code, text = run(command, bad, *(("--against", old) if command == "publish" else ()))
    assert code == 1
    assert "错误" in text


# -- show, publish


def test_show_tells_layers_editions_and_bounds(maps: tuple[Path, Path]) -> None:
    told = as_json("show", maps[1])
    assert [(r["layer"], r["features"], r["in_force"]) for r in told["layers"]] == [
        ("district", 1, 1), ("town", 3, 2), ("community", 21, 12), ("grid", 21, 12),
    ]  # fmt: skip
    assert told["editions"] == ["always", "2020-06-21T16:00:00Z"]
    assert told["bounds"] == pytest.approx([113.5, 22.2, 113.62, 22.21])
    code, text = run("show", maps[1], "--at-point", "113.555,22.205", "--lang", "en")
    assert code == 0
    assert "town: new 新镇" in text
    assert "grid: g05" in text


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--at-point", "113.5"), "expected LON,LAT"),
        (("--at-point", "22.2,113.5"), "longitude first"),
        (("--at", "yesterday"), "expected a time as"),
    ],
)
def test_options_that_cannot_be_read_are_errors_of_use(
    options: tuple[str, str], says: str, maps: tuple[Path, Path]
) -> None:
    code, text = run("show", maps[0], *options)
    assert code == 2
    assert says in text


def test_a_map_that_would_be_wrong_is_not_published_and_no_broker_is_asked(
    tmp_path: Path, maps: tuple[Path, Path]
) -> None:
    wide = [replace(f, shape=row(0, 2)) if f.code == "g00" else f for f in before()]
    told = as_json("publish", written(tmp_path / "a.geojson", wide), "--against", maps[0])
    assert told["exit"] == 1
    assert [(f["code"], f["where"]) for f in told["findings"]] == [("M202", "grid g00")]
    bad = tmp_path / "a.ndjson"
    bad.write_text(
        '{"key":"grid/g00/always","value":{"type":"Feature"}}\n{"key":1}\n\n{"key":"grid/x/always","value":null}'
    )
    told = as_json("publish", bad, "--against", maps[0])
    assert told["exit"] == 1
    assert [f["where"] for f in told["findings"]] == ["a.ndjson:1: grid/g00/always", "a.ndjson:2"]


def test_a_map_of_one_layer_leaves_the_others_as_they_are(tmp_path: Path, maps: tuple[Path, Path]) -> None:
    towns = [replace(f, attributes={**f.attributes, "name": "改名"}) for f in before() if f.layer == "town"]
    told = as_json("publish", written(tmp_path / "towns.geojson", towns), "--against", maps[0])
    assert [(c["key"], c["kind"], c["what"]) for c in told["changes"]] == [
        ("town/old/always", "changed", "name: 旧镇 → 改名"),
    ]  # fmt: skip


def test_changes_that_would_leave_nothing_of_a_layer_are_refused(tmp_path: Path, maps: tuple[Path, Path]) -> None:
    changes = tmp_path / "a.ndjson"
    keys = [f"grid/g{k:02d}/always" for k in range(12)]
    changes.write_text("\n".join(json.dumps({"key": key, "value": None}) for key in keys))
    told = as_json("publish", changes, "--against", maps[0])
    assert (told["exit"], [(f["code"], f["where"]) for f in told["findings"]]) == (1, [("M303", "grid")])


def test_publishing_needs_a_broker_or_a_map_to_compare_with(maps: tuple[Path, Path]) -> None:
    code, text = run("publish", maps[1])
    assert code == 2
    assert "brain kafka start" in " ".join(text.split())
