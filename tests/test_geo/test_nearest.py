"""Sites and rivers against walking through all of them."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.metres import Metres
from geo.nearest import Sites
from geo.rivers import RiverLoop, Rivers

METRES = Metres(4547)
PLACE = st.tuples(st.integers(0, 8), st.integers(0, 8)).map(lambda p: (113.4 + p[0] * 0.01, 22.1 + p[1] * 0.01))


def columns(places: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    at = np.array(places, float).reshape(-1, 2)
    return at[:, 0].copy(), at[:, 1].copy()


@settings(deadline=None)
@given(st.lists(st.tuples(PLACE, st.sampled_from("ab")), min_size=1, max_size=25), PLACE, st.integers(1, 6),
       st.floats(0, 6000))  # fmt: skip
def test_sites_around_are_those_that_a_walk_through_all_finds(
    sites: list[tuple[tuple[float, float], str]], place: tuple[float, float], k: int, radius: float
) -> None:
    made = Sites(*columns([p for p, _ in sites]), [t for _, t in sites], metres=METRES)
    x, y = METRES.of(*columns([p for p, _ in sites]))
    u, v = METRES.of(*columns([place]))
    away = np.hypot(x - u, y - v)
    for kind in made.types:
        mine = [(away[n], n) for n, (_, t) in enumerate(sites) if t == kind]
        found, metres = made.nearest(kind, *columns([place]), k)
        want = sorted(mine)[:k]
        assert found[0].tolist() == [n for _, n in want] + [-1] * (k - len(want))
        assert metres[0].tolist() == pytest.approx([m for m, _ in want] + [math.inf] * (k - len(want)))
        near = made.within(kind, *columns([place]), radius)[0].tolist()
        assert {n for m, n in mine if m < radius - 1e-6} <= set(near) <= {n for m, n in mine if m <= radius + 1e-6}


def test_a_polygon_holds_the_sites_on_its_border_and_their_people() -> None:
    made = Sites(*columns([(113.0, 22.0), (113.1, 22.0), (113.3, 22.0)]), ["a", "b", "a"], np.array([5.0, 7.0, 11.0]))
    held = made.inside(shapely.box(113.0, 21.9, 113.2, 22.1))
    assert held.sites.tolist() == [0, 1]
    assert held.people == 12.0


def test_a_missing_position_has_nothing_near() -> None:
    made = Sites(*columns([(113.0, 22.0)]), ["a"])
    found, metres = made.nearest("a", np.array([np.nan]), np.array([22.0]), 2)
    assert found.tolist() == [[-1, -1]]
    assert np.isinf(metres).all()
    assert made.within("a", np.array([np.nan]), np.array([22.0]), 1e9)[0].tolist() == []


@pytest.mark.parametrize(
    ("places", "types", "says"),
    [
        ([], [], "one length above 0"),
        ([(113.0, 22.0)], [], "one length"),
        ([(math.nan, 22.0)], ["a"], "site 0: expected"),
    ],
)
def test_sites_that_cannot_be_are_refused(places: list[tuple[float, float]], types: list[str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Sites(*columns(places), types)


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
