"""Zones 区域 that are watched: features of some layers by code, and where their borders run, in metres."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import shapely

from geo import exact
from geo.city_map import CityMap
from geo.exact import F8, I8
from geo.feature import Feature, MapError
from geo.index import edges_of
from geo.metres import Metres
from geo.raster import I4


class Fences(NamedTuple):
    """Zones as the kernel takes them. A zone's versions stand together, as do the zones of a layer.

    ``column``, ``base``: (k,) a column of the map's answer, and what to add to its numbers to have a version.
    ``zone``, ``since``, ``until``: (versions,); ``first``: (zones + 1,) first version of each zone. The others are
    the versions' borders in metres, as :func:`geo.exact.bands` makes them.
    """

    column: I4
    base: I4
    zone: I4
    since: I8
    until: I8
    first: I8
    banded: F8
    band: I8
    first_band: I8
    boxes: F8


class Zones:
    """Every code of some polygon layers of a map is a zone, whatever its shape was at which time. Immutable.

    Zones are numbered layer by layer, in each by code: ``layer`` and ``code`` are lists by number. They may overlap.
    ``map`` answers which cover a position; ``metres`` is the plane in which distances to borders are measured.
    """

    def __init__(self, city: CityMap, layers: Sequence[str], metres: Metres | None = None) -> None:
        """``metres``: by default the zone of projection around the middle of the map.

        Raises
        ------
        MapError
            A layer that the map has not, or is named twice.
        """
        missing = [name for name in layers if name not in city.layers]
        if missing or len(set(layers)) != len(layers) or not layers:
            raise MapError(f"zones: expected layers of {', '.join(city.layers)}, each once, got {', '.join(layers)}")
        features: list[Feature] = []
        column, base = [], []
        for name in layers:
            columns = city.columns(name)
            column += list(range(columns.start, columns.stop))
            base += [len(features)] * (columns.stop - columns.start)
            features += city.features(name)
        keys = list(dict.fromkeys((f.layer, f.code) for f in features))
        number = {key: k for k, key in enumerate(keys)}
        zone = np.array([number[f.layer, f.code] for f in features], np.int32)
        degrees = np.array([f.shape for f in features], object)
        bounds = shapely.bounds(degrees)
        self.map = city
        self.metres = metres or Metres.around(float((bounds[:, 0].min() + bounds[:, 2].max()) / 2))
        self.layer, self.code = [layer for layer, _ in keys], [code for _, code in keys]
        self.shapes = shapely.transform(degrees, lambda at: np.column_stack(self.metres.of(*at.T)))
        edges, _, ring = edges_of(self.shapes)
        boxes = shapely.bounds(self.shapes)
        self.fences = Fences(
            np.array(column, np.int32), np.array(base, np.int32), zone, np.array([f.since for f in features]),
            np.array([f.until for f in features]), np.searchsorted(zone, np.arange(len(keys) + 1)).astype(np.int64),
            *exact.bands(edges, ring, boxes), boxes,
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.code)
