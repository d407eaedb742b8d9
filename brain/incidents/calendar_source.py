"""Make a calendar.yaml from the package chinesecalendar: the State Council's arrangement of holidays and 调休 by year.

Only ``brain calendar write`` asks it; what runs reads the file.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from datetime import date
from typing import Any

from brain.incidents.calendar import CalendarError, CalendarFile, Source, WorkCalendar

PACKAGE = "chinesecalendar"


def covered() -> tuple[int, int]:
    """First and last year that the installed package knows. Raises CalendarError where it is not installed."""
    days = _package().holidays
    return min(days).year, max(days).year


def read(years: Iterable[int], hours: list[str]) -> CalendarFile:
    """The calendar of some years. Raises CalendarError for a year that the installed package does not know."""
    package = _package()
    first, last = covered()
    wanted = sorted(set(years))
    unknown = [year for year in wanted if not first <= year <= last]
    if unknown:
        raise CalendarError(
            f"year: {PACKAGE} {package.__version__} covers {first} to {last}, got {unknown[0]}; a newer one may know it"
        )
    zh = {holiday.value: holiday.chinese for holiday in package.Holiday}
    holidays, workdays = (
        {day: zh[name] for day, name in sorted(days.items()) if day.year in wanted}
        for days in (package.holidays, package.workdays)
    )
    # It lists some days of the week's own pattern too; a calendar holds holidays, and weekends that people work on.
    workdays = {day: name for day, name in workdays.items() if day.weekday() >= 5}
    return CalendarFile(
        1, "Asia/Shanghai", hours, wanted, holidays, workdays, Source(PACKAGE, package.__version__, "MIT")
    )


def write(file: CalendarFile) -> str:
    """The text of a calendar.yaml, the same for the same calendar; it is checked before. Raises CalendarError."""
    import msgspec

    WorkCalendar.of(msgspec.to_builtins(file, builtin_types=(date,)))
    lines = [
        "# Working days 工作日 of China: holidays 放假, and weekends that people work on 调休上班.",
        "# Written by `brain calendar write`; see docs/clocks.md.",
        f"version: {file.version}",
        f"zone: {file.zone}",
        f"hours: [{', '.join(repr(h) for h in file.hours)}]",
        f"years: [{', '.join(map(str, file.years))}]",
        f"source: {{name: {file.source.name}, version: '{file.source.version}', licence: {file.source.licence}}}",
    ]
    for part, days in (("holidays", file.holidays), ("workdays", file.workdays)):
        lines += [f"{part}:" if days else f"{part}: {{}}", *(f"  {day}: {name}" for day, name in sorted(days.items()))]
    return "\n".join(lines) + "\n"


def _package() -> Any:
    try:
        return importlib.import_module("chinese_calendar")
    except ImportError as error:
        raise CalendarError(f"{PACKAGE} is not installed: pip install {PACKAGE}") from error
