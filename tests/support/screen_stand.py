"""The whole screen over a made-up city, in a thread of this process: what tests of the page open in a browser."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn

from bench.screen.stand import OVER_MAP, application, filled, sample_map, unlimited
from brain.screen.app import listen
from brain.screen.board.board import Came
from brain.screen.heard import Heard
from streams.tailing import Seen

ROOT = Path(__file__).resolve().parents[2]


class Stand:
    """``skew_ms``: added to the server's clock, so that its pulses look old. The board outlives :meth:`stop`."""

    def __init__(self, count: int) -> None:
        self.skew_ms = 0
        self.city, self.board = filled(count, 1, self.now(), OVER_MAP)
        self.heard = Heard()
        self.port = 0
        # Its keys outlive a restart: who was signed in is so after it.
        self._demo = unlimited()
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._loop: Any = None
        self._beating = threading.Event()

    def now(self) -> int:
        """Milliseconds UTC, with the skew."""
        return time.time_ns() // 1_000_000 + self.skew_ms

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """On the port of the last time, where there was one."""
        app, self._hub = application(self.board, self._demo, sample_map(), self.now, self.heard)
        app.on_startup.append(self._started)
        sock = listen("127.0.0.1", self.port)
        self.port = sock.getsockname()[1]
        self._server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=30))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [sock]}, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        self._beating.clear()
        threading.Thread(target=self._beat, daemon=True).start()

    def stop(self) -> None:
        """All connections are cut in order, at once on a quiet machine: forced, uvicorn would leave some unclosed."""
        assert self._server is not None
        assert self._thread is not None
        self._beating.set()
        self._loop.call_soon_threadsafe(self._hub.close)
        self._server.should_exit = True
        self._thread.join()

    def change(self, count: int) -> None:
        """So many records more, all heard when it returns."""
        self._hear(lambda: self.city.change(count, 0))

    def open(self, count: int) -> None:
        """So many new incidents, one in twenty of them not shown, all heard when it returns."""
        self._hear(lambda: self.city.open(count))

    def close(self, name: str) -> None:
        """One is closed, heard when it returns."""
        k = next(k for k, incident in enumerate(self.city.incidents) if incident.id == name)
        self._hear(lambda: iter([self.city.close(k)]))

    def note(self, said: dict[str, Any]) -> None:
        """The city's note on the audit."""
        self.heard.hear([Seen("audit", 0, len(self.heard.notes()), self.now(), b"city", json.dumps(said).encode())])

    def _hear(self, records: Callable[[], Iterator[Came]]) -> None:
        done = threading.Event()

        def hear() -> None:
            self.city.t = max(self.city.t, time.time_ns() // 1_000_000)
            self.board.take(list(records()))
            done.set()

        self._loop.call_soon_threadsafe(hear)
        assert done.wait(5)

    async def _started(self) -> None:
        import asyncio

        self._loop = asyncio.get_running_loop()

    def _beat(self) -> None:
        while not self._beating.wait(0.5):
            self._loop.call_soon_threadsafe(self.board.beat, time.time_ns() // 1_000_000, "made-up")
