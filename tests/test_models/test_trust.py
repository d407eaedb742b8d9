"""Trust falls while an asset is broken, says why, comes back, and never hides a life-safety alarm."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.flatline import Flatline
from models.noise import Noise
from models.trust import REASONS, AssetTrust, Reason, Standing, calibration_age, impossible, weigh, why

F8 = NDArray[np.float64]
MINUTE, DAY = 60_000, 86_400_000
NAMES = [reason.name for reason in REASONS]


def evidence(n: int, **columns: float | F8) -> F8:
    """Rows in which all is well but for the named reasons."""
    table = np.zeros((n, len(NAMES)))
    for name, value in columns.items():
        table[:, NAMES.index(name)] = value
    return table


def judged(rows: F8, t: NDArray[np.int64] | None = None) -> tuple[F8, NDArray[np.void]]:
    model = AssetTrust()
    state = np.zeros(1, model.state)
    times = np.arange(len(rows), dtype=np.int64) * MINUTE if t is None else t
    return model.score(state, np.zeros(len(rows), np.int32), times, rows), state


def test_an_asset_without_faults_is_trusted_and_nothing_is_told_against_it() -> None:
    got, state = judged(evidence(100))
    assert (got[1:] == 1.0).all()
    assert why(state[0]).reasons == ()


@pytest.mark.parametrize("reason", REASONS, ids=NAMES)
def test_each_reason_alone_takes_away_its_weight_and_is_named(reason: Reason) -> None:
    times = np.arange(2000, dtype=np.int64) * 10 * MINUTE
    got, state = judged(evidence(2000, **{reason.name: reason.full + 1.0}), times)
    assert got[-1] == pytest.approx(1.0 - reason.weight, abs=0.01)
    assert why(state[0]).reasons == ((reason.name, 1.0),)


def test_a_negative_score_is_as_much_against_an_asset_as_a_positive_one() -> None:
    np.testing.assert_array_equal(judged(evidence(50, drift=-30.0))[0], judged(evidence(50, drift=30.0))[0])


def test_one_bad_row_costs_at_most_half_however_long_the_pause_before_it() -> None:
    rows = np.concatenate([evidence(5), evidence(1, impossible=1.0)])
    got, _ = judged(rows, np.array([0, 1, 2, 3, 4, 30 * DAY], np.int64))
    assert got[-1] == pytest.approx(1.0 - 0.5 * 0.95)


def test_trust_comes_back_when_the_fault_is_over() -> None:
    rows = np.concatenate([evidence(200, flatline=10.0), evidence(4000)])
    got, _ = judged(rows)
    assert got[199] < 0.15
    assert got[199 + 360] == pytest.approx(1.0 - 0.5 * (1.0 - got[199]), abs=0.01)
    assert got[-1] > 0.98
    assert (np.diff(got[200:]) > 0).all()


def test_how_often_evidence_comes_does_not_change_how_fast_trust_returns() -> None:
    bad, later = evidence(200, flatline=10.0), 200 * MINUTE
    start = np.arange(200, dtype=np.int64) * MINUTE
    often = judged(np.concatenate([bad, evidence(600)]), np.concatenate([start, later + np.arange(600) * MINUTE]))[0]
    seldom = judged(np.concatenate([bad, evidence(1)]), np.concatenate([start, [later + 599 * MINUTE]]))[0]
    assert often[-1] == pytest.approx(seldom[-1], rel=1e-9)


def test_the_shares_of_several_reasons_add_up_and_the_greatest_comes_first() -> None:
    got, state = judged(evidence(3000, flatline=10.0, drift=100.0, calibration_age=2.0))
    told = why(state[0])
    assert told.trust == got[-1]
    assert [name for name, _ in told.reasons] == ["flatline", "drift", "calibration_age"]
    assert sum(share for _, share in told.reasons) == pytest.approx(1.0)
    assert str(told).startswith(f"{got[-1]:.2f}: flatline ")


def test_what_is_not_known_is_not_held_against_an_asset() -> None:
    got, state = judged(evidence(100, neighbours=np.nan, drift=np.nan))
    assert got[-1] == 1.0
    assert why(np.zeros(1, AssetTrust().state)[0]).reasons == ()
    assert why(state[0]).trust == 1.0


def test_impossible_readings_are_those_outside_their_range() -> None:
    value = np.array([5.0, -1.0, 11.0, np.nan, np.inf, 5.0])
    low, high = np.array([0.0] * 5 + [np.nan]), np.array([10.0] * 4 + [np.nan] * 2)
    np.testing.assert_array_equal(impossible(value, low, high), [0.0, 1.0, 1.0, np.nan, 1.0, np.nan])


def test_the_age_of_a_calibration_is_told_in_its_intervals() -> None:
    t = np.array([10 * DAY] * 4)
    got = calibration_age(t, np.array([0.0, 20.0 * DAY, np.nan, 0.0]), np.array([432_000.0, 1.0, 1.0, 0.0]))
    np.testing.assert_array_equal(got, [2.0, 0.0, np.nan, np.nan])


def test_the_evidence_of_a_stuck_sensor_lowers_its_trust_and_says_so() -> None:
    random = np.random.default_rng(1)
    value = np.concatenate([np.round(random.normal(5.0, 1.0, 500), 1), np.full(60, 5.3)])
    t, slot = np.arange(len(value)) * MINUTE, np.zeros(len(value), np.int32)
    flat = Flatline()
    score = flat.score(np.zeros(1, flat.state), slot, t, value)
    got, state = judged(evidence(len(value), flatline=score), t)
    assert np.nanmin(got[:500]) > 0.9
    assert got[-1] < 0.2
    assert why(state[0]).reasons[0][0] == "flatline"


def test_four_times_the_usual_scatter_is_two_doublings_and_a_slope_is_none() -> None:
    random = np.random.default_rng(2)
    value = np.concatenate([random.normal(0.0, 1.0, 2000), random.normal(0.0, 4.0, 300)])
    value[500:] += np.arange(len(value) - 500)
    model = Noise()
    got = model.score(np.zeros(1, model.state), np.zeros(len(value), np.int32), np.arange(len(value)), value)
    assert np.nanmax(np.abs(got[:2000])) < 1.0
    assert got[2060:2120].mean() == pytest.approx(2.0, abs=0.3)


UNIT = st.one_of(st.floats(0.0, 1.0), st.just(math.nan))


@settings(deadline=None, max_examples=60)
@given(rows=st.lists(st.tuples(UNIT, UNIT, st.booleans()), max_size=20), floor=st.floats(0.0, 1.0))
def test_no_trust_and_no_floor_holds_a_life_safety_alarm(rows: list[tuple[float, float, bool]], floor: float) -> None:
    confidence, trust = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    life = np.array([r[2] for r in rows], bool)
    lowered, standing = weigh(confidence, trust, life, floor)
    assert not (standing[life] == Standing.HELD).any()
    doubtful = np.isnan(trust) | (trust < floor)
    assert (standing[life & doubtful] == Standing.UNVERIFIED).all()
    assert (standing[~doubtful] == Standing.VERIFIED).all()
    known = ~np.isnan(confidence)
    assert (lowered[known] <= confidence[known]).all()
    assert not np.isnan(lowered[known]).any()


def test_an_ordinary_alarm_of_an_asset_that_cannot_be_believed_is_held_and_a_life_safety_one_unverified() -> None:
    lowered, standing = weigh(np.array([0.8, 0.8]), np.array([0.1, 0.1]), np.array([False, True]))
    np.testing.assert_allclose(lowered, [0.08, 0.08])
    assert standing.tolist() == [Standing.HELD, Standing.UNVERIFIED]


def test_unknown_trust_leaves_the_confidence_and_says_unverified() -> None:
    lowered, standing = weigh(np.array([0.8]), np.array([np.nan]), np.array([False]))
    assert (lowered[0], standing[0]) == (0.8, Standing.UNVERIFIED)


def test_trust_outside_its_range_and_columns_of_different_length_are_refused() -> None:
    one, life = np.array([0.5]), np.array([True])
    with pytest.raises(ValueError, match="trust: expected numbers in"):
        weigh(one, np.array([1.5]), life)
    with pytest.raises(ValueError, match="columns: expected one length"):
        weigh(one, np.array([0.5, 0.5]), life)
    with pytest.raises(ValueError, match="floor: expected"):
        weigh(one, one, life, 2.0)
    with pytest.raises(ValueError, match="expected 0 <= begins < full"):
        Reason("x", 2.0, 1.0, 0.5, 1.0, 1.0)
