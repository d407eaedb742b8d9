"""The real pipeline over a drill: three lanes and the city task on the memory log, fed as they fetch.

Only what reads the input differs from live: a log that makes its records when they are asked for (:class:`FedLog`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import msgspec

from brain.incidents.city import CityLogic
from brain.incidents.value import Incident
from brain.pipeline import LANES
from brain.sets import CitySet
from streams.city import City, CitySettings
from streams.lane import Lane, LaneSettings, LaneTopics
from streams.log import OffsetGone
from streams.memory import MemoryBroker, MemoryTaskLog, drive
from streams.records import CE_TYPE, SIGNAL_TYPE, TP, Batch, Signal

KEY = b"drill"
"""Signs the pulses of a log that nobody else reads."""
FOREVER_S = 1e9
BEATS_A_MINUTE = 12
INPUTS = ("iot.telemetry", "video.metadata", "hotline.tickets")


class FedLog(MemoryTaskLog):
    """The log port of a lane whose input is made as it is read, once, from its beginning to its end.

    A restart would need what is gone: any other position than the next is OffsetGone.
    """

    def __init__(self, broker: MemoryBroker, topics: LaneTopics, feed: Iterator[Batch]) -> None:
        super().__init__(broker, f"lane-{topics.source}", topics.state)
        self._source, self._feed, self._next = topics.source, feed, 0

    def _fetch(self, positions: Mapping[TP, int]) -> list[Batch]:
        if positions[self._source] != self._next:
            raise OffsetGone(f"{self._source}: a drill's records are read once; wanted {positions[self._source]}")
        batch = next(self._feed, None)
        if batch is None:
            return []
        self._next = batch.next
        return [batch]


@dataclass(frozen=True)
class Ran:
    """What came out: signals in fold order, the last revision of every incident by id, dead letters by reason, and
    how many records of each input were read."""

    signals: list[Signal]
    incidents: list[Incident]
    dead: dict[str, int]
    records: dict[str, int]


Progress = Callable[[str, int], None]
"""Told of each batch: the input's topic, and how many minutes of the drill it was."""


def run(
    content: CitySet, feeds: Mapping[str, Callable[[TP, str], Iterator[Batch]]], told: Progress | None = None
) -> Ran:
    """Run a set over feeds: input topic → what makes its batches, given the partition and the set's id."""
    sets = {content.id: content}.__getitem__
    broker, lanes, records = MemoryBroker(), list[LaneTopics](), dict[str, int]()
    for topic in INPUTS:
        topics = LaneTopics.of(topic, 0)
        feed = _counted(topic, feeds[topic](topics.source, content.id), records, told)
        log = FedLog(broker, topics, feed)
        lane = Lane(log, topics, LANES[topic], sets, LaneSettings(content.id, KEY, 1, FOREVER_S))
        drive(lane.run(), lambda _, lane=lane: setattr(lane, "stop", True))  # type: ignore[misc]  # binds the loop's lane
        lanes.append(topics)
    city = City(
        MemoryTaskLog(broker, "city", TP("state.city", 0)), [topics.signals for topics in lanes], TP("journal", 0),
        lambda: CityLogic(sets=sets), sets, CitySettings(content.id, flush_s=FOREVER_S), absences={},
    )  # fmt: skip
    drive(city.run(), lambda _: setattr(city, "stop", True))
    return Ran(_signals(broker, lanes), _incidents(broker), _dead(broker), records)


def _counted(topic: str, feed: Iterator[Batch], records: dict[str, int], told: Progress | None) -> Iterator[Batch]:
    records[topic], beats = 0, 0
    for batch in feed:
        yield batch
        records[topic] += len(batch) - len(batch.headers)
        minutes, beats = divmod(beats + len(batch.headers), BEATS_A_MINUTE)
        if told is not None:
            told(topic, minutes)


def _signals(broker: MemoryBroker, lanes: list[LaneTopics]) -> list[Signal]:
    out = []
    for rank, lane in enumerate(lanes):
        for offset, _, value, headers in broker.read(lane.signals):
            if value is not None and dict(headers).get(CE_TYPE) == SIGNAL_TYPE:
                signal = msgspec.json.decode(value, type=Signal)
                out.append(((signal.fold, rank, offset), signal))
    return [signal for _, signal in sorted(out, key=lambda one: one[0])]


def _incidents(broker: MemoryBroker) -> list[Incident]:
    last: dict[bytes, bytes] = {}
    for tp in sorted(broker.partitions):
        if tp.topic.startswith("incidents."):
            for _, key, value, _ in broker.read(tp):
                if value is not None:
                    last[key or b""] = value
    return [msgspec.json.decode(last[name], type=Incident) for name in sorted(last)]


def _dead(broker: MemoryBroker) -> dict[str, int]:
    out: dict[str, int] = {}
    for tp in sorted(broker.partitions):
        if tp.topic == "deadletter":
            for _, _, value, headers in broker.read(tp):
                heads = dict(headers)
                if CE_TYPE not in heads and value is not None:
                    reason = heads.get("reason", b"").decode()
                    out[reason] = out.get(reason, 0) + 1
    return out
