"""How often an asset raised within a day of its own event time: values in, values out, no Kafka."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from streams.records import Signal

DAY_MS = 86_400_000
MANY = 3
"""From this many raises within a day an asset is a repeat offender."""
KEPT = 50
"""Raises kept of one asset; ``count`` goes no further."""


class Repeat(msgspec.Struct, frozen=True):
    """One asset: its raises of the day before its newest one, and where it stands. Times are ms UTC.

    ``raises`` are (onset, signal id), oldest first. ``fold`` is the fold time of the signal that changed it last.
    """

    asset: str
    count: int
    repeat: bool
    raises: list[tuple[int, str]]
    fold: int
    district: str = ""
    grid: str = ""


class Offenders:
    """Windows of all assets. A signal that was counted before changes nothing, in whatever order it comes again.

    An asset without a change for two days of fold time is forgotten; a device whose clock is wrong moves only its own
    window, because fold time is bounded by the pulse. Does not see a raise over a day older than the asset's newest.
    """

    def __init__(self, known: Iterable[Repeat] = ()) -> None:
        self.by_asset = {r.asset: r for r in sorted(known, key=lambda r: r.fold)}

    def take(self, signal: Signal) -> Repeat | None:
        """The asset's window with this raise in it; None when the signal is no raise or changes nothing."""
        if signal.kind != "raise":
            return None
        before = self.by_asset.get(signal.asset)
        old = before.raises if before is not None else []
        raises = sorted({*old, (signal.onset, signal.identity())})
        raises = [r for r in raises if r[0] > raises[-1][0] - DAY_MS][-KEPT:]
        if raises == old:
            return None
        count = len(raises)
        after = Repeat(signal.asset, count, count >= MANY, raises, signal.fold, signal.district, signal.grid)
        self.by_asset.pop(signal.asset, None)  # to the end: the order is that of the last change
        self.by_asset[signal.asset] = after
        self._forget(signal.fold - 2 * DAY_MS)
        return after

    def _forget(self, until: int) -> None:
        while self.by_asset:
            oldest = next(iter(self.by_asset.values()))
            if oldest.fold >= until:
                return
            del self.by_asset[oldest.asset]
