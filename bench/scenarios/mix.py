"""A hundred scenarios over the sample city's mix of types, in forms and proportions that are stated here."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from brain import standards
from brain.drill.city.asset_types import TYPES
from brain.drill.city.hierarchy import shares
from brain.scenario import Scenario
from brain.scenarios import of
from brain.sets import CitySet
from brain.watch import BOX, jagged
from geo.grid_map import GridMap
from streams.registry import Asset, Measure, Registry

SET = "sha256:bench-scenarios"
"""Id of the set in all pulses, however many scenarios it has: so one input serves all."""
DOMAIN = {
    "生态环境局": "eco", "水务局": "emergency", "燃气办": "emergency", "消防救援支队": "emergency",
    "应急管理局": "emergency", "气象局": "emergency", "自然资源局": "emergency", "交通运输局": "public",
    "城市管理和综合执法局": "public",
    "市场监督管理局": "market", "住房和城乡建设局": "economy", "民政局": "social",
}  # fmt: skip
"""Domain of what is watched on an owner's assets."""
MATCHES = 3.0
"""Scenarios that a reading matches, on average."""
BOUND, FAR, SAFE = 6.0, 12.0, 3.0
"""Thresholds, values of a run of bad ones, and ends of hysteresis, in standard deviations from a series' middle."""

LEVELS = {
    "gas": (3.0, 2.5), "do": (8.0, 0.5), "nh3n": (0.3, 0.1), "ph": (7.2, 0.2), "speed": (55.0, 4.0),
    "water_level": (2.0, 0.1), "reservoir_level": (50.0, 0.5), "pm25": (30.0, 5.0), "pm10": (45.0, 3.0),
    "no2": (30.0, 2.0),
}  # fmt: skip
"""Middle and standard deviation of the metrics that standards judge, in their units: a quiet day by the tables."""

Form = dict[str, Any]


def level(metric: str, low: float, high: float) -> tuple[float, float]:
    """Middle and standard deviation of a metric of that range: values are never below 0."""
    floor = max(low, 0.0)
    return LEVELS.get(metric, (floor + 0.3 * (high - floor), 0.02 * (high - floor)))


def _thresholds(middle: float, deviation: float) -> Iterator[Form]:
    up, down = middle + BOUND * deviation, middle - BOUND * deviation
    back, forth = middle + SAFE * deviation, middle - SAFE * deviation
    ladder = [{"level": n, "at": middle + (BOUND + 2 * (n - 1)) * deviation} for n in (2, 3, 4)]
    while True:
        yield {"detect": {"above": up}, "clear": {"below": back}, "levels": ladder}
        yield {"detect": {"above": up}, "for": {"readings": 3}, "clear": {"below": back}}
        yield {"detect": {"below": down}, "clear": {"above": forth}}
        yield {"detect": {"above": up}, "for": {"seconds": 20}, "clear": {"below": back}, "levels": ladder[:1]}
        yield {"detect": {"above": up}, "clear": {"quiet_s": 60}}
        yield {"detect": {"below": down}, "for": {"readings": 2}, "clear": {"above": forth}}


def _scored(detector: str, over: float, side: str = "both", **settings: Any) -> Form:
    return {"detect": {"detector": detector, "score_over": over, "side": side, "settings": settings}}


THRESHOLDS = 46
OTHERS: tuple[tuple[int, Form], ...] = (
    (8, {"detect": {"ewma_deviation": 8, "alpha": 0.05, "warmup": 20}}),
    (4, {"detect": {"ewma_deviation": 6, "alpha": 0.05, "warmup": 48}, "clear": {"deviation_below": 2}}),
    (4, _scored("robust", 8)),
    (4, _scored("level_shift", 12)),
    (3, _scored("rate", 8)),
    (3, _scored("flatline", 12)),
    (2, _scored("seasonal", 8, period="day")),
    (2, _scored("quantile", 10)),
    (1, _scored("spike", 10)),
    (1, _scored("drift", 10)),
    (1, _scored("noise", 12)),
    (1, _scored("autoregressive", 10)),
    (5, {"detect": {"silent_s": 600}}),
    (2, {"detect": {"sum_over": 1e9, "by": "grid"}}),
    (2, {"detect": {"sum_over": 1e9, "by": "district"}}),
    (3, {"detect": {"detector": "neighbours", "within_m": 2000.0, "score_over": 12.0}}),
)  # fmt: skip
"""How many of which form, beside thresholds and standards; settings are the shipped ones."""
STANDARDS: tuple[tuple[str, Form], ...] = (
    ("gas/gas", {"detect": {"standard": "combustible_gas", "grade_from": "first"}}),
    ("traffic/speed", {"detect": {"standard": "congestion", "inputs": {"speed_kmh": "speed"},
                                  "given": {"road": "expressway"}, "grade_from": "moderate"}}),
    ("traffic/speed", {"detect": {"standard": "congestion", "inputs": {"speed_kmh": "speed"},
                                  "given": {"road": "arterial"}, "grade_from": "severe"}}),
    ("water_level/water_level", {"detect": {"standard": "river_flood", "inputs": {"level_m": "water_level"},
                                            "given": {"alert_m": 3.0, "guaranteed_m": 5.0}}}),
    ("reservoir_level/reservoir_level", {"detect": {"standard": "reservoir", "inputs": {"level_m": "reservoir_level"},
                                                    "given": {"limit_m": 54.0, "flood_season": 1.0}}}),
    ("water_quality/do", {"detect": {"standard": "water", "grade_from": "IV", "age_s": 900.0,
                                     "inputs": {"DO": "do", "NH3N": "nh3n"}, "given": {"water": "river"}},
                          "clear": {"grade_below": "IV"}}),
    ("water_quality/ph", {"detect": {"standard": "water", "inputs": {"pH": "ph"}, "given": {"water": "river"}}}),
    ("air/pm25", {"detect": {"standard": "aqi", "inputs": {"PM25_24h": "pm25"}, "grade_from": "light"}}),
)  # fmt: skip
LIFE = ("smoke/smoke", "gas/gas")
"""Whose first threshold is of a never-hidden class."""


@dataclass(frozen=True)
class City:
    """The assets of the bench, and its scenarios in the order in which they are added: one, ten, a hundred."""

    assets: int
    registry: Registry
    scenarios: tuple[Scenario, ...]

    def content(self, n: int) -> CitySet:
        """The set with the first ``n`` scenarios in force."""
        return self.alone(self.scenarios[:n])

    def alone(self, chosen: tuple[Scenario, ...]) -> CitySet:
        """The set with just these in force, on the map of jagged grids."""
        return CitySet(
            SET, self.registry, _map(), sorted(chosen, key=lambda s: s.id), standards=_library(),
        )  # fmt: skip


@cache
def _map() -> GridMap:
    return GridMap(jagged())


@cache
def _library() -> standards.Library:
    return standards.load()


def city(assets: int) -> City:
    """So many sensors in the sample city's mix, two at least of each type, and the hundred scenarios on them."""
    counts = shares([t.share for t in TYPES.values()], assets, [2] * len(TYPES))
    records, number = [], 0
    for (name, kind), count in zip(TYPES.items(), counts, strict=True):
        for k in range(count):
            records.append(
                Asset(
                    f"{name}-{k:06d}", name, BOX[0] + (number * 7919 % assets) / assets * 0.4,
                    BOX[1] + (number * 104729 % assets) / assets * 0.3, every_s=kind.every_s,
                    metrics={m: Measure(unit, (low, high)) for m, (unit, low, high) in kind.measures.items()},
                )
            )  # fmt: skip
            number += 1
    return City(assets, Registry.of(records), tuple(scenarios()))


def scenarios() -> list[Scenario]:
    """The hundred, the same in every run: those of the first ten are of five kinds."""
    weight = {
        f"{name}/{metric}": kind.share for name, kind in TYPES.items() for metric in kind.measures
    }  # fmt: skip
    total = sum(weight.values())
    pairs = list(weight)
    first = {f"{name}/{next(iter(kind.measures))}" for name, kind in TYPES.items()} | {pair for pair, _ in STANDARDS}
    least = [int(pair in first) for pair in pairs]
    per_pair = dict(zip(pairs, _dealt([weight[p] / total for p in pairs], least), strict=True))
    made = []
    for pair, form in STANDARDS:
        per_pair[pair] -= 1
        made.append((pair, form))
    left = [form for count, form in OTHERS for _ in range(count)]
    places = [pair for pair in pairs for _ in range(per_pair[pair])]
    draw = random.Random(100)
    draw.shuffle(places)
    made += zip(places[THRESHOLDS:], left, strict=True)
    alarmed, several = set[str](), dict[tuple[str, float, float], Iterator[Form]]()
    for pair in sorted(places[:THRESHOLDS]):
        name, _, metric = pair.partition("/")
        _, low, high = TYPES[name].measures[metric]
        turn = several.setdefault((metric, low, high), _thresholds(*level(metric, low, high)))
        life = {"life": True, "level": 1} if pair in LIFE and pair not in alarmed else {}
        alarmed.add(pair)
        made.append((pair, next(turn) | life))
    ordered = [_scenario(number, pair, form) for number, (pair, form) in enumerate(made)]
    thresholds, others = ordered[-THRESHOLDS:], ordered[:-THRESHOLDS]
    draw.shuffle(thresholds)
    thresholds.sort(key=lambda s: not s.life)
    return [s for k in range(len(others)) for s in (*thresholds[k : k + 1], others[k * 7 % len(others)])]


def _dealt(weights: list[float], least: list[int]) -> list[int]:
    """Scenarios by pair, ``least`` at least: so many more on common ones that a reading matches three on average."""
    low, high, found = 0.0, 8.0, least
    for _ in range(40):
        middle = (low + high) / 2
        found = shares([w**middle for w in weights], 100, least)
        mean = sum(n * w for n, w in zip(found, weights, strict=True))
        low, high = (middle, high) if mean < MATCHES else (low, middle)
    return found


def _scenario(number: int, pair: str, form: Form) -> Scenario:
    name, _, metric = pair.partition("/")
    domain = DOMAIN[TYPES[name].owner]
    match = {"type": name} if form["detect"].get("inputs") else {"type": name, "metric": metric}
    return of(
        {
            "id": f"{domain}.bench.{name}_{number:03d}", "version": 1, "name": {"zh": name, "en": pair},
            "domain": domain, "event_code": f"{domain}.{name}", "source": "iot", "match": match, **form,
        },
        "bench",
    )  # fmt: skip
