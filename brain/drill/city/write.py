"""The sample city as files: a layer a file, one map for a set, the registry, the addresses, and what is in them."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from brain.drill.city import names
from brain.drill.city.addresses import TEXTS
from brain.drill.city.model import City
from brain.drill.city.roads import CLASSES
from geo import geojson
from geo.feature import Feature
from streams.registry import Asset

POLYGONS = ("district", "town", "community", "grid", "zone", "risk", "reservoir")
FILES = (
    *(f"{layer}.geojson" for layer in POLYGONS), "map.geojson", "river.geojson", "road.geojson", "site.geojson",
    "camera.geojson", "addresses.ndjson.gz", "assets.ndjson", "README",
)  # fmt: skip
SAMPLE = ("district", "town", "community", "grid", "zone", "reservoir", "river")
"""Layers of the small sample that the project carries; of communities and grids one district's."""
GZIP_LEVEL = 6


def write(city: City, out: Path, done: Callable[[str], None] = lambda name: None) -> dict[str, int]:
    """Write all files into a folder, and return how many of everything there are. The bytes depend on the city alone.

    ``done`` is told each file's name once it is there. Raises OSError where the folder cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    counts: dict[str, int] = {}
    for name in FILES:
        data, counted = _file(city, name, counts)
        (out / name).write_bytes(data)
        counts.update(counted)
        done(name)
    return counts


def write_sample(city: City, out: Path, done: Callable[[str], None] = lambda name: None) -> dict[str, int]:
    """Write the layers that ``config/map`` has, as :func:`write` does: few enough to travel with the project.

    The smallest district's communities and grids, the other layers whole.
    """
    out.mkdir(parents=True, exist_ok=True)
    counts: dict[str, int] = {}
    for name, data in sample(city).items():
        (out / name).write_bytes(data)
        counts[name.partition(".")[0]] = data.count(b'"type":"Feature"')
        done(name)
    return counts


def sample(city: City) -> dict[str, bytes]:
    """The files of :func:`write_sample` by name."""
    smallest = min(city.units.districts, key=lambda d: len(d.cells)).code
    out: dict[str, bytes] = {}
    for layer in SAMPLE:
        if layer == "river":
            out["river.geojson"] = _collection(_rivers(city))
            continue
        mine = city.reservoirs if layer == "reservoir" else [f for f in city.administrative if f.layer == layer]
        if layer in ("community", "grid"):
            mine = [f for f in mine if f.code.startswith(smallest)]
        out[f"{layer}.geojson"] = _lines(mine)
    return out


def _file(city: City, name: str, counts: dict[str, int]) -> tuple[bytes, dict[str, int]]:
    """The bytes of a file, and the counts that come with it."""
    layer = name.partition(".")[0]
    if layer in POLYGONS:
        mine = [f for f in city.polygons if f.layer == layer]
        return _lines(mine), {layer: len(mine)}
    if name == "map.geojson":
        return _lines(city.polygons), {}
    if name == "assets.ndjson":
        records = [*city.assets.records, *city.cameras.records]
        return _ndjson(map(_asset, records)), {"asset": len(city.assets.records), "asset types": len(_types(city))}
    if name == "addresses.ndjson.gz":
        # Without time and name in the header: the same city gives the same bytes.
        return gzip.compress(_ndjson(_addresses(city)), GZIP_LEVEL, mtime=0), {"address": len(city.addresses.lon)}
    if name == "README":
        return _readme(city, counts).encode(), {}
    made = {"river": _rivers, "road": _roads, "site": _sites, "camera": _cameras}[layer](city)
    features = list(made)
    more = {"road node": len(city.roads.lon)} if layer == "road" else {}
    return _collection(features), {layer: len(features), **more}


def _lines(features: list[Feature]) -> bytes:
    """A FeatureCollection with a line for each feature, so that a change of one is a change of a line."""
    return b'{"type":"FeatureCollection","features":[\n' + b",\n".join(_one(f) for f in features) + b"\n]}\n"


def _one(feature: Feature) -> bytes:
    whole = geojson.write([feature])
    return whole[whole.index(b"[") + 1 : -2]


def _collection(features: Iterable[dict[str, Any]]) -> bytes:
    encoded = b",\n".join(map(msgspec.json.encode, features))
    return b'{"type":"FeatureCollection","features":[\n' + encoded + b"\n]}\n"


def _ndjson(records: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(msgspec.json.encode(r) + b"\n" for r in records)


def _point(layer: str, code: str, lon: float, lat: float, properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "properties": {"layer": layer, "code": code, **properties},
            "geometry": {"type": "Point", "coordinates": [lon, lat]}}  # fmt: skip


def _line(layer: str, code: str, at: list[list[float]], properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "properties": {"layer": layer, "code": code, **properties},
            "geometry": {"type": "LineString", "coordinates": at}}  # fmt: skip


def _rivers(city: City) -> Iterator[dict[str, Any]]:
    net = city.rivers
    for k, (a, b) in enumerate(zip(net.start.tolist(), net.end.tolist(), strict=True)):
        yield _line("river", f"RI{k + 1:04d}", net.line[k].tolist(), {
            "name": net.name[k], "from": net.code[a], "to": net.code[b], "metres": float(net.metres[k]),
            "order": int(net.order[k]), "height_from": round(float(net.height[a]), 2),
            "height_to": round(float(net.height[b]), 2),
        })  # fmt: skip


def _roads(city: City) -> Iterator[dict[str, Any]]:
    graph = city.roads
    nodes, streets = graph.codes()
    at = [list(p) for p in zip(graph.lon.tolist(), graph.lat.tolist(), strict=True)]
    for k, (a, b) in enumerate(zip(graph.start.tolist(), graph.end.tolist(), strict=True)):
        yield _line("road", streets[k], [at[a], at[b]], {
            "name": graph.names[graph.road[k]], "from": nodes[a], "to": nodes[b], "oneway": bool(graph.one_way[k]),
            "speed": int(graph.speed[k]), "metres": float(graph.metres[k]), "class": CLASSES[graph.kind[k]],
        })  # fmt: skip


def _sites(city: City) -> Iterator[dict[str, Any]]:
    s = city.sites
    for k, code in enumerate(s.code):
        yield _point("site", code, float(s.lon[k]), float(s.lat[k]), {
            "name": s.name[k], "kind": s.kind[k], "people": int(s.people[k]), "aliases": "#".join(s.aliases[k]),
            "grid": s.grid[k],
        })  # fmt: skip


def _cameras(city: City) -> Iterator[dict[str, Any]]:
    c = city.cameras
    for k, record in enumerate(c.records):
        yield _point("camera", record.id, float(c.lon[k]), float(c.lat[k]), {
            "name": c.name[k], "kind": c.kind[k], "heading": int(c.heading[k]), "owner": record.owner,
            "grid": c.grid[k],
        })  # fmt: skip


def _addresses(city: City) -> Iterator[dict[str, Any]]:
    a = city.addresses
    columns = [a.texts[name] for name in TEXTS if name != "code"]
    keys = [name for name in TEXTS if name != "code"]
    for k, code in enumerate(a.texts["code"]):
        texts = {key: column[k] for key, column in zip(keys, columns, strict=True) if column[k]}
        yield _point("address", code, float(a.lon[k]), float(a.lat[k]), texts)


def _asset(asset: Asset) -> dict[str, Any]:
    """As people write it: without what is empty."""
    raw: dict[str, Any] = msgspec.to_builtins(asset)
    return {k: v for k, v in raw.items() if v not in ("", None, {})}


def _types(city: City) -> Counter[str]:
    return Counter(city.assets.type)


def _readme(city: City, counts: dict[str, int]) -> str:
    kinds, types = Counter(city.sites.kind), _types(city)
    lines = [
        f"{names.CITY} — an invented city: no border, street, site or person in it is real.",
        f"seed {city.seed}, scale {city.scale.name}, {int(city.units.people.sum())} people",
        f"brain drill city OUT --seed {city.seed} --scale {city.scale.name}",
        "", "counts", *(f"  {name}: {n}" for name, n in counts.items()),
        "", "sites by kind", *(f"  {name}: {kinds[name]}" for name in sorted(kinds)),
        "", "assets by type", *(f"  {name}: {types[name]}" for name in sorted(types)),
        "", "assets.ndjson holds the sensors and, as type camera, the cameras.",
        "Positions in all other files are WGS 84; an asset's are in the system that it states.", "",
    ]  # fmt: skip
    return "\n".join(lines)
