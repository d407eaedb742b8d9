"""Sets 生效集: registry, map, scenarios, routes, limits, calendar and standards in force together, under one hash.

The pulse names a set by its hash; a worker that lacks it takes no partition. A folder without tables of its own has the
shipped ones, and their bytes count as the set's: what judged an event is always in the content, and goes where it goes.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from brain import hotline, judged_set, scenarios, set_tables, standards, trust, views, wants, yaml_tables
from brain.addresses import Addresses, addresses_of
from brain.agent_kit import chosen
from brain.hotline import HotlineText, shipped_text
from brain.incidents import jurisdiction
from brain.incidents.bed import Bed
from brain.incidents.calendar import WorkCalendar
from brain.incidents.causes import Causes
from brain.incidents.events import Events
from brain.incidents.limits import Limits
from brain.incidents.route import Routes
from brain.incidents.warning_rules import WarningRules
from brain.incidents.windows import Windows
from brain.mark import of_drill
from brain.reach import Reach
from brain.scenario import Scenario
from brain.set_tables import CALENDAR, CAUSES, EVENTS, LIMITS, ROUTES, WARNINGS, WINDOWS, findings, tables
from brain.standards import Library
from brain.trust import Trust
from brain.unfit import Unfit, both
from geo import compiled
from geo.coords import F8, to_wgs84
from geo.feature import ALWAYS
from geo.grid_map import GridMap
from streams.partition import partitions_of
from streams.records import I4, I8
from streams.registry import CRS, Registry

ASSETS, MAP, SCENARIOS, CHANGES, TRUST = "assets.ndjson", "map.geojson", "scenarios", "changes.json", "trust.yaml"
STANDARDS = "standards"
AGENTS = chosen.FILE
TEXT = "text"
"""Folder of what reads hotline texts (docs/hotline.md)."""
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


NO_TABLES = Library((), {})


@dataclass(slots=True, weakref_slot=True)
class CitySet:
    """What is in force. Immutable; the arrays by asset are worked out once and shared by all lanes."""

    id: str
    registry: Registry
    map: GridMap
    scenarios: list[Scenario]
    """Those that run: the live ones."""
    routes: Routes | None = None
    events: Events | None = None
    limits: Limits | None = None
    causes: Causes = field(default_factory=Causes)
    warnings: WarningRules = field(default_factory=WarningRules)
    windows: Windows = field(default_factory=Windows)
    bed: Bed | None = field(default=None, repr=False)
    """The map's rivers, where causes flow."""
    assets_hash: bytes = b""
    standards: Library = NO_TABLES
    text: HotlineText = field(default_factory=shipped_text, repr=False)
    addresses: Addresses | None = field(default=None, repr=False)
    trust: Trust | None = None
    calendar: WorkCalendar | None = None
    drill: bool = False
    """Whether it is of a drill 演练 (brain/mark.py): all its assets are, and so is all that comes of it."""
    drafts: list[Scenario] = field(default_factory=list)
    """Those that are not live: draft, shadow, trial and retired ones, checked as all others."""
    agents: tuple[chosen.Agent, ...] = ()
    """Of agents.yaml, drafts too; only the live ones run."""
    _partitions: dict[int, I4] = field(default_factory=dict, repr=False)
    _placed: tuple[F8, F8] | None = field(default=None, repr=False)
    _moved: I8 | None = field(default=None, repr=False)
    _sights: dict[int, views.Sight] | None = field(default=None, repr=False)
    _reach: Reach | None = field(default=None, repr=False)

    @classmethod
    def load(cls, folder: Path, cache: Path | None = None, others: Iterable[CitySet] = ()) -> CitySet:
        """Read a set's folder; ``cache`` has compiled maps, and gets this one where it is large.

        ``others`` are sets that are loaded: a registry that one of them has too is shared, with what was worked out
        of it, so that a lane that changes over to another map finds all its assets in place.

        Raises
        ------
        ValueError
            Of the part that is wrong (registry, map, scenario, table, trust), with the file and the place in it; also
            where a person wrote it and its tables do not fit one another or the map (``brain.incidents.jurisdiction``).
        OSError
            A file cannot be read.
        """
        folder = Path(folder)
        contents, others = files(folder), list(others)
        assets = hashlib.sha256(contents.get(ASSETS, b"")).digest()
        same = next((other for other in others if other.assets_hash == assets), None)
        registry = Registry.load(folder / ASSETS) if same is None else same.registry
        library = _library(folder, contents)

        def fits(scenario: Scenario) -> None:
            judged_set.check(scenario, library)
            judged_set.check_units(scenario, library, registry)

        every = scenarios.load(folder / SCENARIOS, fits)
        live = [s for s in every if s.state == "live"]
        made = cls(
            digest_of(contents), registry, _map(folder, cache), live, drafts=[s for s in every if s.state != "live"],
            assets_hash=assets, standards=library, drill=_drill(folder, registry),
            trust=_trust(folder / TRUST, contents.get(TRUST)),
        )  # fmt: skip
        if AGENTS in contents:
            made.agents = chosen.of(
                contents[AGENTS], str(folder / AGENTS), registry, made.map, library.standards, folder / MAP
            )
        has = tables(contents, folder)
        made.routes, made.events, made.limits, made.causes, made.warnings, made.windows, made.calendar = has
        if made.causes.flow():
            made.bed = set_tables.bed(folder / MAP, CHANGES in contents)
        if CHANGES not in contents:  # a live change of the map must not hold up those after it: `brain route` tells
            told = [event for agent in made.agents for event in agent.told()]
            jurisdiction.refuse(findings(has, made.map, made.registry, [*every, *told]), str(folder))
        made.text = _text(contents, folder, others)
        made.addresses = addresses_of(contents, folder, made.text.city, [other.addresses for other in others])
        wants.check(every, made.text, made.calendar, f"{folder / SCENARIOS}")
        if same is not None:
            made._partitions, made._placed, made._moved = same._partitions, same._placed, same._moved
            made._sights = same._sights
        try:
            views.watched(every, made.registry, made.sights())
        except ValueError as error:
            raise Unfit(folder, "{said}", said=both(error)) from error
        return made

    def running(self) -> list[Scenario]:
        """Those that lanes judge by: the live ones, then those on trial, then those in shadow, so that no number that
        is made of places in this order depends on what runs in shadow."""
        rest = [s for state in ("trial", "shadow") for s in self.drafts if s.state == state]
        return [*self.scenarios, *rest]

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

    def with_assets(self, registry: Registry) -> None:
        """Take another registry; what was worked out of the one before is forgotten.

        Raises ValueError for one that is of a drill and of a city.
        """
        self.drill = of_drill(registry.ids)
        self.registry, self.assets_hash = registry, b""
        self._partitions, self._placed, self._moved, self._sights, self._reach = {}, None, None, None, None

    def with_map(self, city: GridMap) -> None:
        """Take another map."""
        self.map, self._reach = city, None

    def reach(self) -> Reach:
        """Where scenarios look."""
        if self._reach is None:
            self._reach = Reach(self.map, self.placed())
        return self._reach

    def sights(self) -> dict[int, views.Sight]:
        """What cameras see, by asset, of those that say. Raises ValueError, as :func:`brain.views.compiled`."""
        if self._sights is None:
            self._sights = views.compiled(self.registry)
        return self._sights

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


def folders(below: Path) -> list[Path]:
    """Folders of sets, sorted by name."""
    return sorted(d for d in below.iterdir() if (d / ASSETS).is_file()) if below.is_dir() else []


def files(folder: Path) -> dict[str, bytes]:
    """Names and bytes of a set's files, with the shipped ones that stand in for those that it may leave out."""
    found = own(folder)
    return {**found, **_shipped(found)}


def own(folder: Path) -> dict[str, bytes]:
    """Names and bytes of the files that lie in a set's folder; nothing else in it counts."""
    paths = [folder / ASSETS, folder / MAP, *sorted((folder / SCENARIOS).rglob("*.yaml"))]
    paths += [folder / name for name in (*_SINGLE, *hotline.FILES)]
    paths += sorted((folder / STANDARDS).glob("*.yaml"))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths if path.is_file()}


def borrows(folder: Path) -> bool:
    """Whether a set lacks tables of standards, or a word list, and so has the shipped ones."""
    return bool(_shipped(own(folder)))


def _shipped(found: Mapping[str, bytes]) -> dict[str, bytes]:
    """What stands in for the files that a set leaves out: all tables of standards or none, each word list by itself."""
    words = {name: data for name, data in hotline.shipped().items() if name not in found}
    if any(name.startswith(f"{STANDARDS}/") for name in found):
        return words
    return {f"{STANDARDS}/{path.name}": path.read_bytes() for path in sorted(standards.FOLDER.glob("*.yaml"))} | words


def units(folder: Path) -> dict[tuple[str, str], list[judged_set.Wanted]]:
    """(type, metric) of assets → units that a set's scenarios want of them. Raises ValueError for what is wrong."""
    return judged_set.units(scenarios.load(folder / SCENARIOS), _library(folder, files(folder)))


def digest(folder: Path) -> str:
    """Content hash of a set's folder."""
    return digest_of(files(folder))


def has(folder: Path, id: str) -> bool:
    """Whether a folder is the set of that id: by all its files, or by its own, as releases before shipped ones said."""
    found = own(folder)
    return id in {digest_of({**found, **_shipped(found)}), digest_of(found)}


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


ORDER = (
    ASSETS,
    MAP,
    SCENARIOS,
    ROUTES,
    CHANGES,
    STANDARDS,
    EVENTS,
    LIMITS,
    CALENDAR,
    TEXT,
    TRUST,
    CAUSES,
    WARNINGS,
    WINDOWS,
    AGENTS,
)
"""Files and folders of a set, in the order in which its hash takes them: a new one goes to the end."""
_SINGLE = tuple(name for name in ORDER if name not in (ASSETS, MAP, SCENARIOS, STANDARDS, TEXT))


def _rank(name: str) -> tuple[int, list[str]]:
    head = name.split("/", maxsplit=1)[0] if name.endswith(".yaml") or name in hotline.FILES else name
    return (ORDER.index(head) if head in ORDER else len(ORDER), name.split("/"))


def _library(folder: Path, contents: Mapping[str, bytes]) -> Library:
    """The tables among a set's files."""
    found = {f"{folder}/{name}": data for name, data in contents.items() if name.startswith(f"{STANDARDS}/")}
    return standards.of_files(found, f"{folder}/{STANDARDS}")


def cache_name(id: str) -> str:
    """Name of a set's folder in a cache."""
    return id.replace(":", "-")


def _text(contents: Mapping[str, bytes], folder: Path, others: Iterable[CitySet]) -> HotlineText:
    content = hotline.content_of(contents)
    same = next((other.text for other in others if other.text.content == content), None)
    return same or HotlineText.of(contents, folder)


def _drill(folder: Path, registry: Registry) -> bool:
    try:
        return of_drill(registry.ids)
    except ValueError as error:
        raise Unfit(folder / ASSETS, "{said}", said=both(error)) from error


LARGE = 200_000
"""Bytes of a map from which on building its index would be felt by those who serve in the same process."""


def _trust(path: Path, text: bytes | None) -> Trust | None:
    return None if text is None else trust.of(yaml_tables.decoded(text, str(path), trust.TrustError), str(path))


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
