"""The resources of the map as pages: the same content as the JSON, with a drawing where there are features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import msgspec
import numpy as np
import shapely

from brain.screen.features.catalogue import title as title_of
from brain.screen.features.documents import HOME, TITLE, Collection, Collections, Place
from brain.screen.features.encode import Feature
from brain.screen.language import Say
from brain.screen.pages import page, table, tree
from brain.screen.urls import address

WIDTH = 800
"""Units across a drawing."""


def resource(place: Place, title: str, body: Any) -> bytes:
    """Any body of :mod:`brain.screen.features.documents`; lists of layers get a table."""
    content = msgspec.to_builtins(body)
    if isinstance(body, Collections):
        rows = [_row(place, item) for item in body.collections]
        content = {**content, "collections": rows}
    return page(title, place.language, tree(content), _trail(place))


def _row(place: Place, item: Collection) -> dict[str, Any]:
    """A layer as a line of a table; its own page is one click away."""
    raw = msgspec.to_builtins(item)
    here = address(place.root, (HOME, "collections", item.id), [("f", "html")])
    first = {name: raw.pop(name) for name in ("id", "description", "links")}
    return {"": {"href": here, "title": item.title}, **first, **raw}


def features(place: Place, layer: str, head: Mapping[str, Any], listed: Sequence[Feature], shapes: Any) -> bytes:
    """A page of features: how many there are, where the other pages are, a drawing and a table."""
    rows = [
        {"id": {"href": _of(place, layer, f.id), "title": f.id}, **_cells(f.properties), **_geometry(f)} for f in listed
    ]
    body = tree(head) + drawing(shapes) + (table(rows) if rows else f"<p>{_NONE.to(place.language)}</p>")
    return page(title_of(layer).to(place.language), place.language, body, _trail(place, layer))


def feature(place: Place, layer: str, version: str, one: Feature, shapes: Any) -> bytes:
    """One feature, with all its attributes."""
    head = {"mapVersion": version, "id": one.id, "links": msgspec.to_builtins(one.links)}
    body = drawing(shapes) + tree({**head, "properties": one.properties, **_geometry(one)})
    return page(one.id, place.language, body, _trail(place, layer))


def definition(place: Place, document: Mapping[str, Any]) -> bytes:
    """The definition of the API: every path with its parameters and answers."""
    shared = document["components"]["parameters"]
    parts = [f"<p>{escape(document['info']['description'])}</p>", tree(msgspec.to_builtins(place.own()))]
    base = document["servers"][0]["url"]
    for path, methods in document["paths"].items():
        get = methods["get"]
        parameters = [shared[p["$ref"].rpartition("/")[2]] if "$ref" in p else p for p in get["parameters"]]
        asked = [{n: p[n] for n in ("name", "in", "description", "schema")} for p in parameters]
        answers = [
            {"status": status, "description": answer["description"], "media": ", ".join(answer.get("content", ()))}
            for status, answer in get["responses"].items()
        ]
        parts.append(f"<h2><code>GET {escape(base + path)}</code></h2><p>{escape(get['summary'])}</p>")
        parts += [table(asked), table(answers)]
    return page(document["info"]["title"], place.language, "".join(parts), _trail(place))


def drawing(shapes: Any) -> str:
    """Shapes as SVG, north up, each degree as long as on the ground; empty where none has a place."""
    known = shapes[~shapely.is_missing(shapes)]
    if not len(known):
        return ""
    west, south, east, north = shapely.total_bounds(known).tolist()
    shrink = max(float(np.cos(np.radians((south + north) / 2))), 0.01)
    across, up = max((east - west) * shrink, 1e-6), max(north - south, 1e-6)
    scale = min(WIDTH / across, WIDTH / up)

    def place(points: Any) -> Any:
        x = (points[:, 0] - west) * shrink * scale
        return np.round(np.column_stack([x, (north - points[:, 1]) * scale]), 1)

    parts = shapely.get_parts(shapely.transform(known, place)).tolist()
    drawn = "".join(map(_svg, parts))
    return f'<svg viewBox="-8 -8 {across * scale + 16:.0f} {up * scale + 16:.0f}" aria-hidden="true">{drawn}</svg>'


def _svg(shape: Any) -> str:
    if shape.geom_type == "Point":
        return f'<circle cx="{shape.x}" cy="{shape.y}" r="4"/>'
    if shape.geom_type == "Polygon":
        rings = [shape.exterior, *shape.interiors]
        return f'<path fill-rule="evenodd" d="{"".join(_path(ring) + "Z" for ring in rings)}"/>'
    if shape.geom_type in {"LineString", "LinearRing"}:
        return f'<path class="line" d="{_path(shape)}"/>'
    return "".join(map(_svg, shape.geoms))


def _path(line: Any) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in shapely.get_coordinates(line).tolist())


def _of(place: Place, layer: str, id_: str) -> str:
    return address(place.root, (HOME, "collections", layer, "items", id_), [("f", "html")])


def _cells(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name != "layer"}


def _geometry(feature: Feature) -> dict[str, Any]:
    return {"bbox": feature.bbox, "geometry": bytes(feature.geometry).decode()}


def _trail(place: Place, layer: str = "") -> list[tuple[str, str]]:
    f = [("f", "html")]
    steps = [((), TITLE), (("collections",), _LAYERS)]
    if layer:
        steps += [(("collections", layer), title_of(layer)), (("collections", layer, "items"), _FEATURES)]
    return [(say.to(place.language), address(place.root, (HOME, *path), f)) for path, say in steps]


_NONE = Say("没有符合条件的要素。", "No feature answers to this.")
_LAYERS, _FEATURES = Say("图层", "layers"), Say("要素", "features")
