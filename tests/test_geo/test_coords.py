"""Rectification: the inverse comes back to where the forward formula started."""

import numpy as np

from geo import coords


def points(n: int = 5000) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(1)
    return draw.uniform(113.0, 114.4, n), draw.uniform(21.8, 22.5, n)


def metres(lon: np.ndarray, lat: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
    return float(np.hypot((x - lon) * 103_000, (y - lat) * 111_000).max())


def test_gcj02_comes_back_within_a_millimetre() -> None:
    lon, lat = points()
    there = coords.wgs84_to_gcj02(lon, lat)
    assert 400 < metres(lon, lat, *there) < 800
    assert metres(lon, lat, *coords.to_wgs84(*there, np.full(len(lon), coords.GCJ02, np.int8))) < 1e-3


def test_bd09_comes_back_within_a_centimetre() -> None:
    lon, lat = points()
    there = coords.gcj02_to_bd09(*coords.wgs84_to_gcj02(lon, lat))
    assert 1000 < metres(lon, lat, *there) < 1500
    assert metres(lon, lat, *coords.to_wgs84(*there, np.full(len(lon), coords.BD09, np.int8))) < 1e-2


def test_cgcs2000_and_wgs84_stay_where_they_are_beside_others() -> None:
    lon, lat = points(4)
    x, y = coords.to_wgs84(lon, lat, np.array([0, 1, 3, -1], np.int8))
    assert (x != lon).tolist() == [False, True, False, False]
    assert (y != lat).tolist() == [False, True, False, False]


def test_a_missing_position_stays_missing() -> None:
    x, y = coords.to_wgs84(np.array([np.nan]), np.array([np.nan]), np.array([1], np.int8))
    assert np.isnan(x).all()
    assert np.isnan(y).all()


def test_points_far_from_china_are_left_alone() -> None:
    x, _ = coords.wgs84_to_gcj02(np.array([-73.9]), np.array([40.7]))
    assert x.tolist() == [-73.9]
