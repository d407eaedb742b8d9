"""The agents' own process: a first one that stays as it began, and a fork of it that runs agents and may die.

The first has only imported; a fork begins in milliseconds, however often one dies. Both end when the worker does.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
from typing import Any

import numpy as np

from brain.agent_kit import spec, wire
from brain.agent_kit.fault import Fault, fault_of, singly
from brain.agent_kit.program import Program
from brain.agent_kit.tables import describe, packed, read


def main(fd: int) -> None:
    """Fork a runner for every socket that the worker sends, until the worker closes its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the worker's, which still has a last flush to write
    os.dup2(2, 1)  # what agents print is no output of the worker
    control, running = socket.socket(fileno=fd), set[int]()
    while True:
        said, fds, _, _ = socket.recv_fds(control, 1, 1)
        if not said:
            break
        pid = os.fork()
        if pid == 0:
            control.close()
            with contextlib.suppress(wire.Gone):
                serve(socket.socket(fileno=fds[0]))
            os._exit(0)
        os.close(fds[0])
        running.add(pid)
        running = {one for one in running if os.waitpid(one, os.WNOHANG)[0] == 0}
    for pid in running:  # one that hangs does not see that the worker is gone
        if os.waitpid(pid, os.WNOHANG)[0] == 0:
            os.kill(pid, signal.SIGKILL)


def serve(worker: socket.socket) -> None:
    """Answer the worker's frames. Raises Gone at its end."""
    wire.send(worker, os.getpid())
    programs: dict[str, Program] = {}
    while True:
        what, key, *rest = wire.receive(worker)
        began = time.process_time()
        try:
            if what == "load":
                for gone in rest[1]:
                    programs.pop(gone, None)
                programs[key] = Program(spec.decode(rest[0]))
                answer: Any = _form(programs[key])
            elif what == "singly":
                _singly(worker, programs[key], rest)
                continue
            else:
                answer = _answer(what, programs[key], rest)
        except Exception as error:  # noqa: BLE001  # an agent may raise anything: the worker is told
            fault = fault_of(error)
            wire.send(worker, ["fault", fault.kind, fault.detail, time.process_time() - began])
        else:
            wire.send(worker, ["done", answer, time.process_time() - began])


def _form(program: Program) -> bytes:
    return describe(packed(program.form)) if program.spec.shape == "lane" else b""


def _answer(what: str, program: Program, rest: list[Any]) -> Any:
    if what == "judge":
        rows, state = wire.rows_of(rest[0]), _state(program, rest[1])
        said = program.judge(rows, state)
        return [wire.of_judged(said), state.tobytes()]
    if what == "think":
        heard, memory = program.think(wire.minute_of(rest[0]), rest[1])
        return [heard, memory]
    new = program.migrate(np.frombuffer(rest[1], read(rest[0])).copy())
    return None if new is None else new.astype(packed(program.form)).tobytes()


def _singly(worker: socket.socket, program: Program, rest: list[Any]) -> None:
    rows, state = wire.rows_of(rest[0]), _state(program, rest[1])
    began = time.process_time()
    for i, said in enumerate(singly(program, rows, state)):
        now = time.process_time()
        if isinstance(said, Fault):
            wire.send(worker, ["fault", said.kind, said.detail, now - began])
        else:
            own = state[rows.asset[i] : rows.asset[i] + 1]
            wire.send(worker, ["done", [wire.of_judged(said), own.tobytes()], now - began])
        began = now


def _state(program: Program, said: bytes) -> Any:
    return np.frombuffer(said, packed(program.form)).copy()


if __name__ == "__main__":
    main(int(sys.argv[1]))
