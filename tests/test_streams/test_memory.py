"""The log in memory behaves as Kafka's: transactions, fencing, the last stable offset, compaction."""

import pytest

from streams.log import Indefinite, NotOwner, OffsetGone
from streams.memory import MemoryBroker, MemoryTaskLog, drive
from streams.records import TP, Write

OUT, STATE = TP("out", 0), TP("state", 0)


def _values(broker: MemoryBroker) -> list[bytes | None]:
    return [value for _, _, value, _ in broker.read(OUT)]


def test_an_open_transaction_holds_back_what_comes_after_it() -> None:
    broker = MemoryBroker()
    epoch = broker.init("a")
    broker.send("a", epoch, [Write(OUT, None, b"1")])
    broker.produce(OUT, None, b"2")
    assert _values(broker) == []
    broker.end("a", epoch)
    assert _values(broker) == [b"1", b"2"]
    assert broker.partition(OUT).end == 3, "the marker takes an offset"


def test_an_aborted_transaction_is_never_read() -> None:
    broker = MemoryBroker()
    broker.send("a", broker.init("a"), [Write(OUT, None, b"1")])
    broker.init("a")
    broker.produce(OUT, None, b"2")
    assert _values(broker) == [b"2"]


def test_an_old_epoch_can_neither_send_nor_end() -> None:
    broker = MemoryBroker()
    old = broker.init("a")
    broker.send("a", old, [Write(OUT, None, b"1")])
    broker.init("a")
    with pytest.raises(Indefinite, match="fenced"):
        broker.end("a", old)
    with pytest.raises(Indefinite, match="fenced"):
        broker.send("a", old, [Write(OUT, None, b"2")])
    assert _values(broker) == []


def test_ending_without_a_transaction_is_an_error() -> None:
    broker = MemoryBroker()
    with pytest.raises(Indefinite):
        broker.end("a", broker.init("a"))


def test_restore_refuses_while_a_transaction_is_open_on_the_state() -> None:
    broker = MemoryBroker()
    broker.send("b", broker.init("b"), [Write(STATE, b"h", b"1")])
    with pytest.raises(Indefinite, match="open"):
        drive(MemoryTaskLog(broker, "a", STATE).restore())


def test_a_task_given_to_another_worker_is_not_confirmed() -> None:
    broker = MemoryBroker()
    log = MemoryTaskLog(broker, "a", STATE, who="w1")
    broker.owners["a"] = "w2"
    with pytest.raises(NotOwner):
        drive(log.confirm())


def test_a_position_beyond_the_log_is_said_and_not_guessed() -> None:
    broker = MemoryBroker()
    with pytest.raises(OffsetGone, match="wanted offset 5"):
        drive(MemoryTaskLog(broker, "a", STATE).fetch({OUT: 5}, 0))


def test_compaction_keeps_the_last_of_each_key_and_every_offset() -> None:
    broker = MemoryBroker()
    for key, value in ((b"x", b"1"), (b"y", b"2"), (b"x", b"3")):
        broker.produce(OUT, key, value)
    broker.partition(OUT).compact(2)
    assert _values(broker) == [b"1", b"2", b"3"]
    broker.partition(OUT).compact(3)
    assert broker.read(OUT) == [(1, b"y", b"2", ()), (2, b"x", b"3", ())]
