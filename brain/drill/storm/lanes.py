"""Episodes and calls as the lanes would tell them: identity, running number, offsets, fold time, place.

The rules are those of the production lanes (streams/lane.py, brain/tickets.py), worked out from finished stories here:
a pulse a second in each partition, fold time held about it, a hotline case by unit grid and class.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast

import numpy as np

from brain.drill.city.terrain import degrees, stream
from brain.drill.storm.ground import GAP_MS, Ground
from brain.drill.storm.kinds import BY_ID, HOTLINE, IOT, VIDEO, Kind
from brain.drill.storm.model import Episode, Ticket
from geo.grid_map import Where
from streams.partition import partition_of
from streams.pulse import hold
from streams.records import Signal

TOPICS = {IOT: ("iot.telemetry", 4), VIDEO: ("video.metadata", 2), HOTLINE: ("hotline.tickets", 1)}
"""Source → input topic and its partitions."""
PULSE_MS = 1_000
QUIET_MS = 600_000
"""A hotline case is over when nobody has called for so long."""
OVER_MS = QUIET_MS + 5_000
"""With what a call needs to arrive, and the pulse that ends the case."""
LATE = 0.03
"""Share of the rows that come late: seconds, or tens of seconds."""
CALLS = ((3, 2), (6, 3))
"""Calls in one case → level."""
Told = Literal["raise", "update", "clear"]


class Place(NamedTuple):
    """Degrees, and what they lie in."""

    lon: float
    lat: float
    where: Where


@dataclass
class Row:
    """A signal before its lane has seen it. ``case`` numbers raises; ``arrival`` is when its record is written, ms."""

    arrival: int
    case: int
    kind: str
    scenario: Kind
    asset: str
    t: int
    level: int
    value: float | None
    x: float
    y: float
    text: str
    truth: str | None
    beat: bool = False
    """Told by a pulse, not by a record: the end of a hotline case."""


@dataclass
class Case:
    """A raise and what follows from it: its origin and event time, and the running number of what was told last."""

    origin: tuple[str, int, int, int]
    onset: int
    told: int = -1


def told(ground: Ground, episodes: Iterable[Episode], calls: Iterable[Ticket]) -> tuple[list[Signal], list[str | None]]:
    """Signals in fold order, and the truth of each. Alarms of one sensor must not overlap (:class:`Apart`)."""
    rows = _sensor_rows(ground, episodes)
    rows += _call_rows(ground, calls, len(rows))
    lanes: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        topic, partitions = TOPICS[row.scenario.source]
        lanes.setdefault((topic, partition_of(row.asset.encode(), partitions)), []).append(row)
    places = _places(ground, rows)
    out: list[tuple[tuple[int, int, int, int], Signal, str | None]] = []
    for rank, (lane, mine) in enumerate(sorted(lanes.items())):
        for signal, truth in _lane(ground, lane, mine, places):
            out.append(((signal.fold, rank, signal.offset, signal.index), signal, truth))
    out.sort(key=lambda o: o[0])
    return [signal for _, signal, _ in out], [truth for _, _, truth in out]


class Apart:
    """Keeps the alarms of one sensor apart, since a sensor is in alarm once: of those that overlap the first stays."""

    def __init__(self, end: int) -> None:
        self.end = end
        self.episodes: list[Episode] = []
        self.signals = 0
        """Steps before the end, of all that stayed."""
        self._taken: dict[tuple[str, str], list[tuple[int, int]]] = {}

    def add(self, episodes: Iterable[Episode]) -> None:
        """Take those that are free."""
        for episode in episodes:
            begin, last = episode.steps[0].t, episode.steps[-1]
            end = last.t if last.kind == "clear" else 1 << 62
            mine = self._taken.setdefault((episode.scenario, episode.asset.id), [])
            at = bisect_left(mine, (begin, end))
            if (at == 0 or mine[at - 1][1] + GAP_MS < begin) and (at == len(mine) or end + GAP_MS < mine[at][0]):
                insort(mine, (begin, end))
                self.episodes.append(episode)
                self.signals += sum(step.t < self.end for step in episode.steps)


def _sensor_rows(ground: Ground, episodes: Iterable[Episode]) -> list[Row]:
    draw = stream(ground.seed, "storm.arrival")
    rows: list[Row] = []
    written: dict[tuple[str, str], int] = {}
    in_time = sorted(episodes, key=lambda e: (e.steps[0].t, e.scenario, e.asset.id))
    for case, episode in enumerate(in_time):
        kind, asset = BY_ID[episode.scenario], episode.asset
        last = written.get((kind.id, asset.id), 0)  # a sensor sends in its own order, however late
        for step in episode.steps:
            if step.t >= ground.end:
                break
            late = draw.uniform(100, 1_500)
            if draw.random() < LATE:
                late = draw.uniform(1_500, 3_000) if kind.life else draw.uniform(3_000, 25_000)
            last = max(last + 1, round(step.t + late))
            rows.append(Row(last, case, step.kind, kind, asset.id, step.t, step.level, step.value, asset.x, asset.y,
                            "", episode.truth))  # fmt: skip
        written[kind.id, asset.id] = last
    return rows


def cases(ground: Ground, calls: Iterable[Ticket]) -> dict[tuple[str, str], list[list[Ticket]]]:
    """Calls as cases, by scenario and grid. A call that would count for another truth's case is left out.

    What nothing really happened for gives way, so noise changes no truth's case.
    """
    by_truth = sorted(calls, key=lambda c: (c.truth is None, c.t, c.scenario, c.x))
    wheres = ground.located([c.x for c in by_truth], [c.y for c in by_truth]) if by_truth else []
    out: dict[tuple[str, str], list[list[Ticket]]] = {}
    for call, where in zip(by_truth, wheres, strict=True):
        if not where.grid or not ground.start <= call.t < ground.end:
            continue
        open_ = out.setdefault((call.scenario, where.grid), [])
        near = [c for c in open_ if c[0].t - OVER_MS <= call.t <= c[-1].t + OVER_MS]
        if not near:
            open_.append([call])
        elif near[0][0].truth == call.truth and len(near) == 1 and call.t >= near[0][-1].t:
            near[0].append(call)
    return out


def _call_rows(ground: Ground, calls: Iterable[Ticket], case: int) -> list[Row]:
    draw = stream(ground.seed, "storm.calls.arrival")
    rows: list[Row] = []
    for (scenario, grid), mine in cases(ground, calls).items():
        for one in mine:
            case += 1
            rows += _case(draw, BY_ID[scenario], f"{grid}/{BY_ID[scenario].family}", one, case, ground.end)
    return rows


def _case(draw: np.random.Generator, kind: Kind, asset: str, calls: list[Ticket], case: int, end: int) -> list[Row]:
    """A never-hidden case tells of every call, another one only of a higher level."""
    rows: list[Row] = []
    level = arrival = 0
    for n, call in enumerate(calls, 1):
        now = 3 if kind.life else max([1, *(lv for count, lv in CALLS if n >= count)])
        arrival = max(arrival + 1, call.t + round(draw.uniform(200, 2_000)))
        if kind.life or now > level:
            rows.append(Row(arrival, case, "update" if level else "raise", kind, asset, call.t, now, float(n), call.x,
                            call.y, call.text, call.truth))  # fmt: skip
        level = max(level, now)
    over = -(-(arrival + QUIET_MS) // PULSE_MS) * PULSE_MS
    if over < end:
        rows.append(Row(over, case, "clear", kind, asset, over, 0, None, calls[0].x, calls[0].y, "", calls[0].truth,
                        beat=True))  # fmt: skip
    return rows


def _places(ground: Ground, rows: list[Row]) -> dict[tuple[float, float], Place]:
    plane = list(dict.fromkeys((r.x, r.y) for r in rows))
    x, y = np.array([p[0] for p in plane]), np.array([p[1] for p in plane])
    lon, lat = degrees(x, y)
    found = zip(lon.tolist(), lat.tolist(), ground.located(x, y), strict=True)
    return {at: Place(*one) for at, one in zip(plane, found, strict=True)}


def _lane(
    ground: Ground, lane: tuple[str, int], rows: list[Row], places: dict[tuple[float, float], Place]
) -> Iterable[tuple[Signal, str | None]]:
    """One partition's signals in the order of its log."""
    topic, partition = lane
    rows.sort(key=lambda r: (r.arrival, r.case, r.t))
    folds: dict[str, int] = {}
    raised: dict[int, Case] = {}
    beats: dict[int, int] = {}
    for n, row in enumerate(rows):
        pulses = (row.arrival - ground.start) // PULSE_MS + 1
        pulse = ground.start + (pulses - 1) * PULSE_MS
        offset, index = n + pulses, 0
        if row.beat:  # the pulse itself, before all records of its second
            pulse, index = row.arrival, beats.get(row.arrival, 0)
            beats[row.arrival] = index + 1
            offset = bisect_left(rows, row.arrival, key=lambda r: r.arrival) + pulses - 1
        case = raised.setdefault(row.case, Case((topic, partition, offset, index), row.t))
        case.told += 1
        fold = folds[row.asset] = hold(row.t, pulse, folds.get(row.asset, 0))
        (lon, lat, where), kind = places[row.x, row.y], row.scenario
        yield Signal(
            kind.id, row.asset, cast("Told", row.kind), case.origin, case.told, offset, index, row.t, case.onset,
            fold=fold, pulse=pulse, level=row.level, metric=kind.metric, value=row.value,
            threshold=kind.threshold if kind.source != HOTLINE else None, lon=lon, lat=lat, grid=where.grid,
            town=where.town, district=where.district, areas=where.areas, map=ground.map.version, set="storm",
            source=kind.source, life=kind.life, text=row.text,
        ), row.truth  # fmt: skip
