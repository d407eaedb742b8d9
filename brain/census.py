"""Census of the sensing assets 感知资产: which of them speak and which fell silent, as each lane can see it.

An asset counts as silent when nothing of it was accepted for three of its registered intervals of up-time. That is
looked at every five minutes and not between them: one pass over arrays, so that readings cost nothing more.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.logic import Beat
from streams.records import I4, I8, SUMMARY_TYPE, Summary
from streams.registry import Registry
from streams.state import Store, Table

NAME = "sensing"
"""Name of the summaries; no scenario can have it, because theirs have dots."""
TABLE = "census"
EVERY_MS = 300_000
WHOLE_MS = 3_600_000
"""How often all assets are told, at the full hour UTC; between them only those that changed."""
INTERVALS = 3
"""An asset is silent after so many of its registered intervals."""
BACK_MS = WHOLE_MS + 2 * EVERY_MS
"""How far back to read the topics of signals to have a whole census of every lane that works."""
CHUNK = 4096
"""Assets in one summary: a record stays well below Kafka's megabyte."""
FIRST = (1 << 29) + (1 << 19)
"""Index of a beat's first one: above those of evidence, below those of what runs in shadow."""
OUTAGE = b"\x00outage"
"""Key of the row whose ``up`` is the end of the last outage; no asset's name begins like that."""

CENSUS_STATE = np.dtype([("last", "i8"), ("up", "i8"), ("since", "i8"), ("told", "u1")])
"""Of an asset: time of its newest accepted reading, ms UTC; the lane's up-time when that was noticed; the census at
which it fell silent, ms UTC, 0 while it speaks; 1 once it was told of. A row with ``last`` 0 never spoke here."""
TABLES = {TABLE: CENSUS_STATE}


class Census:
    """Of one lane, compiled for one set: its assets with a registered interval; ``ours`` (series,) are the lane's.

    Every lane has a row for each asset whose key is in its partition, since a registry does not say by which input
    an asset speaks. Only those that have spoken in this lane are told.
    """

    def __init__(self, registry: Registry, ours: NDArray[np.bool_], slot_of: I4, store: Store) -> None:
        mine = np.zeros(len(registry.ids), bool)
        mine[registry.series_asset[ours]] = True
        assets = np.flatnonzero(mine & (registry.every_s > 0))
        self._store = store
        self._ids = [registry.ids[a] for a in assets.tolist()]
        self._bound = np.round(1000.0 * INTERVALS * registry.every_s[assets]).astype(np.int64)
        counts = registry.first[assets + 1] - registry.first[assets]
        self._begins = np.cumsum(counts) - counts
        within = np.arange(int(counts.sum())) - np.repeat(self._begins, counts)
        self._series = slot_of[np.repeat(registry.first[assets], counts) + within]
        table = store.table(TABLE)
        self._outage = table.slot(OUTAGE) if len(assets) else -1
        self._rows = table.slots([name.encode() for name in self._ids])

    def __bool__(self) -> bool:
        """Whether there is any asset to look at."""
        return bool(self._ids)

    def beat(self, beat: Beat, series: Table) -> list[Summary]:
        """What is to be told at a beat. ``series`` must have all readings before it, and none after it."""
        table = self._store.table(TABLE)
        if beat.outage:
            table.rows["up"][self._outage] = beat.up
            table.dirty[self._outage] = 1
        t = time_of(beat)
        return [] if t < 0 else self._count(t, beat, table, series.rows["t"])

    def _count(self, t: int, beat: Beat, table: Table, times: I8) -> list[Summary]:
        was = table.rows[self._rows]
        now = was.copy()
        now["last"] = np.maximum.reduceat(times[self._series], self._begins)
        spoke = now["last"] != was["last"]
        now["up"][spoke] = beat.up
        # Nobody could speak in an outage: whoever has not fallen silent before has all its intervals after it.
        waited = beat.up - np.maximum(now["up"], table.rows["up"][self._outage])
        silent = ~spoke & ((was["since"] > 0) | (waited >= self._bound)) & (now["last"] > 0)
        now["since"] = np.where(silent, np.where(was["since"] > 0, was["since"], t), 0)
        known = now["last"] > 0
        turned = known & ((was["told"] == 0) | ((was["since"] > 0) != silent))
        now["told"][known] = 1
        changed = self._rows[now != was]
        table.rows[self._rows] = now
        table.dirty[changed] = 1
        return self._tell(t, beat, now, known if whole(beat) else turned)

    def _tell(self, t: int, beat: Beat, now: NDArray[Any], which: NDArray[np.bool_]) -> list[Summary]:
        told, out = np.flatnonzero(which), []
        for k, a in enumerate(range(0, len(told), CHUNK)):
            part = told[a : a + CHUNK]
            columns = {name: now[name][part].astype("<f8").tobytes() for name in ("last", "since")}
            out.append(Summary(NAME, t, beat.offset, FIRST + k, [self._ids[x] for x in part.tolist()], columns))
        return out


def time_of(beat: Beat) -> int:
    """The census that falls to a beat, ms UTC: the last multiple of five minutes up to it; -1 where there is none."""
    return beat.time // EVERY_MS * EVERY_MS if beat.passed(EVERY_MS) else -1


def whole(beat: Beat) -> bool:
    """Whether that is one that tells all."""
    return beat.passed(WHOLE_MS)


class Told(msgspec.Struct, frozen=True):
    """What a lane said of one asset: its newest reading and the census at which it fell silent, ms UTC; ``since`` is 0
    while it speaks."""

    last: int
    since: int


def read(summary: Summary) -> list[tuple[str, Told]]:
    """What a summary of this name says. Raises ValueError for columns that lack, do not fit or hold no times."""
    if not {"last", "since"} <= summary.columns.keys():
        raise ValueError(f"{NAME}: expected columns last and since, got {', '.join(summary.columns) or 'none'}")
    last, since = summary.column("last"), summary.column("since")
    if not len(last) == len(since) == len(summary.keys):
        raise ValueError(f"{NAME}: {len(summary.keys)} assets, {len(last)} and {len(since)} values")
    if not all(((side >= 0) & (side < 2**53)).all() for side in (last, since)):
        raise ValueError(f"{NAME}: expected times in ms UTC")
    pairs = zip(last.tolist(), since.tolist(), strict=True)
    return [(name, Told(int(a), int(b))) for name, (a, b) in zip(summary.keys, pairs, strict=True)]


class _Named(msgspec.Struct):
    name: str = ""


_named, _summary = msgspec.msgpack.Decoder(_Named).decode, msgspec.msgpack.Decoder(Summary).decode


def heard(kind: bytes | None, value: bytes | None) -> Summary | None:
    """The census that a record of a topic of signals is, by its header ``CE_TYPE`` and value; None of any other, and
    of bytes that are none."""
    if value is None or kind != SUMMARY_TYPE:
        return None
    try:
        return _summary(value) if _named(value).name == NAME else None
    except msgspec.DecodeError:
        return None
