"""The command centre over a real brain: an event becomes a row, and a client goes on at a server that was restarted."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from access_rig import Rig
from running import INPUTS, Running, running, until
from screen_map import store

from bench.screen.client import Stream, get
from brain.pipeline import library
from brain.screen.access.config import Limits
from brain.screen.access.demo import Demo
from brain.screen.app import listen
from brain.screen.centre import Centre, Source, now_ms
from brain.settings import load
from streams.produce import Sender

pytestmark = pytest.mark.kafka


class Client(threading.Thread):
    """Reads the stream from a position until it is cut; ``rows`` has what it was told, ``last`` where it is."""

    def __init__(self, port: int, token: str, last: str) -> None:
        super().__init__(daemon=True)
        self.stream = Stream(port, "/api/v1/stream?withheld=true", token, last)
        self.rows: list[tuple[str, int]] = []
        self.last, self.pulses, self.reset = last, 0, False
        self.start()

    def run(self) -> None:
        try:
            for id_, kind, data in self.stream.events():
                self.reset |= kind == "reset"
                self.pulses += kind == "pulse"
                if kind == "incident":
                    row = json.loads(data)
                    self.rows.append((row["id"], row["rev"]))
                self.last = id_ or self.last
        finally:
            self.stream.cut()


@contextmanager
def serving(worker: Running, demo: Demo) -> Iterator[tuple[int, Centre]]:
    """A centre of its own on a port of its own."""
    settings = load(worker.config)
    sets, genesis = library(settings, worker.bootstrap)
    source = Source(worker.bootstrap, worker.prefix, tuple(settings.partitions), settings.key(), sets.get, genesis)
    centre, sock = Centre(source, store(), None, demo), listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(centre.app, log_config=None, timeout_graceful_shutdown=1))
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        await server.serve(sockets=[sock])

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    with centre.writing:
        thread.start()
        try:
            until(lambda: server.started and centre.board.ready)
            yield sock.getsockname()[1], centre
        finally:
            for loop in loops:
                loop.call_soon_threadsafe(centre.hub.close)
            server.should_exit = True
            thread.join(10)
            sock.close()


def leak(worker: Running, asset: str) -> None:
    """Gas far above its limit."""
    now = int(time.time() * 1000)
    with Sender(worker.bootstrap, INPUTS, worker.prefix) as sender:
        for n in range(3):
            body = {"asset": asset, "metric": "gas", "t": now + n, "v": 60.0 + n, "unit": "%LEL"}
            sender.send("iot.telemetry", asset.encode(), json.dumps(body).encode())
        sender.flush()


def on_topics(worker: Running) -> list[tuple[str, int]]:
    """Every revision of every incident of the city's emergencies, in order."""
    records = [json.loads(v) for _, v, _ in worker.read("incidents.emergency") if v and b'"revision"' in v]
    return [(r["id"], r["revision"]) for r in records]


def test_an_event_becomes_a_row_and_a_client_goes_on_at_a_restarted_server_without_gap_or_repeat(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    demo = Demo(Limits(reads=0, writes=0, failures=0))
    token = demo.token("op-01", now_ms())
    with running(kafka, prefix, tmp_path) as worker:
        worker.start()
        until(lambda: worker.read("signals.feedback"), 150)  # all its tasks run; a busy machine takes its time
        with serving(worker, demo) as (port, centre):
            paths = {route.path_format for route in centre.app.routes}
            assert paths == {route.path_format for route in Rig(demo=Demo()).app.routes}, "tests see every route"
            until(lambda: not get(port, "/api/v1/status", token)["late"])
            begin = get(port, "/api/v1/board?withheld=true", token)["event"]
            before, first = len(on_topics(worker)), Client(port, token, begin)
            leak(worker, "gas-01")
            until(lambda: first.rows)
            row = first.rows[0][0]
            board = get(port, "/api/v1/board?withheld=true", token)["rows"]
            assert row in {r["id"] for r in board}
            assert get(port, f"/api/v1/incidents/{row}", token)["incident"]["members"]
        first.join(10)
        leak(worker, "gas-02")  # while no server is there
        until(lambda: {i for i, _ in on_topics(worker)} - {i for i, _ in first.rows})
        with serving(worker, demo) as (port, _):
            second = Client(port, token, first.last)
            until(lambda: second.rows and second.pulses > 2)
            assert not get(port, "/api/v1/status", token)["late"]
            told = first.rows + second.rows
            assert not second.reset
            assert len(told) == len(set(told)), "nothing twice"
            assert set(on_topics(worker)[before:]) <= set(told), "nothing missed"
        second.join(10)
        assert worker.stop() == 0
