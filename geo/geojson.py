"""Features of the map from GeoJSON (RFC 7946, so WGS 84, longitude first); what cannot be read is named, all of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import shapely

from geo.feature import ALWAYS, FOREVER, RESERVED, Feature, Finding, MapError
from geo.findings import found
from geo.times import text_of, time_of

BOM = b"\xef\xbb\xbf"
"""Some editors begin a file with it; JSON has none."""


def load(path: Path) -> list[Feature]:
    """Read a file. Raises MapError with all that is wrong, and OSError where it cannot be read."""
    try:
        return read(decode(path.read_bytes()))
    except MapError as error:
        raise error.within(str(path)) from error


def decode(data: bytes) -> dict[str, Any]:
    """A JSON object of bytes that nobody has looked at yet. Raises MapError."""
    try:
        return msgspec.json.decode(data.removeprefix(BOM), type=dict[str, Any])
    except RecursionError:
        raise MapError("not a JSON object: nested too deep") from None
    except ValueError as error:  # msgspec's own, and what is no UTF-8
        raise MapError(f"not a JSON object: {error}") from error


def read(collection: Mapping[str, Any]) -> list[Feature]:
    """Features of a decoded FeatureCollection.

    Properties: ``layer`` (default grid), ``code`` (or one named as the layer), ``since`` and ``until`` (RFC 3339 with
    its offset; absent: always, for ever); all other texts, numbers and truth values become
    attributes. Null, lists and objects are left out, and heights of coordinates.

    Raises
    ------
    MapError
        With a finding for everything that cannot be read. Whether the features make a map is for
        :func:`geo.feature.check`.
    """
    features = collection.get("features")
    if not isinstance(features, list):
        raise MapError("features: expected a FeatureCollection with a list of features")
    if "crs" in collection:
        raise MapError("crs: GeoJSON is WGS 84 and has no crs member; rectify the map first")
    read, findings = list[Feature](), list[Finding]()
    for number, one in enumerate(features):
        try:
            read.append(feature(one))
        except MapError as error:
            findings += error.within(f"features[{number}]").findings
    if findings:
        raise MapError(findings)
    return read


def feature(raw: Any) -> Feature:
    """One decoded Feature. Raises MapError; whether it can be used is for :func:`geo.feature.alone`."""
    properties = raw.get("properties") if isinstance(raw, Mapping) else None
    if not isinstance(properties, Mapping):
        raise MapError("expected a Feature with properties")
    layer = properties.get("layer", "grid")
    if not isinstance(layer, str):
        raise MapError([found("M008", "map", name="layer", got=layer)])
    name = "code" if "code" in properties else layer
    if not isinstance(properties.get(name), str):
        raise MapError([found("M008", "map", name=name, got=properties.get(name))])
    since, until = _time(properties, "since", ALWAYS), _time(properties, "until", FOREVER)
    skip = {*RESERVED, name}
    attributes = {k: v for k, v in properties.items() if isinstance(v, str | int | float) and k not in skip}
    return Feature(layer, properties[name], _shape(raw.get("geometry")), since, until, attributes)


def _shape(geometry: Any) -> Any:
    """GEOS reads it; it closes no ring and takes no text for a number. Heights are left out: nothing here asks them."""
    if geometry is None:
        raise MapError([found("M116", "map", why="expected a Polygon or another shape, got null")])
    try:
        shape = shapely.from_geojson(msgspec.json.encode(geometry))
    except shapely.errors.GEOSException as error:
        raise MapError([_open_ring(geometry) or found("M116", "map", why=str(error))]) from error
    except (OverflowError, TypeError, RecursionError, ValueError) as error:  # 65 bits, nests, surrogates
        raise MapError([found("M116", "map", why=str(error))]) from error
    return shapely.force_2d(shape)


def _open_ring(geometry: Any) -> Finding | None:
    """Which ring of a polygon is not closed, and where; None where that is not what is wrong."""
    kind = geometry.get("type") if isinstance(geometry, Mapping) else None
    parts = geometry.get("coordinates") if kind in {"Polygon", "MultiPolygon"} else None
    parts = parts if kind == "MultiPolygon" else [parts]
    for n, part in enumerate(parts if isinstance(parts, list) else ()):
        for k, ring in enumerate(part if isinstance(part, list) else ()):
            if isinstance(ring, list) and ring and ring[0] != ring[-1]:
                place = f"polygon {n} ring {k}" if kind == "MultiPolygon" else f"ring {k}"
                return found("M102", "map", ring=place, begin=str(ring[0])[:60], end=str(ring[-1])[:60])
    return None


def _time(properties: Mapping[str, Any], key: str, absent: int) -> int:
    value = properties.get(key)
    try:
        return absent if value is None else time_of(value)
    except ValueError as error:
        raise MapError([found("M009", "map", name=key, why=str(error))]) from error


def write(features: Iterable[Feature]) -> bytes:
    """A FeatureCollection that :func:`read` reads back the same, with rings wound as RFC 7946 has it."""
    return msgspec.json.encode({"type": "FeatureCollection", "features": [raw(f) for f in features]})


def raw(f: Feature) -> dict[str, Any]:
    """One Feature to encode. Raises ValueError for a time outside the years 1 to 9999."""
    times = {name: t for name, t, absent in (("since", f.since, ALWAYS), ("until", f.until, FOREVER)) if t != absent}
    texts = {name: text_of(t) for name, t in times.items()}
    return {
        "type": "Feature",
        "properties": {"layer": f.layer, "code": f.code, **texts, **f.attributes},
        "geometry": msgspec.Raw(shapely.to_geojson(shapely.orient_polygons(f.shape)).encode()),
    }
