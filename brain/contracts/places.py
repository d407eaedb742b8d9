"""Administrative codes 行政区划代码 on the one map: where a warning that has only a code belongs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

import shapely

from geo.feature import FOREVER
from geo.grid_map import DISTRICT, GRID, TOWN, GridMap

SLIVER: Final = 1e-8
"""Square degrees, about a hectare: less is a border drawn twice."""
LAYERS: Final = (DISTRICT, "zone", TOWN, "community", GRID)
"""Layers whose codes are administrative, from the top."""


class Place(NamedTuple):
    """One feature of the map: layer, code, and a position in it, WGS 84 degrees."""

    layer: str
    code: str
    lon: float
    lat: float


class Lookup(Protocol):
    """What placing needs of a map. ``box``: west, south, east, north of the city, degrees."""

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Bounds of the city."""
        ...

    def places(self, code: str) -> Sequence[Place]:
        """What an administrative code is or contains here; empty where it is elsewhere."""
        ...

    def covered(self, shape: shapely.Geometry) -> Sequence[Place]:
        """Districts that a drawn area overlaps."""
        ...


class MapLookup:
    """Codes of a :class:`geo.grid_map.GridMap`, in its newest edition.

    Districts and towns that the map does not draw are put together of their grids.
    """

    def __init__(self, grids: GridMap) -> None:
        shapes: dict[str, dict[str, list[shapely.Geometry]]] = {layer: {} for layer in LAYERS}
        city = grids.map
        for layer in LAYERS:
            if layer in city.layers:
                for f in city.features(layer):
                    if f.until == FOREVER:
                        shapes[layer].setdefault(f.code, []).append(f.shape)
        for layer in (DISTRICT, TOWN):
            if layer not in city.layers:
                for f in city.features(GRID):
                    if f.until == FOREVER:
                        shapes[layer].setdefault(str(f.attributes[layer]), []).append(f.shape)
        self._shapes = {layer: dict(sorted(found.items())) for layer, found in shapes.items()}
        west, south, east, north = shapely.total_bounds([s for found in shapes[GRID].values() for s in found]).tolist()
        self.box: tuple[float, float, float, float] = (west, south, east, north)

    def places(self, code: str) -> Sequence[Place]:
        """Features of the highest layer that lie in the code's area: a province's code gives all districts.

        Zeros that only fill a code up (``990102000000``) are taken off. Where the map is coarser than the code, the
        smallest feature that contains it.
        """
        prefix = _significant(code)
        for layer in LAYERS:
            inside = [known for known in self._shapes[layer] if known.startswith(prefix)]
            if inside:
                return [self._place(layer, known) for known in inside]
        around = [(layer, known) for layer in LAYERS for known in self._shapes[layer] if prefix.startswith(known)]
        return [self._place(*around[-1])] if around else []

    def covered(self, shape: shapely.Geometry) -> Sequence[Place]:
        """Districts that a drawn area overlaps by more than a sliver, by code."""
        drawn = shapely.make_valid(shape)
        return [
            self._place(DISTRICT, code) for code, shapes in self._shapes[DISTRICT].items()
            if any(shapely.intersection(drawn, s).area > SLIVER for s in shapes)
        ]  # fmt: skip

    def _place(self, layer: str, code: str) -> Place:
        shapes = self._shapes[layer][code]
        point = (shapely.union_all(shapes) if len(shapes) > 1 else shapes[0]).representative_point()
        return Place(layer, code, float(point.x), float(point.y))


def _significant(code: str) -> str:
    """A code without the zeros of the levels below it: province 2, city 4, county 6, town 9, village 12 digits."""
    for length in (9, 6, 4, 2):
        if len(code) > length and not code[length:].strip("0"):
            code = code[:length]
    return code
