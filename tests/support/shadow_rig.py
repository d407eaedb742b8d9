"""The pipeline in memory over rows on a grid of pulses, with sets that change at a pulse; what people are told."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from lane_rig import ASSETS, CROWD, FIRE, HIGH, MANY, NOISE, ODD, QUIET, RATE, SHIFT, T0, city

from brain.incidents.books import Books
from brain.incidents.desk import DeskSettings
from brain.incidents.fold import FoldSettings
from brain.lane import DetectionsLane, ReadingsLane, TicketsLane
from brain.scenario import Scenario
from brain.scenario_form import Trial
from brain.scenarios import read
from brain.sets import CitySet
from streams import pulse as pulses
from streams.bundle import Line, on_grid
from streams.city import City, CitySettings
from streams.lane import Lane, LaneSettings, LaneTopics
from streams.log import Indefinite
from streams.memory import MemoryBroker, MemoryTaskLog, drive
from streams.partition import partition_of
from streams.pulse import Pulse
from streams.records import CE_TYPE, SEAL_TYPE, SHADOW_TYPE, SIGNAL_TYPE, SUMMARY_TYPE, TP, Summary
from streams.replay import ReplaySettings, rerun

KEY = b"k"
PARTS = {"iot.telemetry": 2, "video.metadata": 1, "hotline.tickets": 1}
EVERY = (HIGH, ODD, SHIFT, RATE, QUIET, MANY, FIRE, NOISE, CROWD)
FOLD = FoldSettings(quiet_s=5, reopen_s=5)

Told = dict[str, list[tuple[bytes | None, bytes | None, object]]]
Row = tuple[str, int, bytes | None, bytes, int]


def reading(n: int, value: float, t: int) -> Row:
    name = str(ASSETS[n]["id"])
    body = {"asset": name, "metric": "water_level", "t": t, "v": value, "unit": "m"}
    key = name.encode()
    return "iot.telemetry", partition_of(key, 2), key, msgspec.json.encode(body), t


def ticket(n: int, text: str, t: int) -> Row:
    body = {"id": f"T{n}", "t": t, "text": text, "lon": 113.2 + n % 2, "lat": 22.5, "caller": f"c{n}"}
    return "hotline.tickets", 0, f"T{n}".encode(), msgspec.json.encode(body), t


def people(n: int, t: int) -> Row:
    objects = [f"{k}|0|0|1|1|person" for k in range(n)]
    body = {"version": "4.0", "id": str(t), "@timestamp": t, "sensorId": "cam-1", "objects": objects}
    return "video.metadata", 0, b"cam-1", msgspec.json.encode(body), t


def in_state(s: Scenario, state: str, district: str = "", suffix: str = "") -> Scenario:
    trial = Trial(district) if state == "trial" else None
    return msgspec.structs.replace(s, id=s.id + suffix, state=state, trial=trial)  # type: ignore[arg-type]  # one of the five


def with_states(states: Mapping[str, str], texts: Sequence[str] = EVERY, id: str = "set-1") -> CitySet:
    """The scenarios of ``texts``; those named by the end of their id are in another state (``trial:<district>``)."""
    content, live, rest = city(id=id), list[Scenario](), list[Scenario]()
    for s in sorted(map(read, texts), key=lambda s: s.id):
        state, _, district = states.get(s.id.rpartition(".")[2], "live").partition(":")
        (live if state == "live" else rest).append(in_state(s, state, district))
    return dataclasses.replace(content, scenarios=live, drafts=rest)


def log(rows: Sequence[Row], seconds: int, changes: Sequence[tuple[int, str]] = (), first: str = "set-1") -> list[Line]:
    """Rows with a pulse a second; from ``changes`` (second, set) on, pulses name another set."""
    lines = on_grid(sorted(rows, key=lambda row: row[4]), PARTS, KEY, first, T0 + seconds * 1000)
    out = []
    for line in lines:
        if line.header_pairs() == pulses.HEADERS and changes:
            found = pulses.decode(line.value_bytes(), KEY)
            assert found is not None
            named = [name for second, name in changes if found.time >= T0 + second * 1000]
            pulse = Pulse(found.seq, found.time, found.up, named[-1] if named else first, found.epoch)
            line = Line.of(line.tp, line.offset, line.timestamp, None, pulses.encode(pulse, KEY), pulses.HEADERS)
        out.append(line)
    return out


def settings(sets: Mapping[str, CitySet], first: str = "set-1") -> ReplaySettings:
    return ReplaySettings(
        lanes={"iot.telemetry": ReadingsLane, "video.metadata": DetectionsLane, "hotline.tickets": TicketsLane},
        city=lambda: Books(FOLD, sets.__getitem__, DeskSettings()), sets=sets.__getitem__, genesis=first, key=KEY,
        partitions=PARTS,
    )  # fmt: skip


def run(lines: Sequence[Line], sets: Mapping[str, CitySet]) -> MemoryBroker:
    return rerun(lines, settings(sets))[0]


def told(broker: MemoryBroker, hidden: Collection[str] = ()) -> Told:
    """What is on every topic that people, consoles and other systems read; without seals, and without summaries of the
    scenarios ``hidden``, which only the city task reads."""
    out: Told = {}
    for tp in sorted(broker.partitions):
        family = tp.topic.partition(".")[0]
        if family in ("incidents", "audit", "alarms", "deadletter") or (
            family == "signals" and not tp.topic.startswith("signals.shadow.")
        ):
            rows = [(k, v, h) for _, k, v, h in broker.read(tp) if not _engine(dict(h).get(CE_TYPE), v, hidden)]
            if rows:
                out[str(tp)] = rows
    return out


def _engine(kind: bytes | None, value: bytes | None, hidden: Collection[str]) -> bool:
    if kind == SUMMARY_TYPE and value is not None:
        return msgspec.msgpack.decode(value, type=Summary).name in hidden
    return kind in (SEAL_TYPE, SHADOW_TYPE)


def incidents(broker: MemoryBroker, family: str) -> dict[str, Any]:
    """Newest revision by id, of ``incidents`` or ``incidents-shadow``; those deleted too."""
    out: dict[str, Any] = {}
    for tp in sorted(broker.partitions):
        if tp.topic.startswith(family + "."):
            for _, key, value, _ in broker.read(tp):
                if value is not None:
                    out[(key or b"").decode()] = msgspec.json.decode(value)
    return out


def assets(found: Mapping[str, Any]) -> set[str]:
    """Assets of all incidents but those of the engine itself."""
    return {m["asset"] for i in found.values() if i["family"] != "system.inputs_down" for m in i["members"]}


def killed(lines: Sequence[Line], sets: Mapping[str, CitySet], every: int, limit: int) -> MemoryBroker:
    """As :func:`run`, in small fetches and flushes; each task loses its memory after so many batches, then after ever
    more, so that it comes to an end."""
    rules, broker = settings(sets), MemoryBroker()
    for line in sorted(lines, key=lambda line: (line.topic, line.partition, line.offset)):
        part = broker.partition(line.tp)
        part.end = max(part.end, line.offset)
        part.append(line.timestamp, line.key_bytes(), line.value_bytes(), line.header_pairs(), None)
    lanes = [LaneTopics.of(topic, p) for topic, n in sorted(PARTS.items()) for p in range(n)]
    for topics in lanes:
        name = topics.source.topic
        lane = Lane(
            MemoryTaskLog(broker, f"lane-{topics.source}", topics.state, limit=limit), topics, rules.lanes[name],
            rules.sets, LaneSettings("set-1", KEY, PARTS[name], 0.0),
        )  # fmt: skip
        _mortal(lane, broker, every)
    city = City(
        MemoryTaskLog(broker, "city", TP("state.city", 0), limit=limit), [t.signals for t in lanes], TP("journal", 0),
        rules.city, rules.sets, CitySettings("set-1", flush_s=0.0), absences={},
    )  # fmt: skip
    _mortal(city, broker, every)
    return broker


def _mortal(task: Any, broker: MemoryBroker, every: int) -> None:
    left, died, idle, take = [every], [0], [0], task.take

    def taken(batch: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            died[0] += 1
            left[0] = every * (1 + died[0])
            raise Indefinite("killed")
        return take(batch)

    def deliver(lane: Any, batch: Any) -> Any:
        return taken(batch)

    if isinstance(task, Lane):
        task._deliver = deliver
    else:
        task.take = taken

    def waited(seconds: float) -> None:
        broker.clock += seconds
        idle[0] += 1
        task.stop = idle[0] > 3

    drive(task.run(), waited)


def signals(broker: MemoryBroker) -> dict[str, list[bytes | None]]:
    """What lanes said of each input, live and in shadow."""
    return {
        str(tp): [v for _, _, v, h in broker.read(tp) if dict(h).get(CE_TYPE) in (SIGNAL_TYPE, SHADOW_TYPE)]
        for tp in sorted(broker.partitions) if tp.topic.startswith("signals.")
    }  # fmt: skip
