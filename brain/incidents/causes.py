"""Inhibition 抑制: which incidents are effects of which, by cause × place × time, as a table of a set (causes.yaml).

A cause carries its effects: they stay incidents, counted and one step away, but are not shown on their own while the
cause stands. Never-hidden classes are neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec

from brain import yaml_tables
from brain.near import BOTH, NEITHER
from brain.unfit import Unfit

KEPT: Final = 10_000
"""Codes whose rows are remembered."""
Where = Literal["grid", "town", "district", "city"]


class CauseError(Unfit):
    """A table of causes that cannot be used: says the place in it, what was expected and what came."""


class Cause(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """One row. Codes may end in ``*``. ``same`` or ``within_m`` says where, ``within_s`` how long after its last raise.

    ``along: downstream``: the effect lies below the cause on a river of the map, ``within_m`` along the bed.
    ``level_from``: the cause's least level; ``up_to``: the effect's highest level that it may carry.
    """

    cause: str
    effect: str
    same: Where | None = None
    within_m: float | None = None
    along: Literal["downstream"] | None = None
    within_s: float = 3600.0
    level_from: int = 0
    up_to: int = 2

    def name(self) -> str:
        """How the row is named in an incident."""
        return f"{self.cause}>{self.effect}"


class _File(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    causes: list[Cause] = []


@dataclass(frozen=True, slots=True)
class Causes:
    """A checked table."""

    rows: tuple[Cause, ...] = ()
    _effects: dict[str, tuple[tuple[int, Cause], ...]] = field(default_factory=dict, repr=False, compare=False)
    _causes: dict[str, tuple[tuple[int, Cause], ...]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, data: Any, place: str = "causes") -> Causes:
        """From a decoded table, or None for an empty one. Raises CauseError."""
        if data is None or isinstance(data, Causes):
            return data or cls()
        file = yaml_tables.checked(data, _File, place, CauseError)
        for number, row in enumerate(file.causes):
            where = f"{place}: causes[{number}]"
            if (row.same is None) == (row.within_m is None):
                raise CauseError(
                    where, "expected one of same and within_m, got {got}", got=BOTH if row.same else NEITHER
                )
            if row.within_m is not None and not 0 < row.within_m <= 20_000:
                raise CauseError(f"{where}.within_m", "expected metres above 0, to 20000, got {got}", got=row.within_m)
            if row.along is not None and row.within_m is None:
                raise CauseError(f"{where}.along", "expected within_m with it, metres along the river")
            if not 0 < row.within_s <= 86_400 * 7:
                raise CauseError(
                    f"{where}.within_s", "expected seconds above 0, to 7 days, got {got}", got=row.within_s
                )
            if not (0 <= row.level_from <= 4 and 0 <= row.up_to <= 4):
                raise CauseError(where, "expected level_from and up_to of 0 to 4")
            if matches(row.effect, row.cause.rstrip("*")) and matches(row.cause, row.effect.rstrip("*")):
                raise CauseError(where, "{cause!r} cannot be its own effect", cause=row.cause)
        return cls(tuple(file.causes))

    def flow(self) -> bool:
        """Whether a row asks for rivers."""
        return any(row.along is not None for row in self.rows)

    def of_effect(self, code: str) -> Sequence[tuple[int, Cause]]:
        """Rows, with their numbers, that an event of this code may be an effect by, in the table's order."""
        found = self._effects.get(code)
        return self._kept(self._effects, code, "effect") if found is None else found

    def of_cause(self, code: str) -> Sequence[tuple[int, Cause]]:
        """Rows, with their numbers, that have it as a cause."""
        found = self._causes.get(code)
        return self._kept(self._causes, code, "cause") if found is None else found

    def _kept(
        self, kept: dict[str, tuple[tuple[int, Cause], ...]], code: str, side: str
    ) -> tuple[tuple[int, Cause], ...]:
        if len(kept) >= KEPT:  # people may give any code by hand
            kept.clear()
        found = tuple((n, row) for n, row in enumerate(self.rows) if matches(getattr(row, side), code))
        kept[code] = found
        return found


def matches(pattern: str, code: str) -> bool:
    """Whether a code is meant by a pattern that may end in ``*``."""
    return code.startswith(pattern[:-1]) if pattern.endswith("*") else code == pattern
