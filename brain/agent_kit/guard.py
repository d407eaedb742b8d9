"""Run an agent's calls where a clock, chance, a file, a socket or a process is noticed: for ``brain agent check``.

Notices what Python says of itself (audit events), and the clocks and random numbers that the agent asks by module.
Does not notice what compiled code does by itself, nor a clock that was taken before the agent was loaded.
"""

from __future__ import annotations

import datetime
import random
import sys
import time
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from brain.agent_kit import spec, wire
from brain.agent_kit.program import Program
from brain.agent_kit.tables import packed

FORBIDDEN = (
    "open", "socket.", "subprocess.", "os.", "shutil.", "pathlib.", "glob.", "tempfile.", "urllib.", "ctypes.",
    "sqlite3.", "http.", "ftplib.", "smtplib.", "import",
)  # fmt: skip
CLOCKS = ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "sleep")
CHANCE = ("random", "randint", "choice", "shuffle", "uniform", "gauss", "sample", "randrange")

_armed = [False]
"""Whether a call that counts is under way."""
_found: set[str] = set()


def main() -> None:
    """Read a frame of calls from standard input, write what was noticed as JSON."""
    said = wire.unpack(sys.stdin.buffer.read())
    _watch()
    program = Program(spec.decode(said["spec"]))
    for armed in (False, True):  # what is imported or compiled at a first call is no I/O of a call
        _armed[0] = armed
        for call in said["calls"]:
            _run(program, call)
        _armed[0] = False
    sys.stdout.buffer.write(msgspec.json.encode(sorted(_found)))


def _run(program: Program, call: list[Any]) -> None:
    if call[0] == "judge":
        state = np.frombuffer(call[2], packed(program.form)).copy()
        program.judge(wire.rows_of(call[1]), state)
    else:
        program.think(wire.minute_of(call[1]), call[2])


def _watch() -> None:
    def heard(event: str, args: Any) -> None:
        if _armed[0] and event.startswith(FORBIDDEN):
            _found.add(f"{event} {args[0]!r}"[:120] if args else event)

    sys.addaudithook(heard)
    for module, names in ((time, CLOCKS), (random, CHANCE), (np.random, (*CHANCE, "default_rng", "rand", "normal"))):
        for name in names:
            if hasattr(module, name):
                setattr(module, name, _noticed(f"{module.__name__}.{name}", getattr(module, name)))

    class Watched(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]  # not of this class
            _notice("datetime.now")
            return datetime.datetime(2000, 1, 1, tzinfo=tz)

        @classmethod
        def utcnow(cls) -> datetime.datetime:  # type: ignore[override]  # not of this class
            _notice("datetime.utcnow")
            return datetime.datetime(2000, 1, 1)  # noqa: DTZ001  # what utcnow answers has none

    datetime.datetime = Watched  # type: ignore[misc]  # only in this process


def _notice(what: str) -> None:
    if _armed[0]:
        _found.add(what)


def _noticed(what: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def asked(*args: Any, **more: Any) -> Any:
        _notice(what)
        return real(*args, **more)

    return asked


if __name__ == "__main__":
    main()
