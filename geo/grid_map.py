"""The map as lanes ask it: unit grids 网格 by number with their town and district, and all other layers beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from geo import geojson
from geo.city_map import CityMap
from geo.exact import F8, I8
from geo.feature import Feature, Finding, MapError
from geo.lookup import NO_EDITION, NO_POSITION, OUTSIDE
from geo.raster import I4

__all__ = ["NO_EDITION", "NO_POSITION", "OUTSIDE", "Grid", "GridMap", "MapError", "Where"]

GRID, TOWN, DISTRICT = "grid", "town", "district"
SAID = ("community", "zone")
"""Attributes of a grid that name what it belongs to."""


class Grid(NamedTuple):
    """One unit grid that is always in force. ``shape`` is a Polygon or MultiPolygon in WGS 84 degrees."""

    code: str
    town: str
    district: str
    shape: Any


class Where(NamedTuple):
    """What a position lies in: codes, empty where it is outside; ``areas``: code lists of all other layers by name."""

    grid: str
    town: str
    district: str
    areas: dict[str, list[str]]


class GridMap:
    """A :class:`CityMap` whose layer ``grid`` says where an event belongs.

    ``codes``, ``towns``, ``districts`` are lists by number of a grid, sorted by code, so that number and code order
    agree; a grid that changed is there once for each of its times. ``map`` has all layers; ``version`` is its version.
    Immutable.
    """

    def __init__(self, grids: Iterable[Grid], version: str = "", cells: tuple[int, int] | None = None) -> None:
        """Of grids alone. ``cells``: coarse columns and rows of the raster; by default fitted. Raises MapError."""
        features = [Feature(GRID, g.code, g.shape, attributes={TOWN: g.town, DISTRICT: g.district}) for g in grids]
        self._take(CityMap(features, version=version, cells=cells))

    @classmethod
    def of_map(cls, city: CityMap) -> GridMap:
        """Of a map that has a layer ``grid`` with attributes town and district. Raises MapError where it has not."""
        made = cls.__new__(cls)
        made._take(city)
        return made

    def _take(self, city: CityMap) -> None:
        if GRID not in city.layers:
            raise MapError(f"features: expected at least one of layer grid, got layers {', '.join(city.layers)}")
        grids = city.features(GRID)
        findings = [
            Finding(f"grid {g.code}", f"properties.{name}: expected text, got {g.attributes.get(name, 'none')}")
            for g in grids for name in (TOWN, DISTRICT) if not isinstance(g.attributes.get(name), str)
        ]  # fmt: skip
        if findings:
            raise MapError(findings)
        self.map, self.version = city, city.version
        self.codes = [g.code for g in grids]
        self.towns = [str(g.attributes[TOWN]) for g in grids]
        self.districts = [str(g.attributes[DISTRICT]) for g in grids]
        self.column = city.columns(GRID).start
        self._others = [layer for layer in city.layers if layer not in (GRID, TOWN, DISTRICT)]

    def __len__(self) -> int:
        return len(self.codes)

    @classmethod
    def load(cls, path: Path) -> GridMap:
        """Read GeoJSON as :func:`geo.geojson.read` takes it; grids need properties town and district.

        Raises
        ------
        MapError
            With the file and everything that is wrong: not GeoJSON, a property missing, a geometry invalid, a code
            twice, grids that overlap.
        """
        features = geojson.load(path)
        try:
            return cls.of_map(CityMap(features))
        except MapError as error:
            raise error.within(str(path)) from error

    @classmethod
    def of(cls, collection: Mapping[str, Any]) -> GridMap:
        """From a decoded FeatureCollection. Raises MapError."""
        return cls.of_map(CityMap(geojson.read(collection)))

    def locate(self, lon: F8, lat: F8, time: I8 | None = None) -> I4:
        """Number of the grid of each position.

        Parameters
        ----------
        lon, lat : (n,) float64 degrees, WGS 84.
        time : (n,) int64 milliseconds UTC, when it counts; by default the newest edition answers.

        Returns
        -------
        (n,) int32: the lowest number whose polygon covers the point, border included; ``OUTSIDE`` (-1) where none
        does, ``NO_POSITION`` (-2) where either is NaN, ``NO_EDITION`` (-3) where the map is younger than the time.
        """
        return self.map.locate(lon, lat, time)[:, self.column]

    def where(self, answer: I4) -> Where:
        """The codes behind one row of an answer of ``map.locate``, of all layers.

        A grid says its town and district, and its community and managing zone where the map has no such layer.
        """
        areas: dict[str, list[str]] = {}
        for layer in self._others:
            numbers = self.map.members(answer, layer)
            if numbers:
                features = self.map.features(layer)
                areas[layer] = [features[k].code for k in numbers]
        number = int(answer[self.column])
        if number < 0:
            return Where("", "", "", areas)
        attributes = self.map.features(GRID)[number].attributes
        for name in SAID:
            value = attributes.get(name)
            if isinstance(value, str) and name not in self.map.layers:
                areas[name] = [value]
        return Where(self.codes[number], self.towns[number], self.districts[number], areas)
