"""What an agent is given and what it answers: numbers in, numbers out, no clock, no I/O; columns are read-only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
import shapely
from numpy.typing import NDArray

from geo.metres import Metres
from models.standards.table import Standard
from streams.records import I4, I8, Signal

F8 = NDArray[np.float64]
Fact = float | str
"""What a signal may carry beside its number: a number, or a short text (:data:`TEXT` characters)."""
TEXT, FACTS = 200, 16
"""Characters of a fact's text, and facts of one signal, at most."""
POINTS = 400
"""Points of one footprint, over all rings, at most."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Features of one layer of the map, those of the newest edition, by code; parallel lists.

    ``shapes`` are shapely geometries in WGS 84 degrees: polygons, lines (a river's runs downstream) or points.
    """

    codes: tuple[str, ...] = ()
    shapes: tuple[Any, ...] = ()
    attributes: tuple[Mapping[str, Any], ...] = ()


@dataclass
class World:
    """What is the same for all rows while a set is in force.

    ``params``: of the manifest, as the set has them. ``layers``: those that the manifest names. ``standards``: families
    that the manifest names; ``standards[f].edition(t)`` says which of its ``tables`` is in force. ``grids``: codes by
    number. ``ready``: what the agent's ``prepare`` made of all that.
    """

    params: Mapping[str, Any] = field(default_factory=dict)
    layers: Mapping[str, Layer] = field(default_factory=dict)
    standards: Mapping[str, Standard] = field(default_factory=dict)
    grids: tuple[str, ...] = ()
    middle: float = 114.0
    """Longitude around which metres are measured."""
    ready: Any = None

    @cached_property
    def metres(self) -> Metres:
        """The plane in which distances are measured."""
        return Metres.around(self.middle)

    def on_plane(self, shape: Any) -> Any:
        """A shape in degrees, in metres on that plane."""
        return shapely.transform(shape, lambda at: np.column_stack(self.metres.of(*at.T)))


@dataclass(frozen=True, slots=True)
class Rows:
    """Records of a lane in their order, one row a record, columns of shape (n,).

    ``asset``: the asset's row in ``state``, and its name in ``names``. ``kind``: which of the manifest's ``reads`` it
    is of. ``t``: event time, ms UTC; for one asset and metric it never falls. ``values``: by metric, NaN where the
    record lacks it. ``lon``, ``lat``: degrees WGS 84, NaN unknown. ``grid``: number of the unit grid, below 0 outside.

    ``woken``: these are no records but assets whose time has come (``Verdict.wake``): each once, ``t`` the lane's
    clock, all values NaN, places the registered ones.
    """

    names: tuple[str, ...]
    asset: I4
    kind: I4
    t: I8
    values: Mapping[str, F8]
    lon: F8
    lat: F8
    grid: I4
    woken: bool = False

    def __len__(self) -> int:
        return len(self.t)

    def part(self, s: slice) -> Rows:
        """Some of the rows, with all names."""
        values = {name: column[s] for name, column in self.values.items()}
        return Rows(
            self.names, self.asset[s], self.kind[s], self.t[s], values, self.lon[s], self.lat[s], self.grid[s],
            self.woken,
        )  # fmt: skip

    def take(self, at: I4) -> Rows:
        """Those at these places, with all names."""
        values = {name: column[at] for name, column in self.values.items()}
        return Rows(
            self.names, self.asset[at], self.kind[at], self.t[at], values, self.lon[at], self.lat[at], self.grid[at],
            self.woken,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a lane agent says of its rows: columns of shape (n,).

    ``level``: by the id of an event of the manifest (an array alone where there is one): 1 to 4 the condition holds
    after this row, 0 it does not, -1 no word on it. The kit makes raise, update (the level moved) and clear of that.
    ``value``, ``score``: of the signals; by event or for all; NaN: none. ``facts``: name → column of numbers or texts;
    NaN and "" are left out.

    ``wake``: whole numbers; ms UTC of event time at which ``wake`` of the agent is asked about the row's asset, at
    least the manifest's ``wakes_s`` after the row; 0 not any more, -1 no word. One time an asset: the last word counts.
    """

    level: NDArray[Any] | Mapping[str, NDArray[Any]]
    value: F8 | Mapping[str, F8] | None = None
    score: F8 | Mapping[str, F8] | None = None
    facts: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    wake: NDArray[Any] | None = None


@dataclass(frozen=True, slots=True)
class Assets:
    """All assets of one type of a city that have the metrics of the manifest, by id: columns of shape (n,).

    ``values``: by metric, the last value when the asset last reported in this minute, NaN where it did not report or
    never had that metric; ``t``: ms UTC of its newest value, 0 where it did not report in this minute. Places are the
    registered ones, NaN unknown; ``grid``, ``town``, ``district``: codes, empty outside; ``areas``: codes by layer of
    all else the place lies in.
    """

    ids: tuple[str, ...] = ()
    lon: F8 = field(default_factory=lambda: np.zeros(0))
    lat: F8 = field(default_factory=lambda: np.zeros(0))
    t: I8 = field(default_factory=lambda: np.zeros(0, np.int64))
    values: Mapping[str, F8] = field(default_factory=dict)
    grid: tuple[str, ...] = ()
    town: tuple[str, ...] = ()
    district: tuple[str, ...] = ()
    areas: tuple[Mapping[str, list[str]], ...] = ()

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute of a city. ``t``: its end, ms UTC. ``assets``: by type of the manifest's ``reads``, all of them.

    ``signals``: those of the scenarios (and agents) that the manifest names, which were folded in this minute, in fold
    order; raises, updates and clears alike.
    """

    t: int
    assets: Mapping[str, Assets] = field(default_factory=dict)
    signals: tuple[Signal, ...] = ()


class Said(msgspec.Struct, omit_defaults=True):
    """What a city agent says of one thing: an asset's id, or any name of its own for a place (a grid, a reach, a site).

    ``level`` 1 to 4: it holds; 0: it is over. Who is not named stays as it was. A place: ``lon``, ``lat``; None: the
    asset's. ``onset``: when it began, ms UTC; None: this minute. ``facts`` and ``footprint`` (rings in degrees) are
    evidence on the incident; a change of level, facts or footprint makes an update.
    """

    who: str
    level: int
    event: str = ""
    value: float | None = None
    score: float | None = None
    lon: float | None = None
    lat: float | None = None
    onset: int | None = None
    facts: dict[str, float | str] = {}
    footprint: list[list[tuple[float, float]]] = []
    text: str = ""
