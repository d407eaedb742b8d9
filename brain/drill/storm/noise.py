"""What is no incident: chattering, fleeting, stuck and standing alarms, weather of storm cells, calls about nothing.

Terms are those of ANSI/ISA-18.2 and EEMUA 191. A chattering alarm goes in and out of alarm several times a minute, a
fleeting one once and briefly, a standing (stale) one for hours; a few bad actors make a large part of all alarms.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from brain.drill.city.terrain import stream
from brain.drill.storm.ground import GAP_MS, MINUTE, Cell, Draw, Ground, kinds_of
from brain.drill.storm.kinds import BY_ID, HOTLINE, IOT, ORDINARY, VIDEO, Kind
from brain.drill.storm.model import Asset, Episode, Spot, Step, Ticket

LEVELS, LEVEL_SHARE = (1, 2, 3, 4), (0.65, 0.27, 0.065, 0.015)
"""Levels of false raises: broken sensors say high things too."""
STORM_LEVEL_SHARE = (0.66, 0.31, 0.03)
"""Levels 1 to 3 of what the weather raises."""

WEATHER: tuple[tuple[str, float, float, float], ...] = (
    ("emergency.wind.speed", 0.75, 0, 3), ("emergency.wind.crane", 0.75, 0, 4), ("emergency.flood.depth", 0.5, 3, 12),
    ("emergency.flood.level", 0.35, 5, 20), ("emergency.flood.water", 0.25, 4, 14), ("public.traffic.slow", 0.5, 1, 8),
    ("public.traffic.jam", 0.25, 2, 10), ("public.power.outage", 0.25, 0, 8), ("public.road.manhole", 0.3, 4, 15),
    ("eco.noise.sensor", 0.35, 0, 2), ("eco.water.do", 0.3, 5, 20), ("eco.dust.site", 0.2, 0, 2),
    ("emergency.slope.move", 0.25, 6, 25), ("economy.logistics.queue", 0.25, 3, 15), ("social.order.shout", 0.15, 0, 5),
    ("public.water.pressure", 0.2, 1, 10),
)  # fmt: skip
"""Scenario, share of its sensors that a cell sets off, minutes after it has come, from and to."""
CALLED = ("emergency.wind", "emergency.flood", "public.traffic", "public.power", "public.road")
"""Families that people under a cell call about."""


class Noise:
    """All that is labelled null, but false never-hidden alarms."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.episodes: list[Episode] = []
        self.tickets: list[Ticket] = []
        size, hours = ground.size, ground.size.hours
        self._busy: set[tuple[str, str]] = set()
        self._standing(stream(ground.seed, "storm.standing"), round(size.spots * 0.26))
        for n, cell in enumerate(ground.cells):
            self._cell(stream(ground.seed, f"storm.cell.{n}"), cell)
        scale = hours / 6 * size.spots / 420
        self._single(stream(ground.seed, "storm.single"), round(2_000 * scale))
        self._together(stream(ground.seed, "storm.together"), round(30 * scale))
        self._calls(stream(ground.seed, "storm.calls"), round(360 * scale))

    # -- which sensor

    def _any(self, draw: Draw, source: str = "") -> tuple[Spot, Kind, list[Asset]]:
        """A spot with sensors of an ordinary kind."""
        kinds = [k for f in ORDINARY for s in ((source,) if source else (IOT, VIDEO)) for k in kinds_of(f, s)]
        while True:
            spot = self.ground.spots[int(draw.integers(len(self.ground.spots)))]
            kind = kinds[int(draw.integers(len(kinds)))]
            sensors = [s for s in self.ground.sensors(spot, kind) if (kind.id, s.id) not in self._busy]
            if sensors:
                return spot, kind, sensors

    def _when(self, draw: Draw) -> int:
        return round(draw.uniform(self.ground.start, self.ground.end))

    # -- broken and badly set sensors

    def _standing(self, draw: Draw, number: int) -> None:
        """Stuck at the end of their range without another word, or just above the threshold for hours."""
        for n in range(number):
            _, kind, sensors = self._any(draw)
            sensor = sensors[int(draw.integers(len(sensors)))]
            self._busy.add((kind.id, sensor.id))
            stuck = n % 4 == 0
            levels, shares = ((2, 3, 4), (0.6, 0.25, 0.15)) if stuck else ((1, 2, 3), (0.7, 0.3, 0.0))
            level = int(draw.choice(levels, p=shares))
            t = self._when(draw) if stuck else self.ground.start + round(draw.uniform(0, 20) * MINUTE)
            steps = [Step(t, "raise", level, kind.value(level, 0.9 if stuck else draw.random()))]
            if not stuck and draw.random() < 0.3:  # at last somebody looks after it
                t += round(draw.uniform(60, 300) * MINUTE)
                steps.append(Step(t, "clear", 0, kind.value(0, 0.5)))
            self.episodes.append(Episode(kind.id, sensor, steps))

    def _single(self, draw: Draw, number: int) -> None:
        """One sensor raises for nothing; most of them for less than a minute."""
        for _ in range(number):
            _, kind, sensors = self._any(draw)
            sensor = sensors[int(draw.integers(len(sensors)))]
            fleeting = draw.random() < 0.7
            lasts = draw.uniform(4, 60) if fleeting else draw.uniform(90, 900)
            self._false(draw, kind, sensor, self._when(draw), lasts, _level(draw))

    def _together(self, draw: Draw, number: int) -> None:
        """Two or three sensors of a kind at one spot raise for one reason that is none: their supply dips, a lorry."""
        for _ in range(number):
            _, kind, sensors = self._any(draw)
            t, lasts = self._when(draw), draw.uniform(10, 80) if draw.random() < 0.75 else draw.uniform(120, 600)
            for sensor in sensors[: int(draw.integers(2, 4))]:
                self._false(draw, kind, sensor, t + round(draw.uniform(0, 25_000)), lasts, int(draw.integers(1, 3)))

    def _false(self, draw: Draw, kind: Kind, sensor: Asset, t: int, seconds: float, level: int) -> None:
        steps = [Step(t, "raise", level, kind.value(level, draw.random()))]
        if seconds > 90 and level < 3 and draw.random() < 0.2:
            steps.append(Step(t + round(draw.uniform(20, 80) * 1000), "update", level + 1, kind.value(level + 1, 0.2)))
        steps.append(Step(t + round(seconds * 1000), "clear", 0, kind.value(0, 0.5)))
        self.episodes.append(Episode(kind.id, sensor, steps))

    def bursts(self) -> Iterator[list[Episode]]:
        """Chattering without end: bad actors go in and out of alarm several times a minute, for minutes."""
        draw = stream(self.ground.seed, "storm.chatter")
        actors: list[tuple[Kind, list[Asset], int]] = []
        for _ in range(max(6, self.ground.size.spots // 8)):
            _, kind, sensors = self._any(draw, IOT if draw.random() < 0.8 else VIDEO)
            chosen = sensors[: 2 if draw.random() < 0.15 else 1]  # two hang on one bad cable
            self._busy.update((kind.id, s.id) for s in chosen)
            actors.append((kind, chosen, _level(draw)))
        weight = 1.0 / np.sqrt(np.arange(1, len(actors) + 1))
        while True:
            kind, sensors, level = actors[int(draw.choice(len(actors), p=weight / weight.sum()))]
            begin, lasts = self._when(draw), draw.uniform(3, 25) * MINUTE
            period, end = draw.uniform(5_000, 16_000), min(begin + lasts, self.ground.end)
            yield [e for s in sensors for e in _chatter(draw, kind, s, begin, end, period, level)]

    # -- weather

    def _cell(self, draw: Draw, cell: Cell) -> None:
        """As the cell comes over a spot, many kinds rise there within minutes; when it has gone they clear.

        All of it is the weather that everybody knows of: low levels, now and then a high one of one sensor.
        """
        for spot in list(self.ground.spots):
            span = cell.span(spot.x, spot.y)
            if span is None:
                continue
            for name, share, soon, late in WEATHER:
                kind = BY_ID[name]
                for sensor in self.ground.sensors(spot, kind):
                    if draw.random() < share and (name, sensor.id) not in self._busy:
                        self._gusts(draw, kind, sensor, span, round(draw.uniform(soon, late) * MINUTE))
        for _ in range(round(1.2 * (cell.end - cell.begin) / MINUTE)):
            kind = kinds_of(CALLED[int(draw.integers(len(CALLED)))], HOTLINE)[0]
            t = round(draw.uniform(cell.begin, cell.end))
            cx, cy = cell.at(t)
            near = self.ground.around(cx, cy, cell.radius)
            if near:
                self._call(draw, kind, near[int(draw.integers(len(near)))], t)

    def _gusts(self, draw: Draw, kind: Kind, sensor: Asset, span: tuple[int, int], later: int) -> None:
        t, gone = span[0] + later, span[1] + round(draw.uniform(0, 6) * MINUTE)
        while t < gone:
            end = t + round(draw.uniform(0.5, 6) * MINUTE)
            level = int(draw.choice([1, 2, 3], p=STORM_LEVEL_SHARE))
            steps = [Step(t, "raise", level, kind.value(level, draw.random()))]
            if level == 1 and draw.random() < 0.25:
                steps.append(Step(t + round(draw.uniform(10_000, 28_000)), "update", 2, kind.value(2, draw.random())))
            steps.append(Step(end, "clear", 0, kind.value(0, 0.5)))
            self.episodes.append(Episode(kind.id, sensor, steps))
            t = end + round(draw.uniform(0.5, 8) * MINUTE)

    # -- callers

    def _calls(self, draw: Draw, number: int) -> None:
        """Calls about what is no incident, or was one long ago."""
        for _ in range(number):
            kind = kinds_of(ORDINARY[int(draw.integers(len(ORDINARY)))], HOTLINE)[0]
            self._call(draw, kind, self.ground.spots[int(draw.integers(len(self.ground.spots)))], self._when(draw))

    def _call(self, draw: Draw, kind: Kind, spot: Spot, t: int) -> None:
        r, turn = draw.uniform(0, 250), draw.uniform(0, 2 * np.pi)
        text = f"{spot.name}附近，{kind.zh}"
        self.tickets.append(Ticket(t, kind.id, spot.x + r * np.cos(turn), spot.y + r * np.sin(turn), text))


def _level(draw: Draw) -> int:
    return int(draw.choice(LEVELS, p=LEVEL_SHARE))


def _chatter(
    draw: Draw, kind: Kind, sensor: Asset, begin: float, end: float, period: float, level: int
) -> Iterator[Episode]:
    at = begin
    while at < end:
        off = at + period * draw.uniform(0.2, 0.7)
        steps = [Step(round(at), "raise", level, kind.value(level, 0.1 * draw.random()))]
        steps.append(Step(round(off), "clear", 0, kind.value(1, -0.1 * draw.random())))
        yield Episode(kind.id, sensor, steps)
        at = off + GAP_MS + period * draw.uniform(0.3, 1.0)
