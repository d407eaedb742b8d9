"""Callers come as signals of the hotline's scenarios, sensors as readings; each alone says less, sensors alone nothing.

A signal's value is the calls of its grid so far, as far as its scenario's ladder asks: callers are a least number, and
those of a scenario that does not count (``count_over``) are one a grid.
Calls that have neither place nor grid cannot be put together and are left out.
"""

from __future__ import annotations

from math import hypot
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from brain.agent_kit import Minute, Said, World

F8 = NDArray[np.float64]
MINUTE_MS = 60_000
USUAL_MIN, WARM = 6 * 60.0, 8
"""Time constant of a sensor's usual value and deviation, minutes, and readings before it has them."""
SENSORS, MATTERS, CALLS = 2_000, 40, 24
"""Sensors that are known (the first by type, metric and id), matters at once, and grids of one matter (the newest)."""


class Kind(NamedTuple):
    """What a class of complaint listens to: scenarios, and (type, metric, least step, side) of sensors."""

    event: str
    scenarios: tuple[str, ...]
    sensors: tuple[tuple[str, str, float, int], ...]


KINDS = (
    Kind(
        "odour", ("eco.air.odour_calls", "emergency.hazmat.odour_many"),
        (("voc", "voc", 0.5, 1), ("toxic_gas", "h2s", 1.0, 1), ("toxic_gas", "nh3", 2.0, 1), ("sewer", "h2s", 1.0, 1)),
    ),
    Kind("noise", ("eco.noise.many_complaints",), (("noise", "noise", 6.0, 1),)),
    Kind(
        "water_colour", ("public.water.colour_calls",),
        (("water_quality", "turbidity", 15.0, 1), ("pipe_pressure", "pipe_pressure", 0.05, -1)),
    ),
    Kind("no_water", ("public.water.no_water_calls",), (("pipe_pressure", "pipe_pressure", 0.05, -1),)),
)  # fmt: skip
"""Least steps are in the sensor's own unit, the same wherever a metric of a type stands: a sample, above what such an
instrument does by itself."""
WANTED = sorted({sensor for kind in KINDS for sensor in kind.sensors}, key=lambda s: (s[0], s[1], s[2]))
"""All of them once, in the order in which sensors are known."""


class Sensor(msgspec.Struct, array_like=True):
    """Usual value and deviation of one metric of a sensor, readings so far, and when it last was heard and off, ms."""

    usual: float
    off: float = 0.0
    n: int = 0
    t: int = 0
    moved: int = 0
    since: int = 0


class Call(msgspec.Struct, array_like=True):
    """What the hotline said of one grid: metres on the plane, ms UTC of the newest, and callers."""

    x: float
    y: float
    t: int
    callers: float


class Matter(msgspec.Struct, array_like=True):
    """Calls of one class that belong together, by their grid. ``since``: it stands, or 0; ``first`` call."""

    event: str
    calls: dict[str, Call]
    since: int = 0
    first: int = 0


class State(msgspec.Struct):
    """Sensors by ``id/metric``; matters by name, which is that of the grid that began it."""

    sensors: dict[str, Sensor] = {}
    matters: dict[str, Matter] = {}


def prepare(world: World) -> dict[str, tuple[float, float]]:
    """Middles of the grids on the plane, for calls that have no place of their own."""
    grid = world.layers["grid"]
    middles = [shape.centroid for shape in grid.shapes]
    x, y = world.metres.of(np.array([m.x for m in middles], float), np.array([m.y for m in middles], float))
    return dict(zip(grid.codes, zip(x.tolist(), y.tolist(), strict=True), strict=True))


class Heard(NamedTuple):
    """Who reported one metric in the minute: their places in the minute's columns, values, and times in ms UTC."""

    at: list[int]
    value: list[float]
    t: list[int]


def features(minute: Minute, world: World) -> list[Heard]:
    """What was heard, in the order of :data:`WANTED`."""
    out = []
    for type_, metric, _, _ in WANTED:
        assets = minute.assets[type_]
        at = np.flatnonzero((assets.t != 0) & np.isfinite(assets.values[metric]))
        out.append(Heard(at.tolist(), assets.values[metric][at].tolist(), assets.t[at].tolist()))
    return out


def decide(minute: Minute, features: list[Heard], state: State, world: World) -> list[Said]:
    """Take readings and calls, then say of each matter what is known now."""
    p = world.params
    for matter in state.matters.values():
        for case in [c for c, call in matter.calls.items() if call.t <= minute.t - p["within_min"] * MINUTE_MS]:
            del matter.calls[case]
    _read(minute, features, state, p)
    _listen(minute, state, world)
    said = []
    for name in sorted(state.matters):
        matter = state.matters[name]
        callers = sum(call.callers for call in matter.calls.values())
        if callers >= p["callers"] or (matter.since and matter.calls):
            matter.since = matter.since or minute.t
            said.append(_say(minute, name, matter, callers, state, world))
        elif not matter.calls:
            del state.matters[name]
            if matter.since:
                said.append(Said(name, 0, event=matter.event))
    return said


def _read(minute: Minute, heard: list[Heard], state: State, p: Any) -> None:
    """A sensor moved where it is off its usual by many deviations and the least step; it does not learn then."""
    sensors, known, times = state.sensors, set[str](), p["times"]
    for (type_, metric, step, side), said in zip(WANTED, heard, strict=True):
        keys = [f"{id}/{metric}" for id in minute.assets[type_].ids[: SENSORS - len(known)]]
        known.update(keys)
        new = list[tuple[Sensor, float, int]]()
        for k, v, t in zip(*said, strict=True):
            if k >= len(keys):
                break
            s = sensors.get(keys[k])
            if s is None:
                s = sensors[keys[k]] = Sensor(v)
            if s.t < t:
                new.append((s, v, t))
        apart = np.array([min((t - s.t) / MINUTE_MS, 60.0) if s.t else 0.0 for s, _, t in new])
        for (s, v, t), share in zip(new, (1 - np.exp(-apart / USUAL_MIN)).tolist(), strict=True):
            _learn(s, v, t, max(times * s.off, step), side, share)
    for key in [key for key in sensors if key not in known]:
        del sensors[key]


def _learn(s: Sensor, v: float, t: int, least: float, side: int, share: float) -> None:
    """``share``: what the usual makes up by its time constant."""
    s.t = t
    away = v - s.usual
    if s.n >= WARM and side * away >= least:
        s.since = t if not s.since else s.since
        s.moved = t
        if t - s.since < USUAL_MIN * MINUTE_MS:
            return  # after so long it is the new usual
    else:
        s.since = 0
    part = max(1 / (s.n + 1), share) if s.n < WARM else share
    s.usual += part * away
    s.off += part * (1.25 * abs(away) - s.off)  # of a normal the deviation is 1.25 of the mean absolute one
    if s.n < WARM:
        s.n += 1


def _listen(minute: Minute, state: State, world: World) -> None:
    """Each case goes to the nearest matter of its class, or begins one; what is told again only grows."""
    p, events = world.params, {scenario: kind.event for kind in KINDS for scenario in kind.scenarios}
    middles = {name: _middle(matter) for name, matter in state.matters.items() if matter.calls}
    for signal in sorted(minute.signals, key=lambda s: (s.t, s.scenario, s.asset, s.origin, s.n)):
        if signal.kind == "clear" or signal.scenario not in events:
            continue
        place = _place(signal, world)
        if place is None:
            continue
        event, (x, y) = events[signal.scenario], place
        # Raised anew, or by another scenario of the class, it may count the same calls: the larger number stands.
        case = signal.asset.rpartition("/")[0] or signal.asset
        callers = max(signal.value or 1.0, 1.0)
        near = [
            (away, name) for name, (mx, my) in middles.items() if state.matters[name].event == event
            and (away := 0.0 if case in state.matters[name].calls else hypot(mx - x, my - y)) <= p["neighbourhood_m"]
        ]  # fmt: skip
        if not near and len(state.matters) >= MATTERS:
            continue
        name = min(near)[1] if near else f"{event}@{case}"
        matter = state.matters.setdefault(name, Matter(event, {}))
        matter.first = matter.first if matter.calls else signal.t
        call = matter.calls.setdefault(case, Call(x, y, signal.t, callers))
        call.t, call.callers = max(call.t, signal.t), max(call.callers, callers)
        while len(matter.calls) > CALLS:
            del matter.calls[min(matter.calls, key=lambda c: (matter.calls[c].t, c))]
        middles[name] = _middle(matter)


def _place(signal: Any, world: World) -> tuple[float, float] | None:
    if signal.lon is None or signal.lat is None:
        middle: tuple[float, float] | None = world.ready.get(signal.grid)
        return middle
    x, y = world.metres.of(np.array([signal.lon]), np.array([signal.lat]))
    return (float(x[0]), float(y[0])) if np.isfinite(x[0]) and np.isfinite(y[0]) else None


def _middle(matter: Matter) -> tuple[float, float]:
    calls = [matter.calls[case] for case in sorted(matter.calls)]
    every = sum(call.callers for call in calls)
    return sum(c.x * c.callers for c in calls) / every, sum(c.y * c.callers for c in calls) / every


def _say(minute: Minute, name: str, matter: Matter, callers: float, state: State, world: World) -> Said:
    p = world.params
    x, y = _middle(matter)
    kind = next(kind for kind in KINDS if kind.event == matter.event)
    since, heard = matter.first - p["before_min"] * MINUTE_MS, minute.t - 2 * p["within_min"] * MINUTE_MS
    near, awake, moved = set(), set(), dict[str, float]()
    for type_, metric, _, _ in kind.sensors:
        sx, sy = world.metres.of(minute.assets[type_].lon, minute.assets[type_].lat)
        away = np.hypot(sx - x, sy - y)
        for k in np.flatnonzero(away <= p["reach_m"]).tolist():
            id = minute.assets[type_].ids[k]
            near.add(id)
            sensor = state.sensors.get(f"{id}/{metric}")
            if sensor is not None and sensor.t > heard and sensor.n >= WARM:
                awake.add(id)
                if sensor.moved >= since and sensor.moved:
                    moved[id] = float(away[k])
    facts: dict[str, float | str] = {
        "callers": float(callers), "sensors": float(len(moved)), "sensors_near": float(len(awake)),
        "agreement": "sensors agree" if moved else "no sensor moved" if awake else
                     "sensors are silent" if near else "no sensor near",
    }  # fmt: skip
    if moved:
        first = min(moved, key=lambda id: (moved[id], id))
        facts |= {"distance_m": float(round(moved[first], -1)), "sensor": first}
    level = 1 if not moved else 3 if callers >= p["many"] or len(moved) >= 3 else 2
    lon, lat = (float(side[0]) for side in world.metres.degrees(np.array([x]), np.array([y])))
    return Said(
        name, level, event=matter.event, value=float(callers), lon=lon, lat=lat, onset=matter.first, facts=facts
    )  # fmt: skip
