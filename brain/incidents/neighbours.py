"""Assets beside one another, once a minute: each one's last value against those around it, by its scenario's detector.

The detector's memory is kept by asset, so another set of assets finds what it knows of those that stayed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from scipy.spatial import cKDTree

from brain.scenarios import Scenario
from geo.metres import Metres
from models.neighbours import NeighbourDisagreement

STATE = b"n/"
CHUNK = 256
"""Assets in one record of the state."""
MOST = 16
"""Neighbours that an asset has at most: the nearest."""

F8 = np.dtype("<f8")


class _Memory(msgspec.Struct, array_like=True):
    assets: list[str]
    offset: bytes
    scale: bytes
    n: bytes


class Group:
    """One scenario's assets and what its detector knows of them."""

    def __init__(self, scenario: Scenario, content: Any, known: Mapping[str, tuple[float, float, float]]) -> None:
        registry = content.registry
        wanted = registry.types.index(scenario.match.type) if scenario.match.type in registry.types else -1
        lon, lat = content.placed()
        placed = np.isfinite(lon) & np.isfinite(lat)
        self.rows = np.flatnonzero((registry.asset_type == wanted) & placed)
        self.assets = [registry.ids[a] for a in self.rows]
        self.index = {asset: k for k, asset in enumerate(self.assets)}
        near = _near(lon[self.rows], lat[self.rows], scenario.detect.within_m or 0.0)
        self.model = NeighbourDisagreement(near or ((),), **scenario.detect.settings)
        self.state = np.zeros(1, self.model.state)
        for k, asset in enumerate(self.assets):
            if asset in known:
                for field, value in zip(("offset", "scale", "n"), known[asset], strict=True):
                    self.state[field][0, k] = value

    def score(self, last: Mapping[str, float], t: int) -> dict[str, float]:
        """Scores of all assets that said something in the minute; NaN while unknown. The detector learns them."""
        value = np.full((1, max(len(self.assets), 1)), np.nan)
        for asset, x in last.items():
            if asset in self.index:
                value[0, self.index[asset]] = x
        found = self.model.score(self.state, np.zeros(1, np.int32), np.array([t], np.int64), value)[0]
        return {asset: float(found[self.index[asset]]) for asset in last if asset in self.index}

    def records(self, name: str) -> dict[bytes, bytes]:
        """The memory, as state."""
        out = {}
        for a in range(0, len(self.assets), CHUNK):
            part = slice(a, a + CHUNK)
            columns = (self.state[field][0, part].astype(F8).tobytes() for field in ("offset", "scale", "n"))
            out[STATE + f"{name}/{a // CHUNK}".encode()] = msgspec.msgpack.encode(_Memory(self.assets[part], *columns))
        return out


def remembered(value: bytes) -> dict[str, tuple[float, float, float]]:
    """What a record of the state knows: offset, scale and rows of each asset."""
    m = msgspec.msgpack.decode(value, type=_Memory)
    columns = (np.frombuffer(side, F8).tolist() for side in (m.offset, m.scale, m.n))
    return dict(zip(m.assets, zip(*columns, strict=True), strict=True))


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
