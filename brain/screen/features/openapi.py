"""The definition of the API as OpenAPI 3.0, of the layers as they are: each has its own paths, because its own filters.

Written here and not by the framework, whose documents are OpenAPI 3.1: the conformance class asks for 3.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from brain.screen.features.catalogue import title
from brain.screen.features.crs import CRS84, SUPPORTED
from brain.screen.features.documents import (
    ABOUT,
    GEOJSON,
    HOME,
    HTML,
    JSON,
    OPENAPI,
    TITLE,
    Collection,
    Collections,
    Conformance,
    Landing,
)  # fmt: skip
from brain.screen.features.query import DEFAULT_LIMIT, FORMATS, ITEMS, MOST
from brain.screen.features.store import Layer, Snapshot
from brain.screen.language import Say
from brain.screen.problems import ABSENT, BAD, BUG, GONE, MEDIA, UNKNOWN, Body

VERSION = "1.0.0"
"""Of the API; a change that breaks a client changes the first number."""
_REF = "#/components/schemas/"


def document(snapshot: Snapshot, root: str, language: str) -> dict[str, Any]:
    """The whole definition. Descriptions are in the language; nothing else depends on it."""
    return {
        "openapi": "3.0.3",
        "info": {"title": TITLE.to(language), "description": ABOUT.to(language), "version": VERSION},
        "servers": [{"url": f"{root}/{HOME}"}],
        "tags": [{"name": n, "description": title(n).to(language)} for n in ("map", *snapshot.layers)],
        "paths": _paths(snapshot, language),
        "components": {
            "schemas": _schemas(),
            "parameters": {name: _parameter(name, language) for name in _PARAMETERS},
            "headers": {name: _header(say, language) for name, say in _HEADERS.items()},
        },
    }


def _paths(snapshot: Snapshot, language: str) -> dict[str, Any]:
    def get(id_: str, say: Say, media: str, schema: Any, names: Iterable[str], tag: str = "map", **more: Any) -> Any:
        parameters = [{"$ref": f"#/components/parameters/{name}"} for name in names] + more.get("own", [])
        answers = _responses(media, schema, language, missing=more.get("missing", ()), moved=more.get("moved", False))
        operation = {
            "operationId": id_, "summary": say.to(language), "tags": [tag], "parameters": parameters,
            "responses": answers,
        }  # fmt: skip
        return {"get": operation, "head": {**operation, "operationId": f"head.{id_}"}}

    paths = {
        "/": get("landing", Say("首页", "landing page"), JSON, _ref("Landing"), ["f"]),
        "/api": get("api", Say("本定义", "this definition"), OPENAPI, _ref("Api"), ["f"]),
        "/conformance": get("conformance", Say("符合性类", "conformance classes"), JSON, _ref("Conformance"), ["f"]),
        "/collections": get("collections", Say("全部图层", "all layers"), JSON, _ref("Collections"), ["f"]),
    }
    for name, layer in snapshot.layers.items():
        say, path = title(name), f"/collections/{name}"
        own = [_filter(n, kind, language) for n, kind in layer.fields.items() if n not in ITEMS]
        paths[path] = get(f"{name}.about", say, JSON, _ref("Collection"), ["f"], name, missing=[ABSENT])
        paths[f"{path}/items"] = get(
            f"{name}.items", say, GEOJSON, _page(layer), ITEMS, name, own=own, missing=[ABSENT, GONE]
        )
        paths[f"{path}/items/{{featureId}}"] = get(
            f"{name}.feature", say, GEOJSON, _feature(layer), ["f", "crs", "featureId"], name,
            missing=[ABSENT], moved=True,
        )  # fmt: skip
    return paths


def _responses(
    media: str, schema: Any, language: str, *, missing: Iterable[Any] = (), moved: bool = False
) -> dict[str, Any]:
    def failure(*kinds: Any) -> dict[str, Any]:
        said = "; ".join(kind.title.to(language) for kind in kinds)
        return {"description": said, "content": {MEDIA: {"schema": _ref("Problem")}}}

    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in ("ETag", "Map-Version")}
    if media == GEOJSON:
        headers |= {name: {"$ref": f"#/components/headers/{name}"} for name in ("Content-Crs", "Link")}
    content = {media: {"schema": schema}, HTML: {"schema": {"type": "string"}}}
    answers: dict[str, Any] = {
        "200": {"description": Say("成功", "success").to(language), "headers": headers, "content": content},
        "304": {"description": Say("与 If-None-Match 相同", "as If-None-Match has it").to(language)},
        "400": failure(UNKNOWN, BAD),
        "500": failure(BUG),
    }
    if moved:
        said = Say("编码有多个版本: 转到当前有效者", "a code of several versions: see the one in force")
        answers["307"] = {"description": said.to(language)}
    if missing:
        answers["404"] = failure(*missing)
    return dict(sorted(answers.items()))


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": _REF + name}


def _feature(layer: Layer) -> dict[str, Any]:
    """A layer's features are the general ones with its own properties."""
    times = {name: {"type": "string", "format": "date-time"} for name in ("since", "until")}
    own = {name: {} if kind == "mixed" else {"type": kind} for name, kind in layer.fields.items()}
    properties = {"type": "object", "properties": {"layer": {"type": "string"}, **times, **own}}
    return {"allOf": [_ref("Feature"), {"type": "object", "properties": {"properties": properties}}]}


def _page(layer: Layer) -> dict[str, Any]:
    listed = {"features": {"type": "array", "items": _feature(layer)}}
    return {"allOf": [_ref("Page"), {"type": "object", "properties": listed}]}


def _filter(name: str, kind: str, language: str) -> dict[str, Any]:
    said = Say(f"属性 {name} 等于此值", f"attribute {name} equals this")
    return {
        "name": name, "in": "query", "required": False, "description": said.to(language), "style": "form",
        "explode": False, "schema": {"type": "string" if kind == "mixed" else kind},
    }  # fmt: skip


def _parameter(name: str, language: str) -> dict[str, Any]:
    said, schema = _PARAMETERS[name]
    shared = {"name": name, "description": said.to(language), "schema": schema}
    if name == "featureId":
        return {**shared, "in": "path", "required": True}
    return {**shared, "in": "query", "required": False, "style": "form", "explode": False}


def _header(said: Say, language: str) -> dict[str, Any]:
    return {"description": said.to(language), "schema": {"type": "string"}}


_URIS = {"type": "string", "format": "uri", "enum": [crs.uri for crs in SUPPORTED], "default": CRS84.uri}
_PARAMETERS: Mapping[str, tuple[Say, dict[str, Any]]] = {
    "f": (
        Say("json 或 html; 缺省由 Accept 决定", "json or html; by default Accept decides"),
        {"type": "string", "enum": list(FORMATS)},
    ),
    "bbox": (
        Say(
            "与此范围相交的要素; 西, 南, 东, 北 (度); 西大于东即跨 180 度; 六个数时第三、六个为高度",
            "features touching the box west, south, east, north in degrees; west above east crosses the antimeridian; "
            "of six numbers the third and the sixth are heights",
        ),
        {"type": "array", "oneOf": [{"minItems": n, "maxItems": n} for n in (4, 6)], "items": {"type": "number"}},
    ),
    "bbox-crs": (Say("bbox 的坐标系", "reference system of bbox"), _URIS),
    "datetime": (
        Say("在此时刻或区间内有效的要素: t, a/b, a/.., ../b", "features in force then: t, a/b, a/.., ../b"),
        {"type": "string"},
    ),
    "limit": (
        Say("每页至多几个要素; 超过上限按上限", "features a page at most; more than the maximum is taken as it"),
        {"type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT_LIMIT},
    ),
    "crs": (Say("答复的坐标系, 坐标按其轴序", "reference system of the answer, in its own order of axes"), _URIS),
    "page": (
        Say("来自 next、prev、first 链接", "from a next, prev or first link; not to be made up"),
        {"type": "string"},
    ),
    "featureId": (Say("要素标识, 或其编码", "id of a feature, or its code"), {"type": "string"}),
}
_HEADERS = {
    "Map-Version": Say("答复所依据的地图版本", "version of the map that answered"),
    "ETag": Say("随地图版本变化", "changes with the version of the map"),
    "Content-Crs": Say("坐标系 URI", "URI of the coordinates' reference system"),
    "Link": Say("与正文相同的链接", "the links of the body"),
}


def _schemas() -> dict[str, Any]:
    (*_, problem), parts = msgspec.json.schema_components(
        [Landing, Conformance, Collections, Collection, Body], ref_template=_REF + "{name}"
    )
    made: dict[str, Any] = {name: _to_30(schema) for name, schema in parts.items()}
    made |= {**_GEOJSON, "Api": {"type": "object"}}
    made["Problem"] = made.pop(problem["$ref"].removeprefix(_REF))
    return made


def _to_30(schema: Any) -> Any:
    """JSON Schema as OpenAPI 3.0 has it: what may be null says so beside its type."""
    if isinstance(schema, list):
        return [_to_30(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kinds = schema.get("anyOf", [])
    if {"type": "null"} in kinds:
        (kind,) = [k for k in kinds if k != {"type": "null"}]
        return {**_to_30(kind), "nullable": True}
    return {name: _to_30(part) for name, part in schema.items() if (name, part) != ("required", [])}


_NUMBERS = {"type": "array", "items": {"type": "number"}}
_LINKS = {"type": "array", "items": {"$ref": _REF + "Link"}}
_SHAPES = ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection")
_GEOJSON: Mapping[str, Any] = {
    "Geometry": {
        "type": "object", "nullable": True, "required": ["type"],
        "properties": {
            "type": {"type": "string", "enum": list(_SHAPES)},
            "coordinates": {"type": "array", "items": {}},
            "geometries": {"type": "array", "items": {"type": "object"}},
        },
    },
    "Feature": {
        "type": "object", "required": ["type", "id", "geometry", "properties"],
        "properties": {
            "type": {"type": "string", "enum": ["Feature"]}, "id": {"type": "string"},
            "geometry": {"$ref": _REF + "Geometry"}, "properties": {"type": "object"},
            "bbox": _NUMBERS, "links": _LINKS,
        },
    },
    "Page": {
        "type": "object",
        "required": ["type", "mapVersion", "timeStamp", "numberMatched", "numberReturned", "features", "links"],
        "properties": {
            "type": {"type": "string", "enum": ["FeatureCollection"]}, "mapVersion": {"type": "string"},
            "timeStamp": {"type": "string", "format": "date-time"},
            "numberMatched": {"type": "integer", "minimum": 0}, "numberReturned": {"type": "integer", "minimum": 0},
            "features": {"type": "array", "items": {"$ref": _REF + "Feature"}}, "links": _LINKS, "bbox": _NUMBERS,
        },
    },
}  # fmt: skip
