"""Ways by road against an own search of every path; islands and closures said as such."""

import heapq
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.roads import BY_ROAD, CUT_OFF, NO_ROAD, RoadNet

EDGES = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(1, 900_000)), max_size=30)


def net(edges: list[tuple[int, int, int]], nodes: int = 8) -> RoadNet:
    start, end, ms = np.array(edges, np.int64).reshape(-1, 3).T
    return RoadNet(113.5 + np.arange(nodes) * 0.01, np.full(nodes, 22.2), start, end, ms.astype(float))


def times(edges: list[tuple[int, int, int]], source: int, nodes: int = 8) -> list[float]:
    out = [math.inf] * nodes
    queue = [(0, source)]
    while queue:
        ms, at = heapq.heappop(queue)
        if ms < out[at]:
            out[at] = ms
            for a, b, more in edges:
                if a == at:
                    heapq.heappush(queue, (ms + more, b))
    return out


@settings(deadline=None)
@given(EDGES, st.sets(st.integers(0, 29)))
def test_times_are_those_of_the_shortest_open_path(edges: list[tuple[int, int, int]], shut: set[int]) -> None:
    closed = np.array(sorted(k for k in shut if k < len(edges)), np.int64)
    roads = net(edges).without(closed)
    left = [e for k, e in enumerate(edges) if k not in shut]
    for node in range(8):
        assert roads.times_from(node).tolist() == times(left, node)
        assert roads.times_to(node).tolist() == times([(b, a, ms) for a, b, ms in left], node)


@settings(deadline=None)
@given(EDGES, st.lists(st.integers(-1, 7), max_size=6), st.integers(0, 7), st.integers(1, 4))
def test_the_first_to_arrive_are_those_with_the_least_time(
    edges: list[tuple[int, int, int]], units: list[int], incident: int, k: int
) -> None:
    got = net(edges).first(incident, np.array(units, np.int64), k)
    away = times([(b, a, ms) for a, b, ms in edges], incident)
    come = sorted((away[node], slot) for slot, node in enumerate(units) if node >= 0 and away[node] < math.inf)[:k]
    assert list(zip(got.ms.tolist(), got.unit.tolist(), strict=True)) == come


@settings(deadline=None)
@given(EDGES, st.lists(st.integers(0, 7), max_size=4))
def test_every_node_has_the_station_that_reaches_it_first(
    edges: list[tuple[int, int, int]], stations: list[int]
) -> None:
    index, ms = net(edges).stations(np.array(stations, np.int64))
    each = [times(edges, s) for s in stations]
    for node in range(8):
        least = min((row[node] for row in each), default=math.inf)
        assert ms[node] == least
        assert index[node] == -1 if least == math.inf else each[index[node]][node] == least


def test_who_reaches_the_incident_first_minds_one_way_streets() -> None:
    roads = net([(0, 1, 10), (1, 2, 10), (3, 2, 15), (2, 3, 1)])
    assert roads.first(2, np.array([3, 0, 1]), 2).unit.tolist() == [2, 0]


def test_an_island_is_told_from_a_closed_bridge() -> None:
    roads = net([(0, 1, 5), (1, 0, 5), (2, 3, 5)]).without(np.array([0]))
    start, end = np.array([0, 1, 0]), np.array([1, 0, 2])
    assert roads.reached(start, end, roads.pairs(start, end)).tolist() == [CUT_OFF, BY_ROAD, NO_ROAD]


def test_a_closure_leaves_the_open_roads_as_they_were() -> None:
    whole = net([(0, 1, 5)])
    assert not np.isfinite(whole.without(np.array([0])).times_from(0)[1])
    assert whole.times_from(0)[1] == 5


def test_an_isochrone_ends_at_its_limit() -> None:
    assert np.isfinite(net([(0, 1, 5), (1, 2, 5), (2, 3, 5)]).times_from(0, 10)).sum() == 3


def test_a_position_snaps_to_its_nearest_node_and_a_missing_one_to_none() -> None:
    node, away = net([]).snap(np.array([113.5101, np.nan]), np.array([22.2, 22.2]))
    assert node.tolist() == [1, -1]
    assert 10 < away[0] < 11
    assert np.isnan(away[1])


@pytest.mark.parametrize(
    ("edge", "says"),
    [
        ((0, 8, 5), "expected nodes 0 to 7, got 0 and 8"),
        ((-1, 0, 5), "expected nodes 0 to 7"),
        ((0, 1, 0), "whole milliseconds above 0, got 0"),
        ((0, 1, 2**50), "whole milliseconds above 0"),
    ],
)
def test_an_edge_that_cannot_be_is_named(edge: tuple[int, int, int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        net([(0, 1, 5), edge])


def test_a_node_without_position_is_refused() -> None:
    with pytest.raises(ValueError, match="finite position"):
        RoadNet(np.array([np.nan]), np.array([22.0]), np.zeros(0, int), np.zeros(0, int), np.zeros(0))


@settings(max_examples=30, deadline=None)
@given(EDGES, st.integers(0, 7), st.integers(0, 7))
def test_a_way_is_as_fast_as_the_time_says(edges: list[tuple[int, int, int]], start: int, end: int) -> None:
    roads = net(edges)
    way = roads.way(start, end).tolist()
    if not way:
        assert not np.isfinite(roads.times_from(start)[end])
        return
    assert (way[0], way[-1]) == (start, end)
    fastest = {(a, b): min(m for c, d, m in edges if (c, d) == (a, b)) for a, b, _ in edges}
    assert sum(fastest[step] for step in pairwise(way)) == roads.times_from(start)[end]


def test_the_shortest_way_may_be_another_than_the_fastest() -> None:
    roads = RoadNet(113.5 + np.arange(3) * 0.01, np.full(3, 22.2), np.array([0, 0, 1]), np.array([2, 1, 2]),
                    np.array([9000.0, 1000.0, 1000.0]), length=np.array([2000.0, 1500.0, 1500.0]))  # fmt: skip
    assert roads.times_from(0)[2] == 2000
    assert roads.by_distance().times_from(0)[2] == 2_000_000
    assert roads.without(np.array([0])).by_distance().times_from(0)[2] == 3_000_000
    straight = net([(0, 1, 5)]).by_distance().times_from(0)[1]
    assert straight == pytest.approx(1_031_000, rel=1e-3)


def test_units_on_another_island_are_said_to_come_by_boat() -> None:
    got = net([(0, 1, 10), (2, 3, 10)]).first(1, np.array([2, 0, -1, 3]), 4)
    assert (got.unit.tolist(), got.by_boat.tolist()) == ([1], [0, 3])
