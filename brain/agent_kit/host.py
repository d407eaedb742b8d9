"""Agents run in a process of their own: what one does there, be it raise, hang or end the process, ends only its row.

One process a worker, begun when it is first needed and again after each death. A frame is answered within a deadline,
else the process is ended: :data:`DEADLINE_S` and a millisecond a row, far above what any agent should need. Raising and
dying are the same on every run; whether something hung is judged by a clock, and so may differ on a far slower machine.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from brain.agent_kit import meters, tables, wire
from brain.agent_kit.fault import KEPT, Fault, Kind
from brain.agent_kit.kinds import Minute, Rows, Said
from brain.agent_kit.program import Judged

if TYPE_CHECKING:
    from brain.agent_kit.chosen import Agent

DEADLINE_S = 3.0
ROW_S = 0.001
LOAD_S = 15.0
"""For the process to begin, and for an agent's imports and ``prepare``."""
_BEGIN = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from brain.agent_kit.child import main; "
    "main(int(sys.argv[2]))"
)


class Host:
    """Implements :class:`brain.agent_kit.fault.Runner`; any thread may use it, one call runs at a time."""

    def __init__(self, deadline_s: float = DEADLINE_S) -> None:
        self.deadline_s = deadline_s
        self._lock = threading.RLock()
        self._first: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._line: socket.socket | None = None
        self._pid = 0
        self._loaded: dict[str, tuple[str, bytes]] = {}
        """What the runner has, by digest → agent and form of its state; what was used last at the end."""

    def close(self) -> None:
        """End the processes."""
        with self._lock:
            self._drop()
            if self._control is not None:
                self._control.close()
            if self._first is not None:
                try:
                    self._first.wait(5)
                except subprocess.TimeoutExpired:
                    self._first.kill()
                    self._first.wait()
            self._control = self._first = None

    # -- Runner

    def load(self, agent: Agent) -> None:
        """As Runner."""
        with self._lock:
            self._load(agent)

    def form(self, agent: Agent) -> np.dtype[Any]:
        """As Runner."""
        with self._lock:
            key = self._load(agent)
            return tables.read(self._loaded[key][1])

    def migrate(self, agent: Agent, old: NDArray[Any]) -> NDArray[Any] | None:
        """As Runner."""
        with self._lock:
            form = tables.describe(tables.packed(old.dtype))
            said = self._ask(agent, "migrate", [form, old.astype(tables.packed(old.dtype)).tobytes()], len(old))
            return None if said is None else np.frombuffer(said, self.form(agent)).copy()

    def judge(self, agent: Agent, rows: Rows, state: NDArray[Any]) -> Judged:
        """As Runner."""
        with self._lock:
            said, after = self._ask(agent, "judge", [wire.of_rows(rows), state.tobytes()], len(rows))
            state[:] = np.frombuffer(after, state.dtype)
            return wire.judged_of(said)

    def one_by_one(self, agent: Agent, rows: Rows, state: NDArray[Any]) -> Iterator[Judged | Fault]:
        """As Runner; a row at which the process dies or hangs is told as such, and the rest goes on in another."""
        at, n = 0, len(rows)
        with self._lock:
            try:
                while at < n:
                    self._load(agent)
                    self._send("singly", agent, [wire.of_rows(rows.part(slice(at, None))), state.tobytes()])
                    while at < n:
                        try:
                            said, after = self._answer(agent, self.deadline_s)
                        except Fault as fault:
                            at += 1
                            yield fault
                            if fault.kind in ("died", "hung"):
                                break
                            continue
                        own = int(rows.asset[at])
                        state[own : own + 1] = np.frombuffer(after, state.dtype)
                        at += 1
                        yield wire.judged_of(said)
            finally:
                if at < n:  # whoever asked wants no more of it, and the process is still at it
                    self._drop()

    def think(self, agent: Agent, minute: Minute, memory: bytes) -> tuple[list[Said], bytes]:
        """As Runner."""
        with self._lock:
            said, after = self._ask(agent, "think", [wire.of_minute(minute), memory], 1000)
            return msgspec.convert(said, list[Said]), after

    # -- the process

    def _ask(self, agent: Agent, what: str, rest: list[Any], rows: int) -> Any:
        self._load(agent)
        self._send(what, agent, rest)
        return self._answer(agent, self.deadline_s + rows * ROW_S)

    def _load(self, agent: Agent) -> str:
        key = _key(agent)
        if self._line is None:
            self._begin()
        known = self._loaded.pop(key, None)
        if known is None:
            mine = [name for name, (of, _) in self._loaded.items() if of == agent.id]
            gone = mine[: max(0, len(mine) - KEPT + 1)]
            self._send("load", agent, [agent.packed, gone])
            for name in gone:
                del self._loaded[name]
            try:
                known = agent.id, self._answer(agent, LOAD_S)
            except Fault as fault:
                raise Fault("load", fault.detail) from fault
        self._loaded[key] = known
        return key

    def _send(self, what: str, agent: Agent, rest: list[Any]) -> None:
        assert self._line is not None
        self._line.settimeout(LOAD_S)
        try:
            wire.send(self._line, [what, _key(agent), *rest])
        except (wire.Gone, TimeoutError) as error:
            self._drop()
            raise Fault("died", "the process ended") from error

    def _answer(self, agent: Agent, seconds: float) -> Any:
        assert self._line is not None
        try:
            said = wire.receive(self._line, time.monotonic() + seconds)
        except TimeoutError:
            self._drop()
            raise Fault("hung", f"no answer for {seconds:g} s") from None
        except (wire.Gone, msgspec.DecodeError) as error:
            self._drop()
            raise Fault("died", "it ended the process that it ran in") from error
        meters.spent(agent.id, said[-1])
        if said[0] == "fault":
            kind: Kind = said[1]
            raise Fault(kind, said[2])
        return said[1]

    def _begin(self) -> None:
        meters.RESTARTS.inc()
        for _ in range(2):  # the first one may have been ended from outside: then another
            if self._first is None or self._first.poll() is not None:
                self._begin_first()
            assert self._control is not None
            mine, theirs = socket.socketpair()
            try:
                socket.send_fds(self._control, [b"r"], [theirs.fileno()])
                theirs.close()
                self._pid = wire.receive(mine, time.monotonic() + LOAD_S)
            except (OSError, wire.Gone):  # TimeoutError is one
                mine.close()
                self._end_first()
                continue
            finally:
                theirs.close()
            self._line = mine
            return
        raise Fault("died", "the agents' process cannot be begun")

    def _begin_first(self) -> None:
        self._end_first()
        mine, theirs = socket.socketpair()
        with theirs:
            self._first = subprocess.Popen(
                [sys.executable, "-c", _BEGIN, json.dumps(sys.path), str(theirs.fileno())], pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
        self._control = mine

    def _end_first(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._first is not None:
            self._first.kill()
            self._first.wait()
        self._control = self._first = None

    def _drop(self) -> None:
        """The runner is ended, and whatever it had loaded with it."""
        if self._line is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            self._line.close()
        self._line, self._loaded = None, {}


def _key(agent: Agent) -> str:
    return hashlib.blake2b(agent.packed, digest_size=8).hexdigest()


_shared: dict[int, Host] = {}


def shared() -> Host:
    """That of this process; a fork of it begins its own."""
    pid = os.getpid()
    if pid not in _shared:
        _shared.clear()  # of the process that this one was forked from, which goes on using it
        _shared[pid] = Host()
        atexit.register(_shared[pid].close)
    return _shared[pid]
