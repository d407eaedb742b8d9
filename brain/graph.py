"""The pipeline as a graph: who writes which topic and who reads it, from the code's own catalogue, rights and lanes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from brain.doctor.code import Said
from brain.sets import CitySet
from brain.settings import Settings
from streams.door import CHANGES
from streams.lane_parts import LaneTopics
from streams.records import TP
from streams.rights import ROLES, SOURCES, rights
from streams.topics import Topic, catalogue

Kind = Literal["source", "topic", "task", "reader"]

CITY, CONDUCTOR = "city", "conductor"
READERS: Final = tuple(role for role in ROLES if role not in SOURCES and role not in ("worker", "operator", "auditor"))
"""Processes of their own beside the worker; operators and auditors are people."""
_NAMES: Final[Mapping[str, Said]] = {
    CITY: Said("城市任务: 归并与派发", "city task: fold and route"),
    CONDUCTOR: Said("指挥者: 心跳与生效集", "conductor: pulse and sets"),
    "screen": Said("大屏", "screen"), "notify": Said("通知", "notify"), "agent": Said("独立智能体", "plain agents"),
}  # fmt: skip
_CITY_WRITES: Final = ("incidents", "incidents-shadow", "audit-shadow", "state.city", "journal", "audit")
"""Topics, or families of topics, that the city task writes."""
_SHARED: Final = 2
"""So many topics of one family with the same neighbours are drawn as one."""


@dataclass
class Node:
    """One box: a topic, a task of the worker, or a process. ``notes`` are further lines of its label."""

    id: str
    kind: Kind
    name: Said
    topics: tuple[str, ...] = ()
    """Names with the prefix, of those drawn as one."""
    partitions: int = 0
    notes: list[Said] = field(default_factory=list)


@dataclass
class Graph:
    """Boxes by id and arrows, in the order in which they were found."""

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: dict[tuple[str, str], None] = field(default_factory=dict)

    def arrow(self, start: str, end: str) -> None:
        """Add one, where both ends are there."""
        if start in self.nodes and end in self.nodes:
            self.edges[start, end] = None

    def after(self, id: str) -> list[str]:
        """Where its arrows lead."""
        return [end for start, end in self.edges if start == id]

    def roots(self) -> list[str]:
        """Boxes that no arrow leads to."""
        led = {end for _, end in self.edges}
        return [id for id in self.nodes if id not in led]


def build(settings: Settings, content: CitySet | None = None) -> Graph:
    """The graph of a brain with these settings; ``content`` is a set, whose scenarios and agents are counted in."""
    g = Graph()
    wanted = catalogue(settings.partitions, settings.prefix)
    for role, topic in SOURCES.items():
        if topic in settings.partitions:
            name = role.removeprefix("source-")
            g.nodes[role] = Node(role, "source", Said(f"来源 {name}", f"source {name}"))
    for t in wanted:
        plain = t.name.removeprefix(settings.prefix)
        g.nodes[plain] = Node(plain, "topic", Said(plain, plain), (t.name,), t.partitions)
    g.nodes[CONDUCTOR] = Node(CONDUCTOR, "task", _NAMES[CONDUCTOR])
    for topic in settings.partitions:
        g.nodes[lane(topic)] = Node(lane(topic), "task", Said(f"分道 {topic}", f"lanes of {topic}"))
    g.nodes[CITY] = Node(CITY, "task", _NAMES[CITY])
    for role in READERS:
        g.nodes[role] = Node(role, "reader", _NAMES.get(role, Said(role, role)))
    _worker(g, settings)
    _others(g, settings, wanted)
    if content is not None:
        _says(g, content)
    return _together(g)


def lane(topic: str) -> str:
    """Id of the box of an input's lanes."""
    return f"lane {topic}"


def _worker(g: Graph, settings: Settings) -> None:
    for topic in settings.partitions:
        of = LaneTopics.of(topic, 0)
        g.arrow(topic, lane(topic))
        for written in (of.signals, of.alarms, of.shadow, of.dead, of.state, of.audit):
            g.arrow(lane(topic), written.topic)
        for read in (of.signals, of.shadow):
            g.arrow(read.topic, CITY)
        g.arrow(CONDUCTOR, topic)
    for id in list(g.nodes):
        if g.nodes[id].kind == "topic" and (id in _CITY_WRITES or id.partition(".")[0] in _CITY_WRITES):
            g.arrow(CITY, id)
    for topic in CHANGES:
        g.arrow(topic, CONDUCTOR)
    g.arrow(CONDUCTOR, "sets")
    g.arrow(CONDUCTOR, "pulse")
    g.arrow("pulse", CITY)


def _others(g: Graph, settings: Settings, wanted: list[Topic]) -> None:
    for right in rights(wanted, settings.group, settings.prefix):
        id = right.name.removeprefix(settings.prefix)
        if id not in g.nodes or g.nodes[id].kind != "topic":  # what a role keeps for itself is not in the catalogue
            continue
        if right.kind != "topic" or (right.role not in SOURCES and right.role not in READERS):
            continue
        if "Read" in right.operations:
            g.arrow(id, right.role)
        if "Write" in right.operations:
            g.arrow(right.role, id)


def _says(g: Graph, content: CitySet) -> None:
    """What the set has each task look for."""
    counts = Counter(SOURCES.get(f"source-{s.source}", "") for s in content.scenarios)
    for topic, n in counts.items():
        id = lane(topic) if topic else CITY
        if id in g.nodes:
            g.nodes[id].notes.append(Said(f"{n} 个场景", f"{n} scenarios"))
    for agent in content.agents:
        if agent.state == "live":
            m = agent.manifest
            id = CITY if m.shape == "city" else lane("iot.telemetry")
            g.nodes[id].notes.append(Said(f"智能体 {m.name.zh}", f"agent {m.id}"))


def _together(g: Graph) -> Graph:
    """Topics of one family with the same neighbours become one box."""
    before: dict[str, set[str]] = defaultdict(set)
    after: dict[str, set[str]] = defaultdict(set)
    for start, end in g.edges:
        before[end].add(start)
        after[start].add(end)
    groups: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for id, node in g.nodes.items():
        if node.kind == "topic":
            groups[id.partition(".")[0], frozenset(before[id]), frozenset(after[id])].append(id)
    stands = {id: id for id in g.nodes}
    for (family, *_), ids in groups.items():
        if len(ids) >= _SHARED:
            for id in ids:
                stands[id] = f"{family}.*"
    out = Graph()
    for id, node in g.nodes.items():
        to = stands[id]
        if to == id:
            out.nodes[id] = node
        elif to in out.nodes:
            one = out.nodes[to]
            one.topics, one.partitions = one.topics + node.topics, one.partitions + node.partitions
        else:
            out.nodes[to] = Node(to, "topic", Said(to, to), node.topics, node.partitions, node.notes)
    for start, end in g.edges:
        out.arrow(stands[start], stands[end])
    return out


def live(
    g: Graph, prefix: str, rates: Mapping[TP, float], lags: Mapping[TP, int], owned: int | None, age_s: float | None
) -> None:
    """Write into the boxes: records a second by partition, lags of lanes, members of the group, age of pulse."""
    by_topic: dict[str, float] = defaultdict(float)
    for tp, rate in rates.items():
        by_topic[tp.topic] += rate
    for node in g.nodes.values():
        if node.kind == "topic":
            rate = sum(by_topic[name] for name in node.topics)
            node.notes.append(Said(f"{rate:,.1f} 条/秒", f"{rate:,.1f} records/s"))
    waiting: Counter[str] = Counter()
    for tp, lag in lags.items():
        waiting[lane(tp.topic.removeprefix(prefix))] += lag
    for id, lag in waiting.items():
        if id in g.nodes:
            g.nodes[id].notes.append(Said(f"积压 {lag:,}", f"lag {lag:,}"))
    if owned is not None:
        g.nodes[CONDUCTOR].notes.append(Said(f"{owned} 个工作进程", f"{owned} workers"))
    if age_s is not None:
        g.nodes[CONDUCTOR].notes.append(Said(f"心跳 {age_s:.1f} 秒前", f"pulse {age_s:.1f} s ago"))
