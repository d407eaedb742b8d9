"""Loopback receivers of notifications: HTTP with scripted answers, byte for byte, and a small SMTP server."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

Answer = bytes | Callable[[socket.socket], None]


def http(status: int, body: bytes = b"", headers: str = "") -> bytes:
    """One answer, whole."""
    head = f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{headers}\r\n"
    return head.encode() + body


def trickle(connection: socket.socket) -> None:
    """A byte now and then, for ever: no single wait is long."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    with contextlib.suppress(OSError):
        while True:
            connection.sendall(b"x")
            time.sleep(0.02)


def silent(connection: socket.socket) -> None:
    """Takes the request, and says nothing until the other side has gone."""
    with contextlib.suppress(OSError):
        connection.recv(1)


@dataclass
class Receiver:
    """``answers`` are given one after the other, the last one again and again."""

    port: int
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/in?x=1"

    def keys(self) -> list[str]:
        return [headers["idempotency-key"] for headers, _ in self.requests]


@contextmanager
def receiver(*answers: Answer, pem: str = "") -> Iterator[Receiver]:
    """An HTTP server; with ``pem`` (certificate and key) it speaks TLS."""
    context = None
    if pem:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
    with _serving() as (listening, accept):
        made = Receiver(listening.getsockname()[1])

        def serve(connection: socket.socket) -> None:
            if context is not None:
                connection = context.wrap_socket(connection, server_side=True)
            with connection:
                request = _request(connection)
                if request is None:
                    return
                made.requests.append(request)
                answer = answers[min(len(made.requests), len(answers)) - 1]
                if isinstance(answer, bytes):
                    connection.sendall(answer)
                else:
                    answer(connection)

        accept(serve)
        yield made


def _request(connection: socket.socket) -> tuple[dict[str, str], bytes] | None:
    got = b""
    while b"\r\n\r\n" not in got:
        more = connection.recv(65536)
        if not more:
            return None
        got += more
    head, _, body = got.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65536)
    return {":first": first, **headers}, body


@dataclass
class MailServer:
    """``mails``: (recipients, text) of what was taken."""

    port: int
    mails: list[tuple[list[str], bytes]] = field(default_factory=list)
    secure: list[bool] = field(default_factory=list)


@contextmanager
def mail_server(pem: str = "", refuse: Sequence[str] = (), after_data: bytes = b"250 taken") -> Iterator[MailServer]:
    """An SMTP server; offers STARTTLS with ``pem``, refuses some recipients, says ``after_data`` to a mail."""
    with _serving() as (listening, accept):
        made = MailServer(listening.getsockname()[1])

        def serve(plain: socket.socket) -> None:
            connection, secure, to = plain, False, list[str]()
            lines = connection.makefile("rb")
            connection.sendall(b"220 stub\r\n")
            while line := lines.readline():
                word = line.strip().upper()
                if word.startswith(b"EHLO"):
                    connection.sendall(
                        b"250-stub\r\n" + (b"250-STARTTLS\r\n" if pem and not secure else b"") + b"250 OK\r\n"
                    )
                elif word == b"STARTTLS":
                    connection.sendall(b"220 go\r\n")
                    lines.close()
                    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    context.load_cert_chain(pem)
                    connection, secure, to = context.wrap_socket(connection, server_side=True), True, []
                    lines = connection.makefile("rb")
                elif word.startswith(b"RCPT"):
                    address = line.decode().partition("<")[2].partition(">")[0]
                    no = address in refuse
                    to += [] if no else [address]
                    connection.sendall(b"550 no such user\r\n" if no else b"250 OK\r\n")
                elif word == b"DATA":
                    connection.sendall(b"354 go\r\n")
                    text = b""
                    while not text.endswith(b"\r\n.\r\n"):
                        text += lines.readline()
                    if after_data.startswith(b"2"):
                        made.mails.append((to, text))
                        made.secure.append(secure)
                    connection.sendall(after_data + b"\r\n")
                elif word == b"QUIT":
                    connection.sendall(b"221 bye\r\n")
                    break
                else:
                    connection.sendall(b"250 OK\r\n")
            lines.close()
            connection.close()

        accept(serve)
        yield made


@contextmanager
def _serving() -> Iterator[tuple[socket.socket, Callable[[Callable[[socket.socket], None]], None]]]:
    listening = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []
    ended = threading.Event()

    def guarded(serve: Callable[[socket.socket], None], connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            serve(connection)

    def accept(serve: Callable[[socket.socket], None]) -> None:
        def loop() -> None:
            while not ended.is_set():
                with contextlib.suppress(OSError):
                    connection, _ = listening.accept()
                    threads.append(threading.Thread(target=guarded, args=(serve, connection), daemon=True))
                    threads[-1].start()

        threads.append(threading.Thread(target=loop, daemon=True))
        threads[0].start()

    try:
        yield listening, accept
    finally:
        ended.set()
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for thread in threads:
            thread.join(2.0)
