"""Point to grid 网格: which unit grid of the one map a position lies in, exact, millions of points a second.

A raster of two levels answers where no border is near; in cells that a border crosses the polygons themselves decide.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import shapely
from numpy.typing import NDArray

from geo import raster
from geo.raster import F8, FINE, I4, I8, NO_POSITION, OUTSIDE

__all__ = ["NO_POSITION", "OUTSIDE", "Grid", "GridMap", "MapError"]

OVERLAP = 1e-11
"""Square degrees (about 0.1 m²) by which neighbours may overlap: digitising leaves slivers, not areas."""


class MapError(ValueError):
    """A map that cannot be used: says the feature, what was expected and what came."""


class Grid(NamedTuple):
    """One unit grid. ``shape`` is a Polygon or MultiPolygon in WGS 84 degrees."""

    code: str
    town: str
    district: str
    shape: Any


@dataclass(frozen=True, slots=True)
class _Raster:
    coarse: I4
    size: tuple[int, int]
    fine: I4
    lists: I8
    members: I4
    box: tuple[float, float, float, float]
    scale: tuple[float, float]
    slabs: F8
    slab: I8
    boxes: F8


class GridMap:
    """Unit grids by number: sorted by code, so that number and code order agree.

    ``codes``, ``towns``, ``districts`` are lists by number; ``version`` is a hash of the content. Immutable. Does not
    serve layers that overlap (risk zones): grids must not, beyond slivers.
    """

    def __init__(self, grids: Iterable[Grid], version: str = "", cells: tuple[int, int] | None = None) -> None:
        """``cells``: coarse columns and rows of the raster; by default fitted to the number of grids."""
        self.grids = sorted(grids, key=lambda g: g.code)
        self._check()
        self.codes = [g.code for g in self.grids]
        self.towns = [g.town for g in self.grids]
        self.districts = [g.district for g in self.grids]
        self.version = version or self._hash()
        edges, owner, ring = _edges([g.shape for g in self.grids])
        boxes = shapely.bounds(np.array([g.shape for g in self.grids], object))
        self._raster = _build(edges, owner, ring, boxes, cells or _fit(len(self.grids)))
        self.locate(np.zeros(0), np.zeros(0))  # compiled, or loaded, before the first point waits for it

    def __len__(self) -> int:
        return len(self.grids)

    @classmethod
    def load(cls, path: Path) -> GridMap:
        """Read GeoJSON (RFC 7946, so WGS 84): features with properties grid, town, district.

        Raises
        ------
        MapError
            Not GeoJSON, a property missing, a geometry invalid, a code twice, grids that overlap.
        """
        try:
            data = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise MapError(f"{path}: not a JSON object: {error}") from error
        try:
            return cls.of(data)
        except MapError as error:
            raise MapError(f"{path}: {error}") from error

    @classmethod
    def of(cls, collection: Mapping[str, Any]) -> GridMap:
        """From a decoded FeatureCollection. Raises MapError."""
        features = collection.get("features")
        if not isinstance(features, list):
            raise MapError("features: expected a FeatureCollection with a list of features")
        if "crs" in collection:
            raise MapError("crs: GeoJSON is WGS 84 and has no crs member; rectify the map first")
        return cls(_grid(number, feature) for number, feature in enumerate(features))

    def locate(self, lon: F8, lat: F8) -> I4:
        """Number of the grid of each position.

        Parameters
        ----------
        lon, lat : (n,) float64 degrees, WGS 84.

        Returns
        -------
        (n,) int32: the lowest number whose polygon covers the point, border included; ``OUTSIDE`` (-1) where none
        does, ``NO_POSITION`` (-2) where either is NaN.
        """
        out = np.empty(len(lon), np.int32)
        r = self._raster
        raster.locate(
            lon, lat, out, r.coarse, *r.size, r.fine, r.lists, r.members, *r.box, *r.scale,
            r.slabs, r.slab, r.boxes,
        )  # fmt: skip
        return out

    def _check(self) -> None:
        if not self.grids:
            raise MapError("features: expected at least one grid")
        for before, grid in zip(self.grids, self.grids[1:], strict=False):
            if before.code == grid.code:
                raise MapError(f"grid {grid.code}: there twice; each grid may be there once")
        for grid in self.grids:
            shape = grid.shape
            if shape is None or shape.geom_type not in ("Polygon", "MultiPolygon") or shape.is_empty:
                kind = "nothing" if shape is None or shape.is_empty else shape.geom_type
                raise MapError(f"grid {grid.code}: expected a Polygon or MultiPolygon, got {kind}")
            if not shape.is_valid:
                raise MapError(f"grid {grid.code}: geometry is invalid: {shapely.is_valid_reason(shape)}")
            west, south, east, north = shape.bounds
            if west < -180 or east > 180 or south < -90 or north > 90:
                raise MapError(f"grid {grid.code}: expected degrees, got bounds {shape.bounds}")
        shapes = np.array([g.shape for g in self.grids], object)
        a, b = shapely.STRtree(shapes).query(shapes, predicate="intersects")
        a, b = a[a < b], b[a < b]
        area = shapely.area(shapely.intersection(shapes[a], shapes[b]))
        if area.size and area.max() > OVERLAP:
            k = int(area.argmax())
            one, other = self.grids[a[k]].code, self.grids[b[k]].code
            raise MapError(f"grid {one}: overlaps {other} by {area[k]:.2g} square degrees; grids may only touch")

    def _hash(self) -> str:
        digest = hashlib.sha256()
        for grid in self.grids:
            digest.update("\x1f".join((grid.code, grid.town, grid.district)).encode() + b"\x1e")
            digest.update(shapely.to_wkb(grid.shape))
        return "sha256:" + digest.hexdigest()[:16]


def _grid(number: int, feature: Any) -> Grid:
    where = f"features[{number}]"
    properties = feature.get("properties") if isinstance(feature, Mapping) else None
    if not isinstance(properties, Mapping):
        raise MapError(f"{where}: expected a Feature with properties")
    for name in ("grid", "town", "district"):
        if not isinstance(properties.get(name), str):
            raise MapError(f"{where}.properties.{name}: expected text, got {properties.get(name)!r}")
    try:
        shape = shapely.from_geojson(msgspec.json.encode(feature.get("geometry")))
    except shapely.errors.GEOSException as error:
        raise MapError(f"{where}.geometry: {error}") from error
    return Grid(properties["grid"], properties["town"], properties["district"], shape)


def _fit(grids: int) -> tuple[int, int]:
    return (1024, 512) if grids > 200 else (256, 128)


def _edges(shapes: list[Any]) -> tuple[F8, I4, I8]:
    """All edges (m, 4) as x1 y1 x2 y2, polygon after polygon; owner of each; where each polygon's begin."""
    edges, counts = [], []
    for shape in shapes:
        mine = []
        for part in shapely.get_parts(shape):
            for ring in (part.exterior, *part.interiors):
                at = shapely.get_coordinates(ring)
                mine.append(np.hstack((at[:-1], at[1:])))
        edges += mine
        counts.append(sum(map(len, mine)))
    ring = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    return np.ascontiguousarray(np.vstack(edges)), np.repeat(np.arange(len(shapes), dtype=np.int32), counts), ring


def _build(edges: F8, owner: I4, ring: I8, boxes: NDArray[Any], cells: tuple[int, int]) -> _Raster:
    nx, ny = cells
    x0, y0 = float(boxes[:, 0].min()), float(boxes[:, 1].min())
    x1, y1 = float(boxes[:, 2].max()), float(boxes[:, 3].max())
    sx, sy = nx / (x1 - x0), ny / (y1 - y0)
    found = raster.border_cells(edges, owner, x0, y0, sx * FINE, sy * FINE, nx * FINE, ny * FINE)
    row, column = np.divmod(found >> 24, nx * FINE)
    parent = (row // FINE) * nx + column // FINE
    crossed = _unique(parent)
    block = np.searchsorted(crossed, parent)
    pairs = _unique(block << 32 | ((row % FINE) * FINE + column % FINE) << 24 | (found & 0xFFFFFF))
    coarse = np.full(nx * ny, NO_POSITION, np.int32)
    coarse[crossed] = NO_POSITION - 1 - np.arange(len(crossed), dtype=np.int32)
    everything = np.arange(len(boxes), dtype=np.int32)
    raster.fill(coarse, nx, ny, x0, y0, sx, sy, edges, ring, boxes, everything)
    fine = np.empty(len(crossed) * FINE * FINE, np.int32)
    first = np.searchsorted(pairs >> 32, np.arange(len(crossed) + 1))
    lists = np.empty(len(_unique(pairs >> 24)) + 1, np.int64)
    raster.refine(coarse, nx, fine, pairs, first, lists, x0, y0, sx, sy, edges, ring, boxes)
    members = (pairs & 0xFFFFFF).astype(np.int32)
    slabs, slab = raster.slabs(edges, ring, boxes)
    return _Raster(coarse, cells, fine, lists, members, (x0, y0, x1, y1), (sx, sy), slabs, slab, boxes)


def _unique(values: NDArray[Any]) -> I8:
    """Sorted, each once; many times faster here than numpy's own, which hashes."""
    values = np.sort(values)
    kept = np.empty(len(values), np.bool_)
    kept[:1] = True
    np.not_equal(values[1:], values[:-1], out=kept[1:])
    return values[kept]
