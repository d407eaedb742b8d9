"""A scenario 场景 as a value: what to watch for, and how that is decided."""

from __future__ import annotations

from typing import Any

import msgspec

from brain.beside import BESIDE, CLOCK_SKEW, JOINT, NEIGHBOURS, SCAN, SPIKE
from brain.combined import NAME as COMBINED
from brain.combined import Combined, combined
from brain.grades import Use, use_of
from brain.scenario_form import Clear, Detect, Domain, Duration, Match, Name, Rung, Source, State, Trial
from brain.scenario_kit.case_form import Case, Wording
from brain.scored import detector
from brain.unfit import Unfit
from models.decision import Decision
from models.detector import Detector
from models.ewma import EwmaZScore

RISE = 8.0
"""Score from which a topic rises where the scenario names none: about six callers in a week on a new matter."""


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
