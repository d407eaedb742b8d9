"""What is told of a recorded sequence of incidents, to whom, and once: across revisions, restarts and outcomes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from city_rig import LIMITS
from notify_rig import MINUTE, City, Memory, T, config, raised

from brain.incidents import clock_acts
from brain.incidents.value import Incident
from brain.notify.config import Config
from brain.notify.occasions import Occasion, about_alarm
from brain.notify.port import Ack, Kind, Message, Outcome, Status
from brain.notify.post import FORGET_MS, Post
from brain.notify.words import body
from streams.records import Signal
from streams.tailing import Seen

OK = Outcome(Status.DELIVERED)


class Desk:
    """A post that gets records and delivers at once; ``restarts``: from its ledger after every record."""

    def __init__(
        self, whom: Config | None = None, restarts: bool = False, since: int = T - MINUTE, **more: Any
    ) -> None:
        self.whom, self.restarts, self.more = whom or config(), restarts, more
        self.ledger = Memory()
        self.sent: list[Message] = []
        self.answer: Callable[[Message], Outcome] = lambda message: OK
        self.start(since)

    def start(self, now: int) -> None:
        self.post = Post(self.whom, self.ledger.load(), now, **self.more)
        self.write()

    def write(self) -> None:
        self.ledger.write(*self.post.changes())

    def take(self, seen: Seen, now: int | None = None) -> None:
        now = seen.time if now is None else now
        if seen.topic.startswith("alarms."):
            self.post.alarm(seen.value, seen.time, now)
        else:
            self.post.incident((seen.key or b"").decode(), seen.value, now)
        self.write()
        if self.restarts:
            self.start(now)

    def deliver(self, now: int) -> None:
        for target in self.whom.targets:
            while (entry := self.post.due(target, now)) is not None:
                assert entry.message is not None
                self.sent.append(entry.message)
                self.post.done(entry.id, self.answer(entry.message), now)
                self.write()

    def all(self, city: City) -> None:
        for seen in city.seen:
            self.take(seen)
            self.deliver(seen.time)

    def told(self) -> list[tuple[float, str, str, int]]:
        return [((m.at - T) / MINUTE, m.kind.value, m.target, m.step) for m in self.sent]


def fire(minutes: float = 12) -> City:
    city = City()
    city.give(raised("fire", 0))
    city.until(int(minutes * MINUTE))
    return city


ESCALATION = [
    (0.0, "alarm", "duty", 0), (0.75, "breach_predicted", "duty", 0), (1.0, "breached", "duty", 0),
    (2.0, "unacknowledged", "duty", 1), (5.0, "unacknowledged", "duty", 2), (5.0, "unacknowledged", "boss", 2),
    (6.0, "breach_predicted", "duty", 0), (8.0, "breached", "duty", 0), (10.0, "unacknowledged", "duty", 3),
    (10.0, "unacknowledged", "boss", 3),
]  # fmt: skip


@pytest.mark.parametrize("restarts", [False, True])
def test_a_fire_that_nobody_takes_is_told_as_an_alarm_and_at_each_step_to_the_targets_of_the_step(
    restarts: bool,
) -> None:
    desk = Desk(restarts=restarts)
    desk.all(fire())
    assert desk.told() == ESCALATION
    first = desk.sent[0]
    assert first.title == "[LIFE] emergency.fire · alarm, its incident follows · g (113.50000, 22.20000)"
    assert first.alarm == "emergency.fire|a|in/0/0/0"
    assert desk.sent[3].title.startswith("[LIFE] fire · nobody has taken it, step 1 · g")
    assert desk.ledger.told("notify.covered")[0]["reason"] == "told as an alarm"
    assert len(desk.ledger.told("notify.attempt")) == len(ESCALATION)


def test_a_reader_that_saw_only_the_last_revision_tells_each_step_that_was_reached() -> None:
    desk = Desk()
    desk.take(fire().seen[-1])
    desk.deliver(T + 12 * MINUTE)
    assert sorted(desk.told())[-2:] == [(10.0, "unacknowledged", "boss", 3), (10.0, "unacknowledged", "duty", 3)]
    assert {kind for _, kind, _, _ in desk.told()} == {"shown", "unacknowledged", "breached"}
    assert [n["reason"] for n in desk.ledger.told("notify.withdrawn")] == ["breached", "breached"]


def test_records_read_again_are_told_once() -> None:
    desk, city = Desk(), fire()
    desk.all(city)
    desk.all(city)
    assert desk.told() == ESCALATION


def test_an_incident_that_is_read_before_its_alarm_is_told_and_the_alarm_is_not() -> None:
    desk, city = Desk(), fire(0.1)
    alarm, *rest = city.seen
    for seen in (*rest, alarm):
        desk.take(seen)
        desk.deliver(seen.time)
    assert [kind for _, kind, _, _ in desk.told()] == ["shown"]


def test_alarms_of_several_assets_in_one_flush_are_told_each_and_their_incident_only_to_the_others() -> None:
    whom = config(rules=[{"life": True, "to": ["duty"]}, {"kinds": ["shown", "joined"], "to": ["boss"]}])
    desk, city = Desk(whom), City()
    for signal in (raised("fire", 0), raised("fire", 100, asset="b")):
        city.alarm(signal)
        city.logic.signal(signal)
    city.flush(T + 100)
    desk.all(city)
    assert [(m.kind.value, m.target) for m in desk.sent] == [
        ("alarm", "duty"), ("alarm", "duty"), ("shown", "boss"),
    ]  # fmt: skip


def test_another_asset_at_the_site_and_a_higher_level_sound_again() -> None:
    desk, city = Desk(), City()
    city.give(raised("fire", 0), quietly=True)
    city.give(raised("fire", 20_000, asset="b", text="请回电 13812345678"), quietly=True)
    up = raised("fire", 0)
    city.give(msgspec.structs.replace(up, kind="update", n=1, level=3, fold=T + 30_000, t=T + 30_000), quietly=True)
    desk.all(city)
    assert [m.kind for m in desk.sent] == [Kind.SHOWN, Kind.JOINED, Kind.LEVEL]
    assert desk.sent[1].about.text == "请回电 [电话]"
    assert "13812345678" not in "".join(str(v) for v in desk.ledger.items.values())


def test_an_alarm_that_rises_is_told_again_and_one_that_falls_is_not() -> None:
    desk, one = Desk(), raised("fire", 0)
    city = City()
    for n, (kind, level) in enumerate([("raise", 1), ("update", 1), ("update", 3), ("update", 2), ("clear", 0)]):
        city.alarm(msgspec.structs.replace(one, kind=kind, level=level, n=n))
    desk.all(city)
    assert [m.about.level for m in desk.sent] == [1, 3]


def test_what_sends_only_from_a_level_on_is_silent_below_it_and_about_incidents_nobody_sees() -> None:
    desk, city = Desk(), City()
    city.give(raised("flood", 0, level=2))
    up = raised("flood", 90_000)
    city.give(up)
    city.give(msgspec.structs.replace(up, kind="update", n=1, level=3, fold=T + 100_000, t=T + 100_000))
    desk.all(city)
    assert [(m.kind, m.about.level) for m in desk.sent] == [(Kind.SHOWN, 3)]
    assert desk.ledger.told("notify.covered")[0]["reason"] == "told as new"
    hidden = Desk()
    city.change(lambda i: setattr(i, "shown", None))
    hidden.take(city.seen[-1])
    assert hidden.post.waiting() == {"boss": 0, "duty": 0}


def seen_by_somebody(i: Incident) -> None:
    plan = LIMITS.plan(i.event_code, i.level, i.life)
    clock_acts.acted(i.clocks, plan, "acknowledge", T + 3 * MINUTE, until=T + 4 * MINUTE)


def test_what_has_not_arrived_is_withdrawn_when_somebody_acknowledges_or_it_is_over() -> None:
    city = fire(2)
    desk = Desk()
    for seen in city.seen:
        desk.take(seen)
    city.change(seen_by_somebody)
    desk.take(city.seen[-1])
    assert [(n["kind"], n["reason"]) for n in desk.ledger.told("notify.withdrawn")][-1] == (
        "unacknowledged", "acknowledged")  # fmt: skip
    city.change(lambda i: setattr(i, "state", "false_alarm"))
    desk.take(city.seen[-1])
    desk.deliver(T + 3 * MINUTE)
    assert desk.told() == []
    assert desk.ledger.told("notify.withdrawn")[-1]["reason"] == "false_alarm"


def test_a_stale_acknowledgement_is_told_and_the_escalation_begins_anew() -> None:
    desk, city = Desk(), fire(2)
    (incident,) = city.logic.incidents()
    seen_by_somebody(incident)
    city.logic._timers.all()
    city.until(9 * MINUTE)
    desk.all(city)
    assert (4.0, "stale_acknowledgement", "duty", 1) in desk.told()
    assert (6.0, "unacknowledged", "duty", 1) in desk.told()
    assert (9.0, "unacknowledged", "boss", 2) in desk.told()


def test_failures_come_again_with_growing_pauses_and_refusals_never() -> None:
    desk, city = Desk(), fire(0.1)
    for seen in city.seen:
        desk.take(seen)
    desk.answer = lambda message: Outcome(Status.FAILED, "500")
    times = []
    now = T
    for _ in range(5):
        desk.deliver(now)
        now = desk.post.next("duty") or 0
        times.append(now - T)
    assert times == [1000, 3000, 7000, 15_000, 31_000]
    desk.answer = lambda message: Outcome(Status.FAILED, "429", after_s=90.0)
    desk.deliver(now)
    assert (desk.post.next("duty") or 0) - now == 90_000
    desk.answer = lambda message: Outcome(Status.REFUSED, "404\n\x1b")
    desk.deliver(now + 90_000)
    assert desk.post.next("duty") is None
    last = desk.ledger.told("notify.attempt")[-1]
    assert (last["attempt"], last["outcome"], last["detail"], last["target"]) == (7, "refused", "404  ", "duty")


def test_life_safety_that_stands_is_never_given_up_and_all_else_is() -> None:
    desk, city = Desk(), City()
    city.give(raised("fire", 0), quietly=True)
    city.give(raised("flood", 1000, level=3))
    for seen in city.seen:
        desk.take(seen)
    desk.answer = lambda message: Outcome(Status.FAILED)
    desk.deliver(T + 13 * 60 * MINUTE)
    assert [(n["kind"], n["life"]) for n in desk.ledger.told("notify.given_up")] == [("shown", False)]
    assert desk.post.waiting()["duty"] == 1


def test_what_was_due_at_a_restart_is_sent_with_the_same_id_and_bytes_and_what_arrived_is_not() -> None:
    desk, city = Desk(), fire(2)
    desk.answer = lambda message: OK if message.kind is Kind.ALARM else Outcome(Status.FAILED)
    desk.all(city)
    desk.start(T + 3 * MINUTE)
    before = {m.id: m for m in desk.sent if m.kind is not Kind.ALARM}
    desk.answer, desk.sent = lambda message: OK, []
    desk.deliver(T + 10 * MINUTE)
    assert {m.id: m for m in desk.sent} == {i: m for i, m in before.items() if m.kind is not Kind.PREDICTED}
    desk.start(T + 11 * MINUTE)
    desk.all(city)
    assert len(desk.sent) == len({m.id for m in desk.sent})


def test_nothing_from_before_the_first_start_is_told_but_each_step_after_it_is() -> None:
    desk = Desk(since=T + 4 * MINUTE)
    desk.all(fire(5))
    assert desk.told() == [(5.0, "unacknowledged", "duty", 2), (5.0, "unacknowledged", "boss", 2)]


def test_a_drill_is_marked_and_goes_only_to_targets_that_take_drills() -> None:
    whom = config(targets={"duty": {"adapter": "x", "drill": True}, "boss": {"adapter": "x"}})
    desk = Desk(whom, drill=True)
    desk.all(fire(5))
    assert {m.target for m in desk.sent} == {"duty"}
    assert all(m.drill and m.title.startswith("[DRILL][LIFE] ") for m in desk.sent)


def test_a_target_that_left_the_file_is_withdrawn_with_a_note() -> None:
    desk = Desk()
    for seen in fire(5).seen:
        desk.take(seen)
    desk.whom = config(targets={"duty": {"adapter": "x"}}, escalation=[["duty"]])
    desk.start(T + 6 * MINUTE)
    assert {(n["target"], n["reason"]) for n in desk.ledger.told("notify.withdrawn")} >= {("boss", "target_gone")}


def test_what_was_told_is_forgotten_with_its_incident_and_of_lone_alarms_after_their_topic() -> None:
    desk, city = Desk(), fire(2)
    desk.all(city)
    key = next(s.key for s in city.seen if s.topic.startswith("incidents."))
    desk.take(Seen("incidents.emergency", 0, 99, T, key, None))
    assert list(desk.ledger.items) == [b"since"]
    city.seen[1:] = []
    desk.all(city)
    assert len(desk.ledger.items) == 2
    desk.post.tidy(T + FORGET_MS + 1)
    desk.write()
    assert (list(desk.ledger.items), desk.post.entries) == ([b"since"], {})


def test_an_acknowledgement_of_an_alarm_waits_for_its_incident_through_a_restart() -> None:
    desk, city = Desk(), fire(0.1)
    desk.answer = lambda message: Outcome(Status.DELIVERED, ack=Ack("op-1", T + 20 * MINUTE))
    desk.take(city.seen[0])
    desk.deliver(T + 1)
    desk.start(T + 2)
    assert desk.post.acks() == []
    desk.take(city.seen[1])
    (entry,) = desk.post.acks()
    assert (entry.ack, entry.acked) == (Ack("op-1", T + 20 * MINUTE), T + 1)
    assert entry.incident.encode() == city.seen[1].key
    desk.post.acknowledged(entry.id, T + 3, sent=True)
    desk.write()
    desk.start(T + 4)
    assert desk.post.acks() == []
    assert desk.ledger.told("notify.acknowledged")[0]["by"] == "op-1"


@pytest.mark.parametrize("value", [b"", b"{", b"\xff", b'{"id": 1}', b"[]", b'{"state": "new"}'])
def test_a_record_that_cannot_be_read_is_counted_and_noted_and_nothing_else(value: bytes) -> None:
    desk = Desk()
    desk.post.incident("inc-1", value, T)
    desk.post.alarm(value, T, T)
    desk.write()
    assert (desk.post.counts["unreadable_incident"], desk.post.counts["unreadable_alarm"]) == (1, 1)
    assert [n["what"] for n in desk.ledger.notes] == ["notify.unreadable"] * 2


def test_an_alarm_that_is_not_of_a_never_hidden_class_is_no_business_of_ours() -> None:
    desk, signal = Desk(), raised("flood", 0)
    assert isinstance(signal, Signal)
    desk.post.alarm(msgspec.json.encode(signal), T, T)
    assert desk.post.entries == {}


def test_an_incident_split_from_another_sounds_and_does_not_repeat_what_was_told_of_that_one() -> None:
    city, now = fire(5), T + 6 * MINUTE

    def split(i: Incident) -> None:
        i.id, i.opened, i.sounded, i.updated, i.reasons = "inc-new", now, now, now, []

    city.change(split)
    desk = Desk()
    desk.take(city.seen[-1])
    desk.deliver(now)
    assert desk.told() == [(6.0, "sounded", "duty", 0)]


def test_the_day_of_a_wait_is_told_to_the_department_that_leads() -> None:
    city = fire(0.1)
    (incident,) = city.logic.incidents()
    plan = LIMITS.plan(incident.event_code, incident.level, incident.life)
    clock_acts.acted(incident.clocks, plan, "wait", T + MINUTE, until=T + 3 * MINUTE)
    city.logic._timers.all()
    city.until(4 * MINUTE)
    desk = Desk()
    desk.all(city)
    assert (3.0, "review_due", "duty", 0) in desk.told()


def test_a_message_about_an_alarm_of_a_doubted_sensor_says_so_in_both_languages() -> None:
    sound = raised("fire", 0)
    doubted = msgspec.structs.replace(sound, trust=0.53, doubts=("impossible",))
    for signal, zh, en in ((sound, "", ""), (doubted, "设备可信度：53% (数值不可能)", "53% (impossible values)")):
        about, occasion = about_alarm(signal), Occasion(Kind.ALARM, T, "alarm@0")
        for lang, said in (("zh", zh), ("en", en)):
            text = body(occasion, about, lang, "a")
            assert said in text
            assert ("%" in text) is bool(said)
