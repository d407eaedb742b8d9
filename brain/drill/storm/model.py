"""Values that the parts of the generator pass to one another. Places are plane metres of the sample city's box."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from streams.records import Signal


class Truth(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that people have to deal with: type family, place (degrees WGS 84), and its labels.

    ``cause`` is the truth it followed from, if any. ``tags`` say what is hard about it; they are for reading only.
    """

    id: str
    family: str
    lon: float
    lat: float
    life: bool = False
    onset: int = 0
    """Event time of the thing itself, ms UTC; its first signal comes at that time or after it."""
    cause: str = ""
    tags: tuple[str, ...] = ()
    reach_m: float = 0.0
    """How far the thing itself reaches from its place; 0 for one at a point."""


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A scenario as far as incidents are concerned."""

    id: str
    event_code: str
    domain: str
    name: dict[str, str]
    life: bool = False
    version: int = 1


@dataclass(frozen=True)
class Storm:
    """Labelled signals in fold order. ``labels`` is parallel: id of the truth a signal belongs to, or None."""

    scenarios: tuple[Scenario, ...]
    truths: tuple[Truth, ...]
    signals: list[Signal]
    labels: list[str | None]
    about: dict[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True)
class Size:
    """How much of everything. ``city`` is a scale of the sample city, ``hours`` the length in event time."""

    signals: int
    life: int
    """Truths of never-hidden classes."""
    ordinary: int
    """Other truths, without those that follow from another."""
    cascades: int
    false_life: int
    """Sites where a never-hidden class is raised for nothing."""
    cells: int
    spots: int
    hours: float
    city: str


FULL = Size(60_000, 46, 62, 8, 10, 6, 420, 6.0, "full")
SMALL = Size(5_000, 12, 20, 2, 2, 2, 90, 2.0, "small")


@dataclass(frozen=True)
class Spot:
    """A place with sensors around it. ``label`` is part of their ids, and says nothing of what happens there."""

    number: int
    label: str
    x: float
    y: float
    name: str


@dataclass(frozen=True)
class Asset:
    """A sensor or camera: id, where it stands, what it is for."""

    id: str
    x: float
    y: float
    source: str


@dataclass(frozen=True)
class Step:
    """One signal of an episode: event time ms, kind, level and reading."""

    t: int
    kind: str
    level: int
    value: float


@dataclass
class Episode:
    """One raise of one asset with what follows from it."""

    scenario: str
    asset: Asset
    steps: list[Step]
    truth: str | None = None


@dataclass(frozen=True)
class Ticket:
    """One call: event time ms, scenario, where the caller says it is, text."""

    t: int
    scenario: str
    x: float
    y: float
    text: str
    truth: str | None = None
