"""Fold order: one order that no arrival can change."""

import itertools

import msgspec

from streams.city import REPORTED_SETS, City, CitySettings
from streams.memory import MemoryBroker, MemoryTaskLog, drive
from streams.order import FoldOrder
from streams.pulse import BOUND_MS
from streams.records import CE_TYPE, READY_TYPE, SEAL_TYPE, SIGNAL_TYPE, SUMMARY_TYPE, TP, Seal, Signal
from streams.simulate.toy import SETS, ToyCity


def _signal(fold: int, offset: int, index: int = 0) -> Signal:
    return Signal("s", "a", "raise", ("t", 0, offset, index), 0, offset, index, fold, fold, fold)


def _released(order: FoldOrder) -> list[tuple[int, int, int, int]]:
    out = []
    while order.peek() is not None:
        out.append(tuple(order.pop().key))
    return out  # type: ignore[return-value]  # a key is a tuple of four


def test_the_order_of_arrival_of_lanes_does_not_matter() -> None:
    said = [(0, _signal(100, 1)), (0, _signal(300, 2)), (1, _signal(100, 1)), (1, _signal(200, 2)), (2, _signal(50, 9))]
    answers = set()
    for lanes in itertools.permutations(range(3)):
        order = FoldOrder(3)
        for rank in lanes:
            for record, (_, signal) in enumerate(s for s in said if s[0] == rank):
                order.add(rank, signal, record)
            order.seal(rank, 10_000, 50)
        answers.add(tuple(_released(order)))
    assert answers == {((50, 2, 9, 0), (100, 0, 1, 0), (100, 1, 1, 0), (200, 1, 2, 0), (300, 0, 2, 0))}


def test_nothing_is_released_before_every_lane_has_come_past_it_by_the_bound() -> None:
    order = FoldOrder(2)
    order.add(0, _signal(1_000, 1), 0)
    order.seal(0, 9_000, 2)
    assert order.peek() is None
    order.seal(1, 1_000 + BOUND_MS, 2)
    assert order.peek() is None
    order.seal(1, 1_001 + BOUND_MS, 3)
    assert _released(order) == [(1_000, 0, 1, 0)]


def test_an_excluded_lane_keeps_its_place_but_takes_a_later_fold_time() -> None:
    order = FoldOrder(2)
    order.seal(0, 5_000, 10)
    order.seal(1, 30_000, 10)
    assert order.exclude(0).since == 10
    order.add(0, _signal(4_900, 11), 3)
    assert _released(order) == []
    order.seal(0, 40_000, 20)
    absence = order.admit(0)
    assert (absence.until, absence.bound) == (20, 30_000 - BOUND_MS)
    order.seal(1, 60_000, 30)
    assert _released(order) == [(28_000, 0, 11, 0)]


def test_rows_read_but_not_sealed_at_the_exclusion_wait_too() -> None:
    order = FoldOrder(2)
    order.seal(0, 5_000, 10)
    order.add(0, _signal(5_100, 12), 3)
    order.seal(1, 30_000, 10)
    order.exclude(0)
    assert _released(order) == []


def test_a_lane_that_was_out_a_hundred_times_is_remembered_by_what_is_not_released_yet() -> None:
    order = FoldOrder(2)
    for n in range(1, 101):
        now, at = 100_000 * n, 100 * n
        order.seal(0, now, at)
        order.seal(1, now + 30_000, at)
        order.exclude(0)
        order.add(0, _signal(now + 100, at + 1), 3)
        order.settle(0)
        assert len(order.marks[0].absences) == 1, "the lane is out"
        order.seal(0, now + 40_000, at + 20)
        order.admit(0)
        order.settle(0)
        assert len(order.marks[0].absences) == 1, "what it said meanwhile waits still"
        order.seal(1, now + 60_000, at + 30)
        assert len(_released(order)) == 1
        order.settle(0)
        assert not order.marks[0].absences
        order.add(0, _signal(now + 100, at + 1), 3)
        assert not _released(order), "read again after a restart it is known for what was released"


def test_a_restart_reads_again_from_the_oldest_unreleased_record_with_the_pulse_before_it() -> None:
    order = FoldOrder(1)
    order.seal(0, 1_000, 1)
    order.add(0, _signal(9_000, 5), 7)
    order.seal(0, 8_000, 6)
    assert order.resume_at(0, 20) == (7, 1_000)
    order.seal(0, 50_000, 9)
    _released(order)
    assert order.resume_at(0, 20) == (20, 50_000)


def test_after_a_restart_nothing_moves_on_until_what_was_read_is_read_again() -> None:
    order = FoldOrder(1)
    order.marks[0].again = 5
    order.seal(0, 50_000, 9)
    assert order.bound() < 0
    order.marks[0].offset = 5
    assert order.bound() == 50_000 - BOUND_MS


def test_what_was_released_does_not_come_again() -> None:
    order = FoldOrder(1)
    order.add(0, _signal(1_000, 5), 7)
    order.seal(0, 50_000, 6)
    assert len(_released(order)) == 1
    order.add(0, _signal(1_000, 5), 7)
    assert _released(order) == []


def test_a_record_that_no_lane_can_have_written_is_noted_and_does_not_stop_the_city() -> None:
    broker = MemoryBroker()
    lanes = [TP("signals.toy", 0)]
    for kind in (SIGNAL_TYPE, SUMMARY_TYPE, SEAL_TYPE, READY_TYPE):
        broker.produce(lanes[0], None, b"\xff not one of ours", ((CE_TYPE, kind),))
    city = City(
        MemoryTaskLog(broker, "city", TP("state.city", 0)), lanes, TP("journal", 0), ToyCity, SETS.__getitem__,
        CitySettings("s0"),
    )  # fmt: skip
    drive(city.run(), lambda _: setattr(city, "stop", True))
    notes = [msgspec.json.decode(v or b"") for _, _, v, _ in broker.read(TP("audit", 0))]
    assert [n["place"] for n in notes] == [f"signals.toy/0/{n}" for n in range(4)]
    assert {n["what"] for n in notes} == {"signals.unreadable"}


def test_a_signal_of_which_nothing_but_its_place_can_be_read_is_noted_in_its_turn_and_the_next_is_folded() -> None:
    broker = MemoryBroker()
    lane, heads = TP("signals.toy", 0), ((CE_TYPE, SIGNAL_TYPE),)
    good = msgspec.json.encode(msgspec.structs.replace(_signal(1_000, 6), scenario="toy.hot"))
    broker.produce(lane, None, b'{"offset": 5, "index": 0, "fold": 1000, "level": "high"}', heads)
    broker.produce(lane, None, good, heads)
    seal = msgspec.json.encode(Seal(1, 2, "", "", 60_000, position=9))
    broker.produce(lane, None, seal, ((CE_TYPE, SEAL_TYPE),))
    city = City(
        MemoryTaskLog(broker, "city", TP("state.city", 0)), [lane], TP("journal", 0), ToyCity, SETS.__getitem__,
        CitySettings("s0"),
    )  # fmt: skip
    drive(city.run(), lambda _: setattr(city, "stop", True))
    notes = [msgspec.json.decode(v or b"") for _, _, v, _ in broker.read(TP("audit", 0))]
    assert [(n["what"], n["place"]) for n in notes] == [("signals.unreadable", "signals.toy/0/0")]
    assert city.order.last[2] == 6


def test_reports_of_sets_are_kept_of_the_last_few_alone() -> None:
    broker = MemoryBroker()
    lanes = [TP("signals.toy", 0)]
    for n in range(3 * REPORTED_SETS):
        for report in (f"set-{n}", f"!set-{n} it cannot be read"):
            broker.produce(lanes[0], None, report.encode(), ((CE_TYPE, READY_TYPE),))
    city = City(
        MemoryTaskLog(broker, "city", TP("state.city", 0)), lanes, TP("journal", 0), ToyCity, SETS.__getitem__,
        CitySettings("s0"),
    )  # fmt: skip
    drive(city.run(), lambda _: setattr(city, "stop", True))
    last = [f"set-{n}" for n in range(2 * REPORTED_SETS, 3 * REPORTED_SETS)]
    assert list(city.ready) == list(city.refused) == last
