"""A small map with all that a layer may hold, and an application over it, for tests of the HTTP side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import shapely
from litestar.testing import TestClient

from brain.screen.app import build
from brain.screen.features.catalogue import PUBLIC
from brain.screen.features.store import LayerStore
from geo.feature import ALWAYS, FOREVER, Feature

NOW = 1_600_000_000_000
CHANGE = int(np.datetime64("2020-06-22T00:00:00", "ms").astype(np.int64))
"""When grid g2 changed its shape, and g4 ended."""
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"


def clockwise(west: float, south: float, east: float, north: float, hole: bool = False) -> Any:
    """A square drawn the wrong way round for RFC 7946, its hole too."""
    ring = [(west, south), (west, north), (east, north), (east, south)]
    inner = [(west + 0.01, south + 0.01), (east - 0.01, south + 0.01), (east - 0.01, north - 0.01)]
    return shapely.Polygon(ring, [inner] if hole else [])


def features() -> list[Feature]:
    """Grids in three versions, a river, roads, sites with numbers, and layers that not everyone may read."""
    grids = [
        Feature("grid", "g3", clockwise(113.2, 22, 113.3, 22.1), attributes={"town": "乙镇"}),
        Feature("grid", "g1", clockwise(113.0, 22, 113.1, 22.1, hole=True), attributes={"town": "甲镇"}),
        Feature("grid", "g2", clockwise(113.1, 22, 113.2, 22.1), ALWAYS, CHANGE, {"town": "甲镇"}),
        Feature("grid", "g2", clockwise(113.1, 22, 113.2, 22.15), CHANGE, FOREVER, {"town": "乙镇"}),
        Feature("grid", "g4", clockwise(113.3, 22, 113.4, 22.1), CHANGE - 1000, CHANGE, {"town": "丙镇"}),
    ]
    sites = [
        Feature("site", f"s{n}", shapely.Point(113.0 + n / 100, 22.123456789), attributes={"kind": kind, "beds": n,
                "area": n + 0.5, "open": n % 2 == 0, "mixed": n if n % 2 else str(n)})
        for n, kind in enumerate(["学校", "医院", "学校", "<b>&", "a/b"])
    ]  # fmt: skip
    rest = [
        Feature("river", "r1", shapely.LineString([(113.0, 22.0), (113.4, 22.1)]), attributes={"from": "a", "to": "b"}),
        Feature("road", "k/1", shapely.LineString([(113, 22), (113.1, 22.1)]), attributes={"from": "a", "to": "b"}),
        Feature("site", "nowhere", None, attributes={"kind": "网站"}),
        Feature("address", "a1", shapely.Point(113, 22), attributes={"text": "某路 1 号"}),
        Feature("camera", "c1", shapely.Point(113, 22)),
    ]
    return [*grids, *sites, *rest]


def store(served: tuple[str, ...] = PUBLIC, kept: int = 4) -> LayerStore:
    """Of that map."""
    return LayerStore(features(), served, kept=kept)


@contextmanager
def client(of: LayerStore | None = None) -> Iterator[TestClient[Any]]:
    """A client of an application over that map, at a fixed time."""
    with TestClient(build(of or store(), lambda: NOW), raise_server_exceptions=False) as c:
        yield c


def ids(answer: Any) -> list[str]:
    """Ids of the features of an answer that succeeded."""
    assert answer.status_code == 200, answer.text
    return [f["id"] for f in answer.json()["features"]]


def link(body: dict[str, Any], rel: str, media: str = "") -> str:
    """Address of the one link of that kind."""
    found = [item["href"] for item in body["links"] if item["rel"] == rel and media in item["type"]]
    assert len(found) == 1, (rel, media, body["links"])
    return str(found[0])
