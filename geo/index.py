"""The map index: polygons of several layers and editions in one raster of two levels, exact near borders.

Away from borders a cell names its *face*: the set of polygons that cover it. A table has the answer of every face in
every edition, so that one gather answers all layers. In a cell that borders cross, the polygons themselves decide.
Prior art of the recursion into border cells: ClickHouse's polygon dictionaries.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geo import exact, faces, lookup, raster
from geo.exact import F8, I8
from geo.faces import U8, Borders, Faces, Shapes
from geo.raster import FINE, I4, Grid

EDITIONS = 63
"""Editions that one index can hold."""
POLYGONS = 1 << 24
KEYS_SEED = 20200622


@dataclass(frozen=True, slots=True)
class Polygons:
    """What is indexed, sorted by column, then number; n polygons.

    ``shapes``: (n,) valid Polygons or MultiPolygons in degrees. ``column``: (n,) from 1 on; in one column a point has
    one owner. ``number``: (n,) what the answer says; the lowest that covers the point wins. ``mask``: (n,) bit e is
    set where the polygon is valid in edition e.
    """

    shapes: NDArray[Any]
    column: I4
    number: I4
    mask: U8


@dataclass(frozen=True, slots=True)
class Index:
    """Arrays only, so it can be written by one process and read by another. Immutable; make one by :meth:`build`.

    What the arrays hold is said by :func:`geo.lookup.locate`.
    """

    starts: I8
    sheets: I8
    faces: int
    table: I4
    coarse: I4
    fine: NDArray[Any]
    first_record: I4
    short: I4
    records_at: I4
    records: I4
    raster: F8
    """Columns and rows of the coarse raster, its box (west south east north), coarse cells a degree (x, y)."""
    edges: F8
    column: I4
    mask: U8
    number: I4
    banded: F8
    band: I8
    first: I8
    boxes: F8

    @property
    def columns(self) -> int:
        """Columns of an answer: the edition, then those of the polygons."""
        return int(self.table.shape[1])

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(a.nbytes for a in (getattr(self, f.name) for f in fields(self)) if isinstance(a, np.ndarray))

    def locate(self, lon: F8, lat: F8, time: I8 | None = None, out: I4 | None = None) -> I4:
        """Answer every point.

        Parameters
        ----------
        lon, lat : (n,) float64 degrees.
        time : (n,) int64, which edition to ask; by default the last.
        out : (n, columns) int32, C-contiguous, to write into.

        Returns
        -------
        (n, columns) int32. Column 0 is the edition; others the lowest number of the column's polygons valid in that
        edition that cover the point, borders included, or OUTSIDE (-1). A row without position has NO_POSITION (-2)
        in all columns but the edition; one before the first edition NO_EDITION (-3) in all.
        """
        if out is None:
            out = np.empty((len(lon), self.columns), np.int32)
        time = _NEWEST if time is None else time
        if not len(lon) == len(lat) == len(out) or len(time) not in {0, len(lon)}:
            raise ValueError(
                f"lon, lat, time, out: expected one length, got {len(lon)}, {len(lat)}, {len(time)}, {len(out)}"
            )
        nx, ny, x0, y0, east, north, sx, sy = self.raster.tolist()
        lookup.locate(
            lon, lat, time, self.starts, out, self.table, self.faces, self.coarse, self.fine, self.first_record,
            self.short, self.records_at, self.records, Grid(int(nx), int(ny), x0, y0, sx, sy), east, north, self.edges,
            self.column, self.mask, self.number, Shapes(self.banded, self.band, self.first, self.boxes),
        )  # fmt: skip
        return out

    @classmethod
    def build(cls, polygons: Polygons, starts: I8, sheets: I8, cells: tuple[int, int] | None = None) -> Index:
        """Index polygons.

        Parameters
        ----------
        starts : (editions,) when each edition begins, rising; it ends where the next begins.
        sheets : first column of each layer, and last the number of columns of an answer; kept for who reads answers.
        cells : coarse columns and rows; by default fitted to the box and the number of polygons.

        Raises
        ------
        ValueError
            No polygon, more than 63 editions, or more than 2^24 polygons.
        """
        if not 0 < len(polygons.shapes) < POLYGONS or not 0 < len(starts) <= EDITIONS:
            raise ValueError(f"cannot index {len(polygons.shapes)} polygons in {len(starts)} editions")
        return _Build(polygons, starts, sheets, cells).index

    def save(self, folder: Path) -> None:
        """Write one file an array into a folder that is there."""
        for f in fields(self):
            np.save(folder / f"{f.name}.npy", np.asarray(getattr(self, f.name)), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> Index:
        """Read what :meth:`save` wrote. Raises OSError where a file is missing."""
        kept: dict[str, Any] = {f.name: np.load(folder / f"{f.name}.npy", allow_pickle=False) for f in fields(cls)}
        kept["faces"] = int(kept["faces"])
        return cls(**kept)


_NEWEST = np.zeros(0, np.int64)


class _Build:
    """The steps of building, in order."""

    def __init__(self, polygons: Polygons, starts: I8, sheets: I8, cells: tuple[int, int] | None) -> None:
        edges, owner, ring = edges_of(polygons.shapes)
        boxes = shapely.bounds(polygons.shapes)
        self.shapes = Shapes(*exact.bands(edges, ring, boxes), boxes)
        self.borders = borders_of(edges, owner)
        self.tree = shapely.STRtree(polygons.shapes)
        x0, y0 = boxes[:, :2].min(axis=0).tolist()
        x1, y1 = boxes[:, 2:].max(axis=0).tolist()
        nx, ny = cells or fit(x1 - x0, y1 - y0, len(polygons.shapes))
        self.grid = Grid(nx, ny, x0, y0, nx / (x1 - x0), ny / (y1 - y0))
        self._cells()
        room = 1 << 16
        while not self._name(room):
            room *= 4
        columns = int(sheets[-1])
        rows = np.empty((int(self.faces.used[0]), len(starts), columns), np.int32)
        faces.answers(self.faces, polygons.column, polygons.mask, polygons.number, rows)
        rows[1, :, 1:] = lookup.NO_POSITION
        table, face = _distinct(rows)
        self._renumber(face)
        beyond = np.full((1, columns), lookup.NO_EDITION, np.int32)
        self.index = Index(
            starts=starts, sheets=sheets, faces=len(table),
            table=np.vstack((table.transpose(1, 0, 2).reshape(-1, columns), beyond)),
            coarse=self.coarse, fine=self.fine.astype(np.int16 if len(table) < 2**15 else np.int32),
            first_record=self.first_record, short=lookup.shorten(self.records, self.records_at),
            records_at=self.records_at, records=self.records,
            raster=np.array([nx, ny, x0, y0, x1, y1, self.grid.sx, self.grid.sy]), edges=self.borders.edges,
            column=polygons.column, mask=polygons.mask, number=polygons.number,
            banded=self.shapes.banded, band=self.shapes.band, first=self.shapes.first, boxes=self.shapes.boxes,
        )  # fmt: skip

    def _cells(self) -> None:
        """Blocks, the sorted pairs of their cells and edges, components of the rest, and polygons near to each."""
        g = self.grid
        found = raster.border_cells(
            self.borders.edges, g.x0, g.y0, g.sx * FINE, g.sy * FINE, g.nx * FINE, g.ny * FINE
        )  # fmt: skip
        row, column = np.divmod(found >> 32, g.nx * FINE)
        parent = (row // FINE) * g.nx + column // FINE
        order = np.lexsort((found & 0xFFFFFFFF, (row % FINE) * FINE + column % FINE, parent))
        self.pairs = (((row % FINE) * FINE + column % FINE) << 32 | (found & 0xFFFFFFFF))[order]
        parent = parent[order]
        begins = np.flatnonzero(np.concatenate(([True], parent[1:] != parent[:-1])))
        self.blocks = parent[begins]
        self.pairs_at = np.append(begins, len(parent))
        self.coarse = np.full(g.nx * g.ny, raster.EMPTY, np.int32)
        self.coarse[self.blocks] = raster.BORDER
        self.components = raster.label(self.coarse, g.nx, g.ny, np.empty(g.nx * g.ny, np.int32))
        free = np.flatnonzero(self.coarse >= 0)
        self.seeds = np.zeros(self.components, np.int64)
        self.seeds[self.coarse[free]] = free  # any cell of a component stands for it
        self.component_of, self.free = self.coarse[free], free
        self.coarse[self.blocks] = -1 - np.arange(len(self.blocks), dtype=np.int32)

    def _near(self, cells: I8) -> tuple[I4, I8]:
        """Polygons whose box holds the centre of each coarse cell, and where each cell's begin."""
        g = self.grid
        points = shapely.points(g.x0 + (cells % g.nx + 0.5) / g.sx, g.y0 + (cells // g.nx + 0.5) / g.sy)
        cell, polygon = self.tree.query(points)
        both = np.sort(cell.astype(np.int64) << 24 | polygon)
        return (both & 0xFFFFFF).astype(np.int32), np.searchsorted(both >> 24, np.arange(len(cells) + 1))

    def _name(self, room: int) -> bool:
        """Name the face of every cell, with room for so many faces. False: it was not enough."""
        polygons = len(self.shapes.boxes)
        self.faces = Faces(
            np.random.default_rng(KEYS_SEED).integers(1, 2**64, polygons, np.uint64), np.full(2 * room, -1, np.int32),
            np.zeros(room, np.int64), np.empty(16 * room + polygons, np.int32), np.array([2, 0]),
        )  # fmt: skip
        self.faces.slots[0] = 0  # faces 0 and 1 have no members: outside everything, and no position
        named = np.empty(self.components, np.int32)
        if not faces.name_components(
            self.seeds, self.grid, *self._near(self.seeds), self.shapes, self.faces, named
        ):  # fmt: skip
            return False
        self.fine = np.empty(len(self.blocks) * FINE * FINE, np.int32)
        records_at = np.empty(self.fine.size + 1, np.int32)
        enough, self.records = faces.refine(
            self.blocks, self.grid, self.pairs, self.pairs_at, *self._near(self.blocks), self.borders, self.shapes,
            self.faces, self.fine, records_at,
        )  # fmt: skip
        if enough:
            self.coarse[self.free] = named[self.component_of]
            self.records_at = records_at[: int(np.count_nonzero(self.fine < 0))].copy()
        return enough

    def _renumber(self, face: I4) -> None:
        """Give cells and records the faces' final numbers, and records their number within their block."""
        self.coarse[self.free] = face[self.coarse[self.free]]
        cells = self.fine.reshape(len(self.blocks), FINE * FINE)
        border = cells < 0
        count = border.sum(axis=1)
        self.first_record = (np.cumsum(count) - count).astype(np.int32)
        cells[...] = np.where(border, cells + self.first_record[:, None], face[np.maximum(cells, 0)])
        faces.renumber(self.records, self.records_at, face)


def edges_of(shapes: NDArray[Any]) -> tuple[F8, I4, I8]:
    """All edges (m, 4) as x1 y1 x2 y2, polygon after polygon; polygon of each (m,); where each one's begin (n + 1,)."""
    parts, polygon_of_part = shapely.get_parts(shapes, return_index=True)
    rings, part_of_ring = shapely.get_rings(parts, return_index=True)
    at, ring_of = shapely.get_coordinates(rings, return_index=True)
    joined = ring_of[1:] == ring_of[:-1]
    edges = np.ascontiguousarray(np.hstack((at[:-1], at[1:]))[joined])
    owner = polygon_of_part[part_of_ring[ring_of[1:][joined]]].astype(np.int32)
    return edges, owner, np.searchsorted(owner, np.arange(len(shapes) + 1)).astype(np.int64)


def borders_of(edges: F8, owner: I4) -> Borders:
    """Each edge once, in one direction, with the polygons that share it."""
    flipped = (edges[:, 0] > edges[:, 2]) | ((edges[:, 0] == edges[:, 2]) & (edges[:, 1] > edges[:, 3]))
    edges = np.where(flipped[:, None], edges[:, [2, 3, 0, 1]], edges) + 0.0  # -0.0 and 0.0 are one place
    order = np.lexsort((owner, *edges.T))
    edges, owner = edges[order], owner[order]
    fresh = np.concatenate(([True], (edges[1:] != edges[:-1]).any(axis=1)))
    begins = np.append(np.flatnonzero(fresh), len(edges))
    kinds: dict[bytes, int] = {}
    kind = [kinds.setdefault(owner[a:b].tobytes(), len(kinds)) for a, b in pairwise(begins)]
    owners = [np.frombuffer(key, np.int32) for key in kinds]
    sides = np.concatenate(([0], np.cumsum([len(o) for o in owners]))).astype(np.int64)
    return Borders(np.ascontiguousarray(edges[fresh]), np.array(kind, np.int32), sides, np.concatenate(owners))


def fit(width: float, height: float, polygons: int) -> tuple[int, int]:
    """Coarse columns and rows, about square in degrees: 2^19 cells stay in a core's cache, fewer for a small map."""
    cells = 1 << (19 if polygons > 200 else 15)
    nx = int(np.clip(round((cells * width / height) ** 0.5), 8, cells // 8))
    return nx, max(8, cells // nx)


def _distinct(rows: I4) -> tuple[I4, I4]:
    """Each row (editions, columns) once, the first two kept first, and the new number of each old one."""
    flat = np.ascontiguousarray(rows.reshape(len(rows), -1))
    seen: dict[bytes, int] = {}
    face = np.array([seen.setdefault(row.tobytes(), len(seen)) for row in flat], np.int32)
    first = np.zeros(len(seen), np.int64)
    first[face[::-1]] = np.arange(len(rows))[::-1]
    return rows[first], face
