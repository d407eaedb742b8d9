"""Stories of fire, gas and poison: they grow by physics, and people ring when they see or smell it."""

from __future__ import annotations

import math

import numpy as np

from brain.drill.stories.world import Happening, Story, World, truth_of

FIRE = ("{p}有人家里着火了，浓烟很大，快来人", "{p}楼上起火，看到明火和浓烟", "{p}仓库失火，烟很大")
GAS = ("{p}楼道里有很浓的煤气味，怀疑燃气泄漏", "{p}闻到天然气味，不敢开灯")
CHLORINE = ("{p}附近有刺鼻的漂白粉气味，眼睛流泪", "{p}工厂那边飘来刺鼻气味，喘不上气")
WATER = ("{p}河边有人落水，快救人", "{p}河里有人溺水，正在呼救")


def fire(world: World, draw: np.random.Generator, h: Happening) -> None:
    """A fire grows with the square of time (NFPA's t² fire); smoke thins with distance from it."""
    d = world.district
    start = world.asset(draw, "smoke")
    truth = truth_of(h, "emergency.fire", float(d.lon[start]), float(d.lat[start]), life=True)
    minutes, grown = int(draw.integers(35, 90)), float(draw.uniform(6, 14))
    t = np.arange(minutes, dtype=np.float64)
    power = np.minimum((t / grown) ** 2, 1.0) * np.clip((minutes - t) / 15, 0, 1)
    for metres, a in d.near("smoke", truth.lon, truth.lat, 60.0)[:6]:
        late = round(metres / 12)
        world.affect(h, a, "smoke", h.start + late, 45 * math.exp(-metres / 25) * power, truth.id)
    for metres, a in d.near("heat", truth.lon, truth.lat, 40.0)[:3]:
        world.affect(h, a, "heat", h.start, 260 * math.exp(-metres / 10) * power, truth.id)
    for k in range(int(draw.integers(1, 5))):
        world.call(h, draw, truth, h.start + grown * draw.uniform(0.5, 1.2) + 1.5 * k, FIRE)


def fire_call(world: World, draw: np.random.Generator, h: Happening) -> None:
    """A fire where no detector hangs: people are all that tells of it."""
    doors = world.district.places.doors
    lon, lat, _ = doors[int(draw.integers(0, len(doors)))]
    truth = truth_of(h, "emergency.fire", lon, lat, life=True)
    for k in range(int(draw.integers(2, 6))):
        world.call(h, draw, truth, h.start + draw.uniform(2, 6) + 1.5 * k, FIRE)


def gas(world: World, draw: np.random.Generator, h: Happening) -> None:
    """A room fills: towards its balance exponentially, then it is aired."""
    d = world.district
    start = world.asset(draw, "gas")
    truth = truth_of(h, "emergency.gas", float(d.lon[start]), float(d.lat[start]), life=True)
    minutes, balance, tau = int(draw.integers(30, 80)), draw.uniform(35, 80), draw.uniform(6, 18)
    t = np.arange(minutes, dtype=np.float64)
    share = (1 - np.exp(-t / tau)) * np.clip((minutes - t) / 8, 0, 1)
    for metres, a in d.near("gas", truth.lon, truth.lat, 40.0)[:3]:
        world.affect(h, a, "gas", h.start, balance * math.exp(-metres / 12) * share, truth.id)
    for k in range(int(draw.integers(0, 4))):
        world.call(h, draw, truth, h.start + tau * draw.uniform(0.6, 1.5) + 2 * k, GAS)


def chlorine(world: World, draw: np.random.Generator, h: Happening) -> None:
    """A valve leaks beside its detector; further off the gas goes with the wind as a Gaussian plume over a town.

    Spread after Briggs for urban ground and neutral air: 0.16 x and 0.14 x, each over the root of 1 + 0.0004 x.
    """
    d, weather = world.district, world.weather
    beside = world.asset(draw, "chlorine")
    angle, away = draw.uniform(0, 2 * math.pi), draw.uniform(4, 15)
    lon, lat = world.offset(float(d.lon[beside]), float(d.lat[beside]), away * math.cos(angle), away * math.sin(angle))
    truth = truth_of(h, "emergency.hazmat", lon, lat)
    minutes, kg_s = int(draw.integers(25, 70)), float(draw.uniform(0.02, 0.12))
    speed = max(1.0, float(weather.wind[h.start]))
    towards = math.radians(float(weather.wind_from[h.start]) + 180)
    t = np.arange(minutes, dtype=np.float64)
    strength = np.minimum(t / 3, 1.0) * np.clip((minutes - t) / 10, 0, 1)
    x, y = d.xy
    sx, sy = (float(side[0]) for side in d.metres.of(np.array([lon]), np.array([lat])))
    for metres, a in d.near("chlorine", lon, lat, 1_500.0):
        east, north = float(x[a]) - sx, float(y[a]) - sy
        down = east * math.sin(towards) + north * math.cos(towards)
        across = east * math.cos(towards) - north * math.sin(towards)
        if metres <= 20:
            ppm = 60 * kg_s * draw.uniform(0.8, 1.6) / 0.05 / (1 + metres / 8)
        elif down > 0:
            wide, high = (k * down / math.sqrt(1 + 0.0004 * down) for k in (0.16, 0.14))
            gram = 1000 * kg_s / (math.pi * speed * wide * high) * math.exp(-((across / wide) ** 2) / 2)
            ppm = gram * 1000 / 2.95
        else:
            continue
        if ppm > 0.2:
            world.affect(h, a, "chlorine", h.start + round(metres / speed / 60), min(ppm, 19.0) * strength, truth.id)
    for k in range(int(draw.integers(0, 4))):
        world.call(h, draw, truth, h.start + draw.uniform(6, 15) + 2 * k, CHLORINE)


def drowning(world: World, draw: np.random.Generator, h: Happening) -> None:
    """Somebody fell into a river; only those who stand there tell of it."""
    d = world.district
    at = world.asset(draw, "water_level")
    truth = truth_of(h, "emergency.trapped", float(d.lon[at]), float(d.lat[at]), life=True)
    for k in range(int(draw.integers(1, 4))):
        world.call(h, draw, truth, h.start + draw.uniform(1, 3) + k, WATER)


STORIES = (
    Story("fire", "火灾", "Fire", "烟温随时间平方增长，群众报警", "Smoke and heat grow with the square of time; calls",
          150, (0, 24), 12, fire),
    Story("fire-call", "无探测器火灾", "Fire seen by people only", "只有群众报警", "No detector near: calls only",
          60, (6, 23), 5, fire_call),
    Story("gas", "燃气泄漏", "Gas leak", "室内浓度指数上升，有人闻到", "A room fills exponentially; some smell it",
          150, (5, 23), 9, gas),
    Story("chlorine", "氯气泄漏", "Chlorine leak", "氯气随风扩散", "Chlorine goes with the wind as a plume",
          150, (0, 24), 7, chlorine),
    Story("drowning", "落水", "Drowning", "河边群众报警", "Calls from a river bank", 60, (8, 22), 4, drowning),
)  # fmt: skip
