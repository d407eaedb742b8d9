"""A screen over a made-up city, without Kafka: `python -m bench.screen.stand [--incidents N] [--updates N a second]`.

Prints one line of JSON once it listens: its address, tokens of a viewer and a dispatcher, its process id; ends at
SIGTERM. The whole application is served, gate and all, over loopback; only who may ask how often is not limited.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec
import shapely
from litestar import Litestar

from bench.screen.city import AREA, START, City
from brain.incidents.value import Incident
from brain.screen import maps
from brain.screen.access.config import Limits
from brain.screen.access.demo import Demo
from brain.screen.access.gate import Gate
from brain.screen.access.tokens import Verifier
from brain.screen.access.trail import Trail
from brain.screen.api.stream import Hub
from brain.screen.app import build, listen, serve
from brain.screen.board.board import Board
from brain.screen.board.lore import Lore
from brain.screen.board.sensing import Sensing
from brain.screen.features.catalogue import PUBLIC
from brain.screen.features.store import LayerStore
from brain.screen.heard import Heard
from brain.screen.mounted import Parts, api, others
from brain.screen.watched import Watched
from brain.sets import CitySet
from geo.feature import Feature
from geo.grid_map import Grid, GridMap
from streams.registry import Registry

KEY = b"bench"
MAP = Path(__file__).resolve().parents[2] / "config" / "map"
OVER_MAP = (113.1, 21.0, 113.99, 21.46)
"""Where the sample map is, degrees."""


def clock() -> int:
    """Milliseconds UTC."""
    return time.time_ns() // 1_000_000


def filled(count: int, seed: int, t: int, area: tuple[float, ...] = AREA) -> tuple[City, Board]:
    """A city with so many open incidents at a time, and the board that has read of them."""
    city, board = City(seed, t, area), Board()
    board.take(city.open(count))
    board.ready = True
    board.beat(city.t, "made-up")
    return city, board


def no_assets() -> CitySet:
    """A set without sensors: the board's incidents come from nowhere."""
    return CitySet("made-up", Registry.of([]), GridMap([Grid("g", "t", "d", shapely.box(113, 21, 114, 22))]), [])


def sample_map() -> list[Feature]:
    """All layers of the sample map."""
    return [feature for path in sorted(MAP.glob("*.geojson")) for feature in maps.read(path)]


def application(
    board: Board, demo: Demo, features: Sequence[Feature] = (), clock: Callable[[], int] = clock,
    heard: Heard | None = None,
) -> tuple[Litestar, Hub]:  # fmt: skip
    """The page and all that reads the board, behind the gate; and its streams. ``clock``: ms UTC; ``heard``: the audit,
    by default one that says nothing."""
    gate = Gate(demo.access, Verifier(demo.access, demo.keys, clock), Trail(lambda _: None, clock), clock, KEY)
    hub, layers, watched = Hub(board, clock), LayerStore(features, PUBLIC), Watched(board, clock)
    parts = Parts(gate, board, Lore(), layers, hub, clock, heard or Heard(), Sensing(no_assets()), demo=demo)
    return build(layers, clock, gate=gate, routers=api(parts), more=others(watched), watched=watched), hub


def unlimited() -> Demo:
    """Accounts that may ask as often as they can."""
    return Demo(Limits(reads=0, writes=0, failures=0))


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m bench.screen.stand", description=__doc__)
    parser.add_argument("--incidents", type=int, default=10_000)
    parser.add_argument("--updates", type=float, default=0.0, help="a second")
    parser.add_argument("--most", type=int, default=0, help="end the updates after so many")
    parser.add_argument("--map", action="store_true", help="with the sample map, and the incidents over it")
    parser.add_argument("--held", action="store_true", help="updates are begun by SIGUSR1")
    parser.add_argument("--told", type=Path, help="a file: id, revision, ms UTC of each change that streams tell")
    parser.add_argument("--fixed", action="store_true", help="a clock of its own, begun by SIGUSR1: the same records")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    area = OVER_MAP if chosen.map else AREA
    city, board = filled(chosen.incidents, chosen.seed, START if chosen.fixed else clock(), area)
    demo, sock = unlimited(), listen("127.0.0.1", chosen.port)
    app, _ = application(board, demo, sample_map() if chosen.map else ())
    now, end = clock(), threading.Event()
    said = {
        "url": f"http://127.0.0.1:{sock.getsockname()[1]}", "pid": os.getpid(),
        "tokens": {"viewer": demo.token("viewer-01", now), "dispatcher": demo.token("op-01", now)},
    }  # fmt: skip
    moving = Moving(city, board, chosen.updates, end)
    moving.most, moving.fixed = chosen.most, chosen.fixed
    moving.told = None if chosen.told is None else chosen.told.open("w", encoding="utf-8")
    signal.signal(signal.SIGUSR1, lambda *_: moving.go.set())
    if not (chosen.fixed or chosen.held):
        moving.go.set()
    app.on_startup.append(moving.start)
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()
    serve(app, sock)
    end.set()
    return 0


class Moving:
    """Changes the city in a thread, so many times a second; the board hears of it on its loop, as from Kafka."""

    def __init__(self, city: City, board: Board, per_s: float, end: threading.Event) -> None:
        self._city, self._board, self._per_s, self._end = city, board, per_s, end
        self.most, self.fixed, self.go = 0, False, threading.Event()
        self.told: IO[str] | None = None
        self._read = msgspec.json.Decoder(Incident).decode

    async def start(self) -> None:
        """With the application."""
        import asyncio

        loop = asyncio.get_running_loop()
        threading.Thread(target=self._run, args=(loop,), name="made-up city", daemon=True).start()

    def _run(self, loop: Any) -> None:
        if self.fixed:
            self.go.wait()
        began, done = 0.0, 0
        while not self._end.wait(0.05):
            began = began or (time.monotonic() if self.go.is_set() else 0.0)
            so_far = int((time.monotonic() - began) * self._per_s) if began else 0
            due = (min(so_far, self.most) if self.most else so_far) - done
            done += due
            if not self.fixed:
                self._city.t = max(self._city.t, clock())
            records = list(self._city.change(due, int(self.fixed)))
            self._tell(records)
            try:
                loop.call_soon_threadsafe(self._hear, records, self._city.t)
            except RuntimeError:  # the loop has ended, and so has the stand
                return

    def _tell(self, records: list[Any]) -> None:
        if self.told is not None and records:
            t, found = clock(), (self._read(came.value) for came in records)
            self.told.writelines(f"{one.id} {one.revision} {t}\n" for one in found if one.shown is not None)
            self.told.flush()

    def _hear(self, records: list[Any], t: int) -> None:
        self._board.take(records)
        self._board.beat(t, "made-up")


if __name__ == "__main__":
    raise SystemExit(main())
