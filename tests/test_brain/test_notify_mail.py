"""Mail against a real SMTP conversation on loopback."""

from __future__ import annotations

import email
import email.policy
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from receivers import mail_server

from brain.incidents.value import Text
from brain.notify.mail import Mail, make
from brain.notify.port import About, Kind, Message, Status

PEM = str(Path(__file__).parents[1] / "data" / "notify_localhost.pem")
ABOUT = About("inc-1", 3, "emergency", "emergency.fire", Text("火灾", "Fire"), 2, True, 1_790_000_000_000)
MESSAGE = Message(
    "ntf-1", Kind.SHOWN, 1_790_000_000_000, "duty", "火灾 ·\n新事件", "事由：新事件\n地点：香洲区\n", ABOUT
)


def mail(at: int, **more: Any) -> Mail:
    settings = {
        "host": "localhost",
        "port": at,
        "from": "city@example.org",
        "to": ["duty@example.org"],
        "seconds": 2.0,
    }
    return make({**settings, "ca_file": PEM, **more}, Path())


def test_a_mail_goes_by_starttls_in_plain_chinese_with_an_id_that_is_the_same_in_every_attempt() -> None:
    with mail_server(PEM) as server:
        outcomes = [mail(server.port).send(MESSAGE, attempt).status for attempt in (1, 2)]
    assert outcomes == [Status.DELIVERED, Status.DELIVERED]
    assert server.secure == [True, True]
    read = [email.message_from_bytes(text, policy=email.policy.default) for _, text in server.mails]
    assert {m["Message-ID"] for m in read} == {"<ntf-1@example.org>"}
    assert read[0]["Subject"] == "火灾 · 新事件"
    assert read[0]["Auto-Submitted"] == "auto-generated"
    assert read[0].get_content().splitlines() == MESSAGE.text.splitlines()
    assert read[0].get_content_type() == "text/plain"


def test_nothing_is_sent_in_the_clear_to_a_server_that_offers_no_starttls() -> None:
    with mail_server() as server:
        outcome = mail(server.port).send(MESSAGE, 1)
    assert (outcome.status, outcome.detail, server.mails) == (Status.FAILED, "SMTPNotSupportedError", [])


def test_a_server_with_another_name_in_its_certificate_gets_nothing() -> None:
    with mail_server(PEM) as server:
        outcome = mail(server.port, host="127.0.0.1").send(MESSAGE, 1)
    assert (outcome.status, server.mails) == (Status.FAILED, [])


@pytest.mark.parametrize(
    ("said", "status"),
    [(b"451 later", Status.FAILED), (b"552 too large", Status.REFUSED), (b"250 ok", Status.DELIVERED)],
)
def test_what_the_server_says_of_a_mail_means_delivered_again_or_never(said: bytes, status: Status) -> None:
    with mail_server(after_data=said) as server:
        assert mail(server.port, host="127.0.0.1", tls="none").send(MESSAGE, 1).status is status


def test_a_refused_recipient_does_not_keep_it_from_the_others() -> None:
    to = ["a@example.org", "b@example.org"]
    with mail_server(refuse=["a@example.org"]) as server:
        outcome = mail(server.port, host="127.0.0.1", tls="none", to=to).send(MESSAGE, 1)
        refused = mail(server.port, host="127.0.0.1", tls="none", to=to[:1]).send(MESSAGE, 1)
    assert (outcome.status, outcome.detail) == (Status.DELIVERED, "1 of 2 recipients refused")
    assert server.mails[0][0] == ["b@example.org"]
    assert (refused.status, refused.detail) == (Status.REFUSED, "recipients: 550")


def test_a_server_that_says_nothing_holds_a_target_no_longer_than_its_time() -> None:
    begun = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        outcome = mail(deaf.getsockname()[1], host="127.0.0.1", seconds=0.2).send(MESSAGE, 1)
    assert outcome.status is Status.FAILED
    assert time.monotonic() - begun < 3.0


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"to": []}, "1 to 50 addresses"), ({"to": ["nobody"]}, r"to\[0\]: expected an address"),
        ({"from": "a@b\nBcc: x@y"}, "from: expected an address"),
        ({"tls": "none", "host": "mail.example.org"}, "tls: none"),
        ({"user": "city"}, "both user and password_file"), ({"port": 0}, "port between"), ({"tsl": "x"}, "`tsl`"),
        ({"user": "city", "password_file": "none"}, "password_file: none: No such file"), ({"seconds": 0}, "seconds"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_used_are_refused_with_field_and_reason(given: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        mail(25, **given)
