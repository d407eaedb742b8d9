"""A bound on the whole of a conversation: time-outs of sockets alone let a peer that trickles hold a thread."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self


class Deadline:
    """Cuts the watched socket ``seconds`` after it was entered; whoever waits for it then gets an error of the socket.

    ``passed`` says afterwards whether that was why.
    """

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def late(self, error: BaseException) -> bool:
        """Whether the time is why: it has passed, or the socket's own limit, which is as long, came first."""
        return self.passed or isinstance(error, TimeoutError)

    def watch(self, connection: socket.socket | None) -> None:
        """This is the socket; cut at once when it is too late already."""
        with self._lock:
            self._socket = connection
            late = self.passed
        if late:
            self._shut(connection)

    def _cut(self) -> None:
        with self._lock:
            self.passed = True
            connection = self._socket
        self._shut(connection)

    @staticmethod
    def _shut(connection: socket.socket | None) -> None:
        if connection is not None:
            # Closed by its owner, or by the peer, in the same moment: all that was wanted.
            with contextlib.suppress(OSError):
                # Not the method of an SSL socket, which also drops what its owner's thread is using.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
