"""How surely a position lies where it lies: shares of the features around it, given how far it may be off.

A position with an accuracy is a circular normal distribution around it. Its probability in a feature is read off a
fixed pattern of points of equal weight, each located exactly: no random numbers, so the same position has the same
shares in every run.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geo.city_map import CityMap
from geo.exact import F8, I8
from geo.lookup import NO_EDITION
from geo.raster import I4

POINTS = 400
"""Points of the pattern; a share is off by at most 0.02, beside a straight border by 0.01."""
RADIUS_68 = 1.5096
"""Radius that holds 68 % of a circular normal distribution, in its standard deviations: -2 ln(0.32), square root."""
METRES_A_DEGREE = 111_320.0
GOLDEN = np.pi * (3.0 - 5.0**0.5)


class Shares(NamedTuple):
    """Shares of all points end to end: ``point`` (k,) rises; ``number`` (k,) of the feature, OUTSIDE or another code
    below 0; ``share`` (k,) of 1, falling within a point, the lower number first among equals."""

    point: I8
    number: I4
    share: F8


def shares(city: CityMap, layer: str, lon: F8, lat: F8, accuracy: F8, time: I8 | None = None) -> Shares:
    """How likely each point lies in which feature of a layer that does not overlap.

    Parameters
    ----------
    lon, lat : (n,) degrees, WGS 84.
    accuracy : (n,) metres within which the true place lies with 68 %, as receivers report it; NaN or 0: exact.
    time : (n,) milliseconds UTC; by default the newest edition answers.

    Raises
    ------
    ValueError
        The layer overlaps: its shares would not add up to 1. KeyError where there is no such layer.

    Notes
    -----
    Does not know roads or shores: a car beside a border is as likely to be in the sea as the circle says. Not for a
    whole stream: it locates 400 points for each.
    """
    if layer in city.overlapping:
        raise ValueError(f"layer {layer}: its features overlap, so shares would not add up to 1; ask one by one")
    column, n = city.columns(layer).start, len(lon)
    k = np.arange(POINTS)
    # Rings of equal probability, turned by the golden angle: the sunflower's pattern, stretched to the normal's radii.
    radius = np.sqrt(-2.0 * np.log(1.0 - (k + 0.5) / POINTS))
    sigma = np.nan_to_num(accuracy, nan=0.0)[:, None] / RADIUS_68 / METRES_A_DEGREE
    x = lon[:, None] + sigma * radius * np.cos(k * GOLDEN) / np.cos(np.radians(lat))[:, None]
    y = lat[:, None] + sigma * radius * np.sin(k * GOLDEN)
    times = None if time is None else np.repeat(time, POINTS)
    found = city.locate(x.ravel(), y.ravel(), times)[:, column]
    # A number and its point in one key, so that one sort counts all.
    key = np.sort(np.repeat(np.arange(n, dtype=np.int64), POINTS) << 32 | (found.astype(np.int64) - NO_EDITION))
    fresh = np.flatnonzero(np.concatenate((key[:1] == key[:1], key[1:] != key[:-1])))
    count = np.diff(np.append(fresh, len(key)))
    point, number = key[fresh] >> 32, (key[fresh] & 0xFFFFFFFF) + NO_EDITION
    order = np.lexsort((number, -count, point))
    return Shares(point[order], number[order].astype(np.int32), count[order] / POINTS)
