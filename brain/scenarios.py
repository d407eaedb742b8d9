"""Scenarios 场景: what to watch for, as YAML files that a domain team writes; checked on loading.

Unknown keys are refused. Errors say file, place in it, what was expected and what came.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from brain.combined import NAME as COMBINED
from brain.combined import Combined, combined
from brain.grades import Use, use_of
from brain.near import hint, near
from brain.scored import detector
from models.decision import Decision
from models.detector import Detector
from models.ewma import EwmaZScore
from models.halfspace import HalfSpaceTrees
from models.neighbours import NeighbourDisagreement
from models.scan import SpaceTimeScan
from models.skew import ClockSkew
from models.spike import Spike
from models.surge import CountSurge
from models.video.measure import MOST_CROSSINGS, What
from streams.view import LineKind, ZoneKind

NEIGHBOURS, CLOCK_SKEW, SPIKE, SURGE, SCAN = "neighbours", "clock_skew", "spike", "surge", "scan"
JOINT = "halfspace"
BESIDE: Mapping[str, type[Detector]] = {NEIGHBOURS: NeighbourDisagreement, CLOCK_SKEW: ClockSkew, SPIKE: Spike}
"""Detectors of assets beside one another, judged once a minute in the city task; spike without ``within_m`` is not."""
TICKETS = ("count_over", "words", "ticket", "mass", "topic")
"""What a scenario on tickets may detect, beside detector surge."""
MOST_CALLERS = 64
"""Callers of one text that are told apart."""
RISE = 8.0
"""Score from which a topic rises where the scenario names none: about six callers in a week on a new matter."""
DOMAINS = ("emergency", "market", "eco", "social", "public", "economy")

Domain = Literal["emergency", "market", "eco", "social", "public", "economy"]
Source = Literal["iot", "video", "hotline"]


class ScenarioError(ValueError):
    """A scenario that cannot be used."""


class Name(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What people call it, in both languages."""

    zh: str
    en: str


class Match(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Which series or tickets: asset type and metric, or words, class, urgency, mood of a ticket: all that are given.

    With words, ``kind`` only names the class of tickets; without, it is the class that the set's classifier says.
    """

    type: str = ""
    metric: str = ""
    metrics: tuple[str, ...] = ()
    """Several of one asset, for the detector ``halfspace``."""
    words: tuple[str, ...] = ()
    kind: str = msgspec.field(default="", name="class")
    urgency_from: int | None = None
    """1 pressing, 2 urgent, 3 danger to life; a ticket of that or more."""
    mood_below: float | None = None
    """In [-1, 1]; a ticket of unknown mood is not below."""


class Detect(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The condition; exactly one of above, below, ewma_deviation, score_over, silent_s, sum_over, standard,
    count_over, words, ticket, mass, topic (which may have a score_over).

    ``score_over``: of the score of the ``detector`` with its ``settings`` (docs/models.md); ``side`` up and down count
    scores of one sign. ``silent_s``: seconds of up-time without a reading, after one.
    ``sum_over``: the last values of all matching assets of an area, added up once a minute; ``by`` names the area.
    ``standard``: what a risk model (docs/standards.md) says by the table of the reading's own day.
    """

    above: float | None = None
    below: float | None = None
    ewma_deviation: float | None = None
    detector: str | None = None
    settings: dict[str, Any] = {}
    score_over: float | None = None
    side: Literal["both", "up", "down"] = "both"
    silent_s: float | None = None
    within_m: float | None = None
    """How far neighbours may be, for the detectors neighbours, clock_skew and spike, which then see all assets once a
    minute."""
    sum_over: float | None = None
    by: Literal["grid", "town", "district", "city"] | None = None
    standard: str | None = None
    grade_from: str | None = None
    """Lowest grade that counts; without it every grade that has a level."""
    levels: dict[str, int] = {}
    """Levels of grades, in place of the table's."""
    inputs: dict[str, str] = {}
    """Column of the risk model → metric of the asset; without it ``match.metric`` is the one that it needs."""
    given: dict[str, float | str] = {}
    """Columns of the risk model that are the same for every reading."""
    age_s: float | None = None
    """With several inputs: how old one may be beside the newest."""
    every_s: float | None = None
    """Length of a period of the detector ``scan``, seconds; it looks once a period, at the last ``periods`` of them."""
    periods: int = 30
    alpha: float = 0.05
    warmup: int = 20
    count_over: int | None = None
    window_s: float | None = None
    words: Literal["any", "all"] | None = None
    """Each ticket that has any, or all, of the match's words."""
    watch: What | None = None
    """A number that cameras' tracks give (docs/video.md): above and below are of it, not of a metric."""
    zone: ZoneKind | None = None
    line: LineKind | None = None
    classes: tuple[str, ...] = ()
    """Classes of objects that count; none named: all."""
    radius_m: float | None = None
    ticket: Literal["each"] | None = None
    """Each ticket that matches, where the match has no words."""
    mass: int | None = None
    """So many callers, within ``window_s`` if given, who say nearly the same."""
    topic: Literal["rising"] | None = None
    """A topic that rises against its own past by ``score_over``, judged once a minute."""

    def counts(self) -> bool:
        """Whether it counts tickets, or callers, in a window."""
        return self.count_over is not None or self.mass is not None


class Duration(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How long the condition must hold: in readings in a row, in seconds of their time, or both."""

    readings: int = 1
    seconds: float = 0.0


class Clear(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """When it ends; at most one."""

    below: float | None = None
    above: float | None = None
    deviation_below: float | None = None
    score_below: float | None = None
    grade_below: str | None = None
    quiet_s: float | None = None


class Rung(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """From ``at`` on, the signal has this level."""

    level: int
    at: float


class Scenario(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One scenario, as written. ``life``: never-hidden class (fire, gas, people trapped or drowning)."""

    id: str
    version: int
    name: Name
    domain: Domain
    event_code: str
    source: Source
    match: Match
    detect: Detect
    life: bool = False
    duration: Duration = msgspec.field(default=Duration(), name="for")
    clear: Clear = Clear()
    level: int = 1
    levels: tuple[Rung, ...] = ()

    def kind(self) -> str:
        """Class of tickets 诉求类别: as stated, else the last part of the id."""
        return self.match.kind or self.id.rpartition(".")[2]

    def rise(self) -> float:
        """Score from which a topic rises."""
        return RISE if self.detect.score_over is None else self.detect.score_over

    def by_class(self) -> bool:
        """Whether its class is what a classifier must say."""
        return self.source == "hotline" and bool(self.match.kind) and not self.match.words

    def ewma(self) -> EwmaZScore | None:
        """The detector whose score is decided on; None where it is the value itself."""
        return EwmaZScore(self.detect.alpha, self.detect.warmup) if self.detect.ewma_deviation is not None else None

    def beside(self) -> bool:
        """Whether each asset is judged beside its neighbours."""
        return self.detect.detector in BESIDE and (self.detect.detector != SPIKE or self.detect.within_m is not None)

    def together(self) -> bool:
        """Whether it needs several assets in one view, and so is judged once a minute in the city task."""
        return self.source != "hotline" and (self.detect.sum_over is not None or self.beside() or self.joint())

    def joint(self) -> bool:
        """Whether several metrics of each asset are judged together."""
        return self.detect.detector == JOINT

    def scans(self) -> bool:
        """Whether it looks for clusters of tickets in space and time, once a period in the city task."""
        return self.detect.detector == SCAN

    def model(self) -> Detector | None:
        """The detector of single series that is named; None where there is none. Raises ValueError of what is wrong."""
        d = self.detect
        if d.detector in (None, COMBINED) or self.together():
            return None
        return detector(d.detector or "", d.settings, (NEIGHBOURS, CLOCK_SKEW, JOINT, COMBINED))

    def combined(self) -> Combined | None:
        """Several detectors of one series that answer as one. Raises ValueError of what is wrong."""
        return combined(self.detect.settings) if self.detect.detector == COMBINED else None

    def use(self) -> Use | None:
        """How it uses a risk model; None where it names none. Raises ValueError of what is wrong."""
        d = self.detect
        return use_of(d, self.match.metric, self.clear.grade_below) if d.standard is not None else None

    def metrics(self) -> tuple[str, ...]:
        """Metrics of the assets that it looks at."""
        return tuple(self.detect.inputs.values()) or (self.match.metric,)

    def decision(self) -> Decision:
        """The decision on readings or scores. Raises ValueError where bounds contradict, or on a hotline scenario."""
        d, c = self.detect, self.clear
        ladder = tuple((r.at, r.level) for r in self.levels)
        common: dict[str, Any] = {
            "readings": self.duration.readings, "seconds": self.duration.seconds, "quiet_s": c.quiet_s,
            "level": self.level, "ladder": ladder,
        }  # fmt: skip
        if d.above is not None:
            return Decision("above", d.above, clear=c.below, **common)
        if d.sum_over is not None:
            return Decision("above", d.sum_over, clear=c.below, **common)
        if d.below is not None:
            return Decision("below", d.below, clear=c.above, **common)
        if d.ewma_deviation is not None:
            bound = None
            if c.quiet_s is None:
                bound = d.ewma_deviation / 2 if c.deviation_below is None else c.deviation_below
            return Decision("deviation", d.ewma_deviation, clear=bound, **common)
        if d.score_over is not None:
            bound = None
            if c.quiet_s is None:
                # Of bits, which may be below 0, one less is half as rare.
                default = d.score_over - 1 if self.joint() else d.score_over / 2
                bound = default if c.score_below is None else c.score_below
            return Decision("score", d.score_over, clear=bound, **common)
        if d.silent_s is not None:
            return Decision("silent", d.silent_s, **common)
        if d.standard is not None:  # the score is the level; brain.judged makes it
            common |= {"level": 1, "ladder": ((2.0, 2), (3.0, 3), (4.0, 4))}
            return Decision("score", 1.0, clear=None if c.grade_below is None else 0.5, **common)
        raise ValueError(
            "detect: expected above, below, ewma_deviation, score_over, silent_s, sum_over or standard for readings"
        )


def load(folder: Path, check: Callable[[Scenario], None] | None = None) -> list[Scenario]:
    """All ``*.yaml`` below a folder, sorted by id; ``check`` raises ValueError where one does not fit its set.

    Raises
    ------
    ScenarioError
        On the first file that is wrong, or an id that is there twice.
    """
    found: dict[str, Scenario] = {}
    for path in sorted(folder.rglob("*.yaml")):
        scenario = read(path.read_bytes(), str(path))
        if scenario.id in found:
            raise ScenarioError(f"{path}: id: {scenario.id!r} is there already; each scenario needs its own")
        try:
            if check is not None:
                check(scenario)
        except ValueError as error:
            raise ScenarioError(f"{path}: {error}") from error
        found[scenario.id] = scenario
    return [found[key] for key in sorted(found)]


def read(text: bytes | str, place: str = "scenario") -> Scenario:
    """One scenario from YAML; ``place`` begins every error. Raises ScenarioError."""
    try:
        data = msgspec.yaml.decode(text)
    except msgspec.DecodeError as error:
        raise ScenarioError(f"{place}: not YAML: {error}") from error
    return of(data, place)


def of(data: Any, place: str = "scenario") -> Scenario:
    """One scenario from decoded YAML. Raises ScenarioError."""
    _known(data, Scenario, place, "")
    try:
        scenario = msgspec.convert(data, Scenario)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at ")
        path = where.strip("`").removeprefix("$").lstrip(".")
        raise ScenarioError(f"{place}: {path + ': ' if path else ''}{_lower(message)}{_hint(data, path)}") from error
    try:
        _check(scenario)
    except ValueError as error:
        raise ScenarioError(f"{place}: {error}") from error
    return scenario


def _check(s: Scenario) -> None:
    if s.id.split(".")[0] != s.domain:
        raise ValueError(f"id: expected to begin with its domain {s.domain!r}, got {s.id!r}")
    if not 1 <= s.level <= 4:
        raise ValueError(f"level: expected 1 (lowest) to 4, got {s.level}")
    d = s.detect
    series = _given(d, ("above", "below", "ewma_deviation", "score_over", "silent_s", "sum_over", "standard"))
    tickets = _given(d, TICKETS)
    if d.topic is not None:
        series = [name for name in series if name != "score_over"]
    if len(series) + len(tickets) != 1:
        got = " and ".join(series + tickets) or "none"
        raise ValueError(
            "detect: expected one of above, below, ewma_deviation, score_over, silent_s, sum_over, standard, "
            f"{', '.join(TICKETS)}; got {got}"
        )
    if d.every_s is not None and not s.scans():
        raise ValueError("detect.every_s: only for detector scan of source hotline")
    ends = _given(s.clear, ("below", "above", "deviation_below", "score_below", "grade_below", "quiet_s"))
    if len(ends) > 1:
        raise ValueError(f"clear: expected at most one way to end, got {' and '.join(ends)}")
    if s.clear.quiet_s is not None and s.clear.quiet_s <= 0:
        raise ValueError(f"clear.quiet_s: expected seconds above 0, got {s.clear.quiet_s}")
    _check_standard(s)
    if _check_watch(s, (series + tickets)[0]):
        return
    if s.source == "hotline":
        _check_tickets(s, ends)
        return
    if tickets:
        raise ValueError(f"detect.{tickets[0]}: only for source hotline; source is {s.source!r}")
    judged = _given(s.match, ("urgency_from", "mood_below"))
    if not s.match.type or not (s.match.metric or s.match.metrics or d.inputs) or s.match.words or judged:
        raise ValueError("match: expected type and metric of the assets, and no words, urgency_from or mood_below")
    if s.joint() != bool(s.match.metrics) or (s.match.metric and s.match.metrics):
        raise ValueError("match: metrics, two or more and no metric, and detector halfspace go together")
    pair = {
        "above": "below", "below": "above", "ewma_deviation": "deviation_below", "score_over": "score_below",
        "silent_s": "nothing (a reading ends a silence)", "sum_over": "below", "standard": "grade_below",
    }[series[0]]  # fmt: skip
    if (d.detector is None) != (d.score_over is None):
        raise ValueError("detect: detector and score_over go together")
    if d.detector is None and (d.settings or d.side != "both"):
        raise ValueError("detect: settings and side are for a detector")
    if d.silent_s is not None and (s.life or s.levels or ends or s.duration != Duration() or d.silent_s <= 0):
        raise ValueError(
            "detect.silent_s: expected seconds above 0, and neither life, levels, for nor clear: a reading ends it"
        )
    if (d.by is None) != (d.sum_over is None):
        raise ValueError("detect: sum_over and by (grid, town, district or city) go together")
    if s.together() and (s.life or ends == ["quiet_s"]):
        raise ValueError(f"detect.{series[0]}: judged once a minute: expected neither life nor clear.quiet_s")
    if (d.within_m is not None) != s.beside() or (d.within_m is not None and not d.within_m > 0):
        raise ValueError(
            "detect: within_m (metres above 0) and detector neighbours or clock_skew go together; spike may have it"
        )
    if s.joint():
        _check_joint(s)
    if s.beside():
        _check_settings(BESIDE[d.detector or NEIGHBOURS], d.settings, ((),))
    if ends and ends[0] not in (pair, "quiet_s"):
        raise ValueError(f"clear.{ends[0]}: expected {pair} or quiet_s, because detect is {series[0]}")
    if s.combined() is not None and (d.side != "both" or not 0 < (d.score_over or 0) < 1):
        raise ValueError("detect.score_over: of combined a probability, between 0 and 1, and no side")
    s.ewma()
    s.model()
    s.decision()


def _check_watch(s: Scenario, bound: str) -> bool:
    """Whether it watches tracks of cameras, and does so rightly; ``bound`` is what it detects. Raises ValueError."""
    d, match = s.detect, s.match
    ends = _given(s.clear, ("below", "above", "deviation_below", "score_below", "grade_below"))
    if d.watch is None:
        for name in ("zone", "line", "radius_m"):
            if getattr(d, name) is not None:
                raise ValueError(f"detect.{name}: only with watch")
        if d.classes:
            raise ValueError("detect.classes: only with watch")
        return False
    if s.source != "video":
        raise ValueError(f"detect.watch: only for source video; source is {s.source!r}")
    more = _given(match, ("urgency_from", "mood_below"))
    if not match.type or match.metric or match.metrics or match.words or more:
        raise ValueError(
            "match: expected the type of the cameras, and no metric or other part, because detect has watch"
        )
    if bound not in ("above", "below") or (bound == "below" and d.watch not in ("count", "density", "flow")):
        raise ValueError(f"detect.watch {d.watch}: expected above (or below for count, density, flow), got {bound}")
    opposite = "below" if bound == "above" else "above"
    if ends and ends[0] != opposite:
        raise ValueError(f"clear.{ends[0]}: expected {opposite} or quiet_s, because detect is {bound}")
    crossing = d.watch == "crossing"
    if crossing != (d.line is not None) or crossing == (d.zone is not None) or crossing != (d.window_s is not None):
        raise ValueError("detect.watch: expected line and window_s for crossing, zone for all others")
    if d.window_s is not None and not d.window_s > 0:
        raise ValueError(f"detect.window_s: expected seconds above 0, got {d.window_s}")
    if crossing and max([d.above or 0.0, *(r.at for r in s.levels)]) >= MOST_CROSSINGS:
        raise ValueError(f"detect.above: expected below {MOST_CROSSINGS} crossings")
    if d.watch == "wrong_way" and d.zone != "one_way":
        raise ValueError(f"detect.zone: expected one_way for wrong_way, got {d.zone}")
    if d.radius_m is not None and (d.watch != "standing" or not d.radius_m > 0):
        raise ValueError("detect.radius_m: expected metres above 0, with watch standing")
    if not all(d.classes) or len(set(d.classes)) < len(d.classes):
        raise ValueError(f"detect.classes: expected names, each once, got {list(d.classes)}")
    if d.detector is not None or d.settings or d.side != "both" or d.by is not None or d.within_m is not None:
        raise ValueError("detect.watch: expected no detector, settings, side, by or within_m")
    s.decision()
    return True


def _check_joint(s: Scenario) -> None:
    metrics, given = s.match.metrics, s.detect.settings
    if s.detect.side != "both":
        raise ValueError("detect.side: not for halfspace: what is rare scores high")
    if not 2 <= len(metrics) <= 10 or len(set(metrics)) < len(metrics):
        raise ValueError(f"match.metrics: expected 2 to 10 different ones, got {', '.join(metrics)}")
    if ("low" in given) != ("high" in given):
        raise ValueError("detect.settings: low and high go together")
    for side in ("low", "high"):
        if side in given and (not isinstance(given[side], list) or len(given[side]) != len(metrics)):
            raise ValueError(f"detect.settings.{side}: expected one number a metric, {len(metrics)}")
    low, high = (given.get(side, [value] * len(metrics)) for side, value in (("low", 0.0), ("high", 1.0)))
    rest = {key: value for key, value in given.items() if key not in ("low", "high")}
    _check_settings(HalfSpaceTrees, rest, tuple(low), tuple(high))


def _check_settings(kind: Callable[..., Any], given: Mapping[str, Any], *first: Any) -> None:
    names = [f.name for f in dataclasses.fields(kind)][len(first) :]  # type: ignore[arg-type]  # every detector is one
    for key in given:
        if key not in names:
            raise ValueError(f"detect.settings.{key}: there are {', '.join(names)}{hint(key, names)}")
    try:
        kind(*first, **given)
    except (TypeError, ValueError) as error:
        raise ValueError(f"detect.settings.{error}") from error


def _check_standard(s: Scenario) -> None:
    d = s.detect
    if d.standard is None:
        for name in ("grade_from", "levels", "inputs", "given", "age_s"):
            if getattr(d, name):
                raise ValueError(f"detect.{name}: only with detect.standard")
    elif s.source == "hotline":
        raise ValueError("detect.standard: only for sources iot and video")
    use = s.use()
    if use is None:
        return
    if s.levels or s.level != 1:
        raise ValueError("level, levels: come from the table of the standard; detect.levels has others by grade")
    if s.life and use.model.experimental:
        raise ValueError(f"life: {d.standard} is experimental: it may warn, expected life: false")


def _check_tickets(s: Scenario, ends: list[str]) -> None:
    d = s.detect
    surge = d.detector == SURGE
    if not _given(d, TICKETS) and not surge and not s.scans():
        raise ValueError(f"detect: expected {', '.join(TICKETS)}, or detector surge or scan, for source hotline")
    _check_match(s)
    if d.topic is not None and d.detector is not None:
        raise ValueError("detect.topic: expected no detector")
    if s.scans():
        _check_scan(s, ends)
        return
    if surge:
        if s.life or d.score_over is None or d.side != "both":
            raise ValueError("detect.detector surge: expected score_over, and neither life nor side")
        _check_settings(CountSurge, d.settings)
    if ends and ends != ["quiet_s"] and not (d.topic and ends == ["score_below"]):
        raise ValueError(f"clear.{ends[0]}: expected quiet_s for source hotline, or score_below for a topic")
    if (d.window_s is None and d.count_over is not None) or (d.window_s is not None and not d.counts()):
        raise ValueError("detect: count_over and window_s go together; mass may have a window_s")
    if d.window_s is not None and not d.window_s > 0:
        raise ValueError(f"detect.window_s: expected seconds above 0, got {d.window_s}")
    if d.count_over is not None and d.count_over < 1:
        raise ValueError(f"detect.count_over: expected at least 1, got {d.count_over}")
    if d.mass is not None and not 2 <= max([d.mass, *(r.at for r in s.levels)]) <= MOST_CALLERS:
        raise ValueError(f"detect.mass, levels: expected 2 to {MOST_CALLERS} callers, as many are told apart")
    if d.topic and d.score_over is not None and not d.score_over > 0:
        raise ValueError(f"detect.score_over: expected a number above 0, got {d.score_over}")
    if d.topic and not 0 <= (s.clear.score_below or 0) < s.rise():
        raise ValueError(f"clear.score_below: expected the safe side of {s.rise()}, got {s.clear.score_below}")
    before: tuple[float, int] = (s.rise() if d.topic else d.count_over or d.mass or d.score_over or 0, s.level)
    for rung in s.levels:
        if not (d.counts() or d.topic or surge):
            raise ValueError("levels: only with count_over, mass, topic or surge for source hotline")
        if rung.at <= before[0] or not before[1] < rung.level <= 4:
            raise ValueError(f"levels: expected each worse and higher (to 4), got at {rung.at} level {rung.level}")
        before = (rung.at, rung.level)


def _check_match(s: Scenario) -> None:
    m, d = s.match, s.detect
    if m.type or m.metric or m.metrics or not all(m.words):
        raise ValueError(
            "match: expected words, class, urgency_from or mood_below for source hotline, not type, metric"
        )
    if m.urgency_from is not None and not 1 <= m.urgency_from <= 3:
        raise ValueError(f"match.urgency_from: expected 1 (pressing) to 3 (danger to life), got {m.urgency_from}")
    if m.mood_below is not None and not -1 < m.mood_below <= 1:
        raise ValueError(f"match.mood_below: expected a number in (-1, 1], got {m.mood_below}")
    judged = bool(_given(m, ("urgency_from", "mood_below")))
    if s.life and (judged or not m.words or _given(d, ("ticket", "mass", "topic"))):
        # What a model says of a text must never hold back an alarm.
        raise ValueError("life: a never-hidden class raises on its words alone, never on what a model says of a text")
    if d.words is not None and not m.words:
        raise ValueError("match: expected words, because detect is words; ticket: each goes without")
    if d.topic is not None and (m.words or judged):
        raise ValueError("match: a topic has a class and nothing else: expected class or nothing")
    if d.mass is None and d.topic is None and not (m.words or m.kind or judged):
        raise ValueError("match: expected words, class, urgency_from or mood_below for source hotline")


def _check_scan(s: Scenario, ends: list[str]) -> None:
    d = s.detect
    if s.life or d.score_over is None or d.side != "both" or d.by not in ("grid", "town", "district"):
        raise ValueError("detect.detector scan: expected score_over and by (grid, town, district), no life, no side")
    if d.every_s is None or d.every_s < 60 or d.every_s % 60:
        raise ValueError(f"detect.every_s: expected whole minutes in seconds, at least 60, got {d.every_s}")
    if not 2 <= d.periods <= 400:
        raise ValueError(f"detect.periods: expected 2 to 400, got {d.periods}")
    if "seed" in d.settings:
        raise ValueError("detect.settings.seed: follows from scenario and period")
    _check_settings(SpaceTimeScan, d.settings)
    most = SpaceTimeScan(**d.settings).replicates + 1
    if not 1 < d.score_over <= most:
        raise ValueError(f"detect.score_over: periods, above 1 and at most replicates + 1 = {most}, got {d.score_over}")
    if ends and ends != ["score_below"]:
        raise ValueError(f"clear.{ends[0]}: expected score_below, because it is judged once a period")
    s.decision()


def _given(part: Any, names: Iterable[str]) -> list[str]:
    return [name for name in names if getattr(part, name) is not None]


_PARTS: Mapping[str, type[msgspec.Struct]] = {
    "name": Name, "match": Match, "detect": Detect, "for": Duration, "clear": Clear,
}  # fmt: skip


def _known(data: Any, kind: type[msgspec.Struct], place: str, path: str) -> None:
    if not isinstance(data, Mapping):
        return
    names = kind.__struct_encode_fields__
    for key, value in data.items():
        if key not in names:
            raise ScenarioError(f"{place}: {path}{key}: unknown key {key!r}{near(str(key), names)}")
        if kind is Scenario and key in _PARTS:
            _known(value, _PARTS[key], place, f"{key}.")


def _hint(data: Any, path: str) -> str:
    for part in path.split(".") if path else ():
        data = data.get(part) if isinstance(data, Mapping) else None
    if not isinstance(data, str):
        return ""
    if path == "domain":
        return near(data, DOMAINS)
    if path == "source":
        return near(data, ("iot", "video", "hotline"))
    number = data.split()[0] if data.split() else ""
    try:
        return f", {data!r} (did you mean {float(number):g}?)"
    except ValueError:
        return f", {data!r}"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
