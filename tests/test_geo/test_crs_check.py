"""Assets with the wrong coordinate system are found, and right ones are left in peace."""

import numpy as np
import pytest
import shapely

from geo import coords
from geo.city_map import CityMap, Feature
from geo.crs_check import EVIDENCE, UNDECIDED, Roads, observe, observe_fixed, verdicts
from geo.metres import Metres

METRES = Metres(4547)
X0, Y0 = 450_000.0, 2_450_000.0


def streets() -> Roads:
    """A mesh of 300 m, crooked so that no shift lays it on itself."""
    draw = np.random.default_rng(5)
    at = np.arange(0, 9_000, 300.0)
    corner = np.stack(np.meshgrid(at, at, indexing="ij"), axis=-1) + draw.normal(0, 40, (30, 30, 2)) + (X0, Y0)
    lines = [*corner, *corner.transpose(1, 0, 2)]
    return Roads(np.array([shapely.linestrings(np.column_stack(METRES.degrees(*line.T))) for line in lines]), METRES)


def drive(n: int, step: float = 170.0) -> tuple[np.ndarray, np.ndarray]:
    """Along one street and back, in WGS 84."""
    street = streets()._tree.geometries[14]
    away = np.abs((np.arange(n) * step) % (2 * street.length) - street.length)
    at = shapely.get_coordinates(shapely.line_interpolate_point(street, away))
    at += np.random.default_rng(6).normal(0, 5, at.shape)
    return METRES.degrees(at[:, 0], at[:, 1])


SENT = {
    coords.WGS84: lambda x, y: (x, y),
    coords.GCJ02: coords.wgs84_to_gcj02,
    coords.BD09: lambda x, y: coords.gcj02_to_bd09(*coords.wgs84_to_gcj02(x, y)),
}


@pytest.mark.parametrize("stated", [coords.WGS84, coords.GCJ02, coords.BD09, coords.CGCS2000])
@pytest.mark.parametrize("true", SENT)
def test_a_vehicle_is_found_out_after_a_hundred_readings_and_only_if_it_is_wrong(true: int, stated: int) -> None:
    evidence = np.zeros(1, EVIDENCE)
    observe(evidence, streets(), np.zeros(100, np.int64), *SENT[true](*drive(100)))
    verdict = verdicts(evidence, np.array([stated], np.int8))
    assert verdict.fits.tolist() == [true]
    assert verdict.wrong.tolist() == [true != (coords.WGS84 if stated == coords.CGCS2000 else stated)]


def test_a_parked_vehicle_is_no_evidence_however_often_it_speaks() -> None:
    evidence = np.zeros(1, EVIDENCE)
    lon, lat = drive(1)
    for _ in range(3):
        observe(evidence, streets(), np.zeros(500, np.int64), np.repeat(lon, 500), np.repeat(lat, 500))
    assert evidence["n"].tolist() == [1]
    assert verdicts(evidence, np.array([coords.BD09], np.int8)).fits.tolist() == [UNDECIDED]


def test_evidence_does_not_depend_on_where_batches_end() -> None:
    lon, lat = drive(60)
    whole, parts, asset = np.zeros(2, EVIDENCE), np.zeros(2, EVIDENCE), np.arange(60) % 2
    observe(whole, streets(), asset, lon, lat)
    for k in range(0, 60, 7):
        observe(parts, streets(), asset[k : k + 7], lon[k : k + 7], lat[k : k + 7])
    assert whole.tobytes() == parts.tobytes()


def test_a_missing_position_is_passed_over() -> None:
    evidence = np.zeros(1, EVIDENCE)
    observe(evidence, streets(), np.zeros(3, np.int64), np.full(3, np.nan), np.full(3, 22.2))
    assert evidence["n"].tolist() == [0]
    assert not verdicts(evidence, np.array([coords.GCJ02], np.int8)).wrong.any()


def blocks() -> tuple[CityMap, np.ndarray, np.ndarray]:
    """Grids of 400 m, and their middles."""
    grids = [
        Feature("grid", f"g{i:02d}{j:02d}", shapely.box(113.4 + i * 0.004, 22.2 + j * 0.004, 113.404 + i * 0.004,
                                                        22.204 + j * 0.004)) for i in range(20) for j in range(20)
    ]  # fmt: skip
    middle = shapely.get_coordinates(shapely.centroid([g.shape for g in grids]))
    return CityMap(grids), np.ascontiguousarray(middle[:, 0]), np.ascontiguousarray(middle[:, 1])


@pytest.mark.parametrize("true", SENT)
def test_a_delivery_of_fixed_sensors_is_found_out_by_their_registered_grids(true: int) -> None:
    city, lon, lat = blocks()
    inner = np.array([i * 20 + j for i in range(6, 14) for j in range(6, 14)])
    evidence = np.zeros(1, EVIDENCE)
    grid = city.locate(lon, lat)[inner, 1].astype(np.int64)
    observe_fixed(evidence, city, np.zeros(64, np.int64), grid, *SENT[true](lon[inner], lat[inner]))
    verdict = verdicts(evidence, np.array([coords.WGS84], np.int8))
    assert verdict.fits.tolist() == [true]
    assert verdict.wrong.tolist() == [true != coords.WGS84]


def test_a_sensor_without_a_registered_grid_says_nothing() -> None:
    city, lon, lat = blocks()
    evidence = np.zeros(1, EVIDENCE)
    observe_fixed(evidence, city, np.zeros(400, np.int64), np.full(400, -1), lon, lat)
    assert evidence["n"].tolist() == [0]


def test_a_net_without_roads_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one line"):
        Roads(np.zeros(0, object), METRES)
