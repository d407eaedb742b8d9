"""Assets on the screen: health as lanes tell it, blind grids that come and go, pages, and what a district may see."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest
import shapely
from access_rig import Rig
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar.testing import TestClient
from one_incident import make

from brain.census import NAME
from brain.incidents.value import Member
from brain.screen.access.rights import RIGHTS, Right
from brain.screen.board.board import Board, Came
from brain.screen.board.sensing import Blind, Sensing, Wanted
from brain.sets import CitySet
from geo.city_map import CityMap
from geo.feature import ALWAYS, FOREVER, Feature
from geo.grid_map import Grid, GridMap
from streams.records import Summary
from streams.registry import Registry

T = 1_718_000_100_000
"""A census."""
STEP = 300_000
GRIDS = [Grid(f"g{k}", f"t{k // 2}", f"d{k // 2}", shapely.box(113 + k, 22, 114 + k, 23)) for k in range(4)]


def asset(name: str, grid: int | None, every_s: float = 60.0, type: str = "smoke") -> dict[str, Any]:
    lon = 120.0 if grid is None else 113.5 + grid
    return {"id": name, "type": type, "lon": lon, "lat": 22.5, "owner": "消防支队", "unit": "1", "range": [0, 1],
            "every_s": every_s}  # fmt: skip


def content(*more: dict[str, Any], grids: GridMap | None = None) -> CitySet:
    registry = Registry.of([
        asset("a1", 0), asset("a2", 0, type="camera"), asset("a3", 1), asset("button", 2, 0.0), asset("far", None),
        *more,
    ])  # fmt: skip
    return CitySet("s", registry, grids or GridMap(GRIDS), [])


def said(t: int, names: dict[str, tuple[int, int]], lane: int = 0) -> Summary:
    columns = {
        field: np.array([pair[k] for pair in names.values()], "<f8").tobytes()
        for k, field in enumerate(("last", "since"))
    }
    return Summary(NAME, t, 7, 1, list(names), columns, t, "s", f"iot/{lane}")


def healths(sensing: Sensing) -> dict[str, str]:
    return {a.id: a.health for a in sensing.page(Wanted(), 100)[0]}


def test_an_asset_is_live_silent_or_unknown_and_says_since_when() -> None:
    sensing = Sensing(content())
    assert set(healths(sensing).values()) == {"unknown"}
    sensing.hear(said(T, {"a1": (T - 1, 0), "a2": (T - 900_000, T)}))
    assert healths(sensing) == {"a1": "live", "a2": "silent", "a3": "unknown", "button": "unknown", "far": "unknown"}
    silent = sensing.one("a2")
    assert silent is not None
    assert (silent.last, silent.since, silent.owner, silent.grid, silent.district) == (
        T - 900_000, T, "消防支队", "g0", "d0",
    )  # fmt: skip
    sensing.hear(said(T + STEP, {"a2": (T + STEP - 5, 0)}))
    assert healths(sensing)["a2"] == "live"
    assert sensing.t == T + STEP


def test_a_grid_becomes_blind_with_its_last_live_asset_and_sees_again_with_the_first() -> None:
    sensing = Sensing(content())
    assert sensing.blind() == [], "before the first census nobody can tell"
    sensing.hear(said(T, {"a1": (T - 1, 0), "a2": (T - 1, 0), "a3": (T - 1, 0)}))
    assert sensing.blind() == [Blind("g2", "d1", None), Blind("g3", "d1", None)]
    sensing.hear(said(T + STEP, {"a1": (T - 1, T + STEP)}))
    assert [b.grid for b in sensing.blind()] == ["g2", "g3"], "a camera still looks"
    sensing.hear(said(T + 2 * STEP, {"a2": (T - 1, T + 2 * STEP)}))
    assert sensing.blind()[0] == Blind("g0", "d0", T + 2 * STEP)
    assert sensing.blind(("d1",)) == [Blind("g2", "d1", None), Blind("g3", "d1", None)]
    sensing.hear(said(T + 3 * STEP, {"a1": (T + 3 * STEP - 9, 0)}))
    assert [b.grid for b in sensing.blind()] == ["g2", "g3"]


def test_another_set_keeps_what_was_told_and_takes_what_was_told_of_its_assets_before_it() -> None:
    sensing = Sensing(content())
    sensing.hear(said(T, {"a1": (T - 1, 0), "new": (T - 2, 0)}))
    sensing.enter(content(asset("a0", 3), asset("new", 3)))
    assert {name: h for name, h in healths(sensing).items() if h != "unknown"} == {"a1": "live", "new": "live"}
    assert [b.grid for b in sensing.blind()] == ["g1", "g2"]
    sensing.enter(dataclasses.replace(content(), map=GridMap(GRIDS[:1])))
    assert sensing.blind() == []
    assert sensing.one("new") is None
    last = content(asset("new", 3))
    sensing.enter(last)
    assert healths(sensing)["new"] == "live"
    sensing.enter(dataclasses.replace(last, map=GridMap(GRIDS[1:])))
    assert healths(sensing)["new"] == "live"
    assert [b.grid for b in sensing.blind()] == ["g1", "g2"], "another map over the same registry"


def test_a_grid_counts_while_it_is_in_force() -> None:
    square = shapely.box(113, 22, 114, 23)
    attributes = {"town": "t", "district": "d"}
    grids = GridMap.of_map(CityMap([
        Feature("grid", "old", square, ALWAYS, T + STEP, attributes),
        Feature("grid", "young", square, T + STEP, FOREVER, attributes),
    ]))  # fmt: skip
    sensing = Sensing(content(grids=grids))
    sensing.hear(said(T, {"a1": (T - 1, T)}))
    assert [b.grid for b in sensing.blind()] == ["old"]
    sensing.hear(said(T + STEP, {}))
    assert sensing.blind() == [Blind("young", "d", T)]


@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@given(st.integers(0, 999))
def test_what_lanes_said_is_the_same_in_whatever_order_partitions_are_read(seed: int) -> None:
    draw = random.Random(seed)
    lanes: list[list[Summary]] = [[], []]
    for k in range(6):
        for lane in lanes:
            t = T + k * STEP
            lane.append(said(t, {n: (t - draw.randrange(900), draw.choice([0, t])) for n in ("a1", "a3")}))
    one, other = Sensing(content()), Sensing(content())
    for summary in [*lanes[0], *lanes[1]]:
        one.hear(summary)
    for summary in sorted([*lanes[1], *lanes[0]], key=lambda s: s.t):
        other.hear(summary)
    assert one.page(Wanted(), 9) == other.page(Wanted(), 9)


def test_other_summaries_are_passed_over_and_broken_ones_refused() -> None:
    sensing = Sensing(content())
    sensing.hear(Summary("trust", T, 1, 1, ["a1"], {}))
    assert sensing.t == 0
    broken = said(T, {"a1": (T, 0)})
    broken.keys = ["a1", "a2"]
    with pytest.raises(ValueError, match="2 assets, 1 and 1 values"):
        sensing.hear(broken)


# -- the routes


@pytest.fixture(scope="module")
def rig() -> Rig:
    many = content(*(asset(f"s{k:03}", k % 4) for k in range(60)))
    sensing, board = Sensing(many), Board()
    sensing.hear(said(T, {f"s{k:03}": (T - k, T if k % 3 == 0 else 0) for k in range(60)}))
    for name, member, state in (("inc-1", "a1", "detected"), ("inc-2", "a1", "closed"), ("inc-3", "a11", "detected")):
        incident = make(id=name, state=state, district="d0", shown=T, members=[Member("m", member, T)])
        value = msgspec.json.encode(incident)
        board.take([Came("incidents.emergency", 0, len(board.entries), name.encode(), value)])
    return Rig(sensing=sensing, board=board)


@pytest.fixture(scope="module")
def c(rig: Rig) -> Iterator[TestClient[Any]]:
    with rig.client() as made:
        made.headers.update(rig.bearer())
        yield made


def get(c: TestClient[Any], path: str, **more: Any) -> Any:
    answer = c.get(f"/api/v1/assets{path}", **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_pages_have_every_asset_once_in_the_order_of_ids(c: TestClient[Any]) -> None:
    found, cursor = [], ""
    while cursor is not None:
        body = get(c, f"?limit=7{cursor and '&cursor=' + cursor}")
        found += [item["id"] for item in body["items"]]
        cursor = body["next"]
    assert found == sorted(found)
    assert len(found) == len(set(found)) == body["total"] == 65
    assert body["t"] == T


@pytest.mark.parametrize(
    ("query", "total"),
    [("type=camera", 1), ("type=none", 0), ("health=silent", 20), ("health=live", 40), ("health=unknown", 5),
     ("district=d0", 33), ("grid=g1", 16), ("bbox=113,22,114,23", 17), ("q=S00 消防", 10), ("q=nothing", 0),
     ("grid=g1&health=silent&type=smoke", 5), ("district=", None), ("health=doubted", None), ("colour=red", None),
     ("bbox=1,2,3", None), ("limit=0", None), ("cursor=" + "x" * 401, None)],
)  # fmt: skip
def test_filters_let_through_what_they_name_and_refuse_what_they_do_not_know(
    c: TestClient[Any], query: str, total: int | None
) -> None:
    answer = c.get(f"/api/v1/assets?{query}")
    if total is None:
        assert answer.status_code == 400
    else:
        assert answer.json()["total"] == total


def test_one_asset_comes_with_its_open_incidents(c: TestClient[Any]) -> None:
    body = get(c, "/a1")
    assert (body["asset"]["metrics"], body["asset"]["health"]) == (["smoke"], "unknown")
    assert [row["id"] for row in body["incidents"]] == ["inc-1"]
    assert c.get("/api/v1/assets/none").status_code == 404


def test_the_summary_counts_by_type_and_names_blind_grids(c: TestClient[Any]) -> None:
    body = get(c, "/summary")
    assert body["by_type"] == {
        "camera": {"live": 0, "silent": 0, "unknown": 1}, "smoke": {"live": 40, "silent": 20, "unknown": 4},
    }  # fmt: skip
    assert (body["blind"], body["t"]) == ([], T)


def test_an_account_of_a_district_sees_its_assets_alone(rig: Rig, c: TestClient[Any]) -> None:
    headers = rig.bearer(districts=["d1"])
    assert get(c, "", headers=headers)["total"] == 31
    assert get(c, "/summary", headers=headers)["by_type"] == {"smoke": {"live": 20, "silent": 10, "unknown": 1}}
    assert c.get("/api/v1/assets/a1", headers=headers).status_code == 404, "as one that is not there"
    assert c.get("/api/v1/assets/far", headers=headers).status_code == 404


def test_only_those_with_the_right_read_them(rig: Rig, c: TestClient[Any]) -> None:
    for role, rights in RIGHTS.items():
        headers = rig.bearer(roles=[role.value], duty=None)
        for path in ("", "/a1", "/summary"):
            assert (c.get(f"/api/v1/assets{path}", headers=headers).status_code == 200) == (Right.ASSETS in rights)
