"""One lane on the memory log: whole or not at all, and the same however its log is cut."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from streams import pulse as pulses
from streams.fold_times import FOLD_TABLE
from streams.lane import Lane, LaneSettings, LaneTopics, PartitionsChanged, SetMissing
from streams.log import Indefinite, OffsetGone
from streams.memory import MemoryBroker, MemoryTaskLog, drive
from streams.pulse import Pulse
from streams.records import AUDIT_TYPE, CE_TYPE, SIGNAL_TYPE, TP, Write
from streams.simulate.toy import SETS, Killed, ToyLane

KEY = b"test"
TOPICS = LaneTopics.of("in", 0)
T0 = 1_000_000


def _put(broker: MemoryBroker, t: int, *values: tuple[str, int, float], do: str = "") -> None:
    broker.produce(TOPICS.source, b"k", msgspec.json.encode({"v": values, "do": do}), (), t)


def _pulse(broker: MemoryBroker, seq: int, time: int, set_id: str = "s0", up: int | None = None) -> None:
    value = pulses.encode(Pulse(seq, time, time - T0 if up is None else up, set_id, 0), KEY)
    broker.produce(TOPICS.source, None, value, pulses.HEADERS, time)


def _run(broker: MemoryBroker, limit: int = 4096, flush_bytes: int = 1, **more: Any) -> Lane:
    log = MemoryTaskLog(broker, "lane", TOPICS.state, limit=limit)
    sets: Callable[[str], Any] = more.pop("sets", SETS.__getitem__)
    lane = Lane(log, TOPICS, ToyLane, sets, LaneSettings("s0", KEY, flush_bytes=flush_bytes), **more)
    drive(lane.run(), lambda _: setattr(lane, "stop", True))
    return lane


def _signals(broker: MemoryBroker) -> list[bytes]:
    return [v or b"" for _, _, v, h in broker.read(TOPICS.signals) if (CE_TYPE, SIGNAL_TYPE) in h]


def _reasons(broker: MemoryBroker) -> list[tuple[str, str]]:
    heads = [dict(h) for _, _, _, h in broker.read(TOPICS.dead) if CE_TYPE not in dict(h)]
    return [(h["offset"].decode(), h["reason"].decode()) for h in heads]


def _log(broker: MemoryBroker, raising: str = "") -> None:
    for i in range(40):
        t = T0 + i * 500
        if i % 2 == 0:
            _pulse(broker, i, t, "s1" if i >= 20 else "s0")
        _put(broker, t, ("a", t, 20.0 if i % 8 < 5 else 1.0), ("f", t - i % 3, 15.0 if i % 6 < 3 else 3.0),
             do=raising if i == 9 else "")  # fmt: skip


@pytest.mark.parametrize("raising", ["", "raise"])
def test_the_same_signals_however_the_log_is_cut_into_batches_and_flushes(raising: str) -> None:
    answers = []
    for limit, size in ((4096, 1 << 30), (1, 1), (3, 1), (7, 500)):
        broker = MemoryBroker()
        _log(broker, raising)
        _run(broker, limit, size)
        answers.append((_signals(broker), sorted(_reasons(broker))))
    assert len(answers[0][0]) > 10
    assert all(answer == answers[0] for answer in answers)


def test_a_lane_started_again_goes_on_where_its_last_flush_stood() -> None:
    whole, twice = MemoryBroker(), MemoryBroker()
    _log(whole)
    _run(whole)
    _log(twice)
    rest = twice.partition(TOPICS.source).records[25:]
    part = twice.partition(TOPICS.source)
    part.records, part.end = part.records[:25], rest[0].offset
    _run(twice, 4)
    part.records += rest
    part.end = rest[-1].offset + 1
    _run(twice, 4)
    assert _signals(twice) == _signals(whole)


def test_who_was_raised_once_keeps_no_place_in_fold_order_for_ever() -> None:
    def kept(names: int) -> int:
        broker = MemoryBroker()
        for n in range(names):
            t = T0 + n * 1000
            _pulse(broker, n, t)
            for at in (t, t + 900):
                _put(broker, at, (f"a{n}", at, 20.0))
        lane = _run(broker)
        assert len(_signals(broker)) > names // 2
        return lane.store.table(FOLD_TABLE).n

    assert kept(60) == kept(15) < 6


def test_a_row_that_raises_is_one_dead_letter_and_leaves_no_half() -> None:
    with_it, without = MemoryBroker(), MemoryBroker()
    for broker in (with_it, without):
        _pulse(broker, 0, T0)
        _put(broker, T0, ("a", T0, 20.0))
        if broker is with_it:
            _put(broker, T0, ("a", T0 + 900, 1.0), ("b", T0, 1.0), do="raise")
        else:
            _put(broker, T0)
        _put(broker, T0, ("a", T0 + 1600, 20.0))
        _run(broker)
    assert _reasons(with_it) == [("2", "agent_error")]
    assert len(_signals(with_it)) == 1
    assert _signals(with_it) == _signals(without)


def test_a_row_that_kills_is_isolated_after_three_deaths_and_journalled() -> None:
    broker = MemoryBroker()
    _pulse(broker, 0, T0)
    _put(broker, T0, ("a", T0, 20.0))
    _put(broker, T0, ("a", T0 + 1, 20.0), do="kill")
    _put(broker, T0, ("a", T0 + 2000, 20.0))

    def probe(attempt: Callable[[], object]) -> bool:
        rows = lane_of[0]
        try:
            attempt()
        except Killed:
            return False
        finally:
            rows._rollback()
        return True

    lane_of: list[Lane] = []
    for _ in range(3):
        with pytest.raises(Killed):
            _run(broker)
    log = MemoryTaskLog(broker, "lane", TOPICS.state)
    lane = Lane(log, TOPICS, ToyLane, SETS.__getitem__, LaneSettings("s0", KEY), probe=probe)
    lane_of.append(lane)
    drive(lane.run(), lambda _: setattr(lane, "stop", True))
    assert _reasons(broker) == [("2", "poison")]
    journal = [v for _, _, v, h in broker.read(TP("journal", 0)) if not h]
    assert journal == [b'{"lane":"in/0","skip":2}']
    assert len(_signals(broker)) == 1


def test_a_forged_or_repeated_pulse_changes_nothing() -> None:
    plain, disturbed = MemoryBroker(), MemoryBroker()
    for broker in (plain, disturbed):
        _put(broker, T0, ("a", T0, 1.0))
        _pulse(broker, 0, T0)
        if broker is disturbed:
            forged = pulses.encode(Pulse(9, T0 + 60_000, 60_000, "s1", 0), b"not the key")
            broker.produce(TOPICS.source, None, forged, pulses.HEADERS, T0)
            _pulse(broker, 0, T0)
        for i in range(1, 4):
            _pulse(broker, i, T0 + i * 1000)
        _run(broker)
        assert not _signals(broker)
    assert _reasons(disturbed) == [("2", "forged_pulse")]


def test_a_gap_without_rows_is_one_signal_and_no_absence() -> None:
    broker = MemoryBroker()
    _pulse(broker, 0, T0)
    _put(broker, T0, ("a", T0, 1.0), ("b", T0, 1.0))
    _pulse(broker, 1, T0 + 1000)
    _pulse(broker, 2, T0 + 61_000)
    _run(broker)
    said = [(s["scenario"], s["kind"]) for s in map(msgspec.json.decode, _signals(broker))]
    assert said == [("system.inputs_down", "raise"), ("system.inputs_down", "clear")]


def test_a_pulse_that_names_a_set_that_is_not_here_stops_the_lane() -> None:
    broker = MemoryBroker()
    _pulse(broker, 0, T0, "s1")
    with pytest.raises(SetMissing, match="s1"):
        _run(broker, sets={"s0": SETS["s0"]}.__getitem__)
    assert not _reasons(broker)


def test_a_life_signal_is_on_the_alarms_topic_too_in_the_same_transaction() -> None:
    broker = MemoryBroker()
    _pulse(broker, 0, T0, "s1")
    _put(broker, T0, ("f", T0, 20.0))
    _run(broker)
    alarms = [v for _, _, v, h in broker.read(TOPICS.alarms) if (CE_TYPE, SIGNAL_TYPE) in h]
    assert alarms == _signals(broker)


def test_a_gap_with_rows_in_it_is_a_note_for_people_and_no_signal() -> None:
    broker = MemoryBroker()
    _pulse(broker, 0, T0)
    _put(broker, T0, ("a", T0, 1.0))
    _pulse(broker, 1, T0 + 9_000)
    _run(broker)
    assert _signals(broker) == []
    notes = [msgspec.json.decode(v or b"") for _, _, v, h in broker.read(TOPICS.audit) if (CE_TYPE, AUDIT_TYPE) in h]
    assert [(n["what"], n["gap_ms"], n["rows"]) for n in notes] == [("pulse.gap", 9_000, 1)]


class _DeadLetterIsFull(MemoryTaskLog):
    """Refuses every transaction that writes a dead letter, as a topic without space or permission would."""

    full = True

    async def commit(self, writes: Sequence[Write]) -> None:
        if self.full and any(w.to == TOPICS.dead for w in writes):
            raise Indefinite("the dead letter topic takes nothing")
        await super().commit(writes)


def test_a_fire_goes_out_before_a_bad_row_whose_dead_letter_cannot_be_written() -> None:
    broker = MemoryBroker()
    _pulse(broker, 0, T0, "s1")
    _put(broker, T0, ("f", T0, 20.0))
    broker.produce(TOPICS.source, b"k", b"junk", (), T0)
    _put(broker, T0, ("f2", T0, 20.0))
    log = _DeadLetterIsFull(broker, "lane", TOPICS.state)
    lane = Lane(log, TOPICS, ToyLane, SETS.__getitem__, LaneSettings("s0", KEY))
    task, failures, value, send = lane.run(), 0, None, None
    send = task.send
    while failures < 6:  # the lane comes back to the bad row again and again, and never past it
        step = send(value)
        if step.name == "restore":
            failures += 1
        broker.clock += 0.1
        send, value = task.send, step.action()
    assert [s["asset"] for s in map(msgspec.json.decode, _signals(broker))] == ["f"]
    assert len([1 for *_, h in broker.read(TOPICS.alarms) if (CE_TYPE, SIGNAL_TYPE) in h]) == 1
    log.full = False
    task.close()
    _run(broker)
    assert [s["asset"] for s in map(msgspec.json.decode, _signals(broker))] == ["f", "f2"]
    assert _reasons(broker) == [("2", "not_json")]


class _CutOnce(MemoryTaskLog):
    """Loses the first transaction that has a signal."""

    cut_yet = False

    async def commit(self, writes: Sequence[Write]) -> None:
        if not self.cut_yet and any(w.to == TOPICS.signals for w in writes):
            self.cut_yet = True
            raise Indefinite("cut")
        await super().commit(writes)


class _Told:
    """Keeps what flushes say they raised, and where each recovery stands."""

    def __init__(self) -> None:
        self.raises: list[dict[tuple[str, bool], int]] = []
        self.stood: list[int] = []

    def progress(self, lane: Lane, event: str, amount: float = 1.0, label: str = "") -> None:
        if event == "flush":
            self.raises.append(dict(lane.meter.raises))
        elif event == "restored":
            self.stood.append(lane.head.position)


def test_what_was_worked_again_after_a_cut_is_told_once_and_from_where_it_went_on() -> None:
    broker, told = MemoryBroker(), _Told()
    _pulse(broker, 0, T0, "s1")
    _put(broker, T0, ("a", T0, 20.0))
    log = _CutOnce(broker, "lane", TOPICS.state)
    lane = Lane(log, TOPICS, ToyLane, SETS.__getitem__, LaneSettings("s0", KEY, flush_bytes=1), told)
    drive(lane.run(), lambda _: setattr(lane, "stop", log.cut_yet))
    _run(broker, observer=told)
    assert sum(sum(raises.values()) for raises in told.raises) == 1
    assert told.stood == [0, 0, 2]


def test_losing_the_connection_is_no_death_and_three_such_make_no_row_suspect() -> None:
    broker = MemoryBroker()
    _pulse(broker, 0, T0)
    _put(broker, T0, ("a", T0, 1.0))
    _run(broker)
    log = MemoryTaskLog(broker, "lane", TOPICS.state)
    lane = Lane(log, TOPICS, ToyLane, SETS.__getitem__, LaneSettings("s0", KEY))
    for _ in range(5):
        drive(lane.recover())
    assert lane.head.attempts == 1


def test_state_of_another_count_of_partitions_or_of_another_log_is_refused_with_the_way_out() -> None:
    broker = MemoryBroker()
    _pulse(broker, 0, T0)

    def start(partitions: int, log: str) -> None:
        lane = Lane(
            MemoryTaskLog(broker, "lane", TOPICS.state), TOPICS, ToyLane, SETS.__getitem__,
            LaneSettings("s0", KEY, partitions, log=log),
        )  # fmt: skip
        drive(lane.run(), lambda _: setattr(lane, "stop", True))

    start(4, "")
    start(4, "first-log")
    start(4, "")  # not known is not another
    with pytest.raises(PartitionsChanged, match=r"with 4 partitions of in, now there are 8.*another prefix"):
        start(8, "first-log")
    with pytest.raises(OffsetGone, match=r"made anew.*another prefix"):
        start(4, "second-log")
