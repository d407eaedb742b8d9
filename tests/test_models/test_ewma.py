"""The EWMA detector against its formula in plain Python."""

import math

import numpy as np
import pytest

from models.ewma import EwmaZScore


def plain(values: list[float], alpha: float, warmup: int) -> list[float]:
    mean, var, out = 0.0, 0.0, []
    for n, v in enumerate(values):
        if n == 0:
            mean = v
            out.append(math.nan)
            continue
        d = v - mean
        out.append(d / math.sqrt(var) if n >= warmup and var > 0 else math.nan)
        mean += alpha * d
        var = (1 - alpha) * (var + alpha * d * d)
    return out


def test_scores_are_those_of_the_formula() -> None:
    values = np.random.default_rng(2).normal(5, 2, 500)
    model = EwmaZScore(0.1, 30)
    got = model.score(np.zeros(1, model.state), np.zeros(500, np.int32), np.arange(500), values)
    np.testing.assert_array_equal(got, plain(values.tolist(), 0.1, 30))


def test_a_reading_is_scored_before_it_is_learned() -> None:
    model = EwmaZScore(0.05, 20)
    values = np.array([0.0, 1.0] * 20 + [100.0])
    assert model.score(np.zeros(1, model.state), np.zeros(41, np.int32), np.arange(41), values)[-1] > 100


def test_a_constant_series_stays_unknown() -> None:
    model = EwmaZScore()
    assert np.isnan(
        model.score(np.zeros(1, model.state), np.zeros(100, np.int32), np.arange(100), np.full(100, 7.0))
    ).all()


@pytest.mark.parametrize(("alpha", "warmup"), [(0.0, 20), (1.5, 20), (0.1, 0)])
def test_settings_without_meaning_are_refused(alpha: float, warmup: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        EwmaZScore(alpha, warmup)
