"""OGC API - Features over HTTP: each requirement that we say we meet (ids of 17-069r4 and 18-058r1) has its test."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
import shapely
from litestar.testing import TestClient
from screen_map import CHANGE, CRS84, EPSG, NOW, client, ids, link, store

from brain.screen.features.documents import CONFORMS_TO
from geo import geojson
from geo.times import text_of

ITEMS = "/ogc/collections/grid/items"
SITES = "/ogc/collections/site/items"
RESOURCES = (
    "/ogc", "/ogc/conformance", "/ogc/api", "/ogc/collections", "/ogc/collections/grid", ITEMS, f"{ITEMS}/g1",
    SITES, f"{SITES}/s3", f"{SITES}/nowhere", "/ogc/collections/river/items",
)  # fmt: skip


@pytest.fixture(scope="module")
def c() -> Iterator[TestClient[Any]]:
    with client() as made:
        yield made


def test_the_landing_page_leads_to_definition_conformance_and_data(c: TestClient[Any]) -> None:
    """/req/core/root-op, root-success; /req/oas30/oas-definition-1; /rec/core/root-links"""
    answer = c.get("/ogc")
    assert answer.status_code == c.get("/ogc/").status_code == 200
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    for rel, media in (
        ("self", "application/json"), ("alternate", "text/html"), ("conformance", ""), ("data", ""),
        ("service-desc", "application/vnd.oai.openapi+json;version=3.0"), ("service-doc", "text/html"),
    ):  # fmt: skip
        assert c.get(link(body, rel, media)).status_code == 200


def test_the_definition_comes_as_what_its_links_say(c: TestClient[Any]) -> None:
    """/req/core/api-definition-op, api-definition-success"""
    landing = c.get("/ogc").json()
    for rel in ("service-desc", "service-doc"):
        (item,) = (item for item in landing["links"] if item["rel"] == rel)
        for accept in (item["type"], "*/*"):
            answer = c.get(item["href"], headers={"Accept": accept})
            assert answer.headers["content-type"].removesuffix("; charset=utf-8") == item["type"]


def test_the_conformance_classes_are_listed(c: TestClient[Any]) -> None:
    """/req/core/conformance-op, conformance-success"""
    body = c.get("/ogc/conformance").json()
    assert body["conformsTo"] == list(CONFORMS_TO)
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core" in body["conformsTo"]


def test_every_served_layer_is_described_the_same_in_the_list_and_alone(c: TestClient[Any]) -> None:
    """/req/core/fc-md-op, fc-md-success, fc-md-links, fc-md-items, fc-md-items-links, sfc-md-op, sfc-md-success"""
    body = c.get("/ogc/collections").json()
    assert link(body, "self", "application/json")
    assert link(body, "alternate", "text/html")
    assert [item["id"] for item in body["collections"]] == ["grid", "river", "road", "site"]
    for listed in body["collections"]:
        assert {item["type"] for item in listed["links"] if item["rel"] == "items"} == {
            "application/geo+json", "text/html",
        }  # fmt: skip
        for item in listed["links"]:
            assert item["rel"]
            assert c.get(item["href"]).headers["content-type"].startswith(item["type"])
        alone = c.get(f"/ogc/collections/{listed['id']}").json()
        assert {name: alone[name] for name in listed if name != "links"} == {
            n: v for n, v in listed.items() if n != "links"
        }
        assert [item for item in listed["links"] if item not in alone["links"]] == []


def test_extents_hold_all_features_and_leave_open_ends_open(c: TestClient[Any]) -> None:
    """/req/core/fc-md-extent, fc-md-extent-multi; /rec/core/fc-md-extent-single"""
    extents = {item["id"]: item["extent"] for item in c.get("/ogc/collections").json()["collections"]}
    assert extents["grid"]["spatial"]["bbox"] == [[113.0, 22.0, 113.4, 22.15]]
    assert extents["grid"]["temporal"]["interval"] == [[None, None]]
    assert extents["site"]["spatial"] == {"bbox": [[113.0, 22.1234568, 113.04, 22.1234568]], "crs": CRS84}


def test_layers_that_are_not_for_everyone_are_as_if_they_were_not_there(c: TestClient[Any]) -> None:
    for layer in ("address", "camera", "nothing"):
        for path in (
            f"/ogc/collections/{layer}",
            f"/ogc/collections/{layer}/items",
            f"/ogc/collections/{layer}/items/a1",
        ):
            answer = c.get(path)
            assert answer.status_code == 404
            assert layer in answer.json()["detail"]
    assert "某路" not in c.get("/ogc/api").text + c.get("/ogc/collections").text
    with client(store(("address",))) as other:
        assert ids(other.get("/ogc/collections/address/items")) == ["a1"]


def test_a_page_of_features_is_geojson_with_its_numbers_and_time(c: TestClient[Any]) -> None:
    """/req/core/fc-op, fc-response, fc-timeStamp, fc-numberMatched, fc-numberReturned, fc-links, fc-rel-type;
    /req/geojson/definition, content"""
    answer = c.get(f"{ITEMS}?limit=2")
    assert answer.headers["content-type"] == "application/geo+json"
    body = answer.json()
    assert (body["type"], body["numberMatched"], body["numberReturned"]) == ("FeatureCollection", 5, 2)
    assert body["timeStamp"] == text_of(NOW) == "2020-09-13T12:26:40Z"
    assert ids(answer) == ["g1", "g2"]
    assert link(body, "self", "application/geo+json")
    assert link(body, "alternate", "text/html")
    assert all(item["rel"] and item["type"] for item in body["links"])
    assert 'rel="next"; type="application/geo+json"' in answer.headers["link"]
    assert body["bbox"] == [113.0, 22.0, 113.4, 22.15], "of all that was selected, not of the page"


def test_geometry_is_wgs84_seven_decimals_counter_clockwise_and_without_crs(c: TestClient[Any]) -> None:
    """/req/core/crs84; RFC 7946 3.1.6, 4, 11.2"""
    for path in (ITEMS, SITES, "/ogc/collections/river/items"):
        answer = c.get(path)
        assert "crs" not in answer.json()
        assert answer.headers["content-crs"] == f"<{CRS84}>"
        assert not re.search(r"\d\.\d{8}", answer.text)
        for feature in answer.json()["features"]:
            if feature["geometry"] is None:
                continue
            shape = shapely.from_geojson(json.dumps(feature["geometry"]))
            assert 112 < shape.bounds[0] < 114
            if shape.geom_type == "Polygon":
                assert shape.exterior.is_ccw
                assert not any(ring.is_ccw for ring in shape.interiors)
                assert feature["bbox"] == list(shape.bounds)
    assert len(c.get(f"{ITEMS}/g1").json()["geometry"]["coordinates"]) == 2, "the hole is there"


def test_what_is_served_reads_back_as_the_map_it_came_from(c: TestClient[Any]) -> None:
    served = geojson.read({"features": [f for f in c.get(ITEMS).json()["features"] if f["geometry"]]})
    kept = store().current.layers["grid"]
    assert [(f.layer, f.code, f.since, f.until) for f in served] == [
        (f.layer, f.code, f.since, f.until) for f in kept.features
    ]
    assert all(shapely.equals_exact(a.shape, b, 1e-7) for a, b in zip(served, kept.shapes, strict=True))


@pytest.mark.parametrize(
    ("bbox", "expected"),
    [
        ("113.0,22.0,113.1,22.1", ["g1", "g2", f"g2@{text_of(CHANGE)}"]),
        ("113.15,22.12,113.16,22.13", [f"g2@{text_of(CHANGE)}"]),
        ("113.06,22.03,113.07,22.04", []),  # the hole of g1
        ("113.25,22.05,113.25,22.05", ["g3"]),  # a point
        ("113.25,22.05,113.35,22.05", ["g3", f"g4@{text_of(CHANGE - 1000)}"]),  # a line
        ("113.25,22.05,-100,113.26,22.06,9000", ["g3"]),
        ("113.25,22,-113.25,23", ["g3", f"g4@{text_of(CHANGE - 1000)}"]),  # over the antimeridian
        ("179,-90,113.05,90", ["g1"]),
        ("1e0,-1.,2.5E1,+2" .replace("+", "%2B"), []),
    ],
)  # fmt: skip
def test_a_box_selects_the_features_that_touch_it(c: TestClient[Any], bbox: str, expected: list[str]) -> None:
    """/req/core/fc-bbox-definition, fc-bbox-response"""
    answer = c.get(f"{ITEMS}?bbox={bbox}")
    assert ids(answer) == expected
    assert answer.json()["numberMatched"] == len(expected)


def test_a_box_matches_features_without_a_place_too(c: TestClient[Any]) -> None:
    """/req/core/fc-bbox-response C"""
    assert ids(c.get(f"{SITES}?bbox=113.005,22,113.015,23")) == ["nowhere", "s1"]
    assert c.get(f"{SITES}/nowhere").json()["geometry"] is None


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("2020-06-22T00:00:00Z", ["g1", "g2+", "g3"]),  # the very millisecond: the old ones have just ended
        ("2020-06-21T23:59:59.999Z", ["g1", "g2", "g3", "g4"]),
        ("2020-06-22T07:59:59.9999%2B08:00", ["g1", "g2", "g3", "g4"]),
        ("2020-06-21t23:59:60z", ["g1", "g2+", "g3"]),  # a leap second
        ("2020-06-21T00:00:00Z/2020-06-22T00:00:00Z", ["g1", "g2", "g2+", "g3", "g4"]),
        ("2020-06-22T00:00:00Z/..", ["g1", "g2+", "g3"]),
        ("2020-06-22T00:00:00Z/", ["g1", "g2+", "g3"]),
        ("../2020-06-21T00:00:00Z", ["g1", "g2", "g3"]),
        ("/2020-06-21T00:00:00-01:00", ["g1", "g2", "g3"]),
        ("0000-01-01T00:00:00Z", ["g1", "g2", "g3"]),
    ],
)
def test_a_time_selects_the_features_in_force_then(c: TestClient[Any], asked: str, expected: list[str]) -> None:
    """/req/core/fc-time-definition, fc-time-response"""
    names = {f"g2@{text_of(CHANGE)}": "g2+", f"g4@{text_of(CHANGE - 1000)}": "g4"}
    assert [names.get(i, i) for i in ids(c.get(f"{ITEMS}?datetime={asked}"))] == expected


def test_a_limit_is_kept_and_one_above_the_most_is_no_error(c: TestClient[Any]) -> None:
    """/req/core/fc-limit-definition, fc-limit-response-1"""
    assert [len(ids(c.get(f"{ITEMS}?limit={n}"))) for n in ("1", "3", "007", "10001", "9" * 5000)] == [1, 3, 5, 5, 5]


@pytest.mark.parametrize(
    ("query", "place"),
    [
        *((f"limit={text}", "limit") for text in ("0", "-1", "1.5", "x", "", "%EF%BC%91", "1_0")),
        *((f"bbox={text}", "bbox") for text in ("", "1,2,3", "1,2,3,4,5", "1,2,3,4,5,6,7", "a,b,c,d", "nan,0,1,1",
          "113,23,114,22", "181,0,182,1", "0,-91,1,1", "1,2,9,3,4,8", "1_1,2,3,4", "1e999,0,1,1", "160.6,160,170,170")),
        *((f"datetime={text}", "datetime") for text in ("", "..", "../..", "/", "2020-06-22", "2020-13-01T00:00:00Z",
          "2020-06-22T00:00:00", "2020-06-22T00:00:00+08:00", "2020-06-22T25:00:00Z", "2020-06-22T00:00:00%2B24:00",
          "2021-01-01T00:00:00Z/2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z/2021-01-01T00:00:00Z/..", "now")),
        ("page=1", "page"), ("f=xml", "f"), ("crs=EPSG:4490", "crs"), (f"crs={EPSG}3857", "crs"),
        ("bbox-crs=x", "bbox-crs"), ("limit=1&limit=1", "limit"), ("town=%ff", "query"),
        (f"bbox-crs={EPSG}4547&bbox=0,0,1e30,1", "bbox"), (f"bbox-crs={EPSG}4547&bbox=1,2,3,4,5,6", "bbox"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_a_bad_request_that_says_what_was_expected(c: TestClient[Any], query: str, place: str) -> None:
    """/req/core/query-param-invalid; /req/crs/fc-crs-valid-value, fc-bbox-crs-valid-value, crs-exception"""
    answer = c.get(f"{ITEMS}?{query}", headers={"Accept-Language": "en"})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == 400
    assert re.fullmatch(rf"{place}: expected .+, got .+; .+", body["detail"])
    assert c.get(body["type"]).text.count(f'id="{body["type"].partition("#")[2]}"') == 1


@pytest.mark.parametrize("path", RESOURCES)
def test_a_parameter_that_is_not_defined_is_a_bad_request(c: TestClient[Any], path: str) -> None:
    """/req/core/query-param-unknown"""
    answer = c.get(f"{path}?limt=3", headers={"Accept-Language": "en-GB,en;q=0.9"})
    assert answer.status_code == 400
    assert answer.json()["title"] == "Unknown parameter"
    assert "limt: expected one of " in answer.json()["detail"]
    assert "did you mean limit?" in answer.json()["detail"] or not path.endswith("items")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("kind=学校", ["s0", "s2"]), ("kind=%E5%AD%A6%E6%A0%A1&open=true", ["s0", "s2"]), ("beds=3", ["s3"]),
        ("area=3.50", ["s3"]), ("open=false", ["s1", "s3"]), ("kind=", []), ("mixed=3", ["s3"]), ("mixed=2", ["s2"]),
        ("code=s4", ["s4"]), ("kind=a/b&bbox=113,22,113.01,23", []),
    ],
)  # fmt: skip
def test_attributes_filter_by_equality_in_their_own_type(c: TestClient[Any], query: str, expected: list[str]) -> None:
    """/rec/core/fc-filters"""
    assert ids(c.get(f"{SITES}?{query}")) == expected


@pytest.mark.parametrize("query", ["beds=3.0", "beds=x", "area=", "open=1", "open=True", "area=inf"])
def test_a_filter_of_the_wrong_type_is_refused_and_not_simply_empty(c: TestClient[Any], query: str) -> None:
    assert c.get(f"{SITES}?{query}").status_code == 400


@pytest.mark.parametrize("path", [ITEMS, SITES, "/ogc/collections/road/items"])
def test_every_feature_of_a_layer_can_be_asked_for_by_its_id(c: TestClient[Any], path: str) -> None:
    """/req/core/f-op, f-success, f-links; /req/geojson/content B"""
    for listed in c.get(path).json()["features"]:
        quoted = listed["id"].replace("/", "%2F")
        answer = c.get(f"{path}/{quoted}")
        body = answer.json()
        assert answer.headers["content-type"] == "application/geo+json"
        assert {name: body[name] for name in listed} == listed
        assert c.get(link(body, "self", "application/geo+json")).json() == body
        assert link(body, "alternate", "text/html")
        assert link(body, "collection") == f"http://testserver.local{path.removesuffix('/items')}"


def test_a_code_leads_to_the_version_in_force_and_versions_to_each_other(c: TestClient[Any]) -> None:
    old = c.get(f"{ITEMS}/g2").json()
    new = c.get(link(old, "successor-version")).json()
    assert (old["properties"]["until"], new["properties"]["since"]) == ("2020-06-22T00:00:00Z", "2020-06-22T00:00:00Z")
    assert link(new, "predecessor-version").endswith("/g2")
    moved = c.get(f"{ITEMS}/g4", follow_redirects=False)
    assert (moved.status_code, moved.headers["location"].rpartition("/")[2]) == (307, f"g4@{text_of(CHANGE - 1000)}")
    gone = c.get(f"{ITEMS}/g9")
    assert gone.status_code == 404
    assert gone.json()["detail"] == f"featureId: 应为图层 grid 中的要素, 收到 'g9'; 列表: {ITEMS}"


class Page(HTMLParser):
    """The links and the words of a page; fails on a tag that is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if (tag, name) == ("a", "href")]
        assert tag not in {"script", "img", "link", "b"}
        if tag not in {"meta", "circle", "path"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"circle", "path"}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def strings(value: Any) -> Iterator[str]:
    """All texts of a JSON value but those of links."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from strings(part) if name != "links" else ()
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("path", [p for p in RESOURCES if p != "/ogc/api"])
def test_every_resource_is_a_page_with_all_that_its_json_has(c: TestClient[Any], path: str) -> None:
    """/req/html/definition, content"""
    answer = c.get(path, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "zh-CN"})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.text.startswith("<!DOCTYPE html>")
    page = Page(answer.text)
    words = "".join(page.words)
    body = c.get(path).json()
    times = {body.get("timeStamp")}
    said = {text for text in strings(body) if text not in times} - {"Feature", "FeatureCollection", "site", "grid"}
    shapes = {"Point", "LineString", "Polygon", "river", "feature"}
    assert [text for text in said - shapes if text not in words] == []
    for href in page.links:
        assert "#" in href or not href.startswith("http://testserver") or c.get(href).status_code == 200
    for item in body.get("links", []):
        assert any(href.partition("?")[0] == item["href"].partition("?")[0] for href in page.links), item


def test_names_on_the_map_cannot_put_anything_into_a_page(c: TestClient[Any]) -> None:
    answer = c.get(f"{SITES}?f=html")
    assert "<b>" not in answer.text
    assert "&lt;b&gt;&amp;" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for host in ('"><b>x', "a b", "x/y", ""):
        assert "<b>" not in c.get(f"{SITES}?f=html", headers={"Host": host}).text
