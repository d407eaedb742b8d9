"""Assets beside one another, once a minute: each one's last value against those around it, by its scenario's detector.

The detector's memory is kept by asset, so another set of assets finds what it knows of those that stayed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from brain.beside import BESIDE, CLOCK_SKEW, NEIGHBOURS
from brain.scenario import Scenario
from geo.metres import Metres
from models.drift import Drift

STATE = b"n/"
CHUNK = 256
"""Assets in one record of the state."""
MOST = 16
"""Neighbours that an asset has at most: the nearest."""
ASSETS_MOST = {CLOCK_SKEW: 5_000}
"""Assets of one scenario, for a detector whose memory is large: all of it is written once a minute."""


class _Memory(msgspec.Struct, array_like=True):
    assets: list[str]
    fields: dict[str, bytes]
    """Field of the detector's state → its rows, one an asset, little-endian."""


Known = Mapping[str, Mapping[str, NDArray[Any]]]
"""Asset → field → its row."""


class Group:
    """One scenario's assets and what its detector knows of them; with ``drift`` also how its scores creep."""

    def __init__(self, scenario: Scenario, content: Any, known: Known, drift: Drift | None = None) -> None:
        registry = content.registry
        wanted = registry.types.index(scenario.match.type) if scenario.match.type in registry.types else -1
        lon, lat = content.placed()
        placed = np.isfinite(lon) & np.isfinite(lat)
        self.rows = np.flatnonzero((registry.asset_type == wanted) & placed)
        self.assets = [registry.ids[a] for a in self.rows]
        self.index = {asset: k for k, asset in enumerate(self.assets)}
        near = _near(lon[self.rows], lat[self.rows], scenario.detect.within_m or 0.0)
        kind = BESIDE[scenario.detect.detector or NEIGHBOURS]
        self.model = kind(near or ((),), **scenario.detect.settings)  # type: ignore[call-arg]  # all begin with them
        self.state = np.zeros(1, self.model.state)
        self.drift, self.creep = drift, np.zeros(len(self.assets), Drift.STATE)
        columns = self._fields()
        for k, asset in enumerate(self.assets):
            for field, row in known.get(asset, {}).items():
                mine = columns[field][k, ...] if field in columns else row[:0]
                if mine.size == row.size:  # a row of another form is of other settings: the asset warms up anew
                    mine[...] = row.reshape(mine.shape)

    def _fields(self) -> dict[str, NDArray[Any]]:
        """All memory as columns, a row an asset; views."""
        found = {f: self.state[f][0] for f in self.state.dtype.names or ()}
        if self.drift is not None:
            found |= {f"drift.{f}": self.creep[f] for f in self.creep.dtype.names or ()}
        return found

    def score(self, last: Mapping[str, float], t: int) -> dict[str, float]:
        """Scores of all assets that said something in the minute; NaN while unknown. The detector learns them."""
        value = np.full((1, max(len(self.assets), 1)), np.nan)
        for asset, x in last.items():
            if asset in self.index:
                value[0, self.index[asset]] = x
        found = self.model.score(self.state, np.zeros(1, np.int32), np.array([t], np.int64), value)[0]
        return {asset: float(found[self.index[asset]]) for asset in last if asset in self.index}

    def creeping(self, scores: Mapping[str, float], t: int) -> dict[str, float]:
        """How each asset's scores creep, by the detector of drift; none without it."""
        if self.drift is None:
            return {}
        assets = [asset for asset in sorted(scores) if not math.isnan(scores[asset])]
        slot = np.array([self.index[asset] for asset in assets], np.int32)
        value = np.array([scores[asset] for asset in assets], np.float64)
        found = self.drift.score(self.creep, slot, np.full(len(assets), t, np.int64), value)
        return dict(zip(assets, found.tolist(), strict=True))

    def records(self, name: str) -> dict[bytes, bytes]:
        """The memory, as state."""
        out = {}
        columns = self._fields()
        for a in range(0, len(self.assets), CHUNK):
            part = slice(a, a + CHUNK)
            fields = {
                f: np.ascontiguousarray(rows[part], rows.dtype.newbyteorder("<")).tobytes()
                for f, rows in columns.items()
            }
            out[STATE + f"{name}/{a // CHUNK}".encode()] = msgspec.msgpack.encode(_Memory(self.assets[part], fields))
        return out


def bounded(s: Scenario, content: Any) -> None:
    """Raises ValueError where a scenario has more assets than its detector may have."""
    registry, name = content.registry, s.detect.detector or ""
    if s.match.type in registry.types and name in ASSETS_MOST:
        n = int(np.count_nonzero(registry.asset_type == registry.types.index(s.match.type)))
        if n > ASSETS_MOST[name]:
            raise ValueError(f"{s.id}: {name}: at most {ASSETS_MOST[name]} assets, {s.match.type} has {n}")


def remembered(value: bytes, detector: str) -> dict[str, dict[str, NDArray[Any]]]:
    """What a record of the state knows: of each asset the fields of its detector's memory."""
    m = msgspec.msgpack.decode(value, type=_Memory)
    forms = {f: kind.base for f, kind in _forms(BESIDE[detector](((),)).state)}  # type: ignore[call-arg]  # each takes its neighbours first
    forms |= {f"drift.{f}": kind.base for f, kind in _forms(Drift.STATE)}
    out: dict[str, dict[str, NDArray[Any]]] = {asset: {} for asset in m.assets}
    for field in sorted(set(m.fields) & set(forms)):
        rows = np.frombuffer(m.fields[field], forms[field].newbyteorder("<")).reshape(len(m.assets), -1)
        for asset, row in zip(m.assets, rows, strict=True):
            out[asset][field] = row
    return out


def _forms(kind: np.dtype[Any]) -> list[tuple[str, np.dtype[Any]]]:
    return [(name, kind[name]) for name in kind.names or ()]


def _near(lon: Any, lat: Any, within_m: float) -> tuple[tuple[int, ...], ...]:
    """Numbers of each one's neighbours within so many metres, the nearest first."""
    if not len(lon):
        return ()
    x, y = Metres.around(float(np.median(lon))).of(lon, lat)
    places = np.column_stack((x, y))
    far, who = cKDTree(places).query(places, k=min(MOST + 1, len(places)), distance_upper_bound=within_m)
    far, who = far.reshape(len(places), -1), who.reshape(len(places), -1)
    return tuple(
        tuple(int(j) for d, j in zip(far[k], who[k], strict=True) if np.isfinite(d) and j != k)
        for k in range(len(places))
    )
