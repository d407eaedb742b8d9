"""Dead letters that a new set makes good again: sent once, whatever happens to the conductor in between."""

import pytest

from streams.conductor import Conductor, ConductorSettings
from streams.deadletter import REQUEUED_FROM, REQUEUED_SET, Letter, to_write
from streams.log import Indefinite
from streams.memory import MemoryBroker, MemoryTaskLog
from streams.reclaim import Reclaimer
from streams.records import TP, Batch, Dead, Reason, Stage

INPUT, LETTERS, PULSE = TP("in", 0), [TP("deadletter", 0), TP("deadletter", 1)], TP("pulse", 0)


def bury(broker: MemoryBroker, value: bytes, reason: Reason = Reason.UNKNOWN_ASSET, again: str = "") -> None:
    offset = broker.produce(INPUT, b"k", value)
    heads = ((REQUEUED_SET, again.encode()),) if again else ()
    batch = Batch.of(INPUT, offset, offset + 1, [(offset, 5, b"k", value, heads)])
    write = to_write(batch, Dead(0, 0, Stage.DECODE, reason, "x"), LETTERS[offset % 2])
    broker.produce(write.to, write.key, write.value, write.headers)


def knows(set_id: str, letter: Letter) -> bool:
    return set_id == "new" and letter.value.startswith(b"known")


def conductor(broker: MemoryBroker, wanted: str) -> Conductor:
    log = MemoryTaskLog(broker, "conductor", PULSE, limit=2)
    reclaimer = Reclaimer(LETTERS, "audit", knows)
    made = Conductor(log, [INPUT], lambda: int(broker.clock * 1000), ConductorSettings(b"key", "old"), reclaimer)
    made.wanted_set = wanted
    return made


def beats(broker: MemoryBroker, wanted: str, n: int, die_at: int = -1, commits: bool = False) -> int:
    """Let a conductor beat; it dies at its step number ``die_at``, before or after that step took place. Steps done."""
    made, step_number = conductor(broker, wanted), 0
    made.observer = lambda event, _: setattr(made, "stop", made.last.seq + 1 >= n) if made.last else None
    task = made.run()
    send, value = task.send, None
    while True:
        try:
            step = send(value)
        except StopIteration:
            return step_number
        if step_number == die_at:
            if commits:
                step.action()
            task.close()
            return step_number
        step_number += 1
        broker.clock += 1.0 if step.name == "sleep" else 0.001
        try:
            send, value = task.send, step.action()
        except Indefinite as error:
            send, value = task.throw, error


def sent_again(broker: MemoryBroker) -> list[tuple[bytes, bytes]]:
    rows = [(v, dict(h)) for _, _, v, h in broker.read(INPUT)]
    return [(v or b"", h[REQUEUED_FROM]) for v, h in rows if REQUEUED_FROM in h]


@pytest.fixture
def broker() -> MemoryBroker:
    found = MemoryBroker()
    for n in range(5):
        bury(found, b"known %d" % n)
        bury(found, b"stranger %d" % n)
        bury(found, b"known but broken", Reason.NOT_JSON)
    return found


def test_what_the_new_set_knows_is_sent_again_once_with_an_audit_record_each(broker: MemoryBroker) -> None:
    beats(broker, "old", 5)
    assert sent_again(broker) == []
    beats(broker, "new", 30)
    again = sent_again(broker)
    assert sorted(v for v, _ in again) == [b"known %d" % n for n in range(5)]
    notes = [v for p in (0, 1) for _, _, v, _ in broker.read(TP("audit", p))]
    assert len(notes) == 5


def test_nothing_is_sent_twice_or_left_wherever_the_conductor_dies(broker: MemoryBroker) -> None:
    steps = beats(broker, "new", 14)
    assert steps > 60

    def world() -> MemoryBroker:
        made = MemoryBroker()
        for n in range(5):
            bury(made, b"known %d" % n)
            bury(made, b"stranger %d" % n)
        return made

    for die_at in range(steps):
        for commits in (False, True):
            one = world()
            beats(one, "new", 14, die_at, commits)
            beats(one, "new", 40)
            got = sorted(v for v, _ in sent_again(one))
            assert got == [b"known %d" % n for n in range(5)], (die_at, commits)


def test_a_lane_that_lags_behind_the_change_of_set_is_waited_for(broker: MemoryBroker) -> None:
    beats(broker, "new", 20)
    bury(broker, b"known late")
    beats(broker, "new", 40)
    assert (b"known late") in [v for v, _ in sent_again(broker)]


def test_a_letter_sent_again_for_this_very_set_does_not_go_round_in_circles(broker: MemoryBroker) -> None:
    bury(broker, b"known circle", again="new")
    beats(broker, "new", 30)
    assert b"known circle" not in [v for v, _ in sent_again(broker)]


def test_letters_that_retention_took_do_not_stop_the_conductor(broker: MemoryBroker) -> None:
    part = broker.partition(LETTERS[0])
    part.start = part.end - 2
    part.records = [r for r in part.records if r.offset >= part.start]
    beats(broker, "new", 30)
    assert len(sent_again(broker)) > 0


def test_how_far_it_came_is_known_after_a_restart(broker: MemoryBroker) -> None:
    beats(broker, "new", 30)
    before = sent_again(broker)
    beats(broker, "new", 60)
    assert sent_again(broker) == before
