"""Scenarios that watch tracks of cameras: objects of frames to numbers of zones and lines, numbers to signals.

A camera's frames go through one compiled pass (:mod:`models.video.measure`), its numbers through the decisions that
readings have. State is a row an object, and a row a condition: what a flush writes is what moved.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from brain import shadow, views
from brain.alike import alike
from brain.hours import Openings
from brain.kernel import EVENT, F8, KINDS, PER_VALUE, U1, Kind, note
from brain.placing import answer_at, put
from brain.sets import CitySet
from brain.views import OTHERS, Sight, Watched
from models.decision import BELOW, CHANGED, DECISION_STATE, NEVER, RULE, RUNG, SAME, decide_step, meets
from models.video import link, measure
from models.video.link import OBJECT, Linker
from models.video.measure import Measures
from models.video.watch import FOLLOWED
from streams.decode.detections import Frames
from streams.logic import Beat, Output, View
from streams.records import I4, I8, SHADOW, TP, Signal
from streams.state import Store

CAMERA, TRACK, STAY, WATCHED, CROSSED = "camera", "track", "stay", "watched", "crossed"
CAMERA_STATE = np.dtype([("last", "i8"), ("begun", "i8")])
STAY_STATE = np.dtype([*((name, FOLLOWED[name].str) for name in FOLLOWED.names or ()), ("track", "i8")])
"""One object in one zone; of the ``track`` that had its row then."""
WATCHED_STATE = np.dtype(
    {
        "names": [*(DECISION_STATE.names or ()), "crossings"],
        "formats": [*(DECISION_STATE[name] for name in DECISION_STATE.names or ()), "i8"],
    }
)
"""One condition: its decision, and how often its line was crossed in all."""
TABLES: Mapping[str, np.dtype[Any]] = {
    CAMERA: CAMERA_STATE, TRACK: OBJECT, STAY: STAY_STATE, WATCHED: WATCHED_STATE,
    CROSSED: np.dtype([("t", "i8")]),
}  # fmt: skip

SEPARATOR = b"\x1f"
FIRST_INDEX = 1 << 22
"""Times PER_VALUE: index of a record's first signal of tracks, above those of all its counts."""
BEAT_INDEX = 1 << 28
"""Index of a beat's first signal of tracks: above those of counts, below its summaries."""
UNSEEN_S = 60.0
"""Up-time without a frame of the camera after which a condition ends that names no time of its own."""


@dataclass(slots=True)
class Camera:
    """One camera at work. The arrays are rebuilt from the tables at every :meth:`Tracks.enter`."""

    asset: int
    key: bytes
    sight: Sight
    cells: list[Watched]
    measures: Measures
    state: measure.State
    rules: I4
    slots: I4
    """Row of each cell's condition in the table."""
    shadow: I4
    """The bit SHADOW of each cell that is raised in shadow."""


class Tracks:
    """What a lane of detections does with objects. ``wanted`` (assets,): cameras whose objects it needs."""

    def __init__(self, store: Store, at: TP, source: str) -> None:
        self.store, self.at, self.source = store, at, source

    def enter(self, content: CitySet, ours: NDArray[np.bool_]) -> None:
        """Take the scenarios of a set that watch cameras of ours (assets,). Raises ValueError, as :func:`watched`."""
        before: CitySet | None = getattr(self, "content", None)
        self.content = content
        if (
            before is not None
            and before.registry is content.registry
            and before.running() == content.running()
            and alike(before, content)
        ):
            return  # another map, other routes: nothing of ours is in them
        self.scenarios = [s for s in content.running() if s.detect.watch is not None]
        self.wanted = np.zeros(len(ours), bool)
        self.cameras: dict[int, Camera] = {}
        self._cell_of: dict[int, tuple[Camera, int]] = {}
        self._numbers = views.class_numbers(self.scenarios)
        rungs: list[tuple[float, int]] = []
        self._rules = np.zeros(len(self.scenarios), RULE)
        for rule, scenario in zip(self._rules, self.scenarios, strict=True):
            scenario.decision().write(rule, rungs)
        self._rungs = np.array(rungs, RUNG)
        self._openings = Openings([s.match.hours for s in self.scenarios], content.calendar)
        self._rules["hours"] = self._openings.bits
        if self.scenarios:
            sights = content.sights()
            cells: dict[int, list[Watched]] = {}
            cameras = np.flatnonzero(ours).tolist()
            for one in views.watched(self.scenarios, content.registry, sights, cameras, content.reach()):
                cells.setdefault(one.asset, []).append(one)
            for asset, mine in cells.items():
                self._open(asset, sights[asset], mine)
        for camera in list(self.cameras.values())[:1]:  # compiled, or loaded, before a frame waits for it
            i4, i8, f8 = np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0)
            self._frames(camera, measure.Frames(i8, np.zeros(1, np.int64), i8, i4, i4, f8, f8), i8, 0)
        table = self.store.table(WATCHED)
        self._raised = bool(np.count_nonzero(table.rows["level"][: table.n]))

    @property
    def busy(self) -> bool:
        """Whether there is anything to do: cameras that are watched, or conditions that an earlier set left."""
        return bool(self.cameras) or self._raised

    # -- state

    def _open(self, asset: int, sight: Sight, cells: list[Watched]) -> None:
        """A camera as the tables have it."""
        name = self.content.registry.ids[asset].encode()
        measures = Measures(Linker(sight.gap_s, sight.reach, sight.top), [cell.measure for cell in cells])
        keys = [SEPARATOR.join((self.scenarios[c.scenario].id.encode(), name, c.part.encode())) for c in cells]
        rules = np.array([c.scenario for c in cells], np.int32)
        camera = Camera(
            asset, name, sight, cells, measures, measures.fresh(), rules,
            self.store.table(WATCHED).slots(keys),
            shadow.sides(self.scenarios, self.content, rules, np.full(len(cells), asset, np.int32)),
        )  # fmt: skip
        self._load(camera, keys)
        self.cameras[asset] = camera
        self.wanted[asset] = True
        self._cell_of |= {int(slot): (camera, k) for k, slot in enumerate(camera.slots)}

    def _load(self, camera: Camera, keys: list[bytes]) -> None:
        state, seen = camera.state, camera.state.tracks[0]
        at = self.store.table(CAMERA).find(camera.key)
        if at >= 0:
            seen["last"], seen["begun"] = self.store.table(CAMERA).rows[at].item()
        table = self.store.table(TRACK)
        there = range(0)
        for p in range(link.CAPACITY):
            at = table.find(_of(camera.key, p))
            if at < 0:
                break  # the first free place is taken first, so none is used after one that never was
            there = range(p + 1)
            for field in OBJECT.names or ():
                seen[field][p] = table.rows[field][at]
        for k, key in enumerate(keys):
            state.crossings[k] = self.store.table(WATCHED).rows["crossings"][camera.slots[k]]
            rule = camera.measures.rule(k)
            for p in there if rule >= 0 else ():
                at = self.store.table(STAY).find(_of(key, p))
                stay = self.store.table(STAY).rows[at]
                if at >= 0 and stay["track"] == seen["track"][p]:
                    for field in FOLLOWED.names or ():
                        state.stays[field][0, p, rule] = stay[field]
            first, end = camera.measures.ring(k)
            for turn in range(min(end - first, int(state.crossings[k]))):
                at = self.store.table(CROSSED).find(_of(key, turn))
                state.times[first + turn] = self.store.table(CROSSED).rows["t"][at] if at >= 0 else 0

    def _save(self, camera: Camera, answer: measure.Answer, before: I8) -> None:
        """What changed, into the tables."""
        state, seen = camera.state, camera.state.tracks[0]
        table = self.store.table(CAMERA)
        slot = table.slot(camera.key)
        table.rows[slot] = (seen["last"], seen["begun"])
        table.dirty[slot] = 1
        places = np.flatnonzero(answer.touched)
        if len(places):
            table = self.store.table(TRACK)
            slots = table.slots(_of(camera.key, p) for p in places.tolist())
            for field in OBJECT.names or ():
                table.rows[field][slots] = seen[field][places]
            table.dirty[slots] = 1
        watched = self.store.table(WATCHED)
        for k, slot in enumerate(camera.slots.tolist()):
            rule = camera.measures.rule(k)
            places = np.flatnonzero(answer.stayed[:, rule]) if rule >= 0 else places[:0]
            if len(places):
                table = self.store.table(STAY)
                slots = table.slots(_of(watched.keys[slot], p) for p in places.tolist())
                for field in FOLLOWED.names or ():
                    table.rows[field][slots] = state.stays[field][0, places, rule]
                table.rows["track"][slots] = seen["track"][places]
                table.dirty[slots] = 1
            if state.crossings[k] != before[k]:
                watched.rows["crossings"][slot] = state.crossings[k]
                watched.dirty[slot] = 1
                first, end = camera.measures.ring(k)
                turns = [n % (end - first) for n in range(int(before[k]), int(state.crossings[k]))]
                table = self.store.table(CROSSED)
                slots = table.slots(_of(watched.keys[slot], turn) for turn in turns)
                table.rows["t"][slots] = state.times[first + np.array(turns)]
                table.dirty[slots] = 1

    # -- frames

    def process(self, view: View, frames: Frames, out: Output) -> None:
        """Frames and beats in their order. Signals are added to those of the counts, in the order of the log."""
        objects = _Objects.of(frames, self._numbers)
        begin, up = 0, view.up
        for beat in view.beats:
            before = len(view.batch) if beat.at >= len(view.rows) else int(view.rows[beat.at])
            end = int(np.searchsorted(frames.row, before))
            self._run(begin, end, view, frames, objects, up, out)
            begin, up = end, beat.up
            self._beat(beat, out)
        self._run(begin, len(frames.row), view, frames, objects, up, out)
        out.signals.sort(key=lambda s: (s.offset, s.index))

    def _run(self, begin: int, end: int, view: View, frames: Frames, objects: _Objects, up: int, out: Output) -> None:
        of = frames.asset[begin:end]
        for asset in np.unique(of).tolist():
            camera = self.cameras[asset]
            mine = begin + np.flatnonzero(of == asset)
            counts = frames.first[mine + 1] - frames.first[mine]
            first = np.concatenate(([0], np.cumsum(counts)))
            rows = np.repeat(frames.first[mine] - first[:-1], counts) + np.arange(first[-1])
            x, y = camera.sight.foot(frames.box[rows])
            t, offset = frames.t[mine], view.batch.offsets[frames.row[mine]]
            answer, events = self._frames(
                camera, measure.Frames(t, first, frames.id[rows], objects.kind[rows], objects.number[rows], x, y),
                offset, up,
            )  # fmt: skip
            for name, n in (("objects", answer.followed), ("unfollowed", len(rows) - answer.followed)):
                if n:
                    out.counts[name] = out.counts.get(name, 0) + n
            for event in events.tolist():
                self._tell(camera, event, answer, t, offset, out)

    def _frames(
        self, camera: Camera, frames: measure.Frames, offset: I8, up: int
    ) -> tuple[measure.Answer, NDArray[Any]]:
        """Take frames of one camera; answers its numbers and the signals to be."""
        before = camera.state.crossings.copy()
        answer = camera.measures.run(camera.state, frames)
        table = self.store.table(WATCHED)
        events = np.zeros(answer.value.size, EVENT)
        made = _decide(
            answer.value, frames.t, offset, up, self._openings.shut(frames.t), camera.rules,
            self._rules, self._rungs, table.rows, table.dirty,
            camera.slots, camera.shadow, events,
        )  # fmt: skip
        if len(frames.t):
            self._save(camera, answer, before)
        return answer, events[:made]

    def _tell(self, camera: Camera, event: Any, answer: measure.Answer, t: I8, offset: I8, out: Output) -> None:
        f, cell, action, count, index, level, origin, onset, _ = event
        signal = self._signal(camera, cell, KINDS[action], count, origin, index, int(t[f]), onset)
        signal.offset, signal.index = int(offset[f]), FIRST_INDEX * PER_VALUE + cell
        signal.level, signal.value = level, float(answer.value[f, cell])
        at = float(answer.x[f, cell]), float(answer.y[f, cell])
        self._put(signal, camera, camera.cells[cell].middle if np.isnan(at[0]) else at)
        out.signals.append(signal)
        self._raised = True

    def _signal(
        self, camera: Camera, cell: int, kind: Kind, count: int, origin: int, index: int, t: int, onset: int
    ) -> Signal:
        one = camera.cells[cell]
        s = self.scenarios[one.scenario]
        return Signal(
            s.id, f"{camera.key.decode()}/{one.part}", kind, (self.at.topic, self.at.partition, origin, index), count,
            -1, -1, t, onset, metric=s.detect.watch or "", source=self.source, life=s.life,
            threshold=s.detect.above if s.detect.above is not None else s.detect.below,
        )  # fmt: skip

    def _put(self, signal: Signal, camera: Camera, place: tuple[float, float]) -> None:
        """Where the object or the zone is, by the camera's registration; else where the camera stands."""
        there = camera.sight.degrees(*place)
        if there is None:
            lon, lat = (float(side[camera.asset]) for side in self.content.placed())
            there = lon, lat
        put(signal, self.content, *there, answer_at(self.content, *there, signal.t))

    # -- time

    def _beat(self, beat: Beat, out: Output) -> None:
        """Clear what nobody has seen for long enough, and what an earlier set left open."""
        table = self.store.table(WATCHED)
        raised = np.flatnonzero(table.rows["level"][: table.n]).tolist() if self._raised else []
        due = []
        for slot in raised:
            found = self._cell_of.get(slot)
            if found is not None and shadow.turned(table.rows["index"][slot], found[0].shadow[found[1]]):
                found = None
            quiet = 0 if found is None else self._quiet(found[0].cells[found[1]].scenario)
            if found is not None and beat.outage:
                table.rows["up"][slot] = beat.up  # nobody could have been seen: the silence begins anew
                table.dirty[slot] = 1
            elif beat.up - int(table.rows["up"][slot]) >= quiet:
                due.append((int(table.rows["index"][slot]) & SHADOW, table.keys[slot], slot))
        self._raised = len(raised) > len(due)
        for number, (_, key, slot) in enumerate(sorted(due)):
            row = table.rows[slot]
            count, origin, index, onset = (int(row[f]) for f in ("count", "offset", "index", "onset"))
            if slot in self._cell_of:
                camera, cell = self._cell_of[slot]
                signal = self._signal(camera, cell, "clear", count, origin, index, beat.time, onset)
                self._put(signal, camera, camera.cells[cell].middle)
            else:
                scenario, name, part = key.decode().split("\x1f")
                came = (self.at.topic, self.at.partition, origin, index)
                signal = Signal(
                    scenario, f"{name}/{part}", "clear", came, count, -1, -1, beat.time, onset, source=self.source
                )
            signal.offset, signal.index = beat.offset, BEAT_INDEX + number
            row["level"] = row["run"] = row["since"] = 0
            row["count"] += 1
            table.dirty[slot] = 1
            out.signals.append(signal)

    def _quiet(self, scenario: int) -> int:
        return int(self._rules["quiet"][scenario]) or round(UNSEEN_S * 1000)


class _Objects(NamedTuple):
    """Classes of objects (n,): a number that is always the same for a name, and the one that scenarios give it."""

    kind: I4
    number: I4

    @classmethod
    def of(cls, frames: Frames, numbers: Mapping[str, int]) -> _Objects:
        hashes = [int.from_bytes(hashlib.blake2b(n.encode(), digest_size=3).digest(), "little") for n in frames.names]
        known = [numbers.get(name, OTHERS) for name in frames.names]
        return cls(np.array(hashes, np.int32)[frames.kind], np.array(known, np.int32)[frames.kind])


def _of(key: bytes, number: int) -> bytes:
    return key + SEPARATOR + b"%d" % number


@njit(cache=True, nogil=True)
def _decide(value: F8, t: I8, offset: I8, up: int, shut: I8, rule_of: I4, rules: NDArray[Any], rungs: NDArray[Any],
            state: NDArray[Any], dirty: U1, slots: I4, shadow: I4, events: NDArray[Any]) -> int:  # fmt: skip
    """Decide on the numbers of frames (frames, cells); answers how many signals there are."""
    made = 0
    for f in range(len(t)):
        for c in range(len(slots)):
            if np.isnan(value[f, c]):
                continue
            r, s = rule_of[c], slots[c]
            x = -value[f, c] if rules[r].kind == BELOW else value[f, c]
            if rules[r].hours and rules[r].hours & shut[f]:
                x = -np.inf
            action = decide_step(rules, r, rungs, state, s, x, t[f])
            row = state[s]
            if row.level and row.up != up and (rules[r].clears != NEVER or meets(rules, r, x)):
                row.up = up
                dirty[s] = 1
            if action == SAME:
                continue
            dirty[s] = 1
            if action != CHANGED:
                note(events[made], f, c, c, shadow[c], action, row, offset[f], FIRST_INDEX, np.nan)
                made += 1
    return made
