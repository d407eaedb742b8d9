"""What a scenario says of a risk model 风险模型: which readings go in, from which grade on, at which levels.

Checked here as far as that can be told without tables; :mod:`brain.judged` holds it against those of a set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from brain.chinese.below import chinese
from brain.near import Both, nears
from brain.unfit import Unfit
from models.standards.model import Input, RiskModel, TextInput
from models.standards.registry import MODELS

if TYPE_CHECKING:  # scenarios are checked by what is here
    from brain.scenario_form import Detect

OLDEST_S = 366 * 86_400.0
"""Longest age that an input may have, seconds."""


@dataclass(frozen=True, slots=True)
class Use:
    """How one scenario uses a risk model.

    ``inputs``: column → metric, in the order of columns' names. ``levels``: in place of the table's where not empty.
    ``least``: lowest grade that counts, 0 for every one that has a level. ``stay``: what is raised clears below this
    grade, -1 as soon as it does not hold.
    """

    model: RiskModel
    inputs: Mapping[str, str]
    given: Mapping[str, float | str]
    levels: Mapping[str, int]
    least: int
    stay: int
    age_ms: int

    def several(self) -> bool:
        """Whether it needs more than one reading of an asset."""
        return len(self.inputs) > 1

    def rate(self, levels: Mapping[str, int]) -> dict[str, int]:
        """Levels of all grades, from those of the table of the day.

        A grade that is not named has the level of the one before it; those below ``least`` have none.
        """
        named, level, out = self.levels or levels, 0, {}
        for number, grade in enumerate(self.model.grades):
            level = named.get(grade, level)
            out[grade] = level if number >= self.least else 0
        return out


def use_of(detect: Detect, metric: str, grade_below: str | None) -> Use:
    """From a scenario; ``metric`` is the match's. Raises ValueError with the place in it, and what was expected."""
    name = detect.standard or ""
    if name not in MODELS:
        raise Unfit("detect.standard", "expected a risk model, got {got!r}{near}", got=name, near=nears(name, MODELS))
    model = MODELS[name]
    inputs = _inputs(model, detect, metric)
    _given(model, detect, inputs)
    least = 0 if detect.grade_from is None else _grade(model, detect.grade_from, "detect.grade_from")
    _levels(model, detect.levels)
    stay = -1 if grade_below is None else _grade(model, grade_below, "clear.grade_below")
    if grade_below is not None and (detect.grade_from is None or stay > least):
        raise Unfit(
            "clear.grade_below",
            "expected a grade not worse than detect.grade_from, got {grade_below!r} and {grade_from!r}",
            grade_below=grade_below,
            grade_from=detect.grade_from,
        )
    age = detect.age_s
    if len(inputs) > 1 and (age is None or not 0 < age <= OLDEST_S):
        raise Unfit(
            "detect.age_s",
            "expected seconds above 0, at most a year: how old an input may be beside the newest one, got {got}",
            got=age,
        )
    if len(inputs) == 1 and age is not None:
        raise Unfit("detect.age_s", "only with several detect.inputs: one reading is judged as it comes")
    return Use(
        model, {column: inputs[column] for column in sorted(inputs)}, dict(detect.given), dict(detect.levels), least,
        stay, round((age or 0.0) * 1000),
    )  # fmt: skip


def _inputs(model: RiskModel, detect: Detect, metric: str) -> dict[str, str]:
    numbers = [name for name, kind in model.inputs.items() if isinstance(kind, Input)]
    if bool(detect.inputs) == bool(metric):
        raise Unfit(
            "", "match.metric or detect.inputs: expected one of them: the metric of one reading, or column: metric"
        )
    for column in detect.inputs:
        if column in model.inputs and column not in numbers:
            raise Unfit(f"detect.inputs.{column}", "is a name, no number: expected under detect.given")
        if model.listed is None and column not in numbers:
            raise Unfit(
                f"detect.inputs.{column}",
                "{name} has no such column{near}",
                name=model.name,
                near=nears(column, numbers),
            )
    if detect.inputs:
        return dict(detect.inputs)
    if metric in numbers or model.listed is not None:
        return {metric: metric}
    asked = [n for n in numbers if not model.inputs[n].optional and n not in detect.given]
    if len(asked) != 1:
        raise Unfit(
            "match.metric",
            "{metric!r} is no column of {name}; name its columns under detect.inputs: {numbers}",
            metric=metric,
            name=model.name,
            numbers=", ".join(numbers),
        )
    return {asked[0]: metric}


def _given(model: RiskModel, detect: Detect, inputs: Mapping[str, str]) -> None:
    for column, value in detect.given.items():
        if column in inputs:
            raise Unfit(f"detect.given.{column}", "is an input already")
        kind = model.inputs.get(column)
        if kind is None and model.listed is None:
            raise Unfit(
                f"detect.given.{column}",
                "{name} has no such column{near}",
                name=model.name,
                near=nears(column, model.inputs),
            )
        if isinstance(value, str) != isinstance(kind, TextInput):
            expected = Both("数", "a number")
            if isinstance(kind, TextInput):
                expected = Both(f"名称 ({chinese(kind.what)})", f"a name ({kind.what})")
            raise Unfit(f"detect.given.{column}", "expected {kind}, got {got!r}", kind=expected, got=value)
        bounds = kind or model.listed
        if not isinstance(value, str) and isinstance(bounds, Input) and not bounds.low <= value <= bounds.high:
            raise Unfit(
                f"detect.given.{column}",
                "expected {low:g} to {high:g}, got {got}",
                low=bounds.low,
                high=bounds.high,
                got=value,
            )
    lacking = [n for n, kind in model.inputs.items() if not kind.optional and n not in inputs and n not in detect.given]
    if lacking:
        raise Unfit("detect.given", "{name} cannot do without {lacking}", name=model.name, lacking=", ".join(lacking))


def _levels(model: RiskModel, levels: Mapping[str, int]) -> None:
    for grade in levels:
        _grade(model, grade, f"detect.levels.{grade}")
    ladder = [levels[grade] for grade in model.grades if grade in levels]
    if ladder != sorted(ladder) or any(not 1 <= level <= 4 for level in ladder):
        raise Unfit("detect.levels", "expected 1 to 4, never lower for a worse grade, got {got}", got=dict(levels))


def _grade(model: RiskModel, grade: str, place: str) -> int:
    if grade not in model.grades[1:]:
        raise Unfit(
            place,
            "expected a grade of {name}, got {got!r}{near}",
            name=model.name,
            got=grade,
            near=nears(grade, model.grades[1:]),
        )
    return model.grades.index(grade)
