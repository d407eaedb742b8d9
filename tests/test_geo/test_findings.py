"""Maps looked over: what a person is told, in two languages; mending; two lists of codes beside each other."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
import shapely

from geo import geojson
from geo.areas import square_metres
from geo.code_lists import Entry, conflicts, of_features, read_list
from geo.feature import Feature, MapError
from geo.findings import CODES, Finding
from geo.metres import Metres
from geo.names import odd
from geo.repair import repair
from geo.review import newest, review

CHANGE = 1_592_755_200_000
"""2020-06-22 00:00 in China."""
LISTS = Path(__file__).resolve().parents[3] / "shared" / "data" / "zhuhai_towns"


def box(west: float, south: float, east: float, north: float) -> Any:
    """In hundredths of a degree, about a kilometre, from 113.5 E 22.2 N."""
    return shapely.box(113.5 + west / 100, 22.2 + south / 100, 113.5 + east / 100, 22.2 + north / 100)


def district(code: str = "d", shape: Any = None, **attributes: str) -> Feature:
    return Feature("district", code, box(0, 0, 2, 1) if shape is None else shape, attributes=attributes)


def town(code: str, shape: Any, parent: str = "d", **attributes: str | float) -> Feature:
    return Feature("town", code, shape, attributes={"parent": parent, **attributes})


def city(*more: Feature) -> list[Feature]:
    """A district of two towns, side by side."""
    return [district(), town("a", box(0, 0, 1, 1)), town("b", box(1, 0, 2, 1)), *more]


def codes(findings: Sequence[Finding]) -> list[str]:
    return [f.code for f in findings]


def one(findings: Sequence[Finding], code: str) -> Finding:
    (finding,) = [f for f in findings if f.code == code]
    return finding


def test_a_sound_map_has_no_findings() -> None:
    grid = Feature("grid", "g", box(0, 0, 2, 1), attributes={"town": "a", "district": "d"})
    assert review(city()) == []
    assert codes(review([district(), grid])) == []


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_reads_in_two_languages_of_the_same_values(code: str) -> None:
    def values(text: str) -> set[str]:
        return {name.removesuffix("_zh") for _, name, _, _ in Formatter().parse(text) if name}

    kind = CODES[code]
    assert values(kind.zh) == values(kind.en)
    assert kind.severity in {"error", "warning", "note"}
    assert any("\u4e00" <= c <= "\u9fff" for c in kind.zh)


def test_a_gap_between_neighbours_is_told_with_its_place_and_size() -> None:
    gap = box(0.9, 0.2, 1, 0.8)
    findings = review([district(), town("a", box(0, 0, 1, 1).difference(gap)), town("b", box(1, 0, 2, 1))])
    finding = one(findings, "M203")
    assert (finding.severity, finding.values["neighbours"]) == ("warning", "a, b")
    assert finding.values["area"] == pytest.approx(float(square_metres(gap)[0]), rel=1e-6)
    assert finding.at is not None
    assert gap.covers(shapely.Point(finding.at))
    assert "空隙" in finding.text("zh")
    assert "M206" not in codes(findings)


def test_a_gap_that_neighbours_of_another_parent_enclose_is_a_gap_too() -> None:
    towns = [town("a", box(0, 0, 1, 2)), town("b", box(1, 0, 2, 2))]
    grids = [
        Feature("grid", f"g{x}{y}", box(x, y, x + 1, y + 1), attributes={"town": "ab"[x], "district": "d"})
        for x in range(2) for y in range(2)
    ]  # fmt: skip
    middle = box(0.9, 0.5, 1, 1.5)
    grids = [replace(g, shape=g.shape.difference(middle)) for g in grids]
    findings = review([district(shape=box(0, 0, 2, 2)), *towns, *grids])
    assert one(findings, "M203").values["neighbours"] == "g00, g01, g10, g11"
    assert "M206" not in codes(findings)


def test_without_a_layer_above_a_gap_is_what_neighbours_enclose() -> None:
    ring = shapely.orient_polygons(shapely.Polygon(box(0, 0, 3, 3).exterior, [box(1, 1, 2, 2).exterior]))
    west, east = (shapely.orient_polygons(ring.intersection(box(k, 0, k + 1.5, 3))) for k in (0, 1.5))
    halves = [town("a", west), town("b", east)]
    assert codes(review(halves)) == ["M203"]
    assert codes(review([town("a", ring)])) == ["M111"]
    assert codes(review([town("a", ring), town("b", box(1, 1, 2, 2))])) == ["M110"]


def test_a_parent_that_is_not_covered_says_by_how_much() -> None:
    finding = one(review([district(), town("a", box(0, 0, 1, 1)), town("b", box(1, 0, 1.9, 1))]), "M206")
    assert finding.where == "district d"
    assert finding.values["share"] == pytest.approx(0.05, abs=1e-6)
    assert "5.00%" in finding.text("en")


def test_orphans_and_children_outside_their_parent_are_told() -> None:
    findings = review([*city(), town("c", box(2, 0, 2.1, 1)), town("e", box(3, 0, 4, 1), parent="gone")])
    assert one(findings, "M205").where == "town c"
    assert one(findings, "M204").says == "its parent gone is no district in force with it"


def test_features_that_name_no_parent_are_one_note() -> None:
    silent = [Feature("town", c, box(k, 0, k + 1, 1)) for k, c in enumerate("ab")]
    assert one(review([district(), *silent]), "M207").values["count"] == 2


def test_a_grid_that_nobody_answers_for_cannot_be_used() -> None:
    grid = Feature("grid", "g", box(0, 0, 1, 1), attributes={"district": "d", "town": ""})
    findings = review([grid])
    assert [(f.code, f.severity, f.says) for f in findings] == [
        ("M208", "error", "has no town: nobody would get its incidents"),
    ]  # fmt: skip


def test_a_grid_whose_town_is_on_no_map_is_told() -> None:
    grid = Feature("grid", "g", box(0, 0, 2, 1), attributes={"district": "d", "town": "x"})
    assert one(review([*city(), grid]), "M209").values == {"name": "town", "code": "x"}
    named = [replace(f, attributes={**f.attributes, "name": "x"}) for f in city()[1:2]]
    assert "M209" not in codes(review([city()[0], *named, city()[2], grid]))


def test_an_area_that_changed_much_beside_the_map_in_force_is_told() -> None:
    moved = [district(), town("a", box(0, 0, 1.3, 1)), town("b", box(1.3, 0, 2, 1))]
    assert [f.where for f in review(moved, against=city()) if f.code == "M301"] == ["town a", "town b"]
    assert codes(review(moved, against=city(), share=0.5)) == []
    assert one(review(city()[:2], against=city()), "M302").where == "town b"


def test_what_is_compared_is_what_is_in_force_at_the_time() -> None:
    before = [replace(f, until=CHANGE) for f in city()[1:]]
    after = [town("c", box(0, 0, 2, 1))]
    after = [replace(f, since=CHANGE) for f in after]
    whole = [district(), *before, *after]
    assert newest(whole) == CHANGE
    assert review(whole) == []
    assert codes(review(whole[:-1])) == []
    assert codes(review([district(), *before[:1], *after], at=CHANGE - 1)) == ["M206"]


def test_rings_that_wind_the_other_way_are_a_note_for_the_layer() -> None:
    turned = [replace(f, shape=f.shape.reverse()) for f in city()[1:]]
    finding = one(review([district(), *turned]), "M109")
    assert (finding.where, finding.values) == ("town", {"count": 2, "of": 2})


def test_a_feature_too_large_for_a_live_change_is_told_before_it_is_sent() -> None:
    circle = shapely.Point(113.5, 22.2).buffer(0.1, quad_segs=8000)
    assert one(review([district(shape=circle)]), "M115").severity == "warning"


def test_roads_and_sites_say_what_they_need_and_a_line_is_no_grid() -> None:
    line, point = shapely.LineString([(113.5, 22.2), (113.6, 22.2)]), shapely.Point(113.5, 22.2)
    road = Feature("road", "r", line, attributes={"from": "n1", "to": 7, "metres": 12})
    findings = review([road, Feature("site", "s", point), Feature("camera", "c", point)])
    assert [(f.where, f.says) for f in findings] == [
        ("road r", "properties.to: expected text, got 7"),
        ("site s", "properties.kind: expected text, got none"),
    ]
    assert codes(review([Feature("grid", "g", line), Feature("camera", "c", line)])) == ["M101", "M101"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("翠香街道", None),
        ("3号楼A座 (北)·Ⅱ区", None),
        ("翠香街道".encode("gbk").decode("latin-1"), "GBK that was read as latin-1: 翠香街道"),
        ("翠香街道".encode().decode("latin-1"), "UTF-8 that was read as latin-1: 翠香街道"),
        ("珠海".encode().decode("gbk"), "UTF-8 that was read as gbk: 珠海"),
        ("翠\ufffd", "replacement character"),
        ("翠香\u200b", "invisible character (U+200B)"),
        ("Ａ区", "full-width letter"),
        ("翠香ш", "another script, cyrillic"),
        (" 翠香", "white space"),
        ("", None),
    ],
)
def test_names_out_of_a_wrong_encoding_or_script_are_seen(name: str, says: str | None) -> None:
    wrong = odd(name)
    assert (wrong is None) == (says is None)
    assert wrong is None or (says or "") in wrong.en


def test_a_bow_tie_is_mended_only_on_request_and_its_area_before_and_after_is_told() -> None:
    corners = [(113.5, 22.2), (113.51, 22.21), (113.51, 22.2), (113.5, 22.21)]
    bad = town("a", shapely.Polygon(corners))
    finding = one(review([bad]), "M103")
    assert finding.at == pytest.approx((113.505, 22.205))
    (mended, untouched), told = repair([bad, district()])
    assert mended.shape.is_valid
    assert untouched == district()
    assert (told[0].where, told[0].before) == ("town a", pytest.approx(0, abs=1))
    assert told[0].after == pytest.approx(float(square_metres(box(0, 0, 1, 1))[0]) / 2, rel=1e-3)
    assert review([mended]) == []


def test_what_cannot_be_mended_stays_for_the_check_to_refuse() -> None:
    flat = town("a", shapely.Polygon([(113.5, 22.2), (113.6, 22.2), (113.5, 22.2)]))
    assert repair([flat]) == ([flat], [])
    assert codes(review([flat])) == ["M103"]


def test_areas_are_those_on_the_ellipsoid() -> None:
    shape = box(0, 0, 5, 5)
    x, y = Metres(4547).of(*shapely.get_coordinates(shape).T)
    assert square_metres(shape)[0] == pytest.approx(shapely.Polygon(zip(x, y, strict=True)).area, rel=1e-3)
    assert square_metres([shapely.Point(1, 2), None]).tolist() == [0.0, 0.0]


def test_a_finding_keeps_its_code_through_a_file_and_back_from_another_process() -> None:
    import pickle

    with pytest.raises(MapError) as error:
        geojson.read({"features": [{"properties": {"grid": 7}}]})
    again = pickle.loads(pickle.dumps(error.value))  # noqa: S301  # what a process pool does with it
    assert again.findings == error.value.findings
    assert again.findings[0].text("zh") == "属性 grid: 应为文本, 实际 7"


# -- lists of codes


def test_two_lists_that_give_two_codes_to_two_places_crosswise_are_told_once_a_code() -> None:
    here = [Entry("1", "担杆镇", "d"), Entry("2", "万山镇", "d"), Entry("3", "南屏镇", "d"), Entry("5", "三灶镇", "e")]
    there = [Entry("1", "万山镇", "d"), Entry("2", "担杆镇", "d"), Entry("4", "南屏镇", "d"), Entry("5", "三灶镇", "d")]
    findings = conflicts(here, there)
    assert [f.says for f in findings] == [
        "code 1 is 担杆镇 here, 万山镇 there, where 担杆镇 has 2",
        "code 2 is 万山镇 here, 担杆镇 there, where 万山镇 has 1",
        "南屏镇 has code 3 here, 4 there",
        "code 5 lies in e here, in d there",
        "1 codes are only in this one: 3 南屏镇",
        "1 codes are only in the other: 4 南屏镇",
    ]
    assert conflicts(here, here) == []


def test_a_list_is_read_by_its_usual_columns_and_wrong_ones_are_named(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes("code,name,areaCode\n440402001,翠香街道,440402\n".encode("gbk"))
    assert read_list(path, encoding="GBK") == [Entry("440402001", "翠香街道", "440402")]
    with pytest.raises(MapError, match=r"list.csv: cannot be read: .*utf-8"):
        read_list(path)
    with pytest.raises(MapError, match="has no field 'BM'; it has 'code', 'name', 'areaCode'"):
        read_list(path, code="BM", encoding="GBK")


def test_a_map_s_own_codes_and_names_make_a_list() -> None:
    named = town("a", box(0, 0, 1, 1), name="翠香街道")
    assert of_features([named, replace(named, since=CHANGE), district()]) == [Entry("a", "翠香街道", "d")]


@pytest.mark.skipif(not LISTS.is_dir(), reason="needs the two published town lists in ../shared/data")
def test_the_two_published_town_lists_disagree_on_two_codes() -> None:
    a, b = (read_list(LISTS / f"towns.{name}.csv") for name in ("areacity-20250114", "modood-2023"))
    findings = conflicts(a, b)
    assert [(f.code, f.where) for f in findings] == [
        ("M401", "440402106"), ("M401", "440402107"), ("M403", "codes"), ("M403", "codes"),
    ]  # fmt: skip
    assert "440402401 南屏科技园" in findings[-1].says
