"""Rules of the incidents, each taken away singly: the simulator must notice. A patch lasts for one ``with`` block."""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Callable, Mapping
from typing import Any

from brain.incidents import city as city_module
from brain.incidents import parts as parts_module
from brain.incidents.archive import Archive
from brain.incidents.book import Book
from brain.incidents.city import CityLogic
from brain.incidents.desk import Desk
from brain.incidents.fold import Case
from brain.incidents.inbox import Waiting
from brain.incidents.state import restored
from brain.incidents.timers import KINDS, Graves, Timers
from brain.incidents.value import Incident
from brain.incidents.warned import Warned
from brain.incidents.withheld import Withheld
from streams.simulate.mutants import Change, patched


def _no_timer(kind: str) -> list[Change]:
    original = Timers.all

    def all_but_one(self: Timers) -> None:
        original(self)
        self._heap = [entry for entry in self._heap if KINDS[entry[1]] != kind]
        heapq.heapify(self._heap)

    return [(Timers, "all", all_but_one)]


def _unsaved(owner: type, method: str = "changes") -> list[Change]:
    original = getattr(owner, method)

    def forget(self: Any) -> dict[bytes, bytes | None]:
        original(self)
        return {}

    return [(owner, method, forget)]


def _grave_unsaved() -> list[Change]:
    original = Graves.dig

    def dig(self: Graves, incident: Incident, now: int) -> None:
        original(self, incident, now)
        self._changed.clear()

    return [(Graves, "dig", dig)]


def _placed_twice() -> list[Change]:
    original = Book.place

    def place(self: Book, case: Case, member: Any, signal: Any) -> None:
        original(self, case, member, signal)
        original(self, case, member, signal)

    return [(Book, "place", place)]


def _nobody_waits() -> list[Change]:
    return [(CityLogic, "_back", lambda self, case: self.book.add(case))]


def _restored_without(field: str) -> list[Change]:
    def lesser(value: bytes) -> Incident:
        incident = restored(value)
        for owner in (incident, *incident.members):
            if hasattr(owner, field):
                setattr(owner, field, type(getattr(owner, field))())
        return incident

    return [(city_module, "restored", lesser)]


def _effects_forgotten() -> list[Change]:
    original = Withheld.enter

    def enter(self: Withheld, cases: Any, rules: Any) -> None:
        original(self, cases, rules)
        self._effects = {}

    return [(Withheld, "enter", enter)]


def _successors_forgotten() -> list[Change]:
    original = Archive.load

    def load(self: Archive, items: Mapping[bytes, bytes]) -> None:
        original(self, items)
        self._successors.clear()

    return [(Archive, "load", load)]


def _never_out() -> list[Change]:
    original = CityLogic.changes

    def changes(self: CityLogic) -> Any:
        return (change for change in original(self) if change[0] is not None or change[2] is not None)

    return [(CityLogic, "changes", changes)]


def _named_twice() -> list[Change]:
    return [(parts_module, "_without", lambda names, gone: names)]


def _chance_of_flush() -> list[Change]:
    original = CityLogic.changes

    def changes(self: CityLogic) -> Any:
        for case in self.book.cases.values():
            case.incident.chattering = False
        return original(self)

    return [(CityLogic, "changes", changes)]


MUTANTS: dict[str, Callable[[], list[Change]]] = {
    "after a restart nothing is looked at again": lambda: _no_timer("look"),
    "after a restart quiet does not end": lambda: _no_timer("quiet"),
    "after a restart no clock fires": lambda: _no_timer("clock"),
    "after a restart no console is looked at": lambda: _no_timer("console"),
    "after a restart nothing closes": lambda: _no_timer("close"),
    "consoles are not kept": lambda: _unsaved(Desk),
    "shelves are not kept": lambda: _unsaved(Withheld),
    "official warnings are not kept": lambda: _unsaved(Warned),
    "feedback that waits is not kept": lambda: _unsaved(Waiting),
    "what is over is not kept": lambda: _unsaved(Archive),
    "when a record is deleted is not kept": _grave_unsaved,
    "a place counts twice": _placed_twice,
    "who waits at a console is forgotten": _nobody_waits,
    "clocks are forgotten": lambda: _restored_without("clocks"),
    "raises of late are forgotten": lambda: _restored_without("recent"),
    "effects of a cause are forgotten": _effects_forgotten,
    "into what it was merged is forgotten": _successors_forgotten,
    "what is over stays in the state": _never_out,
    "a provisional record stays where it was": _named_twice,
    "a flush changes an incident": _chance_of_flush,
}
"""Name → the changes that take one rule away."""


def reverted(name: str) -> contextlib.AbstractContextManager[None]:
    """The incidents without one of their rules."""
    return patched(MUTANTS[name]())
