"""Along rivers 沿河: how far below one place another lies, by the map's river lines, for causes that flow."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

import numpy as np

from geo.feature import FOREVER, Feature
from geo.rivers import Moored, RiverLines

RIVER: Final = "river"
BANK_M: Final = 300.0
"""How far off a river an incident may be and still lie on it, metres."""


class Bed:
    """The rivers of one map. Knows no tides, and not how fast water runs."""

    def __init__(self, lines: RiverLines) -> None:
        self._lines = lines

    @classmethod
    def of(cls, features: Iterable[Feature]) -> Bed | None:
        """Of a map's features; None where there is no river to follow. Raises RiverLoop for those in a circle."""
        lines = [f for f in features if (f.layer, f.until, f.shape.geom_type) == (RIVER, FOREVER, "LineString")]
        return cls(RiverLines.of_features(lines)) if lines else None

    def below(self, lon: float, lat: float, to_lon: float, to_lat: float) -> float:
        """Metres along the bed from one place down to another; infinite where the water does not go, or off a river."""
        there = self._lines.place(np.array([lon, to_lon]), np.array([lat, to_lat]))
        if not (there.away <= BANK_M).all():
            return math.inf
        upper, lower = (Moored(there.reach[k:], there.along[k:], there.away[k:]) for k in range(2))
        return float(self._lines.downstream(upper, lower)[0])
