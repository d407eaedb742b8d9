"""Exposure over the limit is an area in degree-minutes; failing cold is a steady rise, which door and defrost have not.

Does not see the goods: exposure is of the air at the probe. A freezer that fails before it was known as one is taken as
chilled. Readings further apart than :data:`kernel.GAP_MIN` count for that long only, and give no slope. A store that
was too warm, or about to be, and is not heard of for long is told, once; one that falls silent in good order is not.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from brain.agent_kit import Rows, Verdict, World
from brain.agent_kit.columns import numbers, rounded
from brain.agents.market.cold_kitchen import kernel
from brain.agents.market.cold_kitchen.kernel import MINUTE_MS, STATE

__all__ = ["COMPILED", "STATE", "decide", "features", "wake"]
COMPILED = True
HOUR_MS, CHINA_MS, DAY_HOURS = 3_600_000, 8 * 3_600_000, 24
USUAL_MIN, NIGHTS_MIN = 24 * 60.0, 7 * 8 * 60.0
"""Time constants of a store's usual temperature and of a kitchen's usual night, minutes of readings."""
EVENTS = ("warm", "failing", "silent", "unattended")
SIGNS = np.array(["", "fume", "heat", "fume and heat"])


class Limits(NamedTuple):
    """Columns by record: temperatures in °C."""

    chilled: NDArray[np.float64]
    frozen: NDArray[np.float64]


def features(rows: Rows, world: World) -> dict[str, Any]:
    """Limits by the table of each record's own day, and the hour by China's clocks."""
    standard = world.standards["market.temperature"]
    edition = standard.edition(rows.t)
    high = {
        kind: np.array([*(table.number(kind, "high_c") for table in standard.tables), np.nan])[edition]
        for kind in ("chilled", "frozen")
    }
    hour = (rows.t + CHINA_MS) // HOUR_MS % DAY_HOURS
    a, b = world.params["night_from"], world.params["night_to"]
    night = (hour >= a) & (hour < b) if a <= b else (hour >= a) | (hour < b)
    return {"limits": Limits(high["chilled"], high["frozen"]), "night": night}


def decide(rows: Rows, features: dict[str, Any], state: NDArray[Any], world: World) -> Verdict:
    """Each record after the one before it of the same asset."""
    n, p = len(rows), world.params
    cold, fume, heat = (rows.values[name] for name in ("cold_temperature", "fume", "kitchen_temperature"))
    kitchen = rows.kind == kernel.KITCHEN
    gone = kernel.apart(rows.asset, rows.kind, rows.t, cold, state)
    learnt = 1 - np.exp(-gone / np.where(kitchen, NIGHTS_MIN, USUAL_MIN))
    told, limits = kernel.Told.nothing(n), features["limits"]
    kernel.judge(
        rows.asset, rows.kind, rows.t, cold, fume, heat, limits.chilled, limits.frozen, features["night"], gone,
        learnt, state, numbers(kernel.Params, p, two=2.0), told,
    )  # fmt: skip
    heard = ~kitchen & np.isfinite(cold)
    level = {
        "warm": told.warm, "failing": told.failing, "silent": np.where(heard, 0, -1), "unattended": told.unattended,
    }  # fmt: skip
    until = rows.t + round(p["silent_min"] * MINUTE_MS)
    facts = {
        "degree_minutes": np.rint(told.exposure), "minutes_over": np.rint(told.over), "limit_c": told.limit,
        "temperature_c": told.temperature, "slope_c_h": rounded(told.slope, 1), "rise_c": rounded(told.rise, 1),
        "minutes_to_limit": np.rint(told.left), "minutes_hot": np.rint(told.hot), "fume_mg_m3": told.fume,
        "kitchen_c": told.heat, "signs": SIGNS[told.signs],
    }  # fmt: skip
    value = {"warm": facts["degree_minutes"], "failing": facts["slope_c_h"], "unattended": facts["fume_mg_m3"]}
    return Verdict(level, value, facts=facts, wake=np.where(heard, np.where(told.waits, until, 0), -1))


def wake(rows: Rows, state: NDArray[Any], world: World) -> Verdict:
    """Nothing came for ``silent_min`` of a store that was too warm or failing: it says so, until its next reading."""
    level = {name: np.full(len(rows), -1, np.int8) for name in EVENTS}
    mine = state[rows.asset]
    level["silent"] = np.where(mine["warm"] >= 3, 3, 2).astype(np.int8)
    minutes = np.round((rows.t - mine["t"]) / MINUTE_MS)
    facts = {"minutes_silent": minutes, "temperature_c": mine["v"], "degree_minutes": np.round(mine["exposure"])}
    return Verdict(level, {"silent": minutes}, facts=facts)
