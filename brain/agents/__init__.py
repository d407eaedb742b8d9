"""Where domain teams work: one folder a domain, in it one folder an agent with a function ``register(app)``.

What an agent reads: :func:`signals` and :func:`incidents`. docs/agents.md is the page for those who write one.
"""

from brain.agents.sources import incidents, signals

__all__ = ["incidents", "signals"]
