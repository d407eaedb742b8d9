"""Features of the map from GeoJSON (RFC 7946, so WGS 84, longitude first); what cannot be read is named, all of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import shapely

from geo.feature import ALWAYS, FOREVER, Feature, Finding, MapError

RESERVED = ("layer", "code", "since", "until")


def load(path: Path) -> list[Feature]:
    """Read a file. Raises MapError with all that is wrong, and OSError where it cannot be read."""
    try:
        data = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise MapError(f"{path}: not a JSON object: {error}") from error
    try:
        return read(data)
    except MapError as error:
        raise MapError([Finding(f"{path}: {f.where}", f.says) for f in error.findings]) from error


def read(collection: Mapping[str, Any]) -> list[Feature]:
    """Features of a decoded FeatureCollection.

    Properties: ``layer`` (default grid), ``code`` (or one named as the layer), ``since`` and ``until`` (RFC 3339 with
    its offset; absent: always, for ever); all other texts become attributes.

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
    for number, raw in enumerate(features):
        try:
            read.append(_feature(raw))
        except MapError as error:
            findings.append(Finding(f"features[{number}]", str(error)))
    if findings:
        raise MapError(findings)
    return read


def _feature(raw: Any) -> Feature:
    properties = raw.get("properties") if isinstance(raw, Mapping) else None
    if not isinstance(properties, Mapping):
        raise MapError("expected a Feature with properties")
    layer = properties.get("layer", "grid")
    if not isinstance(layer, str):
        raise MapError(f"properties.layer: expected text, got {layer!r}")
    name = "code" if "code" in properties else layer
    if not isinstance(properties.get(name), str):
        raise MapError(f"properties.{name}: expected text, got {properties.get(name)!r}")
    since, until = _time(properties, "since", ALWAYS), _time(properties, "until", FOREVER)
    attributes = {k: v for k, v in properties.items() if isinstance(v, str) and k not in {*RESERVED, name}}
    return Feature(layer, properties[name], _shape(raw.get("geometry")), since, until, attributes)


def _shape(geometry: Any) -> Any:
    """GEOS reads it; it closes no ring and takes no text for a number, and says so in its own words."""
    try:
        shape = shapely.from_geojson(msgspec.json.encode(geometry))
    except shapely.errors.GEOSException as error:
        raise MapError(f"geometry: {error}") from error
    if shape is None:
        raise MapError("geometry: expected a Polygon or MultiPolygon, got null")
    return shape


def _time(properties: Mapping[str, Any], key: str, absent: int) -> int:
    value = properties.get(key)
    if value is None:
        return absent
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise MapError(f"properties.{key}: expected a time as 2020-06-22T00:00:00+08:00, got {value!r}") from None
    if time.tzinfo is None:
        raise MapError(f"properties.{key}: {value} has no offset; write 2020-06-22T00:00:00+08:00")
    return int(time.timestamp() * 1000)


def write(features: Iterable[Feature]) -> bytes:
    """A FeatureCollection that :func:`read` reads back the same."""
    return msgspec.json.encode({"type": "FeatureCollection", "features": [_raw(f) for f in features]})


def _raw(f: Feature) -> dict[str, Any]:
    times = {name: t for name, t, absent in (("since", f.since, ALWAYS), ("until", f.until, FOREVER)) if t != absent}
    texts = {name: datetime.fromtimestamp(t / 1000, UTC).isoformat() for name, t in times.items()}
    return {
        "type": "Feature",
        "properties": {"layer": f.layer, "code": f.code, **texts, **f.attributes},
        "geometry": msgspec.Raw(shapely.to_geojson(f.shape).encode()),
    }
