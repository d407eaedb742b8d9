"""The drill district 演练区: the largest district of the small sample city, with a registry of its own for drills.

:func:`make` writes its set once from a seed; :class:`District` is what a drill reads of it. All ids begin with
``drill-`` (``brain.mark``), so that no record of it is ever taken for a real one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from brain.drill.city import City, make_city
from brain.drill.city.asset_types import AssetType
from brain.drill.city.assets import places, records
from brain.drill.city.terrain import stream
from brain.drill.stories.types import CAMERA, TYPES, Metric, Type
from brain.mark import DRILL
from geo import geojson
from geo.coords import to_wgs84
from geo.metres import Metres
from streams.registry import Asset, Registry

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]

SCALE, SEED = "small", 1
PLACES = "places.json"
"""Beside the set's files: what a registry does not say. No part of the set."""
ON_RIVER = frozenset(("water_level", "flow", "tide", "water_quality"))
BOX_TRIES = 40


class Site(NamedTuple):
    """A key site: name, kind (brain/drill/city/sites.py), degrees, people at most."""

    name: str
    kind: str
    lon: float
    lat: float
    people: float


class Station(msgspec.Struct):
    """A station in a river: the reaches from its own down to the mouth, and metres along them."""

    path: list[int]
    to_mouth: float


class Places(msgspec.Struct):
    """What :data:`PLACES` holds; ``doors`` are addresses: degrees and text."""

    district: str
    name: str
    sites: list[Site]
    stations: dict[str, Station]
    doors: list[tuple[float, float, str]]


@dataclass(frozen=True)
class Line:
    """One metric of one asset: ``number`` of its asset, and how it behaves."""

    asset: int
    name: str
    metric: Metric
    every: int
    """Minutes between its readings."""


@dataclass(frozen=True)
class District:
    """Assets by number, sorted by id; ``x`` and ``y`` are metres on the local zone, true positions WGS 84."""

    ids: list[str]
    type: list[str]
    lon: F8
    lat: F8
    places: Places

    @classmethod
    def load(cls, folder: Path) -> District:
        """From a set's folder. Raises OSError, msgspec.DecodeError or RegistryError where it is none."""
        registry = Registry.load(folder / "assets.ndjson")
        lon, lat = to_wgs84(registry.lon, registry.lat, registry.crs)
        found = msgspec.json.decode((folder / PLACES).read_bytes(), type=Places)
        kinds = [registry.types[t] for t in registry.asset_type.tolist()]
        return cls(registry.ids, kinds, lon, lat, found)

    @cached_property
    def metres(self) -> Metres:
        """Of its zone."""
        return Metres.around(float(np.median(self.lon)))

    @cached_property
    def xy(self) -> tuple[F8, F8]:
        """Of all assets."""
        return self.metres.of(self.lon, self.lat)

    @cached_property
    def lines(self) -> list[Line]:
        """All series but the cameras', by asset and then metric name."""
        out = []
        for a, kind in enumerate(self.type):
            if kind in TYPES:
                metrics, every = TYPES[kind].metrics, TYPES[kind].every_s // 60
                out += [Line(a, name, metrics[name], every) for name in sorted(metrics)]
        return out

    @cached_property
    def line_of(self) -> dict[tuple[int, str], int]:
        """(asset, metric) → number of the series."""
        return {(line.asset, line.name): k for k, line in enumerate(self.lines)}

    @cached_property
    def cameras(self) -> list[int]:
        """Numbers of the cameras."""
        return self.of("camera")

    def of(self, kind: str) -> list[int]:
        """Numbers of the assets of a type."""
        return [a for a, t in enumerate(self.type) if t == kind]

    def near(self, kind: str, lon: float, lat: float, within_m: float) -> list[tuple[float, int]]:
        """Assets of a type within so many metres: (metres, number), the nearest first."""
        x, y = self.xy
        px, py = self.metres.of(np.array([lon]), np.array([lat]))
        mine = np.array(self.of(kind), np.int64)
        away = np.hypot(x[mine] - px[0], y[mine] - py[0])
        order = np.lexsort((mine, away))
        return [(float(away[k]), int(mine[k])) for k in order if away[k] <= within_m]

    def below(self, asset: int) -> list[tuple[float, int]]:
        """Stations of the same type down the river from one: (metres along the river, number), nearest first."""
        here = self.places.stations[self.ids[asset]]
        out = []
        for other in self.of(self.type[asset]):
            there = self.places.stations[self.ids[other]]
            metres = here.to_mouth - there.to_mouth
            if other != asset and there.path[0] in here.path and metres > 0:
                out.append((metres, other))
        return sorted(out)


def make(out: Path, seed: int = SEED, done: Callable[[str], None] = lambda name: None) -> dict[str, int]:
    """Write registry, map and places of the district into a folder; the same bytes for a seed. Counts what it wrote."""
    city = make_city(seed, SCALE)
    code = max(city.units.districts, key=lambda d: len(d.cells)).code
    out.mkdir(parents=True, exist_ok=True)
    assets = _assets(seed, city, code)
    encoded = b"".join(msgspec.json.encode(_written(a)) + b"\n" for a in assets)
    (out / "assets.ndjson").write_bytes(encoded)
    done("assets.ndjson")
    features = [f for f in city.administrative if f.code == code or _under(f, code)]
    (out / "map.geojson").write_bytes(geojson.write(features))
    done("map.geojson")
    (out / PLACES).write_bytes(msgspec.json.format(msgspec.json.encode(_places(city, code, assets)), indent=0))
    done(PLACES)
    return {"asset": len(assets), "camera": sum(a.type == "camera" for a in assets), "grid": len(features)}


def _under(feature: Any, code: str) -> bool:
    return feature.layer in ("town", "community", "grid") and str(feature.code).startswith(code)


def _written(asset: Asset) -> dict[str, Any]:
    raw: dict[str, Any] = msgspec.to_builtins(asset)
    return {k: v for k, v in raw.items() if v not in ("", None, {}, 0, (), [])}


def _assets(seed: int, city: City, code: str) -> list[Asset]:
    draw = stream(seed, "drill district")
    out: list[Asset] = []
    for name, kind in {**TYPES, "camera": CAMERA}.items():
        lon, lat = _placed(draw, city, code, kind)
        ids = [f"{DRILL}{name.replace('_', '-')}-{k + 1:03d}" for k in range(len(lon))]
        out += records(draw, ids, [name] * len(ids), [_measured(kind)] * len(ids), lon, lat)
    return sorted(out, key=lambda a: a.id)


def _measured(kind: Type) -> AssetType:
    return AssetType(
        0.0, kind.owner, kind.every_s, kind.where, {m: (v.unit, v.low, v.high) for m, v in kind.metrics.items()}
    )


def _placed(draw: np.random.Generator, city: City, code: str, kind: Type) -> tuple[F8, F8]:
    """Places (count,) of a type within the district; by streets where the district has no such place."""
    lon, lat = np.zeros(0), np.zeros(0)
    for attempt in range(BOX_TRIES):
        where = kind.where if attempt < BOX_TRIES // 2 else "even"
        x, y = places(draw, city.surroundings, _measured(kind)._replace(where=where), kind.many)
        at = city.grids.locate(x, y)
        mine = np.array([g >= 0 and city.grids.codes[g].startswith(code) for g in at.tolist()], np.bool_)
        lon, lat = np.append(lon, x[mine]), np.append(lat, y[mine])
        if len(lon) >= kind.many:
            break
    return lon[: kind.many], lat[: kind.many]


def _places(city: City, code: str, assets: list[Asset]) -> Places:
    s = city.sites
    sites = [
        Site(s.name[k], s.kind[k], float(s.lon[k]), float(s.lat[k]), float(s.people[k]))
        for k in range(len(s.kind)) if s.grid[k].startswith(code)
    ]  # fmt: skip
    texts = city.addresses.texts
    seen: Counter[str] = Counter()
    doors = []
    for k, grid in enumerate(texts["grid"]):
        if grid.startswith(code) and seen[grid] < 12 and texts["kind"][k] != "room":
            seen[grid] += 1
            doors.append((float(city.addresses.lon[k]), float(city.addresses.lat[k]), city.addresses.text(k)))
    name = next(d.name for d in city.units.districts if d.code == code)
    return Places(code, name, sites, _stations(city, assets), doors)


def _stations(city: City, assets: list[Asset]) -> dict[str, Station]:
    net = city.rivers
    follows = {int(a): k for k, a in enumerate(net.start.tolist())}
    middle = Metres.around(float(net.lon.mean()))
    spots = [middle.of(line[:, 0].copy(), line[:, 1].copy()) for line in net.line]
    reach = np.repeat(np.arange(len(spots)), [len(x) for x, _ in spots])
    x, y = (np.concatenate([s[side] for s in spots]) for side in (0, 1))
    ahead = [_ahead(sx, sy) for sx, sy in spots]
    along = np.concatenate(ahead)
    out = {}
    on = [a for a in assets if a.type in ON_RIVER]
    registry = Registry.of(on)
    lon, lat = to_wgs84(registry.lon, registry.lat, registry.crs)
    px, py = middle.of(lon, lat)
    for k, name in enumerate(registry.ids):
        nearest = int(np.argmin(np.hypot(x - px[k], y - py[k])))
        path = [int(reach[nearest])]
        while int(net.end[path[-1]]) in follows:
            path.append(follows[int(net.end[path[-1]])])
        rest = float(along[nearest]) + sum(float(ahead[p][0]) for p in path[1:])
        out[name] = Station(path, round(rest, 1))
    return out


def _ahead(x: F8, y: F8) -> F8:
    """Metres from each point of a line to its end."""
    steps = np.hypot(np.diff(x), np.diff(y))
    return np.append(np.cumsum(steps[::-1])[::-1], 0.0)
