"""Whether what a world wrote is what must have come of its input: nothing lost, double, wrong, torn, out of order.

The answers come from :mod:`streams.simulate.oracle`; the replay is the engine's own, over the final logs.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

from streams.audit import UNSEALED_AFTER_MS, Auditor
from streams.bundle import Line
from streams.memory import MemoryBroker
from streams.records import TP, Batch
from streams.replay import ReplaySettings, replay
from streams.simulate import oracle
from streams.simulate.feed import KEY
from streams.simulate.toy import ToyLane
from streams.simulate.world import CITY_STATE, GENESIS, JOURNAL, PULSE, TOPIC, World
from streams.state import HEAD, Store

SEAL = ("ce_type", b"city.seal")
SIGNAL = ("ce_type", b"city.signal")
NOTICE = ("ce_type", b"city.notice")
AUDIT = ("ce_type", b"city.audit")


def check(world: World) -> list[str]:
    """Every violation found, in words; empty when all holds. A world that is not live is not looked at."""
    found: list[str] = []
    broker = world.broker
    poison, absences = journal(broker, world)
    answers = []
    for i, topics in enumerate(world.topics):
        records, _ = broker.partition(topics.source).committed(0, 1 << 60)
        rows = [(r.offset, r.time, r.value, r.headers) for r in records]
        lane = oracle.LaneOracle(TOPIC, i, KEY, poison[i])
        try:
            answers.append(lane.run(rows))
        except AssertionError as error:
            return [f"lane {i}: {error}"]
    for topics, answer in zip(world.topics, answers, strict=True):
        where = str(topics.source)
        signals = _decoded(broker, topics.signals, SIGNAL)
        _same(found, f"{where} signals", answer.signals, [_picked(s, answer.signals) for s in signals])
        _same(found, f"{where} notices", answer.notices, _full(_decoded(broker, topics.signals, NOTICE)))
        told = [{"what": "told", "lane": where, "id": n["id"]} for n in answer.notices]
        _same(found, f"{where} audit", told, _noted(broker, topics.audit, "told"))
        provisional = [s for s in signals if s.get("life") and s["kind"] != "clear"]
        _same(found, f"{where} alarms", provisional, _decoded(broker, topics.alarms, SIGNAL))
        _same(found, f"{where} dead letters", sorted(answer.dead), sorted(_dead(broker, topics.dead)))
        _lane_state(found, world, topics.state, answer)
    chains(found, world)
    _pulses(found, world, answers)
    folded = oracle.city(answers, absences)
    _same(found, "released", folded.released, _decoded(broker, TP("released", 0), None))
    _same(found, "spans", folded.spans, _decoded(broker, TP("spans", 0), None))
    _same(found, "incidents", folded.records, _decoded(broker, TP("incidents.toy", 0), None))
    _same(found, "city audit", folded.notices, _noted(broker, TP("audit", 0), "notice"))
    for tp in (*(t.state for t in world.topics), CITY_STATE):
        broker.partition(tp).compact(1 << 60)
    for topics, lane_answer in zip(world.topics, answers, strict=True):
        _lane_state(found, world, topics.state, lane_answer)
    latest = {k or b"": v for _, k, v, _ in broker.read(CITY_STATE)}
    state = {k.decode(): json.loads(v) for k, v in latest.items() if v is not None and k != b"h"}
    _same(found, "city state", folded.open, state)
    _replayed(found, world)
    return found


def final_lines(world: World) -> list[Line]:
    """The inputs and the journal as they stand at the end: what a replay is given."""
    lines = []
    for tp in [*(t.source for t in world.topics), JOURNAL]:
        records, _ = world.broker.partition(tp).committed(0, 1 << 60)
        lines += [Line.of(tp, r.offset, r.time, r.key, r.value, r.headers) for r in records if SEAL not in r.headers]
    return lines


def replay_settings(world: World) -> ReplaySettings:
    """Of a replay by the same cast."""
    cast = world.cast
    return ReplaySettings({TOPIC: cast.lane}, cast.city, cast.sets, GENESIS, KEY, {TOPIC: len(world.topics)})


def _same(found: list[str], what: str, expected: Any, got: Any) -> None:
    if expected == got:
        return
    if isinstance(expected, list) and isinstance(got, list):
        a, b = (
            [json.dumps(x, sort_keys=True, default=str) for x in expected],
            [json.dumps(x, sort_keys=True, default=str) for x in got],
        )
        lost, more = [x for x in a if x not in set(b)], [x for x in b if x not in set(a)]
        double = len(b) - len(set(b))
        first = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
        found.append(
            f"{what}: {len(a)} expected, {len(b)} found; {len(lost)} lost {lost[:1]}, {len(more)} wrong {more[:1]}, "
            f"{double} double; first difference at {first}"
        )
    else:
        found.append(f"{what}: expected {expected}, found {got}")


def _decoded(broker: MemoryBroker, tp: TP, header: tuple[str, bytes] | None) -> list[Any]:
    return [json.loads(v) for _, _, v, h in broker.read(tp) if v is not None and (header is None or header in h)]


def _picked(signal: dict[str, Any], like: list[dict[str, Any]]) -> dict[str, Any]:
    defaults = {"fold": 0, "pulse": -1, "level": 0, "set": ""}
    names = like[0] if like else signal
    return {name: signal.get(name, defaults.get(name)) for name in names}


def _full(notices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    defaults = {"fold": 0, "pulse": -1, "set": "", "source": ""}
    return [{**defaults, **notice} for notice in notices]


def _noted(broker: MemoryBroker, tp: TP, what: str) -> list[dict[str, Any]]:
    return [note for note in _decoded(broker, tp, AUDIT) if note["what"] == what]


def _dead(broker: MemoryBroker, tp: TP) -> list[tuple[int, int, str, str]]:
    out = []
    for _, _, _, headers in broker.read(tp):
        if SEAL not in headers:
            h = {name: value.decode() for name, value in headers}
            out.append((int(h["offset"]), int(h["index"]), h["stage"], h["reason"]))
    return out


def journal(broker: MemoryBroker, world: World) -> tuple[list[set[int]], list[dict[int, tuple[int, int]]]]:
    """What the journal says: by lane the offsets skipped, and since → (until, bound) of absences."""
    poison: list[set[int]] = [set() for _ in world.topics]
    absences: list[dict[int, tuple[int, int]]] = [{} for _ in world.topics]
    by_source = {str(t.source): i for i, t in enumerate(world.topics)}
    by_signals = {str(t.signals): i for i, t in enumerate(world.topics)}
    for _, _, value, headers in broker.read(JOURNAL):
        if SEAL in headers or value is None:
            continue
        entry = json.loads(value)
        if "skip" in entry:
            poison[by_source[entry["lane"]]].add(entry["skip"])
        else:
            until, bound = entry.get("until", 1 << 62), entry.get("bound", 1 << 62)
            absences[by_signals[entry["lane"]]][entry["since"]] = (until, bound)
    return poison, absences


def _lane_state(found: list[str], world: World, tp: TP, answer: oracle.LaneAnswer) -> None:
    store = Store({"toy": ToyLane.tables["toy"]}, "check")
    store.restore(_state(world.broker, tp))
    table, got = store.table("toy"), {}
    for slot, key in enumerate(table.keys):
        r = table.rows[slot]
        raised = [int(r["offset"]), int(r["index"]), int(r["onset"])] if r["raised"] else None
        got[key.decode()] = [
            slot, int(r["last"]), int(r["since"]), int(r["up"]) - 1, int(r["n"]), raised,
            int(r["gone_offset"]) if r["gone"] else None,
        ]  # fmt: skip
    want = {
        name: [
            a.number, a.last or 0, a.since or 0, -1 if a.seen is None else a.seen, a.n,
            [a.raised[0][2], a.raised[0][3], a.raised[1]] if a.raised else None, a.gone[0] if a.gone else None,
        ]
        for name, a in answer.assets.items()
    }  # fmt: skip
    if want != got:
        wrong = [name for name in sorted(want.keys() | got.keys()) if want.get(name) != got.get(name)]
        is_, should = got.get(wrong[0]), want.get(wrong[0])
        found.append(f"{tp} state: {wrong[0]} should be {should}, is {is_} ({len(wrong)} wrong)")


def chains(found: list[str], world: World) -> None:
    """The auditor over everything that was written, heads of the lanes included: it must find nothing."""
    auditor = Auditor(world.topics)
    for topics in world.topics:
        heads = [value for key, value in _state(world.broker, topics.state) if key == HEAD and value is not None]
        head = json.loads(heads[-1])
        auditor.head(topics.source, head["flush"], head["seals"])
    for tp in auditor.sealed:
        records, after = world.broker.partition(tp).committed(0, 1 << 60)
        rows = [(r.offset, r.time, r.key, r.value, r.headers) for r in records]
        found += map(str, auditor.take(Batch.of(tp, 0, after, rows)))
    auditor.now += UNSEALED_AFTER_MS + 1
    found += map(str, auditor.judge(auditor.sealed, heads=True))


def _state(broker: MemoryBroker, tp: TP) -> list[tuple[bytes, bytes | None]]:
    return [(k or b"", v) for _, k, v, _ in broker.read(tp)]


def _pulses(found: list[str], world: World, answers: list[oracle.LaneAnswer]) -> None:
    """Committed pulses rise in sequence and time, and every lane took every one of them."""
    want = [(p["seq"], p["time"]) for p in map(json.loads, world.pulses.values())]
    if any(b[0] != a[0] + 1 or b[1] <= a[1] for a, b in itertools.pairwise(want)):
        found.append(f"{PULSE}: sequence or time did not grow by the rule: {want}")
    for i, answer in enumerate(answers):
        _same(found, f"lane {i} pulses", want, answer.pulses)


def _replayed(found: list[str], world: World) -> None:
    """The engine over the final logs and the journal gives the same signals and incidents, to the byte."""
    again = replay(final_lines(world), replay_settings(world))
    signals = []
    for topics in world.topics:
        for _, _, value, headers in world.broker.read(topics.signals):
            if SIGNAL in headers and value is not None:
                s = json.loads(value)
                signals.append((topics.signals, s["offset"], s["index"], value))
    incidents = {k or b"": v for _, k, v, _ in world.broker.read(TP("incidents.toy", 0))}
    if [s[3] for s in sorted(signals)] != again.signals:
        found.append("replay gives other signals")
    if [incidents[k] for k in sorted(incidents)] != again.incidents:
        found.append("replay gives other incidents")
