"""Crowds: how many objects a zone has, how dense, and which way they go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.video.link import Linked
from models.video.watch import Points, area, inside, polygon

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
I4 = NDArray[np.int32]

CROWD = np.dtype(
    [
        ("camera", "i4"), ("zone", "i4"), ("t", "i8"), ("count", "i8"), ("density", "f8"), ("moving", "i8"),
        ("vx", "f8"), ("vy", "f8"), ("speed", "f8"), ("order", "f8"),
    ]
)  # fmt: skip
"""One zone in one frame.

``density``: objects a square unit; ``moving``: those with a known speed; ``vx``, ``vy``: their mean speed vector;
``speed``: mean of their speeds; ``order``: length of the mean vector over the mean speed, 1 all go one way, 0 all
ways; the last four are NaN where nothing is known to move.
"""


def crowd(zones: Sequence[tuple[int, Points]], camera: I4, t: I8, x: F8, y: F8, linked: Linked) -> NDArray[np.void]:
    """A row of :data:`CROWD` for each frame and zone of its camera, in order of frames, then of zones.

    Rows of a frame follow each other; a frame without objects has no rows and so no answer (a decoder that sees an
    empty frame gives it a row with NaN places). Does not work for zones whose far part is a strip of few pixels: there
    boxes hide each other and counts are too low; density is of the whole zone, not of its fullest spot.

    Parameters
    ----------
    zones : (camera, corners) each; metres where density is to be per square metre.
    camera, t, x, y : (n,), as given to the linker; ``linked`` its answer. Rows without a place are not counted.

    Raises
    ------
    ValueError : columns of different length, or corners that are no area.
    """
    n = len(t)
    if {len(c) for c in (camera, x, y, linked.vx)} != {n}:
        raise ValueError(f"columns: expected {n} rows each, got {[len(c) for c in (camera, x, y, linked.vx)]}")
    for _, points in zones:
        polygon(points)
    if not n or not zones:
        return np.zeros(0, CROWD)
    begins = np.flatnonzero(np.concatenate([[True], (np.diff(t) != 0) | (np.diff(camera) != 0)]))
    of = np.array([number for number, _ in zones], np.int32)
    ends = np.cumsum([len(points) for _, points in zones])
    corners = np.array([point for _, points in zones for point in points], np.float64)
    out = np.zeros(len(begins) * len(zones), CROWD)
    found = _count(begins, of, ends, corners, camera, t, x, y, linked.vx, linked.vy, out)
    out = out[:found]
    sizes = np.array([abs(area(points)) for _, points in zones])
    out["density"] = out["count"] / sizes[out["zone"]]
    moving = np.where(out["moving"] > 0, out["moving"], np.nan)
    for name in ("vx", "vy", "speed"):
        out[name] /= moving
    out["order"] = np.hypot(out["vx"], out["vy"]) / np.where(out["speed"] > 0.0, out["speed"], np.nan)
    return out


@njit(cache=True, nogil=True)
def _count(
    begins: I8, of: I4, ends: I8, corners: F8, camera: I4, t: I8, x: F8, y: F8, vx: F8, vy: F8, out: NDArray[Any]
) -> int:
    """The kernel over frames: counts and sums of speeds a zone; gives how many rows it wrote."""
    found = 0
    for f in range(len(begins)):
        a = begins[f]
        b = begins[f + 1] if f + 1 < len(begins) else len(t)
        for z in range(len(of)):
            if of[z] != camera[a]:
                continue
            row = out[found]
            found += 1
            row.camera, row.zone, row.t = camera[a], z, t[a]
            for i in range(a, b):
                if not inside(corners, ends[z - 1] if z > 0 else 0, ends[z], x[i], y[i]):
                    continue
                row.count += 1
                if np.isfinite(vx[i]):
                    row.moving += 1
                    row.vx += vx[i]
                    row.vy += vy[i]
                    row.speed += np.hypot(vx[i], vy[i])
    return found
