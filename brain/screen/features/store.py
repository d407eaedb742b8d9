"""The map's layers as they are asked for: by place, time and attribute, in one order, and for a while in old versions.

A version is immutable. A change is built beside and one reference is swapped, so a request sees one version throughout.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import shapely
from numpy.typing import NDArray

from brain.screen.features.catalogue import PUBLIC
from geo.feature import ALWAYS, FOREVER, Feature, Finding, MapError
from geo.times import text_of

KEPT = 4
"""Versions that stay readable, the newest included: each costs the memory of its features."""
Rows = NDArray[np.int64]
Span = tuple[int, int]


class Layer:
    """Features of one layer, sorted by code and time; a row is a place in that order.

    ``ids``: of a feature, its code, with ``@`` and the time since which it is in force unless that is always;
    ``shapes``: (n,) two-dimensional, exteriors counter-clockwise (RFC 7946), None where there is none;
    ``bounds``: (4, n) degrees west, south, east, north; NaN where there is no shape;
    ``fields``: JSON type by name of an attribute; ``mixed`` where it has several, compared by their JSON text.
    """

    def __init__(self, name: str, features: Iterable[Feature]) -> None:
        """Raises MapError where two features would have one id."""
        self.name = name
        self.features = sorted(features, key=lambda f: (f.code, f.since))
        self.ids = [identity(f) for f in self.features]
        self.row = {name: row for row, name in enumerate(self.ids)}
        if len(self.row) < len(self.ids):
            twice = next(a for a, b in zip(self.ids, self.ids[1:], strict=False) if a == b)
            raise MapError([Finding(f"{name} {twice}", "there twice from one time on; each version may be there once")])
        shapes = np.array([f.shape for f in self.features], dtype=object)
        shapes[shapely.is_empty(shapes)] = None
        self.shapes = shapely.orient_polygons(shapely.force_2d(shapes))
        self.bounds = np.ascontiguousarray(shapely.bounds(self.shapes).reshape(-1, 4).T)
        self.since = np.array([f.since for f in self.features], np.int64)
        self.until = np.array([f.until for f in self.features], np.int64)
        self.fields = _fields(self.features)
        self._placeless = shapely.is_missing(self.shapes)
        self._rows_by_value: dict[str, dict[Any, Rows]] = {}

    def __len__(self) -> int:
        return len(self.features)

    def select(
        self,
        area: Sequence[Any] | None = None,
        span: Span | None = None,
        equal: Mapping[str, Any] | None = None,
    ) -> Rows:
        """Rows, rising, of the features that answer to all of what is given.

        Parameters
        ----------
        area : shapes in degrees; a feature must touch one of them. Features without a shape always do.
        span : first and last millisecond UTC; a feature must be in force at one time of it, both ends included.
        equal : values by name of a field, as :meth:`key` has them.
        """
        kept = np.ones(len(self), np.bool_)
        if area is not None:
            kept = self._placeless.copy()
            for shape in area:
                kept |= self._touching(shape)
        if span is not None:
            kept &= (self.since <= span[1]) & (self.until > span[0])
        rows = np.flatnonzero(kept)
        for name, value in (equal or {}).items():
            rows = np.intersect1d(rows, self._index(name).get(value, _NONE), assume_unique=True)
        return rows

    def _touching(self, shape: Any) -> NDArray[np.bool_]:
        """Comparing all bounds takes 0.2 ms in 100,000 and keeps the order; only what sticks out of the box needs more.

        A tree is faster where little is found and slower where much is: its rows come in its own order.
        """
        west, south, east, north = shape.bounds
        w, s, e, n = self.bounds
        kept: NDArray[np.bool_] = (w <= east) & (e >= west) & (s <= north) & (n >= south)
        unsure = kept.copy()
        if shape.area == (east - west) * (north - south):  # else it does not fill its bounds: a box of a projection
            unsure &= ~((w >= west) & (e <= east) & (s >= south) & (n <= north))
        rows = np.flatnonzero(unsure)
        shapely.prepare(shape)
        kept[rows] = shapely.intersects(shape, self.shapes[rows])
        return kept

    def _index(self, name: str) -> dict[Any, Rows]:
        """Rows by value of a field, made when a client first asks for it."""
        made = self._rows_by_value.get(name)
        if made is None:
            lists: dict[Any, list[int]] = {}
            for row, feature in enumerate(self.features):
                value = feature.code if name == "code" else feature.attributes.get(name)
                if value is not None:
                    lists.setdefault(key(value, self.fields[name]), []).append(row)
            made = {value: np.array(rows, np.int64) for value, rows in lists.items()}
            self._rows_by_value[name] = made
        return made

    def versions(self, code: str) -> list[int]:
        """Rows of a code, the oldest first; empty where there is none."""
        return [int(row) for row in self._index("code").get(code, _NONE)]

    def in_force(self, code: str, at: int) -> int | None:
        """Row of a code's version at a time; before the first the first, in a gap and after the end the last before."""
        rows = self.versions(code)
        begun = [row for row in rows if self.since[row] <= at]
        return begun[-1] if begun else next(iter(rows), None)

    def extent(self) -> tuple[list[float] | None, Span | None]:
        """Bounds in degrees and span of time of all features; None where nothing has a place, or the layer is empty."""
        box = box_of(self.bounds)
        return box, (int(self.since.min()), int(self.until.max())) if len(self) else None


class Snapshot:
    """One version of all layers that are served. ``tag`` also tells apart what is served of it."""

    def __init__(self, features: Iterable[Feature], served: Collection[str] = PUBLIC, version: str = "") -> None:
        """``version`` names the content; by default a hash of all features, served or not.

        Raises MapError, and ValueError where the version cannot stand in a header.
        """
        if version and not _NAME.fullmatch(version):
            raise ValueError(f"version: expected at most 200 visible ASCII characters but quotes, got {version!r}")
        ordered = sorted(features, key=lambda f: (f.layer, f.code, f.since))
        by_layer: dict[str, list[Feature]] = {}
        for feature in ordered:
            by_layer.setdefault(feature.layer, []).append(feature)
        ranked = [*(n for n in PUBLIC if n in by_layer), *sorted(n for n in by_layer if n not in PUBLIC)]
        self.layers = {name: Layer(name, by_layer[name]) for name in ranked if name in served}
        self.version = version or _digest(ordered)
        self.tag = f"{self.version}.{hashlib.sha256('/'.join(self.layers).encode()).hexdigest()[:6]}"


class LayerStore:
    """The version in force, and those before it that pages which a client is reading still ask for."""

    def __init__(
        self, features: Iterable[Feature], served: Collection[str] = PUBLIC, version: str = "", kept: int = KEPT
    ) -> None:
        """Raises MapError, and ValueError where no version would be kept."""
        if kept < 1:
            raise ValueError(f"kept: expected at least one version, got {kept}")
        self._served, self._kept = tuple(served), kept
        self._snapshots: OrderedDict[str, Snapshot] = OrderedDict()
        self.current = self.publish(features, version)

    def publish(self, features: Iterable[Feature], version: str = "") -> Snapshot:
        """Build the next version and swap it in. Raises MapError; nothing changes then. For one caller at a time."""
        made = Snapshot(features, self._served, version)
        snapshots = self._snapshots.copy()
        snapshots[made.version] = made
        snapshots.move_to_end(made.version)
        while len(snapshots) > self._kept:
            snapshots.popitem(last=False)
        # Readers hold the old dictionary or the new one, never one that changes under them.
        self._snapshots, self.current = snapshots, made
        return made

    def at(self, version: str) -> Snapshot | None:
        """A version, if it is still kept."""
        return self._snapshots.get(version)


_NONE: Rows = np.zeros(0, np.int64)
_NAME = re.compile(r"[\x21\x23-\x7e]{1,200}")


def identity(feature: Feature) -> str:
    """Id of a feature in its layer: the same for ever, whatever other versions of its code come."""
    return feature.code if feature.since == ALWAYS else f"{feature.code}@{text_of(feature.since)}"


def start_and_end(since: int, until: int) -> tuple[str | None, str | None]:
    """Both ends of a time in force, None where it is open."""
    return None if since == ALWAYS else text_of(since), None if until == FOREVER else text_of(until)


def box_of(bounds: NDArray[np.float64]) -> list[float] | None:
    """The least box of (4, n) bounds, rounded to 7 decimals; None where none has a place."""
    if not np.isfinite(bounds[0]).any():
        return None
    least, most = np.fmin.reduce(bounds[:2], axis=1), np.fmax.reduce(bounds[2:], axis=1)
    return [float(x) for x in np.round(np.concatenate([least, most]), 7)]


def key(value: Any, kind: str) -> Any:
    """What values of a field are compared by."""
    if kind == "number":
        return float(value)
    return msgspec.json.encode(value).decode() if kind == "mixed" and not isinstance(value, str) else value


def _fields(features: Sequence[Feature]) -> dict[str, str]:
    """JSON types by name, the code first; numbers of both kinds are ``number``, other company makes ``mixed``."""
    types: dict[str, set[str]] = {}
    for feature in features:
        for name, value in feature.attributes.items():
            types.setdefault(name, set()).add(_KINDS[type(value)])
    one = {n: next(iter(t)) if len(t) == 1 else "number" if t == {"integer", "number"} else "mixed"
           for n, t in sorted(types.items())}  # fmt: skip
    return {"code": "string"} | one


_KINDS: Mapping[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}


def _digest(features: Sequence[Feature]) -> str:
    digest = hashlib.sha256()
    for f, shape in zip(features, shapely.to_wkb(np.array([f.shape for f in features], object)).tolist(), strict=True):
        head = (f.layer, f.code, f.since, f.until, sorted(f.attributes.items()))
        digest.update(msgspec.json.encode(head) + b"\x1e" + (shape or b""))
    return "sha256:" + digest.hexdigest()[:16]
