"""Which things really happen, where and when: spread so that a person could tell them apart and take them in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brain.drill.city.terrain import degrees, stream
from brain.drill.storm.ground import APART, MINUTE, Cell, Draw, Ground
from brain.drill.storm.kinds import FAMILIES, LIFE, ORDINARY
from brain.drill.storm.model import Spot, Truth

SAME_FAMILY = 640.0
"""Metres between two truths of a family, at least, whenever they are: nearer ones would be one for the scorer."""
NEIGHBOURS = (650.0, 950.0)
"""Metres between two truths of a family that are meant to be mistaken for one another."""
LIFE_PER_10MIN, ALL_PER_10MIN = 4, 6
"""Truths, and sites of false never-hidden alarms, that begin on one console in ten minutes, at most."""
TEN = 10 * MINUTE

NO_ROOM = "no room for another truth of {family}: fewer truths, or more hours, are needed"

WEATHERED = (
    "emergency.flood", "public.road", "public.traffic", "public.power", "emergency.wind", "emergency.slope",
    "public.water",
)  # fmt: skip
"""Families of which storm cells make noise, too: one truth of each lies in a cell."""

FOLLOWS: dict[str, tuple[tuple[str, float, float, int, int], ...]] = {
    "public.water": (("public.road", 40, 130, 3, 9), ("emergency.flood", 250, 600, 4, 12)),
    "emergency.slope": (("public.road", 30, 120, 2, 6), ("public.traffic", 300, 700, 5, 14)),
    "public.power": (("market.food", 250, 700, 20, 40), ("economy.production", 200, 800, 3, 9)),
    "eco.air": (("social.order", 200, 700, 10, 25), ("eco.water", 200, 600, 15, 35)),
}
"""Cause → (family, metres away from and to, minutes later from and to) of what follows as a thing of its own."""


@dataclass(frozen=True)
class Planned:
    """A truth with the spot it happens at."""

    truth: Truth
    spot: Spot


class Plan:
    """Truths of a seed, and sites of false never-hidden alarms, which people see as well."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.truths: list[Planned] = []
        self.false_life: list[tuple[str, Spot, int]] = []
        """(Family, spot, time)."""
        self._taken: list[tuple[str, bool, int]] = []
        draw = stream(ground.seed, "storm.truths")
        self._cascades(draw)
        self._life(draw)
        self._ordinary(draw)
        self._false(draw)
        self.truths.sort(key=lambda p: (p.truth.onset, p.truth.id))

    # -- what may be where and when

    def _time_free(self, family: str, t: int, *, life: bool) -> bool:
        """Whether the console can take one more that begins then."""
        domain = family.partition(".")[0]
        times = [when for d, _, when in self._taken if d == domain]
        lives = [when for d, dangerous, when in self._taken if d == domain and dangerous]
        return _fits(times, t, ALL_PER_10MIN) and (not life or _fits(lives, t, LIFE_PER_10MIN))

    def _place_free(self, family: str, x: float, y: float) -> bool:
        mine = [p.spot for p in self.truths if p.truth.family == family]
        mine += [spot for f, spot, _ in self.false_life if f == family]
        return all(np.hypot(x - s.x, y - s.y) >= SAME_FAMILY for s in mine)

    def _take(self, family: str, spot: Spot, t: int, cause: str = "", *tags: str) -> Truth | None:
        life = FAMILIES[family][0].life
        if not (self._time_free(family, t, life=life) and self._place_free(family, spot.x, spot.y)):
            return None
        lon, lat = degrees(np.array([spot.x]), np.array([spot.y]))
        truth = Truth(f"T{len(self.truths) + 1:03d}", family, float(lon[0]), float(lat[0]), life, t, cause, tags)
        self.truths.append(Planned(truth, spot))
        self._taken.append((family.partition(".")[0], life, t))
        return truth

    def _when(self, draw: Draw) -> int:
        return round(draw.uniform(self.ground.start + 3 * MINUTE, self.ground.end - 25 * MINUTE))

    # -- kinds of truths

    def _cascades(self, draw: Draw) -> None:
        causes = list(FOLLOWS)
        made = 0
        while made < self.ground.size.cascades:
            family = causes[made % len(causes)]
            spot, t = self._site(draw, family)
            if t > self.ground.end - 60 * MINUTE:
                continue
            cause = self._take(family, spot, t, "", "cascade")
            if cause is None:
                continue
            made += 1
            self._surroundings(draw, spot)
            for follower, near, far, soon, late in FOLLOWS[family]:
                self._follow(draw, cause, spot, follower, (near, far), (soon, late))

    def _surroundings(self, draw: Draw, spot: Spot) -> None:
        """Spots to which what happened can spread."""
        for turn in np.linspace(0, 2 * np.pi, 6, endpoint=False) + draw.uniform(0, 1):
            r = draw.uniform(300, 1_000)
            x, y = float(spot.x + r * np.cos(turn)), float(spot.y + r * np.sin(turn))
            if self.ground.on_land(x, y) and self.ground.clear(x, y, APART / 2):
                self.ground.add(x, y)

    def _follow(
        self, draw: Draw, cause: Truth, spot: Spot, family: str, away: tuple[float, float], later: tuple[int, int]
    ) -> None:
        for _ in range(30):
            r, turn = draw.uniform(*away), draw.uniform(0, 2 * np.pi)
            x, y = spot.x + r * np.cos(turn), spot.y + r * np.sin(turn)
            t = cause.onset + round(draw.uniform(*later) * MINUTE)
            if not (self.ground.on_land(x, y) and self._place_free(family, x, y)):
                continue
            if self._time_free(family, t, life=FAMILIES[family][0].life):
                self._take(family, self.ground.add(x, y), t, cause.id, "follows")
                return

    def _life(self, draw: Draw) -> None:
        size = self.ground.size
        inside = size.life // 2
        families = [LIFE[k % len(LIFE)] for k in range(size.life)]
        # Two of a family close to one another come first, while there is room.
        for k in range(0, 4, 2):
            self._pair(draw, LIFE[k], stormy=k == 0)
        for k, layer in enumerate(("grid", "grid", "district")[: size.life // 8]):
            self._on_border(draw, LIFE[k], layer)
        left = size.life - sum(p.truth.life for p in self.truths)
        inside -= sum(p.truth.life and self.ground.stormy(p.spot.x, p.spot.y, p.truth.onset) for p in self.truths)
        for k in range(left):
            self._until(draw, families[k], stormy=k < inside)

    def _ordinary(self, draw: Draw) -> None:
        size = self.ground.size
        goal = len(self.truths) + size.ordinary
        for k in range(size.ordinary // 10):
            self._pair(draw, ORDINARY[(3 * k + 1) % len(ORDINARY)], stormy=False)
        for k in range(size.ordinary // 8):
            layer = "district" if k % 3 == 0 else "grid"
            self._on_border(draw, ORDINARY[(5 * k + 2) % len(ORDINARY)], layer)
        for k in range(size.ordinary // 10):
            self._twofold(draw, ORDINARY[(7 * k) % len(ORDINARY)], ORDINARY[(7 * k + 4) % len(ORDINARY)])
        for family in WEATHERED[: size.ordinary // 8]:
            self._until(draw, family, stormy=True)
        order, k = draw.permutation(len(ORDINARY)).tolist(), 0
        while len(self.truths) < goal:
            self._until(draw, ORDINARY[order[k % len(order)]], stormy=k % 6 == 5)
            k += 1

    def _false(self, draw: Draw) -> None:
        families = ("emergency.fire", "emergency.gas")
        while len(self.false_life) < self.ground.size.false_life:
            family = families[len(self.false_life) % 2]
            spot, t = self._site(draw, family)
            self.false_life.append((family, spot, t))
            self._taken.append((family.partition(".")[0], True, t))

    # -- how they are drawn

    def _site(self, draw: Draw, family: str) -> tuple[Spot, int]:
        """A new spot at a key site, and a time, that have room for one of the family."""
        for _ in range(5_000):
            place, t = self.ground.site(), self._when(draw)
            x, y, name = place
            life = FAMILIES[family][0].life
            if self.ground.stormy(x, y, t) or not self._place_free(family, x, y):
                continue
            if self._time_free(family, t, life=life):
                return self.ground.add(x, y, name), t
        raise ValueError(NO_ROOM.format(family=family))

    def _until(self, draw: Draw, family: str, *, stormy: bool) -> Truth:
        """Try until one is taken."""
        for _ in range(5_000):
            found = self._in_cell(draw, family) if stormy else self._site(draw, family)
            truth = None if found is None else self._take(family, *found, "", *(("storm",) if stormy else ()))
            if truth is not None:
                return truth
        raise ValueError(NO_ROOM.format(family=family))

    def _on_border(self, draw: Draw, family: str, layer: str) -> None:
        """On the border of two units, in calm weather; none where no place is found."""
        for _ in range(20):
            place = self.ground.border(draw, layer)
            t = self._when(draw)
            if place is None or self.ground.stormy(*place, t) or not self.ground.clear(*place, 100.0):
                continue
            if self._place_free(family, *place) and self._time_free(family, t, life=FAMILIES[family][0].life):
                self._take(family, self.ground.add(*place), t, "", f"border_{layer}")
                return

    def _pair(self, draw: Draw, family: str, *, stormy: bool) -> None:
        """Two of a family, some 650 to 950 m and a few minutes apart."""
        first = self._until(draw, family, stormy=stormy)
        near = self.truths[-1].spot
        for _ in range(200):
            r, turn = draw.uniform(*NEIGHBOURS), draw.uniform(0, 2 * np.pi)
            x, y = near.x + r * np.cos(turn), near.y + r * np.sin(turn)
            t = first.onset + round(draw.uniform(0.5, 8.0) * MINUTE)
            if not (self.ground.on_land(x, y) and self._place_free(family, x, y)):
                continue
            if self._time_free(family, t, life=first.life):
                tags = ("pair", "storm") if self.ground.stormy(x, y, t) else ("pair",)
                self._take(family, self.ground.add(x, y), t, "", *tags)
                return

    def _twofold(self, draw: Draw, one: str, other: str) -> None:
        """Two families at one place, a few minutes apart."""
        first = self._until(draw, one, stormy=False)
        spot = self.truths[-1].spot
        for _ in range(20):
            t = first.onset + round(draw.uniform(0.2, 6.0) * MINUTE)
            if self._take(other, spot, t, "", "twofold") is not None:
                return

    def _in_cell(self, draw: Draw, family: str) -> tuple[Spot, int] | None:
        """A spot and a time within a storm cell that have room for one of the family; None where this draw has not."""
        cell: Cell = self.ground.cells[int(draw.integers(len(self.ground.cells)))]
        t = round(draw.uniform(cell.begin + 4 * MINUTE, cell.end - 6 * MINUTE))
        r, turn = 0.8 * cell.radius * np.sqrt(draw.random()), draw.uniform(0, 2 * np.pi)
        cx, cy = cell.at(t)
        x, y = float(cx + r * np.cos(turn)), float(cy + r * np.sin(turn))
        near = self.ground.around(x, y, 120.0)
        if near:
            x, y = near[0].x, near[0].y
        if not (self._time_free(family, t, life=FAMILIES[family][0].life) and self._place_free(family, x, y)):
            return None
        if t > self.ground.end - 20 * MINUTE or not self.ground.on_land(x, y):
            return None
        return (near[0] if near else self.ground.add(x, y)), t


def _fits(times: list[int], t: int, most: int) -> bool:
    """Whether with one more at ``t`` no ten minutes hold more than ``most``."""
    close = sorted([t, *(when for when in times if abs(when - t) < TEN)])
    return all(sum(a <= b < a + TEN for b in close) <= most for a in close)
