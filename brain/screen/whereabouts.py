"""In which district things are, for accounts that are bound to some: by the map that is served and what is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import shapely

from brain.incidents.actions import Create
from brain.screen.api.acting import Subject
from brain.screen.features.store import Layer, LayerStore
from geo.coords import crs_code, to_wgs84

Find = Callable[[str], str | None]


def nothing(_: str) -> str | None:
    """Nothing is known: an account that is bound to districts may then do nothing."""
    return None


class MapWhereabouts:
    """Districts by the served layer of grids (their attribute ``district``); ``incident`` and ``asset`` answer the
    district's code by an id, "" for none, None for what is not there. ``clock``: ms UTC."""

    def __init__(
        self, store: LayerStore, clock: Callable[[], int], incident: Find = nothing, asset: Find = nothing
    ) -> None:
        self._store, self._clock = store, clock
        self._find = {"incident": incident, "asset": asset, "grid": self._grid}

    def district_of(self, kind: Subject, id: str) -> str | None:
        """Of an incident, a grid or an asset; None where it is not known."""
        return self._find[kind](id)

    def district_at(self, action: Create) -> str | None:
        """Of the place of an incident that is to be made: its grid, or the grid under its position."""
        if action.grid:
            return self._grid(action.grid)
        layer = self._layer()
        if layer is None or action.lon is None or action.lat is None:
            return None
        x, y = np.array([action.lon]), np.array([action.lat])
        lon, lat = to_wgs84(x, y, np.array([crs_code(action.crs)], np.int8))
        now = self._clock()
        rows = layer.select([shapely.Point(float(lon[0]), float(lat[0]))], (now, now))
        found = {_district(layer, int(row)) for row in rows if layer.shapes[row] is not None}
        return found.pop() if len(found) == 1 else None  # on a border it is nobody's alone

    def _grid(self, code: str) -> str | None:
        layer = self._layer()
        row = None if layer is None else layer.in_force(code, self._clock())
        return None if layer is None or row is None else _district(layer, row)

    def _layer(self) -> Layer | None:
        return self._store.current.layers.get("grid")


def _district(layer: Layer, row: int) -> str:
    return str(layer.features[row].attributes.get("district", ""))
