"""One suite for all detectors: what a caller may rely on, whichever of them a scenario names."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.detector import LARGEST, Detector
from models.registry import DETECTORS

ROOM = Path(__file__).resolve().parents[2] / "models"
NO_DETECTORS = {"__init__", "decision", "detector", "registry", "scan"}
REQUIRED: dict[str, dict[str, Any]] = {
    "neighbours": {"neighbours": ((1, 2), (0, 2), (0, 1))},
    "spike": {"neighbours": ((1, 2), (0, 2), (0, 1)), "every_s": 240},
    "clock_skew": {"neighbours": ((1, 2), (0, 2), (0, 1)), "warmup": 24},
    "half_space_trees": {"low": (0.0, 0.0), "high": (20.0, 20.0), "window": 40},
    "combiner": {"weights": (1.0, 2.0, 0.5)},
    "drift": {"warmup": 60},
    "surge": {"bin_s": 1800, "warmup": 5},
    "novelty": {"low": 0.0, "high": 20.0},
}
KEYS, EACH = 4, 150


class Rows(NamedTuple):
    slot: NDArray[np.int32]
    t: NDArray[np.int64]
    value: NDArray[np.float64]

    def at(self, index: Any) -> Rows:
        return Rows(self.slot[index], self.t[index], self.value[index])


def build(name: str) -> Detector:
    return DETECTORS[name](**REQUIRED.get(name, {}))


def rows(model: Detector, seed: int = 1, keys: int = KEYS, each: int = EACH) -> Rows:
    """Noise around a level, minutes apart, keys taking turns at random; one step and one spike in each key."""
    random = np.random.default_rng(seed)
    n = keys * each
    slot = random.permutation(np.repeat(np.arange(keys, dtype=np.int32), each))
    t = 1_700_000_000_000 + np.arange(n) * 60_000 + random.integers(0, 60_000, n)
    shape = (n,) if model.columns == 0 else (n, model.columns)
    value = np.round(random.normal(10.0, 1.0, shape), 1)
    value[int(0.7 * n) :] += 3.0
    value[int(0.9 * n)] += 50.0
    return Rows(slot, t, np.abs(value))


def score(model: Detector, r: Rows, state: NDArray[Any] | None = None, cut: int = 0) -> NDArray[np.float64]:
    state = np.zeros(KEYS, model.state) if state is None else state
    step = cut or max(len(r.slot), 1)
    parts = [model.score(state, *r.at(slice(a, a + step))) for a in range(0, len(r.slot), step)]
    return np.concatenate(parts)


@pytest.fixture(params=sorted(DETECTORS))
def model(request: pytest.FixtureRequest) -> Detector:
    return build(request.param)


def test_every_detector_of_the_room_is_registered() -> None:
    files = {p.stem for p in ROOM.glob("*.py")} - NO_DETECTORS
    assert files == {cls.__module__.removeprefix("models.") for cls in DETECTORS.values()}


def test_the_stream_of_this_suite_is_long_enough_to_be_known(model: Detector) -> None:
    assert np.isfinite(score(model, rows(model))).sum() > 50


def test_the_same_settings_give_the_same_scores(model: Detector) -> None:
    again = replace(model)  # type: ignore[type-var]  # every detector is a dataclass, which the base cannot say
    np.testing.assert_array_equal(score(model, rows(model)), score(again, rows(model)))


@pytest.mark.parametrize("cut", [1, 7, 100])
def test_the_size_of_a_batch_changes_nothing(model: Detector, cut: int) -> None:
    one, other = np.zeros(KEYS, model.state), np.zeros(KEYS, model.state)
    r = rows(model)
    np.testing.assert_array_equal(score(model, r, one), score(model, r, other, cut))
    assert one.tobytes() == other.tobytes()


def test_the_order_of_keys_changes_nothing(model: Detector) -> None:
    r = rows(model)
    by_key = np.argsort(r.slot, kind="stable")
    np.testing.assert_array_equal(score(model, r)[by_key], score(model, r.at(by_key)))


def test_a_key_does_not_hear_of_the_others(model: Detector) -> None:
    r = rows(model)
    own = np.flatnonzero(r.slot == 2)
    np.testing.assert_array_equal(score(model, r)[own], score(model, r.at(own)))


def test_a_snapshot_taken_in_mid_stream_goes_on_as_if_nothing_had_happened(model: Detector) -> None:
    r, half = rows(model), KEYS * EACH // 2
    state = np.zeros(KEYS, model.state)
    first = score(model, r.at(slice(0, half)), state)
    restored = np.frombuffer(state.tobytes(), model.state).copy()
    both = np.concatenate([first, score(model, r.at(slice(half, None)), restored)])
    np.testing.assert_array_equal(both, score(model, r))


def test_the_first_reading_of_a_key_is_unknown(model: Detector) -> None:
    r = rows(model)
    first = [int(np.flatnonzero(r.slot == key)[0]) for key in range(KEYS)]
    assert np.isnan(score(model, r)[first]).all()


def test_what_is_given_is_not_changed(model: Detector) -> None:
    r = rows(model)
    kept = Rows(*(column.copy() for column in r))
    score(model, r)
    for given_column, kept_column in zip(r, kept, strict=True):
        np.testing.assert_array_equal(given_column, kept_column)


def test_no_rows_give_no_scores(model: Detector) -> None:
    nothing = rows(model).at(slice(0, 0))
    assert len(model.score(np.zeros(KEYS, model.state), *nothing)) == 0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e300, -1e300])
def test_a_reading_that_is_none_is_unknown_and_leaves_no_trace(model: Detector, bad: float) -> None:
    r = rows(model, keys=1)
    at = np.sort(np.random.default_rng(3).choice(len(r.slot), 40))
    value = np.insert(r.value, at, bad, axis=0)
    t = np.insert(r.t, at, r.t[at] - 1)
    got = score(model, Rows(np.zeros(len(t), np.int32), t, value))
    is_bad = np.zeros(len(t), bool)
    is_bad[at + np.arange(len(at))] = True
    # Silence is asked by rows without a number: those it does answer.
    assert np.isnan(got[is_bad]).all() or type(model) is DETECTORS["silence"]
    np.testing.assert_array_equal(got[~is_bad], score(model, r))


NASTY = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.0, -0.0, 5.0, 5e-324, 1e-300, 1e300, -1e300, LARGEST, -LARGEST, 1e99, math.nan]),
)
TIMES = st.one_of(st.integers(-(2**63), 2**63 - 1), st.sampled_from([0, 1, 60_000, 1_700_000_000_000]))


@settings(deadline=None, max_examples=40)
@given(data=st.data(), name=st.sampled_from(sorted(DETECTORS)))
def test_nothing_that_can_be_sent_raises_or_warns(data: st.DataObject, name: str) -> None:
    model = build(name)
    width = model.columns or 1
    n = data.draw(st.integers(1, 12))
    drawn = np.array(data.draw(st.lists(NASTY, min_size=n * width, max_size=n * width)))
    times = np.array(data.draw(st.lists(TIMES, min_size=n, max_size=n)), np.int64)
    # Each block of rows comes fifteen times, so that warm-ups end among them.
    value = np.tile(drawn if model.columns == 0 else drawn.reshape(n, width), (15,) if model.columns == 0 else (15, 1))
    got = score(model, Rows(np.zeros(15 * n, np.int32), np.tile(times, 15), value))
    assert not np.isinf(got).any()


@pytest.mark.parametrize("constant", [0.0, 5.0, -1e99])
def test_a_constant_is_never_called_unusual_by_a_score_that_is_not_finite(model: Detector, constant: float) -> None:
    r = rows(model, keys=1)
    got = score(model, Rows(r.slot, r.t, np.full_like(r.value, constant)))
    assert not np.isinf(got).any()


def test_times_that_stand_still_or_run_backwards_do_not_raise(model: Detector) -> None:
    r = rows(model)
    for t in (r.t[::-1].copy(), np.zeros_like(r.t)):
        assert not np.isinf(score(model, Rows(r.slot, t, r.value))).any()


def test_columns_that_do_not_fit_are_refused_with_what_was_expected(model: Detector) -> None:
    r = rows(model)
    state = np.zeros(KEYS, model.state)
    with pytest.raises(ValueError, match="columns: expected"):
        model.score(state, r.slot, r.t[1:], r.value)
    with pytest.raises(ValueError, match="slot: expected 0 to"):
        model.score(state, r.slot + np.int32(1), r.t, r.value)
    with pytest.raises(ValueError, match="state: expected"):
        model.score(np.zeros(KEYS), r.slot, r.t, r.value)


def test_each_detector_says_when_it_does_not_work(model: Detector) -> None:
    assert "not work" in " ".join((type(model).__doc__ or "").split())
