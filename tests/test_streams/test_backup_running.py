"""What a backup of a brain that runs on makes of logs that grow, without a broker: the cut, and who is left out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import pytest

from bench.incidents.content import content
from bench.incidents.stand import Kept, city, step
from bench.incidents.workload import Lanes, Workload
from brain.incidents.as_of import AsOf
from streams import backup_running
from streams import pulse as pulses
from streams.backup_files import Part, Record
from streams.backup_running import _Moving, _until
from streams.kafka.connect import KafkaSettings
from streams.log import LogError
from streams.pulse import Pulse
from streams.records import CE_TYPE, SEAL_TYPE, TP, Headers, Seal
from streams.state import HEAD

KEY = b"k" * 16
TOPIC = "incidents.eco"


class Grown(_Moving):
    """A cut whose logs are given."""

    def __init__(self, tmp_path: Path, logs: dict[str, list[Record]]) -> None:
        super().__init__(KafkaSettings("127.0.0.1:1"), tmp_path, "a.", lambda what, n: None, KEY)
        self.logs, self.written = logs, {}

    def follow(self, tp: TP) -> Iterator[Record]:
        """All of a log."""
        yield from self.logs[tp.topic]

    def end(self, tp: TP) -> int:
        """After its last record."""
        end = self.logs[tp.topic][-1].offset + 1
        self.bounds[tp] = 0, end, end
        return end

    def read(self, tp: TP, start: int, end: int) -> Iterator[Record]:
        """A stretch of it."""
        yield from (r for r in self.logs[tp.topic] if start <= r.offset < end)

    def put(self, topic: str, partition: int, records: Iterable[Record], span: tuple[int, int] | None = None) -> None:
        """Keep what would be written."""
        self.written[topic] = list(records)
        self.parts.append(Part(topic, partition, "", len(self.written[topic]), 0, "", *(span or (0, 0))))


class Busy(Grown):
    """A cut whose logs are read."""

    follow = _Moving.follow


def test_a_topic_that_grows_faster_than_it_is_read_ends_the_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = {"a." + TOPIC: [incident(n, b"x", n) for n in range(3)]}
    assert list(Busy(tmp_path, logs).newest(TOPIC, 0)) == [b"x"]
    monkeypatch.setattr(backup_running, "NEAR_S", -1.0)
    with pytest.raises(LogError, match=r"a.incidents.eco/0: grows faster than it is read"):
        Busy(tmp_path, logs).newest(TOPIC, 0)


def incident(offset: int, key: bytes, updated: int, word: str = "") -> Record:
    return Record(offset, offset, key, json.dumps({"updated": updated, "word": word}).encode(), (("h", key),))


def as_of(tmp_path: Path, log: list[Record], standing: dict[bytes, tuple[bytes, Headers]]) -> list[Record]:
    cut = Grown(tmp_path, {"a." + TOPIC: log})
    cut.as_of(TOPIC, 100, AsOf().changed, standing)
    return cut.written[TOPIC]


def test_incidents_are_taken_as_they_were_at_the_flush_of_the_city(tmp_path: Path) -> None:
    over, early, late = incident(3, b"over", 50), incident(4, b"open", 60), incident(9, b"open", 120)
    log = [over, early, incident(7, b"new", 110), late, Record(11, 0, b"grave", None)]
    now: dict[bytes, tuple[bytes, Headers]] = {b"open": (early.value or b"", early.headers)}
    assert as_of(tmp_path, log, now) == [over, early]


def test_of_an_incident_that_changed_later_and_was_compacted_the_state_says_how_it_was(tmp_path: Path) -> None:
    was = incident(0, b"open", 60, "as it was")
    log = [incident(5, b"other", 70), incident(9, b"open", 120)]
    found = as_of(tmp_path, log, {b"open": (was.value or b"", was.headers)})
    assert found == [log[0], Record(9, 9, b"open", was.value, was.headers)]


def test_an_incident_of_the_state_that_is_on_no_topic_is_said(tmp_path: Path) -> None:
    with pytest.raises(LogError, match=r"a.incidents.eco/0: lacks open, which the city's state has"):
        as_of(tmp_path, [incident(1, b"x", 1)], {b"open": (b"{}", ())})


def test_bytes_that_are_no_incident_are_no_time() -> None:
    for value in (b"", b"\xff", b"{}", b'{"updated":"x"}'):
        with pytest.raises(ValueError, match="expected an incident"):
            AsOf().changed(value)


def seal(offset: int, digest: str, before: str) -> Record:
    return Record(offset, 0, b"", msgspec.json.encode(Seal(0, 1, digest, before)), ((CE_TYPE, SEAL_TYPE),))


def test_signals_are_taken_to_the_flush_that_the_lanes_state_is_of() -> None:
    tp, row = TP("a.signals.iot.telemetry", 0), Record(1, 0, b"s", b"{}", ())
    log = [row, seal(2, "b", "a"), Record(3, 0, b"s", b"{}", ()), seal(4, "c", "b")]
    assert _until(tp, log, "b") == log[:2]
    assert _until(tp, log, "c") == log
    assert _until(tp, log, "a") == [], "the lane stands where these begin"
    assert _until(tp, [], "a") == []
    with pytest.raises(LogError, match="last seal z is not in its log"):
        _until(tp, log, "z")


def test_input_is_taken_to_the_copy_of_a_later_pulse_and_a_forged_one_is_a_row(tmp_path: Path) -> None:
    def beat(offset: int, seq: int, key: bytes = KEY) -> Record:
        return Record(offset, 0, None, pulses.encode(Pulse(seq, seq, 0, "s", 0), key), pulses.HEADERS)

    rows = [Record(n, 0, b"a", b"{}", ()) for n in (4, 6, 9)]
    log = [
        rows[0],
        beat(5, 7),
        rows[1],
        beat(7, 9, b"x" * 16),
        beat(8, 8),
        rows[2],
        beat(10, 9),
        Record(11, 0, b"", b""),
    ]
    cut = Grown(tmp_path, {"a.iot.telemetry": log})
    cut.seq = 8
    cut._at[TP("a.iot.telemetry", 0)] = 5
    cut.input("iot.telemetry", 0)
    assert cut.written["iot.telemetry"] == log[1:6]
    assert (cut.parts[-1].start, cut.parts[-1].end) == (5, 10)
    cut._at[TP("a.iot.telemetry", 0)] = 13
    with pytest.raises(LogError, match="the lane stands at 13, the log has 0 to 12"):
        cut.input("iot.telemetry", 0)


async def test_the_citys_state_says_how_open_incidents_stand_on_their_topics() -> None:
    made, spoken = content()
    workload, lanes, log = Workload(3, True, spoken[:80], 100), Lanes(), Kept(all=True)
    task = await city(log, lanes.tps, made)
    for _ in range(20):
        some = []
        for _ in range(100):
            workload.now += 300
            some.append(workload.next())
        await step(task, lanes.batches(some))
    state = {k: v for k, v in log.table.items() if k != HEAD}
    found = {(topic, key): said for topic, mine in AsOf().standing(state).items() for key, said in mine.items()}
    assert len(found) > 100
    assert all(log.records[where] == said for where, said in found.items())
    gone = {where for where, (value, _) in log.records.items() if where[0].startswith("incidents.") and value} - set(
        found
    )
    assert all(json.loads(log.records[where][0] or b"")["state"] == "closed" for where in gone)
