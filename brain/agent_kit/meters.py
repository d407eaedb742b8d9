"""Cost, rows and errors by agent, for metrics and health. Nothing here enters a result.

Whether an agent is stopped is state of its lane or of the city, and told as a figure of their logic: so it ends with
the set that drops the agent, and with the task that is somebody else's now.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Final

from prometheus_client import Counter

from streams.figures import Figure

ROWS = Counter("brain_agent_rows_total", "Rows (of a city agent: minutes) that an agent worked", ["agent"])
SECONDS = Counter("brain_agent_seconds_total", "CPU seconds that an agent took", ["agent"])
ERRORS = Counter("brain_agent_errors_total", "Rows or minutes at which an agent failed", ["agent", "kind"])
RESTARTS = Counter("brain_agent_host_restarts_total", "Times the agents' process was begun anew")
UNSEEN = Counter("brain_agent_signals_unseen_total", "Signals beyond those of one minute that a city agent is shown")
ANEW = Counter("brain_agent_states_anew_total", "States of assets that a new version could not read", ["agent"])
STOPPED: Final = "brain_agent_stopped"

_lock = threading.Lock()
_failing: dict[str, tuple[int, str]] = {}


def known(agent: str) -> None:
    """An agent of a set: its series are there, at zero."""
    ROWS.labels(agent)
    SECONDS.labels(agent)
    ANEW.labels(agent)


def worked(agent: str, rows: int) -> None:
    """An agent went through rows."""
    ROWS.labels(agent).inc(rows)


def spent(agent: str, seconds: float) -> None:
    """An agent took CPU time."""
    SECONDS.labels(agent).inc(max(0.0, seconds))


def failed(agent: str, kind: str, detail: str) -> None:
    """An agent failed at a row."""
    ERRORS.labels(agent, kind).inc()
    with _lock:
        _failing[agent] = (_failing.get(agent, (0, ""))[0] + 1, detail)


def stopped(agents: Mapping[str, bool]) -> Figure:
    """Of the agents of the set in force, whether each is stopped."""
    says = "1 when an agent of the set in force is stopped because it failed too often"
    return Figure(STOPPED, says, ("agent",), {(agent,): float(halted) for agent, halted in agents.items()})


def health(figures: Iterable[Figure]) -> str:
    """What a person who asks for health should know; empty where all agents of the sets in force work."""
    mine: dict[str, bool] = {}
    for figure in figures:
        if figure.name == STOPPED:
            for (agent,), value in figure.values.items():
                mine[agent] = mine.get(agent, False) or bool(value)
    with _lock:
        found = {agent: _failing.get(agent, (0, "")) for agent in sorted(mine)}
    parts = [f"{agent} is stopped{_last(*found[agent])}" for agent in found if mine[agent]]
    parts += [f"{agent} failed {n} times (last: {detail})" for agent, (n, detail) in found.items()
              if n and not mine[agent]]  # fmt: skip
    return "agents: " + "; ".join(parts) if parts else ""


def _last(n: int, detail: str) -> str:
    """A worker that was started anew knows that it is stopped, and no failure."""
    return f" after {n} failures (last: {detail})" if n else ""
