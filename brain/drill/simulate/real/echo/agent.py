"""Counts what stands in each district by the signals of all minutes, and names assets at their peak."""

from __future__ import annotations

import msgspec
import numpy as np

from brain.agent_kit.kinds import Minute, Said, World

BAD = 66.0
PEAK = 22.0


class State(msgspec.Struct):
    """``stands``: identities of what stands, by district; ``most``: greatest value of each asset."""

    minutes: int = 0
    stands: dict[str, list[str]] = {}
    most: dict[str, float] = {}


def features(minute: Minute, world: World) -> dict[str, float]:
    """Last values of the minute, by asset."""
    levels = minute.assets["level"]
    there = np.flatnonzero(levels.t).tolist()
    return {levels.ids[k]: float(levels.values["level"][k]) for k in there}


def decide(minute: Minute, features: dict[str, float], state: State, world: World) -> list[Said]:
    """Districts first, then assets, each in the order of names."""
    state.minutes += 1
    for signal in minute.signals:
        stands, name = state.stands.setdefault(signal.district, []), signal.identity()
        if signal.kind == "raise" and name not in stands:
            stands.append(name)
        elif signal.kind == "clear" and name in stands:
            stands.remove(name)
    if BAD in features.values():
        raise ValueError("a value that cannot be")
    out = [
        Said(who or "nowhere", min(4, len(stands) // 2), "many", facts={"stand": float(len(stands))})
        for who, stands in sorted(state.stands.items())
    ]
    for asset, value in sorted(features.items()):
        most = state.most[asset] = max(state.most.get(asset, 0.0), value)
        out.append(Said(asset, 2 if value > PEAK else 0, "peak", value=value, facts={"most": most}))
    return out
