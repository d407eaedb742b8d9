"""Topics followed in a thread of their own, for what a process keeps of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import structlog

from streams.log import LogError
from streams.records import TP

AGAIN_S: Final = 2.0
LEAVE_S: Final = 2.0
"""How long an end is waited for: a broker that is away may hold the thread longer, which dies with the process."""
log = structlog.get_logger(__name__)


class Following:
    """``read`` takes positions, empty at first, and what :meth:`start` was given; it keeps the positions as it goes,
    and returns once :meth:`ended`. Where it raises LogError it is called again with what it kept: a broker that leaves
    is waited for. ``name``: of the thread, and in the log."""

    def __init__(self, name: str, read: Callable[..., None]) -> None:
        self._name, self._read, self._end = name, read, threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, *given: object) -> None:
        """Follow until :meth:`stop`."""
        self._thread = threading.Thread(target=self._run, args=given, name=f"{self._name} followed", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, within the time of one poll."""
        self._end.set()
        if self._thread is not None:
            self._thread.join(LEAVE_S)

    def ended(self) -> bool:
        """Whether it was stopped."""
        return self._end.is_set()

    def _run(self, *given: object) -> None:
        positions: dict[TP, int] = {}
        while not self.ended():
            try:
                self._read(positions, *given)
            except LogError as error:
                log.warning("topics cannot be followed", of=self._name, error=str(error)[:300])
            self._end.wait(AGAIN_S)
