"""The agents of a city: once a minute each sees all its assets and the signals that it asked for, and says what stands.

Lives in the city task. State are items: an agent's memory, what it left standing, and what came for the minute under
way. A failing minute changes nothing of an agent; at :data:`FAILURES` within :data:`WINDOW_MS` it is stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec
import numpy as np

from brain.agent_kit import meters, minute
from brain.agent_kit.chosen import Agent
from brain.agent_kit.fault import Fault
from brain.agent_kit.kinds import Assets, Minute, Said
from brain.agent_kit.lane import AGENT_FAILED, FAILURES, WINDOW_MS
from brain.agent_kit.runners import runner_of
from brain.placing import answer_at, put
from streams.logic import MINUTE_MS
from streams.records import CITY, SYSTEM, Signal, Summary

MEMORY, STANDS, PENDING, HEARD, TROUBLE = b"g/m/", b"g/s/", b"g/p/", b"g/h/", b"g/t/"
"""Keys of state: memory by agent; what stands by event and name; summaries; signals of a minute; failures by agent."""
SEEN = 2_000
"""Signals of one minute that an agent sees; more are counted in ``unseen``."""

_pack = msgspec.msgpack.Encoder().encode
Audit = Callable[..., None]


class Stand(msgspec.Struct, array_like=True):
    """One thing that stands: its raise, and what was last said of it."""

    level: int
    onset: int
    offset: int
    index: int
    count: int
    facts: dict[str, float | str] = {}
    footprint: list[list[tuple[float, float]]] = []


class Trouble(msgspec.Struct, array_like=True):
    """Failures of one version of an agent in the window under way."""

    version: int = 0
    since: int = 0
    n: int = 0
    stopped: int = 0
    """When it was stopped, ms; 0: it runs."""
    index: int = 0


class CityAgents:
    """The live city agents of the set in force and their state over all sets. No clock: time comes with the timers."""

    def __init__(self, audit: Audit | None = None) -> None:
        """``audit`` hears of each failure: what, no incident, fold time, and the note's fields."""
        self.unseen = self._told = 0
        self._audit = audit or _unheard
        self._agents: dict[str, Agent] = {}
        self._set_id = ""
        self._content: Any = None
        self._ground: dict[tuple[str, str], tuple[Assets, dict[str, int]]] = {}
        """By agent and type of its assets: they with their places, and the number of each by its id."""
        self._memory: dict[str, bytes] = {}
        self._stands: dict[str, dict[str, Stand]] = {}
        """Scenario → name → what stands."""
        self._pending: dict[int, dict[str, Summary]] = {}
        self._heard: dict[int, list[Signal]] = {}
        self._trouble: dict[str, Trouble] = {}
        self.wanted: frozenset[str] = frozenset()
        """Scenarios whose signals some agent sees."""
        self._last = 0
        """End of the minute that was judged last."""
        self._left = False
        self._changed: dict[bytes, bytes | None] = {}
        self._grown: set[int] = set()
        """Minutes whose signals became more: they are packed once, with the changes."""

    # -- state

    def load(self, items: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
        """Take what is ours of the state; answers the rest."""
        rest: dict[bytes, bytes] = {}
        for key, value in items.items():
            name = key[4:].decode() if key[:2] == b"g/" else ""
            if key.startswith(MEMORY):
                self._memory[name] = value
            elif key.startswith(STANDS):
                scenario, _, who = name.partition("\x1f")
                self._stands.setdefault(scenario, {})[who] = msgspec.msgpack.decode(value, type=Stand)
            elif key.startswith(PENDING):
                summary = msgspec.msgpack.decode(value, type=Summary)
                self._pending.setdefault(summary.t, {})[f"{summary.name}|{summary.source}"] = summary
            elif key.startswith(HEARD):
                self._heard[int(name)] = msgspec.msgpack.decode(value, type=list[Signal])
            elif key.startswith(TROUBLE):
                self._trouble[name] = msgspec.msgpack.decode(value, type=Trouble)
            elif key == b"g/last":
                self._last = int(value)
            else:
                rest[key] = value
        return rest

    def changes(self) -> dict[bytes, bytes | None]:
        """State since the last call."""
        meters.UNSEEN.inc(self.unseen - self._told)
        self._told = self.unseen
        out, self._changed = self._changed, {}
        for end in self._grown:
            out[_heard(end)] = _pack(self._heard[end])
        self._grown.clear()
        return out

    # -- what the engine calls, through the city's logic

    def enter(self, set_id: str, content: Any) -> None:
        """A set comes into force; an agent in another version begins without its failures, and keeps its memory."""
        live = [a for a in getattr(content, "agents", ()) if a.state == "live" and a.manifest.shape == "city"]
        self._agents = {a.id: a for a in live}
        for agent in live:
            meters.known(agent.id)
        self._set_id, self._content, self._ground = set_id, content, {}
        self.wanted = frozenset(name for a in live for name in a.manifest.signals)
        mine = {told.id for a in live for told in a.told()}
        stopped = [id for id, t in self._trouble.items() if t.stopped]
        self._left = any(rows and scenario not in mine for scenario, rows in self._stands.items()) or any(
            id not in self._agents or self._trouble[id].version != self._agents[id].version for id in stopped
        )

    def stopped(self) -> dict[str, bool]:
        """Of each agent of the set in force, whether it is stopped."""
        found = {id: self._trouble.get(id) for id in self._agents}
        return {
            id: trouble is not None and bool(trouble.stopped) and trouble.version == self._agents[id].version
            for id, trouble in found.items()
        }

    def ours(self, summary: Summary) -> bool:
        """Whether a summary is for an agent."""
        return summary.name.startswith(minute.PREFIX)

    def summary(self, summary: Summary) -> bool:
        """Keep a lane's view until its minute is judged; False for one that comes too late for that."""
        if summary.fold > summary.t or summary.t <= self._last:
            return False
        self._pending.setdefault(summary.t, {})[f"{summary.name}|{summary.source}"] = summary
        self._changed[_pending(summary)] = _pack(summary)
        return True

    def signal(self, signal: Signal) -> bool:
        """Keep a folded signal where some agent wants its scenario; answers whether one does."""
        if signal.scenario not in self.wanted:
            return False
        end = -(-signal.fold // MINUTE_MS) * MINUTE_MS
        heard = self._heard.setdefault(end, [])
        if len(heard) >= SEEN:
            self.unseen += 1
            return True
        heard.append(msgspec.structs.replace(signal))
        self._grown.add(end)
        self._changed[_heard(end)] = None  # its place among the changes
        return True

    def due(self) -> int | None:
        """When the oldest minute can be judged, fold time: a millisecond after its end."""
        times = [t + 1 for t in (*self._pending, *self._heard)]
        if self._last and (self._left or any(self._stands.values())):
            times.append(self._last + MINUTE_MS + 1)
        return min(times, default=None)

    def fire(self, now: int) -> list[Signal]:
        """Have all agents judge the minute that ended just before ``now``; signals in the order of agents."""
        t = now - 1
        came, heard = self._pending.pop(t, {}), self._heard.pop(t, [])
        for summary in came.values():
            self._changed[_pending(summary)] = None
        if heard:
            self._changed[_heard(t)] = None
            self._grown.discard(t)
        self._last = t
        self._changed[b"g/last"] = str(t).encode()
        out: list[Signal] = []
        if self._left:
            self._end_left(now, out)
        for id in sorted(self._agents):
            agent = self._agents[id]
            trouble = self._trouble.get(id) or Trouble(agent.version)
            if trouble.version != agent.version:
                trouble = Trouble(agent.version)
            if not trouble.stopped:
                self._judge(agent, trouble, came, heard, now, out)
        return out

    # -- one agent

    def _judge(
        self, agent: Agent, trouble: Trouble, came: Mapping[str, Summary], heard: list[Signal], now: int,
        out: list[Signal],
    ) -> None:  # fmt: skip
        m = agent.manifest
        mine = [s for s in heard if s.scenario in m.signals]
        names = {f"{minute.PREFIX}{m.id}:{reads.type}" for reads in m.reads}
        views = [s for _, s in sorted(came.items()) if s.name in names]
        standing = any(self._stands.get(told.id) for told in agent.told())
        if not mine and not views and not standing:
            return
        meters.worked(m.id, 1)
        seen = Minute(now - 1, {r.type: self._assets(agent, r.type, r.metrics, views) for r in m.reads}, tuple(mine))
        before = self._memory.get(m.id, b"")
        try:
            said, after = runner_of(agent).think(agent, seen, before)
        except Fault as fault:
            self._failed(agent, trouble, fault, now, out)
            return
        if after != before:
            self._memory[m.id] = after
            self._changed[MEMORY + m.id.encode()] = after or None
        for one in said:
            self._say(agent, one, now, out)

    def _assets(self, agent: Agent, kind: str, metrics: tuple[str, ...], views: list[Summary]) -> Assets:
        if (agent.id, kind) not in self._ground:
            made = _ground(agent, kind, self._content)
            self._ground[agent.id, kind] = made, {id: k for k, id in enumerate(made.ids)}
        ground, place = self._ground[agent.id, kind]
        n = len(ground)
        t, values = np.zeros(n, np.int64), {name: np.full(n, np.nan) for name in metrics}
        for view in views:
            if view.name != f"{minute.PREFIX}{agent.id}:{kind}":
                continue
            found = np.array([place.get(key, -1) for key in view.keys], np.int64)
            kept = found >= 0
            at = found[kept]
            t[at] = view.column(minute.TIME)[kept].astype(np.int64)
            for name in metrics:
                if f"v:{name}" in view.columns:
                    values[name][at] = view.column(f"v:{name}")[kept]
        return Assets(
            ground.ids, ground.lon, ground.lat, t, values, ground.grid, ground.town, ground.district, ground.areas
        )

    def _say(self, agent: Agent, one: Said, now: int, out: list[Signal]) -> None:
        event = agent.event(one.event)
        scenario = agent.manifest.scenario(event.id)
        stands = self._stands.setdefault(scenario, {})
        row = stands.get(one.who)
        facts = {k: v for k, v in one.facts.items() if not event.facts or k in event.facts}
        if row is None and not one.level:
            return
        if row is not None and (row.level, row.facts, row.footprint) == (one.level, facts, one.footprint):
            return
        kind: Literal["raise", "update", "clear"] = "clear" if not one.level else "raise" if row is None else "update"
        if row is None:
            onset = now - 1 if one.onset is None else min(one.onset, now - 1)
            row = stands[one.who] = Stand(one.level, onset, now - 1, len(out), 0)
        signal = Signal(
            scenario, one.who, kind, (CITY, 1, row.offset, row.index), row.count, now - 1, len(out), now - 1,
            row.onset, fold=now, level=one.level or row.level, value=one.value, score=one.score, set=self._set_id,
            source=agent.manifest.source, life=event.life, text=one.text, facts=facts, footprint=one.footprint,
        )  # fmt: skip
        self._place(signal, one, now)
        out.append(signal)
        key = STANDS + f"{scenario}\x1f{one.who}".encode()
        if one.level:
            row.level, row.facts, row.footprint, row.count = one.level, facts, one.footprint, row.count + 1
            self._changed[key] = _pack(row)
        else:
            del stands[one.who]
            self._changed[key] = None

    def _place(self, signal: Signal, one: Said, now: int) -> None:
        lon, lat = one.lon, one.lat
        a = self._content.registry.index.get(one.who)
        if (lon is None or lat is None) and a is not None:
            lon, lat = (float(side[a]) for side in self._content.placed())
        put(signal, self._content, lon, lat, answer_at(self._content, lon, lat, now - 1))

    # -- failures and ends

    def _failed(
        self, agent: Agent, trouble: Trouble, fault: Fault, now: int, out: list[Signal]
    ) -> None:  # fmt: skip
        meters.failed(agent.id, fault.kind, str(fault))
        self._audit(
            "agent.failed", None, now, agent=agent.id, version=agent.version, kind=fault.kind, detail=str(fault)
        )
        if now - trouble.since > WINDOW_MS:
            trouble.since, trouble.n = now, 0
        trouble.n += 1
        if trouble.n >= FAILURES:
            trouble.stopped, trouble.index = now, len(out)
            text = f"{agent.id}@{agent.version} failed at {FAILURES} minutes within {WINDOW_MS // 60_000}"
            out.append(self._stop("raise", agent.id, trouble, now, len(out), text))
        self._trouble[agent.id] = trouble
        self._changed[TROUBLE + agent.id.encode()] = _pack(trouble)

    def _stop(
        self, kind: Literal["raise", "clear"], agent: str, trouble: Trouble, now: int, index: int, text: str = ""
    ) -> Signal:
        at = trouble.stopped - 1
        return Signal(
            AGENT_FAILED, agent, kind, (CITY, 1, at, trouble.index), int(kind == "clear"), now - 1, index, now - 1,
            at, fold=now, level=2, set=self._set_id, source=SYSTEM, text=text,
        )  # fmt: skip

    def _end_left(self, now: int, out: list[Signal]) -> None:
        """What agents that are not of this set, or not in this version, left standing is over."""
        mine = {told.id for agent in self._agents.values() for told in agent.told()}
        for scenario in sorted(set(self._stands) - mine):
            for who, row in sorted(self._stands.pop(scenario).items()):
                out.append(Signal(
                    scenario, who, "clear", (CITY, 1, row.offset, row.index), row.count, now - 1, len(out), now - 1,
                    row.onset, fold=now, level=row.level, set=self._set_id,
                ))  # fmt: skip
                self._changed[STANDS + f"{scenario}\x1f{who}".encode()] = None
        for id, trouble in sorted(self._trouble.items()):
            if trouble.stopped and (id not in self._agents or self._agents[id].version != trouble.version):
                out.append(self._stop("clear", id, trouble, now, len(out)))
                del self._trouble[id]
                self._changed[TROUBLE + id.encode()] = None
        self._left = False


def _unheard(*what: object, **more: object) -> None:
    """Of a stand without an audit topic."""


def _pending(summary: Summary) -> bytes:
    return PENDING + f"{summary.t}/{summary.name}/{summary.source}".encode()


def _heard(end: int) -> bytes:
    return HEARD + str(end).encode()


def _ground(agent: Agent, kind: str, content: Any) -> Assets:
    """An agent's assets of one type with their places; no values yet."""
    reads = next(r for r in agent.manifest.reads if r.type == kind)
    mine = [a for a, _ in minute.assets_of(reads, content.registry)]
    lon, lat = (np.asarray(side, np.float64)[mine] for side in content.placed())
    where = [content.map.where(answer) for answer in content.map.map.locate(lon, lat)]
    return Assets(
        tuple(content.registry.ids[a] for a in mine), lon, lat, np.zeros(len(mine), np.int64), {},
        tuple(w.grid for w in where), tuple(w.town for w in where), tuple(w.district for w in where),
        tuple(w.areas for w in where),
    )  # fmt: skip
