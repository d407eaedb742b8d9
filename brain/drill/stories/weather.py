"""Weather and tide of the drill district by minute: what sensors all over it follow together.

Rain falls as showers; everything that follows from rain (sums, river, soil, puddles) is worked out of it at the end, so
that a story's rain runs off as any other.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]
MINUTES_A_DAY = 1_440
TIDE_HOURS = (12.42, 12.0)
RIVER_LAG, SOIL_LAG, STREET_LAG = 240.0, 2_880.0, 25.0
"""Minutes in which two thirds of the water leave a river, the ground, a street."""
RIVER_PER_MM, SOIL_PER_MM, PUDDLE_PER_MM = 0.016, 0.045, 0.3
"""Metres of river, parts of soil and centimetres on a street that a millimetre of rain makes."""
DRAINS = 0.35
"""Millimetres a minute that street drains take."""


@dataclass
class Weather:
    """Columns (minutes,): rain mm a minute, wind m/s, and so on; ``driver`` has all that sensors follow, by name."""

    rain: F8
    wind: F8
    wind_from: F8
    temperature: F8
    pressure: F8
    tide: F8
    surge: F8
    haze: F8
    driver: dict[str, F8] = field(default_factory=dict)

    def settle(self) -> Weather:
        """Work out what follows; call it once all rain has been added."""
        over = sums(self.rain)
        river = held(self.rain * RIVER_PER_MM, RIVER_LAG)
        humidity = np.clip(95 - 2.1 * (self.temperature - 20) + 14 * np.minimum(over[1], 1), 30, 100)
        self.driver = {
            "mm_1h": over[1], "mm_3h": over[3], "mm_6h": over[6], "river": river + self.surge * 0.4,
            "wet": np.minimum(held(self.rain * SOIL_PER_MM, SOIL_LAG), 10.0),
            "puddle": held(np.maximum(self.rain - DRAINS, 0.0) * PUDDLE_PER_MM, STREET_LAG),
            "wind": self.wind, "wind_from": self.wind_from, "temperature": self.temperature, "humidity": humidity,
            "pressure": self.pressure, "tide": self.tide, "surge": self.surge, "haze": self.haze,
            "visibility": np.clip(14_000 - 5_000 * self.haze - 350 * over[1], 800, 30_000),
        }  # fmt: skip
        return self


def ordinary(seed: int, days: int) -> Weather:
    """A warm coastal fortnight: sea breeze by day, a shower on every other day, no storm."""
    draw = np.random.default_rng([seed, 7])
    n = days * MINUTES_A_DAY
    t = np.arange(n, dtype=np.float64)
    hour = t / 60 % 24
    warm = np.cos((hour - 14.5) / 24 * 2 * np.pi)
    slow = np.interp(t / MINUTES_A_DAY, np.arange(days + 1), draw.normal(0, 1, days + 1))
    rain = np.zeros(n)
    for _ in range(int(draw.poisson(0.55 * days))):
        shower(rain, int(draw.integers(0, n)), float(draw.uniform(20, 70)), float(draw.uniform(2, 14)))
    wind = np.maximum(0.4, 3.0 + 1.2 * warm + 0.8 * slow + 0.3 * np.sin(t / 37))
    wind_from = (120 + 30 * slow + 20 * np.sin(t / 311)) % 360
    waves = zip((0.7, 0.25), TIDE_HOURS, (0.4, 1.9), strict=True)
    tides = sum(a * np.cos(2 * np.pi * t / 60 / h + p) for a, h, p in waves)
    haze = np.maximum(0.0, 0.15 + 0.25 * slow - 0.05 * warm)
    return Weather(
        rain, wind, wind_from, 27 + 3.2 * warm + 1.1 * slow, 1009 + 1.4 * slow, np.asarray(tides), np.zeros(n), haze
    )


def shower(rain: F8, begin: int, minutes: float, mm: float) -> None:
    """Add ``mm`` of rain over so many minutes, strongest in the middle, in place."""
    t = np.arange(begin, min(len(rain), begin + int(minutes)))
    shape = np.sin((t - begin + 0.5) / minutes * np.pi) ** 2
    if len(t):
        rain[t] += mm * shape / (minutes / 2)


def sums(rain: F8) -> dict[int, F8]:
    """By 1, 3 and 6 hours: what fell in so many hours up to each minute, (minutes,)."""
    total = np.concatenate(([0.0], np.cumsum(rain)))
    at = np.arange(1, len(rain) + 1)
    return {h: total[at] - total[np.maximum(at - 60 * h, 0)] for h in (1, 3, 6)}


def held(gain: F8, lag: float) -> F8:
    """What a store holds that gains so much and loses a share of 1/lag every minute."""
    keep = 1.0 - 1.0 / lag
    out = np.empty(len(gain))
    level = 0.0
    for k, g in enumerate(gain.tolist()):
        level = level * keep + g
        out[k] = level
    return out
