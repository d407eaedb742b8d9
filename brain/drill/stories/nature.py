"""Stories of weather, water, air and ground: they spread over the district as water, wind and soil let them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from brain.drill.stories.weather import shower, sums
from brain.drill.stories.world import AFTERMATH, WHOLE_M, Happening, Mark, Story, World, truth_of

F8 = NDArray[np.float64]
SLIDE = ("{p}后山山体滑坡，泥石挡住了路", "{p}路边边坡塌方，石头滚到路上")
FLOODED = ("{p}积水到膝盖了，车开不过去", "{p}地下车库进水，内涝严重")
SEWAGE = ("{p}河水发黑发臭，有人偷排污水", "{p}河里有死鱼，水面有泡沫")
SMOKE = ("{p}有人烧秸秆，烟味很大", "{p}空气里全是焦糊味")
RIVER_M_S = 0.6
WEATHER = (("emergency.rain", ("rain",)), ("emergency.weather", ("wind",)))


def typhoon(world: World, draw: np.random.Generator, h: Happening) -> None:
    """Bands of rain and a rising gale over the whole district; rivers rise, the sea holds them up, low spots flood."""
    w, d = world.weather, world.district
    hours = int(draw.integers(14, 20))
    n = min(hours * 60, world.minutes - h.start)
    t = np.arange(n, dtype=np.float64)
    shape = np.sin(np.clip((t + 0.5) / (hours * 60), 0, 1) * math.pi)
    w.wind[h.start : h.start + n] += draw.uniform(24, 34) * shape**1.3
    w.wind_from[h.start : h.start + n] = (30 + 150 * t / (hours * 60)) % 360
    w.pressure[h.start : h.start + n] -= draw.uniform(25, 45) * shape**2
    w.surge[h.start : h.start + n] += draw.uniform(0.8, 1.6) * shape**2
    for k in range(hours // 2):
        shower(
            w.rain,
            h.start + 120 * k + int(draw.integers(0, 60)),
            80,
            draw.uniform(38, 70) * float(shape[min(120 * k + 60, n - 1)]),
        )
    middle = d.of("rain")[len(d.of("rain")) // 2]
    lon, lat = float(d.lon[middle]), float(d.lat[middle])
    for family, types in WEATHER:
        truth = truth_of(h, family, lon, lat, reach_m=WHOLE_M)
        _all_over(world, h, types, n, truth.id)
    rivers = truth_of(h, "emergency.flood", lon, lat, reach_m=WHOLE_M)
    _all_over(world, h, ("water_level", "ponding"), n + 600, rivers.id)
    for _ in range(int(draw.integers(2, 5))):
        _low_spot(world, draw, h, h.start + int(draw.uniform(0.3, 0.6) * n), draw.uniform(35, 70))


def _all_over(world: World, h: Happening, types: tuple[str, ...], minutes: int, truth: str) -> None:
    for kind in types:
        h.marks += [Mark(a, h.start, h.start + minutes + AFTERMATH, truth) for a in world.district.of(kind)]


def downpour(world: World, draw: np.random.Generator, h: Happening) -> None:
    """A cell of rain stands over a part of the district: gauges under it fill, and low spots there flood."""
    d = world.district
    centre = world.asset(draw, "rain")
    mm, minutes = draw.uniform(70, 120), float(draw.uniform(60, 110))
    truth = truth_of(h, "emergency.rain", float(d.lon[centre]), float(d.lat[centre]), reach_m=4_000.0)
    rain = np.zeros(720)
    shower(rain, 0, minutes, mm)
    fallen = sums(rain)
    for metres, a in d.near("rain", truth.lon, truth.lat, 5_000.0):
        share = math.exp(-((metres / 3_000) ** 2))
        for hours, over in fallen.items():
            world.affect(h, a, f"mm_{hours}h", h.start, share * over, truth.id)
    for k in range(int(draw.integers(1, 3))):
        _low_spot(world, draw, h, h.start + round(0.5 * minutes) + 10 * k, draw.uniform(32, 60), truth.lon, truth.lat)


def _low_spot(
    world: World, draw: np.random.Generator, h: Happening, start: int, cm: float, lon: float | None = None,
    lat: float | None = None,
) -> None:  # fmt: skip
    """A dry street fills faster than it drains, and is dry again some hours later; some who stand in it ring."""
    d = world.district
    flooded = {e.line for e in h.effects}
    dry = [a for a in d.of("ponding") if d.line_of[a, "ponding"] not in flooded]
    if lon is not None and lat is not None:
        near = [a for _, a in d.near("ponding", lon, lat, 4_000.0) if a in dry]
        dry = near[:6] or dry
    a = dry[int(draw.integers(0, len(dry)))]
    truth = truth_of(h, "emergency.flood", float(d.lon[a]), float(d.lat[a]), start=start)
    t = np.arange(300, dtype=np.float64)
    depth = cm * (1 - np.exp(-t / 8)) * np.exp(-np.maximum(t - 60, 0) / 70)
    h.marks = [m for m in h.marks if m.asset != a]
    world.affect(h, a, "ponding", start, depth, truth.id)
    for k in range(int(draw.integers(0, 4))):
        world.call(h, draw, truth, start + draw.uniform(10, 30) + 2 * k, FLOODED)


def discharge(world: World, draw: np.random.Generator, h: Happening) -> None:
    """Waste water let into a river at night: a cloud that travels with the water, widens and thins on its way."""
    d = world.district
    able = [a for a in d.of("water_quality") if len(d.below(a)) >= 2]
    first = able[int(draw.integers(0, len(able)))]
    hours, strength = float(draw.uniform(2.5, 6)), float(draw.uniform(0.7, 1.5))
    stations = [(0.0, first), *[(m, a) for m, a in d.below(first) if m < 6_000]]
    truth = truth_of(h, "eco.water", float(d.lon[first]), float(d.lat[first]), reach_m=stations[-1][0])
    for metres, a in stations:
        late, share = metres / RIVER_M_S / 60, strength * math.exp(-metres / 6_000)
        width = 12 + 2.5 * math.sqrt(late)
        n = int(hours * 60 + 8 * width)
        t = np.arange(n, dtype=np.float64)
        cloud = share * (_step(t - 3 * width, width) - _step(t - 3 * width - hours * 60, width))
        start = h.start + round(max(0.0, late - 3 * width))
        for metric, much in (("nh3n", 4.5), ("codmn", 11), ("tp", 0.45), ("conductivity", 900), ("do", -3.6)):
            world.affect(h, a, metric, start, much * cloud, truth.id if metric == "nh3n" else "")
    for _ in range(int(draw.integers(0, 3))):
        world.call(h, draw, truth, h.start + 60 + draw.uniform(0, 120), SEWAGE)


def _step(t: F8, width: float) -> F8:
    """A front that has spread: 0 before it, 1 after it."""
    out: F8 = 1 / (1 + np.exp(-np.clip(t / (0.4 * width), -50, 50)))
    return out


def burning(world: World, draw: np.random.Generator, h: Happening) -> None:
    """Fields burn: fine particles drift over the stations around for hours."""
    d = world.district
    a = world.asset(draw, "air")
    truth = truth_of(h, "eco.air", float(d.lon[a]), float(d.lat[a]), reach_m=2_000.0)
    t = np.arange(480, dtype=np.float64)
    cloud = draw.uniform(260, 420) * np.clip(t / 60, 0, 1) * np.clip((480 - t) / 120, 0, 1)
    for metres, near in d.near("air", truth.lon, truth.lat, 2_500.0)[:4]:
        share = math.exp(-metres / 2_000)
        world.affect(h, near, "pm25", h.start, share * cloud, truth.id)
        world.affect(h, near, "pm10", h.start, 1.3 * share * cloud)
        world.affect(h, near, "co", h.start, 3.0 * share * cloud)
    world.call(h, draw, truth, h.start + draw.uniform(40, 120), SMOKE)


def landslide(world: World, draw: np.random.Generator, h: Happening) -> None:
    """A slope creeps ever faster until it fails (velocity inverse to the time that is left, Fukuzono 1985)."""
    d = world.district
    a = world.asset(draw, "slope")
    truth = truth_of(h, "emergency.slope", float(d.lon[a]), float(d.lat[a]))
    fails = int(draw.integers(180, 480))
    t = np.arange(fails + 300, dtype=np.float64)
    creep = draw.uniform(9, 14) * np.log(fails / np.maximum(fails - t, 1.0))
    moved = np.where(t < fails, creep, creep.max() + draw.uniform(150, 700))
    for metres, near in d.near("slope", truth.lon, truth.lat, 150.0)[:3]:
        share = math.exp(-metres / 60)
        world.affect(h, near, "displacement", h.start, share * moved, truth.id)
        world.affect(h, near, "tilt", h.start, share * moved / 60)
    for k in range(int(draw.integers(1, 4))):
        world.call(h, draw, truth, h.start + fails + draw.uniform(2, 9) + 2 * k, SLIDE)


STORIES = (
    Story("typhoon", "台风与洪涝", "Typhoon and flood", "风雨潮同至，河水上涨，低处积水",
          "Gale, rain and surge; rivers rise, low spots flood",
          2_200, (0, 24), 1.5, typhoon),
    Story("downpour", "短时暴雨内涝", "Downpour", "雨团停留，低洼处积水", "A cell of rain stands; low spots flood",
          760, (10, 20), 4, downpour),
    Story("discharge", "偷排污水", "Illegal discharge along a river", "污水团顺流而下，逐站稀释",
        "A cloud travels down the river and thins",
          1_300, (0, 24), 6, discharge),
    Story("burning", "露天焚烧", "Fields burn", "细颗粒物随风飘散", "Fine particles drift for hours", 620, (8, 18), 3,
        burning),
    Story("landslide", "道路边坡滑坡", "Landslide on a road", "位移加速直至失稳",
        "A slope creeps faster until it fails",
          900, (0, 24), 5, landslide),
)  # fmt: skip
