"""Maintenance windows 检修窗口: announced work at assets or in grids, as a table of a set (maintenance.yaml).

While one lasts, what its scope raises is kept and counted, and not shown on its own; when it ends, what still stands is
judged anew. Never-hidden classes pass all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgspec

from brain import yaml_tables

LONGEST_S: Final = 31 * 86_400
"""Longer work is another registry, not a window."""


class WindowError(ValueError):
    """A table of windows that cannot be used: says the place in it, what was expected and what came."""


class Window(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True, rename={"begins": "from"}):
    """One window: ``asset`` (all its scenarios, or one ``scenario``) or ``grid`` (all families, or one ``family``).

    ``from`` and ``until`` are moments with their offset from UTC; the window has its begin and not its end.
    """

    begins: datetime
    until: datetime
    by: str
    reason: str
    asset: str = ""
    scenario: str = ""
    grid: str = ""
    family: str = ""

    def scope(self) -> str:
        """What it covers, as shelves name it."""
        return f"asset:{self.scenario}|{self.asset}" if self.asset else f"grid:{self.family}|{self.grid}"


class _File(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    windows: list[Window] = []


@dataclass(frozen=True, slots=True)
class Windows:
    """A checked table: windows by scope, earliest first."""

    by_scope: Mapping[str, tuple[tuple[int, int, Window], ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, data: Any, place: str = "maintenance") -> Windows:
        """From a decoded table, or None for an empty one. Raises WindowError."""
        if data is None or isinstance(data, Windows):
            return data or cls()
        file = yaml_tables.checked(data, _File, place, WindowError)
        found: dict[str, list[tuple[int, int, Window]]] = {}
        for number, w in enumerate(file.windows):
            where = f"{place}: windows[{number}]"
            if bool(w.asset) == bool(w.grid):
                raise WindowError(f"{where}: expected one of asset and grid, got {'both' if w.asset else 'neither'}")
            if (w.scenario and not w.asset) or (w.family and not w.grid):
                raise WindowError(f"{where}: scenario goes with asset, family with grid")
            for name in ("by", "reason"):
                if not getattr(w, name).strip():
                    raise WindowError(f"{where}.{name}: expected who announced the work and why; it is empty")
            if w.begins.tzinfo is None or w.until.tzinfo is None:
                raise WindowError(f"{where}: expected moments with their offset, as 2026-07-01T22:00:00+08:00")
            since, until = (round(t.timestamp() * 1000) for t in (w.begins, w.until))
            if not 0 < until - since <= LONGEST_S * 1000:
                raise WindowError(f"{where}.until: expected after from, by {LONGEST_S // 86_400} days at most")
            found.setdefault(w.scope(), []).append((since, until, w))
        return cls({scope: tuple(sorted(mine, key=lambda m: m[:2])) for scope, mine in sorted(found.items())})

    def at(self, scope: str, now: int) -> tuple[int, Window] | None:
        """The window over a scope at a fold time, and its end, ms; of several the one that ends last."""
        mine = [(until, w) for since, until, w in self.by_scope.get(scope, ()) if since <= now < until]
        return max(mine, key=lambda m: m[0], default=None)
