"""Features of the one map, and what is wrong with them: which feature, what was expected, what came."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.layers import KINDS, Kind, kinds_of

ALWAYS, FOREVER = -(2**63), 2**63 - 1
OVERLAP = 1e-11
"""Square degrees (about 0.1 m²) by which neighbours may overlap: digitising leaves slivers, not areas."""
WIDEST = 10.0
"""Degrees that a city's map may span: what is wider crosses the antimeridian or is not in this city."""
SHOWN = 10

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


class Finding(NamedTuple):
    """Something wrong with a map: where, and what was expected and came."""

    where: str
    says: str

    def __str__(self) -> str:
        return f"{self.where}: {self.says}"


class MapError(ValueError):
    """A map that cannot be used; ``findings`` has everything that is wrong with it, the text the first ten."""

    def __init__(self, findings: Sequence[Finding] | str) -> None:
        self.findings = [Finding("map", findings)] if isinstance(findings, str) else list(findings)
        lines = [findings] if isinstance(findings, str) else [str(f) for f in self.findings[:SHOWN]]
        more = len(self.findings) - len(lines)
        super().__init__("\n".join(lines + ([f"and {more} more"] if more > 0 else [])))

    def __reduce__(self) -> tuple[Any, ...]:
        """With its findings from one process to another, not as their text."""
        return MapError, (self.findings,)


def check(features: Sequence[Feature], overlapping: Collection[str] = ()) -> list[Finding]:
    """Everything that would make answers wrong; empty where the map can be used.

    ``overlapping``: layers whose features may overlap. In other layers, features in force at one time may only touch,
    slivers below 0.1 m² apart. Does not look for gaps (sea and parks are outside every grid) nor compare layers.
    """
    if not features:
        return [Finding("features", "expected at least one grid or other feature, got none")]
    found = [Finding(where(f), says) for f in features for says in alone(f)]
    bad = {f.where for f in found}
    sound = [f for f in features if where(f) not in bad]
    return found + _far(sound) + _twice(features) + _overlaps(sound, overlapping)


def where(feature: Feature) -> str:
    """How findings name a feature."""
    return f"{feature.layer} {feature.code}"


def alone(feature: Feature) -> Iterable[str]:
    """What is wrong with one feature by itself; the first fault that makes later questions senseless ends it."""
    shape = feature.shape
    if feature.since >= feature.until:
        yield f"expected since before until, got {feature.since} and {feature.until}"
    if not feature.layer or "/" in feature.layer or not feature.code:
        yield "expected a layer without / and a code, neither of them empty"
    for name, value in feature.attributes.items():
        if name in RESERVED:
            yield f"properties.{name} is no attribute"
        elif isinstance(value, float) and not math.isfinite(value):
            yield f"properties.{name}: expected a finite number, got {value}"
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            yield f"properties.{name}: expected a number of at most 64 bits, got one of {value.bit_length()}"
    kinds = kinds_of(feature.layer)
    if shape is None or shape.is_empty or KINDS.get(shape.geom_type) not in kinds:
        kind = "nothing" if shape is None or shape.is_empty else shape.geom_type
        yield f"expected a {_types(kinds)}, got {kind}"
        return
    if not np.isfinite(shapely.get_coordinates(shape)).all():
        yield "a coordinate is not a finite number"
        return
    west, south, east, north = shape.bounds
    if west < -180 or east > 180 or south < -90 or north > 90:
        swapped = max(-south, north) <= 180 and max(-west, east) <= 90
        hint = "; longitude and latitude look swapped" if swapped else "; is it in metres, of another CRS?"
        yield f"expected degrees, got bounds {shape.bounds}{hint}"
    elif east - west > WIDEST or north - south > WIDEST:
        yield f"spans {east - west:.4g} by {north - south:.4g} degrees, a city's feature at most {WIDEST:g}"
    elif not shape.is_valid:
        yield f"geometry is invalid: {shapely.is_valid_reason(shape)}"


def _types(kinds: Collection[Kind]) -> str:
    return " or ".join(name for name, kind in KINDS.items() if kind in kinds)


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
        Finding(where(features[k]), f"lies {away[k]:.4g} degrees from the middle of the map, {_text(middle)}")
        for k in np.flatnonzero(away > WIDEST).tolist()
    ]


def _text(point: NDArray[Any]) -> str:
    return f"{point[0]:.4f} E {point[1]:.4f} N"


def _twice(features: Sequence[Feature]) -> list[Finding]:
    """Codes that are there twice at one time."""
    count = Counter((f.layer, f.code) for f in features)
    again: dict[tuple[str, str], list[Feature]] = {key: [] for key, n in count.items() if n > 1}
    for f in features:
        if (f.layer, f.code) in again:
            again[f.layer, f.code].append(f)
    found = []
    for same in again.values():
        same.sort(key=lambda f: (f.since, f.until))
        if any(a.until > b.since for a, b in pairwise(same)):
            found.append(Finding(where(same[0]), "there twice at one time; each code may be there once"))
    return found


def _overlaps(features: Sequence[Feature], overlapping: Collection[str]) -> list[Finding]:
    found = []
    features = [f for f in features if KINDS[f.shape.geom_type] == "polygon"]
    for layer in dict.fromkeys(f.layer for f in features):
        if layer in overlapping:
            continue
        mine = [f for f in features if f.layer == layer]
        a, b = meeting(mine)
        shapes = np.array([f.shape for f in mine], object)
        area = shapely.area(shapely.intersection(shapes[a], shapes[b]))
        for k in np.flatnonzero(area > OVERLAP).tolist():
            says = f"overlaps {mine[b[k]].code} by {area[k]:.2g} square degrees; features of this layer may only touch"
            found.append(Finding(where(mine[a[k]]), says))
    return found


def meeting(features: Sequence[Feature]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Pairs (a < b) of features that touch or overlap and are in force at one time."""
    shapes = np.array([f.shape for f in features], object)
    since = np.array([f.since for f in features])
    until = np.array([f.until for f in features])
    a, b = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    kept = (a < b) & (since[a] < until[b]) & (since[b] < until[a])
    return a[kept], b[kept]
