"""Scenarios 场景: what to watch for, as YAML files that a domain team writes; checked on loading.

Unknown keys are refused. Errors say file, place in it, what was expected and what came.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from brain.chinese.below import chinese
from brain.combination import trouble
from brain.combined import NAME as COMBINED
from brain.combined import Combined, combined
from brain.grades import Use, use_of
from brain.near import Both, meant, nears
from brain.scenario_checks import BESIDE, CLOCK_SKEW, JOINT, NEIGHBOURS, SCAN, SPIKE, check
from brain.scenario_form import (
    DOMAINS,
    Clear,
    Detect,
    Domain,
    Duration,
    Match,
    Name,
    Rung,
    Source,
    State,
    Trial,
)
from brain.scenario_kit import cases, variant
from brain.scenario_kit.cases import Case, CaseError, Wording
from brain.scenario_kit.lines import DoubleKey, decode
from brain.scored import detector
from brain.unfit import Unfit, both
from models.decision import Decision
from models.detector import Detector
from models.ewma import EwmaZScore

HIDDEN = ("own", "without")
"""Fields that are no keys of the file."""
REFUSED = ("removed_but_used", "cycle", "doubled", "contradicts")
"""What is wrong between scenarios, and is refused on loading."""
RISE = 8.0
"""Score from which a topic rises where the scenario names none: about six callers in a week on a new matter."""
_PLACE = re.compile(r"[a-z_]+(?:[.\[][\w.\[\]]*)?(?=[:, ])")


class ScenarioError(Unfit):
    """A scenario that cannot be used: ``code`` says of which kind (docs/scenarios.md), ``place`` where in the file."""

    def __init__(
        self, where: object, what: str = "", code: str = "not_of_set", place: str = "", /, **values: object
    ) -> None:
        super().__init__(where, what, **values)
        self.code, self.place = code, place


class Scenario(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One scenario, as written. ``life``: never-hidden class (fire, gas, people trapped or drowning).

    ``state``: live ones raise incidents, shadow ones on topics of their own; on trial it is live in one district and in
    shadow elsewhere; draft and retired ones do not run. ``basis``: the standard or
    regulation that the rule is of, or "sample".
    """

    id: str
    version: int
    name: Name
    domain: Domain
    event_code: str
    source: Source
    match: Match = Match()
    detect: Detect
    life: bool = False
    duration: Duration = msgspec.field(default=Duration(), name="for")
    clear: Clear = Clear()
    level: int = 1
    levels: tuple[Rung, ...] = ()
    state: State = "live"
    trial: Trial | None = None
    """With state trial, and only with it."""
    shadow_of: str = ""
    """Of a variant in shadow or on trial: the live scenario that it is compared with."""
    owner: str = ""
    """Who answers for the rule: a department or a team."""
    means: Wording = Wording()
    """What it means when it is raised."""
    first_steps: Wording = Wording()
    """What whoever gets it does first."""
    false_alarms: Wording = Wording()
    """What raises it and is nothing."""
    basis: str = ""
    tests: tuple[Case, ...] = ()
    extends: str = ""
    """Id of the scenario that this is a district's variant of (:mod:`brain.scenario_kit.variant`)."""
    own: dict[str, Any] = {}
    """What a variant's file says; set on loading, never written."""
    without: tuple[str, ...] = ()
    """Districts for which live variants look; set on loading, never written."""

    def placed(self) -> bool:
        """Whether it looks in some places only."""
        return bool(self.match.districts or self.match.layer or self.without)

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
        raise Unfit(
            "detect", "expected above, below, ewma_deviation, score_over, silent_s, sum_over or standard for readings"
        )


def load(
    folder: Path, fits: Callable[[Scenario], None] | None = None, beside: Iterable[Path] = ()
) -> list[Scenario]:  # fmt: skip
    """All ``*.yaml`` below a folder, sorted by id; ``fits`` raises ValueError where one does not fit its set.

    ``beside``: more folders, whose scenarios belong to them.

    Raises
    ------
    ScenarioError
        On the first file that is wrong, or an id that is there twice.
    """
    found: dict[str, Scenario] = {}
    paths: dict[str, Path] = {}
    files = (path for below in (folder, *beside) for path in sorted(below.rglob("*.yaml")))
    raw = {path: decoded(path.read_bytes(), str(path)) for path in files}
    bases = variant.bases(raw.values())
    for path, data in raw.items():
        scenario = of(data, str(path), bases)
        if scenario.id in found:
            raise ScenarioError(
                f"{path}: id",
                "{id!r} is there already; each scenario needs its own",
                "duplicate_id",
                "id",
                id=scenario.id,
            )
        try:
            if fits is not None:
                fits(scenario)
        except ValueError as error:
            raise ScenarioError(path, "{said}", "not_of_set", place_of(error), said=both(error)) from error
        found[scenario.id], paths[scenario.id] = scenario, path
    every = [found[key] for key in sorted(found)]
    for s, (code, place, zh, en) in (*variant.trouble(every), *trouble(every)):
        if code in REFUSED:
            raise ScenarioError(f"{paths[s.id]}: {place}", "{said}", code, place, said=Both(zh, en))
    for s in every:
        if s.shadow_of and s.shadow_of not in found:
            where = f"{paths[s.id]}: shadow_of"
            raise ScenarioError(where, "the set has no {id!r}", "not_of_set", "shadow_of", id=s.shadow_of)
    return variant.apart(every)


def bases(folder: Path) -> Mapping[str, Any]:
    """What a file below a folder may extend, by id, as decoded; files that are no YAML have nothing."""
    found = []
    for path in sorted(folder.rglob("*.yaml")):
        with contextlib.suppress(ScenarioError):
            found.append(decoded(path.read_bytes(), str(path)))
    return variant.bases(found)


def read(text: bytes | str, place: str = "scenario", bases: Mapping[str, Any] = {}) -> Scenario:  # never written
    """One scenario from YAML; ``place`` begins every error, ``bases`` is what it may extend. Raises ScenarioError."""
    return of(decoded(text, place), place, bases)


def decoded(text: bytes | str, place: str = "scenario") -> Any:
    """What a YAML text says. Raises ScenarioError of what is none."""
    try:
        return decode(text)
    except DoubleKey as error:
        raise ScenarioError(place, "{said}", "double_key", error.key, said=both(error)) from error
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError) as error:
        # Beside its own errors, the reader lets through those of dates, keys and depths that cannot be.
        raise ScenarioError(place, "not YAML: {said}", "not_yaml", said=both(error)) from error


def of(data: Any, place: str = "scenario", bases: Mapping[str, Any] = {}) -> Scenario:  # never written
    """One scenario from decoded YAML. Raises ScenarioError."""
    _known(data, Scenario, place, "")
    own = data
    if isinstance(data, Mapping) and "extends" in data:
        try:
            data = variant.resolved(data, bases)
        except variant.VariantError as error:
            raise ScenarioError(place, "{said}", error.code, error.place, said=both(error)) from error
    try:
        scenario = msgspec.convert(data, Scenario)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at ")
        path = where.strip("`").removeprefix("$").lstrip(".")
        near = _hint(data, path)
        said = Both(f"{chinese(message)}{near.zh}", f"{_lower(message)}{near.en}")
        raise ScenarioError(f"{place}: {path}" if path else place, "{said}", "wrong_type", path, said=said) from error
    try:
        check(scenario)
        cases.check(scenario)
    except CaseError as error:
        raise ScenarioError(place, "{said}", "bad_test", error.place, said=both(error)) from error
    except ValueError as error:
        raise ScenarioError(place, "{said}", "contradicts", place_of(error), said=both(error)) from error
    return msgspec.structs.replace(scenario, own=dict(own)) if scenario.extends else scenario


def place_of(error: ValueError) -> str:
    """Where in the file, by an error's text; empty where it does not begin with a key."""
    found = _PLACE.match(str(error))
    return found[0] if found else ""


_PARTS: Mapping[str, type[msgspec.Struct]] = {
    "name": Name, "match": Match, "detect": Detect, "for": Duration, "clear": Clear,
    "trial": Trial, "means": Wording, "first_steps": Wording, "false_alarms": Wording,
}  # fmt: skip


def _known(data: Any, kind: type[msgspec.Struct], place: str, path: str) -> None:
    if not isinstance(data, Mapping):
        return
    names = tuple(name for name in kind.__struct_encode_fields__ if kind is not Scenario or name not in HIDDEN)
    for key, value in data.items():
        if key not in names:
            raise ScenarioError(
                f"{place}: {path}{key}",
                "unknown key {key!r}{near}",
                "unknown_key",
                f"{path}{key}",
                key=key,
                near=nears(str(key), names),
            )
        if kind is Scenario and key in _PARTS:
            _known(value, _PARTS[key], place, f"{key}.")
        if kind is Scenario and key == "tests" and isinstance(value, list):
            for n, case in enumerate(value):
                _known(case, Case, place, f"tests[{n}].")


def _hint(data: Any, path: str) -> Both:
    for part in path.split(".") if path else ():
        data = data.get(part) if isinstance(data, Mapping) else None
    if not isinstance(data, str):
        return Both("", "")
    if path == "domain":
        return nears(data, DOMAINS)
    if path == "source":
        return nears(data, ("iot", "video", "hotline", "signals"))
    number = data.split()[0] if data.split() else ""
    try:
        close = meant(f"{float(number):g}")
    except ValueError:
        close = Both("", "")
    return Both(f", {data!r}{close.zh}", f", {data!r}{close.en}")


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
