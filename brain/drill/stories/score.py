"""What a drill's people were shown, against what happened: the storm's scorer on signals labelled by the plan.

Truths, found, missed and false are as in docs/storm.md. Beside it the same for a peer: the plain limit that each
instrument is shipped with, and a call for help by its words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from brain.agent_kit.chosen import Told as AgentEvent
from brain.drill.judge import Judge, Shown, Verdict
from brain.drill.stories.days import START_MS, Chunk
from brain.drill.stories.plan import Plan
from brain.drill.stories.streets import Call
from brain.drill.stories.types import CAMERA
from brain.drill.stories.world import MINUTE_MS, Mark
from brain.drill.storm.kinds import family_of
from brain.drill.storm.model import Scenario, Storm
from brain.incidents.value import Incident
from brain.scenario import Scenario as Rule
from streams.records import CITY, Signal


class Labels:
    """Truth of an asset's signals by time, of a ticket's by its place in the log."""

    def __init__(self, plan: Plan, tickets: Sequence[int]) -> None:
        """``tickets``: offsets of the plan's calls in their log, in order."""
        self._marks: dict[str, list[Mark]] = defaultdict(list)
        for mark in plan.marks:
            self._marks[plan.days.district.ids[mark.asset]].append(mark)
        sent = zip(tickets, plan.calls, strict=False)  # those after the end have no place
        self._calls = {offset: call.truth for offset, call in sent if call.truth}

    def of(self, signal: Signal) -> str | None:
        """The truth that a signal is of; None where it is of none."""
        if signal.source == "hotline":
            return self._calls.get(signal.origin[2])
        return self.at(signal.asset, signal.onset)

    def at(self, asset: str, t: int) -> str | None:
        """The truth that an asset's signals are of at a time (ms UTC)."""
        minute = (t - START_MS) // MINUTE_MS
        for mark in reversed(self._marks.get(asset, ())):
            if mark.start <= minute < mark.stop:
                return mark.truth
        return None


@dataclass(frozen=True)
class Told:
    """One truth, and what people were told of it: ``delay_s`` from its onset until it was shown, None if never."""

    id: str
    story: str
    family: str
    life: bool
    onset: int
    found: bool
    delay_s: float | None
    incidents: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Score:
    """Of one way to tell people: the scorer's verdict, each truth, and the false ones (shown, of no truth)."""

    verdict: Verdict
    told: list[Told]
    shown: int
    false: dict[str, int]
    """By family."""

    @property
    def found(self) -> float:
        """Share of the truths."""
        return sum(t.found for t in self.told) / len(self.told) if self.told else 1.0

    @property
    def missed_life(self) -> int:
        """Truths of never-hidden classes that were missed."""
        return sum(t.life and not t.found for t in self.told)

    @property
    def delay_median_s(self) -> float | None:
        """From onset until it was shown, of those that were; None where none was."""
        delays = [t.delay_s for t in self.told if t.delay_s is not None]
        return float(np.median(delays)) if delays else None


def scenarios_of(rules: Iterable[Rule | AgentEvent]) -> list[Scenario]:
    """Scenarios, and events of agents, as far as the scorer knows them."""
    return [Scenario(r.id, r.event_code or r.id, r.domain, {"zh": r.name.zh, "en": r.name.en}, r.life) for r in rules]


def of_city(events: Iterable[AgentEvent], incidents: Iterable[Incident]) -> list[Signal]:
    """What agents of the city raised: it goes through no topic of signals, and is told by the incidents' members."""
    life, out = {event.id: event.life for event in events}, []
    for m in (m for i in incidents for m in i.members if m.scenario in life):
        for identity in dict.fromkeys((m.id, m.latest())):
            topic, partition, at, index = identity.rpartition("|")[2].rsplit("/", 3)
            if topic == CITY:
                origin = (topic, int(partition), int(at), int(index))
                out.append(Signal(m.scenario, m.asset, "raise", origin, 0, int(at), int(index), int(at), m.onset,
                                  fold=int(at), lon=m.lon, lat=m.lat, source=m.source,
                                  life=life[m.scenario]))  # fmt: skip
    return out


def score(
    plan: Plan, rules: Sequence[Scenario], signals: Sequence[Signal], labels: Sequence[str | None],
    shown: Sequence[Shown],
) -> Score:  # fmt: skip
    """Judge what was shown. ``labels`` are parallel to ``signals``, which are in fold order; a truth that no signal
    is of was not found, whatever stands near it. Signals of no rule are the brain's own and are left out."""
    named = {s.id for s in rules}
    pairs = [(s, label) for s, label in zip(signals, labels, strict=True) if s.scenario in named]
    storm = Storm(tuple(rules), tuple(plan.truths), [s for s, _ in pairs], [label for _, label in pairs])
    verdict = Judge(storm)(shown)
    by_truth: dict[str, list[Shown]] = defaultdict(list)
    label = dict(zip((s.identity() for s in storm.signals), storm.labels, strict=True))
    false: dict[str, int] = defaultdict(int)
    for one in shown:
        names = {label.get(identity) for identity in one.counted} - {None}
        for name in names:
            by_truth[str(name)].append(one)
        if not names:
            false[one.family] += 1
    missed = set(verdict.missed)
    told = []
    for t in plan.truths:
        mine = [s for s in by_truth.get(t.id, ()) if s.family == t.family]
        when = min((max(s.at, min(s.counted.values(), default=s.at)) for s in mine), default=None)
        delay = None if when is None else max(0, when - t.onset) / 1000
        held = sorted(s.id for s in by_truth.get(t.id, ()))
        told.append(Told(t.id, t.tags[0], t.family, t.life, t.onset, t.id not in missed, delay, held))
    return Score(verdict, told, len(shown), dict(sorted(false.items())))


def shown(incidents: Iterable[Incident]) -> list[Shown]:
    """What people saw, of incidents as they were last published; a member counts from its onset on, or when shown."""
    out = []
    for i in incidents:
        if i.shown is None:
            continue
        one = Shown(i.id, i.shown, i.domain, family_of(i.event_code or i.scenario), i.lon, i.lat)
        for m in i.members:
            for identity in (m.id, m.last):
                if identity:
                    one.counted.setdefault(identity, max(i.shown, m.onset))
        out.append(one)
    return out


# -- the peer


FAMILIES = {
    "rain": "emergency.rain", "wind": "emergency.weather", "weather": "emergency.weather",
        "water_level": "emergency.flood",
    "flow": "emergency.flood", "ponding": "emergency.flood", "reservoir": "emergency.flood", "tide": "emergency.flood",
    "pump": "emergency.flood", "sewer": "public.road", "manhole": "public.road", "pipe_pressure": "public.water",
    "hydrant": "public.water", "gas": "emergency.gas", "gas_pressure": "emergency.gas", "chlorine": "emergency.hazmat",
    "toxic_gas": "emergency.hazmat", "tank": "emergency.hazmat", "voc": "eco.air", "air": "eco.air",
        "smoke": "emergency.fire",
    "heat": "emergency.fire", "electrical": "emergency.fire", "elevator": "market.elevator",
        "cold_chain": "market.food",
    "kitchen": "market.food", "scale": "market.trade", "water_quality": "eco.water", "noise": "eco.noise",
        "dust": "eco.dust",
    "crane": "emergency.weather", "slope": "emergency.slope", "bridge": "public.road", "building": "public.road",
    "traffic": "public.traffic", "bin": "public.waste", "street_light": "public.light", "care_button": "social.care",
    "clinic": "social.care", "camera": "emergency.crowd",
}  # fmt: skip
"""Family that an alarm of a type of asset is of, for the peer."""
WORDS = {
    "emergency.fire": ("着火", "起火", "失火", "浓烟"), "emergency.gas": ("煤气味", "燃气泄漏", "天然气味"),
    "emergency.trapped": ("困人", "被困", "溺水", "落水"), "market.trade": ("缺斤短两", "短斤少两"),
    "market.food": ("食物中毒", "食品安全"),
}  # fmt: skip
REPEAT_S = 300
"""An alarm that ended less than so long ago goes on when it comes again, as in plain dedup."""


class Limits:
    """The peer: every crossing of an instrument's own limit is an alarm at once, one an asset and metric.

    Told chunk by chunk what the sensors said (:meth:`see`), it keeps what stands.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan, self.district = plan, plan.days.district
        lines = self.district.lines
        self._above = np.array([np.inf if v.metric.above is None else v.metric.above for v in lines])
        self._below = np.array([-np.inf if v.metric.below is None else v.metric.below for v in lines])
        self._last: dict[int, tuple[int, int]] = {}
        self._alarms: list[tuple[int, str, str]] = []

    def see(self, chunk: Chunk) -> None:
        """Minutes of all sensors."""
        over = (chunk.values > self._above) | (chunk.values < self._below)
        for m, k in zip(*(side.tolist() for side in np.nonzero(over)), strict=True):
            line = self.district.lines[k]
            self._cross(k, chunk.start + m, self.district.ids[line.asset], self.district.type[line.asset])

    def _cross(self, key: int, minute: int, asset: str, kind: str) -> None:
        last, number = self._last.get(key, (-(1 << 40), -1))
        if (minute - last) * 60 > REPEAT_S + 3_600 * (kind in ("air", "clinic")):
            number = len(self._alarms)
            self._alarms.append((START_MS + minute * MINUTE_MS, asset, FAMILIES.get(kind, kind)))
        self._last[key] = (minute, number)

    def cameras(self) -> None:
        """All minutes of all cameras."""
        above = CAMERA.metrics["person_count"].above or 0.0
        for m in range(self.plan.minutes):
            for k in np.flatnonzero(self.plan.cameras.counts(m)[0] > above).tolist():
                asset = self.district.cameras[k]
                self._cross(-1 - k, m, self.district.ids[asset], "camera")

    def result(self, labels: Labels) -> tuple[list[Signal], list[str | None], list[Shown]]:
        """Its alarms as signals, whose they are, and as shown; calls among them."""
        where = {name: k for k, name in enumerate(self.district.ids)}
        signals, whose, out = list[Signal](), list[str | None](), list[Shown]()
        for n, (t, asset, family) in enumerate(self._alarms):
            k = where[asset]
            lon, lat = float(self.district.lon[k]), float(self.district.lat[k])
            signals.append(_alarm(family, asset, n, t, lon, lat))
            whose.append(labels.at(asset, t))
        for call, family in _by_words(self.plan.calls):
            signals.append(_alarm(family, call.id, len(signals), call.t, call.lon, call.lat))
            whose.append(call.truth or None)
        for s in signals:
            console = s.scenario.partition(".")[0]
            out.append(Shown(f"limit-{s.offset}", s.t, console, s.scenario, s.lon, s.lat, {s.identity(): s.t}))
        return signals, whose, out

    def rules(self) -> list[Scenario]:
        """A rule a family."""
        return [Scenario(f, f, f.partition(".")[0], {}) for f in sorted({*FAMILIES.values(), *WORDS})]


def _alarm(family: str, asset: str, n: int, t: int, lon: float, lat: float) -> Signal:
    return Signal(family, asset, "raise", ("peer", 0, n, 0), 0, n, 0, t, t, fold=t, lon=lon, lat=lat, source="iot")


def _by_words(calls: Iterable[Call]) -> Iterator[tuple[Call, str]]:
    for call in calls:
        for family, words in WORDS.items():
            if any(word in call.text for word in words):
                yield call, family
                break
