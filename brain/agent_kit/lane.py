"""The agents of a lane: its records as rows, an agent's levels as signals, and failures that cost only their own rows.

What is said depends on the lane's log alone: rows in offset order, state in the lane's tables, the pulse as clock, at
which an agent is also woken (brain/agent_kit/wakes.py), in its place between the rows. An agent that fails at
:data:`FAILURES` rows within :data:`WINDOW_MS` is stopped, which is state as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, Literal, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from brain.agent_kit import meters
from brain.agent_kit.chosen import EVENTS, Agent
from brain.agent_kit.fault import Fault
from brain.agent_kit.kinds import Fact
from brain.agent_kit.parts import Bound, Given, Ground, Part, Put, bind, part, records, woken
from brain.agent_kit.program import Judged
from brain.agent_kit.tables import SAYS, TROUBLES
from brain.agent_kit.wakes import forget
from streams.logic import Beat, View
from streams.records import I4, SYSTEM, TP, Dead, Reason, Signal, Stage
from streams.registry import Registry
from streams.state import Store

AGENT_FAILED = "system.agent_failed"
"""Scenario of the incident that says that an agent was stopped."""
FAILURES, WINDOW_MS = 5, 600_000
AT_ONCE = 1024
"""Rows that an agent is given in one call."""
FIRST_INDEX, PER_VALUE = 1 << 27, 256
"""A signal's index is the first, plus the value's number within its record times the other, plus the event's place."""
LEFT_INDEX = 1 << 26
"""First index of what an earlier set left: before all that agents say of the item at which it ends."""


class Told(NamedTuple):
    """What agents led to: signals and dead letters in the order of (offset, index), notes for the audit."""

    signals: list[Signal]
    dead: list[Dead]
    audits: list[tuple[str, dict[str, Any]]]


class LaneAgents:
    """The live agents of a set in one lane; none, and nothing is done."""

    def __init__(
        self, agents: Sequence[Agent], registry: Registry, ours: NDArray[np.bool_], store: Store, at: TP, source: str
    ) -> None:  # fmt: skip
        """``ours``: (series,) of this lane; ``source``: ``iot`` or ``video``."""
        self._store, self._at, self._source, self._registry, self._ours = store, at, source, registry, ours
        live = _live(agents, source)
        self.packed = tuple(a.packed for a in live)
        self._bound, first = [], 0
        for number, agent in enumerate(live):
            meters.known(agent.id)
            self._bound.append(bind(agent, number, first, registry, ours, store))
            first += len(agent.manifest.events)
        self._left = _left(store, self._bound)
        forget(store, [b.wakes for b in self._bound if b.wakes is not None])

    def __bool__(self) -> bool:
        return bool(self._bound or self._left)

    def renewed(self, agents: Sequence[Agent]) -> LaneAgents:
        """Those of another set with the same registry: these, where they would see no difference."""
        if tuple(a.packed for a in _live(agents, self._source)) == self.packed:
            return self
        return LaneAgents(agents, self._registry, self._ours, self._store, self._at, self._source)

    def timed(self) -> bool:
        """Whether some agent asks to be woken, so that beats count."""
        return any(b.wakes is not None for b in self._bound)

    def stopped(self) -> dict[str, bool]:
        """Of each agent, whether it is stopped here."""
        rows = self._store.table(TROUBLES).rows["stopped"]
        return {b.agent.id: bool(rows[b.trouble]) for b in self._bound}

    def run(self, view: View, given: Given, content: Any) -> Told:
        """Work the values of a stretch, and wake those agents whose time comes at its beats."""
        told, ground = Told(self._end_left(view) if self._left else [], [], []), Ground.of(content)
        for b in self._bound:
            at, asset, values = records(b, given)
            for begin, end, beat in self._turns(b, view, given, at):
                for start in range(begin, end, AT_ONCE):
                    s = slice(start, min(start + AT_ONCE, end))
                    self._work(b, part(b, at[s], asset[s], values[:, s], given, ground), told, ground.put)
                if b.wakes is None or beat is None:
                    continue
                due = b.wakes.due(beat)
                for start in range(0, len(due), AT_ONCE):
                    self._work(b, woken(b, due[start : start + AT_ONCE], start, beat, ground), told, ground.put)
        if len(self._bound) + len(told.signals) > 1:
            told.signals.sort(key=lambda s: (s.offset, s.index))
        return told

    def _turns(self, b: Bound, view: View, given: Given, at: I4) -> Iterator[tuple[int, int, Beat | None]]:
        """Records [begin, end), then the beat after them at which somebody may have to be woken; none after the last.

        What is asked for on the way is due no sooner than the agent's least, so no beat between needs a look.
        """
        begin, number, up = 0, 0, view.up
        while b.wakes is not None:
            until = min(b.wakes.soonest(), up + b.wakes.least)
            beats = view.beats[number:]
            ahead = next((k for k, beat in enumerate(beats) if beat.outage or beat.up >= until), -1)
            if ahead < 0:
                break
            number += ahead
            end, beat = int(np.searchsorted(at, given.ends[number])), view.beats[number]
            yield begin, end, beat
            begin, number, up = end, number + 1, beat.up
        yield begin, len(at), None

    def _work(self, b: Bound, part: Part, told: Told, put: Put) -> None:
        for i, said in self._said(b, part):
            if isinstance(said, Fault):
                self._bury(b, part, i, said, told)
                told.signals.extend(self._trouble(b, part, i))
                continue
            if b.wakes is not None and said.wake is not None:
                s = slice(i, i + len(said.wake))
                b.wakes.arm(part.assets[part.rows.asset[s]], said.wake, part.pulse[s], part.up[s])
            told.signals.extend(self._signals(b, part, i, said, put))

    def _said(self, b: Bound, part: Part) -> Iterator[tuple[int, Judged | Fault]]:
        """What the agent says of a part: of all rows at once (from the row given on), else of each by itself."""
        trouble = self._store.table(TROUBLES)
        if trouble.rows["stopped"][b.trouble] or not len(part.rows):
            return
        meters.worked(b.agent.id, len(part.rows))
        states = b.states
        if states is None:  # what cannot be loaded fails at each row, until it is stopped
            for i in range(len(part.rows)):
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

    def _signals(self, b: Bound, part: Part, since: int, said: Judged, put: Put) -> Iterator[Signal]:
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
            at = since + i
            offset, index = int(part.offset[at]), FIRST_INDEX + int(part.nth[at]) * PER_VALUE + b.first + e
            kind: Literal["raise", "update", "clear"] = "clear" if not level else "update" if was else "raise"
            t = int(part.rows.t[at])
            if kind == "raise":
                row["offset"], row["index"], row["onset"], row["count"] = offset, index, t, 0
            m, event = b.agent.manifest, b.agent.manifest.events[e]
            origin = (self._at.topic, self._at.partition, int(row["offset"]), int(row["index"]))
            signal = Signal(
                m.scenario(event.id), b.names[assets[i]], kind, origin, int(row["count"]), offset, index, t,
                int(row["onset"]), level=level or was, metric=m.reads[0].metrics[0],
                value=_number(said.value[e, i]), score=_number(said.score[e, i]), source=self._source,
                life=event.life, facts=_facts(said, i, event.facts),
            )  # fmt: skip
            row["level"], row["count"] = level, row["count"] + 1
            table.dirty[slot] = 1
            put(signal, float(part.rows.lon[at]), float(part.rows.lat[at]), part.there[at])
            yield signal

    # -- failures

    def _bury(self, b: Bound, part: Part, i: int, fault: Fault, told: Told) -> None:
        """A record is a dead letter; a wake is none, and is noted."""
        meters.failed(b.agent.id, fault.kind, str(fault))
        if part.rows.woken:
            asset = b.names[part.assets[part.rows.asset[i]]]
            told.audits.append(("agent.failed", {
                "agent": b.agent.id, "version": b.agent.version, "kind": fault.kind, "detail": str(fault),
                "asset": asset, "at": int(part.offset[i]),
            }))  # fmt: skip
            return
        detail = f"agent {b.agent.id}@{b.agent.version}: {fault}"[:300]
        told.dead.append(Dead(int(part.row[i]), int(part.nth[i]), Stage.AGENT, Reason.AGENT_FAILED, detail))

    def _trouble(self, b: Bound, part: Part, i: int) -> Iterator[Signal]:
        """Count a failure; the one too many stops the agent, and says so."""
        table = self._store.table(TROUBLES)
        row, now = table.rows[b.trouble], int(part.pulse[i])
        if now - int(row["since"]) > WINDOW_MS:
            row["since"], row["n"] = now, 0
        row["n"] += 1
        table.dirty[b.trouble] = 1
        if row["n"] < FAILURES or row["stopped"]:
            return
        offset, index = int(part.offset[i]), FIRST_INDEX + int(part.nth[i]) * PER_VALUE + EVENTS + b.number
        row["stopped"], row["offset"], row["index"], row["onset"] = 1, offset, index, now
        text = f"{b.agent.id}@{b.agent.version} failed at {FAILURES} rows within {WINDOW_MS // 60_000} minutes"
        yield self._stop("raise", b.agent.id, row, offset, index, now, text)

    def _stop(
        self, kind: Literal["raise", "clear"], agent: str, row: Any, offset: int, index: int, now: int, text: str = ""
    ) -> Signal:
        origin = (self._at.topic, self._at.partition, int(row["offset"]), int(row["index"]))
        return Signal(
            AGENT_FAILED, agent, kind, origin, int(kind == "clear"), offset, index, now, int(row["onset"]), level=2,
            source=SYSTEM, text=text,
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
            row, index = table.rows[slot], LEFT_INDEX + k
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


def _live(agents: Sequence[Agent], source: str) -> list[Agent]:
    return [a for a in agents if a.state == "live" and a.manifest.shape == "lane" and a.manifest.source == source]


def _left(store: Store, bound: Sequence[Bound]) -> list[tuple[str, int, list[str]]]:
    """Rows of what stands of agents, events, assets and versions that are not of this set, in the order of the rows."""
    mine = {int(slot) for b in bound for slot in b.says.ravel()}
    stopped = {b.trouble for b in bound}
    out = []
    for name, field, kept in ((SAYS, "level", mine), (TROUBLES, "stopped", stopped)):
        table = store.table(name)
        standing = np.flatnonzero(table.rows[field][: table.n]).tolist()
        out += [(name, slot, table.keys[slot].decode().split("\x1f")) for slot in standing if slot not in kept]
    return out


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
