"""What the set in force says of its scenarios: for people with an incident before them, and who make one by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from brain.incidents.value import Domain, Text

if TYPE_CHECKING:
    from brain.scenario import Scenario
    from brain.sets import CitySet


class Wordings(msgspec.Struct):
    """Sentences in both languages, a list of them each."""

    zh: list[str] = []
    en: list[str] = []


class Told(msgspec.Struct):
    """Of one scenario: what it means, what to do first, and what looks like it and is nothing."""

    meaning: Text = Text()
    steps: Wordings = msgspec.field(default_factory=Wordings)
    false_alarms: Wordings = msgspec.field(default_factory=Wordings)


class Code(msgspec.Struct):
    """A kind of event that can be made by hand."""

    code: str
    name: Text
    domain: Domain
    life: bool


class Lore:
    """By scenario; of the newest set that was named."""

    def __init__(self) -> None:
        self._told: dict[str, Told] = {}
        self._names: dict[str, Text] = {}
        self._units: dict[str, Text] = {}
        self.codes: list[Code] = []

    def enter(self, content: CitySet) -> None:
        """Another set is in force. What only an older one had is kept, a few sentences a scenario and a name a
        department: its incidents may still be open."""
        scenarios: Sequence[Scenario] = content.scenarios
        if content.routes is not None:
            self._units |= {name: Text(d.zh, d.en) for name, d in content.routes.departments.items()}
        for s in scenarios:
            self._names[s.id] = Text(s.name.zh, s.name.en)
            self._told[s.id] = Told(
                Text(s.means.zh, s.means.en),
                Wordings(_lines(s.first_steps.zh), _lines(s.first_steps.en)),
                Wordings(_lines(s.false_alarms.zh), _lines(s.false_alarms.en)),
            )  # fmt: skip
        codes = {s.event_code: Code(s.event_code, Text(s.name.zh, s.name.en), s.domain, s.life)
                 for s in sorted(scenarios, key=lambda s: s.id, reverse=True) if s.event_code}  # fmt: skip
        self.codes = [codes[code] for code in sorted(codes)]

    def told(self, scenario: str) -> Told:
        """Empty for one that is not known."""
        return self._told.get(scenario, Told())

    def units(self, names: Iterable[str]) -> dict[str, Text]:
        """Names of departments by their ids, of those that are known."""
        return {name: self._units[name] for name in names if name in self._units}

    def name(self, scenario: str) -> Text:
        """In both languages; empty for one that is not known."""
        return self._names.get(scenario, Text())


def _lines(said: str) -> list[str]:
    """Lines without what marks them as items."""
    return [line for line in (raw.strip(" -·") for raw in said.splitlines()) if line]
