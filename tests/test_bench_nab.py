"""NAB's rule by hand on small files, against scores that its corpus ships, and the promise of no look-ahead."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from bench import nab
from bench.nab import corpus
from bench.nab.corpus import HALF_A, HALF_B, Series
from bench.nab.score import OUTSIDE, PROFILES, best_threshold, normalised, raw, sigmoid, truth

STANDARD, LOW_FP, LOW_FN = PROFILES


@pytest.fixture(scope="module")
def series() -> list[Series]:
    return corpus.read(corpus.tree(None))


def times(n: int) -> list[str]:
    return [f"{i:04d}" for i in range(n)]


def fires(n: int, *at: int) -> np.ndarray:
    scores = np.zeros(n)
    scores[list(at)] = 1.0
    return scores


def test_the_corpus_is_whole(series: list[Series]) -> None:
    assert (len(series), sum(len(s.t) for s in series), sum(s.truth.windows for s in series)) == (58, 365_558, 116)
    for half in (HALF_A, HALF_B):
        assert sum(s.truth.windows for s in series if s.group in half) == 58


def test_the_published_score_of_the_random_detector_comes_out_to_nine_digits(series: list[Series]) -> None:
    ours = nab.random_detector(series)
    theirs = corpus.published(corpus.tree(None))["random"]
    for profile, key in nab.PUBLISHED_PROFILE.items():
        assert ours[profile] == pytest.approx(theirs[key], abs=1e-9)


def test_null_is_zero_and_perfect_is_a_hundred(series: list[Series]) -> None:
    assert nab.check_scorer(series) == {"null_and_perfect": True}


def test_only_the_first_detection_in_a_window_counts_and_the_earlier_the_more() -> None:
    t = truth(times(200), [("0100", "0109")])
    early, late = fires(200, 100, 105), fires(200, 105)
    assert raw([t], [early], 0.5, STANDARD) == pytest.approx(1.0)
    assert raw([t], [late], 0.5, STANDARD) == pytest.approx(sigmoid(-0.5) / sigmoid(-1.0))


def test_a_detection_before_any_window_costs_all_and_one_just_behind_a_window_almost_nothing() -> None:
    t = truth(times(400), [("0100", "0120")])
    found = raw([t], [fires(400, 100)], 0.5, STANDARD)
    assert raw([t], [fires(400, 100, 90)], 0.5, STANDARD) - found == pytest.approx(-0.11)
    assert raw([t], [fires(400, 100, 121)], 0.5, STANDARD) - found == pytest.approx(0.11 * sigmoid(1 / 20))
    assert raw([t], [fires(400, 100, 300)], 0.5, LOW_FP) - found == pytest.approx(-0.22)


def test_a_missed_window_costs_twice_where_misses_are_dear() -> None:
    t = truth(times(200), [("0100", "0109")])
    assert raw([t], [fires(200)], 0.5, LOW_FN) == -2.0


def test_the_probation_counts_neither_way_and_ends_after_750_rows_at_most() -> None:
    t = truth(times(200), [("0100", "0109")])
    assert raw([t], [fires(200, 0, 29, 100)], 0.5, STANDARD) == pytest.approx(1.0)
    assert int(np.flatnonzero(truth(times(9000), []).mark == OUTSIDE)[0]) == 750


def test_the_best_threshold_is_the_best_of_all_that_differ() -> None:
    random = np.random.default_rng(3)
    truths = [truth(times(300), [("0100", "0119"), ("0200", "0209")]) for _ in range(3)]
    scores = [np.round(random.uniform(size=300), 2) for _ in truths]
    threshold, score = best_threshold(truths, scores, STANDARD)
    by_hand = {float(s): raw(truths, scores, float(s), STANDARD) for s in np.unique(scores)}
    assert score == pytest.approx(max(*by_hand.values(), -6.0))
    assert raw(truths, scores, threshold, STANDARD) == pytest.approx(score)


def test_without_any_score_the_best_threshold_is_never_to_fire() -> None:
    t = truth(times(200), [("0100", "0109")])
    assert best_threshold([t], [np.full(200, math.nan)], STANDARD) == (math.inf, -1.0)
    assert normalised(-1.0, 1, STANDARD) == 0.0


def test_a_window_that_names_no_row_is_refused() -> None:
    with pytest.raises(ValueError, match="expected the times of two rows"):
        truth(times(10), [("0003", "9999")])


def test_a_score_does_not_know_what_comes_after_it(series: list[Series]) -> None:
    for s in series[::10]:
        model = nab.SHIPPED
        half, one = len(s.t) // 2, np.zeros(len(s.t), np.int32)
        whole = model.score(np.zeros(1, model.state), one, s.t, s.value)
        part = model.score(np.zeros(1, model.state), one[:half], s.t[:half], s.value[:half])
        np.testing.assert_array_equal(whole[:half], part)


def test_results_have_the_layout_of_nab_and_keep_the_order_of_scores(series: list[Series], tmp_path: Path) -> None:
    s = next(s for s in series if s.name == "Twitter_volume_AAPL")
    scores = np.linspace(0, 5, len(s.t))
    scores[:10] = np.nan
    corpus.write_results(tmp_path, "ours", [s], [scores])
    with (tmp_path / "ours" / "realTweets" / "ours_Twitter_volume_AAPL.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert list(rows[0]) == ["timestamp", "value", "anomaly_score", "label"]
    written = np.array([float(row["anomaly_score"]) for row in rows])
    assert (np.diff(written) >= 0).all()
    assert written.max() < 1
    assert sum(int(row["label"]) for row in rows) == int(s.truth.labelled.sum())
    assert rows[0]["timestamp"] == "2015-02-26 21:42:53"


def test_no_more_than_sixteen_candidates_and_the_shipped_one_is_among_them() -> None:
    assert len(nab.CANDIDATES) <= 16
    assert nab.SHIPPED in nab.CANDIDATES
