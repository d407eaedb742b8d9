"""As ``by_row``, its loop compiled."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bench.agents.by_row.agent import STATE, features
from brain.agent_kit import Rows, Verdict, World
from brain.agent_kit.columns import numbers

__all__ = ["COMPILED", "STATE", "decide", "features"]
COMPILED = True


class Params(NamedTuple):
    """Of the manifest."""

    over: float
    back: float
    readings: float


def decide(rows: Rows, features: NDArray[np.float64], state: NDArray[Any], world: World) -> Verdict:
    """Each reading after the one before it."""
    level = np.full(len(rows), -1, np.int8)
    _loop(rows.asset, features, state, numbers(Params, world.params), level)
    return Verdict(level, value=features)


@njit(cache=True, nogil=True)
def _loop(asset: Any, value: Any, state: Any, p: Any, level: Any) -> None:
    for i in range(len(asset)):
        v, s = value[i], state[asset[i]]
        if not np.isfinite(v):
            continue
        s["run"] = s["run"] + 1 if v > p.over else 0
        s["on"] = not v < p.back if s["on"] else s["run"] >= p.readings
        level[i] = 2 if s["on"] else 0
