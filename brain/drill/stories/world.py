"""What a story is, and what it may use: the district, its weather, and how readings of a place are made to change."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from brain.drill.stories.days import START_MS, Effect, Fault
from brain.drill.stories.district import District, Site
from brain.drill.stories.streets import Call, Gathering
from brain.drill.stories.weather import MINUTES_A_DAY, Weather
from brain.drill.storm.model import Truth

F8 = NDArray[np.float64]
MINUTE_MS = 60_000
AFTERMATH = 90
"""Minutes after the last effect on an asset in which its signals are still of the story."""
WHOLE_M = 15_000.0
"""Reach of a thing that is all over the district."""


class Mark(NamedTuple):
    """Signals of an asset in minutes [start, stop) belong to a truth."""

    asset: int
    start: int
    stop: int
    truth: str


@dataclass
class Happening:
    """What one story does: truths, effects on series, faults of sensors, people at cameras, calls, whose signals."""

    story: str
    start: int
    truths: list[Truth] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    gatherings: list[Gathering] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)

    @property
    def stop(self) -> int:
        """The minute after its last effect."""
        ends = [e.stop for e in self.effects] + [g.start + len(g.people) for g in self.gatherings]
        return max([*ends, *(m.stop for m in self.marks), self.start + 1])


@dataclass(frozen=True)
class World:
    """District and weather of a drill of so many minutes; ``weather`` is settled once all stories have been told."""

    district: District
    weather: Weather
    minutes: int

    def site(self, draw: np.random.Generator, *kinds: str) -> Site:
        """A site of one of these kinds."""
        found = [s for s in self.district.places.sites if s.kind in kinds]
        return found[int(draw.integers(0, len(found)))]

    def asset(self, draw: np.random.Generator, kind: str) -> int:
        """An asset of a type."""
        found = self.district.of(kind)
        return found[int(draw.integers(0, len(found)))]

    def door(self, draw: np.random.Generator, lon: float, lat: float) -> tuple[float, float, str]:
        """One of the addresses nearest to a place."""
        doors = self.district.places.doors
        at = np.array([(a, b) for a, b, _ in doors])
        x, y = self.district.metres.of(at[:, 0], at[:, 1])
        px, py = self.district.metres.of(np.array([lon]), np.array([lat]))
        near = np.argsort(np.hypot(x - px[0], y - py[0]), kind="stable")[:4]
        return doors[int(near[int(draw.integers(0, len(near)))])]

    def offset(self, lon: float, lat: float, east: float, north: float) -> tuple[float, float]:
        """A place so many metres away; good to a metre over a few kilometres."""
        return lon + east / (111_320.0 * math.cos(math.radians(lat))), lat + north / 110_700.0

    def affect(
        self, h: Happening, asset: int, metric: str, start: int, values: F8, truth: str = "", *, put: bool = False
    ) -> None:
        """Change a series of an asset; with a truth, signals of the asset are of it until some time after."""
        effect = Effect(self.district.line_of[asset, metric], start, values, "set" if put else "add")
        h.effects.append(effect)
        if truth:
            h.marks.append(Mark(asset, start, effect.stop + AFTERMATH, truth))

    def call(
        self, h: Happening, draw: np.random.Generator, truth: Truth, minute: float, texts: tuple[str, ...]
    ) -> None:
        """Somebody near the truth rings the hotline; the position is the caller's, within a minute's walk."""
        lon, lat = self.offset(truth.lon, truth.lat, *draw.normal(0, 25, 2).tolist())
        address = self.door(draw, lon, lat)[2]
        text = texts[int(draw.integers(0, len(texts)))].format(p=address)
        t = START_MS + round(minute * MINUTE_MS)
        h.calls.append(
            Call(t, "", text, address, round(lon, 7), round(lat, 7), f"c{int(draw.integers(0, 60_000))}", truth.id)
        )


def truth_of(
    h: Happening,
    family: str,
    lon: float,
    lat: float,
    *,
    life: bool = False,
    reach_m: float = 0.0,
    start: int | None = None,
) -> Truth:
    """Add a truth to a happening; ids count within it."""
    onset = START_MS + (h.start if start is None else start) * MINUTE_MS
    name = f"{h.story}-{h.start}-{len(h.truths) + 1}"
    made = Truth(name, family, lon, lat, life=life, onset=onset, tags=(h.story,), reach_m=reach_m)
    h.truths.append(made)
    return made


Tell = Callable[[World, np.random.Generator, Happening], None]
"""What a story does: it fills the happening."""


class Story(NamedTuple):
    """One story: names, what happens, how many minutes it needs, hours of the day in which it begins.

    ``tell(world, draw, happening)`` fills the happening. ``weight``: how many of a fortnight's hundred are of it.
    """

    name: str
    zh: str
    en: str
    what_zh: str
    what_en: str
    minutes: int
    hours: tuple[int, int]
    weight: float
    tell: Tell
    decoy: bool = False
    """Nothing happens: a sensor only looks as if."""

    def begins(self, draw: np.random.Generator, minutes: int) -> int:
        """A minute at which it may begin, so that it ends within the drill where that is long enough."""
        low, high = self.hours
        last = max(1, minutes - self.minutes)
        days = max(1, -(-last // MINUTES_A_DAY))
        for _ in range(24):
            m = int(draw.integers(0, days)) * MINUTES_A_DAY + int(draw.integers(low * 60, high * 60))
            if 10 <= m < last:
                return m
        return int(draw.integers(min(10, last - 1), last))
