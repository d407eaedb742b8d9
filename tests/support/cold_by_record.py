"""The cold-chain agent a record at a time, in plain Python: what its compiled columns are held against."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brain.agent_kit import Rows, Verdict, World

SAMPLES, SPACING_MS, SPAN_MS = 24, 100_000, 2_460_000
LEAST, GAP_MIN = 8, 30.0
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
USUAL_MIN, NIGHTS_MIN = 24 * 60.0, 7 * 8 * 60.0
EVENTS = ("warm", "failing", "silent", "unattended")


def total(numbers: Iterable[float]) -> float:
    """From the left, as ``sum`` did until Python 3.12 made it compensate."""
    out = 0.0
    for number in numbers:
        out += number
    return out


def decide(rows: Rows, features: dict[str, Any], state: NDArray[Any], world: World) -> Verdict:
    """Each record after the one before it of the same asset."""
    n = len(rows)
    level = {name: np.full(n, -1, np.int8) for name in EVENTS}
    again = np.full(n, -1, np.int64)
    names = ("degree_minutes", "minutes_over", "limit_c", "temperature_c", "slope_c_h", "rise_c", "minutes_to_limit",
             "minutes_hot", "fume_mg_m3", "kitchen_c")  # fmt: skip
    facts: dict[str, NDArray[Any]] = {name: np.full(n, np.nan) for name in names}
    facts["signs"] = np.full(n, "", "U40")
    cold, fume, heat = (rows.values[name] for name in ("cold_temperature", "fume", "kitchen_temperature"))
    for i, (a, kind) in enumerate(zip(rows.asset.tolist(), rows.kind.tolist(), strict=True)):
        s, t = state[a], int(rows.t[i])
        if kind == 2:
            level["unattended"][i], told = _kitchen(s, t, fume[i], heat[i], bool(features["night"][i]), world.params)
        elif np.isfinite(cold[i]):
            level["warm"][i], level["failing"][i], told = _cold(s, t, float(cold[i]), kind, features, i, world.params)
            level["silent"][i] = 0
            waits = told and (level["warm"][i] or level["failing"][i] or s["bad"])
            again[i] = t + round(world.params["silent_min"] * MINUTE_MS) if waits else 0
        else:
            continue
        for name, value in told.items():
            facts[name][i] = value
    value = {"warm": facts["degree_minutes"], "failing": facts["slope_c_h"], "unattended": facts["fume_mg_m3"]}
    return Verdict(level, value, facts=facts, wake=again)


def _cold(
    s: Any, t: int, v: float, kind: int, features: dict[str, Any], i: int, p: Any
) -> tuple[int, int, dict[str, Any]]:  # fmt: skip
    first = not s["t"]
    apart = 0.0 if first else min((t - int(s["t"])) / MINUTE_MS, GAP_MIN)
    if first:
        s["usual"] = v
    low, high = -np.inf, float(features["limits"].chilled[i])
    if kind == 1:
        low, high = p["vaccine_low_c"], p["vaccine_high_c"]
    elif s["usual"] < p["frozen_below_c"]:
        high = float(features["limits"].frozen[i])
    if not np.isfinite(high):  # no table is in force on that day
        s["t"], s["v"] = t, v
        return -1, -1, {}
    off, before = max(v - high, low - v, 0.0), max(float(s["v"]) - high, low - float(s["v"]), 0.0)
    warm = _exposed(s, off, before, apart, p)
    slope, rise, steady = _slope(s, t, v, p)
    s["t"], s["v"], s["bad"] = t, v, off > 0
    back = v <= s["usual"] + 0.5 * p["rise_c"]
    s["failing"] = not back if s["failing"] else steady and rise >= p["rise_c"]
    if not off and not s["failing"] and not slope > p["slope_c_h"] / 2:
        s["usual"] += (1 - np.exp(-apart / USUAL_MIN)) * (v - s["usual"])
    told = {
        "degree_minutes": round(float(s["exposure"])), "minutes_over": round(float(s["over"])), "limit_c": high,
        "temperature_c": v, "slope_c_h": round(slope, 1), "rise_c": round(rise, 1),
        "minutes_to_limit": np.nan if not slope > 0.1 else round(max(high - v, 0.0) / slope * 60),
    }  # fmt: skip
    if off and v < low:
        told["limit_c"] = low
    return warm, (2 if s["failing"] else 0), told


def _exposed(s: Any, off: float, before: float, apart: float, p: Any) -> int:
    """Level of the exposure so far. Within the limit it no longer grows, and after ``clear_min`` it is forgotten."""
    s["exposure"] += (off + before) / 2 * apart
    if off:
        s["over"] += apart if before else apart / 2
        s["fine"] = 0.0
    else:
        s["fine"] += apart
        if s["fine"] >= p["clear_min"] or not s["exposure"]:
            s["exposure"], s["over"], s["warm"] = 0.0, 0.0, 0
    bad = s["exposure"] >= p["degree_minutes_bad"] or s["over"] >= p["minutes_bad"]
    now = 3 if bad else 2 if s["exposure"] >= p["degree_minutes"] else 0
    s["warm"] = max(int(s["warm"]), now)
    return int(s["warm"])


def _slope(s: Any, t: int, v: float, p: Any) -> tuple[float, float, bool]:
    """°C an hour by least squares, NaN unknown; how far over the usual; and whether it is a rise that goes on.

    A door, a delivery or a defrost rises and bends: of the span's quarters one gains little, or loses.
    """
    k = int(s["next"])
    if not k or t - int(s["at"][(k - 1) % SAMPLES]) >= SPACING_MS:
        s["at"][k % SAMPLES], s["was"][k % SAMPLES] = t, v
        s["next"] = k + 1 if k + 1 < 2 * SAMPLES else k + 1 - SAMPLES  # stays a number that says whether it is full
    kept, oldest = min(int(s["next"]), SAMPLES), int(s["next"]) % SAMPLES
    ring = range(oldest, oldest + SAMPLES) if kept == SAMPLES else range(kept)
    # A few numbers at every reading: lists are several times quicker here than arrays.
    at, was = s["at"].tolist(), s["was"].tolist()
    recent = [i % SAMPLES for i in ring if at[i % SAMPLES] > t - SPAN_MS]
    x, y = [(at[i] - t) / HOUR_MS for i in recent], [was[i] for i in recent]
    n = len(x)
    if n < LEAST or (x[-1] - x[0]) * HOUR_MS < 0.8 * SPAN_MS or max(b - a for a, b in pairwise(x)) > 0.3:
        return np.nan, v - float(s["usual"]), False
    middle, mean = total(x) / n, total(y) / n
    xx, yy = total((a - middle) ** 2 for a in x), total((b - mean) ** 2 for b in y)
    slope = total((a - middle) * (b - mean) for a, b in zip(x, y, strict=True)) / xx
    ends = [0, *(n // 4 * q + min(q, n % 4) for q in (1, 2, 3, 4))]  # the first ones have what is left over
    part = [total(y[a:b]) / (b - a) for a, b in pairwise(ends)]
    gain = part[3] - part[0]
    goes_on = gain > 0 and min(b - a for a, b in pairwise(part)) >= 0.18 * gain
    rise = part[3] - float(s["usual"])
    straight = slope**2 * xx >= 0.7 * yy
    return slope, rise, slope >= p["slope_c_h"] and straight and goes_on


def _kitchen(s: Any, t: int, fume: float, heat: float, night: bool, p: Any) -> tuple[int, dict[str, Any]]:
    """A record may have one metric only: the other is as it was, for half an hour."""
    apart = GAP_MIN if not s["t"] else (t - int(s["t"])) / MINUTE_MS
    if apart >= GAP_MIN:
        s["fume"], s["v"] = np.nan, np.nan
    s["fume"] = fume if np.isfinite(fume) else s["fume"]
    s["v"] = heat if np.isfinite(heat) else s["v"]
    s["t"] = t
    if not night:
        s["hot"] = 0
        return 0, {}
    if not np.isfinite(s["fume"]) and not np.isfinite(s["v"]):
        return -1, {}
    limit = max(p["fume_mg_m3"], p["own_times"] * float(s["night"]))
    signs = [name for name, on in (("fume", s["fume"] >= limit), ("heat", s["v"] >= p["kitchen_c"])) if on]
    if np.isfinite(s["fume"]):
        known = float(s["fume"]) if s["nights"] or s["fume"] < p["fume_mg_m3"] else 0.0
        s["night"] += (1 - np.exp(-min(apart, GAP_MIN) / NIGHTS_MIN)) * (known - s["night"]) if s["nights"] else known
        s["nights"] = 1
    if not signs:
        s["hot"] = 0
        return 0, {}
    s["hot"] = s["hot"] or t
    minutes = (t - int(s["hot"])) / MINUTE_MS
    told = {
        "minutes_hot": round(minutes), "fume_mg_m3": s["fume"], "kitchen_c": s["v"], "signs": " and ".join(signs),
    }  # fmt: skip
    return (0 if minutes < p["held_min"] else 1 + len(signs)), told
