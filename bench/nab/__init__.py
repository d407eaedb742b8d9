"""The detector for single series on NAB's corpus, judged by NAB's published rule, beside the published scores.

One setting for all files; each file is one key, fed in order; neither its name nor its length is known to the
detector. By NAB's protocol the file's least and greatest value are handed over as the measuring range:
``standard``, ``low_fp`` and ``low_fn`` use it, ``standard_no_range`` does not. Those four have the rule's own
threshold, the best on the very labels, one for all files. ``fixed_threshold`` has one that was fixed beforehand:
1, the detector's own bar. ``cross_fitted`` takes setting (out of :data:`CANDIDATES`) and
threshold from one half of the files and scores the other with them, both ways.

Settings were looked for on these very files, so all figures are flattered, ``cross_fitted`` too, whose candidates lie
around the shipped setting. The table shows what the candidates reach on the mean, and the shipped one on files with a
little noise added.

``data`` is a folder or zip in NAB's layout. The run holds if this scorer gives a detector that never fires 0, one
that fires at the begin of each window 100, and NAB's random detector (whose seed is known) the score that the corpus
publishes for it. Results files for NAB's own scorer are written to var/nab/results.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np

from bench.harness import Figure, Result
from bench.nab import corpus
from bench.nab.corpus import HALF_A, HALF_B, Series
from bench.nab.score import F8, PROFILES, best_threshold, normalised, raw
from models.ewma import EwmaZScore
from models.novelty import PatternNovelty

SHIPPED = PatternNovelty()
FIXED_THRESHOLD = 1.0
CANDIDATES = [
    replace(SHIPPED, power=power, radius=radius, means=means, follow=follow)
    for power, radius, means, follow in product((0.6, 0.7), (0.045, 0.055), ((0.04, 0.008), (0.1, 0.01)), (0.02, 0.05))
]
"""A plain grid around the shipped setting; sixteen is all that a half may choose from."""

STANDARD = PROFILES[0]
RESULTS = Path("var/nab/results")
BATCH = 1000
NOISE, NOISY = 0.005, 5
"""Standard deviation of the noise, as a share of a file's range, and how many draws of it are averaged."""
PEER = EwmaZScore(alpha=0.01)
PUBLISHED_PROFILE = {"standard": "standard", "low_fp": "reward_low_FP_rate", "low_fn": "reward_low_FN_rate"}

Scores = list[F8]


def run(seed: int, data: Path | None) -> Result:
    """All figures. None of them is random; the seed is that of the noise in one row of the table."""
    root = corpus.tree(data)
    series = corpus.read(root)
    scores, seconds = ranged(SHIPPED, series)
    bare, _ = scored(lambda _: SHIPPED, series)
    corpus.write_results(RESULTS, "patternNovelty", series, scores)
    best = {p.name: _normal(series, best_threshold([s.truth for s in series], scores, p)[1], p.name) for p in PROFILES}
    tried = [ranged(setting, series)[0] for setting in CANDIDATES]
    crossed, chosen = cross_fitted(series, tried)
    figures: dict[str, Figure] = {
        "standard": best["standard"],
        "standard_no_range": _best(series, bare),
        "low_fp": best["low_fp"],
        "low_fn": best["low_fn"],
        "fixed_threshold": _normal(series, raw([s.truth for s in series], scores, FIXED_THRESHOLD, STANDARD)),
        "cross_fitted": crossed,
        "points_per_s": sum(len(s.t) for s in series) / seconds,
    }
    peer, peer_seconds = scored(lambda _: PEER, series)
    peer = [np.abs(s) for s in peer]
    checks, published = check_scorer(series), corpus.published(root)
    if "random" in published:
        checks["random"] = _near(random_detector(series), published["random"])
    rows: list[dict[str, Figure]] = [
        {"detector": "pattern novelty, range given", **{k: round(v, 2) for k, v in best.items()},
         "points_per_s": round(sum(len(s.t) for s in series) / seconds)},
        {"detector": "EWMA z-score, alpha 0.01", "standard": round(_best(series, peer), 2),
         "points_per_s": round(sum(len(s.t) for s in series) / peer_seconds)},
    ]  # fmt: skip
    others = [_best(series, scores) for scores in tried]
    rows.append({"detector": "the candidates, mean", "standard": round(statistics.mean(others), 2)})
    rows.append({"detector": "the candidates, least", "standard": round(min(others), 2)})
    noisy = [_best(series, ranged(SHIPPED, shaken(series, seed + k))[0]) for k in range(NOISY)]
    rows.append(
        {"detector": f"shipped, {NOISE:.1%} noise added, mean of {NOISY}", "standard": round(statistics.mean(noisy), 2)}
    )
    for name, by_profile in sorted(published.items(), key=lambda item: -item[1]["standard"]):
        theirs = {ours: round(by_profile[key], 2) for ours, key in PUBLISHED_PROFILE.items()}
        rows.append({"detector": f"published: {name}", **theirs})
    settings = {
        "shipped": SHIPPED, "fixed_threshold": FIXED_THRESHOLD, "candidates": len(CANDIDATES), **chosen,
        "scorer_checks": checks, "files": len(series), "windows": sum(s.truth.windows for s in series),
    }  # fmt: skip
    return Result(rows, figures, all(checks.values()), settings)


def scored(detector: Callable[[Series], PatternNovelty | EwmaZScore], series: Sequence[Series]) -> tuple[Scores, float]:
    """Scores of each file as one key in batches, and the thread's CPU seconds, compilation apart."""
    warm = series[0]
    model = detector(warm)
    model.score(np.zeros(1, model.state), np.zeros(2, np.int32), warm.t[:2], warm.value[:2])
    all_scores, seconds = [], 0.0
    for s in series:
        model = detector(s)
        began = time.thread_time()
        state, slot = np.zeros(1, model.state), np.zeros(BATCH, np.int32)
        parts = []
        for a in range(0, len(s.t), BATCH):
            t, value = s.t[a : a + BATCH], s.value[a : a + BATCH]
            parts.append(model.score(state, slot[: len(t)], t, value))
        seconds += time.thread_time() - began
        all_scores.append(np.concatenate(parts))
    return all_scores, seconds


def ranged(setting: PatternNovelty, series: Sequence[Series]) -> tuple[Scores, float]:
    """With the file's least and greatest value as the range, as NAB hands them to every detector."""

    def with_range(s: Series) -> PatternNovelty:
        low, high = float(s.value.min()), float(s.value.max())
        return replace(setting, low=low, high=high if high > low else low + 1.0)

    return scored(with_range, series)


def shaken(series: Sequence[Series], seed: int) -> list[Series]:
    """The same files with a little normal noise: how much of a score hangs on the very numbers."""
    source = np.random.default_rng(seed)
    return [replace(s, value=s.value + source.normal(0.0, NOISE * np.ptp(s.value), len(s.value))) for s in series]


def cross_fitted(series: Sequence[Series], tried: Sequence[Scores]) -> tuple[float, dict[str, str]]:
    """(normalised score of both held-out halves together, what each half chose of the candidates tried)."""
    halves = {"A": [i for i, s in enumerate(series) if s.group in HALF_A],
              "B": [i for i, s in enumerate(series) if s.group in HALF_B]}  # fmt: skip
    total, chosen = 0.0, {}
    for own, other in (("A", "B"), ("B", "A")):
        truths = [series[i].truth for i in halves[own]]
        found = [best_threshold(truths, [scores[i] for i in halves[own]], STANDARD) for scores in tried]
        k = max(range(len(found)), key=lambda c: found[c][1])
        threshold = found[k][0]
        held_out = [series[i].truth for i in halves[other]]
        total += raw(held_out, [tried[k][i] for i in halves[other]], threshold, STANDARD)
        chosen[f"half_{own}_chose"] = f"threshold {threshold:.3f}, {CANDIDATES[k]}"
    return _normal(series, total), chosen


def check_scorer(series: Sequence[Series]) -> dict[str, bool]:
    """The two ends of the scale: nothing found, and each window found at its first row and nothing else."""
    truths = [s.truth for s in series]
    nothing = [np.zeros(len(s.t)) for s in series]
    perfect = []
    for t in truths:
        scores = np.zeros(len(t.mark))
        found, first = np.unique(t.mark, return_index=True)
        scores[first[found >= 0]] = 1.0
        perfect.append(scores)
    ends = [(raw(truths, nothing, 0.5, p), 0.0, p.name) for p in PROFILES]
    ends += [(raw(truths, perfect, 0.5, p), 100.0, p.name) for p in PROFILES]
    return {"null_and_perfect": all(abs(_normal(series, r, name) - want) < 1e-9 for r, want, name in ends)}


def random_detector(series: Sequence[Series]) -> dict[str, float]:
    """NAB's random detector (uniform scores, seed 42 in each file) at the thresholds that NAB published for it."""
    thresholds = {"standard": 0.9984497070312507, "low_fp": 0.9995117187500009, "low_fn": 0.9984497070312507}
    scores = []
    for s in series:
        source = random.Random(42)
        scores.append(np.array([source.uniform(0, 1) for _ in s.t]))
    truths = [s.truth for s in series]
    return {p.name: _normal(series, raw(truths, scores, thresholds[p.name], p), p.name) for p in PROFILES}


def _near(ours: Mapping[str, float], theirs: Mapping[str, float]) -> bool:
    return all(abs(ours[name] - theirs[key]) < 1e-6 for name, key in PUBLISHED_PROFILE.items())


def _best(series: Sequence[Series], scores: Scores) -> float:
    return _normal(series, best_threshold([s.truth for s in series], scores, STANDARD)[1])


def _normal(series: Sequence[Series], total: float, profile: str = "standard") -> float:
    return normalised(total, sum(s.truth.windows for s in series), next(p for p in PROFILES if p.name == profile))
