"""The process: threads, the ledger before every attempt, crashes at every write, and what Kafka is asked for."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from notify_rig import MINUTE, City, Memory, T, config, raised
from receivers import http, receiver, silent

from brain.notify import ledger as ledgers
from brain.notify.config import Config
from brain.notify.ledger import KafkaLedger
from brain.notify.port import Ack, Message, Notifier, Outcome, Status
from brain.notify.post import Entry, Post
from brain.notify.run import Acknowledge, Office, positions
from brain.notify.webhook import Webhook
from streams import tailing
from streams.log import LogError
from streams.records import AUDIT_TYPE, CE_TYPE, TP, Headers
from streams.seal import TOOL_KEY
from streams.tailing import Seen

QUICK = {"adapter": "x", "retry": {"first": "1ms", "most": "4ms", "give_up": "10h"}}
BOTH = config(targets={"duty": QUICK, "boss": QUICK}, escalation=[["duty", "boss"]])


class Fake:
    """An adapter that remembers; ``answers`` are given in turn, then it delivers."""

    def __init__(self, *answers: Outcome | Exception) -> None:
        self.answers = list(answers)
        self.sent: list[tuple[Message, int]] = []

    def send(self, message: Message, attempt: int) -> Outcome:
        self.sent.append((message, attempt))
        answer = self.answers.pop(0) if self.answers else Outcome(Status.DELIVERED)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Breaking(Memory):
    """Loses a write, and all after it: notes are there, items are not."""

    def __init__(self, items: Mapping[bytes, bytes], writes: int) -> None:
        super().__init__(items)
        self.left = writes

    def write(self, items: Mapping[bytes, bytes | None], notes: Sequence[Mapping[str, Any]]) -> None:
        self.left -= 1
        if self.left < 0:
            self.notes += map(dict, notes)
            raise LogError("gone")
        super().write(items, notes)


def clock() -> int:
    return T + 12 * MINUTE + time.monotonic_ns() // 1_000_000


def office(
    ledger: Memory, notifiers: Mapping[str, Notifier], whom: Config = BOTH, acknowledge: Acknowledge | None = None
) -> Office:
    return Office(Post(whom, ledger.load(), T), ledger, notifiers, "", acknowledge, clock)


def until_quiet(one: Office, seen: Sequence[Seen], wait_s: float = 3.0) -> Iterator[Seen]:
    yield from seen
    until = time.monotonic() + wait_s
    while any(one.post.waiting().values()) and not one.stopped.is_set() and time.monotonic() < until:
        time.sleep(0.002)


def recorded(minutes: float = 2.5) -> list[Seen]:
    city = City()
    city.give(raised("fire", 0))
    city.until(int(minutes * MINUTE))
    return city.seen


def keys(*fakes: Fake) -> Counter[str]:
    return Counter(message.id for fake in fakes for message, _ in fake.sent)


@pytest.fixture(scope="module")
def whole() -> tuple[list[Seen], Counter[str], int]:
    """A recorded escalation; what is told of it without a crash; and in how many writes."""
    seen, ledger = recorded(), Breaking({}, 1000)
    duty, boss = Fake(), Fake()
    one = office(ledger, {"duty": duty, "boss": boss})
    one.run(until_quiet(one, seen))
    return seen, keys(duty, boss), 1000 - ledger.left


def test_a_crash_at_any_write_loses_nothing_and_doubles_only_what_the_key_shows(
    whole: tuple[list[Seen], Counter[str], int],
) -> None:
    seen, told, writes = whole
    assert len(told) >= 4
    doubled = 0
    for crash in range(writes):
        broken = Breaking({}, crash)
        duty, boss = Fake(), Fake()
        one = office(broken, {"duty": duty, "boss": boss})
        with pytest.raises(LogError, match="gone"):
            one.run(until_quiet(one, seen))
        after = Memory(broken.items)
        done = positions(after.items)
        again = office(after, {"duty": duty, "boss": boss})
        again.run(until_quiet(again, [s for s in seen if s.offset >= done.get(TP(s.topic, s.partition), 0)]))
        found = keys(duty, boss)
        # What was about to be missed, and is missed by the time of the second run, is withdrawn and audited instead.
        withdrawn = {n["message"] for n in (*broken.notes, *after.notes) if n["what"] == "notify.withdrawn"}
        assert found.keys() | withdrawn >= told.keys()
        assert max(found.values()) <= 2
        bytes_of = {(m.id, m.title, m.text, m.at) for fake in (duty, boss) for m, _ in fake.sent}
        assert len(bytes_of) == len(found)
        doubled += sum(n - 1 for n in found.values())
    assert 0 < doubled <= 2 * writes  # two targets may be in the middle of an attempt


def test_every_attempt_is_audited_and_positions_are_where_reading_ended() -> None:
    seen, ledger = recorded(0.1), Memory()
    duty = Fake(Outcome(Status.FAILED, "500"), ValueError("secret"))
    one = office(ledger, {"duty": duty, "boss": Fake()})
    one.run(until_quiet(one, seen))
    notes = ledger.told("notify.attempt")
    assert [(n["attempt"], n["outcome"], n["detail"]) for n in notes] == [
        (1, "failed", "500"), (2, "failed", "ValueError"), (3, "delivered", ""),
    ]  # fmt: skip
    assert {n["message"] for n in notes} == {duty.sent[0][0].id}
    last = {TP(s.topic, s.partition): s.offset + 1 for s in seen}
    assert positions(ledger.items) == last


def test_a_target_that_does_not_answer_holds_up_no_other() -> None:
    release, boss = threading.Event(), Fake()

    class Stuck:
        def send(self, message: Message, attempt: int) -> Outcome:
            release.wait(5)
            return Outcome(Status.DELIVERED)

    one = office(Memory(), {"duty": Stuck(), "boss": boss}, config(
        targets={"duty": QUICK, "boss": QUICK}, rules=[{"life": True, "to": ["duty", "boss"]}]
    ))  # fmt: skip

    def records() -> Iterator[Seen]:
        yield from recorded(0.1)
        until = time.monotonic() + 3
        while not boss.sent and time.monotonic() < until:
            time.sleep(0.002)
        release.set()

    one.run(records())
    assert len(boss.sent) == 1


def test_a_receiver_that_fails_is_busy_and_then_takes_it_gets_one_message_under_one_key() -> None:
    with receiver(http(500), http(429), silent, http(200)) as there:
        hook = Webhook(there.url, b"0123456789abcdef", seconds=0.3)
        ledger = Memory()
        one = office(ledger, {"duty": hook, "boss": Fake()})
        one.run(until_quiet(one, recorded(0.1)))
    assert len(there.requests) == 4
    assert len(set(there.keys())) == 1
    assert len({body for _, body in there.requests}) == 1
    assert [headers["city-attempt"] for headers, _ in there.requests] == ["1", "2", "3", "4"]
    assert [n["outcome"] for n in ledger.told("notify.attempt")] == ["failed"] * 3 + ["delivered"]


def make(entry: Entry) -> tuple[bytes, bytes, Headers]:
    assert entry.ack is not None
    if entry.ack.by == "bad":
        raise ValueError("no such account")
    return entry.incident.encode(), f"{entry.id} {entry.ack.by} {entry.acked}".encode(), ()


def test_an_acknowledgement_becomes_feedback_and_after_a_crash_the_same_feedback_again() -> None:
    seen, acks = recorded(0.1), set()
    for crash in range(2, 6):
        ledger = Breaking({}, crash)
        one = office(ledger, {"duty": Fake(Outcome(Status.DELIVERED, ack=Ack("op-1"))), "boss": Fake()}, BOTH, make)
        try:
            one.run(until_quiet(one, seen))
        except LogError:
            again = office(Memory(ledger.items), {"duty": Fake(Outcome(Status.DELIVERED, ack=Ack("op-1"))),
                                                  "boss": Fake()}, BOTH, make)  # fmt: skip
            again.run(until_quiet(again, seen))
            assert isinstance(again.ledger, Memory)
            ledger.acks += again.ledger.acks
        assert ledger.acks
        assert len({(key, value.split()[0]) for key, value, _ in ledger.acks}) == 1
        acks |= {value.split()[0] for _, value, _ in ledger.acks}
    assert len(acks) == 1


@pytest.mark.parametrize(("by", "maker"), [("bad", make), ("op-1", None)])
def test_an_acknowledgement_that_can_be_no_feedback_is_noted_once(by: str, maker: Acknowledge | None) -> None:
    ledger = Memory()
    one = office(ledger, {"duty": Fake(Outcome(Status.DELIVERED, ack=Ack(by))), "boss": Fake()}, BOTH, maker)
    one.run(until_quiet(one, recorded(0.1)))
    assert (len(ledger.told("notify.unacknowledged")), ledger.acks) == (1, [])


def test_what_is_due_is_not_tried_and_nothing_is_written_once_the_work_is_another_processs() -> None:
    ledger, duty, ours = Memory(), Fake(), [True]
    one = office(ledger, {"duty": duty, "boss": Fake()}, BOTH)
    one.held = lambda: ours[0]

    def records() -> Iterator[Seen]:
        ours[0] = False
        yield from recorded(0.1)

    one.run(records())
    assert (duty.sent, set(ledger.items), ledger.notes) == ([], {b"since"}, [])


# -- what is asked of Kafka


def test_the_ledger_writes_notes_before_items_and_reads_the_newest_of_each_key(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[TP, list[tuple[bytes, bytes | None, Headers]]]] = []
    appender: Any = SimpleNamespace(append=lambda tp, records: written.append((tp, list(records))))
    ledger = KafkaLedger("x:1", "p.", appender)
    ledger.write({b"a": b"1", b"b": None}, [{"what": "notify.attempt"}])
    ledger.write({}, [])
    ledger.feedback(b"inc-1", b"{}", (("h", b"1"),))
    assert written == [
        (TP("p.audit", 0), [(TOOL_KEY, b'{"what":"notify.attempt"}', ((CE_TYPE, AUDIT_TYPE),))]),
        (TP("p.notify", 0), [(b"a", b"1", ()), (b"b", None, ())]),
        (TP("p.feedback", 0), [(b"inc-1", b"{}", (("h", b"1"),))]),
    ]
    rows = [(b"a", b"1"), (b"b", b"2"), (b"a", None), (b"b", b"3")]
    made: list[Any] = []
    monkeypatch.setattr(
        ledgers, "snapshot", lambda at, tps: [(tps[0], n, 0, k, v, ()) for n, (k, v) in enumerate(rows)]
    )
    monkeypatch.setattr(ledgers.admin, "ensure", lambda at, topics: made.extend(topics))
    assert ledger.load() == {b"b": b"3"}
    ledger.make()
    assert [(t.name, t.cleanup, t.partitions) for t in made] == [("p.notify", "compact", 1)]
    monkeypatch.setattr(ledgers.admin, "ensure", lambda at, topics: ["p.notify: partitions: expected 1, got 2"])
    with pytest.raises(LogError, match="expected 1, got 2"):
        ledger.make()


def test_reading_goes_on_from_positions_and_begins_anew_where_the_topic_is_another_one() -> None:
    consumer = SimpleNamespace(
        topics=lambda: {"a", "b", "c", "d"}, partitions_for_topic=lambda topic: {0},
        beginning_offsets=lambda tps: dict.fromkeys(tps, 5), end_offsets=lambda tps: dict.fromkeys(tps, 50),
        assign=lambda tps: None, seek=lambda tp, at: None,
    )  # fmt: skip
    resume = {TP("a", 0): 17, TP("b", 0): 3, TP("c", 0): 51}
    follower = tailing._Follower(consumer, ["a", "b", "c", "d"], resume=resume)
    follower.look(True)
    assert {tp.topic: at for tp, at in follower.positions.items()} == {"a": 17, "b": 5, "c": 5, "d": 5}
