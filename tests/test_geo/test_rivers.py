"""Rivers: the graph against itself reversed, and places within reaches against a river with a node at each."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.feature import Feature, MapError
from geo.metres import Metres
from geo.rivers import Moored, RiverLines, RiverLoop, Rivers

METRES = Metres(4547)


def river(reaches: list[tuple[int, int, float]]) -> Rivers:
    start, end, metres = np.array(reaches, float).T
    return Rivers(6, start.astype(int), end.astype(int), metres)


def test_a_spill_flows_down_both_arms_and_never_up() -> None:
    rivers = river([(0, 1, 100), (1, 2, 50), (1, 3, 70), (4, 1, 30), (2, 3, 10)])
    assert rivers.downstream(1).tolist() == [math.inf, 0, 50, 60, math.inf, math.inf]
    assert rivers.upstream(3).tolist() == [160, 60, 10, 0, 90, math.inf]
    assert rivers.downstream(1, 55).tolist() == [math.inf, 0, 50, math.inf, math.inf, math.inf]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(1, 9)), min_size=1, max_size=12))
def test_what_is_upstream_has_me_downstream(reaches: list[tuple[int, int, int]]) -> None:
    rivers = river([(min(a, b), max(a, b), float(m)) for a, b, m in reaches if a != b] or [(0, 1, 1.0)])
    down = np.stack([rivers.downstream(k) for k in range(6)])
    up = np.stack([rivers.upstream(k) for k in range(6)])
    assert (down == up.T).all()


def test_reaches_that_flow_in_a_circle_are_named() -> None:
    with pytest.raises(RiverLoop, match="reaches 1, 2 flow in a circle"):
        river([(0, 1, 5), (1, 2, 5), (2, 1, 5)])


def test_a_reach_that_cannot_be_is_named() -> None:
    with pytest.raises(ValueError, match="reach 0: expected nodes 0 to 5"):
        river([(0, 6, 5)])
    with pytest.raises(ValueError, match="a length above 0"):
        river([(0, 1, math.nan)])


def degrees(*at: tuple[float, float]) -> list[tuple[float, float]]:
    """Kilometres east and north of a place, in degrees."""
    x, y = np.array(at, float).T
    lon, lat = METRES.degrees(500_000 + 1000 * x, 2_450_000 + 1000 * y)
    return list(zip(lon.tolist(), lat.tolist(), strict=True))


def lines(*reaches: list[tuple[float, float]]) -> RiverLines:
    return RiverLines(np.array([shapely.LineString(degrees(*r)) for r in reaches], object), METRES)


DELTA = lines([(0, 0), (2, 0)], [(0, 2), (2, 2), (2, 0)], [(2, 0), (4, 0)], [(4, 0), (8, 0)], [(4, 0), (4, -3)])
"""Two springs that meet at (2, 0), and two mouths from (4, 0) on."""


def at(*places: tuple[float, float]) -> Moored:
    lon, lat = np.array(degrees(*places)).T.copy()
    return DELTA.place(lon, lat)


def test_a_place_lies_on_the_nearest_reach_at_its_metres() -> None:
    got = at((1.5, 0.1), (2.2, 1.5))
    assert got.reach.tolist() == [0, 1]
    assert got.along.tolist() == pytest.approx([1500, 2500], abs=0.01)
    assert got.away.tolist() == pytest.approx([100, 200], abs=0.01)
    nowhere = DELTA.place(np.array([math.nan]), np.array([22.0]))
    assert nowhere.reach.tolist() == [-1]
    assert np.isinf(DELTA.downstream(nowhere, got)).all()
    assert np.isinf(DELTA.upstream(nowhere, got)).all()
    assert np.isinf(DELTA.downstream(got, nowhere)).all()


def test_distances_down_and_up_are_along_the_bed() -> None:
    spill = at((1, 0))
    others = at((0.5, 0), (1.5, 0), (3, 0), (6, 0), (4, -2), (2, 1))
    assert DELTA.downstream(spill, others).tolist() == pytest.approx([math.inf, 500, 2000, 5000, 5000, math.inf])
    assert DELTA.upstream(at((3, 0)), others).tolist() == pytest.approx([2500, 1500, 0, math.inf, math.inf, 2000])


PLACE = st.tuples(st.sampled_from([0, 1, 2, 3, 4]), st.floats(0, 1))


@settings(max_examples=50, deadline=None)
@given(PLACE, PLACE)
def test_of_two_places_the_one_above_has_the_other_below_as_far(
    one: tuple[int, float], other: tuple[int, float]
) -> None:
    a, b = (Moored(np.array([r]), share * DELTA.graph.metres[[r]], np.zeros(1)) for r, share in (one, other))
    down, up = DELTA.downstream(a, b)[0], DELTA.upstream(b, a)[0]
    assert down == pytest.approx(up, abs=1e-6)
    if one[0] == other[0] and one[1] > other[1]:
        assert math.isinf(down)


def test_sites_below_a_spill_are_those_near_the_bank_and_near_enough_along_the_bed() -> None:
    sites = at((6, 0.2), (3, 0.1), (1.2, -0.1), (3, 0.6), (0.5, 0.1))
    number, metres = DELTA.below(at((1, 0)), sites, within_m=4000, bank_m=300)
    assert number.tolist() == [2, 1]
    assert metres.tolist() == pytest.approx([200, 2000], abs=0.01)
    assert DELTA.below(at((1, 0)), sites, within_m=9000, bank_m=300)[0].tolist() == [2, 1, 0]
    assert DELTA.above(at((7, 0)), sites, within_m=9000, bank_m=300)[0].tolist() == [0, 1, 2, 4]


def test_confluences_springs_and_mouths_are_told() -> None:
    def where(nodes: np.ndarray) -> list[tuple[float, float]]:
        return sorted(map(tuple, np.round(DELTA.nodes[nodes], 9).tolist()))

    def expected(*places: tuple[float, float]) -> list[tuple[float, float]]:
        return sorted(map(tuple, np.round(degrees(*places), 9).tolist()))

    assert where(DELTA.graph.confluences()) == expected((2, 0))
    assert where(DELTA.graph.springs()) == expected((0, 0), (0, 2))
    assert where(DELTA.graph.mouths()) == expected((8, 0), (4, -3))


def test_rivers_are_read_from_the_maps_features() -> None:
    line = shapely.LineString(degrees((0, 0), (1, 0)))
    made = RiverLines.of_features([Feature("river", "r", line)], METRES)
    assert made.graph.metres.tolist() == pytest.approx([1000], abs=0.01)
    with pytest.raises(MapError, match="river p: expected a LineString"):
        RiverLines.of_features([Feature("river", "r", line), Feature("river", "p", shapely.Point(113, 22))])
    with pytest.raises(MapError, match="river: expected at least one"):
        RiverLines.of_features([])
    with pytest.raises(ValueError, match="expected at least one line"):
        RiverLines(np.array([], object))
    with pytest.raises(RiverLoop, match="reaches 0, 1 flow in a circle"):
        lines([(0, 0), (1, 0)], [(1, 0), (1, 1), (0, 0)])
