"""A lane by itself over a list of payloads and beats, that can be cut anywhere; and small sets for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import msgspec
import numpy as np
import shapely

from brain.scenario import Scenario
from brain.scenarios import read
from brain.sets import CitySet
from geo.grid_map import Grid, GridMap
from streams.logic import Beat, Output, View
from streams.records import TP, Batch, Headers, Signal
from streams.registry import Registry
from streams.state import Store

T0 = 1_718_000_000_000
GRIDS = [Grid(f"g{i}", "t1", "d1", shapely.box(113 + i, 22, 114 + i, 23)) for i in range(2)]
ASSETS = [
    {"id": f"wl-{i}", "type": "water_level", "lon": 113.5, "lat": 22.5, "unit": "m", "range": [-1000, 1000]}
    for i in range(8)
]
PEOPLE = {"person_count": {"unit": "1", "range": [0, 10000]}}
ASSETS.append({"id": "cam-1", "type": "camera", "lon": 114.5, "lat": 22.5, "metrics": PEOPLE})


def flood(name: str, rest: str) -> str:
    """A scenario on water levels; ``rest``: what it detects, and how it ends."""
    return f"""
id: emergency.flood.{name}
version: 1
name: {{zh: {name}, en: {name}}}
domain: emergency
event_code: emergency.flood.level
source: iot
match: {{type: water_level, metric: water_level}}
{rest}
"""


HIGH = flood(
    "high", "detect: {above: 10}\nfor: {readings: 3}\nclear: {below: 8}\nlevels: [{level: 3, at: 20}]"
)  # fmt: skip
ODD = flood("odd", "detect: {ewma_deviation: 4, warmup: 5}\nclear: {quiet_s: 30}")
SHIFT = flood(
    "shift", "detect: {detector: level_shift, settings: {warmup: 10}, score_over: 5, side: up}\nclear: {score_below: 1}"
)
RATE = flood("rate", "detect: {detector: robust, score_over: 1.5}\nlevels: [{level: 2, at: 3}]")
QUIET = flood("quiet", "detect: {silent_s: 12}\nlevel: 2")
MANY = flood("many", "detect: {sum_over: 20, by: town}\nclear: {below: 15}")
CROWD = """
id: emergency.crowd.street
version: 1
name: {zh: 人群, en: Crowd}
domain: emergency
event_code: emergency.crowd
source: video
match: {type: camera, metric: person_count}
detect: {above: 1}
"""
FIRE = """
id: emergency.fire.call
version: 1
name: {zh: 火情, en: Fire}
domain: emergency
event_code: emergency.fire
life: true
source: hotline
match: {words: [着火, 浓烟], class: fire}
detect: {words: any}
clear: {quiet_s: 60}
level: 3
"""
NOISE = """
id: eco.noise.many
version: 1
name: {zh: 噪音, en: Noise}
domain: eco
event_code: eco.noise
source: hotline
match: {words: [噪音], class: noise}
detect: {count_over: 2, window_s: 100}
levels: [{level: 2, at: 4}]
"""


def city(*texts: str, id: str = "set-1") -> CitySet:
    scenarios: list[Scenario] = sorted((read(t) for t in texts), key=lambda s: s.id)
    return CitySet(id, Registry.of(ASSETS), GridMap(GRIDS), scenarios)


class Rig:
    """One lane over a list of payloads and beats; it can be cut anywhere."""

    def __init__(self, make: Callable[[], Any], content: CitySet, partition: int = 0, partitions: int = 1) -> None:
        self.make, self.content, self.partitions = make, content, partitions
        self.at = TP("in", partition)
        self.records: list[tuple[bytes | None, int]] = []  # (payload or None for a beat, pulse)
        self.heads: dict[int, Headers] = {}
        self.beats: dict[int, Beat] = {}
        self.pulse, self.up = T0, 0
        self.begin()

    def begin(self) -> None:
        self.lane = self.make()
        self.store = Store(self.lane.tables, self.lane.owner)
        self.lane.bind(self.store, self.at, self.partitions)
        self.lane.enter(self.content.id, self.content)
        self.log: list[tuple[bytes, bytes | None]] = []

    def restart(self) -> None:
        """Die and come back: state as it was written, all else anew."""
        log = [*self.log, *self.store.flush(len(self.log) + 1)]
        self.lane = self.make()
        self.store = Store(self.lane.tables, self.lane.owner)
        self.store.restore(log)
        self.lane.bind(self.store, self.at, self.partitions)
        self.lane.enter(self.content.id, self.content)
        self.log = log

    def say(self, body: dict[str, Any] | bytes, headers: Headers = ()) -> None:
        self.heads[len(self.records)] = headers
        self.records.append((body if isinstance(body, bytes) else msgspec.json.encode(body), self.pulse))

    def beat(self, seconds: float, outage: int = 0) -> None:
        before = self.pulse if self.beats else -1
        self.pulse += round(seconds * 1000) + outage
        self.up += round(seconds * 1000)
        self.beats[len(self.records)] = Beat(0, len(self.records), self.pulse, self.up, outage, before)
        self.records.append((None, self.pulse))

    def run(self, cuts: Sequence[int] = (), restarts: Collection[int] = (), since: int = 0) -> Output:
        """All records, cut there; at those cuts that are among ``restarts`` it dies and comes back.

        ``since``: that many of the stretches were run before.
        """
        whole = Output()
        stretches = list(zip([0, *cuts], [*cuts, len(self.records)], strict=True))
        up = max((beat.up for r, beat in self.beats.items() if r < stretches[since][0]), default=0)
        for a, b in stretches[since:]:
            rows = [r for r in range(a, b) if self.records[r][0] is not None]
            batch = Batch.of(
                self.at, a, b, [(r, T0, None, self.records[r][0], self.heads.get(r, ())) for r in range(a, b)]
            )
            pulse = np.array([self.records[r][1] for r in rows], np.int64)
            beats = [self.beats[r]._replace(at=sum(k < r for k in rows)) for r in range(a, b) if r in self.beats]
            view = View(self.at, batch, np.array(rows, np.int32) - np.int32(a), pulse, beats, up)
            if a in restarts:
                self.restart()
            out = self.lane.process(view)
            up = beats[-1].up if beats else up
            whole.signals += out.signals
            whole.summaries += out.summaries
            whole.notices += out.notices
            whole.audits += out.audits
            whole.dead += [d._replace(row=d.row + a) for d in out.dead]
            for name, n in out.counts.items():
                whole.counts[name] = whole.counts.get(name, 0) + n
            for stage, seconds in out.seconds.items():
                whole.seconds[stage] = whole.seconds.get(stage, 0.0) + seconds
        return whole


def reading(asset: str, second: float, v: float, **more: Any) -> dict[str, Any]:
    return {"asset": asset, "metric": "water_level", "t": T0 + round(second * 1000), "v": v, **more}


def ticket(id: str, second: float, text: str, **more: Any) -> dict[str, Any]:
    place = {"lon": 113.5, "lat": 22.5, **more}
    return {"id": id, "t": T0 + round(second * 1000), "title": "", "text": text, "address": "", "district": "440402",
            "caller": "c", **place}  # fmt: skip


def told(signals: list[Signal]) -> list[tuple[str, int, int]]:
    return [(s.kind, s.offset, s.level) for s in signals]
