"""A map looked over 地图检查: all that makes it wrong, and all that a person should know who answers for it.

What makes answers wrong is an error, found by :func:`geo.feature.check`. The rest compares features with each other:
do children fill their parent, has every grid its town, are names readable, what changed beside the map in force.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import shapely

from geo.areas import square_metres
from geo.changes import LIMIT, Change
from geo.feature import ALWAYS, FOREVER, Feature, check, where
from geo.findings import Finding, MapError, found
from geo.layers import KINDS, LAYERS, OVERLAPPING
from geo.names import odd

SMALL = 1.0
"""Square metres below which a gap or an excess is a matter of digitising."""
SHARE = 0.2
"""Share by which an area may change without a word."""
POSITIONS = 20_000
"""From how many on a feature's size as a record is worked out: each takes some 40 bytes."""
RIM, NEAR = 0.75, 1e-7
"""Share of an uncovered part's rim that neighbours hold where it is a gap; degrees within which they do."""
NEIGHBOURS = 5
UNITS = ("zone", "community", "town", "district")
"""Layers that a feature names by an attribute of the same name."""


class _Layer(NamedTuple):
    """Polygons of one layer in force at the time looked at, a tree of their shapes, their codes and names."""

    features: list[Feature]
    shapes: Any
    tree: Any
    names: frozenset[Any]


def review(
    features: Sequence[Feature],
    *,
    against: Sequence[Feature] = (),
    at: int | None = None,
    share: float = SHARE,
    overlapping: Collection[str] = OVERLAPPING,
) -> list[Finding]:
    """Everything there is to say about a map, errors first, then by place.

    Parameters
    ----------
    against : another map, mostly the one in force, to compare areas with.
    at : time at which features are compared with each other (milliseconds UTC); by default the newest edition's.
    share : change of an area beside ``against`` from which on it is told.
    overlapping : layers whose polygons may overlap.

    A feature that is wrong by itself takes no part in comparisons. Roads and rivers are not compared as networks.
    """
    errors = check(features, overlapping)
    bad = {f.where for f in errors if f.code.startswith("M1") or not f.code}
    sound = [f for f in features if where(f) not in bad]
    time = newest(features) if at is None else at
    force = [f for f in sound if f.since <= time < f.until]
    layers = _layers(force)
    findings = [*errors, *_winding(sound), *_large(sound)]
    for f in sound:
        findings += _says(f)
    for f in force:
        findings += _unknown(f, layers)
    for name, layer in layers.items():
        if name not in overlapping:
            findings += _holes(layer)
            findings += _below(name, layer, layers)
    findings += _beside(sound, against, time, share)
    rank = {"error": 0, "warning": 1, "note": 2}
    return sorted(findings, key=lambda f: (rank[f.severity], f.code, f.where))


def newest(features: Sequence[Feature]) -> int:
    """When the newest edition begins; 0 where nothing ever changes."""
    return max((t for f in features for t in (f.since, f.until) if t not in {ALWAYS, FOREVER}), default=0)


def _layers(features: Sequence[Feature]) -> dict[str, _Layer]:
    made = {}
    for name in dict.fromkeys(f.layer for f in features):
        mine = [f for f in features if f.layer == name and KINDS[f.shape.geom_type] == "polygon"]
        if mine:
            shapes = np.array([f.shape for f in mine], object)
            names = frozenset(v for f in mine for v in (f.code, f.attributes.get("name")))
            made[name] = _Layer(mine, shapes, shapely.STRtree(shapes), names)
    return made


def _winding(features: Sequence[Feature]) -> Iterator[Finding]:
    """How many features of a layer have rings that wind otherwise than RFC 7946 wants."""
    of = Counter(f.layer for f in features)
    shapes = np.array([f.shape for f in features], object)
    turned = ~shapely.equals_exact(shapes, shapely.orient_polygons(shapes)) if len(shapes) else ()
    count = Counter(f.layer for f, other in zip(features, turned, strict=True) if other)
    for layer, n in sorted(count.items()):
        yield found("M109", layer, count=n, of=of[layer])


def _large(features: Sequence[Feature]) -> Iterator[Finding]:
    count = shapely.get_num_coordinates(np.array([f.shape for f in features], object))
    for k in np.flatnonzero(count > POSITIONS).tolist():
        try:
            Change.of(features[k]).record()
        except MapError:
            yield found("M115", where(features[k]), positions=int(count[k]), limit=LIMIT)


def _says(f: Feature) -> Iterator[Finding]:
    """What a feature's own attributes lack, or say oddly."""
    for needed, kind in LAYERS[f.layer].needs.items() if f.layer in LAYERS else ():
        value = f.attributes.get(needed)
        if f.layer == "grid" and value in {None, ""}:
            yield found("M208", where(f), name=needed)
        elif not isinstance(value, int | float if kind is float else kind) or isinstance(value, bool):
            got = "none" if value is None else repr(value)
            yield found("M118", where(f), name=needed, kind="a number" if kind is float else "text", got=got)
    name = f.attributes.get("name")
    wrong = odd(name) if isinstance(name, str) else None
    if wrong is not None:
        yield found("M117", where(f), name=name, what=wrong.en, what_zh=wrong.zh)


def _unknown(f: Feature, layers: dict[str, _Layer]) -> Iterator[Finding]:
    """Units that a feature names and that are not in force with it."""
    for layer in UNITS:
        code = f.attributes.get(layer)
        if isinstance(code, str) and code and layer in layers and code not in layers[layer].names:
            yield found("M209", where(f), name=layer, code=code)


def _holes(layer: _Layer) -> Iterator[Finding]:
    """Holes in features, and how much of each no other feature fills."""
    for f in layer.features:
        for part in shapely.get_parts(f.shape):
            for ring in part.interiors:
                hole = shapely.Polygon(ring)
                inside = layer.shapes[layer.tree.query(hole, predicate="intersects")]
                area, open_ = square_metres([hole, hole.difference(shapely.union_all(inside))]).tolist()
                at = shapely.point_on_surface(hole)
                if open_ > SMALL:
                    yield found("M111", where(f), (at.x, at.y), area=area, open=open_)
                else:
                    yield found("M110", where(f), (at.x, at.y), area=area)


def _below(name: str, layer: _Layer, layers: dict[str, _Layer]) -> Iterator[Finding]:
    """A layer beside the one above it: orphans, excess, what is not covered. Without one above: enclosed gaps."""
    above = _above(name, layers)
    if not above:
        whole = shapely.get_parts(shapely.union_all(layer.shapes))
        enclosed = [shapely.Polygon(ring) for part in whole for ring in getattr(part, "interiors", ())]
        filled = [shapely.Polygon(r) for s in layer.shapes for p in shapely.get_parts(s) for r in p.interiors]
        # A hole that one feature has for itself is told with that feature.
        yield from _gaps(name, layer, [e for e in enclosed if not any(e.equals(f) for f in filled)])
        return
    parents = {p.code: p for p in layers[above].features}
    stated = [(f, parent_of(f, above)) for f in layer.features]
    silent = sum(1 for _, code in stated if code is None)
    if silent:
        yield found("M207", name, count=silent, of=len(stated), layer=name, parent=above)
    for f, code in stated:
        if code is None:
            continue
        if code not in parents:
            yield found("M204", where(f), parent=code, layer=above)
            continue
        excess = f.shape.difference(parents[code].shape)
        area = float(square_metres(excess)[0])
        if area > SMALL:
            at = shapely.point_on_surface(excess)
            yield found("M205", where(f), (at.x, at.y), parent=code, area=area)
    for parent in layers[above].features:
        yield from _uncovered(name, layer, parent)


def _above(name: str, layers: Collection[str]) -> str:
    """The nearest layer above that the map has; empty where there is none."""
    above = LAYERS[name].parent if name in LAYERS else ""
    while above and above not in layers:
        above = LAYERS[above].parent
    return above


def parent_of(f: Feature, above: str) -> str | None:
    """Code of the feature of a layer above: by attribute ``parent`` if it is the next one, else by the layer's name."""
    direct = f.attributes.get("parent") if f.layer in LAYERS and LAYERS[f.layer].parent == above else None
    code = f.attributes.get(above) if direct is None else direct
    return code if isinstance(code, str) and code else None


def _uncovered(name: str, layer: _Layer, parent: Feature) -> Iterator[Finding]:
    children = layer.shapes[layer.tree.query(parent.shape, predicate="intersects")]
    parts = shapely.get_parts(parent.shape.difference(shapely.union_all(children)))
    parts = parts[shapely.get_dimensions(parts) == 2]
    between = np.array([_enclosed(part, _touching(layer, part)) for part in parts], bool)
    yield from _gaps(name, layer, parts[between])
    rest = float(square_metres(parts[~between]).sum()) if (~between).any() else 0.0
    if rest > SMALL:
        largest = parts[~between][np.argmax(shapely.area(parts[~between]))]
        at = shapely.point_on_surface(largest)
        total = float(square_metres(parent.shape)[0])
        yield found("M206", where(parent), (at.x, at.y), layer=name, area=rest, share=rest / total)


def _enclosed(part: Any, neighbours: Sequence[Feature]) -> bool:
    """Whether the features around a part hold most of its rim, those of other parents too: a gap, and not a margin."""
    around = shapely.union_all([f.shape for f in neighbours]).buffer(NEAR)
    return len(neighbours) >= 2 and bool(part.boundary.difference(around).length <= (1 - RIM) * part.length)


def _touching(layer: _Layer, part: Any) -> list[Feature]:
    return [layer.features[k] for k in sorted(layer.tree.query(part, predicate="intersects").tolist())]


def _gaps(name: str, layer: _Layer, parts: Collection[Any]) -> Iterator[Finding]:
    for part in parts:
        area = float(square_metres(part)[0])
        if area > SMALL:
            at = shapely.point_on_surface(part)
            codes = [f.code for f in _touching(layer, part)]
            neighbours = ", ".join(codes[:NEIGHBOURS]) + (" …" if len(codes) > NEIGHBOURS else "")
            yield found("M203", name, (at.x, at.y), area=area, neighbours=neighbours)


def _beside(features: Sequence[Feature], other: Sequence[Feature], time: int, share: float) -> Iterator[Finding]:
    """Areas beside another map's at one time, and what is there no more."""
    was = {(f.layer, f.code): f for f in other if f.since <= time < f.until}
    now = {(f.layer, f.code): f for f in features if f.since <= time < f.until}
    for key in sorted(set(was) - set(now)):
        yield found("M302", where(was[key]))
    both = [key for key in sorted(set(was) & set(now)) if KINDS.get(now[key].shape.geom_type) == "polygon"]
    if not both:
        return
    old, new = (square_metres([m[key].shape for key in both]) for m in (was, now))
    for key, before, after in zip(both, old.tolist(), new.tolist(), strict=True):
        change = after / before - 1 if before else np.inf
        if abs(change) > share:
            yield found("M301", where(now[key]), was=before, now=after, change=change)
