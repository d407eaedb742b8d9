"""Timers of lane agents by asset, in event time: what says that nothing came, which no record can.

They are kept in up-time, as silences are (brain/beats.py): one that was asked for so long ahead comes due at the first
pulse after so much up-time, and begins anew after an outage, in which nobody could have spoken.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from brain.agent_kit.tables import WAKES
from streams.logic import Beat
from streams.records import I4, I8
from streams.state import Store

FOREVER = 2**62
"""Up-time that is never reached, ms."""


class Wakes:
    """Those of one agent in a lane. All of it is in the lane's table: nothing is lost by a restart, or a rollback."""

    def __init__(self, store: Store, agent: str, names: Sequence[str], least: int) -> None:
        """``least``: ms ahead, sooner than which the agent does not ask."""
        self.least = least
        self._table = store.table(WAKES)
        self.slots: I4 = self._table.slots(f"{agent}\x1f{name}".encode() for name in names)

    def arm(self, asset: I4, wake: I8, pulse: I8, up: I8) -> None:
        """Take what was said of rows (n,): asset, time asked for (0 none any more, -1 no word), the lane's clock and
        up-time before the row. The last word of an asset counts; one that came late waits no less than any."""
        said = np.flatnonzero(wake >= 0)[::-1]
        assets, first = np.unique(asset[said], return_index=True)
        rows, slots = said[first], self.slots[assets]
        span = np.where(wake[rows] > 0, np.maximum(wake[rows] - pulse[rows], self.least), 0)
        new = (span != 0) | (self._table.rows["span"][slots] != 0)
        self._table.rows["up"][slots[new]], self._table.rows["span"][slots[new]] = up[rows][new], span[new]
        self._table.dirty[slots[new]] = 1

    def soonest(self) -> int:
        """Up-time at which the first one is due; FOREVER where none is."""
        rows = self._table.rows[self.slots]
        armed = rows["span"] > 0
        return int((rows["up"] + rows["span"])[armed].min()) if armed.any() else FOREVER

    def due(self, beat: Beat) -> I4:
        """Assets whose time has come, by number; they are not armed any more. None at the end of an outage."""
        rows = self._table.rows[self.slots]
        armed = rows["span"] > 0
        if beat.outage:
            slots = self.slots[armed]
            self._table.rows["up"][slots], self._table.dirty[slots] = beat.up, 1
            return np.zeros(0, np.int32)
        over = np.flatnonzero(armed & (rows["up"] + rows["span"] <= beat.up)).astype(np.int32)
        self._table.rows["span"][self.slots[over]], self._table.dirty[self.slots[over]] = 0, 1
        return over


def forget(store: Store, kept: Sequence[Wakes]) -> None:
    """What agents and assets asked for that are not in force any more is dropped."""
    table = store.table(WAKES)
    mine = np.zeros(table.n, bool)
    for wakes in kept:
        mine[wakes.slots] = True
    left = np.flatnonzero((table.rows["span"][: table.n] > 0) & ~mine)
    table.rows["span"][left], table.dirty[left] = 0, 1
