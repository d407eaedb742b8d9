"""Features of the one map, and what is wrong with them: which feature, what was expected, what came."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.areas import square_metres
from geo.findings import Finding, MapError, found
from geo.layers import KINDS, kinds_of

__all__ = ["ALWAYS", "FOREVER", "Feature", "Finding", "MapError", "alone", "check", "exact", "meeting", "where"]

ALWAYS, FOREVER = -(2**63), 2**63 - 1
OVERLAP = 1e-11
"""Square degrees (about 0.1 m²) by which neighbours may overlap: digitising leaves slivers, not areas."""
WIDEST = 10.0
"""Degrees that a city's map may span: what is wider crosses the antimeridian or is not in this city."""

Value = str | int | float | bool
"""What an attribute may be. Times, lists and nothing are not."""
RESERVED = ("layer", "code", "since", "until")
"""Properties that are no attributes."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One thing of a layer 图层要素, in force from ``since`` until just before ``until`` (milliseconds UTC).

    ``shape``: polygon, line or point (:data:`geo.layers.KINDS`) in WGS 84 degrees, longitude first, without heights. A
    feature whose attributes or shape change is two features with one code whose times do not overlap.
    """

    layer: str
    code: str
    shape: Any
    since: int = ALWAYS
    until: int = FOREVER
    attributes: Mapping[str, Value] = field(default_factory=dict)


def check(features: Sequence[Feature], overlapping: Collection[str] = ()) -> list[Finding]:
    """Everything that would make answers wrong; empty where the map can be used.

    ``overlapping``: layers whose features may overlap. In other layers, features in force at one time may only touch,
    slivers below 0.1 m² apart. Does not look for gaps (sea and parks are outside every grid) nor compare layers: that
    does :func:`geo.review.review`.
    """
    if not features:
        return [Finding("features", "expected at least one grid or other feature, got none")]
    findings = [finding for f in features for finding in alone(f)]
    bad = {f.where for f in findings}
    sound = [f for f in features if where(f) not in bad]
    return findings + _far(sound) + _twice(features) + _overlaps(sound, overlapping)


def where(feature: Feature) -> str:
    """How findings name a feature."""
    return f"{feature.layer} {feature.code}"


def alone(feature: Feature) -> Iterable[Finding]:
    """What is wrong with one feature by itself; the first fault that makes later questions senseless ends it."""
    shape, name = feature.shape, where(feature)
    if feature.since >= feature.until:
        yield found("M112", name, since=feature.since, until=feature.until)
    if not feature.layer or "/" in feature.layer or not feature.code:
        yield found("M113", name)
    for key, value in feature.attributes.items():
        if key in RESERVED:
            yield found("M114", name, name=key, why="is no attribute")
        elif isinstance(value, float) and not math.isfinite(value):
            yield found("M114", name, name=key, why=f"expected a finite number, got {value}")
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            yield found("M114", name, name=key, why="expected a number of at most 64 bits, got a longer one")
    kinds = kinds_of(feature.layer)
    if shape is None or shape.is_empty or KINDS.get(shape.geom_type) not in kinds:
        kind = "nothing" if shape is None or shape.is_empty else shape.geom_type
        yield found("M101", name, kinds=" or ".join(k for k, of in KINDS.items() if of in kinds), got=kind)
        return
    if not np.isfinite(shapely.get_coordinates(shape)).all():
        yield found("M104", name)
        return
    west, south, east, north = shape.bounds
    if west < -180 or east > 180 or south < -90 or north > 90:
        swapped = max(-south, north) <= 180 and max(-west, east) <= 90
        yield found("M105" if swapped else "M106", name, bounds=shape.bounds)
    elif east - west > WIDEST or north - south > WIDEST:
        yield found("M107", name, width=east - west, height=north - south, limit=WIDEST)
    elif not shape.is_valid:
        why = shapely.is_valid_reason(shape)
        yield found("M103", name, _place(why), why=why)


def _place(reason: str) -> tuple[float, float] | None:
    """Where GEOS says that a geometry is invalid: its reason ends with the place, as in Self-intersection[113 22]."""
    numbers = reason.partition("[")[2].rstrip("]").split()
    return (float(numbers[0]), float(numbers[1])) if len(numbers) >= 2 else None


def exact(shape: Any) -> bytes:
    """Bytes that are equal where shapes are, to the last bit: where a ring begins and how it winds does not count.

    The direction of a line does: it is that of the river or the road.
    """
    wkb: bytes = shapely.to_wkb(shapely.normalize(shape) if KINDS.get(shape.geom_type) == "polygon" else shape)
    return wkb


def _far(features: Sequence[Feature]) -> list[Finding]:
    """Features far from the middle of the map: each one alone may look sound."""
    if not features:
        return []
    bounds = shapely.bounds(np.array([f.shape for f in features], object))
    middle = np.median((bounds[:, :2] + bounds[:, 2:]) / 2, axis=0)
    away = np.maximum(np.abs(bounds[:, :2] - middle), np.abs(bounds[:, 2:] - middle)).max(axis=1)
    return [
        found("M108", where(features[k]), away=away[k], lon=middle[0], lat=middle[1])
        for k in np.flatnonzero(away > WIDEST).tolist()
    ]


def _twice(features: Sequence[Feature]) -> list[Finding]:
    """Codes that are there twice at one time."""
    count = Counter((f.layer, f.code) for f in features)
    again: dict[tuple[str, str], list[Feature]] = {key: [] for key, n in count.items() if n > 1}
    for f in features:
        if (f.layer, f.code) in again:
            again[f.layer, f.code].append(f)
    findings = []
    for same in again.values():
        same.sort(key=lambda f: (f.since, f.until))
        if any(a.until > b.since for a, b in pairwise(same)):
            findings.append(found("M201", where(same[0])))
    return findings


def _overlaps(features: Sequence[Feature], overlapping: Collection[str]) -> list[Finding]:
    findings = []
    features = [f for f in features if KINDS[f.shape.geom_type] == "polygon"]
    for layer in dict.fromkeys(f.layer for f in features):
        if layer in overlapping:
            continue
        mine = [f for f in features if f.layer == layer]
        a, b = meeting(mine)
        shapes = np.array([f.shape for f in mine], object)
        shared = shapely.intersection(shapes[a], shapes[b])
        area = shapely.area(shared)
        for k in np.flatnonzero(area > OVERLAP).tolist():
            at = shapely.point_on_surface(shared[k])
            metres = float(square_metres(shared[k])[0])
            findings.append(found("M202", where(mine[a[k]]), (at.x, at.y), other=mine[b[k]].code, area=metres))
    return findings


def meeting(features: Sequence[Feature]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Pairs (a < b) of features that touch or overlap and are in force at one time."""
    shapes = np.array([f.shape for f in features], object)
    since = np.array([f.since for f in features])
    until = np.array([f.until for f in features])
    a, b = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    kept = (a < b) & (since[a] < until[b]) & (since[b] < until[a])
    return a[kept], b[kept]
