"""The sample city in memory: each part is made when it is first asked for, and is the same in whatever order."""

from __future__ import annotations

from functools import cached_property

from brain.drill.city.cells import Cells, cells
from brain.drill.city.hierarchy import Hierarchy, features, hierarchy
from brain.drill.city.terrain import SCALES, Scale, Terrain, terrain
from geo.city_map import CityMap
from geo.feature import Feature
from geo.grid_map import GridMap

DEFAULT_SEED = 1


def make_city(seed: int = DEFAULT_SEED, scale: str = "full") -> City:
    """The city of a seed. Raises ValueError for a scale that is not there, or a seed below 0."""
    if scale not in SCALES:
        raise ValueError(f"scale: expected one of {', '.join(SCALES)}, got {scale!r}")
    if seed < 0:
        raise ValueError(f"seed: expected 0 or more, got {seed}")
    return City(seed, SCALES[scale])


class City:
    """An invented city. Nothing in it is a real border, street, site or person.

    ``seed`` and ``scale`` decide everything. Parts depend on those above them only, and each draws its own random
    numbers, so that a part asked for alone is the same as within the whole.
    """

    def __init__(self, seed: int, scale: Scale) -> None:
        """Nothing is made yet."""
        self.seed, self.scale = seed, scale

    @cached_property
    def ground(self) -> Terrain:
        """Heights, islands, where people live."""
        return terrain(self.seed, self.scale)

    @cached_property
    def land(self) -> Cells:
        """The grids' shapes and neighbours, before they have codes."""
        return cells(self.seed, self.ground)

    @cached_property
    def units(self) -> Hierarchy:
        """Districts, zones, towns, communities and grids."""
        return hierarchy(self.seed, self.ground, self.land)

    @cached_property
    def administrative(self) -> list[Feature]:
        """Polygons of the layers district, town, community, zone and grid."""
        return features(self.units, self.land)

    @cached_property
    def polygons(self) -> list[Feature]:
        """Polygons of all layers: what ``map.geojson`` holds."""
        return self.administrative

    @cached_property
    def grids(self) -> GridMap:
        """Grids alone, indexed: which grid a place lies in. Their numbers are by code, not those of the cells."""
        return GridMap.of_map(CityMap(f for f in self.administrative if f.layer == "grid"))

    @cached_property
    def map(self) -> CityMap:
        """All polygon layers, indexed. Raises MapError never: a city whose map has findings is a fault of this code."""
        return CityMap(self.polygons)
