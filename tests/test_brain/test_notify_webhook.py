"""The webhook against real sockets: what it sends, what it makes of answers, and what nobody can make it do."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from receivers import Answer, http, receiver, silent, trickle

from brain.incidents.value import Text
from brain.notify import webhook
from brain.notify.deadline import Deadline
from brain.notify.port import About, Ack, Kind, Message, Status
from brain.notify.webhook import Webhook, make, read_ack

PEM = str(Path(__file__).parents[1] / "data" / "notify_localhost.pem")
SECRET = b"0123456789abcdef-secret"
ABOUT = About("inc-1", 3, "emergency", "emergency.fire", Text("火灾", "Fire"), 2, True, 1_790_000_000_000)
MESSAGE = Message("ntf-1", Kind.SHOWN, 1_790_000_000_000, "duty", "[生命安全] 火灾", "事由：新事件\n", ABOUT)


def said(ack: object) -> bytes:
    return json.dumps({"ack": ack}).encode()


def sent(*answers: Answer, **more: Any) -> tuple[Any, Any]:
    with receiver(*answers) as there:
        outcome = Webhook(there.url, SECRET, **more).send(MESSAGE, 1)
    return outcome, there


def test_a_receiver_gets_the_message_its_key_and_a_signature_that_holds() -> None:
    outcome, there = sent(http(204), clock=lambda: 1_790_000_001.9)
    assert outcome.status is Status.DELIVERED
    ((headers, body),) = there.requests
    assert headers[":first"] == "POST /in?x=1 HTTP/1.1"
    assert msgspec.json.decode(body, type=Message) == MESSAGE
    assert (headers["idempotency-key"], headers["ce-id"], headers["ce-type"]) == ("ntf-1", "ntf-1", webhook.TYPE)
    assert headers["ce-time"] == "2026-09-21T14:13:20.000Z"
    mac = hmac.new(SECRET, b"1790000001." + body, hashlib.sha256).hexdigest()
    assert headers["city-signature"] == f"t=1790000001,v1={mac}"


@pytest.mark.parametrize(
    ("answer", "status", "detail"),
    [
        (http(500), Status.FAILED, "500"), (http(408), Status.FAILED, "408"), (http(404), Status.REFUSED, "404"),
        (http(401), Status.REFUSED, "401"), (http(302, headers="Location: http://127.0.0.1:1/\r\n"), Status.REFUSED,
        "302: redirects are not followed"), (b"", Status.FAILED, "RemoteDisconnected"),
        (b"nonsense\r\n\r\n", Status.FAILED, "BadStatusLine"), (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx",
        Status.DELIVERED, "200"),
    ],
)  # fmt: skip
def test_each_answer_means_delivered_again_or_never(answer: bytes, status: Status, detail: str) -> None:
    outcome, there = sent(answer)
    assert (outcome.status, outcome.detail, len(there.requests)) == (status, detail, 1)


@pytest.mark.parametrize(("said", "seconds"), [("7", 7.0), ("soon", 0.0), ("-3", 0.0), ("9" * 30, 0.0)])
def test_a_receiver_that_has_too_much_says_when_to_come_again(said: str, seconds: float) -> None:
    outcome, _ = sent(http(429, headers=f"Retry-After: {said}\r\n"))
    assert (outcome.status, outcome.after_s) == (Status.FAILED, seconds)


@pytest.mark.parametrize("answer", [silent, trickle])
def test_neither_silence_nor_a_trickle_of_bytes_holds_a_target_longer_than_its_time(answer: Answer) -> None:
    begun = time.monotonic()
    outcome, _ = sent(answer, seconds=0.2)
    assert outcome == type(outcome)(Status.FAILED, "no answer within 0.2 s")
    assert time.monotonic() - begun < 3.0


def test_a_socket_whose_own_limit_comes_before_the_deadline_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "Deadline", lambda seconds: Deadline(60 * seconds))
    outcome, _ = sent(silent, seconds=0.2)
    assert (outcome.status, outcome.detail) == (Status.FAILED, "no answer within 0.2 s")


def test_a_receiver_that_is_not_there_is_worth_another_attempt() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    outcome = Webhook(f"http://127.0.0.1:{port}/", SECRET).send(MESSAGE, 1)
    assert (outcome.status, outcome.detail) == (Status.FAILED, "ConnectionRefusedError")


def secure(tmp_path: Path, host: str, port: int, **more: Any) -> Webhook:
    (tmp_path / "secret").write_bytes(SECRET + b"\n")
    return make({"url": f"https://{host}:{port}/in", "secret_file": "secret", **more}, tmp_path)


def test_a_certificate_is_verified_against_who_signs_it_and_the_name_that_was_asked(tmp_path: Path) -> None:
    with receiver(http(200), pem=PEM) as there:
        outcomes = [
            secure(tmp_path, host, there.port, **more).send(MESSAGE, 1)
            for host, more in (("localhost", {}), ("127.0.0.1", {"ca_file": PEM}), ("localhost", {"ca_file": PEM}))
        ]
    assert [o.status for o in outcomes] == [Status.FAILED, Status.FAILED, Status.DELIVERED]
    assert outcomes[0].detail.startswith("certificate: self")
    assert "mismatch" in outcomes[1].detail
    assert len(there.requests) == 1


def test_a_handshake_that_never_ends_is_cut(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        outcome = secure(tmp_path, "127.0.0.1", deaf.getsockname()[1], seconds=0.2).send(MESSAGE, 1)
    assert outcome.detail == "no answer within 0.2 s"


def test_an_answer_may_acknowledge_with_an_account_and_a_promise() -> None:
    body = b'{"ok": true, "ack": {"by": "op-17", "until": "2026-09-21T22:00:00+08:00"}}'
    assert sent(http(200, body))[0].ack == Ack("op-17", 1_789_999_200_000)
    assert sent(http(200, body), acknowledges=False)[0].ack is None


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        (b'{"ack": {}}', "missing required field `by`"), (b'{"ack": {"by": 7}}', "got `int`"),
        (b'{"ack": {"by": "a b"}}', "expected an account"),
        (b'{"ack": {"by": "13812345678"}}', "no number of a person"),
        (b'{"ack": {"by": "op", "until": 5}}', "between 2000 and 2100"),
        (b'{"ack": {"by": "op", "until": "x"}}', "RFC 3339"),
        (b'{"ack": [1]}', "got `array`"),
    ],
)  # fmt: skip
def test_an_acknowledgement_that_cannot_be_used_is_none_and_the_audit_says_why(body: bytes, wrong: str) -> None:
    outcome, _ = sent(http(200, body))
    assert (outcome.status, outcome.ack) == (Status.DELIVERED, None)
    assert wrong in outcome.detail


ANYTHING = st.none() | st.booleans() | st.integers() | st.text(max_size=70) | st.just([{}])


@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.binary(max_size=60) | st.fixed_dictionaries({"by": ANYTHING, "until": ANYTHING}).map(said))
def test_whatever_an_answer_says_is_an_acknowledgement_or_none(body: bytes) -> None:
    ack, _ = read_ack(body)
    assert ack is None or (0 < len(ack.by) <= 64 and " " not in ack.by)


@settings(max_examples=25, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=120), st.booleans())
def test_whatever_bytes_come_over_the_wire_one_attempt_ends_with_an_outcome(noise: bytes, headed: bool) -> None:
    outcome, _ = sent((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" if headed else b"HTTP/1.1 ") + noise,
                      seconds=1.0)  # fmt: skip
    assert outcome.status in Status


@pytest.mark.parametrize(
    ("settings_", "wrong"),
    [
        ({"url": "http://duty.example.org/"}, "expected https"), ({"url": "ftp://x/"}, "expected https://host/path"),
        ({"url": "https://a:b@x/"}, "none with a user"), ({"url": "https://x:99999/"}, "Port out of range"),
        ({"url": "https://x/\r\nX: y"}, "letters that a URL may have"), ({"secret_file": "none"}, "No such file"),
        ({"secret_file": "short"}, "at least 16 bytes, got 3"), ({"seconds": 0}, "more than 0"),
        ({"secret": "x"}, "unknown field `secret`"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_used_are_refused_with_field_and_reason(
    tmp_path: Path, settings_: dict[str, Any], wrong: str
) -> None:
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "short").write_bytes(b"abc\n")
    with pytest.raises(ValueError, match=wrong):
        make({"url": "https://x/", "secret_file": "secret", **settings_}, tmp_path)
