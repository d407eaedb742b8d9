"""Maintenance windows 检修窗口: announced work at assets or in grids, as a table of a set (maintenance.yaml).

While one lasts, what its scope raises is kept and counted, and not shown on its own; when it ends, what still stands is
judged anew. Never-hidden classes pass all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgspec

from brain import yaml_tables
from brain.incidents.value import Text
from brain.near import Both
from brain.unfit import Unfit

LONGEST_S: Final = 31 * 86_400
"""Longer work is another registry, not a window."""
EXAMPLE: Final = "2026-07-01T22:00:00+08:00"


class WindowError(Unfit):
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

    def span(self) -> tuple[int, int]:
        """Begin and end, ms UTC."""
        return round(self.begins.timestamp() * 1000), round(self.until.timestamp() * 1000)

    def wrong(self) -> Iterator[tuple[str, Text]]:
        """All that it is refused for: the field, empty where it is of several, and what was expected and came."""
        if bool(self.asset) == bool(self.grid):
            zh, en = ("两者都有", "both") if self.asset else ("都没有", "neither")
            yield "", Text(f"asset 与 grid 应恰有其一, 实为{zh}", f"expected one of asset and grid, got {en}")
        if (self.scenario and not self.asset) or (self.family and not self.grid):
            en = "scenario goes with asset, family with grid"
            yield "", Text("scenario 只能与 asset 同用, family 只能与 grid 同用", en)
        for name in ("by", "reason"):
            if not getattr(self, name).strip():
                what = "expected who announced the work and why; it is empty"
                yield name, Text("应写明检修单位与原因, 实为空", what)
        naive = [(n, t) for n, t in (("from", self.begins), ("until", self.until)) if t.tzinfo is None]
        for name, t in naive:
            zh, en = f"应为带时区偏移的时刻, 如 {EXAMPLE}", f"expected a moment with its offset from UTC, as {EXAMPLE}"
            yield name, Text(f"{zh}, 实为 {t.isoformat()}", f"{en}, got {t.isoformat()}")
        if not naive and not 0 < (days := (self.until - self.begins).total_seconds() / 86_400) <= LONGEST_S / 86_400:
            most = LONGEST_S // 86_400
            zh = f"应晚于 from 且不超过 {most} 天, 实为 {days:g} 天; 更久的检修请改资产登记"
            en = f"expected after from, by {most} days at most, got {days:g} days; longer work is another registry"
            yield "until", Text(zh, en)


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
            for at, what in w.wrong():
                raise WindowError(f"{place}: windows[{number}]{at and '.' + at}", "{said}", said=Both(what.zh, what.en))
            since, until = w.span()
            found.setdefault(w.scope(), []).append((since, until, w))
        return cls({scope: tuple(sorted(mine, key=lambda m: m[:2])) for scope, mine in sorted(found.items())})

    def at(self, scope: str, now: int) -> tuple[int, Window] | None:
        """The window over a scope at a fold time, and its end, ms; of several the one that ends last."""
        mine = [(until, w) for since, until, w in self.by_scope.get(scope, ()) if since <= now < until]
        return max(mine, key=lambda m: m[0], default=None)
