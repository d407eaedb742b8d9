"""Rectification: the inverse comes back to where the public formulas started; what is outside stays."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.coords import public_bd09, public_gcj02
from geo import coords

LON, LAT = st.floats(72.05, 137.8), st.floats(0.85, 55.8)


def points(n: int = 5000) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(1)
    return draw.uniform(113.0, 114.4, n), draw.uniform(21.8, 22.5, n)


def metres(lon: np.ndarray, lat: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
    return float(np.hypot((x - lon) * 111_320 * np.cos(np.radians(lat)), (y - lat) * 111_320).max())


def one(crs: int, lon: float, lat: float) -> tuple[float, float]:
    x, y = coords.to_wgs84(np.array([lon]), np.array([lat]), np.array([crs], np.int8))
    return float(x[0]), float(y[0])


@settings(deadline=None)
@given(LON, LAT)
def test_the_forward_formulas_are_the_public_ones(lon: float, lat: float) -> None:
    gcj = coords.wgs84_to_gcj02(np.array([lon]), np.array([lat]))
    assert np.ravel(gcj) == pytest.approx(public_gcj02(lon, lat), abs=1e-12)
    bd = coords.gcj02_to_bd09(*gcj)
    assert np.ravel(bd) == pytest.approx(public_bd09(*map(float, np.ravel(gcj))), abs=1e-12)


@settings(deadline=None)
@given(LON, LAT)
def test_gcj02_comes_back_within_a_millimetre_anywhere_in_china(lon: float, lat: float) -> None:
    back = one(coords.GCJ02, *public_gcj02(lon, lat))
    assert math.dist(back, (lon, lat)) < 1e-8


@settings(deadline=None)
@given(LON, LAT)
def test_bd09_comes_back_within_a_centimetre_anywhere_in_china(lon: float, lat: float) -> None:
    back = one(coords.BD09, *public_bd09(*public_gcj02(lon, lat)))
    assert math.dist(back, (lon, lat)) < 8e-8


def test_an_unrectified_point_of_the_city_is_half_a_kilometre_off_or_more() -> None:
    lon, lat = points()
    gcj = coords.wgs84_to_gcj02(lon, lat)
    assert 550 < metres(lon, lat, *gcj) < 650
    assert 1200 < metres(lon, lat, *coords.gcj02_to_bd09(*gcj)) < 1310


def test_a_batch_and_its_points_one_by_one_are_the_same_bits() -> None:
    lon, lat = points(1003)
    x, y = coords.gcj02_to_wgs84(lon, lat)
    for k in range(0, 1003, 17):
        assert one(coords.GCJ02, lon[k], lat[k]) == (x[k], y[k])


def test_cgcs2000_and_wgs84_stay_where_they_are_beside_others() -> None:
    lon, lat = points(4)
    x, y = coords.to_wgs84(lon, lat, np.array([0, 1, 3, -1], np.int8))
    assert (x != lon).tolist() == [False, True, False, False]
    assert (y != lat).tolist() == [False, True, False, False]


@pytest.mark.parametrize("crs", [coords.GCJ02, coords.BD09])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_missing_position_stays_missing_and_hurts_no_neighbour(crs: int, value: float) -> None:
    lon, lat = points(3)
    whole = coords.to_wgs84(lon, lat, np.full(3, crs, np.int8))
    lon[1] = value
    x, y = coords.to_wgs84(lon, lat, np.full(3, crs, np.int8))
    assert not np.isfinite(x[1])
    assert [x[0], y[0], x[2], y[2]] == [whole[0][0], whole[1][0], whole[0][2], whole[1][2]]


@settings(deadline=None)
@given(st.floats(-180, 72), st.floats(-90, 90))
def test_points_outside_the_box_around_china_are_left_alone(lon: float, lat: float) -> None:
    assert one(coords.GCJ02, lon, lat) == (lon, lat)
    x, y = coords.wgs84_to_gcj02(np.array([lon]), np.array([lat]))
    assert (x[0], y[0]) == (lon, lat)


def test_a_system_is_known_by_its_names_and_no_other_is_guessed() -> None:
    assert [coords.crs_code(n) for n in ("WGS84", "gcj-02", "BD09", "EPSG:4490", " cgcs2000 ")] == [0, 1, 2, 3, 3]
    with pytest.raises(coords.UnknownCrs, match=r"expected one of wgs84, .* got 'mars'"):
        coords.crs_code("mars")
