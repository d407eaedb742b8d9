"""Whether the incidents of a simulated world are those of a run without faults, and whether nothing is owed.

The same logs and the same journal are replayed by the same logic without a fault and with one flush. Records by key,
state, audit notes and signals must be equal byte for byte. Beside that, what a replay would get wrong in the same way:
every provisional record has one incident, no clock says a thing twice, and no timer is overdue.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from brain.incidents.clocks import next_due
from brain.incidents.desk import KEY as CONSOLE
from brain.incidents.desk import Console
from brain.incidents.timers import GRAVE
from brain.incidents.value import Incident
from streams.city import CityHead
from streams.memory import MemoryBroker
from streams.records import TP, Signal
from streams.replay import rerun
from streams.simulate.check import NOTICE, SIGNAL, chains, final_lines, journal, replay_settings
from streams.simulate.world import CITY_STATE, World
from streams.state import HEAD

AUDIT = TP("audit", 0)
_incident = msgspec.json.Decoder(Incident).decode
_signal = msgspec.json.Decoder(Signal).decode


def check(world: World) -> list[str]:
    """Every violation found, in words; empty when all holds. A world that is not live is not looked at."""
    found: list[str] = []
    chains(found, world)
    again = replayed(world)
    if isinstance(again, str):
        return [again]
    for topics in world.topics:
        for kind in (SIGNAL, NOTICE):
            ours = [v for _, _, v, h in world.broker.read(topics.signals) if kind in h]
            theirs = [v for _, _, v, h in again.read(topics.signals) if kind in h]
            same_list(found, f"{topics.signals} {kind[1].decode()}", theirs, ours)
    same(found, "incident", newest(again), newest(world.broker))
    same(found, "deleted", deleted(again), deleted(world.broker))
    same(found, "state", state(again), state(world.broker))
    same_list(found, "audit", notes(again), notes(world.broker))
    _outcomes(found, world)
    told_once(found, notes(world.broker))
    overdue(found, state(world.broker), head_of(world).frontier)
    return found


def replayed(world: World) -> MemoryBroker | str:
    """What the final logs lead to without a fault; in words what is wrong where lanes are missing."""
    again, lanes, _ = rerun(final_lines(world), replay_settings(world))
    if len(lanes) != len(world.topics):
        return f"{len(lanes)} lanes were replayed, there are {len(world.topics)}"
    return again


def folded(signal: Signal, absences: Mapping[int, tuple[int, int]], frontier: int) -> bool:
    """Whether the fold has come to a signal of a lane with these absences: since which offset, until which, and the
    fold time that what was said in between has at least."""
    bounds = [bound for since, (until, bound) in absences.items() if since <= signal.offset < until]
    return max(signal.fold, *bounds, 0) < frontier


def newest(broker: MemoryBroker, family: str = "incidents") -> dict[str, bytes | None]:
    """The newest revision of every incident, also of those whose record was deleted; by topic and id."""
    out: dict[str, bytes | None] = {}
    for tp in _topics(broker, family):
        for _, key, value, _ in broker.read(tp):
            if value is not None:
                out[f"{tp.topic} {(key or b'').decode()}"] = value
    return out


def _topics(broker: MemoryBroker, family: str) -> list[TP]:
    return sorted(tp for tp in broker.partitions if tp.topic.startswith(f"{family}."))


def deleted(broker: MemoryBroker, family: str = "incidents") -> dict[str, bytes | None]:
    """Incidents whose record was deleted; by topic and id."""
    last = {(tp, key): value for tp in _topics(broker, family) for _, key, value, _ in broker.read(tp)}
    return {f"{tp.topic} {(key or b'').decode()}": b"" for (tp, key), value in last.items() if value is None}


def state(broker: MemoryBroker) -> dict[str, bytes | None]:
    """The city task's, by key."""
    latest = {(key or b"").decode(): value for _, key, value, _ in broker.read(CITY_STATE) if key != HEAD}
    return {key: value for key, value in latest.items() if value is not None}


def notes(broker: MemoryBroker, tp: TP = AUDIT) -> list[bytes]:
    """What the city task left for people to read."""
    return [value for _, key, value, _ in broker.read(tp) if key == b"city" and value is not None]


def same(found: list[str], what: str, want: Mapping[str, bytes | None], got: Mapping[str, bytes | None]) -> None:
    """Values by key are the same."""
    wrong = [key for key in sorted(want.keys() | got.keys()) if want.get(key) != got.get(key)]
    if wrong:
        a, b = want.get(wrong[0]), got.get(wrong[0])
        found.append(f"{what}: {len(wrong)} of {len(want)} wrong: {wrong[0]}: {_difference(a, b)}")


def same_list(found: list[str], what: str, want: Iterable[bytes | None], got: Iterable[bytes | None]) -> None:
    """The same values in the same order."""
    a, b = list(want), list(got)
    if a == b:
        return
    lost, more = Counter(a) - Counter(b), Counter(b) - Counter(a)
    first = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    differ = _difference(a[first] if first < len(a) else None, b[first] if first < len(b) else None)
    counts = f"{len(a)} expected, {len(b)} found, {lost.total()} lost, {more.total()} more"
    found.append(f"{what}: {counts}; first at {first}: {differ}")


def _difference(want: bytes | None, got: bytes | None) -> str:
    """The fields that differ, where both are JSON objects."""
    try:
        a, b = msgspec.json.decode(want or b""), msgspec.json.decode(got or b"")
    except msgspec.DecodeError:
        return f"expected {want!r:.200}, found {got!r:.200}"
    if not isinstance(a, dict) or not isinstance(b, dict):
        return f"expected {a}, found {b}"
    differ = [f"{k}: expected {a.get(k)!r}, found {b.get(k)!r}" for k in sorted(a | b) if a.get(k) != b.get(k)]
    return "; ".join(differ)[:600]


def _outcomes(found: list[str], world: World) -> None:
    """Every provisional record that the fold has come to is named by one incident, other than those merged away."""
    incidents = [_incident(value) for value in newest(world.broker).values() if value is not None]
    named = Counter(name for i in incidents if i.state != "merged" for name in i.provisional)
    frontier, absences = head_of(world).frontier, journal(world.broker, world)[1]
    wrong: dict[str, int] = {}
    for rank, topics in enumerate(world.topics):
        for _, _, value, headers in world.broker.read(topics.alarms):
            if SIGNAL not in headers or value is None:
                continue
            signal = _signal(value)
            name = signal.identity()
            if folded(signal, absences[rank], frontier) and named[name] != 1:
                wrong[name] = named[name]
    found += [f"provisional record {name} is named by {n} incidents" for name, n in wrong.items()]


def told_once(found: list[str], audit: list[bytes]) -> None:
    """No clock says a thing twice."""
    told: Counter[str] = Counter()
    for note in map(msgspec.json.decode, audit):
        if note["what"].startswith("clock."):
            told[f"{note['incident']} {note['what']} {note['clock']} at {note['at']}"] += 1
    found += [f"audit: {what}: told {n} times" for what, n in sorted(told.items()) if n > 1]


def overdue(found: list[str], items: Mapping[str, bytes | None], frontier: int) -> None:
    """Nothing that is kept of incidents names a time that has passed: a timer would have been lost."""
    for key, value in sorted(items.items()):
        times: list[int | None] = []
        raw = value or b""
        if key.startswith("i/"):
            i = _incident(raw)
            times = [i.quiet_until, i.close_at, i.look_at, next_due(i.clocks)]
        elif key.startswith(CONSOLE.decode()):
            times = [msgspec.json.decode(raw, type=Console).look_at]
        elif key.startswith((GRAVE.decode(), "e/")):
            times = [int(raw.partition(b" ")[0])]
        late = [t for t in times if t is not None and t < frontier]
        if late:
            found.append(f"state {key}: due at {min(late)}, and the fold is at {frontier}")


def head_of(world: World) -> CityHead:
    """Where the city task stands."""
    return msgspec.json.decode(world.last(CITY_STATE, HEAD) or b"{}", type=CityHead)
