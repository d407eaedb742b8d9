"""Mail: one plain text a message over SMTP with STARTTLS; its Message-ID is the same in every attempt."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Mapping
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from brain.city_time import CITY_TIME
from brain.notify.deadline import Deadline
from brain.notify.port import Message, Outcome, Status
from brain.notify.webhook import loopback, read_secret
from brain.notify.words import plain

RECIPIENTS_MOST: Final = 50
_ADDRESS: Final = re.compile(r"[\w.+-]{1,64}@[\w-]+(\.[\w-]+)*", re.ASCII)


class MailSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename={"sender": "from"}):
    """``tls``: ``none`` only on this machine. ``password_file`` goes with ``user``. ``seconds``: for one attempt."""

    host: str
    sender: str
    to: list[str]
    port: int = 587
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    user: str = ""
    password_file: str = ""
    ca_file: str = ""
    seconds: float = 30.0


class _Client(smtplib.SMTP):
    def __init__(self, deadline: Deadline, implicit: ssl.SSLContext | None, seconds: float) -> None:
        self._deadline, self._implicit = deadline, implicit
        super().__init__(timeout=seconds, local_hostname="city-brain")

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        found = socket.create_connection((host, port), timeout)
        self._deadline.watch(found)
        if self._implicit is not None:
            found = self._implicit.wrap_socket(found, server_hostname=host)
            self._deadline.watch(found)
        return found


class Mail:
    """Implements ``brain.notify.port.Notifier``. An acknowledgement cannot come by mail."""

    def __init__(self, settings: MailSettings, password: str = "", context: ssl.SSLContext | None = None) -> None:
        self._s, self._password = settings, password
        self._context = context or ssl.create_default_context()

    def send(self, message: Message, attempt: int) -> Outcome:
        """One mail to all addresses of the target; where some are refused, it has arrived at the others."""
        s = self._s
        with Deadline(s.seconds) as deadline:
            client = _Client(deadline, self._context if s.tls == "implicit" else None, s.seconds)
            try:
                refused = self._talk(client, deadline, compose(message, s.sender, s.to))
            except smtplib.SMTPRecipientsRefused as error:
                codes = sorted({code for code, _ in error.recipients.values()})
                return _refusal(min(codes, default=0), "recipients")
            except smtplib.SMTPResponseException as error:
                return _refusal(error.smtp_code, type(error).__name__)
            except (OSError, smtplib.SMTPException, ValueError) as error:
                why = f"no answer within {s.seconds:g} s" if deadline.late(error) else type(error).__name__
                return Outcome(Status.FAILED, why)
            finally:
                client.close()
        return Outcome(Status.DELIVERED, f"{refused} of {len(s.to)} recipients refused" if refused else "")

    def _talk(self, client: smtplib.SMTP, deadline: Deadline, mail: EmailMessage) -> int:
        """Hand it over; how many recipients were refused."""
        s = self._s
        client._host = s.host  # type: ignore[attr-defined]  # the name that STARTTLS verifies; connect() leaves it out
        code, said = client.connect(s.host, s.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, said)
        if s.tls == "starttls":
            client.starttls(context=self._context)
            deadline.watch(client.sock)
        if s.user:
            client.login(s.user, self._password)
        refused = client.send_message(mail, s.sender, s.to)
        try:
            client.quit()
        except (OSError, smtplib.SMTPException):
            return len(refused)  # it was taken: what comes after that changes nothing
        return len(refused)


def compose(message: Message, sender: str, to: list[str]) -> EmailMessage:
    """The mail of a message: plain text, UTF-8."""
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = plain(message.title)
    mail["From"], mail["To"] = sender, ", ".join(to)
    mail["Date"] = format_datetime(datetime.fromtimestamp(message.at // 1000, CITY_TIME))
    mail["Message-ID"] = f"<{message.id}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["Idempotency-Key"] = message.id
    mail.set_content(message.text, cte="base64")
    return mail


def _refusal(code: int, what: str) -> Outcome:
    return Outcome(Status.REFUSED if 500 <= code < 600 else Status.FAILED, f"{what}: {code}")


def make(settings: Mapping[str, Any], folder: Path) -> Mail:
    """Checks the settings of a target. Raises ValueError."""
    s = msgspec.convert(settings, MailSettings)
    if not s.host or not 0 < s.port < 65536:
        raise ValueError(f"host: expected a host, and a port between 1 and 65535, got {s.host!r}, {s.port}")
    if not 1 <= len(s.to) <= RECIPIENTS_MOST:
        raise ValueError(f"to: expected 1 to {RECIPIENTS_MOST} addresses, got {len(s.to)}")
    for where, address in (("from", s.sender), *((f"to[{n}]", a) for n, a in enumerate(s.to))):
        _address(address, where)
    if s.tls == "none" and not loopback(s.host):
        raise ValueError("tls: none: expected starttls or implicit to another machine")
    if bool(s.user) != bool(s.password_file):
        raise ValueError("user: expected both user and password_file, or neither")
    if s.user and s.tls == "none":
        raise ValueError("user: a password is not sent in the clear; expected tls: starttls or implicit")
    if not 0 < s.seconds <= 300:
        raise ValueError(f"seconds: expected more than 0 and at most 300, got {s.seconds:g}")
    password = read_secret(s.password_file, folder, "password_file").decode() if s.user else ""
    context = ssl.create_default_context(cafile=str(folder / s.ca_file) if s.ca_file else None)
    return Mail(s, password, context)


def _address(text: str, where: str) -> None:
    if not _ADDRESS.fullmatch(text):
        raise ValueError(f"{where}: expected an address such as duty@example.org, got {text!r}")
