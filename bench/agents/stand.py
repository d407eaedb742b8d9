"""What the bench of agents runs on: readings in memory, sets that have one agent or one scenario, and a peer."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import shapely

from bench.engine.ours import INPUT
from bench.processes import below, cpu_s
from bench.scenarios import memory
from bench.scenarios.mix import SET
from bench.scenarios.readings import pulse
from bench.watch.workload import START_MS
from brain import standards
from brain.agent_kit import chosen, find, manifest
from brain.agent_kit.find import Installed
from brain.scenarios import read
from brain.sets import CitySet
from geo.grid_map import Grid, GridMap
from streams import pulse as pulses
from streams.memory import drive
from streams.partition import partitions_of
from streams.records import TP, Batch, Headers, Signal
from streams.registry import Registry

HERE = Path(__file__).parent
OVER, BACK, READINGS = 10.0, 8.0, 3
BAD, LASTS, FAR = 0.0013, 5, 12.0
"""Chance that a run of bad readings begins, how many there are, and their metres, as in the engine benchmark."""
SCENARIO = """
id: emergency.bench.scenario
version: 1
name: {zh: 场景, en: Over the bound}
domain: emergency
event_code: emergency.flood.level
source: iot
match: {type: water_level, metric: water_level}
detect: {above: 10}
for: {readings: 3}
clear: {below: 8}
level: 2
"""
Change = tuple[str, int, str]
"""Asset, ms UTC, kind of signal."""


@dataclass(frozen=True)
class Said:
    """What a run said, sorted, and its CPU-seconds: this process and all below it."""

    changes: list[Change]
    cpu_s: float


class Reading(msgspec.Struct):
    """A payload."""

    asset: str
    metric: str
    t: int
    v: float


@cache
def names(prefix: str, count: int) -> tuple[str, ...]:
    """So many assets of the first of four partitions, which is the lane's."""
    every = [f"{prefix}-{a:05}" for a in range(count * 2 * memory.PARTITIONS)]
    mine = np.flatnonzero(partitions_of([name.encode() for name in every], memory.PARTITIONS) == 0)
    return tuple(every[a] for a in mine[:count].tolist())


def levels(assets: int, seconds: int, seed: int) -> Iterator[list[bytes]]:
    """Water levels, second by second: every asset once, most of them 5 m or so."""
    draw = np.random.default_rng(seed)
    left = np.zeros(assets, np.int64)
    for second in range(seconds):
        left = np.where(left > 0, left - 1, np.where(draw.random(assets) < BAD, LASTS, 0))
        v = np.where(left > 0, FAR, np.round(draw.normal(5, 1.3, assets).clip(0, OVER), 3))
        t = START_MS + second * 1000
        yield [_payload(name, "water_level", t, x) for name, x in zip(names("wl", assets), v.tolist(), strict=True)]


def stores(assets: int, minutes: int, seed: int) -> Iterator[list[bytes]]:
    """Cold stores, vaccine fridges and kitchens, each once a minute; one of a hundred stores fails and grows warm."""
    draw = np.random.default_rng([seed, 2])
    who, kinds = names("c", assets), [_kind(a) for a in range(assets)]
    usual = np.array([{"cold_chain": (4.0, -18.0)[a % 2], "vaccine_fridge": 5.0}.get(k, 30.0) for a, k in
                      enumerate(kinds)])  # fmt: skip
    fails = np.arange(assets) % 100 == 0
    for minute in range(minutes):
        warm = np.round(usual + draw.normal(0, 0.3, assets) + fails * 0.1 * max(minute - 30, 0), 1).tolist()
        fume = np.round(draw.gamma(2, 0.3, assets), 2).tolist()
        for second in range(60):
            out, t = list[bytes](), START_MS + (minute * 60 + second) * 1000
            for a in range(second, assets, 60):
                if kinds[a] == "kitchen":
                    out.append(_payload(who[a], "fume", t, fume[a]))
                out.append(_payload(
                    who[a], "kitchen_temperature" if kinds[a] == "kitchen" else "cold_temperature", t, warm[a]
                ))  # fmt: skip
            yield out


def _kind(a: int) -> str:
    return ("cold_chain", "cold_chain", "cold_chain", "vaccine_fridge", "kitchen")[a % 5]


def _payload(asset: str, metric: str, t: int, v: float) -> bytes:
    return b'{"asset":"%s","metric":"%s","t":%d,"v":%s}' % (asset.encode(), metric.encode(), t, repr(v).encode())


def batches(feed: Iterator[list[bytes]]) -> list[Batch]:
    """With a pulse before each second's readings and one at the end, so many seconds of them in a batch."""
    out: list[Batch] = []
    rows: list[tuple[int, int, bytes | None, bytes | None, Headers]] = []
    at, heads, source, second = 0, tuple(pulses.HEADERS), TP(INPUT, 0), 0
    for second, payloads in enumerate(feed, 1):
        rows.append((at, 0, None, pulse(second - 1), heads))
        rows += [(at + 1 + i, 0, b"k", body, ()) for i, body in enumerate(payloads)]
        at += 1 + len(payloads)
        if second % memory.SECONDS == 0:
            out.append(Batch.of(source, rows[0][0], at, rows, at))
            rows = []
    rows.append((at, 0, None, pulse(second), heads))
    out.append(Batch.of(source, rows[0][0], at + 1, rows, at + 1))
    return out


def of_levels(assets: int, agent: str = "", *, scenario: bool = False) -> CitySet:
    """The set of the water levels with one of the bench's agents, or its scenario, or neither."""
    registry = Registry.of([
        {"id": name, "type": "water_level", "unit": "m", "range": [-100, 1000], **_place(a)}
        for a, name in enumerate(names("wl", assets))
    ])  # fmt: skip
    one = None
    if agent:
        one = Installed(manifest.load(HERE / agent), f"{__package__}.{agent}", HERE / agent)
    return _set(registry, one, [SCENARIO] if scenario else [])


def of_stores(assets: int, *, agent: bool) -> CitySet:
    """The set of the stores with the shipped agent in force, or nothing."""
    unit, fume = {"unit": "Cel", "range": [-80, 150]}, {"unit": "mg/m3", "range": [0, 100]}
    metrics = {"kitchen": {"fume": fume, "kitchen_temperature": unit}}
    registry = Registry.of([
        {"id": name, "type": _kind(a), "metrics": metrics.get(_kind(a), {"cold_temperature": unit}), **_place(a)}
        for a, name in enumerate(names("c", assets))
    ])  # fmt: skip
    return _set(registry, find.of("market.food.cold_kitchen") if agent else None, [])


def _place(a: int) -> dict[str, float]:
    return {"lon": 113.2 + a % 100 * 0.004, "lat": 22.0 + a // 100 % 30 * 0.01}


def _set(registry: Registry, one: Installed | None, texts: Sequence[str]) -> CitySet:
    ground = GridMap([Grid(f"g{i}", "t1", "d1", shapely.box(113 + i, 22, 114 + i, 23)) for i in range(2)])
    made = CitySet(SET, registry, ground, [read(text) for text in texts])
    if one is not None:
        params = one.manifest.settings({}, "bench")
        library = standards.load().standards if one.manifest.standards else {}
        made.agents = (chosen.made(one, one.manifest.version, params, made.map, library, {}, "bench"),)
    return made


def lane(content: CitySet, given: Sequence[Batch]) -> Said:
    """One lane over all batches, with the shipped flushes; its CPU from the first fetch to the last."""
    others = below_s()
    log = memory.run(content, given)
    spent = below_s() - others + log.marks[-1][1] - log.marks[0][1]
    signals = [msgspec.json.decode(value, type=Signal) for value in log.signals]
    return Said(sorted((s.asset, s.t, s.kind) for s in signals), spent)


class _Asset(NamedTuple):
    run: int = 0
    on: bool = False


def function(given: Sequence[Batch]) -> Said:
    """The condition as a plain per-event function, as a Faust agent has it, without Faust: a record at a time."""
    out, known, decode = list[Change](), dict[str, _Asset](), msgspec.json.Decoder(Reading).decode

    async def stream() -> AsyncIterator[bytes]:
        for batch in given:
            for row in range(len(batch)):
                if row not in batch.headers:
                    yield batch.value(row) or b""

    async def agent(events: AsyncIterator[bytes]) -> None:
        async for event in events:
            r = decode(event)
            was = known.get(r.asset, _Asset())
            run = was.run + 1 if r.v > OVER else 0
            on = r.v >= BACK if was.on else run >= READINGS
            known[r.asset] = _Asset(run, on)
            if on != was.on:
                out.append((r.asset, r.t, "raise" if on else "clear"))

    began = time.process_time()
    drive(agent(stream()))
    return Said(sorted(out), time.process_time() - began)


def below_s() -> float:
    """User and system seconds so far of the processes below this one."""
    return sum(map(cpu_s, below(os.getpid())))
