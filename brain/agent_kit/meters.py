"""Cost, rows and errors by agent, for metrics and health. Nothing here enters a result."""

from __future__ import annotations

import threading

from prometheus_client import Counter

ROWS = Counter("brain_agent_rows_total", "Rows (of a city agent: minutes) that an agent worked", ["agent"])
SECONDS = Counter("brain_agent_seconds_total", "CPU seconds that an agent took", ["agent"])
ERRORS = Counter("brain_agent_errors_total", "Rows or minutes at which an agent failed", ["agent", "kind"])
RESTARTS = Counter("brain_agent_host_restarts_total", "Times the agents' process was begun anew")

_lock = threading.Lock()
_failing: dict[str, tuple[int, str]] = {}
_stopped: dict[str, str] = {}


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


def stands(agent: str, stopped: str) -> None:
    """Whether an agent is stopped: why, empty where it runs."""
    with _lock:
        if stopped:
            _stopped[agent] = stopped
        else:
            _stopped.pop(agent, None)


def health() -> str:
    """What a person who asks for health should know; empty where all agents work."""
    with _lock:
        parts = [f"{agent} is stopped ({why})" for agent, why in sorted(_stopped.items())]
        parts += [
            f"{agent} failed {n} times (last: {detail})"
            for agent, (n, detail) in sorted(_failing.items()) if agent not in _stopped
        ]  # fmt: skip
    return "agents: " + "; ".join(parts) if parts else ""
