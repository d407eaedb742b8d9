"""The auditor over histories of two lanes that share partitions: sound ones, and ones with a single fault."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from streams.audit import UNSEALED_AFTER_MS, Auditor, Finding, Kind
from streams.lane import Lane, LaneSettings, LaneTopics
from streams.memory import MemoryBroker, MemoryTaskLog, drive
from streams.records import CE_TYPE, SEAL_TYPE, SIGNAL_TYPE, TP, Batch, Headers, Seal
from streams.seal import Digest, seal_key
from streams.simulate.toy import SETS, ToyLane

A, B = LaneTopics.of("iot.telemetry", 0), LaneTopics.of("hotline.tickets", 0)
DEAD, JOURNAL = A.dead, A.journal
SEAL: Headers = ((CE_TYPE, SEAL_TYPE),)
SIGNAL: Headers = ((CE_TYPE, SIGNAL_TYPE),)

Row = tuple[bytes | None, bytes | None, Headers]


@dataclass
class History:
    """What two lanes wrote, partition by partition, and what their heads say at the end."""

    logs: dict[TP, list[Row]] = field(default_factory=dict)
    flushes: dict[LaneTopics, int] = field(default_factory=dict)
    seals: dict[LaneTopics, dict[str, str]] = field(default_factory=dict)
    number: int = 0

    def flush(self, lane: LaneTopics, signals: int = 1, dead: int = 0, skips: int = 0) -> dict[TP, list[Row]]:
        """One transaction, not written yet."""
        name = str(lane.source).encode()
        out: dict[TP, list[Row]] = {lane.signals: [(None, self._new(), SIGNAL) for _ in range(signals)]}
        if dead:
            out[lane.dead] = [(name + b"/%d" % n, self._new(), (("reason", b"late"),)) for n in range(dead)]
        if skips:
            out[lane.journal] = [(name, self._new(), ()) for _ in range(skips)]
        self.flushes[lane] = self.flushes.get(lane, 0) + 1
        for tp, rows in out.items():
            digest = Digest()
            for row in rows:
                digest.add(*row)
            mine = self.seals.setdefault(lane, {})
            seal = Seal(self.flushes[lane], len(rows), "", mine.get(str(tp), ""))
            if tp == lane.signals:
                seal.pulse, seal.position, seal.sets = self.flushes[lane] * 1000, self.number, [(1, "s")]
            mine[str(tp)] = seal.digest = digest.sealed(seal)
            rows.append((seal_key(str(lane.source)), msgspec.json.encode(seal), SEAL))
        return out

    def write(self, *flushes: dict[TP, list[Row]], riffle: bool = False) -> None:
        """Append transactions; riffled: their records take turns where they meet in one partition."""
        for tp in sorted({tp for f in flushes for tp in f}):
            parts = [list(f.get(tp, ())) for f in flushes]
            log = self.logs.setdefault(tp, [])
            while any(parts):
                for part in parts:
                    take = 1 if riffle else len(part)
                    log += part[:take]
                    del part[:take]

    def _new(self) -> bytes:
        self.number += 1
        return b'{"n":%d}' % self.number


def audited(history: History, size: int = 1 << 30, start: int = 0, *, heads: bool = True) -> list[Finding]:
    auditor = Auditor([A, B])
    if heads:
        for lane, seals in history.seals.items():
            auditor.head(lane.source, history.flushes[lane], seals)
    found: list[Finding] = []
    for tp, log in history.logs.items():
        at = start
        auditor.begin(tp, whole=start == 0)
        while at < len(log):
            part = log[at : at + size]
            rows = [(at + i, 1000 + at + i, *row) for i, row in enumerate(part)]
            found += auditor.take(Batch.of(tp, at, at + len(part), rows))
            at += len(part)
    auditor.now += UNSEALED_AFTER_MS + 1
    found += auditor.judge(auditor.sealed, heads=heads)
    assert sum(auditor.totals.findings.values()) == len(found)
    return found


def kinds(history: History, **how: int) -> list[Kind]:
    return [finding.kind for finding in audited(history, **how)]


def three_flushes() -> History:
    history = History()
    for n in (2, 3, 1):
        history.write(history.flush(A, n))
    return history


def test_a_sound_history_has_no_finding() -> None:
    assert audited(three_flushes()) == []


def test_a_missing_record_makes_its_flush_torn_and_the_finding_says_where() -> None:
    history = three_flushes()
    del history.logs[A.signals][4]
    (finding,) = audited(history)
    assert (finding.kind, finding.where, finding.since, finding.offset) == (Kind.TORN, A.signals, 3, 5)
    assert (finding.expected, finding.got) == ("3 records before the seal", "2")
    assert finding.about == "iot.telemetry/0"


def test_a_record_that_is_there_twice_makes_its_flush_torn() -> None:
    history = three_flushes()
    history.logs[A.signals].insert(1, history.logs[A.signals][0])
    assert kinds(history) == [Kind.TORN]


def test_records_in_another_order_are_found() -> None:
    history = three_flushes()
    log = history.logs[A.signals]
    log[3], log[4] = log[4], log[3]
    assert kinds(history) == [Kind.ALTERED]


def test_a_byte_that_moved_from_one_record_to_the_next_is_found() -> None:
    history = History()
    history.write(history.flush(A, 2))
    log = history.logs[A.signals]
    first, second = log[0][1] or b"", log[1][1] or b""
    log[0], log[1] = (None, first + second[:1], SIGNAL), (None, second[1:], SIGNAL)
    assert kinds(history) == [Kind.ALTERED]


def test_a_changed_header_of_a_dead_letter_is_found() -> None:
    history = History()
    history.write(history.flush(A, dead=1))
    key, value, _ = history.logs[DEAD][0]
    history.logs[DEAD][0] = (key, value, (("reason", b"future"),))
    assert kinds(history) == [Kind.ALTERED]


@pytest.mark.parametrize("empty", [False, True])
def test_a_lost_flush_is_found_by_the_one_after_it_even_if_it_wrote_nothing(empty: bool) -> None:
    history = History()
    for n in (1, 0 if empty else 2, 0):
        history.write(history.flush(A, n))
    log = history.logs[A.signals]
    del log[2 : 3 if empty else 5]
    (finding,) = audited(history)
    assert (finding.kind, finding.offset) == (Kind.LOST_FLUSH, 2)
    assert "(flush 1)" in finding.expected


def test_a_flush_that_is_there_twice_is_found() -> None:
    history = three_flushes()
    history.logs[A.signals] += history.logs[A.signals][-2:]
    assert Kind.REPEATED_FLUSH in kinds(history)


def test_a_lost_last_flush_is_found_by_what_the_lanes_head_says() -> None:
    history = three_flushes()
    del history.logs[A.signals][-2:]
    assert kinds(history) == [Kind.LOST_TAIL]
    assert audited(history, heads=False) == [], "the partition alone cannot tell"


def test_records_whose_seal_never_comes_are_found_once_though_time_goes_on() -> None:
    history = three_flushes()
    del history.logs[A.signals][-1]
    auditor = Auditor([A])
    rows = [(i, 1000, *row) for i, row in enumerate(history.logs[A.signals])]
    assert auditor.take(Batch.of(A.signals, 0, len(rows), rows)) == []
    assert auditor.judge([A.signals]) == []
    auditor.now += UNSEALED_AFTER_MS + 1
    (finding,) = auditor.judge([A.signals])
    assert (finding.kind, finding.offset) == (Kind.UNSEALED, 7)
    assert auditor.judge([A.signals]) == []


def test_two_lanes_whose_transactions_interleave_in_one_partition_are_told_apart() -> None:
    history = History()
    history.write(history.flush(A, dead=3, skips=1), history.flush(B, dead=2, skips=2), riffle=True)
    history.write(history.flush(B, dead=1), history.flush(A, dead=2), riffle=True)
    names = [(key or b"").split(b"/")[0] for key, _, _ in history.logs[DEAD][:4]]
    assert names == [b"iot.telemetry", b"hotline.tickets"] * 2, "they do interleave"
    assert audited(history) == []
    del history.logs[DEAD][1]
    (finding,) = audited(history)
    assert (finding.kind, finding.about) == (Kind.TORN, "hotline.tickets/0")


def test_the_city_tasks_own_journal_entries_have_no_seal_and_disturb_none() -> None:
    history = History()
    history.write(history.flush(A, skips=1))
    history.logs[JOURNAL].insert(1, (str(B.signals).encode(), b'{"lane":"signals.hotline.tickets/0"}', ()))
    assert audited(history) == []


def test_a_record_that_no_lane_here_can_have_written_is_foreign() -> None:
    history = History()
    history.write(history.flush(A, dead=1))
    history.logs[DEAD].append((b"iot.telemetry/7/12", b"{}", ()))
    history.logs[A.signals].append((seal_key(str(B.source)), b"{}", SEAL))
    found = audited(history)
    assert [(f.kind, f.where) for f in found] == [(Kind.FOREIGN, DEAD), (Kind.FOREIGN, A.signals)]


def test_a_seal_that_is_no_seal_is_a_finding_and_not_the_end_of_the_auditor() -> None:
    history = three_flushes()
    key, _, _ = history.logs[A.signals][2]
    history.logs[A.signals][2] = (key, b"\xff{", SEAL)
    assert kinds(history)[:2] == [Kind.UNREADABLE, Kind.LOST_FLUSH]


def test_reading_from_mid_log_takes_the_first_seal_as_given_and_checks_from_there() -> None:
    history = three_flushes()
    for start in range(1, len(history.logs[A.signals])):
        assert audited(history, start=start) == []
    del history.logs[A.signals][7]
    assert kinds(history, start=4) == [Kind.TORN]


def test_in_mid_log_the_first_seal_must_follow_the_last_one_that_the_head_names() -> None:
    history = three_flushes()
    log, seals = history.logs[A.signals], history.seals[A]
    middle = msgspec.json.decode(log[6][1] or b"", type=Seal)
    for flush, digest, kind in ((2, middle.digest, []), (2, "another", [Kind.LOST_TAIL])):
        seals[str(A.signals)], history.flushes[A] = digest, flush
        assert kinds(history, start=7) == kind


def test_a_topic_made_anew_under_a_lane_that_goes_on_is_found_at_its_first_seal() -> None:
    history = three_flushes()
    history.logs[A.signals] = history.logs[A.signals][3:]
    assert kinds(history) == [Kind.LOST_FLUSH]


def test_what_a_real_lane_writes_holds_and_its_head_agrees() -> None:
    broker = MemoryBroker()
    topics = LaneTopics.of("in", 0)
    for i in range(60):
        values = [(name, 1_000_000 + i * 500, 20.0 if i % 8 < 5 else 1.0) for name in ("a", "f")]
        broker.produce(topics.source, b"k", msgspec.json.encode({"v": values}) if i % 7 else b"{", (), 1_000_000 + i)
    log = MemoryTaskLog(broker, "lane", topics.state, limit=3)
    lane = Lane(log, topics, ToyLane, SETS.__getitem__, LaneSettings("s0", b"", flush_bytes=1))
    drive(lane.run(), lambda _: setattr(lane, "stop", True))
    auditor = Auditor([topics])
    auditor.head(topics.source, lane.head.flush, lane.head.seals)
    found = []
    for tp in auditor.sealed:
        found += auditor.take(Batch.of(tp, 0, 1 << 40, [(o, 0, k, v, h) for o, k, v, h in broker.read(tp)]))
    assert found + auditor.judge(auditor.sealed, heads=True) == []
    assert auditor.totals.seals > 10
    assert auditor.totals.records > 10
    assert auditor.totals.unverified == 0


@st.composite
def histories(draw: st.DrawFn) -> History:
    history = History()
    small = st.integers(0, 3)
    for _ in range(draw(st.integers(1, 6))):
        lanes = draw(st.sampled_from(([A], [B], [A, B], [B, A])))
        flushes = [history.flush(lane, draw(small), draw(small), draw(st.integers(0, 1))) for lane in lanes]
        history.write(*flushes, riffle=draw(st.booleans()))
    return history


@given(histories(), st.integers(1, 5))
def test_a_sound_history_has_no_finding_however_it_is_cut_into_batches(history: History, size: int) -> None:
    assert audited(history, size) == []


@given(histories(), st.integers(1, 8))
def test_a_sound_history_has_no_finding_wherever_reading_begins(history: History, start: int) -> None:
    assert audited(history, start=start, heads=False) == []


@given(histories(), st.data())
def test_any_single_deletion_is_found(history: History, data: st.DataObject) -> None:
    log = history.logs[data.draw(st.sampled_from(sorted(history.logs)))]
    del log[data.draw(st.integers(0, len(log) - 1))]
    assert audited(history)


@given(histories(), st.data())
def test_any_single_repetition_is_found_wherever_it_stands(history: History, data: st.DataObject) -> None:
    log = history.logs[data.draw(st.sampled_from(sorted(history.logs)))]
    which = data.draw(st.integers(0, len(log) - 1))
    log.insert(data.draw(st.integers(which, len(log))), log[which])
    assert audited(history)


@given(histories(), st.data())
def test_any_single_alteration_is_found(history: History, data: st.DataObject) -> None:
    log = history.logs[data.draw(st.sampled_from(sorted(history.logs)))]
    which = data.draw(st.integers(0, len(log) - 1))
    key, value, headers = log[which]
    assert value is not None
    if headers == SEAL:
        seal = msgspec.json.decode(value, type=Seal)
        name = data.draw(st.sampled_from(("flush", "count", "digest", "before", "pulse", "seq", "position", "sets")))
        other: object = data.draw(st.integers(0, 99))
        if name in {"digest", "before"}:
            other = f"{other}"
        elif name == "sets":
            other = [(other, "other")]
        assume(getattr(seal, name) != other)
        log[which] = (key, msgspec.json.encode(msgspec.structs.replace(seal, **{name: other})), headers)
    else:
        place = data.draw(st.integers(0, len(value) - 1))
        changed = data.draw(st.sampled_from(("value", "cut", "null", "headers", "key")))
        if changed == "value":
            value = value[:place] + bytes([value[place] ^ 1]) + value[place + 1 :]
        elif changed == "headers":
            headers = (*headers, ("more", b""))
        elif changed == "key":
            key = (key or b"") + b"0"
        log[which] = (key, value[:place] if changed == "cut" else None if changed == "null" else value, headers)
    assert audited(history)


def test_what_tools_agents_and_the_city_write_beside_the_lanes_has_no_seal_and_disturbs_none() -> None:
    history, auditor = History(), Auditor([A, B])
    history.write(history.flush(A, dead=1, skips=1))
    beside: list[tuple[TP, bytes]] = [
        (A.dead, b"signals.iot.telemetry/0/17"), (A.dead, b"incidents.emergency/0/3"),
        (A.journal, b"recover"), (A.audit, b"city"), (A.audit, b"recover"), (A.audit, b"iot.telemetry/1/4711"),
    ]  # fmt: skip
    found = [f for tp, key in beside for f in auditor.record(tp, 0, 0, key, b"{}", ())]
    assert found == []
    stranger = auditor.record(A.audit, 1, 0, b"iot.telemetry/9", b"{}", ())
    assert [f.kind for f in stranger] == [Kind.FOREIGN]


def test_a_lanes_notes_on_the_audit_topic_are_part_of_its_chain() -> None:
    auditor = Auditor([A])
    digest = Digest()
    digest.add(b"iot.telemetry/0", b"{}")
    seal = Seal(1, 1, "", "")
    seal.digest = digest.sealed(seal)
    auditor.begin(A.audit, whole=True)
    auditor.record(A.audit, 0, 0, b"iot.telemetry/0", b"{ }", ())
    found = auditor.record(A.audit, 1, 0, seal_key("iot.telemetry/0"), msgspec.json.encode(seal), SEAL)
    assert [f.kind for f in found] == [Kind.ALTERED]
