"""Incidents that are over and may come back: reopened by a person, or taken out of the one they were merged into."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final

from brain.incidents import written
from brain.incidents.fold import Case
from brain.incidents.state import restored
from brain.incidents.value import Incident

KEY: Final = b"e/"
KEPT_MS: Final = 86_400_000
"""So long (fold time) after its end an incident may come back; then only its record remains."""
HOPS: Final = 32
"""Merges one after the other that are followed."""


class Archive:
    """Encoded incidents by id. Nothing in it is reached by signals."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[int, bytes]] = {}
        self._ends: deque[tuple[int, str]] = deque()
        self._successors: dict[str, str] = {}
        self._changed: dict[bytes, bytes | None] = {}

    def __contains__(self, id_: str) -> bool:
        return id_ in self._kept

    def load(self, items: Mapping[bytes, bytes]) -> None:
        """As it was: our items alone."""
        for key in sorted(items, key=lambda k: (int(items[k].partition(b" ")[0]), k)):
            until, _, value = items[key].partition(b" ")
            self._keep(restored(value), int(until), value)

    def keep(self, case: Case, now: int) -> None:
        """It is over now."""
        value, incident = written.encode(case), case.incident
        self._keep(incident, now + KEPT_MS, value)
        self._changed[KEY + incident.id.encode()] = b"%d %b" % (now + KEPT_MS, value)

    def _keep(self, incident: Incident, until: int, value: bytes) -> None:
        self._kept[incident.id] = until, value
        self._ends.append((until, incident.id))
        if incident.merged_into:
            self._successors[incident.id] = incident.merged_into

    def look(self, id_: str) -> Incident | None:
        """A copy of one, or None."""
        found = self._kept.get(id_)
        return None if found is None else restored(found[1])

    def take(self, id_: str) -> None:
        """It has come back."""
        del self._kept[id_]
        self._successors.pop(id_, None)
        self._changed[KEY + id_.encode()] = None

    def successor(self, id_: str) -> str:
        """The incident that it is part of now: itself, where it was not merged."""
        for _ in range(HOPS):
            if id_ not in self._successors:
                break
            id_ = self._successors[id_]
        return id_

    def due(self) -> int | None:
        """Fold time at which the first is forgotten, or None."""
        while self._ends:
            until, id_ = self._ends[0]
            if self._kept.get(id_, (None,))[0] == until:
                return until
            self._ends.popleft()
        return None

    def fire(self, now: int) -> None:
        """Forget those whose time is over."""
        while (until := self.due()) is not None and until <= now:
            _, id_ = self._ends.popleft()
            self.take(id_)

    def changes(self) -> dict[bytes, bytes | None]:
        """State since the last call."""
        out, self._changed = self._changed, {}
        return out
