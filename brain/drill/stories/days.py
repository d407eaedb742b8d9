"""Ordinary days: what every sensor of the district says in every minute, in chunks, the same for a seed.

A value is its type's middle, its daily and weekly swing, the weather, a slow wander and noise of its own; then what
stories do to it, then what is wrong with the sensor. Nothing is kept but what is due: thirty million readings are
never in memory together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from brain.drill.stories.district import District
from brain.drill.stories.weather import MINUTES_A_DAY, Weather

F8 = NDArray[np.float64]
B1 = NDArray[np.bool_]
I8 = NDArray[np.int64]

START_MS = 1_780_243_200_000
"""Begin of the first day: midnight in China of Monday 1 June 2026, ms UTC less the zone's eight hours."""
WEEKEND = {
    "traffic": -0.25, "power_load": -0.35, "crane": -0.4, "school": -0.8, "noise": -0.03, "parking": -0.2,
}  # fmt: skip
"""By type: share by which its daily swing's middle changes on Saturday and Sunday."""


class Effect(NamedTuple):
    """What happens to one series: from minute ``start`` on, ``values`` are added, or stand in its place."""

    line: int
    start: int
    values: F8
    how: Literal["add", "set"] = "add"

    @property
    def stop(self) -> int:
        """The minute after its last."""
        return self.start + len(self.values)


class Fault(NamedTuple):
    """What is wrong with the sensor of a series from minute ``start`` to before ``stop``.

    ``spike`` one absurd value; ``stuck`` the value of before; ``drift`` a slow rise to ``size``; ``gap`` nothing comes;
    ``flapping`` to and fro by ``size``. They act on what the sensor sends, not on the world.
    """

    line: int
    kind: Literal["spike", "stuck", "drift", "gap", "flapping"]
    start: int
    stop: int
    size: float = 0.0


class Chunk(NamedTuple):
    """Minutes [start, start + m): ``values`` (m, lines) as they are sent, NaN where nothing is."""

    start: int
    values: F8


class Days:
    """All minutes of a drill. ``effects`` and ``faults`` come in any order; what they give depends on neither chunk nor
    order, but where two of how ``set`` meet: the later in the sequence stays."""

    def __init__(
        self, district: District, weather: Weather, seed: int, effects: Sequence[Effect] = (),
        faults: Sequence[Fault] = (),
    ) -> None:  # fmt: skip
        """Draw what is each sensor's own. ``weather`` must be settled."""
        self.district, self.weather, self.seed, self.effects, self.faults = district, weather, seed, effects, faults
        draw = np.random.default_rng([seed, 11])
        lines = district.lines
        n = len(lines)
        metrics = [line.metric for line in lines]

        def column(name: str) -> F8:
            return np.array([getattr(m, name) for m in metrics], np.float64)

        factor = 1.0 + column("spread") * np.clip(draw.normal(0, 0.5, n), -1, 1)
        self._typical, self._daily = column("typical") * factor, column("daily") * factor
        self._peak, self._noise = column("peak"), column("noise")
        self._low, self._high = column("low"), column("high")
        self._wander = draw.uniform(180, 900, (2, n)), draw.uniform(0, 2 * np.pi, (2, n))
        self._turn: I8 = draw.integers(0, 1 << 30, n)
        self._names = sorted({name for m in metrics for name in m.drivers})
        self._gains: F8 = np.array([[m.drivers.get(name, 0.0) for m in metrics] for name in self._names]) * factor
        self._weekend: F8 = np.array([WEEKEND.get(district.type[line.asset], 0.0) for line in lines])
        self._circle: B1 = np.array([line.name == "wind_direction" for line in lines])
        self._every: I8 = np.array([line.every for line in lines], np.int64)

    def chunk(self, start: int, minutes: int) -> Chunk:
        """Minutes [start, start + minutes); ``start`` is a multiple of ``minutes``: noise is drawn by chunk."""
        t = np.arange(start, start + minutes, dtype=np.float64)[:, None]
        values = self._world(t)
        values += np.random.default_rng([self.seed, 13, start]).standard_normal(values.shape) * self._noise
        for effect in self.effects:
            a, b = max(effect.start, start), min(effect.stop, start + minutes)
            if a < b:
                part = effect.values[a - effect.start : b - effect.start]
                here = values[a - start : b - start, effect.line]
                if effect.how == "add":
                    here += part
                else:
                    here[:] = part
        values[:, self._circle] %= 360
        for fault in self.faults:
            self._break(fault, start, values)
        np.clip(values, self._low, self._high, out=values)
        due = (np.arange(start, start + minutes)[:, None] + self._turn) % self._every == 0
        values[~due] = np.nan
        return Chunk(start, values)

    def _world(self, t: F8) -> F8:
        hour, day = t / 60 % 24, t // MINUTES_A_DAY % 7
        values: F8 = np.cos((hour - self._peak) * (2 * np.pi / 24)) * self._daily
        values += self._typical * (1.0 + self._weekend * (day >= 5))
        (period, phase), noise = self._wander, self._noise
        for k in (0, 1):
            values += noise * np.sin(t / period[k] * (2 * np.pi) + phase[k])
        minute = t[:, 0].astype(np.int64)
        values += np.stack([self.weather.driver[name][minute] for name in self._names], axis=1) @ self._gains
        return values

    def _break(self, fault: Fault, start: int, values: F8) -> None:
        a, b = max(fault.start, start) - start, min(fault.stop, start + len(values)) - start
        if a >= b:
            return
        here = values[a:b, fault.line]
        t = np.arange(a, b) + start - fault.start
        if fault.kind == "gap":
            here[:] = np.nan
        elif fault.kind == "spike":
            here[:] = fault.size
        elif fault.kind == "drift":
            here += fault.size * (t + 1) / (fault.stop - fault.start)
        elif fault.kind == "flapping":
            here += np.where(t % 4 < 2, fault.size, 0.0)
        else:  # stuck: what it said last, worked out anew where that was in an earlier chunk
            before = max(fault.start - 1, 0)
            here[:] = float(self._world(np.array([[float(before)]]))[0, fault.line])


def faults(seed: int, district: District, days: int, spared: set[int]) -> list[Fault]:
    """Sensor faults of ordinary days: of every hundred assets about two a day have one. ``spared`` series have none."""
    draw = np.random.default_rng([seed, 17])
    lines = district.lines
    out = []
    for _ in range(int(draw.poisson(0.02 * len(district.ids) * days))):
        k = int(draw.integers(0, len(lines)))
        metric, start = lines[k].metric, int(draw.integers(0, days * MINUTES_A_DAY))
        kind = ("spike", "spike", "spike", "stuck", "drift", "gap", "gap", "flapping")[int(draw.integers(0, 8))]
        limit = metric.above if metric.above is not None else metric.below
        if k in spared:
            continue
        scale = abs(metric.typical) + metric.daily + 6 * metric.noise + 0.1
        if kind == "spike":
            wild = limit * draw.uniform(1.1, 1.8) if metric.above is not None and limit else metric.low
            out.append(Fault(k, "spike", start, start + lines[k].every, float(min(wild, metric.high))))
        elif kind == "flapping":
            out.append(Fault(k, "flapping", start, start + int(draw.integers(20, 90)), float(0.6 * scale)))
        elif kind == "drift":
            out.append(Fault(k, "drift", start, start + int(draw.integers(400, 1400)), float(0.5 * scale)))
        elif kind == "stuck":
            out.append(Fault(k, "stuck", start, start + int(draw.integers(120, 900))))
        else:
            out.append(Fault(k, "gap", start, start + int(draw.integers(5, 240))))
    return out
