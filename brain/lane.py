"""Lanes of readings and detections: columns in, signals out, state in tables; :mod:`brain.tickets` is that of tickets.

All readings go through one compiled pass; Python handles only what comes out of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from brain import beats, census, judged, kernel, lane_trust, minutes, shadow, tracks
from brain.agent_kit import meters as agent_meters
from brain.agent_kit import minute as agent_minute
from brain.agent_kit.lane import LaneAgents
from brain.agent_kit.parts import Given
from brain.agent_kit.tables import TABLES as AGENT_TABLES
from brain.cells import SEPARATOR, deciding, decisions_of, detectors_of, matching
from brain.hours import Openings
from brain.judged_set import judges_of
from brain.kernel import CELL, EVENT, KINDS, MINUTE_STATE, PER_VALUE, SERIES_STATE, Kind
from brain.placing import answer_at, put
from brain.program import Program, Stretch, same
from brain.scored import TABLES, Scored
from brain.sets import CitySet
from brain.tickets import TicketsLane
from brain.tracks import Tracks
from brain.watch import watch_set
from geo import coords
from geo.coords import F8, to_wgs84
from geo.grid_map import NO_POSITION
from models.decision import CLEAR, DECISION_STATE, RAISE
from models.ewma import EWMA_STATE
from streams.decode.columns import Columns
from streams.decode.detections import decode_detections, decode_frames
from streams.decode.readings import decode_readings
from streams.figures import Figure
from streams.logic import Beat, Output, View
from streams.records import I4, I8, TP, Batch, Dead, Reason, Signal, Stage
from streams.registry import Registry
from streams.state import Store

__all__ = ["DetectionsLane", "ReadingsLane", "TicketsLane", "watch_set"]

OWNER = "brain.series@1"
SERIES, EWMA, DECISION, MINUTE = "series", "ewma", "decision", "minute"
ROOM = 4096
"""Events one call of the kernel can hand over before it is called again."""

REASONS = {
    kernel.LATE: Reason.LATE, kernel.CONFLICT: Reason.CONFLICT, kernel.FUTURE: Reason.FUTURE,
    kernel.FOREIGN: Reason.WRONG_PARTITION,
}  # fmt: skip

Decoder = Callable[[Batch, I4, Registry], tuple[Columns, list[Dead]]]


class _SeriesLane:
    """What readings and detections share; only the decoder and the scenarios' source differ."""

    owner = OWNER
    tables: Mapping[str, np.dtype[Any]] = {
        SERIES: SERIES_STATE, EWMA: EWMA_STATE, DECISION: DECISION_STATE, MINUTE: MINUTE_STATE,
        judged.INPUT: judged.INPUT_STATE, **TABLES, **AGENT_TABLES, **census.TABLES,
        **lane_trust.TABLES,
    }  # fmt: skip
    source: ClassVar[Literal["iot", "video"]]
    decode: Decoder

    def bind(self, store: Store, source: TP, partitions: int) -> None:
        """Keep the tables and who we are."""
        self.store, self.at, self.partitions = store, source, partitions
        self.events = np.zeros(ROOM, EVENT)
        vars(self).pop("program", None)  # a rollback takes back rows that were new: the next set finds its own anew

    def enter(self, set_id: str, content: CitySet) -> None:
        """Compile a set for this lane; new series and cells get rows, known ones keep theirs."""
        registry = content.registry
        now: Program | None = getattr(self, "program", None)
        if now is not None and registry is now.content.registry and same(content, now.content):
            agents = now.agents and now.agents.renewed(content.agents)
            self.program = replace(now, content=content, agents=agents)  # nothing else of ours is of the map
            return
        mine = content.partitions(self.partitions) == self.at.partition
        ours = mine[registry.series_asset]
        keys = {int(s): registry.series_key(int(s)) for s in np.flatnonzero(ours)}
        slot_of = np.full(len(ours), -1, np.int32)
        slot_of[ours] = self.store.table(SERIES).slots(keys.values())
        every = [s for s in content.running() if s.source == self.source and s.detect.watch is None]
        scenarios = [s for s in every if not s.together()]
        watched = [] if content.trust is None else content.trust.together(registry)
        minute = self.store.table(MINUTE)
        told = [s for s in every if s.together() and s.state == "live"]
        together = [*told, *watched, *(s for s in every if s.together() and s.state != "live")]
        seen, minute_of = minutes.views(together, registry, ours, keys, slot_of, minute)
        first_shadow = len(told) + len(watched)
        evidence = None
        lane_trust.forget(self.store.table(lane_trust.SUSPECT), content)
        if content.trust is not None:
            evidence = lane_trust.Evidence(content.trust, registry, ours, self.store, minute)
            minute_of[evidence.series] = evidence.rows
        agents = LaneAgents(content.agents, registry, ours, self.store, self.at, self.source)
        asked = agent_minute.views(content.agents, self.source, registry, ours, keys, slot_of, minute, minute_of)
        cell_rule, cell_series = matching(scenarios, registry, ours, content.reach())
        rules, rungs = decisions_of(scenarios)
        openings = Openings([s.match.hours for s in scenarios], content.calendar)
        rules["hours"] = openings.bits
        cells = np.zeros(len(cell_rule), CELL)
        cells["rule"] = cell_rule
        names = [s.id.encode() + SEPARATOR for s in scenarios]
        own = [names[r] + keys[s] for r, s in zip(cell_rule.tolist(), cell_series.tolist(), strict=True)]
        decision = self.store.table(DECISION)
        cells["decision"] = decision.slots(deciding(scenarios, cell_rule, own))
        cells["shadow"] = shadow.sides(scenarios, content, cell_rule, registry.series_asset[cell_series])
        scored = rules["warmup"][cell_rule] > 0
        cells["ewma"][scored] = self.store.table(EWMA).slots([own[c] for c in np.flatnonzero(scored)])
        models = detectors_of(scenarios, self.store, cells, own)
        judges = judges_of(
            scenarios, content.standards, registry, cells, cell_series,
            lambda mine: self.store.table(judged.INPUT).slots(own[c] for c in mine),
        )  # fmt: skip
        counts = np.bincount(cell_series, minlength=len(ours))
        if len(counts) and counts.max() > PER_VALUE:
            raise ValueError(f"scenarios: one series can have {PER_VALUE}, {keys[int(counts.argmax())]!r} has more")
        first = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
        timers = beats.Timers(decision, cells, rules)
        counted = census.Census(registry, ours, slot_of, self.store)
        timed = bool(timers or seen or asked or counted) or evidence is not None or agents.timed()
        self.program = Program(
            content, scenarios, slot_of, first, cells, cell_series, rules, rungs, timed,
            timers, minute_of, seen[:first_shadow], seen[first_shadow:], Scored(models, judges, cells, rules, first),
            any(view.columns != ("last",) for view in seen) or bool(asked), openings, counted, evidence, agents, asked,
        )  # fmt: skip
        self._warm()

    def _warm(self) -> None:
        """Have the kernels compiled, or loaded, before the first event waits for them."""
        i, t, v, c = np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int8)
        none = Columns(i, i, i, t, v, v, v, c)
        coords.warm()
        self._place(none)
        stretch = Stretch(none, t, t, t, np.zeros(0, np.uint8), (v, v, i), t)
        self.program.scored.warm(self.store)
        self._score(stretch, 0, 0)
        self._decide(0, 0, stretch)
        if self.program.evidence is not None:
            self.program.evidence.warm()

    def figures(self) -> Sequence[Figure]:
        """Which of this lane's agents are stopped."""
        program: Program | None = getattr(self, "program", None)
        agents = None if program is None else program.agents
        return [] if agents is None else [agent_meters.stopped(agents.stopped())]

    def process(self, view: View) -> Output:
        """Decode, locate, score and decide a stretch."""
        begun = perf_counter()
        columns, dead = self.decode(view.batch, view.rows, self.program.content.registry)
        decoded = perf_counter() - begun
        out = self._judge(view, columns, dead)[0]
        out.seconds["decode"] = decoded
        self._stamp(view, out)
        return out

    def _stamp(self, view: View, out: Output) -> None:
        if self.program.evidence is not None:
            self.program.evidence.suspects.stamp(view, out.signals)

    def _judge(self, view: View, columns: Columns, dead: list[Dead]) -> tuple[Output, NDArray[np.uint8]]:
        """What the values of a stretch lead to, and what became of each."""
        program = self.program
        out = Output(dead=dead)
        lon, lat = self._place(columns)
        there = program.content.map.map.locate(lon, lat, columns.t)
        rows = columns.row
        offset = view.batch.offsets[rows]
        if len(rows) == len(view.rows) and not dead:
            pulse = view.pulse
        else:
            pulse = view.pulse[np.searchsorted(view.rows, rows)]
        outcome = np.zeros(len(rows), np.uint8)
        program.scored.unknown.clear()
        ends, up = self._ends(view, rows)
        stretch = Stretch(columns, offset, pulse, up, outcome, (lon, lat, there), program.openings.shut(columns.t))
        begin, ready = 0, 0
        evidence, minute = program.evidence, self.store.table(MINUTE)
        outside = [d for d in dead if d.series >= 0] if evidence is not None else []
        for number in self._turns(view) if program.timed else ():
            beat, end = view.beats[number], ends[number]
            if end > ready:
                ready = self._score(stretch, ready, self._ahead(view.beats[number:], ends[number:], len(rows)))
            if evidence is not None and outside:
                before = len(view.batch) if beat.at >= len(view.rows) else int(view.rows[beat.at])
                outside = evidence.count(outside, before, minute)
            self._run(begin, end, stretch, out)
            begin = end
            self._beat(beat, out)
        if len(rows) > ready:
            self._score(stretch, ready, len(rows))
        self._run(begin, len(rows), stretch, out)
        if evidence is not None and outside:
            evidence.count(outside, len(view.batch), minute)
        if program.agents:
            given = Given(columns, outcome == kernel.FINE, offset, pulse, up, lon, lat, there, ends)
            told = program.agents.run(view, given, program.content)
            if told.signals:
                out.signals = sorted([*out.signals, *told.signals], key=lambda s: (s.offset, s.index))
            out.dead = sorted([*out.dead, *told.dead], key=lambda d: (d.row, d.index))
            out.audits += told.audits
        self._account(columns, outcome, there[:, program.content.map.column], out)
        out.seconds["score"] = stretch.spent
        return out, outcome

    def _place(self, columns: Columns) -> tuple[F8, F8]:
        """Position of every value in WGS 84: its own, else its asset's."""
        content = self.program.content
        registry = content.registry
        n = len(columns.row)
        lon, lat, crs = np.empty(n), np.empty(n), np.empty(n, np.int8)
        rectify = kernel.place(
            columns.series, columns.lon, columns.lat, columns.crs, registry.series_asset, *content.placed(),
            registry.crs, lon, lat, crs,
        )  # fmt: skip
        if rectify:
            lon, lat = to_wgs84(lon, lat, crs)
        if registry.past:
            borrowed = np.flatnonzero(np.isnan(columns.lon) | np.isnan(columns.lat))
            there = lon[borrowed], lat[borrowed]
            content.placed_before(registry.series_asset[columns.series[borrowed]], columns.t[borrowed], *there)
            lon[borrowed], lat[borrowed] = there
        return lon, lat

    def _ends(self, view: View, rows: I4) -> tuple[list[int], I8]:
        """How many values come before each beat, and the up-time at each value, ms."""
        if not view.beats or not self.program.timed:
            return [], np.full(len(rows), view.up, np.int64)
        bounds = np.append(view.rows, len(view.batch))
        ends = np.searchsorted(rows, bounds[[beat.at for beat in view.beats]])
        steps = np.array([view.up, *(beat.up for beat in view.beats)], np.int64)
        return ends.tolist(), np.repeat(steps, np.diff(ends, prepend=0, append=len(rows)))

    def _turns(self, view: View) -> Iterator[int]:
        """Numbers of the beats that may bring something about; asked for the next when this one has run."""
        p, table, until = self.program, self.store.table(DECISION), -1
        for number, beat in enumerate(view.beats):
            before = view.beats[number - 1].up if number else view.up
            until = p.timers.quiet_until(before, table) if until < 0 else until
            asked = (p.sums and beat.minute() >= 0) or (p.census and census.time_of(beat) >= 0)
            if asked or beat.outage or beat.up >= until:
                yield number
                until = -1

    def _ahead(self, beats: list[Beat], ends: list[int], n: int) -> int:
        """How far readings can be scored before anything is decided: no minute or census must have their future."""
        joint, counted = self.program.joint, bool(self.program.census)
        looks = ((joint and b.minute() >= 0) or (counted and census.time_of(b) >= 0) for b in beats)
        return next((end for look, end in zip(looks, ends, strict=True) if look), n)

    def _score(self, s: Stretch, begin: int, end: int) -> int:
        """Admit readings [begin, end) and make the scores of detectors and risk models, of all of them together."""
        begun = perf_counter()
        series, columns, p = self.store.table(SERIES), s.columns, self.program
        kernel.admit(
            begin, end, columns.series, columns.t, columns.value, s.pulse, p.slot_of, series.rows, series.dirty,
            s.outcome,
        )  # fmt: skip
        s.scored, s.at = p.scored.run(begin, end, columns, s.outcome, self.store), 0
        s.spent += perf_counter() - begun
        return end

    def _run(self, begin: int, end: int, s: Stretch, out: Output) -> None:
        while begin < end:
            begin, s.at, made = self._decide(begin, end, s)
            if made:
                self._signals(self.events[:made], s, out)

    def _decide(self, begin: int, end: int, s: Stretch) -> tuple[int, int, int]:
        p, columns = self.program, s.columns
        ewma, decision, minute = (self.store.table(name) for name in (EWMA, DECISION, MINUTE))
        return kernel.run(
            begin, end, columns.series, columns.t, columns.value, columns.index, s.offset, s.pulse, s.up, s.shut,
            s.outcome, p.first, p.cells, p.rules, p.rungs, p.scored.sides, ewma.rows, ewma.dirty,
            decision.rows, decision.dirty, p.minute_of, minute.rows, minute.dirty, s.scored, s.at, self.events,
        )  # fmt: skip

    def _signals(self, events: NDArray[Any], s: Stretch, out: Output) -> None:
        p, columns, offset, place = self.program, s.columns, s.offset, s.place
        content, registry = p.content, p.content.registry
        p.scored.explain(events)
        column = events["column"]
        fields = zip(
            events.tolist(), offset[column].tolist(), columns.index[column].tolist(), columns.t[column].tolist(),
            columns.value[column].tolist(), place[0][column].tolist(), place[1][column].tolist(), place[2][column],
            strict=True,
        )  # fmt: skip
        for (i, c, action, count, index, level, origin, onset, score), at, nth, t, value, lon, lat, there in fields:
            series = int(p.cell_series[c])
            if action == RAISE:
                p.timers.raised(int(p.cells["decision"][c]))
            elif action == CLEAR:
                p.timers.cleared(int(p.cells["decision"][c]))
            signal = self._signal(c, KINDS[action], count, origin, index, t, onset)
            signal.offset, signal.index = at, nth * PER_VALUE + c - int(p.first[series])
            signal.level, signal.value = level, value
            signal.score = None if math.isnan(score) else score
            named = p.scored.named(int(p.cells["rule"][c]), i)
            if named is not None:
                signal.standard, signal.grade, signal.t = named
            signal.metric = registry.metrics[int(registry.series_metric[series])]
            put(signal, content, lon, lat, there)
            out.signals.append(signal)

    def _signal(self, c: int, kind: Kind, count: int, offset: int, index: int, t: int, onset: int) -> Signal:
        p = self.program
        scenario = p.scenarios[int(p.cells["rule"][c])]
        registry = p.content.registry
        d = scenario.detect
        bounds = (d.above, d.below, d.ewma_deviation, d.score_over, d.silent_s)
        threshold = next((bound for bound in bounds if bound is not None), None)
        return Signal(
            scenario.id, registry.ids[int(registry.series_asset[p.cell_series[c]])],
            kind, (self.at.topic, self.at.partition, offset, index), count,
            -1, -1, t, onset, threshold=threshold, source=self.source, life=scenario.life,
        )  # fmt: skip

    def _beat(self, beat: Beat, out: Output) -> None:
        """Clear what was silent long enough, and what an earlier set left open; sum up a minute that is over."""
        p = self.program
        if p.sums and beat.minute() >= 0:
            self._sum_up(beat, out)
        if p.census:
            out.summaries += p.census.beat(beat, self.store.table(SERIES))
        table = self.store.table(DECISION)
        for number, one in enumerate(p.timers.due(beat, table, p.openings.shut_at(beat.time))):
            beats.settle(one, number, beat, table, p.rules, p.cells)
            row = table.rows[one.slot]
            count, origin, index, onset = (int(row[f]) for f in ("count", "offset", "index", "onset"))
            if one.cell >= 0:
                signal = self._signal(one.cell, one.kind, count, origin, index, beat.time, onset)
                asset = p.content.registry.series_asset[p.cell_series[one.cell]]
                lon, lat = (float(side[asset]) for side in p.content.placed())
                put(signal, p.content, lon, lat, answer_at(p.content, lon, lat, beat.time))
            else:
                scenario, asset_id, _ = one.key.decode().split("\x1f")
                came = (self.at.topic, self.at.partition, origin, index)
                signal = Signal(scenario, asset_id, "clear", came, count, -1, -1, beat.time, onset, source=self.source)
            if one.kind == "raise":
                signal.level = int(row["level"])
                signal.metric = p.content.registry.metrics[
                    int(p.content.registry.series_metric[p.cell_series[one.cell]])
                ]
            signal.offset, signal.index = beat.offset, number
            out.signals.append(signal)
            beats.leave(one, table)
            if one.kind == "clear":
                p.timers.cleared(one.slot)

    def _sum_up(self, beat: Beat, out: Output) -> None:
        p, minute = self.program, self.store.table(MINUTE)
        out.summaries += minutes.sum_up(beat, p.views, minute, self.store.table(SERIES))
        index = minutes.SUMMARY_INDEX + len(p.views)
        out.summaries += agent_minute.sum_up(beat, p.asked, minute, self.store.table(SERIES), index)
        if p.evidence is not None:
            out.summaries += p.evidence.sum_up(beat, minute, index + len(p.asked))
        if p.shadows:
            first = minutes.SUMMARY_INDEX + (1 << 20)
            out.summaries += minutes.sum_up(beat, p.shadows, minute, self.store.table(SERIES), first)
        minutes.clear(minute)

    def _account(self, columns: Columns, outcome: NDArray[np.uint8], grid: I4, out: Output) -> None:
        counts = np.bincount(outcome, minlength=kernel.FOREIGN + 1).tolist()
        nowhere = np.count_nonzero(grid == NO_POSITION)
        outside = np.count_nonzero(grid < 0) - nowhere
        found = {
            "readings": counts[kernel.FINE], "repeated": counts[kernel.REPEATED], "late": counts[kernel.LATE],
            "outside": outside, "no_position": nowhere,
        }  # fmt: skip
        out.counts = {name: n for name, n in found.items() if n} | self.program.scored.unknown
        if counts[kernel.FINE]:
            out.newest = int(columns.t[outcome == kernel.FINE].max())
        if counts[kernel.FINE] + counts[kernel.REPEATED] == len(outcome):
            return
        bad = np.flatnonzero((outcome != kernel.FINE) & (outcome != kernel.REPEATED))
        buried = [self._dead(columns, int(i), int(outcome[i])) for i in bad]
        out.dead = sorted([*out.dead, *buried], key=lambda d: (d.row, d.index))

    def _dead(self, columns: Columns, i: int, outcome: int) -> Dead:
        content = self.program.content
        series = int(columns.series[i])
        asset = int(content.registry.series_asset[series])
        name, t = content.registry.ids[asset], int(columns.t[i])
        if outcome == kernel.FOREIGN:
            right = int(content.partitions(self.partitions)[asset])
            detail = f"{name} belongs in partition {right} (murmur2 of its id), came in {self.at.partition}"
        elif outcome == kernel.FUTURE:
            detail = f"{name}: {t} is over {kernel.FUTURE_MS // 1000} s ahead of the lane's clock"
        elif outcome == kernel.LATE:
            detail = f"{name}: {t} is behind a reading that came before it"
        else:
            detail = f"{name}: another value for {t} came before it"
        return Dead(int(columns.row[i]), int(columns.index[i]), Stage.SCORE, REASONS[outcome], detail)


class ReadingsLane(_SeriesLane):
    """Readings of sensors 感知数据 to signals."""

    source = "iot"
    decode = staticmethod(decode_readings)


class DetectionsLane(_SeriesLane):
    """Counts of objects in camera frames 视频元数据, and tracks of those that scenarios watch, to signals."""

    source = "video"
    decode = staticmethod(decode_detections)
    tables: Mapping[str, np.dtype[Any]] = {**_SeriesLane.tables, **tracks.TABLES}

    def bind(self, store: Store, source: TP, partitions: int) -> None:
        """Keep the tables and who we are."""
        super().bind(store, source, partitions)
        self.tracks = Tracks(store, source, self.source)

    def enter(self, set_id: str, content: CitySet) -> None:
        """Compile a set for this lane, with the cameras of ours that it watches."""
        super().enter(set_id, content)
        self.tracks.enter(content, content.partitions(self.partitions) == self.at.partition)

    def process(self, view: View) -> Output:
        """Decode, locate, score and decide a stretch; objects only where they are watched."""
        if not self.tracks.busy:
            return super().process(view)
        begun = perf_counter()
        columns, frames, dead = decode_frames(view.batch, view.rows, self.program.content.registry, self.tracks.wanted)
        decoded = perf_counter() - begun
        out, outcome = self._judge(view, columns, dead)
        out.seconds["decode"] = decoded
        fine = outcome[np.searchsorted(columns.row, frames.row)] == kernel.FINE
        self.tracks.process(view, frames.take(fine), out)
        self._stamp(view, out)
        return out
