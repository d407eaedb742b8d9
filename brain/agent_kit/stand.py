"""A stand for agents' tests: a lane or a city by itself, with the test's own time, cut and restarted anywhere."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from brain.agent_kit import cases, lane, minute
from brain.agent_kit.cases import START, Expected, Heard, Record, Test
from brain.agent_kit.city import CityAgents
from brain.agent_kit.parts import Given
from brain.agent_kit.tables import TABLES
from brain.placing import put
from brain.sets import CitySet
from streams.decode.columns import Columns
from streams.logic import MINUTE_MS, Beat, View
from streams.records import TP, Batch, Signal, Summary
from streams.state import Store

AT = TP("test", 0)
AFTER_MS, PULSE_MS = 120_000, 5_000
TOLERANCE = 0.01


class Outcome(NamedTuple):
    """What was expected of a test, what came, and what the agent failed at."""

    name: str
    expected: tuple[Expected, ...]
    got: tuple[Expected, ...]
    failed: tuple[str, ...]

    def passed(self) -> bool:
        """Whether exactly the expected signals came, in their order."""
        same = len(self.expected) == len(self.got) and all(map(agrees, self.expected, self.got))
        return same and not self.failed


def agrees(want: Expected, got: Expected) -> bool:
    """Whether a signal is the one expected."""
    if (want.kind, want.asset, want.event) != (got.kind, got.asset, got.event):
        return False
    if round(want.at * 1000) != round(got.at * 1000) or want.level not in (None, got.level):
        return False
    if want.footprint not in (None, got.footprint):
        return False
    return all(name in got.facts and _near(value, got.facts[name]) for name, value in want.facts.items())


def _near(want: float | str, got: float | str) -> bool:
    if isinstance(want, str) or isinstance(got, str):
        return want == got
    return abs(want - got) <= TOLERANCE * max(abs(want), abs(got), 1e-9)


def run(content: CitySet, test: Test) -> Outcome:
    """Run one test. Raises Fault where the agent cannot be loaded."""
    m = content.agents[0].manifest
    rows = cases.records(test)
    if m.shape == "lane":
        signals, wrong = on_lane(content, rows, until=end(rows, test))
        failed = tuple(wrong)
    else:
        until = None if test.until is None else START + round(test.until * 1000)
        signals, audits = in_city(content, rows, test.signals, until)
        failed = tuple(str(note) for note in audits)
    return Outcome(test.name, test.expect, tuple(told(s, m.id) for s in signals), failed)


def told(signal: Signal, agent: str) -> Expected:
    """A signal as a test states it."""
    return Expected(
        (signal.t - START) / 1000, signal.kind, signal.asset, signal.scenario.removeprefix(agent).removeprefix("."),
        signal.level, dict(signal.facts), bool(signal.footprint),
    )  # fmt: skip


def on_lane(
    content: CitySet, rows: Sequence[Record], cuts: Sequence[int] = (), restarts: Collection[int] = (),
    until: int = 0,
) -> tuple[list[Signal], list[str]]:  # fmt: skip
    """Run a lane agent over records, in stretches cut before these, its state restored at those among ``restarts``.

    One that asks to be woken has pulses among its records until that time, ms UTC. A stretch that begins with an odd
    record begins with the pulses before it. Answers signals, and what it failed at.
    """
    log = _log(rows, until) if content.agents[0].manifest.wakes_s else list(rows)
    at = [*(k for k, item in enumerate(log) if isinstance(item, Record)), len(log)]
    bounds = [0, *(at[k] if k % 2 == 0 else at[k - 1] + 1 for k in cuts), len(log)]
    store = Store(TABLES, "test@1")
    kept: list[tuple[bytes, bytes | None]] = []
    signals, failed = list[Signal](), list[str]()
    agents, up = _agents(content, store), 0
    for number, (a, b) in enumerate(pairwise(bounds)):
        if number and cuts[number - 1] in restarts:
            kept += store.flush(len(kept) + 1)
            store = Store(TABLES, "test@1")
            store.restore(kept)
            agents = _agents(content, store)
        view, given = _stretch(content, log[a:b], a, up)
        up = view.beats[-1].up if view.beats else up
        told = agents.run(view, given, content)
        signals += told.signals
        failed += [d.detail for d in told.dead] + [str(note["detail"]) for _, note in told.audits]
    return signals, failed


def end(rows: Sequence[Record], test: Test) -> int:
    """When a test of a lane is over, ms UTC: as it says, or two minutes after the last record."""
    last = max((r.t for r in rows), default=START) + AFTER_MS
    return last if test.until is None else max(last, START + round(test.until * 1000))


def _log(rows: Sequence[Record], until: int) -> list[Record | Beat]:
    """Records and pulses by time, a pulse before a record of its time."""
    out, times = list[Record | Beat](), iter(range(START, until + 1, PULSE_MS))
    t = next(times, None)
    for record in [*rows, None]:
        while t is not None and (record is None or t <= record.t):
            out.append(Beat(0, len(out), t, t - START, 0, t - PULSE_MS))
            t = next(times, None)
        if record is not None:
            out.append(record)
    return out


def _stretch(content: CitySet, log: Sequence[Record | Beat], first: int, up: int) -> tuple[View, Given]:
    """A part of the log as a lane has it; ``first``: offset of its first item, ``up``: up-time there."""
    rows = [k for k, item in enumerate(log) if isinstance(item, Record)]
    columns = _columns(content, [item for item in log if isinstance(item, Record)])
    beats = [item._replace(at=bisect_left(rows, k)) for k, item in enumerate(log) if isinstance(item, Beat)]
    batch = Batch.of(AT, first, first + len(log), [
        (first + k, item.t if isinstance(item, Record) else item.time, None, b"{}", ()) for k, item in enumerate(log)
    ])  # fmt: skip
    clock = np.array([item.t for item in log if isinstance(item, Record)], np.int64)
    n, there = len(columns), content.map.map.locate(columns.lon, columns.lat, columns.t)
    ends = [int(np.searchsorted(columns.row, beat.at)) for beat in beats]
    each = [b - a for a, b in pairwise([0, *ends, n])]
    ups = np.array([up, *(beat.up for beat in beats)], np.int64)
    view = View(AT, batch, np.array(rows, np.int32), clock, beats, up)
    return view, Given(
        columns, np.ones(n, bool), np.array(rows, np.int64)[columns.row] + first, clock[columns.row],
        np.repeat(ups, each), columns.lon, columns.lat, there, ends,
    )  # fmt: skip


def _agents(content: CitySet, store: Store) -> lane.LaneAgents:
    ours = np.ones(len(content.registry.series_asset), bool)
    return lane.LaneAgents(content.agents, content.registry, ours, store, AT, content.agents[0].manifest.source)


def _columns(content: CitySet, rows: Sequence[Record]) -> Columns:
    registry, (x, y) = content.registry, content.placed()
    code = {name: k for k, name in enumerate(registry.metrics)}
    out: list[tuple[int, int, int, int, float, float, float]] = []
    for k, record in enumerate(rows):
        a = registry.index[record.asset]
        series = {int(registry.series_metric[s]): s for s in range(int(registry.first[a]), int(registry.first[a + 1]))}
        lon = float(x[a]) if record.lon is None else record.lon
        lat = float(y[a]) if record.lat is None else record.lat
        for place, (name, said) in enumerate(record.values.items()):
            out.append((k, place, series[code[name]], record.t, said, lon, lat))
    row, index, of, t, value, at_lon, at_lat = ([line[c] for line in out] for c in range(7))
    return Columns(
        np.array(row, np.int32), np.array(index, np.int32), np.array(of, np.int32), np.array(t, np.int64),
        np.array(value, np.float64), np.array(at_lon, np.float64), np.array(at_lat, np.float64),
        np.zeros(len(out), np.int8),
    )  # fmt: skip


def in_city(
    content: CitySet, rows: Sequence[Record], heard: Sequence[Heard] = (), until: int | None = None,
    restarts: Collection[int] = (), order: int = 1,
) -> tuple[list[Signal], list[dict[str, Any]]]:  # fmt: skip
    """Run a city agent over minutes; before those whose number is in ``restarts`` its state is restored.

    ``order`` -1: lanes and assets in the opposite order, which must not matter.
    """
    state, audits = dict[bytes, bytes](), list[dict[str, Any]]()

    def audit(what: str, case: None, now: int, **more: Any) -> None:
        audits.append({"what": what, **more})

    city = CityAgents(audit)
    city.enter(content.id, content)
    out = list[Signal]()
    times = [r.t for r in rows] + [START + round(h.at * 1000) for h in heard]
    end = max(times, default=START) + AFTER_MS if until is None else until
    known: dict[str, Record] = {}
    for number, t in enumerate(range(START + MINUTE_MS, end + 1, MINUTE_MS)):
        if number in restarts:
            _keep(state, city)
            city = CityAgents(audit)
            city.load(state)
            city.enter(content.id, content)
        came = [r for r in rows if t - MINUTE_MS < r.t <= t]
        for record in came:
            before = known.get(record.asset)
            values = {**before.values, **record.values} if before is not None else record.values
            known[record.asset] = Record(record.t, record.asset, values)
        for summary in _summaries(content, {r.asset for r in came}, known, t)[::order]:
            city.summary(summary)
        for number_, h in enumerate(heard):
            at = START + round(h.at * 1000)
            if t - MINUTE_MS < at <= t:
                city.signal(_signal(content, h, at, number_))
        if city.due() == t + 1:
            out += city.fire(t + 1)
        _keep(state, city)
    return out, audits


def _keep(state: dict[bytes, bytes], city: CityAgents) -> None:
    for key, value in city.changes().items():
        state.pop(key, None)
        if value is not None:
            state[key] = value


def _summaries(content: CitySet, came: set[str], known: dict[str, Record], t: int) -> list[Summary]:
    registry, m, out = content.registry, content.agents[0].manifest, list[Summary]()
    for reads in m.reads:
        mine = [registry.ids[a] for a, _ in minute.assets_of(reads, registry)]
        for number, keys in enumerate((mine[::2], mine[1::2])):  # as if of two lanes
            there = [key for key in keys if key in came]
            if there:
                columns = {minute.TIME: [float(known[k].t) for k in there]}
                columns |= {f"v:{name}": [known[k].values.get(name, np.nan) for k in there] for name in reads.metrics}
                packed = {name: np.array(column, "<f8").tobytes() for name, column in columns.items()}
                name = f"{minute.PREFIX}{m.id}:{reads.type}"
                out.append(Summary(name, t, 0, number, there, packed, t, content.id, f"test/{number}"))
    return out


def _signal(content: CitySet, h: Heard, at: int, number: int) -> Signal:
    signal = Signal(
        h.scenario, h.asset, h.kind, ("test", 0, number, 0), 0, number, 0, at, at, fold=at, level=h.level,
        value=h.value, text=h.text, category=h.category, urgency=h.urgency, facts=h.facts, grid=h.grid,
    )  # fmt: skip
    a = content.registry.index.get(h.asset)
    lon, lat = h.lon, h.lat
    if lon is None and a is not None:
        lon, lat = (float(side[a]) for side in content.placed())
    if lon is not None and lat is not None:
        grid = signal.grid
        put(signal, content, lon, lat, content.map.map.locate(np.array([lon]), np.array([lat]))[0])
        signal.grid = grid or signal.grid
    return signal
