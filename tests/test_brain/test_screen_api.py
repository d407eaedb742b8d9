"""The HTTP side of the map beyond single answers: paging while the map changes, HTTP itself, OpenAPI, any query."""

from __future__ import annotations

import functools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pyproj
import pytest
import shapely
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar.testing import TestClient
from screen_map import CRS84, EPSG, client, clockwise, features, ids, link, store
from structlog.testing import capture_logs
from typer.testing import CliRunner

from brain.cli import app
from brain.screen.app import build, listen
from brain.screen.features.store import Layer, LayerStore
from brain.screen.language import choose
from geo import geojson
from geo.feature import Feature, MapError

ITEMS = "/ogc/collections/grid/items"
SITES = "/ogc/collections/site/items"


@pytest.fixture(scope="module")
def c() -> Iterator[TestClient[Any]]:
    with client() as made:
        yield made


def walk(c: TestClient[Any], url: str, rel: str = "next") -> Iterator[Any]:
    """Answers from one to the last that the links lead to."""
    while url:
        answer = c.get(url)
        yield answer
        found = [item["href"] for item in answer.json()["links"] if item["rel"] == rel]
        url = found[0] if found else ""


def test_next_links_give_every_feature_once_and_prev_links_lead_back(c: TestClient[Any]) -> None:
    """/rec/core/fc-next-1, fc-next-2, fc-next-3; /per/core/fc-prev"""
    whole = ids(c.get(SITES))
    for asked in ("limit=1", "limit=2", "limit=5", "limit=6", "limit=2&kind=学校", "limit=2&bbox=113.0,22,113.035,23"):
        pages = list(walk(c, f"{SITES}?{asked}"))
        read = [i for page in pages for i in ids(page)]
        assert read == [i for i in whole if i in read]
        assert {page.json()["numberMatched"] for page in pages} == {len(read)}
        assert all(page.json()["bbox"] == pages[0].json()["bbox"] for page in pages), "/rec/core/fc-extent"
        back = [ids(page) for page in walk(c, str(pages[-1].url), "prev")]
        assert back == [ids(page) for page in reversed(pages)]
        assert ids(c.get(link(pages[-1].json(), "first"))) == ids(pages[0])


def test_a_change_of_the_map_moves_no_page_that_is_being_read() -> None:
    layers = store(kept=2)
    with client(layers) as c:
        first = c.get(f"{ITEMS}?limit=2")
        onward = link(first.json(), "next")
        before = layers.current.version
        layers.publish([f for f in features() if f.code != "g1"] + [Feature("grid", "g0", clockwise(113, 22, 114, 23))])
        second = c.get(onward)
        assert [i.partition("@")[0] for i in ids(first) + ids(second)] == ["g1", "g2", "g2", "g3"]
        assert second.headers["map-version"] == second.json()["mapVersion"] == before != layers.current.version
        assert ids(c.get(f"{ITEMS}?limit=1")) == ["g0"]
        layers.publish([Feature("site", "s9", shapely.Point(1, 1))])
        gone = c.get(onward, headers={"Accept-Language": "en"})
        assert gone.status_code == 404
        assert gone.json()["type"].endswith("#page-gone")
        assert "leave page out to start anew" in gone.json()["detail"]
        assert c.get(ITEMS).status_code == 404, "the layer is gone from the map"


def test_a_map_that_cannot_be_used_leaves_the_one_in_force() -> None:
    layers = store()
    before = layers.current
    with pytest.raises(MapError, match="grid a: there twice from one time on"):
        layers.publish([Feature("grid", "a", None), Feature("grid", "a", None)])
    assert layers.current is before
    assert layers.publish(reversed(features())).version == before.version, "the order of a file is no content"
    assert layers.publish(features()[1:]).version != before.version


def test_an_answer_is_not_sent_again_while_its_map_is_in_force() -> None:
    """/rec/core/etag"""
    layers = store()
    with client(layers) as c:
        for path in ("/ogc", "/ogc/api", "/ogc/collections", ITEMS, f"{ITEMS}/g1"):
            tag = c.get(path).headers["etag"]
            again = c.get(path, headers={"If-None-Match": f'"x", {tag}'})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
            other = c.get(path, headers={"If-None-Match": tag, "Accept": "text/html"})
            assert other.status_code == 200, "a page is another answer than the data"
        layers.publish(features()[1:])
        assert c.get("/ogc", headers={"If-None-Match": tag}).status_code == 200


def test_head_options_and_errors_carry_what_a_browser_needs(c: TestClient[Any]) -> None:
    """/req/core/http; /rec/core/head, cross-origin"""
    for path in ("/ogc", "/ogc/collections/grid", ITEMS, f"{ITEMS}/g1"):
        got, head = c.get(path), c.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert {n: v for n, v in head.headers.items() if n != "date"} == {
            n: v for n, v in got.headers.items() if n != "date"
        }
        assert (got.headers["vary"], got.headers["access-control-allow-origin"]) == ("Accept, Accept-Language", "*")
        asked = c.options(path, headers={"Origin": "http://elsewhere", "Access-Control-Request-Method": "GET"})
        assert asked.status_code == 204
        assert "If-None-Match" in asked.headers["access-control-allow-headers"]
    for answer, status in ((c.get("/ogc/nothing"), 404), (c.post(ITEMS), 405), (c.get(f"{ITEMS}?x=1"), 400)):
        assert (answer.status_code, answer.json()["status"]) == (status, status)
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["map-version"].startswith("sha256:")
    assert set(c.post(ITEMS).headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_a_bug_of_ours_tells_the_client_nothing_of_its_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Layer, "select", lambda *_: 1 / 0)
    with client() as c, capture_logs() as said:
        answer = c.get(ITEMS, headers={"Accept-Language": "en"})
    assert answer.status_code == 500
    assert [(line["path"], type(line["exc_info"])) for line in said] == [(ITEMS, ZeroDivisionError)]
    assert answer.json()["type"].endswith("#internal-error")
    assert "zero" not in answer.text


@pytest.mark.parametrize(
    ("header", "language"),
    [("", "zh"), ("en", "en"), ("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("fr, en-GB;q=0.3", "en"), ("en;q=0", "zh"),
     ("en;q=x", "zh"), ("*", "zh"), ("de,*;q=0.1,en;q=0.05", "zh"), ("en;q=0.5,zh;q=0.4", "en")],
)  # fmt: skip
def test_the_reader_s_language_is_chosen(header: str, language: str) -> None:
    assert choose(header) == language


def test_titles_are_in_the_reader_s_language(c: TestClient[Any]) -> None:
    titles = [c.get("/ogc/collections/grid", headers={"Accept-Language": tag}).json()["title"] for tag in ("zh", "en")]
    assert titles == ["网格", "unit grids"]


def refs(value: Any) -> Iterator[str]:
    """All references of a JSON value."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from [part] if name == "$ref" else refs(part)
    elif isinstance(value, list):
        for part in value:
            yield from refs(part)


def test_the_definition_is_openapi_3_0_and_names_every_parameter_and_answer(c: TestClient[Any]) -> None:
    """/req/oas30/oas-definition-2, oas-impl, completeness, exceptions-codes; /req/core/fc-*-definition;
    /req/crs/fc-crs-definition, fc-bbox-crs-definition"""
    api = c.get("/ogc/api").json()
    assert api["openapi"].startswith("3.0.")
    assert '"null"' not in json.dumps(api), "a type of JSON Schema that 3.0 does not have"
    for ref in set(refs(api)):
        place = api
        for step in ref.removeprefix("#/").split("/"):
            place = place[step]
    shared = api["components"]["parameters"]
    assert shared["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 10000, "default": 100}
    assert shared["bbox"]["schema"]["oneOf"] == [{"minItems": n, "maxItems": n} for n in (4, 6)]
    for name, shape in shared.items():
        assert (shape["required"], shape.get("style", "form")) == (name == "featureId", "form")
    ids_ = [operation["operationId"] for path in api["paths"].values() for operation in path.values()]
    assert len(ids_) == len(set(ids_))
    own = [p.get("name") for p in api["paths"]["/collections/site/items"]["get"]["parameters"]]
    assert {"kind", "beds", "open", "area", "code"} <= set(own)
    for path, methods in api["paths"].items():
        answers = methods["get"]["responses"]
        assert {"200", "304", "400", "500"} <= set(answers)
        assert ("404" in answers) == ("307" in answers or "/collections/" in path)
        assert set(answers["200"]["content"]) > {"text/html"}
        made = c.get(api["servers"][0]["url"] + path.replace("{featureId}", "s1" if "site" in path else "nothing"))
        assert str(made.status_code) in answers


def axes(code: int, lon: float, lat: float) -> tuple[float, ...]:
    """Coordinates in the order of the system's own axes, which for all three is north before east."""
    return tuple(pyproj.Transformer.from_crs("EPSG:4490", f"EPSG:{code}").transform(lat, lon))


def test_coordinates_come_in_the_system_that_is_asked_for_in_its_own_order_of_axes(c: TestClient[Any]) -> None:
    """/req/crs/fc-md-crs-list, fc-md-storageCrs, fc-md-storageCrs-valid-value, fc-crs-definition, fc-crs-action,
    fc-crs-default-value, crs-uri, ogc-crs-header, ogc-crs-header-value, geojson"""
    about = c.get("/ogc/collections/site").json()
    assert about["storageCrs"] == CRS84 == about["crs"][0]
    assert set(about["crs"]) == {CRS84, f"{EPSG}4326", f"{EPSG}4490", f"{EPSG}4547"}
    for code, digits in ((4326, 7), (4490, 7), (4547, 3)):
        for answer in (c.get(f"{SITES}?crs={EPSG}{code}&code=s1"), c.get(f"{SITES}/s1?crs={EPSG}{code}")):
            feature = answer.json().get("features", [answer.json()])[0]
            assert feature["geometry"]["coordinates"] == pytest.approx(
                axes(code, 113.01, 22.123456789), abs=10**-digits
            )
            assert answer.headers["content-crs"] == f"<{EPSG}{code}>"
            assert "crs" not in answer.json()
    assert c.get(f"{SITES}/s1?crs=x").status_code == 400


def test_a_box_may_be_given_in_another_system(c: TestClient[Any]) -> None:
    """/req/crs/fc-bbox-crs-action, fc-bbox-crs-valid-default-value, bbox-crs-exception"""
    for code, reach in ((4490, 0.001), (4547, 100.0)):
        a, b = axes(code, 113.02, 22.123456789)
        for width in (reach, 0.0):
            bbox = ",".join(map(str, (a - reach, b - width, a + reach, b + width)))
            found = ids(c.get(f"{SITES}?bbox-crs={EPSG}{code}&bbox={bbox}"))
            # A line through the very point may miss it by the last digit of its projection.
            assert found == ["nowhere", "s2"] or (not width and found == ["nowhere"])
    assert ids(c.get(f"{SITES}?bbox-crs={EPSG}4326&bbox=22,113.005,23,113.015")) == ["nowhere", "s1"]
    assert c.get(f"{SITES}?bbox-crs={EPSG}4326&bbox=113,22,114,23").status_code == 400, "axes swapped"


box = st.tuples(*[st.integers(-5, 25)] * 4).map(
    lambda b: [min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3])]
)


@settings(max_examples=25, deadline=None)
@given(boxes=st.lists(box, min_size=1, max_size=3), seed=st.integers(0, 9))
def test_what_a_box_selects_is_what_touches_it(boxes: list[list[int]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, 20, (40, 2)).astype(float)
    leaf = np.array([(0, 0), (3, 0), (1, 4)])
    shapes = [shapely.Point(*p) if k % 2 else shapely.Polygon(p + leaf) for k, p in enumerate(corners)]
    layer = Layer("x", [Feature("x", f"{k:02d}", shape) for k, shape in enumerate(shapes)])
    area = [shapely.box(*b) if b[0] < b[2] and b[1] < b[3] else shapely.LineString([b[:2], b[2:]]) if b[:2] != b[2:]
            else shapely.Point(b[:2]) for b in boxes]  # fmt: skip
    assert layer.select(area).tolist() == [
        k for k, s in enumerate(shapes) if any(shapely.intersects(s, a) for a in area)
    ]


name = st.sampled_from(
    ["bbox", "bbox-crs", "datetime", "limit", "page", "crs", "f", "kind", "beds", "area", "open", "x", ""]
)
times = st.datetimes().map(lambda t: t.isoformat() + "Z") | st.sampled_from(["..", "", "2020-06-22T00:00:00Z"])
value = (
    st.text(max_size=20)
    | st.lists(st.floats(width=32) | st.integers(-400, 400), min_size=3, max_size=7).map(
        lambda v: ",".join(map(str, v))
    )
    | st.tuples(times, times).map("/".join)
    | st.sampled_from([CRS84, f"{EPSG}4547", f"{EPSG}4490", "html", "1", "true"])
)


@settings(max_examples=60, deadline=None)
@given(query=st.lists(st.tuples(name, value), max_size=4), where=st.sampled_from([ITEMS, SITES, f"{SITES}/s1", "/ogc"]))
def test_no_query_is_an_error_of_ours(c: TestClient[Any], query: list[tuple[str, str]], where: str) -> None:
    answer = c.get(where, params=query)
    assert answer.status_code in {200, 400, 404}
    if answer.status_code != 200:
        assert answer.json()["status"] == answer.status_code


@settings(max_examples=40, deadline=None)
@given(raw=st.binary(max_size=30))
def test_no_bytes_of_a_query_are_an_error_of_ours(c: TestClient[Any], raw: bytes) -> None:
    text = "".join(f"%{b:02x}" if b < 33 or b > 126 or b in b'#"<>' else chr(b) for b in raw)
    assert c.get(f"{SITES}?{text}").status_code in {200, 400, 404}


def test_a_store_keeps_at_least_the_version_in_force() -> None:
    with pytest.raises(ValueError, match="kept: expected at least one version, got 0"):
        LayerStore([], kept=0)
    assert LayerStore([]).current.layers == {}
    with pytest.raises(ValueError, match="version: expected at most 200 visible ASCII"):
        LayerStore([], version="地图 1")


def test_a_connection_is_one_on_which_a_body_does_not_wait_for_its_headers_to_be_confirmed() -> None:
    with listen("127.0.0.1", 0) as server, socket.create_connection(server.getsockname()):
        accepted, _ = server.accept()
        with accepted:
            assert accepted.proto == socket.IPPROTO_TCP, "what asyncio looks at before it sets TCP_NODELAY"


def test_links_follow_the_public_root_where_a_proxy_stands_before(c: TestClient[Any]) -> None:
    with TestClient(build(store(), lambda: 0, "https://maps.example.org/city/")) as other:
        hrefs = [item["href"] for item in other.get(ITEMS).json()["links"]]
        assert {href.startswith("https://maps.example.org/city/ogc/") for href in hrefs} == {True}
        problem = other.get(f"{ITEMS}?x=1").json()["type"]
        assert problem == "https://maps.example.org/city/problems#unknown-parameter"
    assert c.get("/ogc", headers={"Host": "city.example:81"}).json()["links"][0]["href"] == "http://city.example:81/ogc"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A set's folder, as far as its map goes, for commands that run here; they set up logs to a stream that ends."""
    file = tmp_path / "map.geojson"
    file.write_bytes(geojson.write(f for f in features() if f.layer in {"grid", "camera", "river"}))
    yield tmp_path
    structlog.reset_defaults()


def test_the_command_serves_a_map_until_sigterm(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    got: list[Any] = []

    def ask() -> None:
        url = f"http://127.0.0.1:{port}{ITEMS}"
        try:
            for _ in range(200):
                with suppress(OSError), urllib.request.urlopen(url, timeout=10) as answer:
                    got.append(json.load(answer))
                    break
                time.sleep(0.05)
            with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=10) as answer:
                got.append((answer.status, answer.read(), int(answer.headers["Content-Length"]) > 100))
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    # Signals reach the main thread, so the server runs here and its client beside.
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    asking = threading.Thread(target=ask)
    asking.start()
    try:
        said = CliRunner().invoke(app, ["screen", "--map", str(folder), "--port", port, "--lang", "en"])
    finally:
        asking.join()
        signal.signal(signal.SIGTERM, before)
    assert said.exit_code == 0, said.output
    assert re.search(rf"http://127.0.0.1:{port}/ogc .*grid 5, river 1; map sha256:", said.output)
    assert got[0]["numberMatched"] == 5
    assert got[1] == (200, b"", True)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--map", "nowhere"], "map: expected a GeoJSON file or a set's folder with map.geojson, got nowhere"),
        (["--layers", "grid,adress"], "layers: expected public or layers of the map (camera, grid, river), got adress"),
        (["--layers", ","], "got none"),
        (["--url", "maps.example.org"], "--url: expected an address with http:// or https://, got maps.example.org"),
        (["--host", "192.0.2.1"], "192.0.2.1:8080: cannot listen"),
    ],
)
def test_a_wrong_option_of_the_command_ends_it_with_the_way_out(folder: Path, options: list[str], says: str) -> None:
    said = CliRunner().invoke(app, ["screen", "--map", str(folder), "--lang", "en", *options])
    assert said.exit_code == 2
    assert says in said.output


@pytest.mark.long
def test_gdal_reads_the_map_page_by_page_from_the_command(folder: Path) -> None:
    command = [sys.executable, "-m", "brain", "screen", "--map", str(folder), "--port", "0", "--lang", "en"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "300"}) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://127\.0\.0\.1:\d+/ogc", process.stdout.readline())
            assert found
            assert sorted(pyogrio.list_layers(f"OAPIF:{found[0]}")[:, 0].tolist()) == ["grid", "river"]
            read = functools.partial(pyogrio.raw.read, f"OAPIF:{found[0]}", layer="grid", columns=["code"], PAGE_SIZE=2)
            _, _, shapes, (codes,) = read()
            assert sorted(codes.tolist()) == ["g1", "g2", "g2", "g3", "g4"]
            assert shapely.total_bounds(shapely.from_wkb(shapes)).tolist() == [113.0, 22.0, 113.4, 22.15]
            _, _, _, (codes,) = read(bbox=(113.25, 22.05, 113.26, 22.06))
            assert codes.tolist() == ["g3"]
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()
