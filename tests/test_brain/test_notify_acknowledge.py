"""From a receiver's answer to the city: what the lane of feedback and the incident make of an acknowledgement."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from notify_rig import MINUTE, City, Memory, T, config, raised

from brain.incidents.actions import Accepted, Acknowledge, Role, read_action
from brain.incidents.clocks import find
from brain.notify.acknowledge import acknowledge
from brain.notify.occasions import occasions
from brain.notify.port import Ack, Kind, Outcome, Status
from brain.notify.post import Entry, Post
from brain.signed import SIGNATURE, sign
from streams.records import Notice

KEY = b"key of the pulse"


def entry(**more: Any) -> Entry:
    given = {"incident": "inc-1", "ack": Ack("op-1", T + 20 * MINUTE), "acked": T + MINUTE, **more}
    return Entry("ntf-0123456789abcdef01234567", "duty", Kind.SHOWN, "shown@1", T, T, **given)


def test_an_acknowledgement_is_a_signed_action_and_the_same_bytes_when_it_is_made_again() -> None:
    make = acknowledge(config(targets={"duty": {"adapter": "x", "unit": "fire_rescue"}, "boss": {"adapter": "x"}}), KEY)
    key, value, headers = make(entry())
    assert make(entry()) == (key, value, headers)
    assert (key, headers) == (b"inc-1", sign(value, KEY))
    assert headers[0][0] == SIGNATURE
    action = read_action(value)
    assert isinstance(action, Acknowledge)
    assert (action.incident, action.t, action.until) == ("inc-1", T + MINUTE, T + 20 * MINUTE)
    assert (action.by.id, action.by.role, action.by.unit) == ("op-1", Role.RESPONDER, "fire_rescue")
    assert action.id.isascii()
    assert not any(c.isdigit() for c in action.id)


def test_without_a_unit_it_is_an_operators_and_two_targets_are_two_actions() -> None:
    make = acknowledge(config(), KEY)
    one, other = (read_action(make(e)[1]) for e in (entry(), msgspec.structs.replace(entry(), id="ntf-" + "1" * 24)))
    assert (one.by.role, one.by.unit) == (Role.OPERATOR, "")
    assert one.id != other.id


@pytest.mark.parametrize("ack", [None, Ack("a b"), Ack("op", 5)])
def test_what_the_lane_would_not_take_is_not_sent(ack: Ack | None) -> None:
    with pytest.raises(ValueError, match=r"no acknowledgement|by\.id|until|regex"):
        acknowledge(config(), KEY)(entry(ack=ack))


def test_an_acknowledgement_in_an_answer_stops_the_escalation_of_the_city() -> None:
    city, ledger = City(), Memory()
    city.give(raised("fire", 0))
    post = Post(config(), {}, T)
    for seen in city.seen:
        if seen.topic.startswith("alarms."):
            post.alarm(seen.value, seen.time, seen.time)
        else:
            post.incident((seen.key or b"").decode(), seen.value, seen.time)
    due = post.due("duty", T)
    assert due is not None
    post.done(due.id, Outcome(Status.DELIVERED, ack=Ack("op-1", T + 20 * MINUTE)), T + 1000)
    (told,) = post.acks()
    ledger.feedback(*acknowledge(config(), KEY)(told))
    action = read_action(ledger.acks[0][1])
    assert isinstance(action, Acknowledge)
    body = msgspec.Raw(msgspec.json.encode(Accepted(action)))
    city.until(1500)
    city.logic.notice(Notice("feedback", action.id, action.incident, action.t, 0, 0, body, fold=T + 1500))
    city.flush(T + 1500)
    city.until(15 * MINUTE)
    (incident,) = city.logic.incidents()
    escalate = find(incident.clocks, "escalate")
    assert escalate is not None
    assert (escalate.stopped_by, escalate.step) == ("seen", 0)
    assert incident.history[-1].by == "op-1"
    assert Kind.UNACKNOWLEDGED not in {o.kind for o in occasions(incident)}
    city.until(25 * MINUTE)
    (incident,) = city.logic.incidents()
    assert [o.at - T for o in occasions(incident) if o.kind is Kind.STALE] == [20 * MINUTE]
    assert [o.step for o in occasions(incident) if o.kind is Kind.UNACKNOWLEDGED] == [1, 2]
