"""Stories of lifts, food, pipes and crowds."""

from __future__ import annotations

import math

import numpy as np

from brain.drill.stories.streets import Gathering
from brain.drill.stories.world import AFTERMATH, Happening, Mark, Story, World, truth_of

LIFT = ("{p}电梯困人，里面有老人和小孩", "{p}有人被困在电梯里，按铃没人应")
FOOD = ("在{p}的餐馆吃饭后一家人拉肚子呕吐，怀疑食物中毒", "{p}食堂吃完饭肚子疼，同事也一样，可能食物中毒",
        "{p}饭店食品安全有问题，吃完上吐下泻")  # fmt: skip
BURST = ("{p}路面水管爆管，水喷得很高，家里停水", "{p}整栋楼停水，门口爆管了")
WEIGHT = ("{p}市场海鲜档缺斤短两", "{p}菜摊短斤少两，两斤只有一斤六")
CROWD = ("{p}人太多挤不动，担心踩踏", "{p}看表演的人挤满了路口")


def lift(world: World, draw: np.random.Generator, h: Happening) -> None:
    """A lift stands between two floors with people in it until somebody opens it."""
    d = world.district
    a = world.asset(draw, "elevator")
    truth = truth_of(h, "market.elevator", float(d.lon[a]), float(d.lat[a]), life=True)
    minutes = int(draw.integers(18, 55))
    t = np.arange(minutes, dtype=np.float64)
    world.affect(h, a, "stopped_s", h.start, 60 * t + draw.uniform(5, 55), truth.id, put=True)
    world.affect(h, a, "people_inside", h.start, np.full(minutes, float(draw.integers(1, 9))), put=True)
    if draw.random() < 0.7:
        world.call(h, draw, truth, h.start + draw.uniform(4, 10), LIFT)


def cold_chain(world: World, draw: np.random.Generator, h: Happening) -> None:
    """A cold store fails and warms towards its room by Newton's law; the compressor later pulls it down again."""
    d = world.district
    a = world.asset(draw, "cold_chain")
    truth = truth_of(h, "market.food", float(d.lon[a]), float(d.lat[a]))
    minutes, tau = int(draw.integers(240, 540)), float(draw.uniform(100, 320))
    t = np.arange(minutes + 90, dtype=np.float64)
    warm = 22 * (1 - np.exp(-np.minimum(t, minutes) / tau)) * np.exp(-np.maximum(t - minutes, 0) / 25)
    world.affect(h, a, "cold_temperature", h.start, warm, truth.id)


def food_poisoning(world: World, draw: np.random.Generator, h: Happening) -> None:
    """Guests of one kitchen ring within the hour, hours after their meal."""
    site = world.site(draw, "hotel", "mall", "school", "market")
    truth = truth_of(h, "market.food", site.lon, site.lat)
    at = float(h.start)
    for _ in range(int(draw.integers(5, 11))):
        at += 0.5 + draw.exponential(3.5)
        world.call(h, draw, truth, at, FOOD)


def crowd(world: World, draw: np.random.Generator, h: Happening) -> None:
    """A display draws people: cameras near it fill one after the other, and empty faster than they filled."""
    d = world.district
    middle = world.asset(draw, "camera")
    truth = truth_of(h, "emergency.crowd", float(d.lon[middle]), float(d.lat[middle]), reach_m=600.0)
    minutes = int(draw.integers(100, 200))
    t = np.arange(minutes, dtype=np.float64)
    shape = np.clip(t / (0.45 * minutes), 0, 1) ** 1.5 * np.clip((minutes - t) / 18, 0, 1)
    for metres, a in d.near("camera", truth.lon, truth.lat, 800.0)[:6]:
        most = draw.uniform(70, 140) * math.exp(-metres / 700)
        start = h.start + round(metres / 40)
        h.gatherings.append(Gathering(a, start, most * shape))
        h.marks.append(Mark(a, start, start + minutes + AFTERMATH, truth.id))
    for _ in range(int(draw.integers(0, 3))):
        world.call(h, draw, truth, h.start + 0.4 * minutes + draw.uniform(0, 20), CROWD)


def burst(world: World, draw: np.random.Generator, h: Happening) -> None:
    """A main bursts: pressure falls all around it, most where it is near, and people ring."""
    d = world.district
    a = world.asset(draw, "pipe_pressure")
    truth = truth_of(h, "public.water", float(d.lon[a]), float(d.lat[a]))
    minutes = int(draw.integers(90, 240))
    t = np.arange(minutes, dtype=np.float64)
    shape = np.minimum(t / 2 + 0.5, 1.0) * np.clip((minutes - t) / 10, 0, 1)
    for metres, near in d.near("pipe_pressure", truth.lon, truth.lat, 1_200.0)[:5]:
        world.affect(h, near, "pipe_pressure", h.start, -0.28 * math.exp(-metres / 500) * shape, truth.id)
    for k in range(int(draw.integers(2, 7))):
        world.call(h, draw, truth, h.start + 3 + draw.uniform(0.5, 1.5) * k, BURST)


def short_weight(world: World, draw: np.random.Generator, h: Happening) -> None:
    """One buyer complains of a market's scales."""
    site = world.site(draw, "market")
    truth = truth_of(h, "market.trade", site.lon, site.lat)
    world.call(h, draw, truth, h.start + 1.0, WEIGHT)


STORIES = (
    Story("elevator", "电梯困人", "People trapped in a lift", "停在两层之间，有人在内",
          "It stands between floors, people inside",
          120, (6, 24), 9, lift),
    Story("cold-chain", "冷链断裂", "Cold chain breaks", "冷库按牛顿定律升温", "A cold store warms by Newton's law",
          800, (0, 24), 8, cold_chain),
    Story("food-poisoning", "食物中毒", "Food poisoning", "食客一小时内陆续投诉",
        "Guests of one kitchen ring within the hour",
          120, (11, 22), 6, food_poisoning),
    Story("air-show", "航展人群", "Air-show crowd", "人群向观看点聚集",
        "Cameras near a display fill one after the other",
          320, (9, 17), 5, crowd),
    Story("burst-main", "供水爆管", "Burst water main", "周边水压下降，群众报修",
          "Pressure falls around it, and people ring",
          360, (5, 23), 5, burst),
    Story("short-weight", "缺斤短两", "Short weight", "群众投诉", "A buyer complains", 40, (7, 19), 3, short_weight),
)  # fmt: skip
