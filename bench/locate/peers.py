"""What else answers "which grid is this point in": plain shapely, and geopandas and duckdb where they are installed.

Each gets the points of one edition, without those that have no position, and the grids alone: less than ours does.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
Peer = Callable[[F8, F8], I8]
"""Lowest number of the grids that cover each point, or -1."""


def peers(shapes: NDArray[Any]) -> tuple[dict[str, Peer], dict[str, str]]:
    """Those that can run here, by name; and why others cannot."""
    shapely.prepare(shapes)
    made: dict[str, Peer] = {"shapely STRtree, prepared": _prepared(shapes), "shapely STRtree.query": _query(shapes)}
    absent = {}
    for name, module, make in (("geopandas.sjoin", "geopandas", _sjoin), ("duckdb spatial", "duckdb", _duckdb)):
        try:
            made[name] = make(importlib.import_module(module), shapes)
        except ImportError:
            absent[name] = f"{module} is not installed"
        except Exception as error:  # noqa: BLE001 - a peer that cannot load its extension is a line, not a failure
            absent[name] = str(error).splitlines()[0]
    return made, absent


def _lowest(point: NDArray[Any], polygon: NDArray[Any], n: int) -> I8:
    out = np.full(n, np.iinfo(np.int64).max)
    np.minimum.at(out, point, polygon)
    return np.where(out == np.iinfo(np.int64).max, -1, out)


def _prepared(shapes: NDArray[Any]) -> Peer:
    tree = shapely.STRtree(shapes)

    def locate(lon: F8, lat: F8) -> I8:
        point, polygon = tree.query(shapely.points(lon, lat))
        inside = shapely.intersects_xy(shapes[polygon], lon[point], lat[point])
        return _lowest(point[inside], polygon[inside], len(lon))

    return locate


def _query(shapes: NDArray[Any]) -> Peer:
    tree = shapely.STRtree(shapes)

    def locate(lon: F8, lat: F8) -> I8:
        point, polygon = tree.query(shapely.points(lon, lat), predicate="intersects")
        return _lowest(point, polygon, len(lon))

    return locate


def _sjoin(geopandas: Any, shapes: NDArray[Any]) -> Peer:
    grids = geopandas.GeoDataFrame(geometry=list(shapes), crs=4326)

    def locate(lon: F8, lat: F8) -> I8:
        points = geopandas.GeoDataFrame(geometry=geopandas.points_from_xy(lon, lat), crs=4326)
        joined = geopandas.sjoin(points, grids, predicate="intersects")
        return _lowest(joined.index.to_numpy(), joined["index_right"].to_numpy(), len(lon))

    return locate


def _duckdb(duckdb: Any, shapes: NDArray[Any]) -> Peer:
    db = duckdb.connect()
    db.execute(f"LOAD {_spatial()}")
    db.execute("SET threads = 1")
    db.execute("CREATE TABLE grids (number BIGINT, shape GEOMETRY)")
    db.executemany(
        "INSERT INTO grids VALUES (?, ST_GeomFromWKB(?))", [(k, shapely.to_wkb(s)) for k, s in enumerate(shapes)]
    )

    def locate(lon: F8, lat: F8) -> I8:
        db.register("points", {"n": np.arange(len(lon)), "x": lon, "y": lat})
        rows = db.execute(
            "SELECT p.n, min(g.number) FROM points p JOIN grids g ON ST_Intersects(g.shape, ST_Point(p.x, p.y)) "
            "GROUP BY 1"
        ).fetchnumpy()
        point, number = rows.values()
        return _lowest(point, number, len(lon))

    return locate


def _spatial() -> str:
    """The extension's file where a wheel brought it; else its name, for one that duckdb has installed itself."""
    try:
        files = importlib.metadata.files("duckdb-extension-spatial") or []
    except importlib.metadata.PackageNotFoundError:
        return "spatial"
    return next((f"'{file.locate()}'" for file in files if file.name.endswith(".duckdb_extension")), "spatial")
