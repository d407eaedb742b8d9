"""A drill's plan: which stories happen where and when, over how many ordinary days; the same for a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from brain.drill.stories import danger, decoys, nature, streets, town, weather
from brain.drill.stories.days import Days, faults
from brain.drill.stories.district import District
from brain.drill.stories.streets import Call, Cameras
from brain.drill.stories.weather import MINUTES_A_DAY
from brain.drill.stories.world import Happening, Mark, Story, World
from brain.drill.storm.model import Truth

STORIES: dict[str, Story] = {s.name: s for s in (*danger.STORIES, *town.STORIES, *nature.STORIES, *decoys.DECOYS)}
APART_M, APART_MINUTES = 1_500.0, 600
"""Two things of one family are at least so far from each other, or so long after one another."""
TRIES = 60


@dataclass(frozen=True)
class Plan:
    """What a drill is made of. ``marks`` say whose signals an asset's are, ``truths`` what must be found."""

    seed: int
    minutes: int
    days: Days
    cameras: Cameras
    calls: list[Call]
    happenings: list[Happening]

    @property
    def truths(self) -> list[Truth]:
        """All of them, by story."""
        return [t for h in self.happenings for t in h.truths]

    @property
    def marks(self) -> list[Mark]:
        """All of them; of two that meet, the later in the list is the nearer."""
        return [m for h in self.happenings for m in h.marks]


def chosen(count: int, names: Sequence[str] = ()) -> list[Story]:
    """So many true stories, each kind by its weight, with the decoys that go with so many; or those that are named.

    Raises KeyError for a name that no story has.
    """
    if names:
        return [STORIES[name] for name in names]
    true = [s for s in STORIES.values() if not s.decoy]
    total = sum(s.weight for s in true)
    out = []
    for s in STORIES.values():
        out += [s] * max(1, round(s.weight * count / total))
    return out


def make(
    district: District,
    seed: int,
    days: int,
    stories: Sequence[Story],
    minutes: int | None = None,
    *,
    faulty: bool = True,
) -> Plan:
    """Tell the stories; long ones first, so that they find room. Raises ValueError where the days are too few."""
    n = days * MINUTES_A_DAY if minutes is None else minutes
    w = weather.ordinary(seed, -(-n // MINUTES_A_DAY))
    world = World(district, w, n)
    happenings: list[Happening] = []
    order = sorted(range(len(stories)), key=lambda k: (-stories[k].minutes, stories[k].name, k))
    for number, k in enumerate(order):
        happenings.append(_told(world, stories[k], seed, number, happenings))
    w.settle()
    effects = [e for h in happenings for e in h.effects]
    broken = [f for h in happenings for f in h.faults]
    told = {e.line for e in effects}
    if faulty:
        broken += faults(seed, district, days, told | {f.line for f in broken})
    calls = streets.numbered([
        *streets.ordinary(seed, district, -(-n // MINUTES_A_DAY)), *(c for h in happenings for c in h.calls)
    ])  # fmt: skip
    gatherings = [g for h in happenings for g in h.gatherings]
    return Plan(
        seed, n, Days(district, w, seed, effects, broken), Cameras(district, seed, gatherings), calls, happenings
    )


def _told(world: World, story: Story, seed: int, number: int, before: Sequence[Happening]) -> Happening:
    """One story, at a place and time where it meets none of its family; the last try stands if all meet one."""
    if story.minutes >= world.minutes and not story.decoy:
        raise ValueError(f"{story.name} needs {story.minutes} minutes; the drill has {world.minutes}")
    draw = np.random.default_rng([seed, 31, number])
    kept = {name: getattr(world.weather, name).copy() for name in ("rain", "wind", "wind_from", "pressure", "surge")}
    for _ in range(TRIES):
        for name, column in kept.items():
            setattr(world.weather, name, column.copy())
        h = Happening(story.name, story.begins(draw, world.minutes))
        story.tell(world, draw, h)
        if not any(_meet(world, h, other) for other in before):
            break
    return h


def _meet(world: World, one: Happening, other: Happening) -> bool:
    if one.start > other.stop + APART_MINUTES or other.start > one.stop + APART_MINUTES:
        return False
    mine = {e.line for e in one.effects} | {f.line for f in one.faults}
    if mine & ({e.line for e in other.effects} | {f.line for f in other.faults}):
        return True
    if {m.asset for m in one.marks} & {m.asset for m in other.marks}:
        return True
    metres = world.district.metres
    for a in one.truths:
        for b in other.truths:
            x, y = metres.of(np.array([a.lon, b.lon]), np.array([a.lat, b.lat]))
            if a.family == b.family and np.hypot(x[1] - x[0], y[1] - y[0]) < APART_M + a.reach_m + b.reach_m:
                return True
    return False
