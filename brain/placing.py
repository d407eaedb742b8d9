"""Where a signal is: position, grid, town, district and all other layers of the map, at the time of its event."""

from __future__ import annotations

import math

import numpy as np

from brain.sets import CitySet
from streams.records import I4, Signal


def put(signal: Signal, content: CitySet, lon: float | None, lat: float | None, answer: I4) -> None:
    """Place a signal, marked where its set is of a drill: degrees WGS 84, None or NaN unknown;
    ``answer`` is one row of the map's answer for them."""
    signal.map, signal.drill = content.map.version, content.drill
    if lon is not None and lat is not None and not math.isnan(lon + lat):
        signal.lon, signal.lat = lon, lat
    signal.grid, signal.town, signal.district, signal.areas = content.map.where(answer)


def answer_at(content: CitySet, lon: float | None, lat: float | None, t: int) -> I4:
    """The map's answer for one position at a time (ms UTC), shape (columns,)."""
    x, y = (np.array([np.nan if side is None else side], np.float64) for side in (lon, lat))
    answer: I4 = content.map.map.locate(x, y, np.array([t], np.int64))[0]
    return answer
