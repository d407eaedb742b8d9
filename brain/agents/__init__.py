"""Where domain teams work: one folder a domain, in it one folder an agent.

One of the kit has a manifest, ``agent.yaml``; a plain one a function ``register(app)``, and reads :func:`signals`
and :func:`incidents`. docs/agents.md is the page for those who write one.
"""

from brain.agents.sources import incidents, signals

__all__ = ["incidents", "signals"]
