"""What only looks like a story: faults of sensors and ordinary doings, with no truth behind them."""

from __future__ import annotations

import numpy as np

from brain.drill.stories.days import Fault
from brain.drill.stories.streets import Gathering
from brain.drill.stories.world import Happening, Story, Tell, World


def _spike(kind: str, metric: str, low: float, high: float, readings: int = 1) -> Tell:
    """One absurd value, or a few."""

    def tell(world: World, draw: np.random.Generator, h: Happening) -> None:
        line = world.district.line_of[world.asset(draw, kind), metric]
        stop = h.start + readings * world.district.lines[line].every
        h.faults.append(Fault(line, "spike", h.start, stop, float(draw.uniform(low, high))))

    return tell


def _defrost(world: World, draw: np.random.Generator, h: Happening) -> None:
    """A cold store thaws its fins, as it does every night: warm air for a quarter of an hour."""
    t = np.arange(int(draw.integers(12, 24)), dtype=np.float64)
    values = draw.uniform(5, 9) * np.sin((t + 0.5) / len(t) * np.pi)
    world.affect(h, world.asset(draw, "cold_chain"), "cold_temperature", h.start, values)


def _short_stop(world: World, draw: np.random.Generator, h: Happening) -> None:
    """A lift is levelled by its technician: it stands for less than two minutes."""
    a = world.asset(draw, "elevator")
    world.affect(h, a, "stopped_s", h.start, np.array([draw.uniform(5, 50), draw.uniform(65, 110)]), put=True)


def _fouled(world: World, draw: np.random.Generator, h: Happening) -> None:
    """Weed on an oxygen probe: it alone falls, and nothing else in the water changes."""
    a = world.asset(draw, "water_quality")
    t = np.arange(int(draw.integers(300, 700)), dtype=np.float64)
    world.affect(h, a, "do", h.start, -draw.uniform(2.2, 3.6) * np.minimum(t / 200, 1))


def _bus(world: World, draw: np.random.Generator, h: Happening) -> None:
    """A coach empties in front of a camera: many in one picture, gone in the next."""
    h.gatherings.append(Gathering(world.asset(draw, "camera"), h.start, np.array([draw.uniform(40, 70)])))


def _drift(world: World, draw: np.random.Generator, h: Happening) -> None:
    """The probe of a gas detector ages: it rises over a day and is changed before it alarms."""
    line = world.district.line_of[world.asset(draw, "gas"), "gas"]
    h.faults.append(Fault(line, "drift", h.start, h.start + 1_200, float(draw.uniform(10, 18))))


def _of(name: str, zh: str, en: str, what_zh: str, what_en: str, weight: float, tell: Tell) -> Story:
    return Story(name, zh, en, what_zh, what_en, 60, (0, 24), weight, tell, decoy=True)


DECOYS = (
    _of("steam", "水汽触发烟感", "Steam at a smoke detector", "像火灾", "looks like a fire", 2, _spike("smoke",
        "smoke", 6, 12)),
    _of("vapour", "酒精蒸汽", "Alcohol vapour", "像燃气泄漏", "looks like a gas leak", 2, _spike("gas", "gas", 27, 40)),
    _of("ageing-probe", "探头老化", "Probe that ages", "像燃气缓慢泄漏", "looks like a slow gas leak", 4, _drift),
    _of("bump-test", "氯气报警器标定", "Bump test of a chlorine detector", "像氯气泄漏", "looks like a chlorine leak",
        6,
        _spike("chlorine", "chlorine", 2, 6)),
    _of("defrost", "冷库化霜", "Defrosting", "像冷链断裂", "looks like a broken cold chain", 16, _defrost),
    _of("short-stop", "电梯检修短停", "Lift levelled by hand", "像电梯困人", "looks like people trapped", 10,
        _short_stop),
    _of("fouled-probe", "溶解氧探头挂草", "Weed on an oxygen probe", "像偷排", "looks like a discharge", 3, _fouled),
    _of("coach", "大巴下客", "Coach that empties", "像人群聚集", "looks like a crowd", 7, _bus),
    _of("bird", "位移计被碰", "Bird on a slope gauge", "像滑坡", "looks like a slide", 6, _spike("slope",
        "displacement", 60, 300)),
    _of("boat", "船行波", "Wave of a boat", "像洪水", "looks like a flood", 7, _spike("water_level", "water_level",
        2.7, 3.6)),
    _of("sprinkler", "洒水车", "Sprinkler", "像内涝", "looks like waterlogging", 6, _spike("ponding", "ponding", 20,
        40)),
    _of("valve", "阀门操作", "Valve that is worked", "像爆管", "looks like a burst main", 6,
        _spike("pipe_pressure", "pipe_pressure", 0.05, 0.15, 2)),
    _of("gust", "风速计冲击", "Knocked anemometer", "像台风", "looks like a gale", 5, _spike("wind", "wind_speed", 20,
        45)),
)  # fmt: skip
