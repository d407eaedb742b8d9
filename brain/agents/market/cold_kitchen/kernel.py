"""Each record after the one before it of the same asset, compiled: what :mod:`.agent` says is made of these columns.

Every number is worked out in the order in which plain Python would: a square is a power, a sum goes from the left. What
``exp`` is of is known beforehand from times alone and is handed in, since a library's of one number is not numpy's.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

F8 = NDArray[np.float64]
SAMPLES, SPACING_MS, SPAN_MS = 24, 100_000, 2_460_000
"""Samples that are remembered, how far apart at least, and how long back a slope looks: 41 minutes."""
LEAST, GAP_MIN = 8, 30.0
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
STATE = np.dtype([
    ("t", "i8"), ("v", "f8"), ("usual", "f8"), ("exposure", "f8"), ("over", "f8"), ("fine", "f8"), ("warm", "u1"),
    ("failing", "u1"), ("at", "i8", (SAMPLES,)), ("was", "f8", (SAMPLES,)), ("next", "i4"),
    ("fume", "f8"), ("hot", "i8"), ("night", "f8"), ("nights", "u1"), ("bad", "u1"),
])  # fmt: skip
"""``exposure`` degree-minutes and ``over`` minutes of the episode; ``fine`` minutes within the limit; ``bad``: it is
outside the limit now; ``at``, ``was``: a ring of samples; of kitchens ``fume`` as last heard, ``hot`` since when, ms,
and ``night`` its usual fume then."""
KITCHEN, VACCINE = 2, 1
"""Kinds of assets, by the order of the manifest's ``reads``; 0 is a cold store."""


class Params(NamedTuple):
    """Of the manifest, as numbers; ``two`` is 2.0, an exponent that the compiler does not know."""

    frozen_below_c: float
    vaccine_low_c: float
    vaccine_high_c: float
    degree_minutes: float
    degree_minutes_bad: float
    minutes_bad: float
    clear_min: float
    slope_c_h: float
    rise_c: float
    fume_mg_m3: float
    kitchen_c: float
    held_min: float
    own_times: float
    two: float


class Told(NamedTuple):
    """What is said by record, shape (n,): levels (-1 no word), whether a store is to be waited for, and what is known,
    NaN where it is not: of stores temperatures in °C, slope in °C an hour, exposure in degree-minutes and minutes; of
    kitchens minutes, fume in mg/m³, °C, and ``signs``: 1 fume, 2 heat, 3 both."""

    warm: NDArray[np.int8]
    failing: NDArray[np.int8]
    unattended: NDArray[np.int8]
    waits: NDArray[np.bool_]
    exposure: F8
    over: F8
    limit: F8
    temperature: F8
    slope: F8
    rise: F8
    left: F8
    hot: F8
    fume: F8
    heat: F8
    signs: NDArray[np.int8]

    @classmethod
    def nothing(cls, n: int) -> Told:
        """No word on any of n records."""
        word, known = np.full((3, n), -1, np.int8), np.full((10, n), np.nan)
        every: list[Any] = [*word, np.zeros(n, np.bool_), *known, np.zeros(n, np.int8)]
        return cls(*every)


@njit(cache=True, nogil=True)
def apart(asset: Any, kind: Any, t: Any, cold: Any, state: Any) -> Any:
    """Minutes since the record before of the same asset, (n,): at most :data:`GAP_MIN`, and that for a kitchen's first;
    0 for a store's first. A store's record without a temperature is passed over."""
    out = np.zeros(len(t))
    last = np.empty(len(state), np.int64)
    for a in range(len(state)):
        last[a] = state[a]["t"]
    for i in range(len(t)):
        a = asset[i]
        if kind[i] != KITCHEN and not np.isfinite(cold[i]):
            continue
        if last[a]:
            out[i] = min((t[i] - last[a]) / MINUTE_MS, GAP_MIN)
        elif kind[i] == KITCHEN:
            out[i] = GAP_MIN
        last[a] = t[i]
    return out


@njit(cache=True, nogil=True)
def judge(
    asset: Any, kind: Any, t: Any, cold: Any, fume: Any, heat: Any, chilled: Any, frozen: Any, night: Any, gone: Any,
    learnt: Any, state: Any, p: Any, told: Any,
) -> None:  # fmt: skip
    """Work the records (n,); ``state`` and ``told`` are changed in place. Limits ``chilled`` and ``frozen`` in °C, NaN
    none; ``gone`` minutes as :func:`apart`; ``learnt`` the share of the usual that a record makes up after them."""
    x, y = np.empty(SAMPLES), np.empty(SAMPLES)
    for i in range(len(t)):
        s = state[asset[i]]
        if kind[i] == KITCHEN:
            _kitchen(s, i, t[i], fume[i], heat[i], night[i], gone[i], learnt[i], p, told)
        elif np.isfinite(cold[i]):
            if not s["t"]:
                s["usual"] = cold[i]
            low, high = -np.inf, chilled[i]
            if kind[i] == VACCINE:
                low, high = p.vaccine_low_c, p.vaccine_high_c
            elif s["usual"] < p.frozen_below_c:
                high = frozen[i]
            if np.isfinite(high):
                _cold(s, i, t[i], cold[i], low, high, gone[i], learnt[i], p, told, x, y)
            else:  # no table is in force on that day
                s["t"], s["v"] = t[i], cold[i]


@njit(cache=True, nogil=True)
def _cold(
    s: Any, i: Any, t: Any, v: Any, low: Any, high: Any, gone: Any, learnt: Any, p: Any, told: Any, x: Any, y: Any
) -> None:  # fmt: skip
    off, before = max(v - high, low - v, 0.0), max(s["v"] - high, low - s["v"], 0.0)
    _expose(s, off, before, gone, p)
    slope, rise, steady = _slope(s, t, v, p, x, y)
    s["t"], s["v"], s["bad"] = t, v, off > 0
    if s["failing"]:
        s["failing"] = not v <= s["usual"] + 0.5 * p.rise_c
    else:
        s["failing"] = steady and rise >= p.rise_c
    if not off and not s["failing"] and not slope > p.slope_c_h / 2:
        s["usual"] += learnt * (v - s["usual"])
    told.warm[i], told.failing[i] = s["warm"], 2 if s["failing"] else 0
    told.waits[i] = s["warm"] > 0 or s["failing"] > 0 or off > 0
    told.exposure[i], told.over[i], told.temperature[i] = s["exposure"], s["over"], v
    told.limit[i] = low if off and v < low else high
    told.slope[i], told.rise[i] = slope, rise
    if slope > 0.1:
        told.left[i] = max(high - v, 0.0) / slope * 60


@njit(cache=True, nogil=True)
def _expose(s: Any, off: Any, before: Any, gone: Any, p: Any) -> None:
    """The exposure so far, and its level. Within the limit it no longer grows, and after ``clear_min`` it is over."""
    s["exposure"] += (off + before) / 2 * gone
    if off:
        s["over"] += gone if before else gone / 2
        s["fine"] = 0.0
    else:
        s["fine"] += gone
        if s["fine"] >= p.clear_min or not s["exposure"]:
            s["exposure"], s["over"], s["warm"] = 0.0, 0.0, 0
    bad = s["exposure"] >= p.degree_minutes_bad or s["over"] >= p.minutes_bad
    now = 3 if bad else 2 if s["exposure"] >= p.degree_minutes else 0
    s["warm"] = max(s["warm"], now)


@njit(cache=True, nogil=True)
def _slope(s: Any, t: Any, v: Any, p: Any, x: Any, y: Any) -> Any:
    """°C an hour by least squares, NaN unknown; how far over the usual; and whether it is a rise that goes on.

    A door, a delivery or a defrost rises and bends: of the span's quarters one gains little, or loses.
    """
    at, was, k = s["at"], s["was"], s["next"]
    if not k or t - at[(k - 1) % SAMPLES] >= SPACING_MS:
        at[k % SAMPLES], was[k % SAMPLES] = t, v
        k = k + 1 if k + 1 < 2 * SAMPLES else k + 1 - SAMPLES  # stays a number that says whether it is full
        s["next"] = k
    kept, n = min(k, SAMPLES), 0
    for j in range(kept):
        of = (k + j) % SAMPLES if kept == SAMPLES else j
        if at[of] > t - SPAN_MS:
            x[n], y[n] = (at[of] - t) / HOUR_MS, was[of]
            n += 1
    unknown = n < LEAST or (x[n - 1] - x[0]) * HOUR_MS < 0.8 * SPAN_MS
    for j in range(1, n):
        unknown = unknown or x[j] - x[j - 1] > 0.3
    if unknown:
        return np.nan, v - s["usual"], False
    middle = mean = xx = yy = xy = 0.0
    for j in range(n):
        middle, mean = middle + x[j], mean + y[j]
    middle, mean = middle / n, mean / n
    for j in range(n):
        xx, yy = xx + (x[j] - middle) ** p.two, yy + (y[j] - mean) ** p.two
        xy += (x[j] - middle) * (y[j] - mean)
    slope = xy / xx
    first, b, least, before = 0.0, 0, np.inf, 0.0
    for q in range(1, 5):
        a, b = b, n // 4 * q + min(q, n % 4)  # the first ones have what is left over
        part = 0.0
        for j in range(a, b):
            part += y[j]
        part /= b - a
        if q == 1:
            first = part
        else:
            least = min(least, part - before)
        before = part
    gain, rise = before - first, before - s["usual"]
    goes_on = gain > 0 and least >= 0.18 * gain
    straight = slope**p.two * xx >= 0.7 * yy
    return slope, rise, slope >= p.slope_c_h and straight and goes_on


@njit(cache=True, nogil=True)
def _kitchen(
    s: Any, i: Any, t: Any, fume: Any, heat: Any, night: Any, gone: Any, learnt: Any, p: Any, told: Any
) -> None:  # fmt: skip
    """A record may have one metric only: the other is as it was, for half an hour."""
    if gone >= GAP_MIN:
        s["fume"], s["v"] = np.nan, np.nan
    if np.isfinite(fume):
        s["fume"] = fume
    if np.isfinite(heat):
        s["v"] = heat
    s["t"] = t
    if not night:
        s["hot"], told.unattended[i] = 0, 0
        return
    known = np.isfinite(s["fume"])
    if not known and not np.isfinite(s["v"]):
        return
    limit = max(p.fume_mg_m3, p.own_times * s["night"])
    signs = (1 if s["fume"] >= limit else 0) + (2 if s["v"] >= p.kitchen_c else 0)
    if known:
        own = s["fume"] if s["nights"] or s["fume"] < p.fume_mg_m3 else 0.0
        s["night"] += learnt * (own - s["night"]) if s["nights"] else own
        s["nights"] = 1
    if not signs:
        s["hot"], told.unattended[i] = 0, 0
        return
    if not s["hot"]:
        s["hot"] = t
    told.hot[i] = (t - s["hot"]) / MINUTE_MS
    told.fume[i], told.heat[i], told.signs[i] = s["fume"], s["v"], signs
    told.unattended[i] = 0 if told.hot[i] < p.held_min else 2 if signs < 3 else 3
