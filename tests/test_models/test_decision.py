"""Threshold, duration, hysteresis, ladder: each as a short story of values."""

import math

import numpy as np
import pytest

from models.decision import DECISION_STATE, Decision, decide

NAN = math.nan
LETTERS = "..RUC"


def story(decision: Decision, values: list[float], t: list[int] | None = None) -> str:
    rules, rungs = decision.compile()
    out = np.zeros(len(values), np.int64)
    times = np.array(t if t is not None else range(1, len(values) + 1), np.int64)
    decide(rules, rungs, np.zeros(1, DECISION_STATE), np.array(values), times, out)
    return "".join(LETTERS[k] for k in out)


def test_the_third_reading_in_a_row_raises_and_the_first_below_the_bound_clears() -> None:
    assert story(Decision("above", 10, readings=3, clear=8), [11, 11, 9, 11, 12, 13, 9, 8, 7.9, 11]) == ".....R..C."


def test_without_a_bound_it_clears_as_soon_as_the_condition_does_not_hold() -> None:
    assert story(Decision("above", 10), [11, 10]) == "RC"


def test_below_is_the_mirror_of_above() -> None:
    assert story(Decision("below", 3, readings=2, clear=5), [2, 2.9, 4, 5, 5.1]) == ".R..C"


def test_a_deviation_counts_on_both_sides() -> None:
    assert story(Decision("deviation", 4, clear=2), [-4, -3, 2.5, 1.9, 4]) == "R..CR"


def test_an_unknown_value_neither_raises_nor_clears_and_interrupts_a_duration() -> None:
    assert story(Decision("above", 10, readings=2, clear=8), [11, NAN, 11, 11, NAN, 7]) == "...R.C"


def test_duration_in_seconds_is_that_of_the_readings() -> None:
    assert story(Decision("above", 10, seconds=60), [11, 11, 11], [1000, 60_999, 61_000]) == "..R"


def test_the_level_rises_along_the_ladder_and_does_not_fall() -> None:
    ladder = [(20.0, 2), (30.0, 4)]
    assert story(Decision("above", 10, clear=8, ladder=ladder), [11, 21, 15, 22, 31, 7]) == "RU..UC"


def test_quiet_conditions_are_not_cleared_by_values() -> None:
    assert story(Decision("above", 10, quiet_s=5), [11, 1, 1]) == "R.."


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"at": 10, "clear": 12}, "safe side"),
        ({"at": 10, "readings": 0}, "at least 1"),
        ({"at": 10, "ladder": [(9, 2)]}, "worse and higher"),
        ({"at": 10, "ladder": [(12, 1)]}, "worse and higher"),
        ({"at": 10, "ladder": [(12, 5)]}, "worse and higher"),
    ],
)
def test_bounds_that_contradict_are_refused(settings: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Decision("above", **settings)  # type: ignore[arg-type]  # wrong on purpose
