"""Asset trust: how far an asset's readings can be believed, why not, and what that may do to an alarm.

Evidence comes from the detectors and from the registry, a column a reason; :class:`AssetTrust` keeps it; :func:`why`
names the reasons with their shares; :func:`weigh` lowers the confidence of alarms and never holds a life-safety one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.detector import F8, I4, I8, Fixed, usable, within


@dataclass(frozen=True, slots=True)
class Reason:
    """One way in which an asset loses trust. Its evidence counts by its size, signed or not.

    Parameters
    ----------
    name : as told to people.
    begins, full : evidence up to ``begins`` is no fault, from ``full`` on it is one; linear between; begins < full.
    weight : what the fault takes away when it lasts, as a share, in [0, 0.99].
    rise_s : a lasting fault has half of its effect after so long, seconds above 0.
    fade_s : half of it is gone so long after its end, seconds above 0.
    """

    name: str
    begins: float
    full: float
    weight: float
    rise_s: float
    fade_s: float

    def __post_init__(self) -> None:
        if not 0 <= self.begins < self.full:
            raise ValueError(f"{self.name}: expected 0 <= begins < full, got {self.begins} and {self.full}")
        within(f"{self.name}.weight", self.weight, 0, 0.99)
        within(f"{self.name}.rise_s", self.rise_s, 0, open_low=True)
        within(f"{self.name}.fade_s", self.fade_s, 0, open_low=True)


MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0

REASONS = (
    Reason("flatline", 1.5, 4.0, 0.9, 10 * MINUTE, 6 * HOUR),
    Reason("drift", 8.0, 24.0, 0.6, 6 * HOUR, 2 * DAY),
    Reason("noise", 1.5, 3.5, 0.6, HOUR, 12 * HOUR),
    Reason("clock_skew", 0.3, 0.6, 0.6, 6 * HOUR, DAY),
    Reason("impossible", 0.0, 1.0, 0.95, MINUTE, 6 * HOUR),
    Reason("neighbours", 6.0, 20.0, 0.5, HOUR, 12 * HOUR),
    Reason("calibration_age", 1.0, 3.0, 0.4, MINUTE, MINUTE),
)
"""The reasons in the order of their columns, each with the score of the detector that gives its evidence.

Flatline, Drift, Noise, ClockSkew and NeighbourDisagreement of models/; :func:`impossible`; :func:`calibration_age`.
"""


@dataclass(frozen=True, slots=True)
class AssetTrust(Fixed):
    """Trust of an asset in [0, 1] from evidence of its faults: 1 nothing speaks against it, 0.1 hardly to be believed.

    The product over the reasons of 1 - weight * effect. An effect in [0, 1] moves towards the present evidence's
    faultiness with the half-lives of its reason, in event time, so trust comes back by itself when a fault ends; one
    row alone moves it up by at most half. A row is the evidence on one asset, a column a reason, NaN where nothing is
    known: that effect fades. A row without any evidence is unknown and leaves no trace; a row that is not later than
    the last is scored and moves nothing. The row itself counts in its score: evidence is a finding already. Unknown
    for the first row of an asset. Does not work against faults that no detector sees, nor where two assets' trust is
    compared that have different evidence: who has no neighbours cannot lose by them. It judges the asset, not the
    event: a fire makes a thermometer look broken.
    """

    STATE: ClassVar[np.dtype[Any]] = np.dtype([("last", "i8"), ("n", "i4"), ("effect", "f8", len(REASONS))])

    @property
    def columns(self) -> int:
        return len(REASONS)

    def _run(self, state: NDArray[Any], slot: I4, t: I8, value: F8) -> F8:
        out = np.empty(len(value))
        trust(state["last"], state["n"], state["effect"], slot, t, value, _TABLE, out)
        return out


_TABLE = np.array([(r.begins, r.full, r.weight, 1000.0 * r.rise_s, 1000.0 * r.fade_s) for r in REASONS])


@njit(cache=True, nogil=True)
def trust(last: I8, n: I4, effect: F8, slot: I4, t: I8, evidence: F8, table: F8, out: F8) -> None:
    """The kernel over rows in order of arrival; ``table``: a row a reason: begins, full, weight, rise, fade in ms."""
    for i in range(len(slot)):
        s = slot[i]
        out[i] = np.nan
        known = False
        for r in range(evidence.shape[1]):
            known = known or usable(evidence[i, r])
        if not known:
            continue
        passed = 0.0
        if n[s] == 0:
            passed = np.inf
            last[s] = t[i]
        elif t[i] > last[s]:
            passed = float(t[i]) - float(last[s])
            last[s] = t[i]
        believed = 1.0
        for r in range(evidence.shape[1]):
            begins, full, weight, rise, fade = table[r]
            fault = 0.0
            if usable(evidence[i, r]):
                fault = min(max((abs(evidence[i, r]) - begins) / (full - begins), 0.0), 1.0)
            now = effect[s, r]
            if passed > 0.0:
                half = min(passed / rise, 1.0) if fault > now else passed / fade
                now = fault + (now - fault) * 0.5**half
                effect[s, r] = now
            believed *= 1.0 - weight * now
        if n[s] > 0:
            out[i] = believed
        n[s] = 1


def impossible(value: F8, low: F8, high: F8) -> F8:
    """Evidence 1 for a reading outside its measuring range or infinite, 0 inside, NaN for none or without a range.

    ``low`` and ``high`` are of the readings' shape or one number, in their unit; NaN where the registry has none.
    """
    out = np.where((value < low) | (value > high) | np.isinf(value), 1.0, 0.0)
    return np.where(np.isnan(value) | ((np.isnan(low) | np.isnan(high)) & ~np.isinf(value)), np.nan, out)


def calibration_age(t: I8, calibrated: F8, every_s: F8) -> F8:
    """Time since the last calibration in registered intervals: 1 is due now; 0 before it; NaN where either is unknown.

    ``calibrated`` is in ms UTC, ``every_s`` in seconds above 0 (others: NaN), both NaN where the registry has none.
    """
    every = np.where(every_s > 0.0, every_s, np.nan)
    age: F8 = np.maximum((t - calibrated) / (1000.0 * every), 0.0)
    return age


@dataclass(frozen=True, slots=True)
class Why:
    """Trust of one asset, and the reasons against it, greatest first, with their shares of the loss (sum 1)."""

    trust: float
    reasons: tuple[tuple[str, float], ...]

    def __str__(self) -> str:
        told = ", ".join(f"{name} {share:.0%}" for name, share in self.reasons)
        return f"{self.trust:.2f}" + (f": {told}" if told else "")


def why(row: np.void) -> Why:
    """Why an asset has the trust that it has; ``row`` is its row of the state, as of its last evidence.

    Shares are of the logarithm of trust, in which the reasons add up. Below a hundredth a reason is not named, and its
    part goes to the others. An asset never heard of has trust NaN and no reasons.
    """
    if row["n"] == 0:
        return Why(float("nan"), ())
    kept = 1.0 - _TABLE[:, 2] * row["effect"]
    loss = -np.log(kept)
    total = float(loss.sum())
    named = [(reason.name, float(x)) for reason, x in zip(REASONS, loss, strict=True) if total > 0 and x >= total / 100]
    whole = sum(x for _, x in named)
    named = [(name, x / whole) for name, x in named] if total > 1e-6 else []
    return Why(float(kept.prod()), tuple(sorted(named, key=lambda pair: (-pair[1], pair[0]))))


class Standing(IntEnum):
    """What becomes of an alarm in view of its asset's trust."""

    VERIFIED = 0
    UNVERIFIED = 1
    """Shown, and said to be unverified (未核实)."""
    HELD = 2
    """Not shown by itself; whoever holds it counts it."""


def weigh(confidence: F8, trust: F8, life_safety: NDArray[np.bool_], floor: float = 0.5) -> tuple[F8, NDArray[np.int8]]:
    """Confidences times trust, and each alarm's :class:`Standing`; a life-safety alarm is never held.

    Below ``floor`` an ordinary alarm is held and a life-safety one is unverified, whatever its confidence. Where trust
    is unknown (NaN) the confidence stays and the alarm, of either class, is unverified: not knowing is no ground to
    hide. The trust of an asset says nothing about what is true: an unverified alarm is to be checked, not doubted away.

    Parameters
    ----------
    confidence, trust : (n,) in [0, 1]; confidence may be NaN and stays so.
    life_safety : (n,) bool.
    floor : least trust at which an alarm counts as verified, in [0, 1].

    Returns
    -------
    (n,) float64 and (n,) int8.

    Raises
    ------
    ValueError : columns of different length, or a floor or trust outside [0, 1].
    """
    within("floor", floor, 0, 1)
    if not confidence.shape == trust.shape == life_safety.shape:
        raise ValueError(f"columns: expected one length, got {confidence.shape}, {trust.shape}, {life_safety.shape}")
    unknown = np.isnan(trust)
    if not ((trust[~unknown] >= 0.0) & (trust[~unknown] <= 1.0)).all():
        raise ValueError(f"trust: expected numbers in [0, 1] or NaN, got {np.nanmin(trust)} to {np.nanmax(trust)}")
    low = ~unknown & (trust < floor)
    standing = np.full(trust.shape, Standing.VERIFIED, np.int8)
    standing[unknown | low] = Standing.UNVERIFIED
    standing[low & ~life_safety] = Standing.HELD
    return np.where(unknown, confidence, confidence * trust), standing
