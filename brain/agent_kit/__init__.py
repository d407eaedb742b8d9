"""The kit that agents 智能体 of domain teams are built with: a folder, a manifest, two functions. docs/agents.md.

What an author needs is here: what an agent is given and what it answers. What runs them is in the modules beside.
"""

from brain.agent_kit.kinds import Assets, Layer, Minute, Rows, Said, Verdict, World

__all__ = ["Assets", "Layer", "Minute", "Rows", "Said", "Verdict", "World"]
