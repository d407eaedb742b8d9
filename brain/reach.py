"""Where scenarios look 范围: assets, tickets and signals in some districts, or within areas of a layer of the map."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.detector import F8
from streams.records import I4

if TYPE_CHECKING:
    from brain.scenario import Scenario
    from geo.grid_map import GridMap

B1 = NDArray[np.bool_]
KIND = "kind"
"""Attribute of a feature that says of which kind it is."""


class Reach:
    """Places by scenario; what assets lie in is worked out once for all scenarios, and only where one asks.

    An asset counts where it is registered, by the newest edition of the map, whatever positions it states later.
    """

    def __init__(self, city: GridMap, placed: tuple[F8, F8]) -> None:
        """``placed``: longitude and latitude of the assets, (n,) each."""
        # Not the set, which keeps this: of a circle a worker is never rid, as it looks for circles seldom.
        self._map, self._placed = city, placed
        self._answer: I4 | None = None

    def assets(self, s: Scenario) -> B1 | None:
        """Which assets (n,) lie where a scenario looks; None: it looks everywhere."""
        return within(s, self._map, self._assets()) if s.placed() else None

    def tried(self, s: Scenario) -> B1 | None:
        """Which assets (n,) lie in the district where a scenario is on trial; None: it is not."""
        return None if s.trial is None else _in((s.trial.district,), self._map, self._assets())

    def _assets(self) -> I4:
        if self._answer is None:
            self._answer = self._map.map.locate(*self._placed)
        return self._answer


def within(s: Scenario, city: GridMap, answer: I4) -> B1:
    """Which positions lie where a scenario looks, by the map's answer (n, columns) for them; outside all: none."""
    found = np.ones(len(answer), bool)
    for codes, wanted in ((s.match.districts, True), (s.without, False)):
        if codes:
            found &= _in(codes, city, answer) == wanted
    if s.match.layer:
        found &= _lie(s.match.layer, s.match.sort, city, answer)
    return found


def hears(s: Scenario, district: str, areas: dict[str, list[str]], city: GridMap) -> bool:
    """Whether a signal of that place is one where a combination looks."""
    if district in s.without or (s.match.districts and district not in s.match.districts):
        return False
    if not s.match.layer:
        return True
    codes = areas.get(s.match.layer, ())
    if not s.match.sort or not codes:
        return bool(codes)
    return not set(codes).isdisjoint(of_kind(city, s.match.layer, s.match.sort))


def of_kind(city: GridMap, layer: str, kind: str) -> Collection[str]:
    """Codes of the features of a layer that are of a kind."""
    if layer not in city.map.layers:
        return ()
    return [f.code for f in city.map.features(layer) if f.attributes.get(KIND) == kind]


def _in(districts: Collection[str], city: GridMap, answer: I4) -> B1:
    mine, grid = np.array([d in districts for d in city.districts] + [False]), answer[:, city.column]
    found: B1 = mine[np.where(grid < 0, len(mine) - 1, grid)]
    return found


def _lie(layer: str, kind: str, city: GridMap, answer: I4) -> B1:
    if layer not in city.map.layers:
        return np.zeros(len(answer), bool)
    features = city.map.features(layer)
    mine = np.array([not kind or f.attributes.get(KIND) == kind for f in features] + [False])
    columns = answer[:, city.map.columns(layer)]
    found: B1 = np.any(mine[np.where(columns < 0, len(features), columns)], axis=1)
    return found
