"""Three readings above a bound, until one is below another: a plain loop over the rows, as is written first."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from brain.agent_kit import Rows, Verdict, World

STATE = np.dtype([("run", "i4"), ("on", "u1")])


def features(rows: Rows, world: World) -> NDArray[np.float64]:
    """Metres."""
    return rows.values["water_level"]


def decide(rows: Rows, features: NDArray[np.float64], state: NDArray[Any], world: World) -> Verdict:
    """Each reading after the one before it."""
    over, back, enough = (world.params[name] for name in ("over", "back", "readings"))
    level = np.full(len(rows), -1, np.int8)
    for i, a in enumerate(rows.asset):
        v, s = features[i], state[a]
        if not np.isfinite(v):
            continue
        s["run"] = s["run"] + 1 if v > over else 0
        s["on"] = not v < back if s["on"] else s["run"] >= enough
        level[i] = 2 if s["on"] else 0
    return Verdict(level, value=features)
