"""People in a lift that does not move: sensor, camera and call, each alone enough, two of them level 4.

A sensor without a count of people says nothing alone, and one whose seconds jump further than the clock went is not
believed before its next report. Does not know floors: a floor comes from a call's text or facts. A call near several
lifts is about the one that has stopped, else the nearest.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
import numpy as np

from brain.agent_kit import Minute, Said, World
from streams.records import Signal

FLOOR = re.compile(r"(\d{1,3})\s*(?:楼|层|(?:st|nd|rd|th)?\s*floor)", re.IGNORECASE)
MOST = 500
"""Lifts and places under way, at most; a further call or camera then waits until one is over."""
SLACK_S, HELD_MS = 30, 900_000
"""Seconds that a stop may grow beyond the clock, and how long a report is one that the next can confirm."""


class Case(msgspec.Struct):
    """One entrapment. ``since``: ms UTC; ``heard``: source → ms UTC it was last heard; ``calm``: minutes in a row that
    the sensor said it is over; ``floor`` empty: unknown."""

    since: int
    heard: dict[str, int] = {}
    calm: int = 0
    floor: str = ""
    people: float = -1.0
    lon: float | None = None
    lat: float | None = None


class State(msgspec.Struct):
    """Entrapments under way, by lift or place; and what lifts that stand with people last said: ms UTC, seconds."""

    cases: dict[str, Case] = {}
    stands: dict[str, tuple[int, float]] = {}


def features(minute: Minute, world: World) -> dict[str, tuple[float, float]]:
    """Lifts that reported: seconds stopped, and people inside (NaN unknown)."""
    lifts = minute.assets["elevator"]
    stopped, people = lifts.values["stopped_s"], lifts.values["people_inside"]
    there = np.flatnonzero((lifts.t > 0) & np.isfinite(stopped))
    return {lifts.ids[k]: (float(stopped[k]), float(people[k])) for k in there.tolist()}


def decide(minute: Minute, features: dict[str, tuple[float, float]], state: State, world: World) -> list[Said]:
    """Each entrapment that goes on or ends."""
    p, said = world.params, []
    for signal in minute.signals:
        _hear(signal, minute, features, state, world)
    for lift in [lift for lift, (t, _) in state.stands.items() if t <= minute.t - HELD_MS]:
        del state.stands[lift]
    for lift, (stopped, people) in features.items():
        trapped = _trapped(lift, stopped, people, minute.t, state, p)
        if not trapped and lift not in state.cases:
            continue
        if lift not in state.cases and len(state.cases) >= MOST:
            said.append(Said(lift, 3, value=people, facts={"sources": "sensor"}))
            continue
        since = int(minute.t - min(stopped, 86_400) * 1000) if trapped else minute.t
        case = state.cases.setdefault(lift, Case(since))
        case.people = people if np.isfinite(people) else case.people
        if trapped:
            case.since, case.calm = min(case.since, since), 0
            case.heard["sensor"] = minute.t
        elif stopped < p["moving_s"] or (people < 1 and list(case.heard) == ["sensor"]):  # no count ends a call
            case.calm += 1
    for who, case in sorted(state.cases.items()):
        spoke = {s: t for s, t in case.heard.items() if s == "sensor" or t > minute.t - p["hold_min"] * 60_000}
        case.heard = spoke
        if case.calm >= p["calm_min"] or not spoke:
            del state.cases[who]
            said.append(Said(who, 0, lon=case.lon, lat=case.lat))
            continue
        said.append(_says(who, case, minute.t, p["long_min"]))
    return said


def _trapped(lift: str, stopped: float, people: float, t: int, state: State, p: Any) -> bool:
    """Whether a report says so and can be believed: it stood before, and for no longer than the clock allows."""
    before = state.stands.pop(lift, None)
    if not people >= 1 or stopped < p["moving_s"]:
        return False
    room = lift in state.cases or len(state.stands) < MOST
    if room:
        state.stands[lift] = (t, stopped)
    if stopped < p["stopped_s"]:
        return False
    if not room or lift in state.cases:
        return True
    return before is not None and stopped - before[1] <= (t - before[0]) / 1000 + SLACK_S


def _says(who: str, case: Case, t: int, long_min: float) -> Said:
    minutes = (t - case.since) // 60_000
    facts: dict[str, float | str] = {"sources": ",".join(sorted(case.heard)), "minutes_trapped": float(minutes)}
    if case.floor:
        facts["floor"] = case.floor
    level = 4 if len(case.heard) > 1 or minutes >= long_min else 3
    value = case.people if case.people >= 0 else None
    return Said(who, level, value=value, score=round(1 - 0.3 ** len(case.heard), 3), onset=case.since, facts=facts,
                lon=case.lon, lat=case.lat)  # fmt: skip


def _hear(signal: Signal, minute: Minute, features: dict[str, tuple[float, float]], state: State, world: World) -> None:
    source = signal.scenario.rpartition(".")[2]
    lon, lat = (float("nan") if side is None else float(side) for side in (signal.lon, signal.lat))
    who = _lift(signal, lon, lat, minute, features, world) or f"{source}:{signal.asset}"[:200]
    if signal.kind == "clear":
        case = state.cases.get(who)
        if case is not None:
            case.heard.pop(source, None)
        return
    if who not in state.cases:
        if len(state.cases) >= MOST:
            return
        place = (lon, lat) if np.isfinite(lon) and np.isfinite(lat) and ":" in who else (None, None)
        state.cases[who] = Case(minute.t, lon=place[0], lat=place[1])
    case = state.cases[who]
    case.heard[source], case.calm = minute.t, 0
    floor = FLOOR.search(signal.text or "")
    case.floor = str(signal.facts.get("floor", floor.group(1) if floor else case.floor))[:20]


def _lift(
    signal: Signal, lon: float, lat: float, minute: Minute, features: dict[str, tuple[float, float]], world: World
) -> str:
    """The lift that a signal is about: named, else the nearest, one that has stopped first; empty: none."""
    lifts = minute.assets["elevator"]
    if signal.asset in lifts.ids:
        return signal.asset
    named = [id for id in lifts.ids if re.search(rf"(?<![\w-]){re.escape(id)}(?![\w-])", signal.text or "")]
    if named:
        return max(named, key=len)
    x, y = world.metres.of(np.append(lifts.lon, lon), np.append(lifts.lat, lat))
    away = np.hypot(x[:-1] - x[-1], y[:-1] - y[-1])
    near = np.flatnonzero(away <= world.params["near_m"]).tolist()

    def order(k: int) -> tuple[bool, float, str]:
        return features.get(lifts.ids[k], (0.0, 0.0))[0] < world.params["stopped_s"], float(away[k]), lifts.ids[k]

    return lifts.ids[min(near, key=order)] if near else ""
