"""Sites and people around a place, against walking through all of them."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.metres import Metres
from geo.nearest import Population, Sites

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


GRIDS = np.array([shapely.box(113.0 + k * 0.01, 22.0, 113.01 + k * 0.01, 22.01) for k in range(4)], object)


def test_people_in_a_polygon_are_those_of_each_grids_share_of_area() -> None:
    held = Population(GRIDS, np.array([100.0, 200.0, 400.0, 0.0])).inside(shapely.box(113.005, 21.99, 113.015, 22.005))
    assert held.grids.tolist() == [0, 1]
    assert held.share.tolist() == pytest.approx([0.25, 0.25], abs=1e-4)
    assert held.people == pytest.approx(75, abs=0.1)


@settings(max_examples=20, deadline=None)
@given(st.floats(112.99, 113.05), st.floats(0.001, 0.06))
def test_a_polygon_cut_in_two_holds_as_many_people_as_its_parts(west: float, width: float) -> None:
    made = Population(GRIDS, np.array([100.0, 200.0, 400.0, 50.0]))
    cut = west + width / 3
    whole, left, right = (
        made.inside(shapely.box(a, 21.9, b, 22.1)).people
        for a, b in ((west, west + width), (west, cut), (cut, west + width))
    )
    assert whole == pytest.approx(left + right, abs=1e-6)
    assert whole <= 750 + 1e-6


def test_population_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="one length above 0, got 4 and 1"):
        Population(GRIDS, np.ones(1))
    with pytest.raises(ValueError, match="grid 1: expected people from 0 on, got -1"):
        Population(GRIDS, np.array([0.0, -1.0, 0.0, 0.0]))
    crossed = shapely.Polygon([(113, 22), (113.01, 22.01), (113.01, 22), (113, 22.01)])
    with pytest.raises(ValueError, match="polygon: expected a valid one, got Self-intersection"):
        Population(GRIDS, np.ones(4)).inside(crossed)
