"""A client that costs little: raw HTTP/1.1 on a few connections that stay open, and a reader of event streams."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

HZ = os.sysconf("SC_CLK_TCK")


class BadAnswer(Exception):
    """The server said what it should not have."""


class Stand(NamedTuple):
    """A running stand (bench/screen/stand.py)."""

    port: int
    pid: int
    token: str

    def go(self) -> None:
        """Begin the updates of a stand with a clock of its own."""
        os.kill(self.pid, signal.SIGUSR1)

    def cpu_s(self) -> float:
        """User and system seconds of the server's process."""
        user, system = Path(f"/proc/{self.pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / HZ


@contextmanager
def running(*options: str) -> Iterator[Stand]:
    """A stand in a process of its own, on one core."""
    one = [min(os.sched_getaffinity(0))] if hasattr(os, "sched_setaffinity") else []
    command = [sys.executable, "-m", "bench.screen.stand", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise BadAnswer(f"the stand ended with code {process.wait()}")
        said = json.loads(line)
        if one:
            os.sched_setaffinity(process.pid, one)
        yield Stand(int(said["url"].rpartition(":")[2]), process.pid, said["tokens"]["dispatcher"])
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        if process.poll() is None:
            process.kill()
            process.wait()


def request(path: str, token: str, more: str = "") -> bytes:
    """A GET as bytes."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n{more}\r\n".encode()


class Line:
    """One connection that stays open, one request after the other."""

    def __init__(self, port: int) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), 30)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray(1 << 20)

    def send(self, asked: bytes) -> None:
        """A request; its answer is to be read before the next one."""
        self._sock.sendall(asked)

    def answer(self) -> tuple[int, bytes]:
        """Status and body of the answer that comes next, by its Content-Length."""
        view, got = memoryview(self._buffer), 0
        head = -1
        while head < 0:
            got += self._more(view[got:])
            head = self._buffer.find(b"\r\n\r\n", 0, got)
        length, lines = -1, bytes(view[:head]).split(b"\r\n")
        for line in lines[1:]:
            if line[:15].lower() == b"content-length:":
                length = int(line[15:])
        if length < 0:
            raise BadAnswer(f"no length: {lines[0]!r}")
        while got < head + 4 + length:
            got += self._more(view[got:])
        return int(lines[0].split(b" ", 2)[1]), bytes(view[head + 4 : got])

    def fileno(self) -> int:
        """Of its socket."""
        return self._sock.fileno()

    def close(self) -> None:
        """End it."""
        self._sock.close()

    def _more(self, into: memoryview) -> int:
        size = self._sock.recv_into(into) if into else 0
        if not size:
            raise BadAnswer("the connection ended, or the answer is larger than a mebibyte")
        return size


def get(port: int, path: str, token: str) -> Any:
    """The JSON of one answer. Raises BadAnswer for any status but 200."""
    line = Line(port)
    try:
        line.send(request(path, token))
        status, body = line.answer()
    finally:
        line.close()
    if status != 200:
        raise BadAnswer(f"{path}: {status} {body[:200]!r}")
    return json.loads(body)


class Stream:
    """An event stream from a position on, read until it is cut."""

    def __init__(self, port: int, path: str, token: str, last: str) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), 30)
        more = f"Accept: text/event-stream\r\nLast-Event-ID: {last}\r\n" if last else ""
        self._sock.sendall(request(path, token, more))
        self._rest, self._head = b"", False

    def events(self) -> Iterator[tuple[str, str, str]]:
        """(id, event, data) of what has come, as it comes; ends with the stream."""
        while True:
            got = self._sock.recv(1 << 16)
            if not got:
                return
            self._rest += got
            if not self._head:
                if b"\r\n\r\n" not in self._rest:
                    continue
                head, _, self._rest = self._rest.partition(b"\r\n\r\n")
                if b" 200 " not in head.split(b"\r\n", 1)[0] + b" ":
                    raise BadAnswer(repr(head[:200]))
                self._head = True
            yield from self._whole()

    def cut(self) -> None:
        """As a network does it: in the middle of whatever is on the way."""
        self._sock.close()

    def _whole(self) -> Iterator[tuple[str, str, str]]:
        # Chunks of the transfer begin and end anywhere; their lines of sizes are never lines of an event.
        text, kept = _unchunked(self._rest)
        *events, tail = text.split(b"\n\n")
        for event in events:
            fields = dict(part.split(b": ", 1) for part in event.split(b"\n") if b": " in part)
            yield tuple(fields.get(name, b"").decode() for name in (b"id", b"event", b"data"))  # type: ignore[misc]
        self._rest = (b"%x\r\n" % len(tail) + tail + b"\r\n" if tail else b"") + kept


def _unchunked(raw: bytes) -> tuple[bytes, bytes]:
    """Content of all whole chunks, and what is left of an unfinished one."""
    out, at = [], 0
    while True:
        line = raw.find(b"\r\n", at)
        if line < 0:
            break
        size = int(raw[at:line], 16)
        if len(raw) < line + 4 + size:
            break
        out.append(raw[line + 2 : line + 2 + size])
        at = line + 4 + size
        if size == 0:
            break
    return b"".join(out), raw[at:]
