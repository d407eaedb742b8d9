"""Features as GeoJSON (RFC 7946): rounded, counter-clockwise, with ids and boxes; collections of them page by page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import shapely

from brain.screen.features.crs import CRS84, Crs
from brain.screen.features.documents import Link
from brain.screen.features.store import Layer, Rows, box_of, start_and_end

_NOWHERE = msgspec.Raw(b"null")


class Feature(msgspec.Struct, tag="Feature", tag_field="type", omit_defaults=True):
    """One feature; ``bbox`` only where it is not the very point."""

    id: str
    geometry: msgspec.Raw
    properties: dict[str, Any]
    bbox: list[float] = []
    links: list[Link] = []


class Page(msgspec.Struct, tag="FeatureCollection", tag_field="type", rename="camel", omit_defaults=True):
    """Some of the features that were asked for; ``bbox``: of all of them, not of the page."""

    map_version: str
    time_stamp: str
    number_matched: int
    number_returned: int
    features: list[Feature]
    links: list[Link]
    bbox: list[float] = []


def features(layer: Layer, rows: Rows, crs: Crs = CRS84) -> list[Feature]:
    """Features of these rows, in their order. Heights are not given: the map has none."""
    shapes = crs.present(layer.shapes[rows])
    geometries, bounds = shapely.to_geojson(shapes), shapely.bounds(shapes).reshape(-1, 4).tolist()
    wide = shapely.get_dimensions(shapes) > 0
    return [
        Feature(
            layer.ids[row],
            _NOWHERE if text is None else msgspec.Raw(text.encode()),
            properties(layer, row),
            box if has_box else [],
        )
        for row, text, box, has_box in zip(rows.tolist(), geometries.tolist(), bounds, wide.tolist(), strict=True)
    ]


def properties(layer: Layer, row: int) -> dict[str, Any]:
    """As a map file has them, so that what is served can be read in again."""
    feature = layer.features[row]
    since, until = start_and_end(feature.since, feature.until)
    times = {name: time for name, time in (("since", since), ("until", until)) if time is not None}
    return {"layer": layer.name, "code": feature.code, **times, **feature.attributes}


def around(layer: Layer, rows: Rows) -> list[float]:
    """Box in degrees of all these rows; empty where none has a place."""
    return box_of(layer.bounds.take(rows, axis=1)) or []


def window(rows: Rows, first: int, limit: int) -> tuple[Rows, int | None, int | None]:
    """Rows from ``first`` on, at most ``limit``; the rows that the next page and the one before begin with."""
    at = int(np.searchsorted(rows, first))
    shown = rows[at : at + limit]
    after = int(rows[at + limit]) if at + limit < len(rows) else None
    before = int(rows[max(0, at - limit)]) if at > 0 else None
    return shown, after, before


def header(links: Sequence[Link]) -> str:
    """Links as the value of a ``Link`` header (RFC 8288)."""
    return ", ".join(f'<{link.href}>; rel="{link.rel}"; type="{link.type}"' for link in links)
