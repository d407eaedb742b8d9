"""One number an object: tracks over gaps and changed ids, per camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.detector import within

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
I4 = NDArray[np.int32]

CAPACITY = 256
"""Objects of one camera that are followed at the same time."""

FARTHEST = 1e9
"""No place of an object is farther from the origin, in metres or px."""


NO_ID = -1
"""Id of an object whose sender gives none: it is joined by its place alone."""

OBJECT = np.dtype(
    [
        ("track", "i8"), ("id", "i8"), ("kind", "i4"), ("t", "i8"), ("x", "f8"), ("y", "f8"), ("vx", "f8"),
        ("vy", "f8"),
    ]
)  # fmt: skip
"""One followed object: the fields of which a camera's row has 256 each, for those who keep them apart."""


class Linked(NamedTuple):
    """A row an object: ``track`` counts from 1 in its camera, 0: not followed. ``place``: its row of the state's table.

    ``fresh``: the track begins here. ``vx``, ``vy``: smoothed speed in units a second, NaN while unknown.
    """

    track: I8
    place: I4
    fresh: NDArray[np.bool_]
    vx: F8
    vy: F8


@dataclass(frozen=True, slots=True)
class Linker:
    """Gives objects of frames a track number that outlives gaps and new ids.

    A row goes on with the track of its id if it was seen in the last ``gap_s`` and could have come here; else with
    the nearest lost track of its class, of those seen in the last ``gap_s`` but not in this frame, within ``reach`` of
    where that would be by now at its speed; else it begins a track. Nearest pairs are joined first, so the order of
    rows in a frame does not matter; the id that a track has is its newest; rows of :data:`NO_ID` are joined by place
    alone. Rows with a place that is none, or of a frame older than the camera's last, are not followed; nor, once 256
    are there, are more. Does not work where two objects near each other swap ids, nor for a crowd so dense that the
    next object is within ``reach`` when one is lost: then a track changes its person.

    Parameters
    ----------
    gap_s : longest gap that is bridged, seconds above 0.
    reach : how far from its predicted place a lost object is looked for, units above 0 (metres, or px of an
        image): about 0.3 m among people on foot, 2 m for vehicles.
    top : greatest speed of anything here, units a second above 0.
    smooth : weight of the newest speed, in (0, 1].
    """

    gap_s: float = 2.0
    reach: float = 1.0
    top: float = 50.0
    smooth: float = 0.3

    def __post_init__(self) -> None:
        within("gap_s", self.gap_s, 0, open_low=True)
        within("reach", self.reach, 0, open_low=True)
        within("top", self.top, 0, open_low=True)
        within("smooth", self.smooth, 0, 1, open_low=True)

    @property
    def state(self) -> np.dtype[Any]:
        """Dtype of one camera's row; all zeros: nothing seen yet."""
        return np.dtype(
            [("last", "i8"), ("begun", "i8"), *((name, OBJECT[name].str, CAPACITY) for name in OBJECT.names or ())]
        )

    def link(self, state: NDArray[Any], camera: I4, t: I8, ids: I8, kind: I4, x: F8, y: F8) -> Linked:
        """Tracks of rows in order of arrival; rows of one frame follow each other. ``state`` learns them in place.

        Parameters
        ----------
        state : (cameras,) of ``state``. camera : (n,) its row. t : (n,) ms, the frame's time.
        ids : (n,) the sender's object id as a number (hash a text). kind : (n,) class of the object.
        x, y : (n,) foot point, in metres where the camera is registered, else in px (then no track leaves its camera).

        Raises
        ------
        ValueError : columns of different length, a camera outside the table, or a state of another dtype.
        """
        n = len(t)
        if state.dtype != self.state:
            raise ValueError(f"state: expected rows of Linker.state, got dtype {state.dtype}")
        if {len(c) for c in (camera, ids, kind, x, y)} != {n}:
            raise ValueError(f"columns: expected {n} rows each, got {[len(c) for c in (camera, ids, kind, x, y)]}")
        if n and not 0 <= int(camera.min()) <= int(camera.max()) < len(state):
            raise ValueError(f"camera: expected 0 to {len(state) - 1}, got {camera.min()} to {camera.max()}")
        out = Linked(np.zeros(n, np.int64), np.full(n, -1, np.int32), np.zeros(n, bool), *np.full((2, n), np.nan))
        _link(
            state, camera, t, ids, kind, x, y, round(1000 * self.gap_s), self.reach, self.top, self.smooth,
            out.track, out.place, out.fresh, out.vx, out.vy,
        )  # fmt: skip
        return out


@njit(cache=True, nogil=True)
def _link(
    state: NDArray[Any], camera: I4, t: I8, ids: I8, kind: I4, x: F8, y: F8, gap: int, reach: float, top: float,
    smooth: float, track: I8, place: I4, fresh: NDArray[np.bool_], vx: F8, vy: F8,
) -> None:  # fmt: skip
    a = 0
    while a < len(t):
        b = a + 1
        while b < len(t) and camera[b] == camera[a] and t[b] == t[a]:
            b += 1
        row = state[camera[a]]
        if row.begun == 0 or t[a] >= row.last:
            link_frame(row, a, b, t[a], ids, kind, x, y, gap, reach, top, smooth, track, place, fresh, vx, vy)
        a = b


@njit(cache=True)
def link_frame(
    row: Any, a: int, b: int, t: int, ids: I8, kind: I4, x: F8, y: F8, gap: int, reach: float, top: float,
    smooth: float, track: I8, place: I4, fresh: NDArray[np.bool_], vx: F8, vy: F8,
) -> None:  # fmt: skip
    """Tracks of the objects a to b - 1 of one frame; ``row`` is their camera's."""
    row.last = t
    for i in range(a, b):
        for p in range(CAPACITY if ids[i] != NO_ID and _is_place(x[i], y[i]) else 0):
            if row.track[p] > 0 and row.id[p] == ids[i] and row.t[p] < t and t - row.t[p] <= gap:
                far = np.hypot(x[i] - row.x[p], y[i] - row.y[p])
                if far <= reach + top * 0.001 * (t - row.t[p]):
                    _join(row, p, i, t, ids[i], x[i], y[i], smooth, track, place, vx, vy)
                    break
    _rejoin(row, a, b, t, ids, kind, x, y, gap, reach, smooth, track, place, vx, vy)
    for i in range(a, b):
        if track[i] == 0 and _is_place(x[i], y[i]):
            _begin(row, i, t, ids[i], kind[i], x[i], y[i], gap, track, place, fresh)


@njit(cache=True, inline="always")
def _is_place(x: float, y: float) -> bool:
    return bool(abs(x) <= FARTHEST and abs(y) <= FARTHEST)


@njit(cache=True)
def _rejoin(
    row: Any, a: int, b: int, t: int, ids: I8, kind: I4, x: F8, y: F8, gap: int, reach: float, smooth: float,
    track: I8, place: I4, vx: F8, vy: F8,
) -> None:  # fmt: skip
    """Join rows without a track to lost tracks, the nearest pair first."""
    while True:
        best, who, where = reach, -1, -1
        for i in range(a, b):
            if track[i] > 0 or not _is_place(x[i], y[i]):
                continue
            for p in range(CAPACITY):
                if row.track[p] == 0 or row.t[p] >= t or t - row.t[p] > gap or row.kind[p] != kind[i]:
                    continue
                s = 0.001 * (t - row.t[p])
                far = np.hypot(x[i] - row.x[p] - s * row.vx[p], y[i] - row.y[p] - s * row.vy[p])
                if far < best or (far == best and who < 0):
                    best, who, where = far, i, p
        if who < 0:
            return
        _join(row, where, who, t, ids[who], x[who], y[who], smooth, track, place, vx, vy)


@njit(cache=True)
def _join(
    row: Any, p: int, i: int, t: int, id_: int, x: float, y: float, smooth: float, track: I8, place: I4, vx: F8, vy: F8
) -> None:
    s = 0.001 * (t - row.t[p])
    row.vx[p] += smooth * ((x - row.x[p]) / s - row.vx[p])
    row.vy[p] += smooth * ((y - row.y[p]) / s - row.vy[p])
    row.t[p], row.x[p], row.y[p], row.id[p] = t, x, y, id_
    track[i], place[i], vx[i], vy[i] = row.track[p], p, row.vx[p], row.vy[p]


@njit(cache=True)
def _begin(
    row: Any, i: int, t: int, id_: int, kind: int, x: float, y: float, gap: int, track: I8, place: I4,
    fresh: NDArray[np.bool_],
) -> None:  # fmt: skip
    """A new track in the first free place; a track lost for longer than the gap leaves its place free."""
    for p in range(CAPACITY):
        if row.track[p] == 0 or t - row.t[p] > gap:
            row.begun += 1
            row.track[p], row.id[p], row.kind[p], row.t[p], row.x[p], row.y[p] = row.begun, id_, kind, t, x, y
            row.vx[p] = row.vy[p] = 0.0
            track[i], place[i], fresh[i] = row.begun, p, True
            return
