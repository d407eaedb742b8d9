"""Metres of the city's zone against the geodesic."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from geo.metres import Metres, OutsideZones, zone_of


@pytest.mark.parametrize(("lon", "zone"), [(113.5, 4547), (112.6, 4547), (116.4, 4548), (73.6, 4534), (136.4, 4554)])
def test_a_city_has_the_zone_that_holds_its_longitude(lon: float, zone: int) -> None:
    assert zone_of(lon) == zone


@settings(deadline=None)
@given(st.floats(112.5, 115.5), st.floats(18, 53), st.floats(0, 2 * math.pi), st.floats(1e-4, 0.5))
def test_a_distance_in_the_zone_is_right_to_a_twentieth_of_a_per_cent(
    lon: float, lat: float, angle: float, away: float
) -> None:
    u = min(max(lon + away * math.cos(angle), 112.5), 115.5)
    v = lat + away * math.sin(angle)
    true = Geod(ellps="GRS80").inv(lon, lat, u, v)[2]
    x, y = Metres(4547).of(np.array([lon, u]), np.array([lat, v]))
    assert math.hypot(x[1] - x[0], y[1] - y[0]) == pytest.approx(true, rel=5e-4, abs=1e-3)


@settings(deadline=None)
@given(st.floats(112.5, 115.5), st.floats(-80, 80))
def test_metres_lead_back_to_the_same_degrees(lon: float, lat: float) -> None:
    metres = Metres(4547)
    x, y = metres.degrees(*metres.of(np.array([lon]), np.array([lat])))
    assert (float(x[0]), float(y[0])) == pytest.approx((lon, lat), abs=1e-9)


def test_a_missing_position_has_no_metres() -> None:
    x, y = Metres(4547).of(np.array([math.nan, math.inf, 113.5]), np.array([22.0, 22.0, 22.2]))
    assert np.isnan(x).tolist() == [True, True, False]
    assert np.isnan(y).tolist() == [True, True, False]


@pytest.mark.parametrize("lon", [0.0, -113.5, 140.0, math.nan])
def test_a_place_outside_the_zones_is_refused(lon: float) -> None:
    with pytest.raises(OutsideZones, match=r"73\.5 to 136\.5"):
        Metres.around(lon)
    with pytest.raises(OutsideZones, match="expected EPSG:4534"):
        Metres(4326)
