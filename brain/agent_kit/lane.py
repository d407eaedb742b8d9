"""The agents of a lane: its records as rows, an agent's levels as signals, and failures that cost only their own rows.

What is said depends on the lane's log alone: rows in offset order, state in the lane's tables, the pulse as clock. An
agent that fails at :data:`FAILURES` rows within :data:`WINDOW_MS` is stopped, which is state as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any, Literal, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from brain.agent_kit import meters
from brain.agent_kit.chosen import EVENTS, Agent
from brain.agent_kit.fault import Fault, Runner
from brain.agent_kit.kinds import Fact, Rows
from brain.agent_kit.minute import assets_of
from brain.agent_kit.program import Judged
from brain.agent_kit.runners import runner_of
from brain.agent_kit.tables import SAYS, TROUBLES, States
from streams.decode import Columns
from streams.logic import View
from streams.records import I4, I8, TP, Dead, Reason, Signal, Stage
from streams.registry import Registry
from streams.state import Store

AGENT_FAILED = "system.agent_failed"
"""Scenario of the incident that says that an agent was stopped."""
FAILURES, WINDOW_MS = 5, 600_000
AT_ONCE = 1024
"""Rows that an agent is given in one call."""
FIRST_INDEX, PER_VALUE = 1 << 27, 256
"""A signal's index is the first, plus the value's number within its record times the other, plus the event's place."""

F8 = NDArray[np.float64]
Put = Callable[[Signal, float, float, I4], None]
"""Places a signal: its longitude, latitude, and the map's answer for them."""


class _Bound(NamedTuple):
    """One agent in this lane, with its assets by number. ``column``: series → metric, -1 where it does not read it;
    ``own``: series → its asset; ``kind``: of each asset."""

    agent: Agent
    runner: Runner
    number: int
    first: int
    column: I4
    own: I4
    kind: I4
    names: tuple[str, ...]
    states: States | None
    says: I4
    """(events, assets) rows of what stands."""
    trouble: int


class _Part(NamedTuple):
    """Rows of an agent, one a record: ``at`` is each one's first place in the columns."""

    rows: Rows
    at: I4
    assets: I4


class LaneAgents:
    """The live agents of a set in one lane; none, and nothing is done."""

    def __init__(
        self, agents: Sequence[Agent], registry: Registry, ours: NDArray[np.bool_], store: Store, at: TP, source: str
    ) -> None:  # fmt: skip
        """``ours``: (series,) of this lane; ``source``: ``iot`` or ``video``."""
        self._store, self._at, self._source, self._registry = store, at, source, registry
        live = [a for a in agents if a.state == "live" and a.manifest.shape == "lane" and a.manifest.source == source]
        self.packed = tuple(a.packed for a in live)
        self._bound, first = [], 0
        for number, agent in enumerate(live):
            meters.known(agent.id)
            self._bound.append(_bind(agent, number, first, registry, ours, store))
            first += len(agent.manifest.events)
        self._left = _left(store, self._bound)

    def __bool__(self) -> bool:
        return bool(self._bound or self._left)

    def stopped(self) -> dict[str, bool]:
        """Of each agent, whether it is stopped here."""
        rows = self._store.table(TROUBLES).rows["stopped"]
        return {b.agent.id: bool(rows[b.trouble]) for b in self._bound}

    def run(
        self, view: View, columns: Columns, fine: NDArray[np.bool_], offset: I8, pulse: I8, lon: F8, lat: F8,
        there: I4, grid: int, put: Put,
    ) -> tuple[list[Signal], list[Dead]]:  # fmt: skip
        """Signals and dead letters of the values that are ``fine``, in the order of (offset, index).

        All columns are (n,), in log order; ``there`` (n, columns) is the map's answer, ``grid`` its column of grids.
        """
        signals = self._end_left(view) if self._left else []
        dead: list[Dead] = []
        for b in self._bound:
            at, asset, values = _records(b, columns, fine)
            for start in range(0, len(at), AT_ONCE):
                s = slice(start, start + AT_ONCE)
                part = _part(b, at[s], asset[s], values[:, s], columns, lon, lat, there[:, grid])
                for i, said in self._said(b, part, pulse):
                    if isinstance(said, Fault):
                        dead.append(self._bury(b, part, i, said, columns))
                        signals += self._trouble(b, part, i, offset, pulse, columns)
                    else:
                        signals += self._signals(b, part, i, said, columns, offset, (lon, lat, there), put)
        if len(self._bound) + len(signals) > 1:
            signals.sort(key=lambda s: (s.offset, s.index))
        return signals, dead

    def _said(self, b: _Bound, part: _Part, pulse: I8) -> Iterator[tuple[int, Judged | Fault]]:
        """What the agent says of a part: of all rows at once (from the row given on), else of each by itself."""
        trouble = self._store.table(TROUBLES)
        if trouble.rows["stopped"][b.trouble] or not len(part.at):
            return
        meters.worked(b.agent.id, len(part.at))
        states = b.states
        if states is None:  # what cannot be loaded fails at each row, until it is stopped
            for i in range(len(part.at)):
                yield i, Fault("load", "it could not be loaded")
                if trouble.rows["stopped"][b.trouble]:
                    return
            return
        state = states.take(part.assets)
        try:
            said = b.runner.judge(b.agent, part.rows, state)
        except Fault:
            with closing(cast(Any, b.runner.one_by_one(b.agent, part.rows, state))) as each:
                for i, one in enumerate(each):
                    if not isinstance(one, Fault):  # nothing is kept of rows that failed, nor of those after a stop
                        own = part.rows.asset[i : i + 1]
                        states.put(part.assets[own], state[own])
                    yield i, one
                    if trouble.rows["stopped"][b.trouble]:
                        return
            return
        states.put(part.assets, state)
        yield 0, said

    def _signals(
        self, b: _Bound, part: _Part, since: int, said: Judged, columns: Columns, offset: I8, place: tuple[F8, F8, I4],
        put: Put,
    ) -> Iterator[Signal]:  # fmt: skip
        table, n = self._store.table(SAYS), said.level.shape[1]
        assets = part.assets[part.rows.asset[since : since + n]]
        # Only rows that say something other than what stands: few, so they are gone through one by one.
        stands = table.rows["level"]
        wanted = [(i, e) for e in range(len(said.level))
                  for i in _moved(said.level[e], stands[b.says[e]], assets).tolist()]  # fmt: skip
        for i, e in sorted(wanted):
            slot, level = int(b.says[e, assets[i]]), int(said.level[e, i])
            row = table.rows[slot]
            was = int(row["level"])
            if level in (-1, was):
                continue
            c = int(part.at[since + i])
            index = FIRST_INDEX + int(columns.index[c]) * PER_VALUE + b.first + e
            kind: Literal["raise", "update", "clear"] = "clear" if not level else "update" if was else "raise"
            t = int(columns.t[c])
            if kind == "raise":
                row["offset"], row["index"], row["onset"], row["count"] = offset[c], index, t, 0
            m, event = b.agent.manifest, b.agent.manifest.events[e]
            origin = (self._at.topic, self._at.partition, int(row["offset"]), int(row["index"]))
            signal = Signal(
                m.scenario(event.id), b.names[assets[i]], kind, origin, int(row["count"]), int(offset[c]), index, t,
                int(row["onset"]), level=level or was, metric=m.reads[0].metrics[0],
                value=_number(said.value[e, i]), score=_number(said.score[e, i]), source=self._source,
                life=event.life, facts=_facts(said, i, event.facts),
            )  # fmt: skip
            row["level"], row["count"] = level, row["count"] + 1
            table.dirty[slot] = 1
            put(signal, float(place[0][c]), float(place[1][c]), place[2][c])
            yield signal

    # -- failures

    def _bury(self, b: _Bound, part: _Part, i: int, fault: Fault, columns: Columns) -> Dead:
        meters.failed(b.agent.id, fault.kind, str(fault))
        c = int(part.at[i])
        detail = f"agent {b.agent.id}@{b.agent.version}: {fault}"[:300]
        return Dead(int(columns.row[c]), int(columns.index[c]), Stage.AGENT, Reason.AGENT_FAILED, detail)

    def _trouble(
        self, b: _Bound, part: _Part, i: int, offset: I8, pulse: I8, columns: Columns
    ) -> Iterator[Signal]:  # fmt: skip
        """Count a failure; the one too many stops the agent, and says so."""
        table, c = self._store.table(TROUBLES), int(part.at[i])
        row, now = table.rows[b.trouble], int(pulse[c])
        if now - int(row["since"]) > WINDOW_MS:
            row["since"], row["n"] = now, 0
        row["n"] += 1
        table.dirty[b.trouble] = 1
        if row["n"] < FAILURES or row["stopped"]:
            return
        index = FIRST_INDEX + int(columns.index[c]) * PER_VALUE + EVENTS + b.number
        row["stopped"], row["offset"], row["index"], row["onset"] = 1, offset[c], index, now
        text = f"{b.agent.id}@{b.agent.version} failed at {FAILURES} rows within {WINDOW_MS // 60_000} minutes"
        yield self._stop("raise", b.agent.id, row, int(offset[c]), index, now, text)

    def _stop(
        self, kind: Literal["raise", "clear"], agent: str, row: Any, offset: int, index: int, now: int, text: str = ""
    ) -> Signal:
        origin = (self._at.topic, self._at.partition, int(row["offset"]), int(row["index"]))
        return Signal(
            AGENT_FAILED, agent, kind, origin, int(kind == "clear"), offset, index, now, int(row["onset"]), level=2,
            source="system", text=text,
        )  # fmt: skip

    def _end_left(self, view: View) -> list[Signal]:
        """What an earlier set's agents left standing is cleared by the first item of this one."""
        rows = [(int(view.batch.offsets[view.rows[0]]), int(view.pulse[0]))] if len(view.rows) else []
        beats = [(beat.offset, beat.time) for beat in view.beats[:1]]
        if not rows and not beats:
            return []
        (at, now), out = min(rows + beats), list[Signal]()
        for k, (name, slot, key) in enumerate(self._left):
            table = self._store.table(name)
            row, index = table.rows[slot], FIRST_INDEX + k
            if name == TROUBLES:
                out.append(self._stop("clear", key[0], row, at, index, now))
                row["stopped"], row["n"] = 0, 0
            else:
                origin = (self._at.topic, self._at.partition, int(row["offset"]), int(row["index"]))
                out.append(Signal(key[0], key[1], "clear", origin, int(row["count"]), at, index, now,
                                  int(row["onset"]), level=int(row["level"]), source=self._source))  # fmt: skip
                row["level"] = 0
            table.dirty[slot] = 1
        self._left = []
        return out


def _bind(agent: Agent, number: int, first: int, registry: Registry, ours: NDArray[np.bool_], store: Store) -> _Bound:
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
    return _Bound(agent, runner, number, first, column, own, kind[found], names, states, says, trouble)


def _left(store: Store, bound: Sequence[_Bound]) -> list[tuple[str, int, list[str]]]:
    """Rows of what stands of agents, events, assets and versions that are not of this set, in the order of the rows."""
    mine = {int(slot) for b in bound for slot in b.says.ravel()}
    stopped = {b.trouble for b in bound}
    out = []
    for name, field, kept in ((SAYS, "level", mine), (TROUBLES, "stopped", stopped)):
        table = store.table(name)
        standing = np.flatnonzero(table.rows[field][: table.n]).tolist()
        out += [(name, slot, table.keys[slot].decode().split("\x1f")) for slot in standing if slot not in kept]
    return out


def _records(b: _Bound, columns: Columns, fine: NDArray[np.bool_]) -> tuple[I4, I4, F8]:
    """Values that an agent reads, put together by record, asset and time: first place, asset, values (metrics, n)."""
    metric = b.column[columns.series]
    at = np.flatnonzero(fine & (metric >= 0)).astype(np.int32)
    asset = b.own[columns.series[at]]
    new = np.ones(len(at), bool)
    if len(at) > 1:
        new[1:] = (np.diff(columns.row[at]) != 0) | (np.diff(asset) != 0) | (np.diff(columns.t[at]) != 0)
    values = np.full((len(b.agent.manifest.metrics()), int(new.sum())), np.nan)
    values[metric[at], np.cumsum(new) - 1] = columns.value[at]
    return at[new], asset[new], values


def _part(b: _Bound, at: I4, asset: I4, values: F8, columns: Columns, lon: F8, lat: F8, grid: I4) -> _Part:
    assets, own = np.unique(asset, return_inverse=True)
    rows = Rows(
        tuple(b.names[k] for k in assets.tolist()), own.astype(np.int32), b.kind[asset], columns.t[at],
        dict(zip(b.agent.manifest.metrics(), values.copy(), strict=True)), lon[at], lat[at],
        grid[at].astype(np.int32),
    )  # fmt: skip
    return _Part(rows, at, assets)


def _moved(level: NDArray[np.int8], stands: NDArray[Any], asset: I4) -> NDArray[np.intp]:
    """Rows that may say something new: those with a word on assets of which any row says other than what stands."""
    other = (level >= 0) & (level != stands[asset])
    return np.flatnonzero((level >= 0) & np.isin(asset, asset[other])) if other.any() else np.zeros(0, np.intp)


def _facts(said: Judged, i: int, wanted: tuple[str, ...]) -> dict[str, Fact]:
    out: dict[str, Fact] = {}
    for name in sorted(said.facts):
        value = said.facts[name][i].item()
        if (not wanted or name in wanted) and (value != "" if isinstance(value, str) else np.isfinite(value)):
            out[name] = value
    return out


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
