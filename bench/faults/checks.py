"""What raises the alarms: the production detectors with one setting each, and the plain checks beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.faults.corpus import METRICS
from bench.faults.inject import LEARN
from models.decision import DECISION_STATE, RAISE, Decision, decide_rows
from models.detector import Detector
from models.drift import Drift
from models.flatline import Flatline
from models.neighbours import NeighbourDisagreement
from models.silence import Silence
from models.skew import ClockSkew
from models.spike import Spike

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
Bool = NDArray[np.bool_]

RANGES = {"PM2.5": 1000.0, "PM10": 1000.0, "SO2": 1400.0, "NO2": 1000.0, "CO": 60_000.0, "O3": 1000.0}
"""Measuring ranges of the usual monitors in ug/m3, from 0, rounded."""


@dataclass(frozen=True)
class Check:
    """A name, how it is set, and what makes of values (stations, metrics, hours) the rows in which an alarm begins."""

    name: str
    setting: str
    alarms: Callable[[F8, I8], Bool]


def ours(stations: int) -> Mapping[str, Check]:
    """The detectors of models/ by the kind of fault that each is asked for."""
    others = tuple(tuple(b for b in range(stations) if b != a) for a in range(stations))
    flat = Flatline(least=11)
    absent = Silence(every_s=3600.0)
    spike = Spike(others, every_s=3600.0)
    skew = ClockSkew(others)
    apart = NeighbourDisagreement(others, alpha=0.0002, warmup=240)
    drift = Drift(fast=0.01, slow=0.0005, warmup=720, limit=3.0)
    return {
        "flat": _decided("Flatline", flat, one_by_one(flat), "above", 1.0),
        "drift": _decided(
            "Drift of NeighbourDisagreement", (apart, drift),
            lambda value, t: one_by_one(drift)(together(apart)(value, t), t), "deviation", 32.0, 10.0,
        ),
        "spike": _decided("Spike", spike, together(spike), "deviation", 11.0),
        "skew": _decided("ClockSkew", skew, together(skew), "deviation", 0.35, 0.1),
        "missing": _decided("Silence", absent, one_by_one(absent), "above", 6.5),
    }  # fmt: skip


def one_by_one(model: Detector) -> Callable[[F8, I8], F8]:
    """Scores of a detector for single series; rows hour by hour, as they arrive."""

    def score(value: F8, t: I8) -> F8:
        keys, hours = value.shape[0] * value.shape[1], value.shape[2]
        slot = np.tile(np.arange(keys, dtype=np.int32), hours)
        rows = np.ascontiguousarray(value.reshape(keys, hours).T).ravel()
        got = model.score(np.zeros(keys, model.state), slot, np.repeat(t, keys), rows)
        return np.ascontiguousarray(got.reshape(hours, keys).T).reshape(value.shape)

    return score


def together(model: Detector) -> Callable[[F8, I8], F8]:
    """Scores of a detector whose row is one moment of all stations; a metric is a group."""

    def score(value: F8, t: I8) -> F8:
        stations, metrics, hours = value.shape
        slot = np.tile(np.arange(metrics, dtype=np.int32), hours)
        rows = np.ascontiguousarray(value.transpose(2, 1, 0)).reshape(hours * metrics, stations)
        got = model.score(np.zeros(metrics, model.state), slot, np.repeat(t, metrics), rows)
        return np.ascontiguousarray(got.reshape(hours, metrics, stations).transpose(2, 1, 0))

    return score


def _decided(
    name: str, about: object, score: Callable[[F8, I8], F8], kind: Literal["above", "deviation"], at: float,
    clear: float | None = None,
) -> Check:  # fmt: skip
    """A detector's scores through the production's decision: an alarm is a raise."""
    decision = Decision(kind, at, clear=clear)
    rules, rungs = decision.compile()

    def alarms(value: F8, t: I8) -> Bool:
        scores = score(value, t)
        keys, hours = scores.shape[0] * scores.shape[1], scores.shape[2]
        x = np.ascontiguousarray(scores.reshape(keys, hours).T).ravel()
        slot = np.tile(np.arange(keys, dtype=np.int32), hours)
        out = np.empty(len(x), np.int64)
        decide_rows(rules, rungs, np.zeros(keys, DECISION_STATE), slot, x, np.repeat(t, keys), out)
        raised: Bool = (out.reshape(hours, keys).T == RAISE).reshape(value.shape)
        return raised

    return Check(f"ours: {name}", f"{about}, {kind} {at}" + (f", clears at {clear}" if clear else ""), alarms)


def repeat(hours: int) -> Check:
    """Alarm at the reading that is the ``hours``-th equal one in a row; gaps between them do not end the run."""

    def alarms(value: F8, t: I8) -> Bool:
        out = np.zeros(value.shape, bool)
        for at in np.ndindex(value.shape[:2]):
            x = value[at]
            there = np.flatnonzero(~np.isnan(x))
            fresh = np.flatnonzero(np.concatenate([[True], np.diff(x[there]) != 0.0])) if len(there) else there
            length = np.diff(np.append(fresh, len(there)))
            out[at][there[fresh[length >= hours] + hours - 1]] = True
        return out

    return Check(f"plain: {hours} equal in a row", "", alarms)


def _begins(bad: Bool) -> Bool:
    begin = bad.copy()
    begin[..., 1:] &= ~bad[..., :-1]
    return begin


def _measuring(value: F8, t: I8) -> Bool:
    top = np.array([RANGES[metric] for metric in METRICS])[None, :, None]
    return _begins((value < 0.0) | (value > top))


def _seen(value: F8, t: I8) -> Bool:
    past = value[..., :LEARN]
    low, high = np.fmin.reduce(past, axis=2), np.fmax.reduce(past, axis=2)
    return _begins((value < low[..., None]) | (value > high[..., None]))


RANGE = Check("plain: measuring range", "", _measuring)
SEEN = Check("plain: range of the first 90 days", "", _seen)
PLAIN: Mapping[str, tuple[Check, ...]] = {
    "flat": (repeat(4), repeat(12)),
    "drift": (RANGE, SEEN),
    "spike": (RANGE, SEEN),
    "skew": (RANGE, SEEN),
    "missing": (RANGE, repeat(4)),
}
"""What plain checks there are for a kind; none of them is made for skew or missing, which the table shows."""
