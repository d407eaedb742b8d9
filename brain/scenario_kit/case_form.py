"""The parts of a test in a scenario's file, as written."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from brain.city_time import CITY_TIME
from brain.unfit import Unfit

BEGIN = datetime(2026, 6, 1, 8, tzinfo=CITY_TIME)
"""When a test begins that does not say."""


class Wording(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A text for people, in both languages; lint finds what is missing."""

    zh: str = ""
    en: str = ""


class Reading(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A reading in the native form, ``at`` in place of ``t``; several ``v`` come ``every_s`` seconds apart."""

    at: float
    asset: str
    v: float | tuple[float, ...]
    metric: str = ""
    """The scenario's, when left out."""
    every_s: float = 60.0
    unit: str | None = None
    lon: float | None = None
    lat: float | None = None
    crs: str | None = None


class Crowd(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """So many objects spread evenly over a ``box`` of the picture: x1, y1, x2, y2 in pixels."""

    count: int
    box: tuple[float, float, float, float]
    kind: str = msgspec.field(default="person", name="class")


class Frame(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A camera's frame in DeepStream's minimal form, ``at`` in place of ``@timestamp``; repeated ``times``."""

    at: float
    sensorId: str  # noqa: N815  # DeepStream's name
    objects: tuple[str, ...] = ()
    """``id|x1|y1|x2|y2|class``."""
    crowd: Crowd | None = None
    times: int = 1
    every_s: float = 1.0


class Ticket(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A hotline ticket in the native form, ``at`` in place of ``t``; with ``times`` as many callers say the same."""

    at: float
    text: str
    id: str = ""
    title: str = ""
    address: str = ""
    district: str = ""
    lon: float | None = None
    lat: float | None = None
    caller: str = ""
    times: int = 1
    every_s: float = 1.0


class Square(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One grid of a stand-in map, or an area of another layer: its codes, and a ``box`` of west, south, east, north in
    degrees WGS 84."""

    box: tuple[float, float, float, float]
    grid: str = ""
    town: str = ""
    district: str = ""
    layer: str = ""
    code: str = ""
    kind: str = ""


class Expected(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One signal. ``level``, ``grid`` and ``grade`` are compared where given; a raise or an update needs a level."""

    at: float
    kind: Literal["raise", "update", "clear"]
    asset: str
    level: int | None = None
    grid: str | None = None
    grade: str | None = None


class Case(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One test. ``expect`` is everything that may come, in order; nothing expected: it must stay quiet.

    ``begin``: RFC 3339 with its zone. ``until``: seconds, to when time goes on; a minute after the last record where it
    is left out. ``assets`` and ``map`` stand in for those of the set.
    """

    name: str
    given: tuple[dict[str, Any], ...]
    expect: tuple[Expected, ...] = ()
    begin: datetime = BEGIN
    until: float | None = None
    assets: tuple[dict[str, Any], ...] = ()
    map: tuple[Square, ...] = ()

    def start(self) -> int:
        """Ms UTC. Raises ValueError of a time without its zone."""
        if self.begin.tzinfo is None:
            raise Unfit("", "expected RFC 3339 with its zone, got {got}", got=self.begin.isoformat())
        return round(self.begin.timestamp() * 1000)


Record = Reading | Frame | Ticket
