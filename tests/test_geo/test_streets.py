"""Places within streets against a graph that has a node at each of them; what is reached; what is refused."""

import heapq
import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.feature import Feature, MapError
from geo.metres import Metres
from geo.roads import BY_ROAD, CUT_OFF, NO_ROAD
from geo.streets import Places, Streets

METRES = Metres(4547)
WEST, SOUTH = 500_000.0, 2_450_000.0
NODES = [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1), (9, 9), (10, 9)]
STREETS = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 7), st.sampled_from([10.0, 36.0, 90.0]), st.booleans()).filter(
        lambda s: s[0] != s[1]
    ),
    min_size=1, max_size=12, unique_by=lambda s: frozenset(s[:2]),
)  # fmt: skip
PLACE = st.tuples(st.integers(0, 11), st.sampled_from([0.0, 0.25, 0.5, 1.0]))


def degrees(x: float, y: float) -> tuple[float, float]:
    lon, lat = METRES.degrees(np.array([WEST + 1000 * x]), np.array([SOUTH + 1000 * y]))
    return float(lon[0]), float(lat[0])


def made(streets: list[tuple[int, int, float, bool]]) -> Streets:
    lon, lat = np.array([degrees(*n) for n in NODES]).T.copy()
    start, end, kmh, oneway = (np.array(c) for c in zip(*streets, strict=True))
    length = np.hypot(*(np.array(NODES, float)[start] - np.array(NODES, float)[end]).T) * 1000
    return Streets(lon, lat, start, end, length, kmh.astype(float), oneway, metres=METRES)


def places(*at: tuple[int, float]) -> Places:
    street, share = np.array(at, float).reshape(-1, 2).T
    return Places(street.astype(np.int64), share.copy(), np.zeros(len(at)))


def times(streets: Streets, shut: set[int], source: tuple[int, float], goals: list[tuple[int, float]]) -> list[float]:
    """By a search over a graph in which every place is a node of its street."""
    edges: list[tuple[Any, Any, float]] = []
    for s in range(len(streets.ms)):
        if s in shut:
            continue
        a, b, ms = int(streets.net.start[s]), int(streets.net.end[s]), float(streets.ms[s])
        on = sorted({float(np.rint(share * ms)) for at, share in [source, *goals] if at == s})
        stops = [(a, 0.0), *(((s, m), m) for m in on), (b, ms)]
        for (u, m), (v, n) in pairwise(stops):
            edges.append((u, v, n - m))
            if streets.back[s] >= 0:
                edges.append((v, u, n - m))
    away: dict[Any, float] = {}
    key = {p: (p[0], float(np.rint(p[1] * streets.ms[p[0]]))) for p in [source, *goals]}
    queue: list[tuple[float, str, Any]] = [(0.0, "", key[source])]
    while queue:
        ms, _, at = heapq.heappop(queue)
        if at not in away:
            away[at] = ms
            for u, v, more in edges:
                if u == at:
                    heapq.heappush(queue, (ms + more, repr(v), v))
    return [away.get(key[g], math.inf) for g in goals]


@settings(max_examples=50, deadline=None)
@given(STREETS, st.lists(PLACE, min_size=2, max_size=6), st.sets(st.integers(0, 11), max_size=3))
def test_times_between_places_are_those_of_a_graph_with_a_node_at_each(
    streets: list[tuple[int, int, float, bool]], at: list[tuple[int, float]], shut: set[int]
) -> None:
    whole = made(streets)
    at = [(s % len(streets), share) for s, share in at]
    closed = {s % len(streets) for s in shut} - {s for s, _ in at}
    net = whole.without(np.array(sorted(closed), np.int64))
    goals = at[1:]
    want = times(whole, closed, at[0], goals)
    start, end = places(*[at[0]] * len(goals)), places(*goals)
    got = net.between(start, end)
    assert got.tolist() == want
    island = whole.net.island[whole.net.start[[s for s, _ in at]]]
    how = [BY_ROAD if t < math.inf else NO_ROAD if i != island[0] else CUT_OFF
           for t, i in zip(want, island[1:], strict=True)]  # fmt: skip
    assert net.reached(start, end, got).tolist() == how
    arrive = [times(whole, closed, goal, [at[0]])[0] for goal in goals]
    first = net.first(places(at[0]), places(*goals), 3)
    assert (
        list(zip(first.ms.tolist(), first.unit.tolist(), strict=True))
        == sorted((t, k) for k, t in enumerate(arrive) if t < math.inf)[:3]
    )
    assert first.by_boat.tolist() == [k for k, i in enumerate(island[1:]) if i != island[0]]


def test_a_unit_found_by_a_detour_within_the_limit_is_timed_by_its_faster_end_beyond_it() -> None:
    streets = made([(0, 1, 3600 / 290, False), (0, 3, 3600 / 310, False), (1, 3, 3600 * 2**0.5 / 501, False)])
    assert streets.ms.tolist() == [290_000, 310_000, 501_000]
    first = streets.first(places((0, 0.0)), places((2, 500 / 501)), 1)
    assert first.ms.tolist() == [311_000]


def test_a_position_is_put_on_the_nearest_open_street() -> None:
    streets = made([(0, 1, 36.0, False), (3, 4, 36.0, False)])
    lon, lat = np.array([degrees(0.25, 0.1), (math.nan, 22.0)]).T.copy()
    at = streets.place(lon, lat)
    assert at.street.tolist() == [0, -1]
    assert at.share[0] == pytest.approx(0.25, abs=1e-6)
    assert at.away[0] == pytest.approx(100, abs=0.01)
    again = streets.without(np.array([0])).place(lon, lat)
    assert again.street.tolist() == [1, -1]
    assert again.away[0] == pytest.approx(900, abs=0.01)
    assert np.isnan(again.away[1])


def test_without_position_there_is_no_way_and_nobody_comes() -> None:
    streets = made([(0, 1, 36.0, False)])
    nowhere = Places(np.array([-1]), np.array([np.nan]), np.array([np.nan]))
    assert streets.between(nowhere, places((0, 0.5))).tolist() == [math.inf]
    assert streets.first(nowhere, places((0, 0.5)), 1).unit.tolist() == []
    assert streets.first(places((0, 0.5)), nowhere, 1).unit.tolist() == []
    with pytest.raises(ValueError, match="got one without position"):
        streets.reach(nowhere, 1000)


def inside(footprint: Any, x: float, y: float) -> bool:
    return bool(footprint.covers(shapely.Point(*degrees(x, y))))


def test_what_is_reached_ends_within_the_street_where_the_time_does() -> None:
    streets = made([(0, 1, 36.0, False), (1, 2, 36.0, False), (4, 1, 36.0, True)])
    got = streets.reach(places((0, 0.5)), 80_000, beside_m=20)  # at 10 m/s: 500 m to each end, then 300 m on
    assert got.nodes.tolist() == [0, 1]
    assert got.ms.tolist() == [50_000, 50_000]
    assert inside(got.footprint, 1.3, 0)
    assert inside(got.footprint, 1.2, 0.019)
    assert not inside(got.footprint, 1.33, 0)
    assert not inside(got.footprint, 1, 0.1), "against the one-way street"
    to = streets.reach(places((0, 0.5)), 80_000, to=True, beside_m=20)
    assert inside(to.footprint, 1, 0.29)
    assert not inside(to.footprint, 1, 0.33)
    near = streets.reach(places((0, 0.5)), 10_000, beside_m=20)
    assert near.nodes.tolist() == []
    assert inside(near.footprint, 0.41, 0)
    assert not inside(near.footprint, 0.3, 0)


@settings(max_examples=20, deadline=None)
@given(STREETS, PLACE, st.booleans(), st.integers(0, 11), st.integers(1, 9))
def test_a_footprint_holds_exactly_the_places_that_are_reached_in_time(
    streets: list[tuple[int, int, float, bool]], at: tuple[int, float], to: bool, on: int, tenths: int
) -> None:
    net = made(streets)
    place, other = (at[0] % len(streets), at[1]), (on % len(streets), tenths / 10)
    limit = 120_000.0
    footprint = net.reach(places(place), limit, to=to, beside_m=1.0).footprint
    a, b = (other, place) if to else (place, other)
    ms = net.between(places(a), places(b))[0]
    x, y = np.asarray(net.lines[other[0]].interpolate(other[1], normalized=True).coords[0])
    lon, lat = METRES.degrees(np.array([x]), np.array([y]))
    found = footprint.covers(shapely.Point(lon[0], lat[0]))
    if ms <= limit:
        assert found
    elif ms > limit + 2_000:
        # Another street may run over the same ground.
        over = net.lines[shapely.distance(net.lines, shapely.Point(x, y)) < 3]
        assert not found or len(over) > 1


def road(code: str, at: list[tuple[float, float]], **attributes: str) -> Feature:
    return Feature("road", code, shapely.LineString([degrees(*p) for p in at]), attributes=attributes)


def test_streets_are_read_from_the_maps_features() -> None:
    streets = Streets.of_features([
        road("r1", [(0, 0), (0, 1), (1, 1)], **{"from": "a", "to": "b", "speed": "36"}),
        road("r2", [(1, 1), (1, 0)], **{"from": "b", "to": "c", "metres": "500", "speed": "18", "oneway": "yes"}),
    ])  # fmt: skip
    assert streets.names == ["a", "b", "c"]
    assert streets.ms.tolist() == [pytest.approx(200_000, abs=20), 100_000]
    assert streets.back.tolist() == [2, -1]
    assert streets.net.length.tolist() == pytest.approx([2000, 500, 2000], abs=0.2)
    at = streets.place(*(np.array([v]) for v in degrees(0.1, 0.5)))
    assert (int(at.street[0]), float(at.share[0])) == (0, pytest.approx(0.25, abs=1e-5))


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({"to": "b"}, "road r: properties.from: expected the code of a node"),
        ({"from": "a", "to": "b", "speed": "fast"}, "properties.speed: expected a number above 0, got 'fast'"),
        ({"from": "a", "to": "b", "metres": "-1"}, "properties.metres: expected a number above 0"),
        ({"from": "a", "to": "b", "oneway": "perhaps"}, "properties.oneway: expected yes or no, got 'perhaps'"),
    ],
)
def test_a_road_that_cannot_be_is_named(attributes: dict[str, str], says: str) -> None:
    with pytest.raises(MapError, match=says):
        Streets.of_features([road("r", [(0, 0), (1, 0)], **attributes)])


def test_a_road_without_line_or_speed_is_refused() -> None:
    point = Feature("road", "r", shapely.Point(113, 22), attributes={"from": "a", "to": "b"})
    with pytest.raises(MapError, match="road r: expected a LineString, got Point"):
        Streets.of_features([point])
    with pytest.raises(MapError, match="road: expected at least one"):
        Streets.of_features([])
    with pytest.raises(ValueError, match="street 0: expected metres and km/h above 0"):
        made([(0, 1, 0.0, False)])
