"""Asset trust 设备可信度 in a lane: what minutes say against its own assets, and what of that an alarm is told with.

Of a minute only what is faulty travels: an asset against which nothing speaks costs the city task nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from brain.sets import CitySet
from brain.trust import BEGINS, COLUMN, MODEL, NAME, Trust, faded, learn, metrics_of, told
from models.detector import F8, Detector
from models.flatline import Flatline
from models.noise import Noise
from models.trust import REASONS
from streams.logic import Beat, View
from streams.records import I4, Dead, Signal, Summary
from streams.registry import Registry
from streams.state import Store, Table

CHUNK = 4096
"""Assets in one summary: a record stays well below Kafka's megabyte."""
SUSPECT = "suspect"
"""Table of the assets against which something spoke: the state of their trust, by asset id."""
TABLES = {SUSPECT: np.dtype([("last", "i8"), ("n", "i4"), *((reason.name, "f8") for reason in REASONS)])}
"""The model's state with a name for each effect, so that a release with another reason reads it."""


class _Judge(NamedTuple):
    """A detector over some of the watched series: their places, its reason's column, its table and its rows there."""

    model: Detector
    column: int
    table: str
    at: I4
    slots: I4


class Evidence:
    """What one lane can say against its own assets, compiled for one set; ``ours`` (series,) are the lane's."""

    def __init__(self, trust: Trust, registry: Registry, ours: NDArray[np.bool_], store: Store, minute: Table) -> None:
        chosen = np.zeros(len(ours), bool)
        clock_ms, ranged = np.full(len(ours), np.nan), np.zeros(len(ours), bool)
        wanted: list[tuple[str, int, Detector, NDArray[np.bool_]]] = []
        kind = registry.asset_type[registry.series_asset]
        for name, one in sorted(trust.types.items()):
            metrics = [registry.metrics.index(m) for m in metrics_of(registry, name, one)]
            if not metrics:
                continue
            mine = ours & (kind == registry.types.index(name)) & np.isin(registry.series_metric, metrics)
            if one.flatline is not None:
                wanted.append(("model.flatline", COLUMN["flatline"], Flatline(**one.flatline), mine))
            if one.noise is not None:
                wanted.append(("model.noise", COLUMN["noise"], Noise(**one.noise), mine))
            ranged |= mine & one.impossible
            if one.clock_s is not None:
                clock_ms[mine] = 1000.0 * one.clock_s
            if one.flatline is not None or one.noise is not None or one.impossible or one.clock_s is not None:
                chosen |= mine
        self.series = np.flatnonzero(chosen)
        self._ids, self._asset = registry.ids, registry.series_asset[self.series]
        keys = [registry.series_key(int(s)) for s in self.series]
        self.rows = minute.slots(keys)
        self._row_of = np.full(len(ours), -1, np.int32)
        self._row_of[self.series] = self.rows
        self._clock_ms, self._ranged = clock_ms[self.series], ranged[self.series]
        self._store = store
        self.suspects = Suspects(trust, registry, store.table(SUSPECT))
        self._judges = []
        for table, column, model, mine in wanted:
            at = np.flatnonzero(mine[self.series]).astype(np.int32)
            slots = store.table(table).slots([f"{NAME}\x1f".encode() + keys[k] for k in at.tolist()])
            self._judges.append(_Judge(model, column, table, at, slots))

    @cached_property
    def _place(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return np.unique(self._asset, return_inverse=True)

    def warm(self) -> None:
        """Have the kernels compiled, or loaded."""
        self.suspects.warm()
        for j in self._judges:
            none = np.zeros(0, np.int32)
            j.model.score(self._store.table(j.table).rows, none, np.zeros(0, np.int64), np.zeros(0))

    def count(self, dead: list[Dead], end: int, minute: Table) -> list[Dead]:
        """Count the readings outside their range that came before row ``end``; answers the others."""
        for d in dead:
            row = int(self._row_of[d.series])
            if d.row < end and row >= 0:
                minute.rows["wrong"][row] += 1
                minute.dirty[row] = 1
        return [d for d in dead if d.row >= end]

    def sum_up(self, beat: Beat, minute: Table, index: int) -> list[Summary]:
        """The assets against which the minute that is over speaks, by number; ``index`` is the first summary's."""
        t = beat.minute()
        row = minute.rows[self.rows]
        spoke = row["n"] > 0
        found = np.full((len(self.series), len(REASONS)), np.nan)
        for j in self._judges:
            here = spoke[j.at]
            slots, table = j.slots[here], self._store.table(j.table)
            values = row["last"][j.at[here]]
            score = j.model.score(table.rows, slots, np.full(len(slots), t, np.int64), values)
            table.dirty[slots] = 1
            found[j.at[here], j.column] = np.abs(score)
        found[self._ranged & (spoke | (row["wrong"] > 0)), COLUMN["impossible"]] = 0.0
        found[self._ranged & (row["wrong"] > 0), COLUMN["impossible"]] = 1.0
        ahead = np.abs(row["ahead"]) / self._clock_ms * BEGINS[COLUMN["clock_skew"]]
        timed = (spoke | (row["ahead"] != 0)) & ~np.isnan(self._clock_ms)
        found[timed, COLUMN["clock_skew"]] = ahead[timed]
        bad = (found > BEGINS).any(axis=1)
        if not bad.any():
            return []
        assets, place = self._place
        worst = np.full((len(assets), len(REASONS)), np.nan)
        np.fmax.at(worst, place, found)
        accused = np.flatnonzero(np.bincount(place[bad], minlength=len(assets)))
        self.suspects.learn([self._ids[x] for x in assets[accused].tolist()], worst[accused], beat)
        out = []
        for k, a in enumerate(range(0, len(accused), CHUNK)):
            part = accused[a : a + CHUNK]
            columns = {r.name: worst[part, c].astype("<f8").tobytes() for c, r in enumerate(REASONS)}
            out.append(Summary(NAME, t, beat.offset, index + k, [self._ids[x] for x in assets[part].tolist()], columns))
        return out


def forget(table: Table, content: CitySet) -> None:
    """As the city task does when a set comes into force: assets that it lacks, or does not watch, begin anew."""
    trust, registry = content.trust, content.registry
    for slot in np.flatnonzero(table.rows["n"][: table.n]).tolist():
        asset = registry.index.get(table.keys[slot].decode(), -1)
        if trust is None or not trust.watches(registry, asset):
            table.rows[slot] = np.zeros((), table.dtype)
            table.dirty[slot] = 1


class _Learned(NamedTuple):
    """What a minute changed: offset of the pulse that ended it, rows of the table, and their content before."""

    offset: int
    slots: I4
    before: NDArray[Any]


class Suspects:
    """Trust in a lane's own assets, by its own evidence and the registry alone, compiled for one set.

    What takes neighbours (``neighbours``, ``drift``, ``clock_skew`` beside others) is seen by the city task only, as
    are the asset's series in other lanes, so the city may trust it less. A minute counts when it is over: the first
    alarm of a sensor that began to lie in it is not doubted yet.
    """

    def __init__(self, trust: Trust, registry: Registry, table: Table) -> None:
        self._trust, self._registry, self._table = trust, registry, table
        self._learned: list[_Learned] = []

    def warm(self) -> None:
        """Have the kernel compiled, or loaded."""
        learn(np.zeros(0, MODEL.state), np.zeros(0, np.int32), np.zeros((0, len(REASONS))), 0)

    def learn(self, assets: Sequence[str], evidence: F8, beat: Beat) -> None:
        """Evidence (assets, reasons) of the minute that a beat ended; these alone are accused."""
        table = self._table
        slots = table.slots([asset.encode() for asset in assets])
        rows = table.rows.view(MODEL.state)
        self._learned.append(_Learned(beat.offset, slots, rows[slots]))
        learn(rows, slots, evidence, beat.minute())
        table.dirty[slots] = 1

    def stamp(self, view: View, signals: Sequence[Signal]) -> None:
        """Say of the stretch's signals that go to ``alarms.*`` what speaks against their assets; ends the stretch.

        Each is judged by the minutes before its own record, also where later ones of the stretch are learned already.
        """
        for signal in signals:
            if signal.life and signal.kind != "clear" and not signal.shadow():
                asset = self._registry.index.get(signal.asset, -1)
                if self._trust.watches(self._registry, asset):
                    now = _clock(view, signal.offset)
                    overdue = self._trust.overdue(self._registry, asset, now)
                    row = self._row(signal.asset, signal.offset)
                    if row is not None or overdue:
                        effects = np.zeros(len(REASONS)) if row is None else faded(row, now)
                        said, doubts = told(effects, overdue)
                        if doubts:
                            signal.trust, signal.doubts = said, doubts
        self._learned.clear()

    def _row(self, asset: str, offset: int) -> Any:
        slot = self._table.find(asset.encode())
        if slot < 0:
            return None
        for learned in self._learned:
            if learned.offset > offset and len(at := np.flatnonzero(learned.slots == slot)):
                return learned.before[at[0]]
        return self._table.rows.view(MODEL.state)[slot]


def _clock(view: View, offset: int) -> int:
    """The lane's clock at a record, ms: a pulse's own time, and of a row that of the pulse before it."""
    beat = next((beat for beat in view.beats if beat.offset == offset), None)
    if beat is not None:
        return beat.time
    return int(view.pulse[np.searchsorted(view.rows, np.searchsorted(view.batch.offsets, offset))])
