"""Whether all that the real lanes and the real city wrote is what a run without faults writes, and what none may.

The final logs are replayed by the same code in one go. All output, of both books, and all state must be equal byte for
byte. Beside that, what such a replay would get wrong in the same way: the set by which a thing was judged is the one
that the log's own pulses name, what is in shadow reaches nobody, nothing is lost between lanes and incidents or counted
twice, and no timer is overdue.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from brain.agent_kit import city as agents
from brain.agent_kit.lane import AGENT_FAILED
from brain.drill.simulate import check as drill
from brain.drill.simulate.check import same, same_list
from brain.drill.simulate.real.sets import content
from brain.incidents.areas import PENDING
from brain.incidents.books import KEY
from brain.incidents.heard import CASE, HEARD, Episode, Heard
from brain.incidents.value import OVER, Incident, Member
from brain.lane import ReadingsLane
from brain.sets import CitySet
from brain.shadow import side_of
from streams import pulse as pulses
from streams.fold_times import FOLD_DTYPE, FOLD_TABLE
from streams.lane import Head
from streams.memory import MemoryBroker
from streams.outbox import INPUTS_DOWN
from streams.records import CE_TYPE, SEAL_TYPE, SHADOW, SHADOW_TYPE, SIGNAL_TYPE, SUMMARY_TYPE, TP, Reason, Signal
from streams.simulate.check import chains, journal
from streams.simulate.feed import KEY as SECRET
from streams.simulate.world import CITY_STATE, GENESIS, World
from streams.state import Store

SIDES: Final = (("incidents", TP("audit", 0), ""), ("incidents-shadow", TP("audit-shadow", 0), KEY.decode()))
"""Of each book its topics, its audit and the beginning of its keys."""
AFTER_MS: Final = 4_000
"""So long after the lanes, at the end of their minute, city agents have ended what the set in force does not run."""
COMBINED: Final = frozenset(
    s.id for s in (*content(GENESIS).scenarios, *content(GENESIS).drafts) if s.source == "signals"
)
KINDS: Final = (SIGNAL_TYPE, SHADOW_TYPE, SUMMARY_TYPE)
_incident, _signal = msgspec.json.Decoder(Incident).decode, msgspec.json.Decoder(Signal).decode


def check(world: World) -> list[str]:
    """Every violation found, in words; empty when all holds. A world that is not live is not looked at."""
    found: list[str] = []
    chains(found, world)
    again = drill.replayed(world)
    if isinstance(again, str):
        return [again]
    _lanes(found, world, again)
    _city(found, world, again)
    told = [_told(world.broker, topics.signals) for topics in world.topics]
    _by_pulses(found, world, told)
    _apart(found, world, told)
    _counted(found, world, told)
    _standing(found, world)
    items, frontier = drill.state(world.broker), drill.head_of(world).frontier
    _combined(found, world, items)
    for _, audit, prefix in SIDES:
        drill.told_once(found, drill.notes(world.broker, audit))
        mine = _side(items, prefix)
        drill.overdue(found, mine, frontier)
        _waiting(found, mine, frontier)
    for tp in (*(t.state for t in world.topics), CITY_STATE):
        world.broker.partition(tp).compact(1 << 60)
    _states(found, world, again, "compacted ")
    same(found, "compacted state", items, drill.state(world.broker))
    return found


def _lanes(found: list[str], world: World, again: MemoryBroker) -> None:
    for topics in world.topics:
        for kind in KINDS:
            ours, theirs = (_of(broker, topics.signals, kind) for broker in (world.broker, again))
            same_list(found, f"{topics.signals} {kind.decode()}", theirs, ours)
        for tp in (topics.alarms, topics.shadow):
            same_list(found, str(tp), _of(again, tp, SIGNAL_TYPE), _of(world.broker, tp, SIGNAL_TYPE))
        name = str(topics.source).encode()
        for what, read in (("dead letters", _dead), ("audit", _notes)):
            tp = topics.dead if read is _dead else topics.audit
            # In the order of a lane's log only within a stretch, so the order is not compared.
            ours, theirs = (sorted(read(broker, tp, name)) for broker in (world.broker, again))
            same_list(found, f"{what} of {topics.source}", theirs, ours)
    _states(found, world, again)


def _city(found: list[str], world: World, again: MemoryBroker) -> None:
    for family, audit, _ in SIDES:
        same(found, family, drill.newest(again, family), drill.newest(world.broker, family))
        same(found, f"deleted {family}", drill.deleted(again, family), drill.deleted(world.broker, family))
        same_list(found, str(audit), drill.notes(again, audit), drill.notes(world.broker, audit))
    same(found, "state", drill.state(again), drill.state(world.broker))


def _states(found: list[str], world: World, again: MemoryBroker, what: str = "") -> None:
    for topics in world.topics:
        same(found, f"{what}{topics.state}", _tables(again, topics.state), _tables(world.broker, topics.state))


def _tables(broker: MemoryBroker, tp: TP) -> dict[str, bytes | None]:
    """Rows of a lane's tables as a restart would find them, by table and key, and what its head says of the log."""
    store = Store({**ReadingsLane.tables, FOLD_TABLE: FOLD_DTYPE}, "check")
    head = msgspec.json.decode(store.restore([(k or b"", v) for _, k, v, _ in broker.read(tp)]) or b"{}", type=Head)
    out: dict[str, bytes | None] = {
        f"{name} {key!r}": table.rows[slot].tobytes()
        for name, table in store.tables.items() for slot, key in enumerate(table.keys)
    }  # fmt: skip
    out["head"] = msgspec.json.encode([head.position, head.seq, head.time, head.up, head.pulse_up, head.set])
    return out


def _by_pulses(found: list[str], world: World, told: list[list[Signal]]) -> None:
    """Each signal was judged by the set that the pulses before it name, and raised on the side where that has it."""
    for topics, signals in zip(world.topics, told, strict=True):
        known = _pulses(world.broker, topics.source)
        for s in signals:
            want = next((name for offset, _, name in reversed(known) if offset < s.offset), GENESIS)
            if s.set != want:
                found.append(f"{s.identity()} {s.kind} at {s.offset}: judged by {s.set}, the pulses say {want}")
            rules = content(want)
            scenario = next((one for one in rules.running() if one.id == s.scenario), None)
            side = 0 if scenario is None else side_of(scenario, _registered(s.asset))
            if s.kind == "raise" and s.origin[3] & SHADOW != side:
                found.append(f"{s.identity()}: raised {'live' if side else 'in shadow'}, by {want} on the other side")


def _registered(asset: str) -> str:
    """District where an asset is registered: a scenario on trial goes by that, wherever a reading says it is."""
    rules = content(GENESIS)
    a = rules.registry.index.get(asset)
    if a is None:
        return ""
    lon, lat = rules.placed()
    return str(rules.map.where(rules.map.map.locate(lon[a : a + 1], lat[a : a + 1])[0]).district)


def _pulses(broker: MemoryBroker, source: TP) -> list[tuple[int, int, str]]:
    """Offset, time and set of the pulses that count, as the protocol says it."""
    out: list[tuple[int, int, str]] = []
    seq = time = -1
    for offset, _, value, headers in broker.read(source):
        pulse = pulses.decode(value, SECRET) if headers == pulses.HEADERS else None
        if pulse is not None and pulse.seq > seq and pulse.time > time:
            seq, time = pulse.seq, pulse.time
            out.append((offset, time, pulse.set))
    return out


def _ended_by(broker: MemoryBroker, source: TP) -> int:
    """When what the set in force does not run is over in a lane, ms: at the second pulse that names this set."""
    found = _pulses(broker, source)
    last = found[-1][2] if found else GENESIS
    first = next((k + 1 for k in reversed(range(len(found))) if found[k][2] != last), 0)
    return found[first + 1][1] if first + 1 < len(found) else 1 << 62


def _apart(found: list[str], world: World, told: list[list[Signal]]) -> None:
    """What is in shadow is on topics of its own, and nothing else is."""
    hidden = {s.identity() for signals in told for s in signals if s.shadow()}
    shown = {s.identity() for signals in told for s in signals if not s.shadow()}
    for topics in world.topics:
        wrong = [s for s in map(_signal, _of(world.broker, topics.signals, SIGNAL_TYPE)) if s.shadow()]
        wrong += [s for s in map(_signal, _of(world.broker, topics.alarms, SIGNAL_TYPE)) if s.shadow()]
        wrong += [s for s in map(_signal, _of(world.broker, topics.shadow, SIGNAL_TYPE)) if not s.shadow()]
        found += [f"{s.identity()} is on a topic of the other side" for s in wrong]
    for (family, _, _), others in zip(SIDES, (hidden, shown), strict=True):
        for incident in _incidents(world.broker, family):
            wrong_ones = [name for m in incident.members for name in (m.id, m.last) if name in others]
            found += [f"{family} {incident.id} has {name}, of the other side" for name in wrong_ones]


def _counted(found: list[str], world: World, told: list[list[Signal]]) -> None:
    """Raises of a scenario on an asset that the fold has come to are those that incidents count, on either side."""
    frontier, absences = drill.head_of(world).frontier, journal(world.broker, world)[1]
    want: Counter[tuple[str, str, str]] = Counter()
    for rank, signals in enumerate(told):
        for s in signals:
            if s.kind == "raise" and drill.folded(s, absences[rank], frontier):
                want[SIDES[s.shadow()][0], s.scenario, s.asset] += 1
    got: Counter[tuple[str, str, str]] = Counter()
    for family, _, _ in SIDES:
        seen: set[str] = set()
        for incident in _incidents(world.broker, family):
            for m in incident.members:
                if m.id in seen:
                    found.append(f"{family}: {m.id} is in two incidents")
                seen.add(m.id)
                got[family, m.scenario, m.asset] += m.raises
    made = {(s, a) for _, s, a in got} - {(s.scenario, s.asset) for signals in told for s in signals}
    wrong = [key for key in sorted(want.keys() | got.keys()) if want[key] != got[key] and key[1:] not in made]
    found += [f"{' '.join(key)}: raised {want[key]} times, incidents count {got[key]}" for key in wrong]


def _standing(found: list[str], world: World) -> None:
    """Nothing stands of a scenario that the set in force does not run on that side."""
    head = drill.head_of(world)
    absences = [bound for lane in journal(world.broker, world)[1] for _, bound in lane.values()]
    ends = [_ended_by(world.broker, topics.source) + AFTER_MS for topics in world.topics]
    if head.frontier <= max(*absences, *ends):
        return  # the fold has not come to what ends them
    rules = content(head.set)
    told = {event.id for agent in rules.agents for event in agent.told()} | {AGENT_FAILED, INPUTS_DOWN}
    for family, _, prefix in SIDES:
        for incident in _incidents(world.broker, family):
            stand = [m for m in incident.members if m.cleared is None and incident.state not in OVER]
            left = [
                m.latest() for m in stand if (prefix or m.scenario not in told) and not _runs(rules, m, bool(prefix))
            ]
            found += [f"{family} {incident.id}: {name} stands, and {rules.id} does not run it there" for name in left]


def _runs(rules: CitySet, m: Member, hidden: bool) -> bool:
    district = m.asset.removeprefix("district:")
    scenario = next((one for one in rules.running() if one.id == m.scenario), None)
    place = district if district != m.asset else _registered(m.asset)
    if m.scenario in COMBINED:
        place = rules.map.districts[rules.map.codes.index(m.grid)] if m.grid else ""
    return scenario is not None and bool(side_of(scenario, place)) == hidden


def _combined(found: list[str], world: World, items: Mapping[str, bytes | None]) -> None:
    """What combinations found and their book tells stands in its incidents, and nothing else of them does; it is told
    in the book that the set in force says for its place."""
    rules = content(drill.head_of(world).set)
    scenarios = {s.id: s for s in rules.running()}
    for (family, _, prefix), side in zip(SIDES, (0, SHADOW), strict=True):
        stand = {
            (m.scenario, m.asset)
            for i in _incidents(world.broker, family) for m in i.members
            if m.scenario in COMBINED and m.cleared is None and i.state not in OVER
        }  # fmt: skip
        told: set[tuple[str, str]] = set()
        for key, value in sorted(_side(items, prefix).items()):
            if not key.startswith(CASE.decode()):
                continue
            case = msgspec.msgpack.decode(value or b"", type=Episode)
            s = scenarios.get(case.scenario)
            if s is None or case.silent != (side_of(s, case.at.district) != side):
                found.append(f"{family}: {case.name()} is {'silent' if case.silent else 'told'}, by {rules.id} wrongly")
            if not case.silent:
                told.add((case.scenario, case.at.asset))
        found += [f"{family}: {' '.join(one)} is kept and does not stand" for one in sorted(told - stand)]
        found += [f"{family}: {' '.join(one)} stands and is not kept" for one in sorted(stand - told)]


def _waiting(found: list[str], items: Mapping[str, bytes | None], frontier: int) -> None:
    """No absence, episode, minute of agents or of areas is kept beyond its time."""
    for key, value in sorted(items.items()):
        at: int | None = None
        if key.startswith(HEARD.decode()):
            heard = msgspec.msgpack.decode(value or b"", type=Heard)
            at = heard.awaits if heard.cleared is None else heard.fold + heard.within
        elif key.startswith(CASE.decode()):
            case = msgspec.msgpack.decode(value or b"", type=Episode)
            at = case.last + case.quiet if case.quiet else None
        elif key.startswith((agents.PENDING.decode(), agents.HEARD.decode(), PENDING.decode())):
            at = int(key.removeprefix("g/p/").removeprefix("g/h/").removeprefix("m/").partition("/")[0]) + 1
        if at is not None and at < frontier:
            found.append(f"state {key}: due at {at}, and the fold is at {frontier}")


def _side(items: Mapping[str, bytes | None], prefix: str) -> dict[str, bytes | None]:
    if prefix:
        return {key.removeprefix(prefix): value for key, value in items.items() if key.startswith(prefix)}
    return {key: value for key, value in items.items() if not key.startswith(KEY.decode())}


def _incidents(broker: MemoryBroker, family: str) -> list[Incident]:
    return [_incident(value) for value in drill.newest(broker, family).values() if value is not None]


def _told(broker: MemoryBroker, tp: TP) -> list[Signal]:
    """All signals of a lane, live and in shadow."""
    kinds = (SIGNAL_TYPE, SHADOW_TYPE)
    return [_signal(v) for _, _, v, headers in broker.read(tp) if v is not None and dict(headers).get(CE_TYPE) in kinds]


def _of(broker: MemoryBroker, tp: TP, kind: bytes) -> list[bytes]:
    return [v for _, _, v, headers in broker.read(tp) if v is not None and dict(headers).get(CE_TYPE) == kind]


def _dead(broker: MemoryBroker, tp: TP, lane: bytes) -> list[bytes]:
    """Dead letters with all that they say; of what killed a worker without the words, which the journal lacks."""
    out = []
    for _, key, value, headers in broker.read(tp):
        says: dict[str, Any] = {name: raw.decode() for name, raw in headers}
        if says.get(CE_TYPE) != SEAL_TYPE.decode():
            if says.get("reason") == Reason.POISON:
                says.pop("detail", None)
            out.append(msgspec.json.encode([str(key), value, says]))
    return out


def _notes(broker: MemoryBroker, tp: TP, lane: bytes) -> list[bytes]:
    return [
        v
        for _, key, v, headers in broker.read(tp)
        if key == lane and v is not None and (CE_TYPE, SEAL_TYPE) not in headers
    ]
