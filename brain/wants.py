"""What a set must have for its scenarios, or they would never be raised and nobody would know why."""

from __future__ import annotations

from collections.abc import Iterable

from brain.hotline import CLASSES, HotlineText
from brain.incidents.calendar import WorkCalendar
from brain.near import Both
from brain.scenario import Scenario
from brain.scenarios import ScenarioError


def check(scenarios: Iterable[Scenario], text: HotlineText, calendar: WorkCalendar | None, place: str) -> None:
    """A classifier that says the class of a scenario, a calendar that says its days. Raises ScenarioError."""
    said = () if text.model is None else text.model.classes
    for s in scenarios:
        if s.by_class() and s.match.kind not in said:
            has = Both(f"生效集没有分类器 ({CLASSES})", f"the set has no classifier ({CLASSES})")
            if said:
                names = ", ".join(map(repr, said))
                has = Both(f"分类器给出 {names}", f"the classifier says {names}")
            raise ScenarioError(f"{place}: {s.id}: match.class", "{kind!r}, and {has}", kind=s.match.kind, has=has)
        if calendar is None and s.match.hours is not None and s.match.hours.by_calendar():
            raise ScenarioError(
                f"{place}: {s.id}: match.hours.days", "{days} needs calendar.yaml, which the set does not have",
                days=s.match.hours.days,
            )  # fmt: skip
