"""Movement 移动: when vehicles, ships and people enter a zone, leave it, and how long they dwell in it.

A zone is entered by a position that is inside its border by more than the entry buffer and the position's own accuracy
radius, and left by one that is outside by more than the exit buffer and the radius. Between the two nothing changes, so
that a track which trembles on a border does not flap. Each thing is judged by its own positions in order of time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo.exact import F8, I8
from geo.raster import I4
from geo.visits import DWELL, ENDED, ENTER, EVENT, INSIDE, LEAVE, MOVED, OUTCOMES, SILENT, THING, U1, sweep, walk
from geo.zones import Zones

__all__ = [
    "DWELL", "ENDED", "ENTER", "EVENT", "INSIDE", "LEAVE", "MOVED", "OUTCOMES", "SILENT", "THING", "Movement",
    "Presence", "Taken", "renumber",
]  # fmt: skip


class Presence:
    """Who is in which zone: the state of all things. Zeros at first; rows grow, they never move.

    ``things`` rows of THING by slot, ``inside`` rows of INSIDE; both flat dtypes, so any table of rows can carry them.
    ``things_dirty`` and ``inside_dirty`` are set to 1 for rows that changed; who keeps the state resets them.
    """

    def __init__(self) -> None:
        self.things, self.inside = np.zeros(64, THING), np.zeros(64, INSIDE)
        self.things_dirty, self.inside_dirty = np.zeros(64, np.uint8), np.zeros(64, np.uint8)

    def room(self, things: int, inside: int) -> None:
        """Have at least so many rows of each."""
        for name, n in (("things", things), ("inside", inside)):
            for attr in (name, f"{name}_dirty"):
                old = getattr(self, attr)
                if n > len(old):
                    new = np.zeros(max(n, 2 * len(old)), old.dtype)
                    new[: len(old)] = old
                    setattr(self, attr, new)


class Taken(NamedTuple):
    """``events``: rows of EVENT in order of the positions, of one position those of zones it was in before those it
    enters, by rising zone. ``outcome``: (n,) what became of each position."""

    events: NDArray[Any]
    outcome: U1

    def counts(self) -> dict[str, int]:
        """How many positions had which outcome; all of OUTCOMES are named."""
        return dict(zip(OUTCOMES, np.bincount(self.outcome, minlength=len(OUTCOMES)).tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class Movement:
    """The rule by which zones are entered, left and dwelt in.

    Events depend on each thing's own positions only: how they are cut into batches, and how things alternate, does not
    matter. Borders are asked exactly as the map answers, distances to them are on the plane of the zones' projection.

    Does not know what happens between two positions: a zone crossed between them is not entered, and one that was left
    and entered again meanwhile was never left. Nor is a zone ever entered that is nowhere wider than twice entry buffer
    and accuracy. A position from the far future makes all that follow late: bound it before.

    Parameters
    ----------
    entry_m, exit_m : the buffers, metres, at least 0.
    accuracy_m : radius of positions that state none.
    dwell_s : durations after which a dwelling is told, rising; each once a visit, by the first position at or after it.
    max_gap_s : a silence longer than this ends all visits at the last position heard; None: silence ends nothing.
    """

    entry_m: float = 10.0
    exit_m: float = 20.0
    accuracy_m: float = 0.0
    dwell_s: tuple[float, ...] = ()
    max_gap_s: float | None = None

    def __post_init__(self) -> None:
        for name in ("entry_m", "exit_m", "accuracy_m"):
            value = getattr(self, name)
            if not 0 <= value < np.inf:
                raise ValueError(f"{name}: expected metres, at least 0, got {value}")
        if not all(a < b < np.inf for a, b in zip((0.0, *self.dwell_s), self.dwell_s, strict=False)):
            raise ValueError(f"dwell_s: expected seconds above 0, rising, got {self.dwell_s}")
        if self.max_gap_s is not None and not 0.001 <= self.max_gap_s < np.inf:
            raise ValueError(f"max_gap_s: expected seconds, at least 0.001, or None, got {self.max_gap_s}")

    @property
    def _gap(self) -> int:
        return 0 if self.max_gap_s is None else round(self.max_gap_s * 1000)

    def take(self, zones: Zones, state: Presence, slot: I4, lon: F8, lat: F8, t: I8,
             accuracy: F8 | None = None) -> Taken:  # fmt: skip
        """Judge positions in order of arrival; ``state`` is changed in place.

        The first call compiles, which takes seconds: make it with no positions, before anything waits for it.

        Parameters
        ----------
        slot : (n,) int32, row of the thing, from 0 on.
        lon, lat : (n,) float64 degrees, WGS 84; NaN: no position.
        t : (n,) int64, event time in ms UTC, above 0.
        accuracy : (n,) float64, radius in metres; NaN or below 0: not stated.

        Raises
        ------
        ValueError
            Columns of different length, a slot below 0, or a time not above 0.
        """
        n = len(slot)
        accuracy = np.full(n, np.nan) if accuracy is None else accuracy
        # One layout only, so that the kernel is compiled once.
        slot, t = np.ascontiguousarray(slot, np.int32), np.ascontiguousarray(t, np.int64)
        lon, lat, accuracy = (np.ascontiguousarray(c, np.float64) for c in (lon, lat, accuracy))
        if not n == len(lon) == len(lat) == len(t) == len(accuracy):
            raise ValueError(f"columns: expected {n} of each, got {len(lon)}, {len(lat)}, {len(t)}, {len(accuracy)}")
        outcome, parts = np.zeros(n, np.uint8), list[NDArray[Any]]()
        if n and (int(slot.min()) < 0 or int(t.min()) <= 0):
            raise ValueError(f"expected slots from 0 on and times above 0, got {slot.min()} and {t.min()}")
        state.room(int(slot.max()) + 1 if n else 0, 0)
        found = zones.map.locate(lon, lat, t)
        x, y = zones.metres.of(lon, lat)
        dwell = np.rint(np.array(self.dwell_s, float) * 1000).astype(np.int64)
        width, at, room = len(zones.fences.column), 0, max(1024, n // 4)
        buffers = float(self.entry_m), float(self.exit_m), float(self.accuracy_m)
        while at < n or not parts:  # also of no positions: that compiles
            events = np.empty(room, EVENT)
            at, made, need = walk(
                at, n, slot, x, y, t, accuracy, found, zones.fences, *buffers, dwell, self._gap,
                state.things, state.things_dirty, state.inside, state.inside_dirty, outcome, events,
            )  # fmt: skip
            parts.append(events[:made])
            room = max(room, need)
            state.room(0, int(state.inside[0]["used"]) + 1 + width)
        return Taken(np.concatenate(parts), outcome)

    def silent(self, state: Presence, now: int) -> NDArray[Any]:
        """End the visits of things not heard of for longer than ``max_gap_s`` before ``now``: their LEAVE events.

        Without it, the thing's next position ends them, with the same events. Call it with a time up to which all
        positions have been taken: one that comes later, from before the gap was over, begins a new visit.
        """
        if self.max_gap_s is None:
            return np.empty(0, EVENT)
        return _end(state, now - self._gap, np.zeros(0, np.int32), SILENT)


def renumber(state: Presence, before: Zones, after: Zones) -> NDArray[Any]:
    """Carry the state over to another map: visits go on in zones of the same layer and code.

    Returns LEAVE events, ENDED, by the numbers of ``before``, of zones that are not there any more; their time is that
    of each thing's last position. Raises ValueError where the layers stand in another order.
    """
    number = {key: k for k, key in enumerate(zip(after.layer, after.code, strict=True))}
    now = np.array([number.get(key, -1) for key in zip(before.layer, before.code, strict=True)], np.int32)
    kept = now[now >= 0]
    if (kept[1:] < kept[:-1]).any():
        raise ValueError(f"layers: expected the order of before, got {list(dict.fromkeys(after.layer))}")
    return _end(state, np.iinfo(np.int64).max, now, ENDED)


def _end(state: Presence, before: int, number: I4, why: int) -> NDArray[Any]:
    events = np.empty(int(state.things["n"].sum()), EVENT)
    made = sweep(state.things, state.things_dirty, state.inside, state.inside_dirty, before, number, why, events)
    return events[:made]
