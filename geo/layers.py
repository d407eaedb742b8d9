"""The layers 图层 of the one map as data: what kind of shape each has, what it lies in, what its features must say.

Names are permanent: they are in files, in Kafka keys and in scenarios. A layer that is not here is one of your own: its
features may be of any kind, overlap nothing, and need no attribute.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["polygon", "line", "point"]

KINDS: Mapping[str, Kind] = {
    "Polygon": "polygon", "MultiPolygon": "polygon", "LineString": "line", "MultiLineString": "line", "Point": "point",
}  # fmt: skip
"""Kinds of shapes by their GeoJSON type; MultiPoint and GeometryCollection are no place."""


@dataclass(frozen=True)
class Layer:
    """One layer.

    ``zh``: its Chinese name; ``kinds``: shapes that its features may have; ``parent``: the layer whose code the
    attribute ``parent`` names, empty where there is none; ``overlapping``: whether its polygons may overlap; ``needs``:
    attributes without which nothing can be made of a feature, and the type each must have.
    """

    name: str
    zh: str
    kinds: frozenset[Kind]
    parent: str = ""
    overlapping: bool = False
    needs: Mapping[str, type] = field(default_factory=dict)


POLYGON, LINE, POINT = frozenset[Kind]({"polygon"}), frozenset[Kind]({"line"}), frozenset[Kind]({"point"})

LAYERS: Mapping[str, Layer] = {
    layer.name: layer
    for layer in (
        # Statutory hierarchy 法定区划, from the top.
        Layer("district", "区", POLYGON),
        Layer("town", "镇街", POLYGON, parent="district"),
        Layer("community", "社区", POLYGON, parent="town"),
        Layer("grid", "单元网格", POLYGON, parent="community", needs={"town": str, "district": str}),
        # Managing hierarchy 功能区: owns grids and cases though the code tree puts them elsewhere.
        Layer("zone", "功能区", POLYGON),
        Layer("risk", "风险区", POLYGON, overlapping=True),
        Layer("reservoir", "水库", POLYGON),
        # A key site 重点场所 is a point, or the outline of its premises.
        Layer("site", "重点场所", POINT | POLYGON, overlapping=True, needs={"kind": str}),
        Layer("camera", "摄像头", POINT),
        Layer("address", "地址", POINT),
        Layer("road", "道路", LINE, needs={"from": str, "to": str, "metres": float}),
        # The order of a river's coordinates is the direction in which it flows.
        Layer("river", "河道", LINE, needs={"from": str, "to": str}),
    )
}

OVERLAPPING = frozenset(layer.name for layer in LAYERS.values() if layer.overlapping)
"""Layers whose polygons may overlap, where a map does not say otherwise."""
ANY = POLYGON | LINE | POINT


def kinds_of(layer: str) -> frozenset[Kind]:
    """Kinds of shapes that a layer's features may have; any, for a layer of your own."""
    return LAYERS[layer].kinds if layer in LAYERS else ANY


def located(layer: str, shape: Any) -> bool:
    """Whether a point can be asked to lie in the feature, so that it takes part in the index of polygons.

    False for points and lines where their layer may have them: they are for nearest sites, roads and rivers. True for
    a shape that its layer may not have, so that a check finds it.
    """
    kind = KINDS.get(getattr(shape, "geom_type", ""))
    return kind == "polygon" or kind not in kinds_of(layer)
