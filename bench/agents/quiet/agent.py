"""As ``by_row``, and it says which rows change nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.agents.by_row.agent import STATE, decide, features
from brain.agent_kit import Rows, World

__all__ = ["STATE", "decide", "features", "quiet"]


def quiet(rows: Rows, state: NDArray[Any], world: World) -> NDArray[np.bool_]:
    """Not above the bound, and neither was the reading before, nor does anything stand."""
    mine = state[rows.asset]
    quiet: NDArray[np.bool_] = (rows.values["water_level"] <= world.params["over"]) & (mine["run"] + mine["on"] == 0)
    return quiet
