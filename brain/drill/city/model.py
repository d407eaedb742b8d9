"""The sample city in memory: each part is made when it is first asked for, and is the same in whatever order."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import shapely

from brain.drill.city import shapes
from brain.drill.city.addresses import AddressSet, addresses
from brain.drill.city.assets import AssetSet, CameraSet, Surroundings, assets, cameras
from brain.drill.city.cells import Cells, cells
from brain.drill.city.hierarchy import Hierarchy, features, hierarchy
from brain.drill.city.risk import risk_zones
from brain.drill.city.roads import RoadGraph, roads
from brain.drill.city.sites import SiteSet, sites
from brain.drill.city.terrain import SCALES, Scale, Terrain, terrain
from brain.drill.city.water import RiverNet, reservoirs, rivers
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
        return [*self.administrative, *self.reservoirs, *self.risk_zones]

    @cached_property
    def dry(self) -> Any:
        """All land as one MultiPolygon in plane metres (:mod:`brain.drill.city.terrain`)."""
        return shapes.flat(shapely.coverage_union_all(self.land.shape))

    @cached_property
    def rivers(self) -> RiverNet:
        """Rivers with their direction."""
        return rivers(self.seed, self.ground, self.grids)

    @cached_property
    def reservoirs(self) -> list[Feature]:
        """Polygons of the layer reservoir."""
        return reservoirs(self.seed, self.ground, self.rivers, self.dry)

    @cached_property
    def roads(self) -> RoadGraph:
        """Streets, with bridges to one island and none to the others."""
        return roads(self.seed, self.ground, self.grids, self.units, self.dry)

    @cached_property
    def sites(self) -> SiteSet:
        """Key sites of all kinds."""
        return sites(self.seed, self.ground, self.grids, self.roads, self.rivers, self.reservoirs)

    @cached_property
    def risk_zones(self) -> list[Feature]:
        """Polygons of the layer risk, which overlap."""
        towns = [f for f in self.administrative if f.layer == "town"]
        return risk_zones(self.seed, self.ground, self.units, self.rivers, self.sites, self.dry, towns)

    @cached_property
    def addresses(self) -> AddressSet:
        """Door plates, estates, units, rooms and points of interest."""
        return addresses(self.seed, self.ground, self.grids, self.units, self.roads, self.sites)

    @cached_property
    def assets(self) -> AssetSet:
        """Sensors of all types."""
        return assets(self.seed, self.surroundings)

    @cached_property
    def cameras(self) -> CameraSet:
        """Cameras, which the registry has beside the sensors."""
        return cameras(self.seed, self.surroundings)

    @cached_property
    def surroundings(self) -> Surroundings:
        slopes = [f for f in self.risk_zones if f.attributes["kind"] == "landslide"]
        return Surroundings(self.ground, self.grids, self.roads, self.rivers, self.sites, self.reservoirs, slopes,
                            self.dry)  # fmt: skip

    @cached_property
    def grids(self) -> GridMap:
        """Grids alone, indexed: which grid a place lies in. Their numbers are by code, not those of the cells."""
        return GridMap.of_map(CityMap(f for f in self.administrative if f.layer == "grid"))

    @cached_property
    def map(self) -> CityMap:
        """All polygon layers, indexed. Raises MapError never: a city whose map has findings is a fault of this code."""
        return CityMap(self.polygons)
