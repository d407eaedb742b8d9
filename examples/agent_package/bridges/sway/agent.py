"""sway: what holds after each record, by its value and how long it has been so."""

import numpy as np

from brain.agent_kit import Verdict

STATE = np.dtype([("since", "i8")])
"""Of each asset: since when the value is above the bound, ms; 0: it is not."""


def quiet(rows, state, world):
    """Not above the bound, and it was not before: nothing changes, and there is nothing to say."""
    return (rows.values["sway"] <= world.params["over"]) & (state["since"][rows.asset] == 0)


def features(rows, world):
    """Of each record by itself: how far above the bound."""
    return {"over": rows.values["sway"] - world.params["over"]}


def decide(rows, features, state, world):
    """Each record after the one before it of the same asset."""
    over = features["over"]
    level, seconds = np.zeros(len(rows), np.int8), np.zeros(len(rows))
    for i, a in enumerate(rows.asset):
        if not np.isfinite(over[i]):
            level[i] = -1
            continue
        if over[i] <= 0:
            state["since"][a] = 0
            continue
        state["since"][a] = state["since"][a] or rows.t[i]
        seconds[i] = (rows.t[i] - state["since"][a]) / 1000
        level[i] = 2
    return Verdict(level, value=rows.values["sway"], facts={"over": over, "for_s": seconds})
