"""Sets 生效集: registry, map, scenarios and routes that are in force together, under one content hash.

The pulse names a set by its hash; a worker that lacks it takes no partition.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from brain import scenarios, trust
from brain.scenarios import Scenario
from brain.trust import Trust
from geo import compiled
from geo.coords import F8, to_wgs84
from geo.feature import ALWAYS
from geo.grid_map import GridMap
from streams.records import I4, I8
from streams.registry import CRS, Registry
from streams.topics import partitions_of

ASSETS, MAP, SCENARIOS, ROUTES, CHANGES = "assets.ndjson", "map.geojson", "scenarios", "routes.yaml", "changes.json"
TRUST = "trust.yaml"
MAPS = "maps"
"""Folder of compiled maps in the cache, one a content."""


class Changes(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``changes.json``: how far a set that live changes made has followed them.

    ``base``: the set that a person chose; ``positions``: next offset by topic; ``time`` (ms UTC): what became valid
    until then is in it; ``live_since`` (ms UTC): the map answers for no time before it.
    """

    base: str
    positions: dict[str, int]
    time: int
    live_since: int | None = None


@dataclass(slots=True)
class CitySet:
    """What is in force. Immutable; the arrays by asset are worked out once and shared by all lanes."""

    id: str
    registry: Registry
    map: GridMap
    scenarios: list[Scenario]
    routes: Any = None
    assets_hash: bytes = b""
    trust: Trust | None = None
    _partitions: dict[int, I4] = field(default_factory=dict, repr=False)
    _placed: tuple[F8, F8] | None = field(default=None, repr=False)
    _moved: I8 | None = field(default=None, repr=False)

    @classmethod
    def load(cls, folder: Path, cache: Path | None = None, others: Iterable[CitySet] = ()) -> CitySet:
        """Read a set's folder; ``cache`` has compiled maps, and gets this one where it is large.

        ``others`` are sets that are loaded: a registry that one of them has too is shared, with what was worked out
        of it, so that a lane that changes over to another map finds all its assets in place.

        Raises
        ------
        ValueError
            Of the part that is wrong (registry, map, scenario, routes, trust), with the file and the place in it.
        OSError
            A file cannot be read.
        """
        folder = Path(folder)
        contents = files(folder)
        assets = hashlib.sha256(contents.get(ASSETS, b"")).digest()
        same = next((other for other in others if other.assets_hash == assets), None)
        made = cls(
            digest_of(contents), Registry.load(folder / ASSETS) if same is None else same.registry, _map(folder, cache),
            scenarios.load(folder / SCENARIOS),
            msgspec.yaml.decode(contents[ROUTES]) if ROUTES in contents else None, assets,
            _trust(folder / TRUST, contents.get(TRUST)),
        )  # fmt: skip
        if same is not None:
            made._partitions, made._placed, made._moved = same._partitions, same._placed, same._moved
        return made

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

    def placed_before(self, asset: I4, t: I8, lon: F8, lat: F8) -> None:
        """Put those of the rows (n,) that are older than their asset's last move where it stood then, in place."""
        if not self.registry.past:
            return
        if self._moved is None:
            moved = np.full(len(self.registry.ids), np.iinfo(np.int64).min, np.int64)
            for a, stood in reversed(self.registry.past):
                moved[a] = stood.until
            self._moved = moved
        early = np.flatnonzero(t < self._moved[asset])
        for row in early.tolist():
            for a, stood in self.registry.past:
                if a == asset[row] and t[row] < stood.until:
                    x, y = to_wgs84(np.array([stood.lon]), np.array([stood.lat]), np.array([CRS[stood.crs]], np.int8))
                    lon[row], lat[row] = x[0], y[0]


class SetLibrary:
    """The sets that this worker has, by content hash. Those of folders are read at start, so a wrong one stops it.

    ``cache`` is a folder for sets that came from elsewhere and for compiled maps; ``fetch`` answers the packed files of
    sets that no folder has, and raises KeyError where nobody has them.
    """

    def __init__(
        self, folders: Iterable[Path], cache: Path | None = None,
        fetch: Callable[[str], Mapping[str, bytes]] | None = None,
    ) -> None:  # fmt: skip
        self.cache, self._fetch = cache, fetch
        self._paths: dict[str, Path] = {}
        self._sets: dict[str, CitySet] = {}
        for folder in folders:
            loaded = CitySet.load(folder, cache, self._sets.values())
            self._sets[loaded.id], self._paths[loaded.id] = loaded, folder

    def find(self, id: str, folder: Path) -> CitySet:
        """The set of that id: of the folders below ``folder``, of the cache, or fetched into it.

        Raises
        ------
        KeyError
            Nobody has that content.
        ValueError, OSError
            As :meth:`CitySet.load`.
        """
        return self._load(id, self.path(id, folder))

    def path(self, id: str, folder: Path) -> Path:
        """Where the files of a set lie; they are fetched where they lie nowhere. Raises KeyError."""
        if id not in self._paths:
            found = next((path for path in folders(folder) if digest(path) == id), None)
            self._paths[id] = found or self._cached(id) or self.keep(self._fetched(id), id)
        return self._paths[id]

    def get(self, id: str) -> CitySet:
        """Raises KeyError where this worker does not have the set."""
        if id not in self._sets:
            path = self._paths.get(id) or self._cached(id)
            if path is None:
                raise KeyError(id)
            return self._load(id, path)
        return self._sets[id]

    def ids(self) -> list[str]:
        """Hashes of all sets that are loaded."""
        return sorted(self._sets)

    def keep(self, files: Mapping[str, bytes], id: str) -> Path:
        """Write a set's files into the cache. Raises ValueError where they are not the set of that id."""
        got = digest_of(files)
        if got != id:
            raise ValueError(f"set {id}: its files have the content {got}")
        if self.cache is None:
            raise ValueError(f"set {id}: no cache to keep it in")
        path = self.cache / _name(id)
        if not path.is_dir():
            write(files, path)
        return path

    def _load(self, id: str, path: Path) -> CitySet:
        if id not in self._sets:
            found = CitySet.load(path, self.cache, self._sets.values())
            if found.id != id:  # written to while it was read: another content, not the one that is wanted
                raise KeyError(id)
            self._sets[id], self._paths[id] = found, path
        return self._sets[id]

    def _cached(self, id: str) -> Path | None:
        path = self.cache / _name(id) if self.cache is not None else None
        return path if path is not None and path.is_dir() and digest(path) == id else None

    def _fetched(self, id: str) -> Mapping[str, bytes]:
        if self._fetch is None:
            raise KeyError(id)
        return self._fetch(id)


def folders(below: Path) -> list[Path]:
    """Folders of sets, sorted by name."""
    return sorted(d for d in below.iterdir() if (d / ASSETS).is_file()) if below.is_dir() else []


def files(folder: Path) -> dict[str, bytes]:
    """Names and bytes of a set's files; nothing else in its folder counts."""
    paths = [folder / ASSETS, folder / MAP, *sorted((folder / SCENARIOS).rglob("*.yaml")), folder / ROUTES]
    paths += [folder / TRUST, folder / CHANGES]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths if path.is_file()}


def digest(folder: Path) -> str:
    """Content hash of a set's folder."""
    return digest_of(files(folder))


def digest_of(contents: Mapping[str, bytes]) -> str:
    """Content hash of a set's files, in whatever order they come."""
    h = hashlib.sha256()
    for name in sorted(contents, key=_rank):
        h.update(f"{name}\0{len(contents[name])}\0".encode())
        h.update(contents[name])
    return "sha256:" + h.hexdigest()[:16]


def write(contents: Mapping[str, bytes], folder: Path) -> None:
    """Write a set's files: all of them, or no folder. Raises ValueError for a name that no set has."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=".set-", dir=folder.parent))
    try:
        for name, data in contents.items():
            if _rank(name)[0] == len(ORDER) or ".." in name.split("/"):
                raise ValueError(f"{name}: no file of a set")
            path = beside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        if not folder.is_dir():
            beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def changes_of(folder: Path) -> Changes | None:
    """How far a set has followed the live changes; None of a set that a person wrote."""
    path = folder / CHANGES
    return msgspec.json.decode(path.read_bytes(), type=Changes) if path.is_file() else None


ORDER = (ASSETS, MAP, SCENARIOS, ROUTES, TRUST, CHANGES)


def _rank(name: str) -> tuple[int, list[str]]:
    head = name.split("/", maxsplit=1)[0] if name.endswith(".yaml") else name
    return (ORDER.index(head) if head in ORDER else len(ORDER), name.split("/"))


def _name(id: str) -> str:
    return id.replace(":", "-")


LARGE = 200_000
"""Bytes of a map from which on building its index would be felt by those who serve in the same process."""


def _trust(path: Path, text: bytes | None) -> Trust | None:
    if text is None:
        return None
    try:
        return trust.of(msgspec.yaml.decode(text), str(path))
    except msgspec.DecodeError as error:
        raise trust.TrustError(f"{path}: not YAML: {error}") from error


def _map(folder: Path, cache: Path | None) -> GridMap:
    source = folder / MAP
    since = changes_of(folder)
    live_since = None if since is None else since.live_since
    if cache is None or (source.stat().st_size < LARGE and live_since is None):
        return GridMap.load(source)
    content = hashlib.sha256(source.read_bytes() + str(live_since).encode()).hexdigest()[:16]
    kept = cache / MAPS / content
    if not kept.is_dir():
        kept.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".map-", dir=kept.parent))
        try:
            compiled.build_beside(source, beside, live_since=ALWAYS if live_since is None else live_since)
            if not kept.is_dir():
                beside.rename(kept)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    return GridMap.of_map(compiled.read(kept))
