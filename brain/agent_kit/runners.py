"""Who runs an agent: the worker's child process, or the worker itself where its manifest says ``inline``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from brain.agent_kit import host
from brain.agent_kit.chosen import Agent
from brain.agent_kit.fault import Fault, Inline, Runner
from brain.agent_kit.manifest import AgentError

_inline = Inline()
_instead: list[Runner] = []


def runner_of(agent: Agent) -> Runner:
    """Its runner; which one it is changes no result, as long as the agent does not fail."""
    if _instead:
        return _instead[-1]
    return _inline if agent.manifest.isolation == "inline" else host.shared()


def prove(agents: Iterable[Agent]) -> None:
    """Have the live ones loaded, so that a set with one that cannot be is refused. Raises AgentError."""
    for agent in agents:
        if agent.state == "live":
            try:
                runner_of(agent).load(agent)
            except Fault as fault:
                raise AgentError(f"agents.yaml: {agent.id}@{agent.version} in {agent.folder}: {fault}") from fault


@contextmanager
def run_by(runner: Runner) -> Iterator[None]:
    """While it lasts, all agents are run by this one: for the suite, which listens to what they are asked."""
    _instead.append(runner)
    try:
        yield
    finally:
        _instead.remove(runner)
