"""The writing half over a broker: one appender for actions and the audit of access, one follower of the audit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from types import TracebackType
from typing import Final, Self

from brain.screen.following import Following
from brain.screen.heard import KEPT_MS, Heard
from brain.signed import TOPIC
from streams.log import LogError
from streams.produce import Appender
from streams.records import AUDIT_TYPE, CE_TYPE, TP, Headers
from streams.seal import TOOL_KEY
from streams.tailing import follow, since

_AUDIT: Final[Headers] = ((CE_TYPE, AUDIT_TYPE),)


class Writing:
    """What is sent and what is heard. Use it as a context: the follower runs within it. A broker that is away is told
    when something is to be sent, and waited for by the follower."""

    def __init__(self, bootstrap: str, prefix: str, clock: Callable[[], int]) -> None:
        self._bootstrap, self._prefix, self._clock = bootstrap, prefix, clock
        self.heard = Heard(prefix)
        self._following = Following("audit", self._read)
        self._lock, self._open = threading.Lock(), ExitStack()
        self._appender: Appender | None = None

    def __enter__(self) -> Self:
        self._following.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._following.stop()
        self._open.close()

    def send(self, key: bytes, value: bytes, headers: Headers) -> int:
        """As :class:`brain.screen.api.actions.Sender` says."""
        return self._append(TP(self._prefix + TOPIC, 0), key, value, headers)

    def note(self, record: bytes) -> None:
        """Keep a note of access on the audit. Raises LogError."""
        self._append(TP(self._prefix + "audit", 0), TOOL_KEY, record, _AUDIT)

    def _append(self, to: TP, key: bytes, value: bytes, headers: Headers) -> int:
        return self._appending().append(to, [(key, value, headers)])[0]

    def _appending(self) -> Appender:
        with self._lock:
            if self._appender is None:
                self._appender = self._open.enter_context(Appender(self._bootstrap))
            return self._appender

    def _read(self, positions: dict[TP, int]) -> None:
        """From positions on; at first from where the hours begin that are kept."""
        topic = self._prefix + "audit"
        if not positions:
            positions |= since(self._bootstrap, topic, self._clock() - KEPT_MS)
        if not positions:
            raise LogError(f"there is no topic {topic} at {self._bootstrap}")
        with closing(follow(self._bootstrap, [topic], positions=positions, stop=self._following.ended)) as records:
            for seen in records:
                self.heard.hear((seen,))
                positions[TP(seen.topic, seen.partition)] = seen.offset + 1
