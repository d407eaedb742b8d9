"""Rows of lane agents: records put together out of a lane's values, and assets that are woken at a beat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from brain.agent_kit import meters
from brain.agent_kit.chosen import Agent
from brain.agent_kit.fault import Fault, Runner
from brain.agent_kit.kinds import Rows
from brain.agent_kit.minute import assets_of
from brain.agent_kit.runners import runner_of
from brain.agent_kit.tables import SAYS, TROUBLES, States
from brain.agent_kit.wakes import Wakes
from brain.placing import put
from streams.decode.columns import Columns
from streams.logic import Beat
from streams.records import I4, I8, Signal
from streams.registry import Registry
from streams.state import Store

F8 = NDArray[np.float64]
Put = Callable[[Signal, float, float, I4], None]
"""Places a signal: its longitude, latitude, and the map's answer for them."""


class Given(NamedTuple):
    """The values of a stretch in log order, shape (n,): ``fine`` ones are for agents; the lane's clock and up-time
    before each; places, and ``there`` (n, columns) the map's answers. ``ends``: values before each beat of the view."""

    columns: Columns
    fine: NDArray[np.bool_]
    offset: I8
    pulse: I8
    up: I8
    lon: F8
    lat: F8
    there: I4
    ends: list[int]


class Ground(NamedTuple):
    """Registered places by asset, degrees; the map's answers for places at times, and its column of grids."""

    placed: tuple[F8, F8]
    locate: Callable[[F8, F8, I8], I4]
    grid: int
    put: Put

    @classmethod
    def of(cls, content: Any) -> Ground:
        """Of the set in force."""
        city = content.map
        return cls(content.placed(), city.map.locate, city.column, lambda s, x, y, there: put(s, content, x, y, there))


class Bound(NamedTuple):
    """One agent in this lane, with its assets by number. ``column``: series → metric, -1 where it does not read it;
    ``own``: series → its asset; ``kind``: of each asset; ``registered``: its number in the registry."""

    agent: Agent
    runner: Runner
    number: int
    first: int
    column: I4
    own: I4
    kind: I4
    registered: I4
    names: tuple[str, ...]
    states: States | None
    wakes: Wakes | None
    says: I4
    """(events, assets) rows of what stands."""
    trouble: int


class Part(NamedTuple):
    """Rows of an agent, one a record or, at a beat, one an asset that is woken; columns of shape (n,).

    ``assets``: those of the rows, by number. ``offset`` of each in the log, ``nth`` its first value within the record
    (of those woken its number among them), ``row`` in the batch (-1: none), the lane's clock and up-time, and the map's
    answers.
    """

    rows: Rows
    assets: I4
    offset: I8
    nth: I4
    row: I4
    pulse: I8
    up: I8
    there: I4


def bind(agent: Agent, number: int, first: int, registry: Registry, ours: NDArray[np.bool_], store: Store) -> Bound:
    """An agent with those of its assets that are ``ours`` (series,), and their rows in the lane's tables."""
    m = agent.manifest
    column = np.full(len(registry.series_asset), -1, np.int32)
    kind, local = np.full(len(registry.ids), -1, np.int32), np.zeros(len(registry.ids), np.int32)
    metrics = {name: k for k, name in enumerate(m.metrics())}
    found: list[int] = []
    for k, reads in enumerate(m.reads):
        for a, series in assets_of(reads, registry):
            if ours[series[0]]:
                kind[a] = k
                found.append(a)
                column[series] = [metrics[name] for name in reads.metrics]
    found.sort()
    local[found] = np.arange(len(found))
    names = tuple(registry.ids[a] for a in found)
    runner = runner_of(agent)
    try:
        states = States(
            store, agent.id, names, runner.form(agent), lambda old: runner.migrate(agent, old)
        ) if found else None  # fmt: skip
        if states is not None and states.warm:
            meters.ANEW.labels(agent.id).inc(states.warm)
    except Fault as fault:
        meters.failed(agent.id, fault.kind, str(fault))
        states = None
    table = store.table(SAYS)
    says = np.array([
        table.slots(f"{m.scenario(e.id)}\x1f{name}".encode() for name in names) for e in m.events
    ], np.int32).reshape(len(m.events), len(names))  # fmt: skip
    trouble = store.table(TROUBLES).slot(f"{agent.id}\x1f{agent.version}".encode())
    own = local[registry.series_asset]
    least = agent.ground.wakes_ms
    wakes = Wakes(store, agent.id, names, least) if least and found else None
    return Bound(
        agent, runner, number, first, column, own, kind[found], np.array(found, np.int32), names, states, wakes, says,
        trouble,
    )  # fmt: skip


def records(b: Bound, given: Given) -> tuple[I4, I4, F8]:
    """Values that an agent reads, put together by record, asset and time: first place, asset, values (metrics, n)."""
    columns = given.columns
    metric = b.column[columns.series]
    at = np.flatnonzero(given.fine & (metric >= 0)).astype(np.int32)
    asset = b.own[columns.series[at]]
    new = np.ones(len(at), bool)
    if len(at) > 1:
        new[1:] = (np.diff(columns.row[at]) != 0) | (np.diff(asset) != 0) | (np.diff(columns.t[at]) != 0)
    values = np.full((len(b.agent.manifest.metrics()), int(new.sum())), np.nan)
    values[metric[at], np.cumsum(new) - 1] = columns.value[at]
    return at[new], asset[new], values


def part(b: Bound, at: I4, asset: I4, values: F8, given: Given, ground: Ground) -> Part:
    """Rows from :func:`records`: first places, assets and values (metrics, n)."""
    assets, own = np.unique(asset, return_inverse=True)
    columns, there = given.columns, given.there[at]
    rows = Rows(
        tuple(map(b.names.__getitem__, assets.tolist())), own.astype(np.int32), b.kind[asset], columns.t[at],
        dict(zip(b.agent.manifest.metrics(), values.copy(), strict=True)), given.lon[at], given.lat[at],
        there[:, ground.grid].astype(np.int32),
    )  # fmt: skip
    return Part(
        rows, assets, given.offset[at], columns.index[at], columns.row[at], given.pulse[at], given.up[at], there
    )


def woken(b: Bound, asset: I4, first: int, beat: Beat, ground: Ground) -> Part:
    """Assets that are woken at a beat, from the ``first`` of them on, where they are registered."""
    n, metrics = len(asset), b.agent.manifest.metrics()
    t = np.full(n, beat.time, np.int64)
    lon, lat = (side[b.registered[asset]] for side in ground.placed)
    there = ground.locate(lon, lat, t)
    rows = Rows(
        tuple(map(b.names.__getitem__, asset.tolist())), np.arange(n, dtype=np.int32), b.kind[asset], t,
        dict(zip(metrics, np.full((len(metrics), n), np.nan), strict=True)), lon, lat,
        there[:, ground.grid].astype(np.int32), woken=True,
    )  # fmt: skip
    nth = np.arange(first, first + n, dtype=np.int32)
    return Part(rows, asset, np.full(n, beat.offset), nth, np.full(n, -1), t.copy(), np.full(n, beat.up), there)
