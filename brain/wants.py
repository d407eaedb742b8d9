"""What a set must have for its scenarios, or they would never be raised and nobody would know why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brain.hotline import CLASSES
from brain.near import Both
from brain.scenarios import ScenarioError

if TYPE_CHECKING:  # sets check themselves by what is here
    from brain.sets import CitySet


def check(made: CitySet, place: str) -> None:
    """A classifier that says the class of a scenario, a calendar that says its days. Raises ScenarioError."""
    for s in (*made.scenarios, *made.drafts):
        said = () if made.text.model is None else made.text.model.classes
        if s.by_class() and s.match.kind not in said:
            has = Both(f"生效集没有分类器 ({CLASSES})", f"the set has no classifier ({CLASSES})")
            if said:
                names = ", ".join(map(repr, said))
                has = Both(f"分类器给出 {names}", f"the classifier says {names}")
            raise ScenarioError(f"{place}: {s.id}: match.class", "{kind!r}, and {has}", kind=s.match.kind, has=has)
        if made.calendar is None and s.match.hours is not None and s.match.hours.by_calendar():
            raise ScenarioError(
                f"{place}: {s.id}: match.hours.days", "{days} needs calendar.yaml, which the set does not have",
                days=s.match.hours.days,
            )  # fmt: skip
