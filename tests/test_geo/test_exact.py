"""The exact test against rational arithmetic."""

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.exact import bands, covers, covers_banded, turn

NEAR = st.integers(-40, 40).map(lambda k: 113.5 + k * 2.0**-46)
ANY = st.floats(-180, 180, allow_subnormal=False).filter(lambda v: v == 0 or abs(v) > 1e-140)
COORDINATE = st.one_of(NEAR, ANY, st.integers(-3, 3).map(float))


@settings(deadline=None)
@given(st.tuples(*[COORDINATE] * 6))
def test_the_side_of_a_line_is_that_of_rational_arithmetic(six: tuple[float, ...]) -> None:
    ax, ay, bx, by, px, py = map(Fraction, six)
    det = (ax - px) * (by - py) - (ay - py) * (bx - px)
    assert turn(*six) == (det > 0) - (det < 0)


def test_a_point_a_hair_off_a_long_line_is_told_from_one_on_it() -> None:
    assert turn(113.0, 22.0, 114.0, 23.0, 113.5, 22.5) == 0
    assert turn(113.0, 22.0, 114.0, 23.0, 113.5, np.nextafter(22.5, 23)) == 1
    assert turn(113.0, 22.0, 114.0, 23.0, 113.5, np.nextafter(22.5, 22)) == -1


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=3, max_size=12), st.data())
def test_bands_change_no_answer(corners: list[tuple[int, int]], data: st.DataObject) -> None:
    ring = np.array([*corners, corners[0]], float)
    if np.ptp(ring[:, 1]) == 0:
        ring[0, 1] += 1
        ring[-1] = ring[0]
    edges = np.hstack((ring[:-1], ring[1:]))
    boxes = np.array([[*ring.min(axis=0), *ring.max(axis=0)]])
    banded, band, first = bands(edges, np.array([0, len(edges)]), boxes)
    x, y = (data.draw(st.integers(-1, 14)) / 2 for _ in range(2))
    assert covers_banded(banded, band, first, boxes, 0, x, y) == covers(edges, 0, len(edges), x, y)
