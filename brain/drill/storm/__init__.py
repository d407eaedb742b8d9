"""A storm 风暴: labelled signals of a sample city on a bad day, to measure noise control with (docs/storm.md)."""

from brain.drill.storm.make import make_storm
from brain.drill.storm.model import FULL, SMALL, Scenario, Size, Storm, Truth

__all__ = ["FULL", "SMALL", "Scenario", "Size", "Storm", "Truth", "make_storm"]
