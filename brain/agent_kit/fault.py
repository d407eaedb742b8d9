"""What an agent can do wrong, and who runs it: in the worker, or in a child that may die."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from brain.agent_kit import meters
from brain.agent_kit.kinds import Minute, Rows, Said
from brain.agent_kit.program import Broken, Judged, Program

if TYPE_CHECKING:
    from brain.agent_kit.chosen import Agent

KEPT = 3
"""Programs of one agent that stay loaded: another map, or other params, make another, and lanes change over one by one.
"""
Kind = Literal["raised", "broken", "died", "hung", "load"]


class Fault(Exception):
    """An agent failed: ``kind`` of a closed list, and what it said."""

    def __init__(self, kind: Kind, detail: str) -> None:
        super().__init__(f"{kind}: {detail}"[:300])
        self.kind: Kind = kind
        self.detail = detail[:300]


class Runner(Protocol):
    """Runs agents. All of it raises Fault, and then nothing of what was handed in has changed."""

    def load(self, agent: Agent) -> None:
        """Have it ready to run."""
        ...

    def form(self, agent: Agent) -> np.dtype[Any]:
        """Form of a lane agent's state, once the agent is loaded."""
        ...

    def migrate(self, agent: Agent, old: NDArray[Any]) -> NDArray[Any] | None:
        """Rows of an earlier form in the present one; None where that cannot be."""
        ...

    def judge(self, agent: Agent, rows: Rows, state: NDArray[Any]) -> Judged:
        """All rows at once; ``state`` is changed in place."""
        ...

    def one_by_one(self, agent: Agent, rows: Rows, state: NDArray[Any]) -> Iterator[Judged | Fault]:
        """Each row by itself, in order; a row that fails leaves the state as it was."""
        ...

    def think(self, agent: Agent, minute: Minute, memory: bytes) -> tuple[list[Said], bytes]:
        """One minute of a city agent: what it says, and its state after."""
        ...


def fault_of(error: Exception) -> Fault:
    """What an exception of an agent says."""
    if isinstance(error, Fault):
        return error
    return Fault("broken" if isinstance(error, Broken) else "raised", f"{type(error).__name__}: {error}")


def singly(program: Program, rows: Rows, state: NDArray[Any]) -> Iterator[Judged | Fault]:
    """Each row by itself; what a row that raises did to the state is undone."""
    for i in range(len(rows)):
        before = state.copy()
        try:
            yield program.judge(rows.part(slice(i, i + 1)), state)
        except Exception as error:  # noqa: BLE001  # an agent may raise anything; it ends with the row
            state[:] = before
            yield fault_of(error)


class Inline:
    """Runs agents in this process: for those of the tree that are trusted not to hang or end it."""

    def __init__(self) -> None:
        self._programs: dict[bytes, Program] = {}

    def program(self, agent: Agent) -> Program:
        found = self._programs.get(agent.packed)
        if found is None:
            try:
                found = self._programs[agent.packed] = Program(agent.ground)
            except Exception as error:  # its import may raise anything
                raise Fault("load", f"{type(error).__name__}: {error}") from error
            for packed in [p for p, one in self._programs.items() if one.spec.id == agent.id][:-KEPT]:
                del self._programs[packed]
        return found

    def load(self, agent: Agent) -> None:
        """As Runner."""
        self.program(agent)

    def form(self, agent: Agent) -> np.dtype[Any]:
        """As Runner."""
        form: np.dtype[Any] = self.program(agent).form
        return form

    def migrate(self, agent: Agent, old: NDArray[Any]) -> NDArray[Any] | None:
        """As Runner."""
        try:
            return self.program(agent).migrate(old)
        except Exception as error:
            raise fault_of(error) from error

    def judge(self, agent: Agent, rows: Rows, state: NDArray[Any]) -> Judged:
        """As Runner."""
        program, work, began = self.program(agent), state.copy(), time.thread_time()
        try:
            said = program.judge(rows, work)
        except Exception as error:
            raise fault_of(error) from error
        finally:
            meters.spent(agent.id, time.thread_time() - began)
        state[:] = work
        return said

    def one_by_one(self, agent: Agent, rows: Rows, state: NDArray[Any]) -> Iterator[Judged | Fault]:
        """As Runner."""
        return singly(self.program(agent), rows, state)

    def think(self, agent: Agent, minute: Minute, memory: bytes) -> tuple[list[Said], bytes]:
        """As Runner."""
        program, began = self.program(agent), time.thread_time()
        try:
            return program.think(minute, memory)
        except Exception as error:
            raise fault_of(error) from error
        finally:
            meters.spent(agent.id, time.thread_time() - began)
