"""What a lane tells the city task once a minute, for conditions on many assets or on several metrics of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from brain.kernel import MINUTE_STATE
from brain.scenario import Scenario
from streams.logic import Beat
from streams.records import I4, Summary
from streams.registry import Registry
from streams.state import Table

SUMMARY_INDEX = 1 << 29
"""Index of a beat's first summary: above those of all signals."""


class MinuteView(NamedTuple):
    """One scenario's: assets, columns, and rows (assets, columns) of the tables of minutes and of series."""

    name: str
    assets: list[str]
    columns: tuple[str, ...]
    minutes: I4
    series: I4


def views(
    scenarios: list[Scenario], registry: Registry, ours: NDArray[np.bool_], keys: Mapping[int, bytes], slot_of: I4,
    minute: Table,
) -> tuple[list[MinuteView], I4]:  # fmt: skip
    """The views of a lane with series ``ours``, and series → row of the minute under way, -1 where none needs it."""
    minute_of = np.full(len(ours), -1, np.int32)
    out = []
    for s in scenarios:
        mine = [(asset, series) for asset, series in assets_of(s, registry) if ours[series[0]]]
        names = s.match.metrics or ("last",)
        series = np.array([row for _, row in mine], np.int32).reshape(-1, len(names))
        rows = minute.slots([keys[k] for k in series.ravel().tolist()])
        minute_of[series.ravel()] = rows
        assets = [asset for asset, _ in mine]
        out.append(MinuteView(s.id, assets, names, rows.reshape(series.shape), slot_of[series]))
    return out, minute_of


def assets_of(s: Scenario, registry: Registry) -> list[tuple[str, list[int]]]:
    """Assets of a scenario's type that have all its metrics, with the series of each, sorted."""
    wanted = s.match.metrics or (s.match.metric,)
    if s.match.type not in registry.types or not set(wanted) <= set(registry.metrics):
        return []
    codes = [registry.metrics.index(metric) for metric in wanted]
    out = []
    for a in np.flatnonzero(registry.asset_type == registry.types.index(s.match.type)).tolist():
        begin, end = int(registry.first[a]), int(registry.first[a + 1])
        there = dict(zip(registry.series_metric[begin:end].tolist(), range(begin, end), strict=True))
        if all(code in there for code in codes):
            out.append((registry.ids[a], [there[code] for code in codes]))
    return out


def sum_up(
    beat: Beat, found: list[MinuteView], minute: Table, series: Table, first: int = SUMMARY_INDEX
) -> list[Summary]:
    """The minute that is over, of each view of which anything came; ``first`` is the first summary's index.

    One metric gives the last value and the number of the minute's; several give each one's last value whenever it came,
    NaN where it never did.
    """
    out = []
    for number, view in enumerate(found, first):
        n = minute.rows["n"][view.minutes]
        there = np.flatnonzero(n.any(axis=1))
        if not len(there):
            continue
        if view.columns == ("last",):
            rows = view.minutes[there, 0]
            columns = {field: minute.rows[field][rows].astype("<f8").tobytes() for field in ("last", "n")}
        else:
            known = series.rows[view.series[there]]
            last = np.where(known["t"] > 0, known["v"], np.nan)
            columns = {name: last[:, k].astype("<f8").tobytes() for k, name in enumerate(view.columns)}
        keys = [view.assets[i] for i in there.tolist()]
        out.append(Summary(view.name, beat.minute(), beat.offset, number, keys, columns))
    return out


def clear(minute: Table) -> None:
    """The next minute begins at nothing."""
    used = minute.rows[: minute.n]
    fields = [name for name in MINUTE_STATE.names or () if name != "last"]
    done = np.flatnonzero(np.any([used[name] != 0 for name in fields], axis=0))
    for name in fields:
        minute.rows[name][done] = 0
    minute.dirty[done] = 1
