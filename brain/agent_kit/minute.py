"""What a lane tells the city's agents once a minute: the last values of the assets that reported in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from brain.agent_kit.chosen import Agent
from brain.agent_kit.manifest import Reads
from streams.logic import Beat
from streams.records import I4, Summary
from streams.registry import Registry
from streams.state import Table

PREFIX = "agent:"
"""Begins the name of every summary for an agent: ``agent:<id>:<type>``."""
TIME = "t"
"""Column of the newest value's time, ms UTC; no metric has this name, since metrics of summaries begin with ``v:``."""


class View(NamedTuple):
    """One agent's assets of one type in a lane: rows (assets, metrics) of the tables of minutes and of series."""

    name: str
    assets: list[str]
    metrics: tuple[str, ...]
    minutes: I4
    series: I4


def assets_of(reads: Reads, registry: Registry) -> list[tuple[int, list[int]]]:
    """Assets of a type that have all its metrics, with the series of each metric."""
    code = {name: k for k, name in enumerate(registry.metrics)}
    if reads.type not in registry.types or not set(reads.metrics) <= set(code):
        return []
    out = []
    for a in np.flatnonzero(registry.asset_type == registry.types.index(reads.type)).tolist():
        begin, end = int(registry.first[a]), int(registry.first[a + 1])
        there = {int(registry.series_metric[s]): s for s in range(begin, end)}
        if all(code[name] in there for name in reads.metrics):
            out.append((a, [there[code[name]] for name in reads.metrics]))
    return out


def views(
    agents: Sequence[Agent], source: str, registry: Registry, ours: NDArray[np.bool_], keys: Mapping[int, bytes],
    slot_of: I4, minute: Table, minute_of: I4,
) -> list[View]:  # fmt: skip
    """Of a lane's series ``ours``; ``minute_of`` (series → row of the minute under way) gets theirs."""
    out = []
    for agent in agents:
        m = agent.manifest
        if agent.state != "live" or m.shape != "city" or m.source != source:
            continue
        for reads in m.reads:
            mine = [(a, series) for a, series in assets_of(reads, registry) if ours[series[0]]]
            series = np.array([row for _, row in mine], np.int32).reshape(-1, len(reads.metrics))
            rows = minute.slots([keys[k] for k in series.ravel().tolist()])
            minute_of[series.ravel()] = rows
            name, ids = f"{PREFIX}{m.id}:{reads.type}", [registry.ids[a] for a, _ in mine]
            out.append(View(name, ids, reads.metrics, rows.reshape(series.shape), slot_of[series]))
    return out


def sum_up(beat: Beat, found: Sequence[View], minute: Table, series: Table, index: int) -> list[Summary]:
    """The minute that is over, of each view of which anything came; ``index``: of the first summary."""
    out = []
    for number, view in enumerate(found):
        there = np.flatnonzero(minute.rows["n"][view.minutes].any(axis=1))
        if not len(there):
            continue
        mine = view.series[there]
        t, v = (series.rows[field][mine] for field in ("t", "v"))  # not whole rows, which are wide
        columns = {TIME: t.max(axis=1).astype("<f8").tobytes()}
        value = np.where(t > 0, v, np.nan)
        for k, metric in enumerate(view.metrics):
            columns[f"v:{metric}"] = value[:, k].astype("<f8").tobytes()
        keys = list(map(view.assets.__getitem__, there.tolist()))
        out.append(Summary(view.name, beat.minute(), beat.offset, index + number, keys, columns))
    return out
