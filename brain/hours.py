"""Hours in which scenarios look 时段: local time and days, of an event's own time, as bits by minute."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from brain.incidents.calendar import ZONES, WorkCalendar
from brain.unfit import Unfit

I8 = NDArray[np.int64]

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST: Final = 62
"""Different hours that the scenarios of one lane can have."""
MINUTE_MS: Final = 60_000
DAY_MIN: Final = 1440
OFFSET_MIN: Final = ZONES["Asia/Shanghai"] // MINUTE_MS
_TIME: Final = re.compile(r"([01]\d|2[0-4]):([0-5]\d)")


class Hours(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """From and to as ``HH:MM``, in the city's time; a span over midnight belongs to the day on which it begins.

    ``days``: some of the week, or workday or holiday as the set's calendar has them (调休 included); none: every day.
    """

    begin: str = msgspec.field(default="00:00", name="from")
    end: str = msgspec.field(default="24:00", name="to")
    days: tuple[Day, ...] | Literal["workday", "holiday"] = ()

    def minutes(self) -> tuple[int, int]:
        """From and to in minutes of the day. Raises ValueError."""
        begin, end = _minute("from", self.begin), _minute("to", self.end)
        if begin in (end, DAY_MIN):
            raise Unfit(
                "match.hours", "expected from and to that differ, got {begin} to {end}", begin=self.begin, end=self.end
            )
        return begin, end

    def by_calendar(self) -> bool:
        """Whether a calendar says which days they are."""
        return isinstance(self.days, str)

    def check(self) -> None:
        """Raises ValueError of what is no time, or a day that stands twice."""
        self.minutes()
        if not self.by_calendar() and len(set(self.days)) < len(self.days):
            raise Unfit("match.hours.days", "expected each once, got {got}", got=", ".join(self.days))


class Openings:
    """The hours of scenarios, a bit each. ``bits``: of each scenario; 0 for one that looks at all times."""

    def __init__(self, wanted: Sequence[Hours | None], calendar: WorkCalendar | None) -> None:
        """Raises ValueError of more than 62 different ones, or of days of a calendar where there is none."""
        self.hours = [h for k, h in enumerate(wanted) if h is not None and h not in wanted[:k]]
        if len(self.hours) > MOST:
            raise Unfit(
                "scenarios: match.hours", "{most} different ones can be, there are {n}", most=MOST, n=len(self.hours)
            )
        if calendar is None and any(h.by_calendar() for h in self.hours):
            raise Unfit("match.hours.days", "workday and holiday need the set's calendar.yaml")
        self.bits = [0 if h is None else 1 << self.hours.index(h) for h in wanted]
        self._calendar = calendar

    def shut(self, t: I8) -> I8:
        """Bits of the hours in which each time (ms UTC) does not lie; (n,), empty where no scenario has hours."""
        if not self.hours or not len(t):
            return np.zeros(len(t) if self.hours else 0, np.int64)
        minute = t // MINUTE_MS
        first, last = int(minute.min()), int(minute.max())
        if last - first > len(t) + DAY_MIN:  # a few times far apart
            return self._table(minute)
        found: I8 = self._table(np.arange(first, last + 1))[minute - first]
        return found

    def shut_at(self, t: int) -> int:
        """As :meth:`shut`, of one time."""
        return int(self._table(np.array([t // MINUTE_MS]))[0]) if self.hours else 0

    def _table(self, minutes: I8) -> I8:
        day, minute = np.divmod(minutes + OFFSET_MIN, DAY_MIN)
        out = np.zeros(len(minutes), np.int64)
        for k, hours in enumerate(self.hours):
            begin, end = hours.minutes()
            if begin < end:
                inside, of = (minute >= begin) & (minute < end), day
            else:
                inside, of = (minute >= begin) | (minute < end), day - (minute < end)
            out |= np.where(inside & self._on(hours, of), 0, 1 << k)
        return out

    def _on(self, hours: Hours, day: I8) -> NDArray[np.bool_]:
        if self._calendar is not None and hours.by_calendar():
            works = self._calendar.works(day)
            return works if hours.days == "workday" else ~works
        wanted = [name in hours.days or not hours.days for name in DAYS]
        return np.array(wanted)[(day + 3) % 7]


def same_days(one: WorkCalendar | None, other: WorkCalendar | None) -> bool:
    """Whether two calendars have the same working days."""
    return one is other or (one is not None and other is not None and one.exceptions() == other.exceptions())


def _minute(name: str, text: str) -> int:
    found = _TIME.fullmatch(text)
    minute = -1 if found is None else int(found[1]) * 60 + int(found[2])
    if not 0 <= minute <= DAY_MIN:
        raise Unfit(f"match.hours.{name}", "expected a time of day in quotes such as '22:00', got {got!r}", got=text)
    return minute
