"""The one map 一张图: layers and editions side by side; which features a position lies in, at the time it asks for.

All layers are answered at once by :class:`geo.index.Index`. Immutable: a change is another map, and one reference is
swapped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence

import msgspec
import numpy as np

from geo.exact import F8, I8
from geo.feature import ALWAYS, FOREVER, Feature, MapError, check, exact, meeting
from geo.index import EDITIONS, Index, Polygons
from geo.layers import OVERLAPPING, located
from geo.lookup import NO_EDITION, NO_POSITION, OUTSIDE
from geo.raster import I4

__all__ = ["NO_EDITION", "NO_POSITION", "OUTSIDE", "CityMap", "Feature", "MapError"]

EDITION = 0
"""Column of the edition in an answer."""


class CityMap:
    """Features by layer and number; a layer's are numbered by code, then by time, so that the lowest code is lowest.

    ``layers``: names, in the order of their columns; ``version``: hash of the content, or the name given;
    ``starts``: (editions,) when each edition begins, milliseconds UTC; ``index``: the arrays that answer.

    In a layer that does not overlap a point has one owner: of features that share the border it lies on, that of the
    lowest number. In a layer that overlaps it has all whose shape covers it.

    Points and lines of layers that may have them (:data:`geo.layers.LAYERS`) are left out, from the version too: no
    position lies in them. They are for :mod:`geo.nearest`, :mod:`geo.roads` and :mod:`geo.rivers`.
    """

    def __init__(
        self,
        features: Iterable[Feature],
        *,
        overlapping: Collection[str] = OVERLAPPING,
        live_since: int = ALWAYS,
        version: str = "",
        cells: tuple[int, int] | None = None,
        index: Index | None = None,
    ) -> None:
        """Check, then index.

        Parameters
        ----------
        live_since : editions that ended by then are left out: their times are answered with NO_EDITION.
        cells : coarse columns and rows of the raster; by default fitted.
        index : one that was built of the same features elsewhere; nothing is checked or built then.

        Raises
        ------
        MapError
            With all findings; nothing is built then.
        """
        live = (f for f in features if f.until > live_since and located(f.layer, f.shape))
        ordered = sorted(live, key=lambda f: (f.layer, f.code, f.since))
        if index is None:
            findings = check(ordered, overlapping)
            if findings:
                raise MapError(findings)
        self.overlapping, self.live_since = frozenset(overlapping), live_since
        self.starts = _starts(ordered, live_since)
        self._layers: dict[str, list[Feature]] = {}
        for f in ordered:
            self._layers.setdefault(f.layer, []).append(f)
        self.layers = tuple(self._layers)
        self.version = version or _hash(ordered, live_since)
        self.index = index or self._build(cells)
        sheets = self.index.sheets.tolist()
        self._columns = {name: slice(a, b) for name, a, b in zip(self.layers, sheets, sheets[1:], strict=False)}
        # Compiled, or loaded, before the first point waits for it.
        self.locate(np.zeros(0), np.zeros(0), np.zeros(0, np.int64))

    def __len__(self) -> int:
        return sum(map(len, self._layers.values()))

    def features(self, layer: str) -> Sequence[Feature]:
        """Features of a layer by number. Raises KeyError where there is no such layer."""
        return self._layers[layer]

    def columns(self, layer: str) -> slice:
        """Columns of a layer in an answer: one, or several where its features overlap. Raises KeyError."""
        return self._columns[layer]

    def locate(self, lon: F8, lat: F8, time: I8 | None = None, out: I4 | None = None) -> I4:
        """Where each position lies, in all layers.

        Parameters
        ----------
        lon, lat : (n,) float64 degrees, WGS 84.
        time : (n,) int64 milliseconds UTC; by default all ask the newest edition.
        out : (n, columns) int32, C-contiguous, to write into.

        Returns
        -------
        (n, columns) int32. Column 0 is the edition that answered. The columns of a layer (:meth:`columns`) have
        numbers of its features or OUTSIDE (-1): at sea, or in a park that is in no grid. NO_POSITION (-2) in all
        layers where longitude or latitude is NaN; NO_EDITION (-3) in all columns where no edition is as old.
        """
        return self.index.locate(lon, lat, time, out)

    def members(self, answer: I4, layer: str) -> list[int]:
        """Numbers of a layer's features in one row of an answer, rising: none outside, several where they overlap."""
        return sorted(int(number) for number in answer[self._columns[layer]] if number >= 0)

    def _build(self, cells: tuple[int, int] | None) -> Index:
        shapes, column, number, mask, sheets = [], [], [], [], [EDITION + 1]
        for name, features in self._layers.items():
            sheet = _sheets(features) if name in self.overlapping else [0] * len(features)
            for k in sorted(range(len(features)), key=lambda k: (sheet[k], k)):
                shapes.append(features[k].shape)
                column.append(sheets[-1] + sheet[k])
                number.append(k)
                mask.append(_mask(features[k], self.starts))
            sheets.append(sheets[-1] + max(sheet) + 1)
        polygons = Polygons(
            np.array(shapes, object), np.array(column, np.int32), np.array(number, np.int32), np.array(mask, np.uint64)
        )
        return Index.build(polygons, self.starts, np.array(sheets), cells)


def _starts(features: Sequence[Feature], live_since: int) -> I8:
    """Every time at which the map changes, but for those before the edition in force at ``live_since``."""
    times = sorted({t for f in features for t in (f.since, f.until) if t != FOREVER})
    while len(times) > 1 and times[1] <= live_since:
        times.pop(0)
    if len(times) > EDITIONS:
        raise MapError(f"{len(times)} editions, at most {EDITIONS} can be live: give a later live_since")
    return np.array(times, np.int64)


def _mask(feature: Feature, starts: I8) -> int:
    return sum(1 << e for e, start in enumerate(starts.tolist()) if feature.since <= start < feature.until)


def _sheets(features: Sequence[Feature]) -> list[int]:
    """Spread features over sheets in each of which no two meet at one time: greedy colouring, lowest number first."""
    near: dict[int, list[int]] = {}
    for a, b in zip(*(side.tolist() for side in meeting(features)), strict=True):
        near.setdefault(b, []).append(a)
    sheet: list[int] = []
    for k in range(len(features)):
        taken = {sheet[other] for other in near.get(k, ())}
        sheet.append(next(s for s in range(len(features)) if s not in taken))
    return sheet


def _hash(features: Sequence[Feature], live_since: int) -> str:
    digest = hashlib.sha256(str(live_since).encode())
    for f in features:
        head = (f.layer, f.code, f.since, f.until, sorted(f.attributes.items()))
        digest.update(msgspec.json.encode(head) + b"\x1e" + exact(f.shape))
    return "sha256:" + digest.hexdigest()[:16]
