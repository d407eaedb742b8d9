"""Calendars 工作日历 that limits are counted on: working time with China's holidays and 调休, and round the clock.

A working calendar is a file of the set (``calendar.yaml``, written by ``brain calendar write``), so the days that count
are under the set's hash; nothing here asks a library, the system's time zones or the clock what day it is.
Times are int milliseconds UTC.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final, Literal, NamedTuple, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from brain import yaml_tables
from brain.near import Both
from brain.unfit import Unfit

DAY_MS: Final = 86_400_000
_EPOCH: Final = date(1970, 1, 1)
ZONES: Final = {"Asia/Shanghai": 8 * 3_600_000}
"""Zones that a calendar may name, with their offset in ms: those that move no clocks in any year a calendar covers."""

_AMOUNT: Final = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_UNIT_MS: Final = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": DAY_MS}
_HOURS: Final = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")


class CalendarError(Unfit):
    """A calendar that cannot be used: says the file, the place in it, what was expected and what came."""


class Limit(NamedTuple):
    """How long something may take: ``amount`` in ms, or in days where ``days`` is set."""

    amount: int
    days: bool = False


class Due(NamedTuple):
    """When a limit ends, how many ms of the calendar that is, and whether it knows every day until then."""

    at: int
    total: int
    covered: bool


class Calendar(Protocol):
    """What limits are counted on."""

    def add_working_ms(self, start: int, amount: int) -> int:
        """Earliest time at which ``amount`` ms of working time have passed since ``start``."""
        ...

    def working_ms(self, start: int, end: int) -> int:
        """Working time between two times; 0 where the second is not the later one."""
        ...

    def due(self, start: int, limit: Limit) -> Due:
        """When a limit that began at ``start`` ends."""
        ...

    def covers(self, start: int, end: int) -> bool:
        """Whether the days from ``start`` to ``end`` are all known."""
        ...


class RoundTheClock:
    """Every millisecond counts; a day is 24 hours."""

    __slots__ = ()

    def add_working_ms(self, start: int, amount: int) -> int:
        """``start + amount``. Raises ValueError for an amount below 0."""
        return start + _positive(amount)

    def working_ms(self, start: int, end: int) -> int:
        """``end - start``, at least 0."""
        return max(0, end - start)

    def due(self, start: int, limit: Limit) -> Due:
        """A limit of days is so many times 24 hours."""
        total = _positive(limit.amount) * (DAY_MS if limit.days else 1)
        return Due(start + total, total, True)

    def covers(self, start: int, end: int) -> bool:
        """Always."""
        return True


ROUND_THE_CLOCK: Final = RoundTheClock()
CalendarKind = Literal["clock", "working"]
"""Round the clock 自然时, or working time 工作时."""


class Source(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Where the days come from."""

    name: str
    version: str
    licence: str


class CalendarFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``calendar.yaml``: ``holidays`` 放假 and ``workdays`` 调休上班 by day, with the festival's name.

    ``years``: contiguous, those whose arrangement is published and in here. ``hours``: like ``09:00-12:00``, in order.
    """

    version: int
    zone: str
    hours: list[str]
    years: list[int]
    holidays: dict[date, str]
    workdays: dict[date, str]
    source: Source
    note: str = ""


class WorkCalendar:
    """Working hours of working days. Outside the years it covers it counts Monday to Friday; :meth:`covers` says so.

    The end of a limit is the earliest time at which it is used up: the end of an afternoon, not the next morning. Hours
    beyond midnight are not supported: they would belong to two days. Each call costs about a microsecond, however long
    the span: between exceptions working days are arithmetic.
    """

    __slots__ = (
        "_asked",
        "_counts",
        "_days",
        "_delta",
        "_first",
        "_last",
        "_length",
        "_names",
        "_offset",
        "_spans",
        "_works",
        "years",
    )

    def __init__(
        self, spans: Iterable[tuple[int, int]], holidays: dict[date, str], workdays: dict[date, str],
        years: Iterable[int], offset: int,
    ) -> None:  # fmt: skip
        """``spans``: (from, to) in ms of the day, in order. Prefer :meth:`of`, which checks what it is given."""
        self._spans = tuple(spans)
        self._length = sum(end - start for start, end in self._spans)
        self._offset = offset
        self.years = known = tuple(sorted(years))
        self._first = _day(date(known[0], 1, 1)) * DAY_MS - offset if known else 0
        self._last = _day(date(known[-1] + 1, 1, 1)) * DAY_MS - offset if known else 0
        self._names = {_day(d): name for days in (holidays, workdays) for d, name in days.items()}
        # Only days that differ from the week's pattern matter for counting.
        off = {_day(d): False for d in holidays if d.weekday() < 5}
        differ = off | {_day(d): True for d in workdays if d.weekday() >= 5}
        self._days = sorted(differ)
        self._works = [differ[day] for day in self._days]
        self._delta = [0]
        for works in self._works:
            self._delta.append(self._delta[-1] + (1 if works else -1))
        self._counts = [self._before(day + 1) for day in self._days]
        self._asked: tuple[int | None, int] = (None, 0)

    @classmethod
    def of(cls, data: object, place: str = "calendar") -> WorkCalendar:
        """Check a decoded calendar.yaml; ``place`` begins every error message. Raises CalendarError."""
        file = yaml_tables.checked(data, CalendarFile, place, CalendarError)
        if file.zone not in ZONES:
            raise CalendarError(
                f"{place}: zone", "expected one of {names}, got {got!r}", names=", ".join(ZONES), got=file.zone
            )
        if not file.years or sorted(file.years) != list(range(min(file.years), max(file.years) + 1)):
            raise CalendarError(
                f"{place}: years", "expected at least one and none left out between, got {got}", got=file.years
            )
        for part, days, end in (("holidays", file.holidays, False), ("workdays", file.workdays, True)):
            for day in days:
                if day.year not in file.years:
                    raise CalendarError(
                        f"{place}: {part}: {day}", "expected a day of {years}", years=_range(file.years)
                    )
                if end and day.weekday() < 5:
                    raise CalendarError(f"{place}: workdays: {day}", "expected a Saturday or Sunday")
        both = sorted(set(file.holidays) & set(file.workdays))
        if both:
            raise CalendarError(f"{place}: {both[0]}", "both a holiday and a workday")
        spans = _spans(file.hours, f"{place}: hours")
        return cls(spans, file.holidays, file.workdays, file.years, ZONES[file.zone])

    def add_working_ms(self, start: int, amount: int) -> int:
        """As :class:`Calendar`; ``start`` itself for an amount of 0. Raises ValueError for one below 0."""
        if _positive(amount) == 0:
            return start
        number, rest = divmod(self._position(start) + amount - 1, self._length)
        rest += 1
        for begin, end in self._spans:
            if rest <= end - begin:
                return self._nth(number) * DAY_MS + begin + rest - self._offset
            rest -= end - begin
        raise AssertionError("a rest is never longer than the day's hours")

    def working_ms(self, start: int, end: int) -> int:
        """As :class:`Calendar`."""
        return max(0, self._position(end) - self._position(start))

    def due(self, start: int, limit: Limit) -> Due:
        """Of days 工作日: the day of ``start`` does not count; it ends with the hours of the n-th working day after it.

        So Civil Code 民法典 articles 201 and 203 count periods of days.
        """
        if limit.days and limit.amount:
            last = self._before((start + self._offset) // DAY_MS + 1) + _positive(limit.amount) - 1
            at = self._nth(last) * DAY_MS + self._spans[-1][1] - self._offset
            total = (last + 1) * self._length - self._position(start)
        else:
            at, total = self.add_working_ms(start, limit.amount), limit.amount
        return Due(at, total, self.covers(start, at))

    def covers(self, start: int, end: int) -> bool:
        """Whether the published arrangement of every year from ``start`` to ``end`` is in this calendar."""
        return self._first <= start and end < self._last

    def is_workday(self, at: int) -> bool:
        """Whether the day of a time is one people work on."""
        return self._is_workday((at + self._offset) // DAY_MS)

    def why(self, at: int) -> str:
        """Why the day is what it is: a festival's name, ``weekday``, ``weekend``, or that its year is not covered."""
        day = (at + self._offset) // DAY_MS
        if not self.covers(at, at):
            return "not covered"
        return self._names.get(day) or ("weekday" if (day + 3) % 7 < 5 else "weekend")

    def works(self, days: NDArray[np.int64]) -> NDArray[np.bool_]:
        """As :meth:`is_workday`, of days counted since 1970-01-01, (n,)."""
        works: NDArray[np.bool_] = (days + 3) % 7 < 5
        if self._days:
            at = np.minimum(np.searchsorted(self._days, days), len(self._days) - 1)
            works = np.where(np.array(self._days)[at] == days, np.array(self._works)[at], works)
        return works

    def exceptions(self) -> list[tuple[int, bool]]:
        """Days that differ from the week's pattern, counted since 1970-01-01, and whether people work on them."""
        return list(zip(self._days, self._works, strict=True))

    def _is_workday(self, day: int) -> bool:
        i = bisect_left(self._days, day)
        if i < len(self._days) and self._days[i] == day:
            return self._works[i]
        return (day + 3) % 7 < 5

    def _before(self, day: int) -> int:
        """Working days before a day, counted from a Monday long ago; a day is a number since 1970-01-01."""
        weeks, rest = divmod(day + 3, 7)
        return 5 * weeks + min(rest, 5) + self._delta[bisect_left(self._days, day)]

    def _nth(self, number: int) -> int:
        """The working day before which there are ``number``."""
        i = bisect_right(self._counts, number)
        weeks, rest = divmod(number - self._delta[i], 5)
        day = 7 * weeks + rest - 3
        # The next exception is a weekend's day that people work on, and it comes first.
        return self._days[i] if i < len(self._days) and self._works[i] and self._days[i] < day else day

    def _position(self, at: int) -> int:
        """Working time from that Monday on until ``at``."""
        asked = self._asked
        if at == asked[0]:  # the clocks of an incident begin at one time
            return asked[1]
        day, time = divmod(at + self._offset, DAY_MS)
        position = self._before(day) * self._length
        if self._is_workday(day):
            for begin, end in self._spans:
                if time <= begin:
                    break
                position += min(time, end) - begin
        self._asked = (at, position)
        return position


def limit_of(text: str) -> Limit:
    """Read ``30s``, ``2m``, ``4h`` or ``3d``. Raises ValueError: says what was expected."""
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise Unfit("", "expected a whole number and one of s, m, h, d, such as 30m or 3d, got {got!r}", got=text)
    amount, unit = int(found[1]), found[2]
    return Limit(amount, True) if unit == "d" else Limit(amount * _UNIT_MS[unit])


def _spans(hours: list[str], where: str) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for number, text in enumerate(hours):
        found = _HOURS.fullmatch(text)
        if found is None:
            raise CalendarError(f"{where}[{number}]", "expected from and to such as 09:00-12:00, got {got!r}", got=text)
        h1, m1, h2, m2 = map(int, found.groups())
        begin, end = (h1 * 60 + m1) * 60_000, (h2 * 60 + m2) * 60_000
        if not (spans[-1][1] if spans else 0) <= begin < end <= DAY_MS:
            raise CalendarError(f"{where}[{number}]: {text}", "expected hours of one day, each after those before it")
        spans.append((begin, end))
    if not spans:
        raise CalendarError(where, "expected at least one span such as 09:00-12:00")
    return spans


def _day(day: date) -> int:
    return (day - _EPOCH) // timedelta(days=1)


def _range(years: list[int]) -> Both:
    first, last = min(years), max(years)
    return Both(f"{first}", f"{first}") if first == last else Both(f"{first} 至 {last}", f"{first} to {last}")


def _positive(amount: int) -> int:
    if amount < 0:
        raise ValueError(f"amount: expected 0 or more, got {amount}")
    return amount
