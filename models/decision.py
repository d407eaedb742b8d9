"""From a number to a decision: threshold, duration, hysteresis, and a ladder of levels; apart from any score.

Conditions are compiled to rows of :data:`RULE`, in which high is always worse: for "below" values and bounds change
sign, for a deviation the magnitude of the score counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

F8 = NDArray[np.float64]

RULE = np.dtype(
    [
        ("kind", "i4"), ("readings", "i4"), ("ms", "i8"), ("at", "f8"), ("clear", "f8"), ("clears", "i4"),
        ("quiet", "i8"), ("level", "i4"), ("rung", "i4"), ("rungs", "i4"), ("alpha", "f8"), ("warmup", "i4"),
        ("hours", "i8"),
    ],
    align=True,
)  # fmt: skip
RUNG = np.dtype([("at", "f8"), ("level", "i8")])
DECISION_STATE = np.dtype(
    [
        ("since", "i8"), ("onset", "i8"), ("offset", "i8"), ("up", "i8"), ("index", "i4"), ("count", "i4"),
        ("run", "i4"), ("level", "i4"),
    ]
)  # fmt: skip
"""State of one condition; all zeros is "never met".

``run`` readings in a row meet it, the first at ``since``; while ``level`` is not 0 it is raised: since ``onset``, by
the value ``index`` of the record at ``offset``, with ``count`` signals so far, last met at up-time ``up``.
"""

ABOVE, BELOW, DEVIATION, SCORE, SILENT = 0, 1, 2, 3, 4
"""What a condition looks at: the value, the magnitude of a score that is made in the same pass, a score that another
pass made, or nothing at all: silence, which no value meets."""
KINDS = {"above": ABOVE, "below": BELOW, "deviation": DEVIATION, "score": SCORE, "silent": SILENT}
OTHERWISE, VALUE, NEVER = 0, 1, 2
"""How values clear: as soon as the condition does not hold, below a bound of its own, or not at all (quiet only)."""

SAME, CHANGED, RAISE, UPDATE, CLEAR = 0, 1, 2, 3, 4

AHEAD = 128
"""Readings whose rows are fetched together."""


@dataclass(frozen=True, slots=True)
class Decision:
    """When a condition is raised, escalated and cleared.

    Raised by the reading that completes the duration, cleared by the first one past ``clear``. The level only rises
    while raised (a reading that falls back within the condition does not lower it). An unknown value (NaN) neither
    meets nor clears, and interrupts a duration.

    Parameters
    ----------
    kind : above (v > at), below (v < at), deviation and score (|v| >= at; the caller turns the sign of a score of which
        one side counts), silent (``at`` seconds of up-time without a reading; the caller watches it).
    at : the threshold.
    readings, seconds : the duration; both must be reached. Time is that of the readings.
    clear : bound of the hysteresis, on the safe side of ``at``; None: clears as soon as the condition does not hold.
    quiet_s : clears by silence instead: not met for so many seconds of up-time. The caller watches it.
    level : level of a raise, 1 (lowest) to 4.
    ladder : (at, level), each worse than the one before.
    """

    kind: Literal["above", "below", "deviation", "score", "silent"]
    at: float
    readings: int = 1
    seconds: float = 0.0
    clear: float | None = None
    quiet_s: float | None = None
    level: int = 1
    ladder: Sequence[tuple[float, int]] = ()

    def __post_init__(self) -> None:
        sign = -1.0 if self.kind == "below" else 1.0
        if self.readings < 1:
            raise ValueError(f"readings: expected at least 1, got {self.readings}")
        if self.clear is not None and sign * self.clear > sign * self.at:
            raise ValueError(f"clear: expected the safe side of {self.at}, got {self.clear}")
        at, level = sign * self.at, self.level
        for rung_at, rung_level in self.ladder:
            if sign * rung_at <= at or not level < rung_level <= 4:
                raise ValueError(f"levels: expected each worse and higher (to 4), got at {rung_at} level {rung_level}")
            at, level = sign * rung_at, rung_level

    def write(self, rule: Any, rungs: list[tuple[float, int]]) -> None:
        """Fill one row of :data:`RULE`; the ladder is appended to ``rungs``, rows of :data:`RUNG`."""
        sign = -1.0 if self.kind == "below" else 1.0
        rule["kind"] = KINDS[self.kind]
        rule["readings"], rule["ms"], rule["at"] = self.readings, round(self.seconds * 1000), sign * self.at
        rule["clears"] = NEVER if self.quiet_s is not None else OTHERWISE if self.clear is None else VALUE
        rule["clear"] = 0.0 if self.clear is None else sign * self.clear
        rule["quiet"] = 0 if self.quiet_s is None else round(self.quiet_s * 1000)
        rule["level"], rule["rung"], rule["rungs"] = self.level, len(rungs), len(self.ladder)
        rungs += [(sign * at, level) for at, level in self.ladder]

    def compile(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """One-row rule table and its rungs, for use with :func:`decide`."""
        rules, rungs = np.zeros(1, RULE), list[tuple[float, int]]()
        self.write(rules[0], rungs)
        return rules, np.array(rungs, RUNG)


@njit(cache=True, inline="always")
def meets(rules: NDArray[Any], r: int, x: float) -> bool:
    """Whether a value meets the condition of rule r; an unknown one does not."""
    return bool(x >= rules[r].at if rules[r].kind in (DEVIATION, SCORE) else x > rules[r].at)


@njit(cache=True, inline="always")
def decide_step(rules: NDArray[Any], r: int, rungs: NDArray[Any], state: NDArray[Any], s: int, x: float, t: int) -> int:
    """Take one value into a condition; ``x`` is already turned so that high is worse.

    Answers SAME, CHANGED (the state has to be kept, nothing to tell), RAISE, UPDATE or CLEAR. The caller keeps
    ``offset``, ``index``, ``count`` and ``up``.
    """
    rule, row = rules[r], state[s]
    holds = meets(rules, r, x)
    if row.level == 0:
        if not holds:
            if row.run == 0:
                return SAME
            row.run = 0
            row.since = 0
            return CHANGED
        if row.run == 0:
            row.since = t
        row.run += 1
        if row.run < rule.readings or t - row.since < rule.ms:
            return CHANGED
        row.onset = t
        row.level = _level(rule, rungs, x)
        return RAISE
    if holds:
        level = _level(rule, rungs, x)
        if level > row.level:
            row.level = level
            return UPDATE
        return SAME
    if (rule.clears == VALUE and x < rule.clear) or (rule.clears == OTHERWISE and not np.isnan(x)):
        row.level = 0
        row.run = 0
        row.since = 0
        return CLEAR
    return SAME


@njit(cache=True)
def _level(rule: Any, rungs: NDArray[Any], x: float) -> int:
    level: int = rule.level
    for k in range(rule.rung, rule.rung + rule.rungs):
        if x > rungs[k].at or (rule.kind in (DEVIATION, SCORE) and x == rungs[k].at):
            level = rungs[k].level
    return level


@njit(cache=True, nogil=True)
def decide(rules: NDArray[Any], rungs: NDArray[Any], state: NDArray[Any], x: F8, t: NDArray[np.int64],
           out: NDArray[np.int64]) -> None:  # fmt: skip
    """One condition over the readings of one series: what each led to, into ``out``."""
    decide_rows(rules, rungs, state, np.zeros(len(x), np.int32), x, t, out)


@njit(cache=True, nogil=True)
def decide_rows(rules: NDArray[Any], rungs: NDArray[Any], state: NDArray[Any], slot: NDArray[np.int32], x: F8,
                t: NDArray[np.int64], out: NDArray[np.int64]) -> None:  # fmt: skip
    """One condition over readings of many series in order of arrival; ``slot`` is each one's row of the state."""
    kind = rules[0].kind
    for a in range(0, len(x), AHEAD):
        b = min(a + AHEAD, len(x))
        raised = 0
        for i in range(a, b):  # asks for the rows of many series at once: one by one the memory is waited for
            raised += state[slot[i]].level
        for i in range(a, b):
            v = -x[i] if kind == BELOW else abs(x[i]) if kind == DEVIATION else x[i]
            # No value that does not meet changes a series that is neither raised nor on its way there.
            if raised == 0 and not meets(rules, 0, v) and state[slot[i]].run == 0:
                out[i] = SAME
            else:
                out[i] = decide_step(rules, 0, rungs, state, slot[i], v, t[i])
                raised = 1
