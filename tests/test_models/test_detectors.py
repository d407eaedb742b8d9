"""What each detector is there to see, and what it must not call unusual."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.autoregressive import AutoregressiveResidual
from models.combine import Combiner
from models.cusum import LevelShift
from models.detector import Detector
from models.drift import Drift
from models.ewma import EwmaZScore
from models.flatline import Flatline
from models.halfspace import HalfSpaceTrees
from models.neighbours import NeighbourDisagreement
from models.novelty import PatternNovelty
from models.quantile import QuantileResidual
from models.rate import RateOfChange
from models.robust import RobustEwma
from models.seasonal import SeasonalProfile
from models.silence import Silence
from models.skew import ClockSkew
from models.spike import Spike
from models.surge import CountSurge, deviance_root

F8 = NDArray[np.float64]
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
MONDAY_IN_CHINA = 1_704_038_400_000  # 2024-01-01 00:00 at UTC+8


def run(model: Detector, value: Any, t: Any = None, state: NDArray[Any] | None = None) -> F8:
    """Scores of one key; times default to one a minute."""
    values = np.asarray(value, np.float64)
    times = np.arange(len(values)) * MINUTE if t is None else np.asarray(t)
    table = np.zeros(1, model.state) if state is None else state
    return model.score(table, np.zeros(len(values), np.int32), times.astype(np.int64), values)


def noise(n: int, seed: int = 1) -> F8:
    return np.random.default_rng(seed).normal(0.0, 1.0, n)


def test_a_burst_of_wild_readings_blinds_the_plain_average_and_not_the_robust_one() -> None:
    value = np.concatenate([noise(300), np.tile([40.0, -40.0], 10), noise(30, 2), [8.0]])
    assert abs(run(EwmaZScore(0.02), value)[-1]) < 2
    assert run(RobustEwma(0.02), value)[-1] > 4


def test_the_robust_score_of_normal_noise_is_about_one_standard_deviation() -> None:
    got = run(RobustEwma(0.01, 200), noise(20_000))
    assert np.nanstd(got) == pytest.approx(1.0, abs=0.1)


def test_readings_within_the_band_of_quantiles_score_zero_and_beyond_it_in_widths() -> None:
    value = np.random.default_rng(4).exponential(1.0, 5000)
    model = QuantileResidual(0.05, 0.95)
    got = run(model, value)[1000:]
    assert np.mean(got == 0.0) == pytest.approx(0.9, abs=0.04)
    state = np.zeros(1, model.state)
    run(model, value, state=state)
    low, high = float(state["low"][0]), float(state["high"][0])
    after = run(model, [high + 2 * (high - low)], state=state)
    assert after[0] == pytest.approx(2.0)


def test_a_shift_too_small_for_any_single_reading_adds_up() -> None:
    value = noise(400)
    value[200:] += 1.2
    got = run(LevelShift(warmup=100), value)
    assert np.nanmax(np.abs(got[:200])) < 8
    assert np.nanmax(got[200:260]) > 8


def test_a_spike_is_no_shift() -> None:
    value = noise(300)
    value[250] = 1000.0
    assert np.nanmax(np.abs(run(LevelShift(warmup=100), value)[250:])) < 8


def test_a_new_level_is_learned_after_it_was_told() -> None:
    value = noise(2000)
    value[300:] += 5.0
    got = run(LevelShift(warmup=100), value)
    assert np.nanmax(got) > 8
    assert np.nanmedian(np.abs(got[1000:])) < 4


def test_a_water_level_that_rises_thirty_centimetres_an_hour_says_so() -> None:
    t = np.arange(0, 2 * HOUR, MINUTE)
    level = 2.0 + 0.3 * t / HOUR
    got = run(RateOfChange(600), level, t)
    assert np.isnan(got[:10]).all()
    np.testing.assert_allclose(got[10:] * 3600, 0.3, rtol=1e-9)


def test_a_second_reading_of_the_same_time_has_no_rate_and_is_not_learned() -> None:
    got = run(RateOfChange(60), [1.0, 2.0, 900.0, 3.0], [0, MINUTE, MINUTE, 2 * MINUTE])
    np.testing.assert_allclose(got[[1, 3]] * 60, 1.0)
    assert np.isnan(got[2])


def test_a_usual_value_at_an_unusual_hour_is_seen() -> None:
    hours = np.arange(24 * 40)
    value = np.where((hours % 24 >= 8) & (hours % 24 < 20), 100.0, 10.0) + noise(len(hours))
    value[24 * 39 + 3] = 100.0
    got = run(SeasonalProfile(), value, MONDAY_IN_CHINA + hours * HOUR)
    assert got[24 * 39 + 3] > 20
    assert np.nanmax(np.abs(np.delete(got, 24 * 39 + 3))) < 12


def test_hours_of_the_week_begin_on_monday_in_local_time() -> None:
    model = SeasonalProfile("week", 28_800)
    state = np.zeros(1, model.state)
    run(model, [1.0, 2.0], [MONDAY_IN_CHINA, MONDAY_IN_CHINA - 1], state)
    assert state["cell"][0, 0].tolist() == [1.0, 0.0, 1.0]
    assert state["cell"][0, 167, 0] == 2.0


def test_a_break_within_the_usual_range_of_a_swinging_course_is_seen() -> None:
    value = 10 * np.sin(np.arange(2000) * 0.2) + 0.1 * noise(2000)
    value[1500] += 3.0
    assert np.nanmax(np.abs(run(EwmaZScore(), value)[1490:1505])) < 3
    got = np.abs(run(AutoregressiveResidual(), value))
    assert np.argmax(got[500:1600]) + 500 == 1500


def test_what_all_neighbours_see_cancels_out_and_what_one_sees_stays() -> None:
    model = NeighbourDisagreement(((1, 2, 3), (0, 2, 3), (0, 1, 3), (0, 1, 2)))
    common = 20 * np.sin(np.arange(300) * 0.1)
    value = common[:, None] + np.array([0.0, 3.0, -2.0, 1.0]) + 0.3 * noise(1200).reshape(300, 4)
    value[250:] += 30.0
    value[280, 2] += 6.0
    got = model.score(np.zeros(1, model.state), np.zeros(300, np.int32), np.arange(300), value)
    assert np.nanmax(np.abs(got[100:280])) < 8
    assert got[280, 2] > 8
    assert np.abs(got[280, [0, 1, 3]]).max() < 8


def test_an_asset_without_enough_neighbours_is_unknown() -> None:
    model = NeighbourDisagreement(((1, 2), (0, 2), (0, 1)), warmup=2)
    value = noise(60).reshape(20, 3)
    value[:, 2] = np.nan
    assert np.isnan(model.score(np.zeros(1, model.state), np.zeros(20, np.int32), np.arange(20), value)).all()


def test_a_stuck_sensor_scores_more_the_longer_it_rests() -> None:
    value = np.concatenate([np.round(noise(300), 1), np.full(30, 0.7)])
    got = run(Flatline(), value)
    assert np.nanmax(got[:300]) <= 2
    assert got[-1] > 5
    assert (np.diff(got[-25:]) > 0).all()


def test_long_rest_at_the_detection_limit_is_usual_there_and_not_at_another_value() -> None:
    wave = np.tile(np.concatenate([np.full(40, 2.0), [7.0, 31.0, 12.0, 26.0, 9.0, 31.0, 8.0]]), 60)
    value = np.concatenate([wave, np.full(20, 31.0)])
    got = run(Flatline(), value)
    assert np.nanmax(got[1500:-20]) < 1.5
    assert got[-1] > 5


def test_one_rest_of_a_stuck_sensor_does_not_make_such_rest_usual() -> None:
    value = np.concatenate([np.round(noise(300), 1), np.full(60, 5.0), np.round(noise(50, 2), 1), np.full(30, 5.0)])
    assert run(Flatline(), value)[-1] > 5


def group(model: Detector, value: F8) -> F8:
    """Scores of one group of assets, (n, assets), a row an hour."""
    n = len(value)
    return model.score(np.zeros(1, model.state), np.zeros(n, np.int32), np.arange(n) * HOUR, value)


THREE = ((1, 2), (0, 2), (0, 1))
FIVE = tuple(tuple(b for b in range(5) if b != a) for a in range(5))


def test_a_spike_is_told_by_the_reading_that_comes_back() -> None:
    value = noise(400)
    value[300] += 30.0
    got = group(Spike(), value[:, None])[:, 0]
    assert got[300] == 0.0
    assert got[301] > 8
    assert np.nanmax(np.abs(np.delete(got, 301))) < 6


def test_neither_a_step_nor_a_slow_return_is_a_spike() -> None:
    step = noise(400)
    step[300:] += 30.0
    slow = noise(400)
    slow[300:310] += np.linspace(30.0, 3.0, 10)
    for value in (step, slow):
        assert np.nanmax(np.abs(group(Spike(), value[:, None])[290:320])) < 6


def test_what_the_neighbours_see_too_is_no_spike() -> None:
    value = noise(1200).reshape(400, 3)
    value[200] += 30.0
    value[300, 1] -= 30.0
    got = group(Spike(THREE), value)
    assert np.abs(got[195:210]).max() < 6
    assert got[301, 1] < -8
    assert np.abs(got[301, [0, 2]]).max() < 6


def test_a_reading_far_from_others_across_a_gap_is_no_spike_where_the_distance_is_registered() -> None:
    value = noise(400)
    value[300] += 30.0
    value[301:310] = np.nan
    assert group(Spike(), value[:, None])[310, 0] > 8
    assert np.nanmax(np.abs(group(Spike(every_s=3600.0), value[:, None]))) < 6


def test_a_clock_five_hours_off_is_told_with_its_direction_and_the_others_are_not() -> None:
    course = np.convolve(noise(2000), np.ones(6) / 6, "same")
    value = course[:, None] + 0.1 * noise(10_000, 2).reshape(2000, 5)
    late, early = value.copy(), value.copy()
    late[1200:1500, 1] = value[1195:1495, 1]
    early[1200:1500, 1] = value[1205:1505, 1]
    for shown, sign in ((late, 1), (early, -1)):
        got = group(ClockSkew(FIVE, quick=0.03, slow=0.001), shown)
        assert (sign * got[1300:1500, 1]).min() > 0.4
        assert np.nanmax(np.abs(got[:, [0, 2, 3, 4]])) < 0.35
        assert np.nanmax(np.abs(got[:1200, 1])) < 0.35


def test_a_place_that_is_always_three_hours_behind_is_not_called_skewed() -> None:
    course = np.convolve(noise(2000), np.ones(6) / 6, "same")
    value = course[:, None] + 0.1 * noise(6000, 2).reshape(2000, 3)
    value[3:, 1] = value[:-3, 1].copy()
    assert np.nanmax(np.abs(group(ClockSkew(THREE, quick=0.03, slow=0.001), value)[600:, 1])) < 0.35


def test_no_rain_is_not_a_stuck_gauge() -> None:
    value = np.concatenate([np.tile([0.2, 0.4, 0.0, 0.6], 50), np.zeros(200)])
    assert np.nanmax(run(Flatline(resting=0.0), value)[200:]) == 0.0


def test_a_creep_of_a_hundredth_of_the_noise_a_reading_is_found_and_plain_noise_is_not() -> None:
    value = noise(5000)
    assert np.nanmax(np.abs(run(Drift(), value))) < 5
    value[3000:] += 0.01 * np.arange(2000)
    assert np.nanmax(run(Drift(), value)[3000:3700]) > 6


def test_a_few_wild_readings_of_a_limited_residual_are_no_drift() -> None:
    value = noise(3000)
    value[2500:2505] += 60.0
    assert np.nanmax(run(Drift(), value)) > 8
    assert np.nanmax(np.abs(run(Drift(limit=2.0), value))) < 8


def test_silence_is_told_in_missed_readings_and_an_outage_of_the_inputs_is_none() -> None:
    state = np.zeros(1, Silence().state)
    run(Silence(), np.ones(20), np.arange(20) * MINUTE, state)
    asked = run(Silence(), [np.nan, np.nan], [20 * MINUTE, 29 * MINUTE], state)
    np.testing.assert_allclose(asked, [1.0, 10.0])


def test_with_a_registered_distance_the_second_reading_is_already_judged() -> None:
    assert run(Silence(every_s=60), [1.0, 1.0], [0, 3 * MINUTE])[1] == 3.0


def test_a_surge_is_seen_before_its_hour_is_over() -> None:
    random = np.random.default_rng(7)
    counts = random.poisson(4, 200)
    t = np.concatenate([np.sort(random.integers(k * HOUR, (k + 1) * HOUR, c)) for k, c in enumerate(counts)])
    surge = 200 * HOUR + np.arange(25) * MINUTE
    got = run(CountSurge(), np.ones(len(t) + 25), np.concatenate([t, surge]))
    assert np.nanmax(got[: len(t)]) < 4.5
    assert got[-1] > 5
    assert np.flatnonzero(got[len(t) :] > 4)[0] < 20


def test_a_cell_of_bursts_needs_a_larger_count_than_a_regular_one() -> None:
    assert deviance_root(12.0, 4.0, 16.0) < deviance_root(12.0, 4.0, 4.0)
    # Poisson by hand: sqrt(2 (12 ln 3 - 8)).
    assert deviance_root(12.0, 4.0, 4.0) == pytest.approx(np.sqrt(2 * (12 * np.log(3) - 8)))


def test_a_combination_of_usual_values_that_never_came_together_is_rare() -> None:
    random = np.random.default_rng(5)
    x = random.uniform(0, 1, 1500)
    value = np.column_stack([x, np.clip(x + random.normal(0, 0.03, 1500), 0, 1)])
    model = HalfSpaceTrees((0.0, 0.0), (1.0, 1.0))
    state = np.zeros(1, model.state)
    slot, t = np.zeros(1500, np.int32), np.arange(1500)
    usual = model.score(state, slot, t, value)
    odd = model.score(state, slot[:1], t[:1], np.array([[0.15, 0.85]]))
    assert odd[0] > np.nanquantile(usual, 0.995)


def test_a_novel_pattern_is_told_once_and_a_known_one_not_at_all() -> None:
    value = 50 + 20 * np.sin(np.arange(3000) * 0.05) + 0.3 * noise(3000)
    value[2000:2030] = 95.0
    got = run(PatternNovelty(0.0, 100.0), value)
    assert np.nanmax(got[1000:2000]) < 2
    assert got[2000] > 3
    assert (got[2001:2030] == 0).all()


def test_without_a_range_a_pattern_is_judged_by_the_one_seen_so_far() -> None:
    value = 50 + 20 * np.sin(np.arange(3000) * 0.05) + 0.3 * noise(3000)
    value[2000:2030] = 95.0
    got = run(PatternNovelty(), value)
    assert np.nanmax(got[1000:2000]) < 2
    assert got[2000] > 3


def test_a_fitted_combiner_gives_probabilities_that_hold_on_later_rows() -> None:
    random = np.random.default_rng(9)
    n = 40_000
    truth = random.uniform(size=n) < 0.02
    scores = random.normal(size=(n, 3))
    scores[truth, 0] += 3.0
    scores[truth, 1] *= 3.0
    slot, t = np.zeros(n, np.int32), np.arange(n)
    model = Combiner((1.0, 1.0, 1.0)).fitted(slot[: n // 2], scores[: n // 2], truth[: n // 2])
    got = model.score(np.zeros(1, model.state), slot, t, scores)[n // 2 :]
    later = truth[n // 2 :]
    for low, high in [(0.0, 0.05), (0.05, 0.5), (0.5, 1.0)]:
        inside = (got >= low) & (got < high)
        assert later[inside].mean() == pytest.approx(got[inside].mean(), abs=0.08)
    assert got[later].mean() > 10 * got[~later].mean()


def test_a_combiner_cannot_be_fitted_to_labels_of_one_kind() -> None:
    with pytest.raises(ValueError, match="both kinds"):
        Combiner((1.0,)).fitted(np.zeros(200, np.int32), noise(200)[:, None], np.zeros(200, bool))


@pytest.mark.parametrize(
    ("cls", "wrong", "says"),
    [
        (RobustEwma, {"clip": 0.5}, "clip: expected"),
        (QuantileResidual, {"low": 0.9, "high": 0.1}, "low, high: expected"),
        (LevelShift, {"cut": 0.1}, "cut: expected"),
        (RateOfChange, {"span_s": 0.0}, "span_s: expected"),
        (SeasonalProfile, {"period": "month"}, 'expected "day" or "week"'),
        (SeasonalProfile, {"offset_s": 90_000}, "offset_s: expected"),
        (AutoregressiveResidual, {"order": 0}, "order: expected"),
        (AutoregressiveResidual, {"step": 2.0}, "step: expected"),
        (NeighbourDisagreement, {"neighbours": ((0,),)}, r"neighbours\[0\]: expected others"),
        (Flatline, {"tolerance": float("inf")}, "tolerance: expected"),
        (Drift, {"limit": 0.0}, "limit: expected"),
        (Drift, {"fast": 0.001}, "expected 0 < slow < fast"),
        (Spike, {"slow": 0.5}, "slow, quick: expected"),
        (Spike, {"every_s": 0.0}, "every_s: expected"),
        (ClockSkew, {"neighbours": ((1,), (0,)), "reach": 1}, "reach: expected"),
        (ClockSkew, {"neighbours": ((1,), (2,))}, r"neighbours\[1\]: expected others"),
        (Silence, {"every_s": -1.0}, "every_s: expected"),
        (CountSurge, {"bin_s": 0.0}, "bin_s: expected"),
        (HalfSpaceTrees, {"low": (1.0,), "high": (1.0,)}, "expected low < high in column 0"),
        (PatternNovelty, {"low": 1.0}, "expected both or neither"),
        (PatternNovelty, {"means": (2.0,)}, "means: expected"),
        (Combiner, {"weights": (-1.0,)}, r"weights\[0\]: expected"),
    ],
)
def test_settings_without_meaning_are_refused_by_name(cls: type[Detector], wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        cls(**wrong)
