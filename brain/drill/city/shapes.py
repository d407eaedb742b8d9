"""Shapes drawn in plane metres: ragged round ones, and those of others as polygons in degrees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely

from brain.drill.city.terrain import DECIMALS, F8, METRES_EAST, METRES_NORTH, SOUTH, WEST, degrees, plane


def ragged(draw: np.random.Generator, x: float, y: float, radius: float, points: int = 36, rough: float = 0.3) -> F8:
    """A ring (points, 2) around a place, seen whole from it: its distance swings by this share of the radius."""
    turn = np.arange(points) * (2 * np.pi / points)
    swing = np.zeros(points)
    for k in range(2, 7):
        swing += draw.uniform(-1, 1) * np.sin(k * turn + draw.uniform(0, 2 * np.pi)) / k
    away = radius * (1 + np.clip(rough * 1.6 * swing, -0.6, 0.6))
    return np.column_stack((x + away * np.cos(turn), y + away * np.sin(turn)))


def polygon(ring: F8) -> Any:
    """Of a ring in plane metres, in degrees as they are written."""
    return shapely.Polygon(np.column_stack(degrees(ring[:, 0], ring[:, 1])))


def flat(shapes: Any) -> Any:
    """Shapes in degrees as shapes in plane metres."""
    return shapely.transform(shapes, lambda c: np.column_stack(plane(c[:, 0], c[:, 1])))


def written(shape: Any) -> Any:
    """A shape in plane metres in degrees, rounded so that it stays valid; its polygons only.

    Empty where nothing with an area is left.
    """
    in_degrees = shapely.transform(shape, lambda c: c / (METRES_EAST, METRES_NORTH) + (WEST, SOUTH))
    return areas(shapely.set_precision(in_degrees, 10.0**-DECIMALS))


def areas(shape: Any) -> Any:
    """The polygons of a shape, as Polygon or MultiPolygon, wound as RFC 7946 has it and rounded as they are written."""
    parts: Sequence[Any] = [p for p in shapely.get_parts([shape]) if p.geom_type == "Polygon" and not p.is_empty]
    whole = parts[0] if len(parts) == 1 else shapely.MultiPolygon(list(parts))
    return shapely.orient_polygons(shapely.transform(whole, lambda c: np.round(c, DECIMALS)))
