"""As the version before, with the greatest sum of each asset as evidence; the state of both is carried over by name."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from brain.agent_kit.kinds import Rows, Verdict, World
from brain.drill.simulate.real.tally import agent as before

STATE = np.dtype([("most", "f8"), ("n", "i4"), ("sum", "f8"), ("level", "i1")])
features = before.features


def decide(rows: Rows, features: NDArray[np.float64], state: NDArray[Any], world: World) -> Verdict:
    """Row by row."""
    said, most = before.decide(rows, features, state, world), np.zeros(len(rows))
    for i, a in enumerate(rows.asset.tolist()):
        state["most"][a] = most[i] = max(state["most"][a], said.facts["sum"][i])
    return Verdict(said.level, value=features, facts={**said.facts, "most": most})
