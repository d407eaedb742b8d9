"""Webhook: one HTTP POST a message, signed, with a key by which the receiver drops repeats.

The standard library's client: it follows no redirects, asks no proxy of the environment, and verifies certificates.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from brain.cloudevents import rfc3339
from brain.notify.deadline import Deadline
from brain.notify.port import Ack, Message, Outcome, Status
from streams.decode.columns import EARLIEST_MS, LATEST_MS
from streams.decode.mask import mask
from streams.decode.payload import Refused, moment

TYPE: Final = "city.notification.v1"
SIGNATURE: Final = "City-Signature"
ANSWER_MOST: Final = 64 * 1024
"""Of an answer so many bytes are read."""
AGAIN: Final = frozenset((408, 429))
"""Client errors that time may mend."""

_json = msgspec.json.Encoder().encode


class WebhookSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``seconds`` for one attempt, all in all. ``secret_file`` has the secret of the signature, 16 bytes or more.

    ``ca_file``: certificates to trust instead of the system's. ``plain_http``: allow http beyond this machine.
    ``acknowledges``: whether its answers may acknowledge incidents.
    """

    url: str
    secret_file: str
    seconds: float = 10.0
    ca_file: str = ""
    plain_http: bool = False
    acknowledges: bool = True


class _Said(msgspec.Struct):
    by: str
    until: int | float | str | None = None


class _Answer(msgspec.Struct):
    ack: _Said | None = None


_answer = msgspec.json.Decoder(_Answer).decode
_ACCOUNT: Final = re.compile(r"[\w.:@/-]{1,64}")


class Webhook:
    """Implements ``brain.notify.port.Notifier``."""

    def __init__(
        self, url: str, secret: bytes, *, seconds: float = 10.0, context: ssl.SSLContext | None = None,
        acknowledges: bool = True, clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        """``context`` is for https, else the system's certificates count; ``clock`` (s UTC) is for the signature."""
        parts = urlsplit(url)
        self._host, self._port, self._tls = parts.hostname or "", parts.port, parts.scheme == "https"
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._secret, self._seconds, self._context = secret, seconds, context
        self._acknowledges, self._clock = acknowledges, clock
        if self._tls and context is None:
            self._context = ssl.create_default_context()

    def send(self, message: Message, attempt: int) -> Outcome:
        """POST it once."""
        body = _json(message)
        headers = {
            "Content-Type": "application/json", "User-Agent": "city-brain", "Connection": "close",
            "ce-specversion": "1.0", "ce-type": TYPE, "ce-id": message.id, "ce-source": "/city-brain/notify",
            "ce-time": rfc3339(message.at), "Idempotency-Key": message.id, "City-Attempt": str(attempt),
            SIGNATURE: signature(body, self._secret, int(self._clock())),
        }  # fmt: skip
        with Deadline(self._seconds) as deadline, contextlib.ExitStack() as stack:
            try:
                connection = self._connect(deadline, stack)
                connection.request("POST", self._path, body, headers)
                answer = connection.getresponse()
                said = b"" if answer.status >= 300 else answer.read(ANSWER_MOST)
                if not deadline.passed:  # a cut connection looks like the end of an answer
                    return self._judge(answer.status, answer.getheader("Retry-After") or "", said)
                return Outcome(Status.FAILED, self._late())
            except ssl.SSLCertVerificationError as error:
                return Outcome(Status.FAILED, f"certificate: {error.verify_message}")
            except (OSError, http.client.HTTPException, ValueError) as error:
                return Outcome(Status.FAILED, self._late() if deadline.late(error) else type(error).__name__)

    def _late(self) -> str:
        return f"no answer within {self._seconds:g} s"

    def _connect(self, deadline: Deadline, stack: contextlib.ExitStack) -> http.client.HTTPConnection:
        """Connected; the handshake of TLS too is under the deadline."""
        connection: http.client.HTTPConnection
        if self._tls:
            connection = http.client.HTTPSConnection(self._host, self._port, context=self._context)
        else:
            connection = http.client.HTTPConnection(self._host, self._port)
        stack.callback(connection.close)
        plain = socket.create_connection((self._host, connection.port), self._seconds)
        connection.sock = plain
        deadline.watch(plain)
        if self._context is not None and self._tls:
            secure = self._context.wrap_socket(plain, server_hostname=self._host, do_handshake_on_connect=False)
            connection.sock = secure
            deadline.watch(secure)
            secure.do_handshake()
        return connection

    def _judge(self, status: int, retry_after: str, body: bytes) -> Outcome:
        if 200 <= status < 300:
            ack, wrong = read_ack(body) if self._acknowledges else (None, "")
            return Outcome(Status.DELIVERED, f"{status}{wrong}", ack=ack)
        if 300 <= status < 400:
            return Outcome(Status.REFUSED, f"{status}: redirects are not followed")
        if 400 <= status < 500 and status not in AGAIN:
            return Outcome(Status.REFUSED, str(status))
        wait = float(retry_after) if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 6 else 0.0
        return Outcome(Status.FAILED, str(status), wait)


def signature(body: bytes, secret: bytes, seconds: int) -> str:
    """``t=<seconds UTC>,v1=<HMAC-SHA256 of "t.body" in hex>``: a receiver refuses those that are old or do not hold."""
    mac = hmac.new(secret, b"%d." % seconds + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={mac}"


def read_ack(body: bytes) -> tuple[Ack | None, str]:
    """The acknowledgement in an answer, and what is wrong with one that cannot be used; None and "" where none is.

    Expected is ``{"ack": {"by": "<account>", "until": <ms UTC or RFC 3339>}}``. All else in the answer is ignored.
    """
    try:
        said = _answer(body).ack
    except msgspec.ValidationError as error:
        return None, f", ack: {error}"
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None, ""
    if said is None:
        return None, ""
    if not _ACCOUNT.fullmatch(said.by) or mask(said.by) != said.by:
        return None, ", ack.by: expected an account of 1 to 64 letters, digits and . : @ / - _, no number of a person"
    if said.until is None:
        return Ack(said.by), ""
    try:
        until = moment("ack.until", said.until)
    except Refused as refused:
        return None, f", {refused.detail}"
    if not EARLIEST_MS <= until <= LATEST_MS:
        return None, ", ack.until: expected a time between 2000 and 2100"
    return Ack(said.by, until), ""


def make(settings: Mapping[str, Any], folder: Path) -> Webhook:
    """Checks the settings of a target. Raises ValueError."""
    s = msgspec.convert(settings, WebhookSettings)
    parts = urlsplit(s.url)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise ValueError(f"url: expected https://host/path, got {s.url!r}")
    if parts.username or parts.password:
        raise ValueError("url: expected none with a user or password: the signature says who sends")
    if not s.url.isascii() or not s.url.isprintable() or " " in s.url:
        raise ValueError(f"url: expected letters that a URL may have, got {s.url!r}")
    parts.port  # noqa: B018  # raises ValueError where it is no number
    if parts.scheme == "http" and not s.plain_http and not loopback(parts.hostname):
        raise ValueError("url: expected https; say plain_http: true where the network is yours alone")
    if not 0 < s.seconds <= 120:
        raise ValueError(f"seconds: expected more than 0 and at most 120, got {s.seconds:g}")
    secret = read_secret(s.secret_file, folder, "secret_file")
    if len(secret) < 16:
        raise ValueError(f"secret_file: {s.secret_file}: expected at least 16 bytes, got {len(secret)}")
    context = ssl.create_default_context(cafile=str(folder / s.ca_file) if s.ca_file else None)
    return Webhook(s.url, secret, seconds=s.seconds, context=context, acknowledges=s.acknowledges)


def read_secret(name: str, folder: Path, field: str) -> bytes:
    """The content of a file of one secret, without white space around. Raises ValueError."""
    try:
        return (folder / name).read_bytes().strip()
    except OSError as error:
        raise ValueError(f"{field}: {name}: {error.strerror}") from error


def loopback(host: str) -> bool:
    """Whether that is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
