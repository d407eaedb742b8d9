"""What a set must have for its scenarios, or they would never be raised and nobody would know why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brain.hotline import CLASSES
from brain.scenarios import ScenarioError

if TYPE_CHECKING:  # sets check themselves by what is here
    from brain.sets import CitySet


def check(made: CitySet, place: str) -> None:
    """A classifier that says the class of a scenario, a calendar that says its days. Raises ScenarioError."""
    for s in (*made.scenarios, *made.drafts):
        said = () if made.text.model is None else made.text.model.classes
        if s.by_class() and s.match.kind not in said:
            has = f"the classifier says {', '.join(said)}" if said else f"the set has no classifier ({CLASSES})"
            raise ScenarioError(f"{place}: {s.id}: match.class: {s.match.kind!r}, and {has}")
        if made.calendar is None and s.match.hours is not None and s.match.hours.by_calendar():
            needs = f"match.hours.days: {s.match.hours.days} needs calendar.yaml, which the set does not have"
            raise ScenarioError(f"{place}: {s.id}: {needs}")
