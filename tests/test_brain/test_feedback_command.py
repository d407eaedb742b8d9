"""`brain feedback`: what it refuses before anything is sent, what it sends, and how it tells what became of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from brain.commands import feedback
from brain.incidents.actions import read_action
from brain.incidents.transitions import Refusal
from brain.incidents.words import REFUSALS
from brain.settings import Settings
from brain.signed import SIGNATURE, sign
from streams import produce, tailing
from streams.records import TP, Headers
from streams.tailing import Seen

app = typer.Typer()
app.command()(feedback.feedback)


class Kafka:
    """Takes what is sent and answers with notes on the audit topic."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **note: Any) -> None:
        self.note = note
        self.sent: list[tuple[TP, bytes, bytes, Headers]] = []
        monkeypatch.setattr(produce, "send_all", self.send_all)
        monkeypatch.setattr(tailing, "after", self.after)
        monkeypatch.setenv("BRAIN_BOOTSTRAP", "nowhere:1")

    def send_all(self, broker: str, tp: TP, records: list[tuple[bytes, bytes]], headers: Headers) -> list[int]:
        self.sent += [(tp, key, value, headers) for key, value in records]
        return [41 + len(self.sent)]

    def after(self, broker: str, topics: list[str], ask: Callable[[], None], wait: float) -> Iterator[Seen]:
        ask()
        id_ = json.loads(self.sent[-1][2])["id"]
        notes: list[bytes] = [b"\xff", b"[]", b'{"what":"pulse.gap"}', b'{"what":"feedback.done","id":"another"}']
        if self.note:
            notes.append(msgspec.json.encode({"id": id_, **self.note}))
        for n, value in enumerate(notes):
            yield Seen(topics[0], 0, n, 0, b"city", value)


def run(*args: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*args, "--lang", "en"])
    return done.exit_code, " ".join(done.output.split())


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["explode", "inc-1"], "expected one of create, confirm"),
        (["confirm"], "brain feedback confirm inc-"),
        (["take", "inc-1"], "take needs --expect; it may have --note"),
        (["confirm", "inc-1", "--lead", "fire"], "unknown_field"),
        (["dispatch", "inc-1"], "dispatch needs --send"),
        (["split", "inc-1"], "split needs --member"),
        (["shelve", "inc-1", "--until", "tomorrow"], "expected a span (30min, 2h) or a time with zone"),
        (["grade", "inc-1", "--grade", "IV"], "Invalid enum value"),
        (["create", "--code", "emergency.fire", "--text", "x", "--lon", "113"], "expected lon and lat, or neither"),
    ],
)
def test_what_cannot_be_is_refused_with_the_way_out_before_anything_is_sent(args: list[str], said: str) -> None:
    code, output = run(*args)
    assert code == 2
    assert said in output


def test_what_is_sent_is_signed_keyed_by_its_incident_and_what_the_lane_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    kafka = Kafka(monkeypatch)
    code, _ = run("take", "inc-1", "--by", "op-1", "--unit", "desk", "--expect", "7", "--wait", "0", "--id", "a1")
    assert code == 0
    ((tp, key, value, headers),) = kafka.sent
    assert (tp, key) == (TP("feedback", 0), b"inc-1")
    assert headers == sign(value, Settings().key())
    assert headers[0][0] == SIGNATURE
    action = read_action(value)
    assert (action.id, action.by.id, action.by.unit, action.expect) == ("a1", "op-1", "desk", 7)


@pytest.mark.parametrize(
    ("args", "do"),
    [
        (["handover", "--from", "op-1", "--to", "op-2"], "handover"),
        (["respond", "inc-1", "--response", ""], "respond"),
        (["shelve", "--asset", "wl-1", "--until", "2h", "--note", "works"], "shelve"),
        (["acknowledge", "inc-1", "--until", "2099-01-01T08:00+08:00"], "acknowledge"),
        (
            ["create", "--code", "emergency.fire", "--text", "fire", "--lon", "113.5", "--lat", "22.5", "--life"],
            "create",
        ),
    ],
)
def test_every_form_of_an_action_can_be_said(monkeypatch: pytest.MonkeyPatch, args: list[str], do: str) -> None:
    kafka = Kafka(monkeypatch)
    assert run(*args, "--wait", "0")[0] == 0
    assert json.loads(kafka.sent[0][2])["do"] == do
    read_action(kafka.sent[0][2])


def test_an_action_that_was_done_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    Kafka(
        monkeypatch, what="feedback.done", do="resolve", incident="inc-1", was="handling", state="resolved", revision=9
    )
    code, output = run("resolve", "inc-1", "--note", "out")
    assert code == 0
    assert "inc-1 resolve: handling → resolved (revision 9)" in output


def test_a_refusal_names_its_reason_and_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    Kafka(monkeypatch, what="feedback.refused", reason="stale_revision", detail="op-2 (fire): take, revision 8")
    code, output = run("take", "inc-1", "--expect", "7")
    assert code == 1
    assert "another has acted since — op-2 (fire): take, revision 8" in output
    assert "--expect" in output


def test_another_key_than_the_workers_is_told_though_the_lane_trusts_no_id(monkeypatch: pytest.MonkeyPatch) -> None:
    Kafka(
        monkeypatch, what="feedback.dead", id=None, lane="feedback/0", offset=42, reason="forged_actor", detail="hash"
    )
    code, output = run("confirm", "inc-1")
    assert code == 1
    assert "its signature does not hold" in output


def test_without_an_answer_it_says_how_to_ask_again(monkeypatch: pytest.MonkeyPatch) -> None:
    Kafka(monkeypatch)
    code, output = run("confirm", "inc-1", "--id", "a9", "--wait", "1")
    assert code == 3
    assert "--id a9 is safe" in output


def test_a_terminal_is_not_steered_by_what_others_wrote(monkeypatch: pytest.MonkeyPatch) -> None:
    Kafka(monkeypatch, what="feedback.refused", reason="already", detail="\x1b[2Jgone")
    assert "\x1b[2J" not in run("confirm", "inc-1")[1]


def test_every_refusal_has_words_in_both_languages() -> None:
    assert {r.value for r in Refusal} <= {str(k) for k in REFUSALS}
    assert all(t.zh and t.en for t in REFUSALS.values())
    assert set(feedback._ZH) == set(feedback._EN)
