"""Each record after the one before it of the same vehicle, compiled: :mod:`.agent` speaks out of these columns."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

F8 = NDArray[np.float64]
I1 = NDArray[np.int8]
STATE = np.dtype([("still", "i8"), ("zone", "i4"), ("off", "u1"), ("stopped", "u1"), ("fast", "u1"), ("near", "u1"),
                  ("x", "f8"), ("y", "f8"), ("t", "i8")])  # fmt: skip
"""``still``: since when it stands in a no-stop zone, ms; ``zone``: its number plus one; the last place and its time."""
BACK_KMH = 3.0
"""So far below the limit it is no longer too fast."""
FASTEST_MS, APART_S = 45.0, 600.0
"""Of the pace between two places, m/s, which are at most so many seconds apart."""


class Params(NamedTuple):
    """Of the manifest, as numbers."""

    limit_kmh: float
    over_kmh: float
    off_m: float
    buffer_m: float
    still_kmh: float
    stop_s: float
    fence_m: float
    ahead_s: float


class Told(NamedTuple):
    """What is said by record, shape (n,): levels (-1 no word); seconds stood, and to a site's fence, NaN none."""

    off_route: I1
    stopped: I1
    speed: I1
    near_site: I1
    stood: F8
    away: F8

    @classmethod
    def nothing(cls, n: int) -> Told:
        """No word on any of n records."""
        every: list[Any] = [*np.full((4, n), -1, np.int8), *np.full((2, n), np.nan)]
        return cls(*every)


@njit(cache=True, nogil=True)
def before(asset: Any, t: Any, x: Any, y: Any, state: Any) -> Any:
    """Seconds since the record before of the same vehicle that has a place, and that place in metres, each (n,).

    0 of its first; of a record without a place they mean nothing.
    """
    n = len(t)
    seconds, was_x, was_y = np.zeros(n), np.zeros(n), np.zeros(n)
    last = state.copy()
    for i in range(n):
        s = last[asset[i]]
        if not np.isfinite(x[i]):
            continue
        if s["t"]:
            seconds[i], was_x[i], was_y[i] = (t[i] - s["t"]) / 1000, s["x"], s["y"]
        s["x"], s["y"], s["t"] = x[i], y[i], t[i]
    return seconds, was_x, was_y


@njit(cache=True, nogil=True)
def judge(
    asset: Any, t: Any, x: Any, y: Any, speed: Any, off: Any, zone: Any, far: Any, seconds: Any, moved: Any,
    state: Any, p: Any, told: Any,
) -> None:  # fmt: skip
    """Work the records (n,); ``state`` and ``told`` are changed in place. Metres ``off`` the route, number of the
    no-stop ``zone`` (-1 none), metres to the nearest site; what :func:`before` said, and metres since then."""
    for i in range(len(t)):
        s, v = state[asset[i]], speed[i]
        if np.isfinite(v):
            fast = v > p.limit_kmh or (s["fast"] and v > p.limit_kmh - BACK_KMH)
            s["fast"] = fast
            told.speed[i] = 0 if not fast else 3 if v > p.limit_kmh + p.over_kmh else 2
        if not np.isfinite(x[i]):
            continue
        if np.isfinite(off[i]):
            s["off"] = off[i] > (p.off_m - p.buffer_m if s["off"] else p.off_m)
            told.off_route[i] = 2 if s["off"] else 0
        _stop(s, i, t[i], v, zone[i], p, told)
        _approach(s, i, v, far[i], seconds[i], moved[i], p, told)
        s["x"], s["y"], s["t"] = x[i], y[i], t[i]


@njit(cache=True, nogil=True)
def _stop(s: Any, i: Any, t: Any, v: Any, zone: Any, p: Any, told: Any) -> None:
    """Standing in a no-stop zone."""
    if zone < 0 or (np.isfinite(v) and v > p.still_kmh):
        s["still"], s["zone"], s["stopped"], told.stopped[i] = 0, 0, 0, 0
        return
    if not np.isfinite(v):
        return
    if not s["still"]:
        s["still"], s["zone"] = t, zone + 1
    told.stood[i] = (t - s["still"]) / 1000
    s["stopped"] = told.stood[i] >= p.stop_s
    told.stopped[i] = 3 if s["stopped"] else 0


@njit(cache=True, nogil=True)
def _approach(s: Any, i: Any, v: Any, far: Any, seconds: Any, moved: Any, p: Any, told: Any) -> None:
    """The moving fence: a site within it, or ahead and reached within ``ahead_s`` at the speed of approach."""
    told.near_site[i] = 0
    if not np.isfinite(far):
        return
    pace = 0.0
    if 0 < seconds <= APART_S and moved != 0.0:
        pace = moved / seconds
        pace = FASTEST_MS if pace > FASTEST_MS else pace
        if np.isfinite(v) and v / 3.6 < pace:
            pace = v / 3.6
    reach = p.fence_m + pace * p.ahead_s
    if s["near"]:
        reach += p.buffer_m
    s["near"] = far <= reach
    if pace > 0.1:
        told.away[i] = max(far - p.fence_m, 0.0) / pace
    if s["near"]:
        told.near_site[i] = 3 if far <= p.fence_m else 2
