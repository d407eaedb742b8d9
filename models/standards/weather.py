"""Rain and typhoon warning signals 暴雨、台风预警信号: Guangdong's set and the national one are different tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from models.standards.model import Answer, Grades, Input, Reads, Reason, RiskModel, TextInput, ladder, reasons
from models.standards.table import Bools, StandardError, Table

SIGNALS = ("none", "white", "blue", "yellow", "orange", "red")
HOURS = (1, 3, 6, 12, 24)
WINDS = Reads(("hours", "wind", "gust"))


@dataclass(frozen=True, slots=True)
class _Signals(RiskModel):
    """Rows of the table are signals by colour; the highest that is met is given."""

    grades: ClassVar[tuple[str, ...]] = SIGNALS

    def _signal(self, table: Table, met: Mapping[str, Bools]) -> tuple[Grades, Grades]:
        n = len(next(iter(met.values())))
        grade, sure = np.zeros(n, np.int8), np.zeros(n, np.int8)
        for row, holds in met.items():
            colour = SIGNALS.index(row)
            grade = np.where(holds, np.maximum(grade, colour), grade)
            if table.verified[table.rows.index(row)]:
                sure = np.where(holds, np.maximum(sure, colour), sure)
        return grade.astype(np.int8), sure.astype(np.int8)


@dataclass(frozen=True, slots=True)
class RainSignal(_Signals):
    """The rain signal whose amount within its hours is reached, measured or expected.

    ``mm_3h`` and the others are sums over the last (or the coming) hours. A sum over fewer hours is a lower bound of
    that over more, so one missing sum need not matter; where it does, the answer is ``incomplete``. ``value`` is the
    largest sum given.

    Does not work as a forecast, and does not know whether the rain goes on, which the standard asks beside the
    amount: that is the forecaster's. Source: 气象灾害预警信号发布与传播办法 (2007).
    """

    name: ClassVar[str] = "rain"
    families: ClassVar[tuple[str, ...]] = ("rain.national",)
    reads: ClassVar[Mapping[str, Reads]] = {
        "rain.national": Reads(("hours", "mm")),
        "rain.guangdong": Reads(("hours", "mm")),
    }
    inputs: ClassVar[Mapping[str, Input | TextInput]] = {
        f"mm_{h}h": Input("mm", f"sum of rain over {h} h", high=5000, optional=True) for h in HOURS
    }

    def check(self, table: Table) -> None:
        RiskModel.check(self, table)
        _known(table)
        if not np.isin(table.column("hours"), HOURS).all():
            raise StandardError(f"{table.id}: rows: expected hours among {', '.join(map(str, HOURS))}")

    def _run(self, tables: Mapping[str, Table], columns: Mapping[str, Any]) -> Answer:
        (table,) = tables.values()
        sums = np.stack([columns[f"mm_{h}h"] for h in HOURS])
        least = np.maximum.accumulate(np.where(np.isnan(sums), 0.0, sums), axis=0)
        met, open_ = {}, np.zeros(sums.shape[1], np.int8)
        for row in table.rows:
            h, amount = HOURS.index(int(table.number(row, "hours"))), table.number(row, "mm")
            met[row] = least[h] >= amount
            unsure = np.isnan(sums[h]) & ~met[row]
            # A longer sum below the amount rules it out as well: less fell within these hours than within more.
            for longer in range(h + 1, len(HOURS)):
                unsure &= ~(sums[longer] < amount)
            open_ = np.where(unsure, np.maximum(open_, SIGNALS.index(row)), open_)
        grade, sure = self._signal(table, met)
        none = np.isnan(sums).all(axis=0)
        reason = reasons(len(grade))
        reason[open_ > grade] = Reason.incomplete
        reason[none] = Reason.missing_input
        return Answer(np.where(none, np.nan, least[-1]), grade, sure, reason)


@dataclass(frozen=True, slots=True)
class GuangdongRain(RainSignal):
    """:class:`RainSignal` by Guangdong's table: yellow, orange and red, no blue."""

    name: ClassVar[str] = "rain_guangdong"
    families: ClassVar[tuple[str, ...]] = ("rain.guangdong",)


@dataclass(frozen=True, slots=True)
class TyphoonSignal(_Signals):
    """The typhoon signal whose wind, mean or gust, is expected within its hours; 0 hours: it blows already.

    ``hours`` until the tropical cyclone affects the place, ``wind_ms`` mean and ``gust_ms``
    gust at 10 m, both in m/s and turned into Beaufort force by the table ``wind.force``.
    ``value`` is the force of the mean wind. With neither wind the answer is that of the rows that ask for none.

    Does not work where the wind is not a tropical cyclone's: gales and thunderstorms have signals of their own. It
    says what the numbers mean, not what the bureau has issued: signals in force come as official warnings.
    """

    name: ClassVar[str] = "typhoon"
    families: ClassVar[tuple[str, ...]] = ("typhoon.national", "wind.force")
    reads: ClassVar[Mapping[str, Reads]] = {
        "typhoon.national": WINDS,
        "typhoon.guangdong": WINDS,
        "wind.force": Reads(("from_ms",), rising=("from_ms",)),
    }
    inputs: ClassVar[Mapping[str, Input | TextInput]] = {
        "hours": Input("h", "until affected; 0: already", high=240),
        "wind_ms": Input("m/s", "mean wind at 10 m", high=150, optional=True),
        "gust_ms": Input("m/s", "gust at 10 m", high=200, optional=True),
    }
    more: ClassVar[Mapping[str, str]] = {"gust_force": "Beaufort"}

    def check(self, table: Table) -> None:
        RiskModel.check(self, table)
        if table.family != "wind.force":
            _known(table)

    def _run(self, tables: Mapping[str, Table], columns: Mapping[str, Any]) -> Answer:
        table, force = tables[self.families[0]], tables["wind.force"].column("from_ms")
        hours = columns["hours"]
        none = {name: np.isnan(columns[name]) for name in ("wind_ms", "gust_ms")}
        wind, gust = (np.where(none[name], -1.0, ladder(columns[name], force) - 1.0) for name in ("wind_ms", "gust_ms"))
        met, open_ = {}, np.zeros(len(hours), np.int8)
        for row in table.rows:
            within, mean, most = (table.number(row, c) for c in ("hours", "wind", "gust"))
            soon = hours <= within
            if np.isnan(mean):
                met[row] = soon
                continue
            blows = wind >= mean
            unsure = none["wind_ms"]
            if not np.isnan(most):
                blows |= gust >= most
                unsure |= none["gust_ms"]
            met[row] = soon & blows
            open_ = np.where(soon & ~blows & unsure, np.maximum(open_, SIGNALS.index(row)), open_)
        grade, sure = self._signal(table, met)
        reason = reasons(len(grade))
        reason[open_ > grade] = Reason.incomplete
        return Answer(np.where(none["wind_ms"], np.nan, wind), grade, sure, reason,
                      {"gust_force": np.where(none["gust_ms"], np.nan, gust)})  # fmt: skip


@dataclass(frozen=True, slots=True)
class GuangdongTyphoon(TyphoonSignal):
    """:class:`TyphoonSignal` by Guangdong's table: a white signal, and gusts one force above the mean."""

    name: ClassVar[str] = "typhoon_guangdong"
    families: ClassVar[tuple[str, ...]] = ("typhoon.guangdong", "wind.force")


def _known(table: Table) -> None:
    strange = [row for row in table.rows if row not in SIGNALS]
    if strange:
        raise StandardError(f"{table.id}: rows: {strange[0]}: expected a signal: {', '.join(SIGNALS)}")
