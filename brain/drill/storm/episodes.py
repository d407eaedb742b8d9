"""What sensors, cameras and callers say of the things that really happen."""

from __future__ import annotations

import numpy as np

from brain.drill.city.terrain import stream
from brain.drill.storm.ground import MINUTE, Draw, Ground, kinds_of
from brain.drill.storm.kinds import BY_ID, HOTLINE, IOT, VIDEO, Kind
from brain.drill.storm.model import Asset, Episode, Spot, Step, Ticket
from brain.drill.storm.truths import Plan, Planned

CLEAR = 750.0
"""Metres from a truth within which no sensor of its family tells of mere effects of another one."""
ERROR_M = 150.0
"""How far off a caller's place is, at most."""
REPEATED = 0.2
"""Share of a never-hidden truth's early sensors that raise twice."""
ALONE = 0.1
"""Share of ordinary truths of which only one sensor tells for the first two minutes; it escalates within one."""

SPREADS: dict[str, tuple[tuple[str, float, float, float, float], ...]] = {
    "public.water": (("public.water.pressure", 0, 1_100, 0, 8), ("public.traffic.slow", 0, 600, 4, 15)),
    "public.power": (("public.power.outage", 0, 900, 0, 2), ("public.traffic.slow", 0, 800, 2, 12),
                     ("economy.logistics.queue", 0, 800, 8, 25), ("social.care.button", 0, 800, 3, 25)),
    "emergency.slope": (("emergency.slope.move", 0, 500, 0, 10), ("public.traffic.jam", 0, 700, 3, 15)),
    "eco.air": (("eco.air.voc", 0, 900, 1, 15), ("eco.air.pm25", 0, 1_100, 5, 25)),
}  # fmt: skip
"""Cause → (scenario, metres away from and to, minutes later from and to) of its mere effects: they are its signals."""


class Told:
    """Episodes and tickets of a plan's truths."""

    def __init__(self, ground: Ground, plan: Plan) -> None:
        self.ground = ground
        self.episodes: list[Episode] = []
        self.tickets: list[Ticket] = []
        self.plan = plan
        for family, spot in [*((p.truth.family, p.spot) for p in plan.truths), *(f[:2] for f in plan.false_life)]:
            for kind in kinds_of(family, IOT)[:1]:
                ground.sensors(spot, kind, needed=True)
        for planned in plan.truths:
            draw = stream(ground.seed, f"storm.truth.{planned.truth.id}")
            if planned.truth.life:
                self._life(draw, planned)
            else:
                self._ordinary(draw, planned)
            if "cascade" in planned.truth.tags:
                self._effects(draw, planned)
        for n, (family, spot, t) in enumerate(plan.false_life):
            self._false_life(stream(ground.seed, f"storm.false.{n}"), family, spot, t)

    # -- never-hidden classes

    def _life(self, draw: Draw, planned: Planned) -> None:
        """Several sensors, a camera, calls: all begin within eight minutes, so that one incident can hold them."""
        truth, spot = planned.truth, planned.spot
        lasts = round(draw.uniform(9, 22) * MINUTE)
        for kind in kinds_of(truth.family, IOT):
            sensors = self.ground.sensors(spot, kind)
            times = np.concatenate([[0.0], np.sort(draw.exponential(55_000, len(sensors) - 1))])
            for sensor, later in zip(sensors, np.minimum(times, 7 * MINUTE).tolist(), strict=True):
                t = truth.onset + round(later)
                if later < MINUTE and draw.random() < REPEATED:  # it comes and goes, then stays
                    gone = t + round(draw.uniform(15_000, 70_000))
                    self._rise(draw, kind, sensor, t, gone, (3, 3), truth.id)
                    t = self.episodes[-1].steps[-1].t + round(draw.uniform(5_000, 60_000))
                self._rise(draw, kind, sensor, t, truth.onset + lasts, (3, 4), truth.id)
        for kind in kinds_of(truth.family, VIDEO):
            cameras = self.ground.sensors(spot, kind)
            first = 0.0 if not kinds_of(truth.family, IOT) else draw.uniform(8_000, 60_000)
            for k, camera in enumerate(cameras[: int(draw.integers(1, 3))]):
                t = truth.onset + round(first + k * draw.uniform(5_000, 60_000))
                self._rise(draw, kind, camera, t, truth.onset + lasts, (3, 4), truth.id)
        for kind in kinds_of(truth.family, HOTLINE):
            for _ in range(int(draw.integers(1, 4))):
                self._call(draw, kind, spot, truth.onset + round(draw.uniform(25_000, 7 * MINUTE)), truth.id)

    def _false_life(self, draw: Draw, family: str, spot: Spot, t: int) -> None:
        """One detector, raised for nothing once or a few times; nobody else says so. Visible all the same."""
        kind = kinds_of(family, IOT)[0]
        sensor = self.ground.sensors(spot, kind)[0]
        for _ in range(int(draw.integers(1, 5))):
            until = t + round(draw.uniform(8_000, 50_000))
            steps = [Step(t, "raise", 3, kind.value(3, 0.1)), Step(until, "clear", 0, kind.value(0, 0.0))]
            self.episodes.append(Episode(kind.id, sensor, steps))
            t = until + round(draw.uniform(5_000, 40_000))

    # -- the others

    def _ordinary(self, draw: Draw, planned: Planned) -> None:
        truth, spot = planned.truth, planned.spot
        stormy = self.ground.weathered(spot.x, spot.y, truth.onset)
        top = int(draw.choice([3, 4], p=[0.75, 0.25])) if stormy else int(draw.choice([2, 3, 4], p=[0.35, 0.45, 0.2]))
        alone = bool(draw.random() < ALONE) and not stormy and bool(kinds_of(truth.family, IOT))
        until = truth.onset + round(draw.uniform(14, 55) * MINUTE)
        calm = 130_000 if alone else 0
        first = True
        for number, kind in enumerate(kinds_of(truth.family, IOT)):
            if number and draw.random() < 0.4:
                continue
            sensors = self.ground.sensors(spot, kind)
            for k, sensor in enumerate(sensors):
                later = 0 if first else calm + round(min(draw.exponential(35_000 if k == 1 else 90_000), 480_000))
                at = (max(top, 3),) * 2 if alone and first else (max(1, top - 1), top)
                self._rise(draw, kind, sensor, truth.onset + later, until, at, truth.id, quick=first or stormy)
                first = False
        for kind in kinds_of(truth.family, VIDEO):
            if not first and draw.random() < 0.3:
                continue
            for camera in self.ground.sensors(spot, kind)[: int(draw.integers(1, 3))]:
                later = 0 if first else calm + round(draw.uniform(8_000, 80_000))
                at = (max(1, top - 1), top)
                self._rise(draw, kind, camera, truth.onset + later, until, at, truth.id, quick=first)
                first = False
        for kind in kinds_of(truth.family, HOTLINE):
            for k in range(1 + int(draw.poisson(2.2))):
                soon = not k and not alone
                t = truth.onset + round(draw.uniform(35_000, 95_000) if soon else draw.uniform(2, 14) * MINUTE)
                self._call(draw, kind, spot, t, truth.id)

    def _effects(self, draw: Draw, planned: Planned) -> None:
        """What else rises because of it, elsewhere and in other families, without being a thing of its own."""
        truth, spot = planned.truth, planned.spot
        until = truth.onset + round(draw.uniform(35, 55) * MINUTE)
        for name, near, far, soon, late in SPREADS[truth.family]:
            kind = BY_ID[name]
            for other in self.ground.around(spot.x, spot.y, far):
                away = float(np.hypot(other.x - spot.x, other.y - spot.y))
                sensors = self.ground.sensors(other, kind)
                if other is spot and kind.family == truth.family:
                    continue
                for sensor in sensors if away >= near else []:
                    if draw.random() < 0.25 or self._of_another(planned, kind, sensor):
                        continue
                    t = truth.onset + round((soon + (late - soon) * (away / far) + draw.uniform(0, 1.5)) * MINUTE)
                    self._rise(draw, kind, sensor, t, until, (1, 2), truth.id)
        call = kinds_of(truth.family, HOTLINE)[0]
        for _ in range(int(draw.integers(5, 12))):
            self._call(draw, call, spot, truth.onset + round(draw.uniform(2, 30) * MINUTE), truth.id)

    def _of_another(self, cause: Planned, kind: Kind, sensor: Asset) -> bool:
        """Whether a sensor stands where another truth of its family is: what it says would be that one's."""
        return any(
            p.truth.family == kind.family
            and p is not cause
            and np.hypot(p.spot.x - sensor.x, p.spot.y - sensor.y) < CLEAR
            for p in self.plan.truths
        )

    # -- one alarm, one call

    def _rise(
        self, draw: Draw, kind: Kind, asset: Asset, t: int, until: int, levels: tuple[int, int], truth: str,
        *, quick: bool = False,
    ) -> None:  # fmt: skip
        self.episodes.append(risen(draw, kind, asset, t, until, levels, truth, quick=quick))

    def _call(self, draw: Draw, kind: Kind, spot: Spot, t: int, truth: str | None) -> None:
        """A call from somewhere near: most say the place well, some only the street."""
        r, turn = min(float(draw.exponential(55.0)), ERROR_M), draw.uniform(0, 2 * np.pi)
        text = f"{spot.name}附近，{kind.zh}"
        self.tickets.append(Ticket(t, kind.id, spot.x + r * np.cos(turn), spot.y + r * np.sin(turn), text, truth))


def risen(
    draw: Draw, kind: Kind, asset: Asset, t: int, until: int, levels: tuple[int, int], truth: str,
    *, quick: bool = False,
) -> Episode:  # fmt: skip
    """Raise, climb from the first to the second level, go on with updates, clear."""
    low, high = levels
    steps = [Step(t, "raise", low, kind.value(low, draw.random()))]
    at = t
    for level in range(low + 1, high + 1):
        at += round(draw.uniform(15_000, 55_000) if quick else draw.uniform(30_000, 240_000))
        steps.append(Step(at, "update", level, kind.value(level, draw.random())))
    end = max(until + round(draw.uniform(-0.1, 0.15) * (until - t)), at + 8_000)
    return Episode(kind.id, asset, [*steps, Step(end, "clear", 0, kind.value(0, 0.5))], truth)
