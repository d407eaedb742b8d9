"""Quiet weeks 平常的日子: what a city sends when nothing happens, by season, the same for a seed; all invented.

Readings follow the time of day and year with noise that lasts; cameras see some people and cars; a call comes now and
then about something ordinary. Nothing is broken and nothing is wrong, so whatever is raised is a false alarm.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import numpy as np

from brain.drill.city.terrain import stream
from geo.grid_map import GRID, GridMap
from streams.registry import Registry

SEASONS = {"spring": (4, 13), "summer": (7, 13), "autumn": (10, 19), "winter": (1, 12)}
"""Month and day on which each one's first week begins, in the city's time."""
CITY_MS, DAY_MS = 8 * 3_600_000, 86_400_000
FASTEST_S = 60.0
"""Assets that send more often are taken this often: a week stays small."""
CALL_S = 1200.0
"""One call in so many seconds, by day."""
Row = tuple[int, str, str, dict[str, Any]]
"""ms UTC, input topic, key, body."""


class Usual(NamedTuple):
    """What a metric does: its middle in the four seasons, how far the day swings it, noise and least value."""

    middle: tuple[float, float, float, float]
    swing: float
    noise: float
    least: float = 0.0
    peak_h: float = 14.0


USUAL = {
    "pm25": Usual((38, 18, 32, 46), 6, 5, 2), "pm10": Usual((62, 36, 55, 72), 9, 8, 5),
    "so2": Usual((8, 6, 7, 10), 1, 1, 1), "no2": Usual((32, 22, 30, 38), 7, 4, 2, 8),
    "co": Usual((700, 550, 650, 800), 90, 40, 100, 8), "o3": Usual((75, 95, 90, 55), 30, 8, 5),
    "noise": Usual((54, 55, 54, 53), 8, 2, 30), "voc": Usual((0.3, 0.4, 0.3, 0.3), 0.05, 0.04),
    "water_level": Usual((0.9, 1.2, 0.9, 0.7), 0.3, 0.03, -2, 10), "flow": Usual((30, 55, 30, 18), 3, 2),
    "reservoir_level": Usual((32, 35, 33, 31), 0.1, 0.02), "do": Usual((7.4, 6.6, 7.2, 8.4), 0.4, 0.15, 0, 15),
    "codmn": Usual((3.2, 3.6, 3.3, 3.0), 0.1, 0.2), "nh3n": Usual((0.35, 0.4, 0.35, 0.3), 0.02, 0.05),
    "tp": Usual((0.09, 0.11, 0.09, 0.08), 0.005, 0.01), "ph": Usual((7.3, 7.4, 7.3, 7.2), 0.1, 0.05),
    "ponding": Usual((0, 0, 0, 0), 0, 0.5), "flood_depth": Usual((0, 0, 0, 0), 0, 0.005),
    "gas": Usual((1.5, 1.5, 1.5, 1.5), 0.2, 0.3), "smoke": Usual((0.3, 0.3, 0.3, 0.4), 0.05, 0.08),
    "temperature": Usual((22, 29, 24, 15), 4, 0.6, -40), "humidity": Usual((80, 82, 72, 68), -8, 2),
    "wind_speed": Usual((2.5, 2.8, 3, 3.2), 0.8, 0.7), "pipe_pressure": Usual((0.35,) * 4, -0.02, 0.004, 0, 8),
    "stopped_s": Usual((0,) * 4, 0, 0), "people_inside": Usual((2,) * 4, 1.5, 1),
    "speed": Usual((38,) * 4, -6, 3, 5, 8), "vehicle_count": Usual((700,) * 4, 450, 60, 0, 13),
}  # fmt: skip
"""By metric. One that is not here stays a tenth of its range above the lowest, or in the middle of one about nought."""
RAIN = ("rain", "mm_1h", "mm_3h", "mm_6h")
WET, SHOWER_MM = (0.10, 0.16, 0.06, 0.04), 5.0
"""Share of hours with a shower in the four seasons, and what one brings at most in an hour."""
CALLS = (
    "公交车班次太少等了很久", "咨询居住证如何办理", "社保缴费记录查询", "小区电梯广告太多", "路灯不亮请维修",
    "建议增设停车位", "咨询医保异地就医备案", "楼上装修白天有点吵", "垃圾桶满了没人清", "共享单车乱停放",
    "申请加装电梯如何办理", "咨询入学政策", "树枝遮挡路牌请修剪", "人行道地砖松动", "咨询公积金提取",
    "快递柜占用通道", "感谢社区工作人员", "建议延长图书馆开放时间",
)  # fmt: skip
"""What people ask and ask for on an ordinary day."""


class Week(NamedTuple):
    """One week: season, number within it from 0, and when it begins, ms UTC."""

    season: str
    number: int
    begin: int


def weeks(year: int, number: int) -> list[Week]:
    """So many weeks in each of the four seasons of a year."""
    found = []
    for season, (month, day) in SEASONS.items():
        first = date(year, month, day)
        begin = round(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp() * 1000) - CITY_MS
        found += [Week(season, n, begin + 7 * n * DAY_MS) for n in range(number)]
    return found


def quiet(registry: Registry, city: GridMap, week: Week, seed: int, days: float = 7.0) -> list[Row]:
    """All that comes in a week, in order of time; ``days``: of it."""
    name = f"quiet.{week.season}.{week.number}"
    end = week.begin + round(days * DAY_MS)
    rain = _Rain(stream(seed, f"{name}.rain"), week, end)
    rows: list[Row] = []
    for a, asset in enumerate(registry.ids):
        draw = stream(seed, f"{name}.{asset}")
        step = max(float(registry.every_s[a]), FASTEST_S)
        first = week.begin + round(float(draw.uniform(0, min(step, 3600.0))) * 1000)
        times = np.arange(first, end, round(step * 1000))
        if registry.types[int(registry.asset_type[a])] == "camera":
            rows += _frames(draw, asset, times)
            continue
        for k in range(int(registry.first[a]), int(registry.first[a + 1])):
            metric = registry.metrics[int(registry.series_metric[k])]
            low, high = float(registry.lo[k]), float(registry.hi[k])
            values = rain.of(metric, times) if metric in RAIN else usual(draw, metric, times, week.season, low, high)
            taken = zip(times.tolist(), np.clip(values, low, high).round(4).tolist(), strict=True)
            rows += [(t, "iot.telemetry", asset, {"asset": asset, "metric": metric, "t": t, "v": v}) for t, v in taken]
    rows += _calls(stream(seed, f"{name}.calls"), city, week, end)
    return sorted(rows, key=lambda row: (row[0], row[1], row[2], row[3].get("metric", "")))


def usual(draw: np.random.Generator, metric: str, times: Any, season: str, low: float, high: float) -> Any:
    """Values of one metric of one asset at times (n,); (n,)."""
    shape = USUAL.get(metric)
    if shape is None:
        span = high - low if np.isfinite(high - low) else 10.0
        bottom = low if np.isfinite(low) else 0.0
        middle = 0.0 if low < 0 < high else bottom + span / 10
        shape = Usual((middle,) * 4, span / 200, span / 500, bottom)
    hour = (times + CITY_MS) % DAY_MS / 3_600_000
    day = shape.swing * np.cos((hour - shape.peak_h) / 24 * 2 * np.pi)
    own = shape.middle[list(SEASONS).index(season)] * float(draw.uniform(0.9, 1.1))
    return np.maximum(own + day + shape.noise * _lasting(draw, len(times)), shape.least)


def _lasting(draw: np.random.Generator, n: int, keep: float = 0.9) -> Any:
    """Noise of unit variance in which a value keeps most of the one before; far ends are cut at three."""
    steps = draw.standard_normal(n) * np.sqrt(1 - keep * keep)
    out, now = np.empty(n), float(draw.standard_normal())
    for k in range(n):
        now = keep * now + steps[k]
        out[k] = now
    return np.clip(out, -3, 3)


class _Rain:
    """The showers of a week, which all gauges share."""

    def __init__(self, draw: np.random.Generator, week: Week, end: int) -> None:
        hours = (end - week.begin) // 3_600_000 + 8
        wet = draw.random(hours) < WET[list(SEASONS).index(week.season)]
        self._mm = np.concatenate(([0.0], np.cumsum(np.where(wet, draw.random(hours) * SHOWER_MM, 0.0))))
        self._begin = week.begin - 7 * 3_600_000

    def of(self, metric: str, times: Any) -> Any:
        back = {"rain": 1 / 60, "mm_1h": 1, "mm_3h": 3, "mm_6h": 6}[metric]
        hour = (times - self._begin) / 3_600_000
        at = np.arange(len(self._mm))
        return np.interp(hour, at, self._mm) - np.interp(hour - back, at, self._mm)


def _frames(draw: np.random.Generator, camera: str, times: Any) -> Iterator[Row]:
    """Pictures with a few people and cars who are elsewhere in the next one."""
    number = 0
    for t in times.tolist():
        hour = (t + CITY_MS) % DAY_MS / 3_600_000
        busy = max(0.1, float(np.cos((hour - 14) / 24 * 2 * np.pi)) + 0.6)
        objects = []
        for kind, most in (("person", 4.0), ("car", 3.0)):
            for _ in range(int(min(draw.poisson(busy * most), 12))):
                x, y = float(draw.uniform(20, 600)), float(draw.uniform(200, 440))
                objects.append(f"{number}|{x:.1f}|{y:.1f}|{x + 20:.1f}|{y + 30:.1f}|{kind}")
                number += 1
        stamp = datetime.fromtimestamp(t / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        yield t, "video.metadata", camera, {
            "version": "4.0", "id": f"{t}", "@timestamp": stamp, "sensorId": camera, "objects": objects,
        }  # fmt: skip


def _calls(draw: np.random.Generator, city: GridMap, week: Week, end: int) -> Iterator[Row]:
    middles = [f.shape.representative_point() for f in city.map.features(GRID)]
    t, number = float(week.begin), 0
    while True:
        hour = (t + CITY_MS) % DAY_MS / 3_600_000
        t += float(draw.exponential(CALL_S * (1 if 8 <= hour < 21 else 5))) * 1000
        if t >= end:
            return
        here = middles[int(draw.integers(len(middles)))]
        name, number = f"quiet-{week.season}-{week.number}-{number}", number + 1
        yield round(t), "hotline.tickets", name, {
            "id": name, "t": round(t), "title": "", "text": CALLS[int(draw.integers(len(CALLS)))],
            "caller": f"caller-{int(draw.integers(10**6))}", "lon": round(here.x, 6), "lat": round(here.y, 6),
        }  # fmt: skip
