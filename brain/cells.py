"""What a lane of series makes of the scenarios of a set: which of its series each one judges, by which rule."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from brain.reach import Reach
from brain.scenario import Scenario
from brain.scored import SIDES, Model, table_of
from models.decision import RULE, RUNG
from streams.records import I4
from streams.registry import Registry
from streams.state import Store

SEPARATOR = b"\x1f"


def deciding(scenarios: list[Scenario], cell_rule: I4, own: list[bytes]) -> list[bytes]:
    """Keys of the cells' decisions: the cell's own, but one for all inputs of an asset that are judged together."""
    together = [r for r, s in enumerate(scenarios) if len(s.metrics()) > 1]
    if not together:
        return own
    shared = np.isin(cell_rule, together).tolist()
    return [
        key.rpartition(SEPARATOR)[0] + SEPARATOR if both else key for key, both in zip(own, shared, strict=True)
    ]  # fmt: skip


def matching(
    scenarios: list[Scenario], registry: Registry, ours: NDArray[np.bool_], reach: Reach | None = None
) -> tuple[I4, I4]:
    """Scenario and series of each cell, cells of a series together, in the order of scenarios."""
    types = {name: k for k, name in enumerate(registry.types)}
    metrics = {name: k for k, name in enumerate(registry.metrics)}
    kind = registry.asset_type[registry.series_asset]
    rule, series = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
    for r, s in enumerate(scenarios):
        wanted = kind == types.get(s.match.type, -1)
        wanted &= np.isin(registry.series_metric, [metrics.get(m, -1) for m in s.metrics()])
        there = None if reach is None else reach.assets(s)
        if there is not None:
            wanted &= there[registry.series_asset]
        found = np.flatnonzero(wanted & ours).astype(np.int32)
        series.append(found)
        rule.append(np.full(len(found), r, np.int32))
    all_rules, all_series = np.concatenate(rule), np.concatenate(series)
    order = np.lexsort((all_rules, all_series))
    return all_rules[order], all_series[order]


def detectors_of(scenarios: list[Scenario], store: Store, cells: NDArray[Any], keys: list[bytes]) -> list[Model]:
    """Detectors of scenarios; each of their ``cells``, of these keys, gets its row."""
    made = []
    for number, s in enumerate(scenarios):
        model, several, side = s.model(), s.combined(), SIDES[s.detect.side]
        mine = np.flatnonzero(cells["rule"] == number)
        if model is not None:
            name = table_of(s.detect.detector or "", model)
            cells["model"][mine] = store.table(name).slots([keys[c] for c in mine])
            made.append(Model(number, model, name, side))
        elif several is not None:
            cells["model"][mine] = np.arange(len(mine))
            made.append(Model(number, None, "", side, several.bind(store, [keys[c] for c in mine])))
    return made


def decisions_of(scenarios: list[Scenario]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The decisions of scenarios, and the rungs of their ladders, as the kernel reads them."""
    made, rungs = np.zeros(len(scenarios), RULE), list[tuple[float, int]]()
    for rule, scenario in zip(made, scenarios, strict=True):
        scenario.decision().write(rule, rungs)
        ewma = scenario.ewma()
        if ewma is not None:
            rule["alpha"], rule["warmup"] = ewma.alpha, ewma.warmup
    return made, np.array(rungs, RUNG)
