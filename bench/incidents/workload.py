"""Alarms of a made-up city as signals: who speaks, where, in what mix. Seeded; nothing of it looks at the fold.

The mix of 100 signals: 8 raises of assets that were silent, 22 of assets that cleared before, 8 of assets that stand
already, 2 records sent twice; 30 updates, 12 of which move the level; 30 clears. So as many assets begin as cease to
stand.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from bench.incidents.content import Spoken
from streams.pulse import BOUND_MS
from streams.records import CE_TYPE, SEAL_TYPE, SIGNAL_TYPE, TP, Batch, Headers, Seal, Signal

T0 = 1_786_924_800_000
SIDE_KM, DEGREE_KM, NARROW = 80.0, 111.32, 0.924
LON, LAT = 113.0, 22.0
CORE = 0.05**0.5
"""Side of the busy middle, a twentieth of the area, as a share of the city's."""
CROWDED = 0.8
"""Share of the assets that are there, where they are clustered."""
LEVELS = (5, 50, 30, 12, 3)
"""Of 100 raises, so many of level 0 to 4."""
TOPICS = {"iot": "iot.telemetry", "video": "video.events", "hotline": "hotline.tickets"}
LANES = 4

_json = msgspec.json.Encoder().encode
_SIGNAL: Headers = ((CE_TYPE, SIGNAL_TYPE),)
_SEAL: Headers = ((CE_TYPE, SEAL_TYPE),)
Record = tuple[int, int, bytes | None, bytes | None, Headers]


@dataclass(slots=True)
class Alarm:
    """One asset's condition; ``raised`` is its latest raise."""

    raised: Signal
    n: int = 0


@dataclass
class Workload:
    """``now`` is fold time, ms; ``standing`` and ``silent`` are assets that have not cleared, and that have of late.

    ``most``: of silent ones; any more are forgotten and do not speak again.
    """

    seed: int
    clustered: bool
    spoken: Sequence[Spoken]
    most: int
    now: float = T0
    standing: list[Alarm] = field(default_factory=list)
    silent: list[Alarm] = field(default_factory=list)
    made: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def fresh(self) -> Signal:
        """A raise of an asset that has not spoken before."""
        pick = self.random
        what = self.spoken[pick.randrange(len(self.spoken))]
        east, north = self._place()
        row, column = int(north), int(east)
        level = pick.choices(range(5), LEVELS)[0]
        raised = self._signal(Signal(
            what.scenario, f"{what.source}-{self.made:07d}", "raise", (TOPICS[what.source], 0, self.made, 0), 0,
            self.made, 0, 0, 0, level=level, metric="value", value=50.0 + level, threshold=50.0,
            lon=LON + east / (DEGREE_KM * NARROW), lat=LAT + north / DEGREE_KM, grid=f"99{row:03d}{column:03d}",
            town=f"99{row // 5:02d}{column // 5:02d}", district=f"99{row // 20}{column // 20}",
            areas={"community": [f"c{row:03d}{column:03d}"]}, map="bench", set="bench", source=what.source,
            life=what.life, text="群众来电反映情况，请核实处理。" if what.source == "hotline" else "",
        ))  # fmt: skip
        self.standing.append(Alarm(raised))
        return raised

    def next(self) -> Signal:
        """One of the mix."""
        kind = self.random.random()
        if kind < 0.08 or not self.standing:
            return self.fresh()
        if kind < 0.30 and self.silent:
            return self._again(self._move(self.silent, self.standing))
        if kind < 0.38:
            return self._again(self.random.choice(self.standing))
        if kind < 0.40:
            again = self.random.choice(self.standing).raised
            return msgspec.structs.replace(again, fold=int(self.now), pulse=int(self.now))
        if kind < 0.70:
            return self._follow(self.random.choice(self.standing), "update", moves=kind < 0.52)
        return self.end()

    def end(self) -> Signal:
        """A clear."""
        signal = self._follow(self._move(self.standing, self.silent), "clear")
        if len(self.silent) > self.most:
            self._move(self.silent, [])
        return signal

    def _again(self, alarm: Alarm) -> Signal:
        was = alarm.raised
        origin = (was.origin[0], 0, self.made, 0)
        alarm.raised = self._signal(msgspec.structs.replace(was, origin=origin, onset=0))
        alarm.n = 0
        return alarm.raised

    def _follow(self, alarm: Alarm, kind: str, moves: bool = False) -> Signal:
        alarm.n += 1
        level = alarm.raised.level
        if moves:
            level = min(4, max(0, level + self.random.choice((-1, 1))))
        return self._signal(msgspec.structs.replace(alarm.raised, kind=kind, n=alarm.n, level=level, text=""))

    def _signal(self, signal: Signal) -> Signal:
        """As of now."""
        signal.offset, signal.t, signal.fold, signal.pulse = self.made, int(self.now), int(self.now), int(self.now)
        signal.onset = signal.onset or signal.t
        self.made += 1
        return signal

    def _move(self, out: list[Alarm], into: list[Alarm]) -> Alarm:
        chosen = self.random.randrange(len(out))
        out[chosen], out[-1] = out[-1], out[chosen]
        alarm = out.pop()
        into.append(alarm)
        return alarm

    def _place(self) -> tuple[float, float]:
        """Kilometres east and north."""
        pick = self.random
        if self.clustered and pick.random() < CROWDED:
            near = SIDE_KM * (1 - CORE) / 2
            return near + pick.random() * SIDE_KM * CORE, near + pick.random() * SIDE_KM * CORE
        return pick.random() * SIDE_KM, pick.random() * SIDE_KM


class Lanes:
    """Signals as records on the signals partitions, each flush of a lane ended by its seal."""

    def __init__(self) -> None:
        self.tps = [TP("signals.bench", n) for n in range(LANES)]
        self.ends = [0] * LANES
        self.log: list[list[Record]] = [[] for _ in range(LANES)]
        self._flush = 0

    def batches(self, signals: Sequence[Signal]) -> list[Batch]:
        """One flush of all lanes; after it all of these signals may be folded. ``log`` keeps the last one only."""
        self._flush += 1
        seal = Seal(self._flush, len(signals), "", "", signals[-1].fold + BOUND_MS + 1, position=signals[-1].offset + 1)
        self.log = [[] for _ in range(LANES)]
        for signal in signals:
            lane = zlib.crc32(signal.asset.encode()) % LANES
            self._add(lane, (signal.fold, _json(signal), _SIGNAL))
        out = []
        for lane, tp in enumerate(self.tps):
            first = self.ends[lane]
            self._add(lane, (signals[-1].fold, _json(seal), _SEAL))
            self.ends[lane] += len(self.log[lane])
            out.append(Batch.of(tp, first, self.ends[lane], self.log[lane]))
        return out

    def _add(self, lane: int, record: tuple[int, bytes, Headers]) -> None:
        time, value, headers = record
        rows = self.log[lane]
        rows.append((self.ends[lane] + len(rows), time, None, value, headers))
