"""Sensing assets 感知资产 as their lanes count them, by columns over the registry in force; which grids are blind 盲区.

It belongs to one event loop or thread. What it knows is as old as the last census, at most five minutes where the lanes
work, and the time of a live asset's newest reading is that of the last whole one, at most an hour. Whether a reading
can be trusted is no part of it: an asset that speaks nonsense is live.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from brain import census
from geo.grid_map import NO_EDITION
from streams.records import I4, Summary

if TYPE_CHECKING:
    from brain.sets import CitySet

Health = Literal["live", "silent", "unknown"]
HEALTHS: Final[tuple[Health, ...]] = get_args(Health)
LIVE, SILENT, UNKNOWN = range(3)
STRAY: Final = 100_000
"""Assets outside the registry in force of which something is kept: a lane may change over to a set before us."""


@dataclass(frozen=True)
class Wanted:
    """Which assets; None and empty let everything. ``box``: west, south, east, north in degrees."""

    type: str = ""
    health: Health | None = None
    district: str = ""
    grid: str = ""
    box: tuple[float, float, float, float] | None = None
    text: str = ""
    districts: tuple[str, ...] = ()
    """What the caller is bound to; () for all."""
    named: frozenset[str] | None = None
    """Ids; None lets all through."""
    unnamed: frozenset[str] = frozenset()
    """Ids that are left out."""


class Asset(msgspec.Struct):
    """One asset. ``lon``, ``lat``: WGS 84, null where it has no place; ``last``: its newest reading that was accepted,
    as far as told, ms UTC, null where nothing was; ``since``: the census at which it fell silent, ms UTC, null while it
    is not; ``every_s``: seconds between its readings, 0: not regular, then its health is unknown."""

    id: str
    type: str
    owner: str
    lon: float | None
    lat: float | None
    grid: str
    district: str
    last: int | None
    since: int | None
    every_s: float
    health: Health
    metrics: list[str]


class Counts(msgspec.Struct):
    """How many assets there are of each health."""

    live: int
    silent: int
    unknown: int


class Blind(msgspec.Struct):
    """A grid without a live asset. ``since``: the census at which its last one fell silent, ms UTC; null where it has
    none that ever spoke regularly."""

    grid: str
    district: str
    since: int | None


class Sensing:
    """All assets of one registry and the grids of one map; :meth:`enter` takes others."""

    def __init__(self, content: CitySet) -> None:
        self.t = 0
        """Time of the newest census, ms UTC; 0 before the first."""
        self._stray: dict[str, census.Told] = {}
        self._take(content)

    def __len__(self) -> int:
        return len(self._registry.ids)

    def _take(self, content: CitySet) -> None:
        self._content, self._registry = content, content.registry
        n = len(content.registry.ids)
        self._last, self._since = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self._texts: list[str] = []
        grids = content.map.map.features("grid")
        self._begins = np.array([g.since for g in grids], np.int64)
        self._ends = np.array([g.until for g in grids], np.int64)
        self._turns = np.unique(np.concatenate([self._begins, self._ends]))
        self._edition = -1
        self._districts = np.array([*content.map.districts, ""], object)
        self._place()

    def _place(self) -> None:
        """In which grid each asset is; again when the map's grids change with time."""
        edition = int(np.searchsorted(self._turns, self.t, "right"))
        if edition == self._edition:
            return
        self._edition = edition
        lon, lat = self._content.placed()
        city = self._content.map
        found = city.locate(lon, lat, np.full(len(lon), self.t, np.int64))
        early = found == NO_EDITION  # the map is younger than the census, or there was none yet
        if early.any():
            found[early] = city.locate(lon[early], lat[early])
        self._grid: I4 = np.where(found < 0, len(self._begins), found)

    def enter(self, content: CitySet) -> None:
        """Another set is in force; what was told of its assets stays."""
        if content.registry is self._registry and content.map is self._content.map:
            self._content = content
            return
        was, last, since, stray = self._registry.ids, self._last, self._since, self._stray
        same = content.registry is self._registry
        self._take(content)
        if same:
            self._last, self._since = last, since
            return
        index = content.registry.index
        now = np.array([index.get(name, -1) for name in was], np.intp)
        stay, told = now >= 0, last > 0
        self._last[now[stay]], self._since[now[stay]] = last[stay], since[stay]
        self._stray = {}
        for a in np.flatnonzero(told & ~stay).tolist():
            self._note(was[a], census.Told(int(last[a]), int(since[a])), None)
        for name, one in stray.items():
            self._note(name, one, index.get(name))

    def hear(self, summary: Summary) -> None:
        """What a lane said; others than of a census are passed over. Raises ValueError for one that does not fit.

        Of two lanes that speak of one asset the newer reading counts, in whatever order they are heard.
        """
        if summary.name != census.NAME:
            return
        index = self._registry.index
        for name, told in census.read(summary):
            self._note(name, told, index.get(name))
        self.t = max(self.t, summary.t)
        self._place()

    def _note(self, name: str, told: census.Told, a: int | None) -> None:
        known = self._stray.get(name) if a is None else self._told(a)
        if known is not None and (told.last, told.since) < (known.last, known.since):
            return
        if a is not None:
            self._last[a], self._since[a] = told.last, told.since
        else:
            self._stray[name] = told
            while len(self._stray) > STRAY:
                del self._stray[next(iter(self._stray))]

    def _told(self, a: int) -> census.Told:
        return census.Told(int(self._last[a]), int(self._since[a]))

    # -- what is asked

    def health(self, which: NDArray[np.intp] | slice = slice(None)) -> NDArray[np.int8]:
        """Of every asset, or of these, as places in ``HEALTHS``."""
        regular = (self._registry.every_s[which] > 0) & (self._last[which] > 0)
        return np.where(regular, np.where(self._since[which] > 0, SILENT, LIVE), UNKNOWN).astype(np.int8)

    def find(self, wanted: Wanted) -> NDArray[np.intp]:
        """Numbers of those that fit, in the order of their ids."""
        registry = self._registry
        keep = self._seen(wanted.districts)
        if wanted.type:
            keep &= registry.asset_type == _number(registry.types, wanted.type)
        if wanted.health is not None:
            keep &= self.health() == HEALTHS.index(wanted.health)
        if wanted.district:
            keep &= (self._districts == wanted.district)[self._grid]
        if wanted.grid:
            keep &= np.append(np.array(self._content.map.codes, object) == wanted.grid, False)[self._grid]
        if wanted.box is not None:
            west, south, east, north = wanted.box
            lon, lat = self._content.placed()
            keep &= (lat >= south) & (lat <= north)
            keep &= (lon >= west) & (lon <= east) if west <= east else (lon >= west) | (lon <= east)
        if wanted.named is not None:
            keep &= self._among(wanted.named)
        if wanted.unnamed:
            keep &= ~self._among(wanted.unnamed)
        found = np.flatnonzero(keep)
        if wanted.text:
            words, texts = wanted.text.lower().split(), self._words()
            found = np.array([a for a in found.tolist() if all(w in texts[a] for w in words)], np.intp)
        return found

    def page(self, wanted: Wanted, limit: int, after: str = "") -> tuple[list[Asset], str | None, int]:
        """Those that come after an id; the id to go on from, None at the end; how many fit in all."""
        found = self.find(wanted)
        begin = int(np.searchsorted(found, bisect_right(self._registry.ids, after))) if after else 0
        items = self._assets(found[begin : begin + limit])
        return items, items[-1].id if items and begin + limit < len(found) else None, len(found)

    def one(self, id: str, districts: tuple[str, ...] = ()) -> Asset | None:
        """One asset, where it is registered and the caller may see it."""
        if districts and self.district_of(id) not in districts:
            return None
        a = self._registry.index.get(id)
        return None if a is None else self._assets(np.array([a]))[0]

    def district_of(self, id: str) -> str | None:
        """In which district an asset is, "" for none; None for one that is not registered."""
        a = self._registry.index.get(id)
        return None if a is None else str(self._districts[self._grid[a]])

    def by_type(self, districts: tuple[str, ...] = ()) -> dict[str, Counts]:
        """How many of each type speak."""
        seen, types = self._seen(districts), self._registry.types
        places = 3 * self._registry.asset_type[seen] + self.health()[seen]
        counts = np.bincount(places, minlength=3 * len(types)).reshape(-1, 3).tolist()
        return {name: Counts(*row) for name, row in zip(types, counts, strict=True) if any(row)}

    def blind(self, districts: tuple[str, ...] = ()) -> list[Blind]:
        """Grids in force without a live asset, by code; none before the first census. One with nothing but irregular
        assets is among them: whether these still speak is not known."""
        if not self.t:
            return []
        n, health = len(self._begins), self.health()
        lit = np.bincount(self._grid[health == LIVE], minlength=n + 1)[:n] > 0
        since = np.zeros(n + 1, np.int64)
        silent = health == SILENT
        np.maximum.at(since, self._grid[silent], self._since[silent])
        wanted = ~lit & (self._begins <= self.t) & (self.t < self._ends)
        if districts:
            wanted &= np.isin(self._districts[:n], districts)
        codes = self._content.map.codes
        return [Blind(codes[g], str(self._districts[g]), int(since[g]) or None) for g in np.flatnonzero(wanted)]

    # -- parts

    def _seen(self, districts: tuple[str, ...]) -> NDArray[np.bool_]:
        if not districts:
            return np.ones(len(self), bool)
        seen: NDArray[np.bool_] = np.isin(self._districts, districts)[self._grid]
        return seen

    def _among(self, ids: frozenset[str]) -> NDArray[np.bool_]:
        index, out = self._registry.index, np.zeros(len(self), bool)
        out[[index[name] for name in ids if name in index]] = True
        return out

    def _assets(self, which: NDArray[np.intp]) -> list[Asset]:
        registry, healths = self._registry, self.health(which).tolist()
        lon, lat = self._content.placed()
        codes = self._content.map.codes
        out = []
        for a, health in zip(which.tolist(), healths, strict=True):
            grid, known = int(self._grid[a]), not np.isnan(lon[a] + lat[a])
            series = registry.series_metric[registry.first[a] : registry.first[a + 1]].tolist()
            out.append(Asset(
                registry.ids[a], registry.types[registry.asset_type[a]], registry.owners[registry.asset_owner[a]],
                round(float(lon[a]), 7) if known else None, round(float(lat[a]), 7) if known else None,
                codes[grid] if grid < len(codes) else "", str(self._districts[grid]), int(self._last[a]) or None,
                int(self._since[a]) or None, float(registry.every_s[a]), HEALTHS[health],
                [registry.metrics[m] for m in series],
            ))  # fmt: skip
        return out

    def _words(self) -> list[str]:
        if not self._texts:
            r = self._registry
            self._texts = [
                f"{name} {r.types[kind]} {r.owners[owner]}".lower()
                for name, kind, owner in zip(r.ids, r.asset_type.tolist(), r.asset_owner.tolist(), strict=True)
            ]
        return self._texts


def _number(names: list[str], name: str) -> int:
    return names.index(name) if name in names else -1
