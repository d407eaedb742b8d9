"""Five kinds of faults, put into readings at places that are noted.

Each series (one metric of one station) gets as many episodes of each kind as :data:`EACH` says, at places drawn by the
seed: not nearer to each other than :data:`APART` hours, and after the first :data:`LEARN` hours. IQR and standard
deviation are the series' own over all its readings; what is changed is rounded to the metric's resolution.

| kind | hours | what |
|---|---|---|
| flat | 12 to 48 | the last reading before is repeated; natural gaps in it stay |
| drift | 120 to 480 | half: a rise from 0 to 0.5-2 IQR is added; half: the gain falls from 1 to 0.2-0.6 |
| spike | 1 to 3 | 5 to 15 standard deviations are added; one in two taken away, if no reading falls below 0 |
| skew | 72 to 240 | the clock is 2 to 12 hours fast or slow: what is stamped t was measured that much before or after |
| missing | 6 to 48 | no reading |

Natural faults of the same look are marked first: runs without readings of at least the shortest ``missing``, and equal
readings in a row (gaps between them do not end the run) of at least the shortest ``flat``. Episodes of flat, spike and
missing keep clear of them. Long ones (drift, skew) cannot; where a skew moves readings it moves their marks. Natural
spikes are not marked: every alarm for one is false.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.faults.corpus import METRICS, Corpus

F8 = NDArray[np.float64]
Bool = NDArray[np.bool_]

HOURS = {"drift": (120, 480), "skew": (72, 240), "flat": (12, 48), "missing": (6, 48), "spike": (1, 3)}
"""Shortest and longest episode of each kind; the longest kinds find their places first."""

KINDS = ("flat", "drift", "spike", "skew", "missing")
EACH = {"drift": 8, "skew": 8, "flat": 24, "missing": 24, "spike": 24}
"""Episodes a series and kind: two a year of those that last for days, six of the short ones."""

APART = 48
LEARN = 90 * 24
TRIES = 300


@dataclass(frozen=True)
class Episode:
    """Rows ``first`` to ``last`` (both included) of one series have a fault of this kind."""

    kind: str
    station: int
    metric: int
    first: int
    last: int


@dataclass(frozen=True)
class Injected:
    """``value`` as in the corpus, with faults; ``marked[kind]`` of the same shape: natural ones that do not count."""

    value: F8
    episodes: list[Episode]
    marked: dict[str, Bool]


def inject(corpus: Corpus, seed: int) -> Injected:
    """The corpus with faults. A series too full or too short for all its episodes gets as many as find a place."""
    value = corpus.value.copy()
    marked = {"missing": np.zeros(value.shape, bool), "flat": np.zeros(value.shape, bool)}
    episodes: list[Episode] = []
    for station in range(value.shape[0]):
        for metric, resolution in enumerate(METRICS.values()):
            # A generator a series: another station in the folder leaves the places in this one as they were.
            name = f"{corpus.stations[station]} {metric}".encode()
            random = np.random.default_rng([seed, *name])
            x = value[station, metric]
            absent, equal = _absent(x, HOURS["missing"][0]), _equal(x, HOURS["flat"][0])
            marks = np.stack([absent, equal])
            if np.isfinite(x).sum() > LEARN:
                for kind, first, last in _places(random, x, marks):
                    _change(random, kind, x, marks, first, last, resolution)
                    episodes.append(Episode(kind, station, metric, first, last))
            marked["missing"][station, metric], marked["flat"][station, metric] = marks
    return Injected(value, episodes, marked)


def _places(random: np.random.Generator, x: F8, marks: Bool) -> list[tuple[str, int, int]]:
    taken, natural = np.zeros(len(x), bool), marks[0] | marks[1]
    places = []
    for kind, (least, most) in HOURS.items():
        for _ in range(EACH[kind]):
            for _ in range(TRIES):
                length = int(random.integers(least, most + 1))
                if len(x) - length - APART <= LEARN:
                    break
                a = int(random.integers(LEARN, len(x) - length - APART))
                b = a + length - 1
                if taken[a - APART : b + 1 + APART].any():
                    continue
                if kind not in {"drift", "skew"} and natural[a - 1 : b + 2].any():
                    continue
                if np.isnan(x[a - 1 if kind == "flat" else a]) or (kind == "spike" and np.isnan(x[a : b + 1]).any()):
                    continue
                taken[a : b + 1] = True
                places.append((kind, a, b))
                break
            else:
                break  # so full that there is hardly a place: none is looked for again
    return places


def _change(random: np.random.Generator, kind: str, x: F8, marks: Bool, a: int, b: int, resolution: float) -> None:
    """One episode into one series, in place."""
    part, n = x[a : b + 1], b + 1 - a
    low, high = np.nanquantile(x, [0.25, 0.75])
    spread = max(high - low, resolution)
    if kind == "flat":
        part[~np.isnan(part)] = x[a - 1]
    elif kind == "missing":
        part[:] = np.nan
    elif kind == "spike":
        size = np.nanstd(x) * random.uniform(5.0, 15.0)
        down = bool(random.random() < 0.5) and bool((part - size >= 0.0).all())
        part[:] = _rounded(part - size if down else part + size, resolution)
    elif kind == "drift":
        ramp = np.arange(1, n + 1) / n
        if random.random() < 0.5:
            part[:] = _rounded(part + ramp * spread * random.uniform(0.5, 2.0), resolution)
        else:
            part[:] = _rounded(part * (1.0 - ramp * random.uniform(0.4, 0.8)), resolution)
    else:
        shift = int(random.integers(2, 13)) * (1 if random.random() < 0.5 else -1)
        source = slice(a - shift, b + 1 - shift)
        part[:] = x[source].copy()
        marks[:, a : b + 1] |= marks[:, source].copy()


def _rounded(value: F8, resolution: float) -> F8:
    rounded: F8 = np.round(value / resolution) * resolution
    return rounded


def _absent(x: F8, least: int) -> Bool:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.isnan(x), [0]])))
    marked = np.zeros(len(x), bool)
    for a, b in zip(edges[::2], edges[1::2], strict=True):
        marked[a:b] = b - a >= least
    return marked


def _equal(x: F8, least: int) -> Bool:
    there = np.flatnonzero(~np.isnan(x))
    marked = np.zeros(len(x), bool)
    starts = np.flatnonzero(np.concatenate([[True], np.diff(x[there]) != 0.0])) if len(there) else there
    for a, b in zip(starts, np.append(starts[1:], len(there)), strict=True):
        if b - a >= least:
            marked[there[a] : there[b - 1] + 1] = True
    return marked
