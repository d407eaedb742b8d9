"""``tests.yaml`` of an agent's folder: given records at stated times and places, exactly these signals."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import shapely

from brain.agent_kit import chosen
from brain.agent_kit.find import Installed
from brain.agent_kit.manifest import AgentError, Value
from brain.sets import CitySet
from geo.city_map import CityMap
from geo.feature import Feature
from geo.grid_map import GridMap
from geo.layers import located
from models.standards.table import Standard
from streams.registry import Registry

FILE = "tests.yaml"
START = 1_717_999_980_000
"""Time 0 of a test, ms UTC: the beginning of a minute."""
MOST = 100_000
"""Records of one test, at most."""


class Shape(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One feature of a stand-in map: a box (west, south, east, north), a ring, a line or a point, in degrees."""

    code: str
    box: tuple[float, float, float, float] | None = None
    ring: tuple[tuple[float, float], ...] = ()
    line: tuple[tuple[float, float], ...] = ()
    point: tuple[float, float] | None = None
    attributes: dict[str, Value] = {}

    def shape(self) -> Any:
        """As a geometry."""
        if self.box is not None:
            return shapely.box(*self.box)
        if self.ring:
            return shapely.Polygon(self.ring)
        return shapely.LineString(self.line) if self.line else shapely.Point(self.point or ())


class Given(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A record, or several ``every_s`` seconds apart where values are lists (or ``times`` says how many)."""

    at: float
    asset: str
    values: dict[str, float | tuple[float, ...]]
    lon: float | tuple[float, ...] | None = None
    lat: float | tuple[float, ...] | None = None
    every_s: float = 60.0
    times: int = 1


class Heard(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A signal of another scenario that a city agent sees."""

    at: float
    scenario: str
    asset: str
    kind: Literal["raise", "update", "clear"] = "raise"
    level: int = 1
    value: float | None = None
    lon: float | None = None
    lat: float | None = None
    grid: str = ""
    text: str = ""
    category: str = ""
    urgency: int = 0
    facts: dict[str, float | str] = {}


class Expected(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A signal that must come; of its facts those that are named, numbers to 1 %. ``footprint``: whether it has one."""

    at: float
    kind: Literal["raise", "update", "clear"]
    asset: str
    event: str = ""
    level: int | None = None
    facts: dict[str, float | str] = {}
    footprint: bool | None = None


class Test(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One test. Assets without metrics have all that the agent reads of their type. No grid given: one around all."""

    __test__ = False  # it is a value, not a class of tests

    name: str
    assets: tuple[dict[str, Any], ...]
    given: tuple[Given, ...] = ()
    signals: tuple[Heard, ...] = ()
    expect: tuple[Expected, ...] = ()
    params: dict[str, Value] = {}
    layers: dict[str, tuple[Shape, ...]] = {}
    until: float | None = None
    """Seconds until which minutes pass; by default two minutes after the last record."""


class Record(msgspec.Struct, array_like=True):
    """One record of a test, spread out: ms UTC, asset, values by metric, and its own place."""

    t: int
    asset: str
    values: dict[str, float]
    lon: float | None = None
    lat: float | None = None


def load(folder: Path) -> list[Test]:
    """Tests of a folder. Raises AgentError where there are none, or with what is wrong."""
    path = folder / FILE
    try:
        tests = msgspec.yaml.decode(path.read_bytes(), type=list[Test])
    except OSError as error:
        raise AgentError(f"{path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise AgentError(f"{path}: {error}") from error
    for test in tests:
        records(test, path)
    return tests


def records(test: Test, place: Path | str = FILE) -> list[Record]:
    """All its records in the order of time. Raises AgentError."""
    out = []
    for given in test.given:
        sides = [v for v in (*given.values.values(), given.lon, given.lat) if isinstance(v, tuple)]
        n = max([given.times, *map(len, sides)])
        if any(len(side) != n for side in sides) or not 1 <= n <= MOST:
            raise AgentError(
                f"{place}: {test.name}: {given.asset} at {given.at:g}: expected lists of one length, got {n}"
            )
        for k in range(n):
            values = {name: _nth(v, k) for name, v in given.values.items()}
            t = START + round((given.at + k * given.every_s) * 1000)
            lon, lat = (None if side is None else _nth(side, k) for side in (given.lon, given.lat))
            out.append(Record(t, given.asset, values, lon, lat))
    return sorted(out, key=lambda record: record.t)


def _nth(value: float | tuple[float, ...], k: int) -> float:
    return value[k] if isinstance(value, tuple) else value


def content(one: Installed, test: Test, standards: Mapping[str, Standard], place: str = FILE) -> CitySet:
    """The set of a test: its assets and layers, with the agent alone. Raises AgentError, MapError, RegistryError."""
    m = one.manifest
    known = {reads.type: reads.metrics for reads in m.reads}
    anything = {"unit": "1", "range": [-1e12, 1e12]}
    assets = [
        asset if "metrics" in asset else {**asset, "metrics": dict.fromkeys(known.get(asset["type"], ()), anything)}
        for asset in test.assets
    ]
    registry = Registry.of(assets)
    features = [Feature(layer, s.code, s.shape(), attributes=s.attributes) for layer, shapes in test.layers.items()
                for s in shapes]  # fmt: skip
    if "grid" not in test.layers:
        features.append(Feature("grid", "g1", _around(test, registry), attributes={"town": "t1", "district": "d1"}))
    city = GridMap.of_map(CityMap(f for f in features if located(f.layer, f.shape)))
    agent = chosen.made(one, m.version, m.settings(test.params, place), city, standards, chosen.lines(features), place)
    return CitySet("sha256:under-test", registry, city, [], agents=(agent,))


def _around(test: Test, registry: Registry) -> Any:
    lon, lat = [*registry.lon.tolist()], [*registry.lat.tolist()]
    for record in records(test):
        lon += [record.lon] if record.lon is not None else []
        lat += [record.lat] if record.lat is not None else []
    return shapely.box(min(lon) - 0.1, min(lat) - 0.1, max(lon) + 0.1, max(lat) + 0.1)
