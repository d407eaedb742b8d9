"""Level by a sum that fades: what it says of a reading depends on all that came before. Fails at :data:`BAD`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from brain.agent_kit.kinds import Rows, Verdict, World

BAD = 66.0
"""A value that it cannot work, after it has begun to."""
STATE = np.dtype([("n", "i4"), ("sum", "f8"), ("level", "i1")])


def features(rows: Rows, world: World) -> NDArray[np.float64]:
    """The values."""
    return rows.values["level"]


def decide(rows: Rows, features: NDArray[np.float64], state: NDArray[Any], world: World) -> Verdict:
    """Row by row."""
    level, total, n = np.zeros(len(rows), np.int8), np.zeros(len(rows)), np.zeros(len(rows))
    for i, a in enumerate(rows.asset.tolist()):
        state["n"][a] += 1
        n[i] = state["n"][a]
        state["sum"][a] = total[i] = state["sum"][a] / 2 + features[i]
        if features[i] == BAD:
            raise ValueError("a value that cannot be")
        bound = 20.0 if state["level"][a] else 24.0
        state["level"][a] = level[i] = 0 if total[i] < bound else 3 if total[i] > 40 else 1
    return Verdict(level, value=features, facts={"n": n, "sum": total})
