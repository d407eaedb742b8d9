"""The rules of the sets that signals name: of an incident's name, domain and route its own set decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from brain.incidents.rules import Rules
from brain.newest import Newest


class KnownRules:
    """Made when a set comes into force or is first named. ``sets`` finds the content of one by its id."""

    def __init__(self, sets: Callable[[str], Any] | None, counts: Counter[str]) -> None:
        self._sets, self._counts = sets, counts
        self._known: Newest[Rules] = Newest()

    def enter(self, set_id: str, content: Any) -> Rules:
        """Those of a set that comes into force."""
        rules = self._known[set_id] = Rules.of(content)
        return rules

    def of(self, set_id: str, force: Rules) -> Rules:
        """Those of a set, or those in ``force``: where none is named, or this one is not here, which is counted."""
        if self._sets is None or not set_id:
            return force
        rules = self._known.get(set_id)
        if rules is None:
            try:
                rules = Rules.of(self._sets(set_id))
            except KeyError:
                # Its incident must come out all the same.
                self._counts["unknown_set"] += 1
                return force
            self._known[set_id] = rules
        return rules
