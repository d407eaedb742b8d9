"""Detectors that need more than one series, by the names that scenarios call them by."""

from __future__ import annotations

from collections.abc import Mapping

from models.detector import Detector
from models.neighbours import NeighbourDisagreement
from models.skew import ClockSkew
from models.spike import Spike

NEIGHBOURS, CLOCK_SKEW, SPIKE, SURGE, SCAN = "neighbours", "clock_skew", "spike", "surge", "scan"
JOINT = "halfspace"
BESIDE: Mapping[str, type[Detector]] = {NEIGHBOURS: NeighbourDisagreement, CLOCK_SKEW: ClockSkew, SPIKE: Spike}
"""Detectors of assets beside one another, judged once a minute in the city task; spike without ``within_m`` is not."""
