"""Sets 生效集: registry, map, scenarios and routes that are in force together, under one content hash.

The pulse names a set by its hash; a worker that lacks it takes no partition.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from brain import scenarios
from brain.scenarios import Scenario
from geo.coords import F8, to_wgs84
from geo.grid_map import GridMap
from streams.records import I4
from streams.registry import Registry
from streams.topics import partitions_of

ASSETS, MAP, SCENARIOS, ROUTES = "assets.ndjson", "map.geojson", "scenarios", "routes.yaml"


@dataclass(slots=True)
class CitySet:
    """What is in force. Immutable; the arrays by asset are worked out once and shared by all lanes."""

    id: str
    registry: Registry
    map: GridMap
    scenarios: list[Scenario]
    routes: Any = None
    _partitions: dict[int, I4] = field(default_factory=dict, repr=False)
    _placed: tuple[F8, F8] | None = field(default=None, repr=False)

    @classmethod
    def load(cls, folder: Path) -> CitySet:
        """Read a set's folder.

        Raises
        ------
        ValueError
            Of the part that is wrong (registry, map, scenario, routes), with the file and the place in it.
        OSError
            A file cannot be read.
        """
        folder = Path(folder)
        routes = folder / ROUTES
        return cls(
            digest(folder), Registry.load(folder / ASSETS), GridMap.load(folder / MAP),
            scenarios.load(folder / SCENARIOS), msgspec.yaml.decode(routes.read_bytes()) if routes.is_file() else None,
        )  # fmt: skip

    def partitions(self, n: int) -> I4:
        """Partition of every asset among ``n``, by its key: shape (assets,)."""
        if n not in self._partitions:
            self._partitions[n] = partitions_of([key.encode() for key in self.registry.ids], n)
        return self._partitions[n]

    def placed(self) -> tuple[F8, F8]:
        """Registered position of every asset, rectified to WGS 84; NaN where it has none."""
        if self._placed is None:
            r = self.registry
            self._placed = to_wgs84(np.asarray(r.lon, np.float64), np.asarray(r.lat, np.float64), r.crs)
        return self._placed


class SetLibrary:
    """The sets that this worker has, by content hash. All are read at start, so a wrong one stops the start."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._sets: dict[str, CitySet] = {s.id: s for s in map(CitySet.load, folders)}

    def find(self, id: str, folder: Path) -> CitySet:
        """The set of that id, read from the folders below ``folder`` when it came there since the start.

        Raises
        ------
        KeyError
            No folder has that content.
        ValueError, OSError
            As :meth:`CitySet.load`.
        """
        for path in folders(folder) if id not in self._sets else ():
            if digest(path) == id:
                found = CitySet.load(path)
                if found.id == id:  # written to while it was read: another content, not the one that is wanted
                    self._sets[id] = found
        return self._sets[id]

    def get(self, id: str) -> CitySet:
        """Raises KeyError where this worker does not have the set."""
        return self._sets[id]

    def ids(self) -> list[str]:
        """Hashes of all sets."""
        return sorted(self._sets)


def folders(below: Path) -> list[Path]:
    """Folders of sets, sorted by name."""
    return sorted(d for d in below.iterdir() if (d / ASSETS).is_file()) if below.is_dir() else []


def digest(folder: Path) -> str:
    """Content hash of a set's folder: names and bytes of its files, nothing else in the folder counts."""
    files = [folder / ASSETS, folder / MAP, *sorted((folder / SCENARIOS).rglob("*.yaml")), folder / ROUTES]
    h = hashlib.sha256()
    for path in files:
        if path.is_file():
            data = path.read_bytes()
            h.update(f"{path.relative_to(folder).as_posix()}\0{len(data)}\0".encode())
            h.update(data)
    return "sha256:" + h.hexdigest()[:16]
