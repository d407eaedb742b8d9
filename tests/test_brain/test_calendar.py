"""Working time in China in 2026, worked out by hand: hours are 09:00-12:00 and 14:00-18:00, seven a day."""

from __future__ import annotations

import random
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from brain.cli import app
from brain.incidents import calendar_source
from brain.incidents.calendar import DAY_MS, ROUND_THE_CLOCK, CalendarError, Limit, WorkCalendar, limit_of

CONFIG = Path(__file__).parents[2] / "config"
FILE = CONFIG / "jurisdiction" / "calendar.yaml"
DATA: Any = msgspec.yaml.decode(FILE.read_bytes())
CALENDAR = WorkCalendar.of(DATA)
CHINA = timezone(timedelta(hours=8))


def ms(text: str) -> int:
    """Of a time in China: ``10-01 09:00``, of 2026, or with its year."""
    full = text if text.count("-") == 2 else f"2026-{text}"
    return round(datetime.strptime(full, "%Y-%m-%d %H:%M").replace(tzinfo=CHINA).timestamp() * 1000)


def shown(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, CHINA).strftime("%m-%d %H:%M")


@pytest.mark.parametrize(
    ("start", "limit", "due", "why"),
    [
        # an ordinary week: Monday 12 January to Sunday 18
        ("01-12 09:00", "1h", "01-12 10:00", "Monday morning"),
        ("01-12 09:00", "3h", "01-12 12:00", "the whole morning ends at noon, not at two"),
        ("01-12 11:30", "1h", "01-12 14:30", "half before lunch, half after"),
        ("01-12 12:00", "1h", "01-12 15:00", "noon is lunch already"),
        ("01-12 13:10", "20m", "01-12 14:20", "begun at lunch: counts from two"),
        ("01-12 07:00", "2h", "01-12 11:00", "before hours: counts from nine"),
        ("01-12 00:00", "30m", "01-12 09:30", "midnight belongs to the new day"),
        ("01-12 09:00", "7h", "01-12 18:00", "a whole day ends in its evening"),
        ("01-12 09:01", "7h", "01-13 09:01", "a minute late: a minute of Tuesday"),
        ("01-12 17:30", "1h", "01-13 09:30", "over night"),
        ("01-12 18:00", "1h", "01-13 10:00", "six is the end of the day"),
        ("01-12 23:59", "4h", "01-13 15:00", "in the night: three hours before lunch and one after"),
        ("01-16 17:00", "2h", "01-19 10:00", "Friday to Monday"),
        ("01-17 11:00", "1h", "01-19 10:00", "Saturday does not count"),
        ("01-18 20:00", "1h", "01-19 10:00", "Sunday does not count"),
        ("01-12 09:00", "35h", "01-16 18:00", "five days of seven hours are the week"),
        ("01-12 14:00", "35h", "01-19 12:00", "a week from noon to noon"),
        ("01-12 10:00", "1d", "01-13 18:00", "the first day does not count: the end of the next"),
        ("01-12 23:00", "1d", "01-13 18:00", "however late on the first day"),
        ("01-15 10:00", "2d", "01-19 18:00", "Friday, Monday"),
        ("01-16 10:00", "1d", "01-19 18:00", "Friday: the next working day is Monday"),
        ("01-17 10:00", "1d", "01-19 18:00", "begun on Saturday: Monday is the first day after"),
        ("01-12 10:00", "5d", "01-19 18:00", "Tuesday to Friday, Monday"),
        # New Year: 1 to 3 off, Sunday 4 worked
        ("01-01 10:00", "1h", "01-04 10:00", "元旦: the first working day is Sunday the 4th (调休)"),
        ("01-03 10:00", "1d", "01-04 18:00", "Saturday off, Sunday worked"),
        ("2025-12-31 17:00", "2h", "01-04 10:00", "over the holiday to the made-up Sunday"),
        ("01-04 17:30", "1h", "01-05 09:30", "the made-up Sunday is followed by Monday"),
        ("2025-12-31 10:00", "2d", "01-05 18:00", "Sunday 4 and Monday 5"),
        # Spring Festival: 15 to 23 February off, Saturdays 14 and 28 worked
        ("02-13 17:00", "2h", "02-14 10:00", "Friday to the made-up Saturday"),
        ("02-14 10:00", "1h", "02-14 11:00", "调休: this Saturday is worked"),
        ("02-14 17:00", "2h", "02-24 10:00", "nine days off, Tuesday the 24th is the first day back"),
        ("02-13 10:00", "2d", "02-24 18:00", "Saturday 14, then Tuesday 24"),
        ("02-14 10:00", "1d", "02-24 18:00", "the next working day is ten days later"),
        ("02-17 08:00", "1h", "02-24 10:00", "初一: in the middle of the holiday"),
        ("02-23 23:59", "30m", "02-24 09:30", "the last minute of the holiday"),
        ("02-20 10:00", "1d", "02-24 18:00", "a Friday that is off"),
        ("02-24 10:00", "4d", "02-28 18:00", "Wednesday, Thursday, Friday and the made-up Saturday"),
        ("02-24 10:00", "5d", "03-02 18:00", "and Monday: Sunday 1 March is off"),
        ("02-27 17:30", "1h", "02-28 09:30", "Friday to the made-up Saturday 28th"),
        ("02-28 17:30", "1h", "03-02 09:30", "the made-up Saturday to Monday"),
        ("02-14 09:00", "14h", "02-24 18:00", "two working days, ten days apart"),
        ("02-09 09:00", "42h", "02-14 18:00", "a week of six days"),
        # Qingming: 4 to 6 April off, nothing made up
        ("04-03 17:00", "2h", "04-07 10:00", "Friday to Tuesday: Monday the 6th is off"),
        ("04-03 10:00", "1d", "04-07 18:00", "清明: Tuesday is the next working day"),
        ("04-06 10:00", "3h", "04-07 12:00", "a Monday that is off"),
        ("04-02 10:00", "3d", "04-08 18:00", "Friday, Tuesday, Wednesday"),
        # Labour Day: 1 to 5 May off, Saturday 9 worked
        ("04-30 17:30", "1h", "05-06 09:30", "Thursday to Wednesday"),
        ("05-01 12:00", "7h", "05-06 18:00", "a holiday: the whole first day back"),
        ("04-30 09:00", "2d", "05-07 18:00", "Wednesday 6, Thursday 7"),
        ("05-08 17:00", "2h", "05-09 10:00", "调休: Saturday the 9th is worked"),
        ("05-09 17:00", "2h", "05-11 10:00", "but Sunday the 10th is not"),
        ("05-06 10:00", "4d", "05-11 18:00", "Thursday, Friday, Saturday, Monday"),
        # Dragon Boat: 19 to 21 June off
        ("06-18 16:00", "3h", "06-22 10:00", "two hours on Thursday, one on Monday"),
        ("06-19 10:00", "1h", "06-22 10:00", "端午: a Friday that is off"),
        ("06-17 10:00", "3d", "06-23 18:00", "Thursday, Monday, Tuesday"),
        # Mid-Autumn 25 to 27 September, National Day 1 to 7 October; Sunday 20 September and Saturday 10 October worked
        ("09-18 17:00", "2h", "09-20 10:00", "Friday to the made-up Sunday: Saturday the 19th is off"),
        ("09-19 10:00", "1d", "09-20 18:00", "begun on a Saturday off, due on a worked Sunday"),
        ("09-20 17:00", "2h", "09-21 10:00", "the made-up Sunday to Monday"),
        ("09-24 17:30", "1h", "09-28 09:30", "中秋: Thursday to Monday"),
        ("09-24 10:00", "3d", "09-30 18:00", "Monday, Tuesday, Wednesday between two holidays"),
        ("09-24 10:00", "4d", "10-08 18:00", "and the first day after 国庆节"),
        ("09-30 17:00", "2h", "10-08 10:00", "seven days off"),
        ("10-01 00:00", "1h", "10-08 10:00", "the first minute of the holiday"),
        ("10-07 23:59", "1h", "10-08 10:00", "the last minute of the holiday"),
        ("10-05 10:00", "2d", "10-09 18:00", "Thursday 8, Friday 9"),
        ("10-09 17:00", "2h", "10-10 10:00", "调休: Saturday the 10th is worked"),
        ("10-10 17:00", "2h", "10-12 10:00", "Sunday the 11th is not"),
        ("10-08 10:00", "3d", "10-12 18:00", "Friday, Saturday, Monday"),
        ("09-30 10:00", "5d", "10-13 18:00", "8, 9, 10, 12, 13 October"),
        # the end of the year and long limits
        ("12-31 09:00", "7h", "12-31 18:00", "the last working day that is covered"),
        ("12-24 10:00", "5d", "12-31 18:00", "Friday 25 is a working day in China, then Monday to Thursday"),
        ("11-02 10:00", "15d", "11-23 18:00", "three plain weeks"),
        ("02-09 10:00", "15d", "03-06 18:00", "10-14 and 24-28 February, 2-6 March"),
    ],
)  # fmt: skip
def test_a_limit_of_2026_ends_when_a_person_with_the_calendar_on_the_wall_says(
    start: str, limit: str, due: str, why: str
) -> None:
    ends = CALENDAR.due(ms(start), limit_of(limit))
    assert (shown(ends.at), ends.covered) == (due, True), why
    assert CALENDAR.working_ms(ms(start), ends.at) == ends.total


@pytest.mark.parametrize(
    ("day", "works", "why"),
    [
        ("02-16", False, "春节"), ("02-14", True, "春节"), ("04-06", False, "清明"), ("05-09", True, "劳动节"),
        ("06-19", False, "端午"), ("09-25", False, "中秋"), ("10-07", False, "国庆节"), ("10-10", True, "国庆节"),
        ("10-11", False, "weekend"), ("10-12", True, "weekday"), ("2027-01-01", True, "not covered"),
    ],
)  # fmt: skip
def test_a_day_says_why_it_is_worked_or_not(day: str, works: bool, why: str) -> None:
    at = ms(f"{day} 10:00")
    assert (CALENDAR.is_workday(at), CALENDAR.why(at)) == (works, why)


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("01-12 09:00", "01-12 18:00", 7), ("01-12 12:00", "01-12 14:00", 0), ("01-16 17:00", "01-19 10:00", 2),
        ("02-14 18:00", "02-24 09:00", 0), ("02-01 00:00", "03-01 00:00", 16 * 7), ("10-01 00:00", "10-08 00:00", 0),
        ("01-01 00:00", "2026-12-31 23:59", 248 * 7), ("01-13 09:00", "01-12 09:00", 0),
    ],
)  # fmt: skip
def test_working_time_between_two_times_leaves_out_nights_lunch_and_holidays(start: str, end: str, hours: int) -> None:
    # 2026 has 248 working days: 261 weekdays, less 19 of them off, and six weekend days made up.
    assert CALENDAR.working_ms(ms(start), ms(end)) == hours * 3_600_000


def test_beyond_the_years_it_covers_a_calendar_counts_weekdays_and_says_so() -> None:
    late = CALENDAR.due(ms("12-31 10:00"), Limit(1, days=True))
    assert (shown(late.at), late.covered) == ("01-01 18:00", False)
    assert CALENDAR.due(ms("12-31 17:00"), limit_of("2h")) == (ms("2027-01-01 10:00"), 7_200_000, False)
    assert CALENDAR.due(ms("2024-12-31 17:00"), limit_of("1h")).covered is False
    assert CALENDAR.covers(ms("2025-01-01 00:00"), ms("12-31 23:59"))
    assert not CALENDAR.covers(ms("2025-01-01 00:00"), ms("2027-01-01 00:00"))


def slow(start: int, amount: int) -> int:
    """By looking at every minute."""
    off, on = ({str(day) for day in DATA[part]} for part in ("holidays", "workdays"))
    at = start
    while amount:
        local = datetime.fromtimestamp(at / 1000, CHINA)
        if 9 <= local.hour < 12 or 14 <= local.hour < 18:
            name = local.date().isoformat()
            amount -= 60_000 * (name in on or (local.weekday() < 5 and name not in off))
        at += 60_000
    return at


def test_adding_agrees_with_looking_at_every_minute() -> None:
    draw = random.Random(7)
    for _ in range(15):
        start = ms("01-01 00:00") + draw.randrange(340 * 1440) * 60_000
        amount = draw.randrange(1, 900) * 60_000
        assert CALENDAR.add_working_ms(start, amount) == slow(start, amount), shown(start)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.integers(0, 4_000_000_000_000), st.integers(0, 10_000_000_000))
def test_the_working_time_until_a_limit_is_the_limit_and_no_earlier_time_has_it(start: int, amount: int) -> None:
    at = CALENDAR.add_working_ms(start, amount)
    assert CALENDAR.working_ms(start, at) == amount
    assert amount == 0 or CALENDAR.working_ms(start, at - 1) == amount - 1
    assert ROUND_THE_CLOCK.working_ms(start, ROUND_THE_CLOCK.add_working_ms(start, amount)) == amount


def test_round_the_clock_a_day_is_twenty_four_hours_on_holidays_too() -> None:
    assert ROUND_THE_CLOCK.due(ms("10-01 10:00"), limit_of("1d")).at == ms("10-02 10:00")
    assert ROUND_THE_CLOCK.due(ms("10-01 10:00"), limit_of("90m")) == (ms("10-01 11:30"), 5_400_000, True)
    with pytest.raises(ValueError, match="expected 0 or more, got -1"):
        CALENDAR.add_working_ms(0, -1)


@pytest.mark.parametrize("text", ["", "3", "h", "3 h", "-3h", "0h", "1.5h", "3w", "9999999d", "٣h"])
def test_a_limit_is_a_whole_number_and_a_unit(text: str) -> None:
    with pytest.raises(ValueError, match="expected a whole number and one of s, m, h, d"):
        limit_of(text)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"version": 2}, "version: expected 1, got 2"),
        ({"zone": "Europe/Paris"}, "zone: expected one of Asia/Shanghai, got 'Europe/Paris'"),
        ({"years": []}, "years: expected at least one and none left out between"),
        ({"years": [2024, 2026]}, r"none left out between, got \[2024, 2026\]"),
        ({"years": [2026]}, "holidays: 2025-01-01: expected a day of 2026"),
        ({"hours": []}, "hours: expected at least one span"),
        ({"hours": ["9-12"]}, r"hours\[0\]: expected from and to such as 09:00-12:00, got '9-12'"),
        ({"hours": ["09:00-12:00", "11:00-18:00"]}, r"hours\[1\]: 11:00-18:00: expected hours of one day, each after"),
        ({"hours": ["22:00-06:00"]}, r"hours\[0\]: 22:00-06:00: expected hours of one day"),
        ({"hours": ["14:00-24:30"]}, r"hours\[0\]"),
        ({"workdays": {date(2026, 2, 16): "x"}}, "workdays: 2026-02-16: expected a Saturday or Sunday"),
        ({"workdays": {date(2026, 2, 15): "x"}}, "2026-02-15: both a holiday and a workday"),
        ({"holidays": {"soon": "x"}}, "holidays|Invalid"),
        ({"holydays": {}}, "unknown field `holydays`"),
    ],
)
def test_a_wrong_calendar_is_refused_with_the_place_of_its_fault(change: dict[str, Any], says: str) -> None:
    with pytest.raises(CalendarError, match=says) as caught:
        WorkCalendar.of({**DATA, **change}, "city/calendar.yaml")
    assert str(caught.value).startswith("city/calendar.yaml: ")


def test_a_calendar_of_many_years_is_as_quick_as_one_of_one() -> None:
    at = CALENDAR.add_working_ms(ms("01-12 09:00"), 7 * 3_600_000 * 25_000)
    assert 98 < (at - ms("01-12 09:00")) / DAY_MS / 365.25 * 261 / 250 < 106


def package_of(year: int) -> SimpleNamespace:
    """What we read of chinesecalendar, with a year of its own."""
    return SimpleNamespace(
        __version__="9.9",
        Holiday=[SimpleNamespace(value="Spring Festival", chinese="春节")],
        holidays={date(year, 2, 16): "Spring Festival", date(year + 1, 2, 6): "Spring Festival"},
        # It lists some days of the week's own pattern as worked too: those are no made-up workdays.
        workdays={date(year, 2, 14): "Spring Festival", date(year, 2, 13): "Spring Festival"},
    )


def test_a_calendar_is_written_from_the_package_and_read_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "chinese_calendar", package_of(2026))
    out = tmp_path / "calendar.yaml"
    words = [
        "calendar",
        "write",
        "--year",
        "2026",
        "--hours",
        "08:30-12:00, 14:30-17:30",
        "--out",
        str(out),
        "--lang",
        "en",
    ]
    done = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    assert (done.exit_code, "2026, 1 days off, 1 made-up workdays (chinesecalendar 9.9, MIT)" in done.output) == (
        0,
        True,
    )
    made = WorkCalendar.of(msgspec.yaml.decode(out.read_bytes()))
    assert made.due(ms("02-13 17:00"), limit_of("1h")).at == ms("02-14 09:00")
    assert made.why(ms("02-14 09:00")) == "春节"
    assert calendar_source.write(calendar_source.read([2026], ["08:30-12:00", "14:30-17:30"])) == out.read_text("utf-8")


def test_a_year_that_the_package_does_not_know_is_refused_with_those_it_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "chinese_calendar", package_of(2026))
    with pytest.raises(CalendarError, match=r"year: chinesecalendar 9\.9 covers 2026 to 2027, got 2028"):
        calendar_source.read([2027, 2028], [])
    monkeypatch.setitem(sys.modules, "chinese_calendar", None)
    with pytest.raises(CalendarError, match="chinesecalendar is not installed: pip install chinesecalendar"):
        calendar_source.read([2026], [])


def test_the_sets_have_the_same_calendar_and_it_is_what_the_package_says() -> None:
    assert (CONFIG / "demo" / "calendar.yaml").read_bytes() == FILE.read_bytes()
    package = pytest.importorskip("chinese_calendar")
    day = date(2025, 1, 1)
    while day.year < 2027:
        at = round(datetime(day.year, day.month, day.day, 2, tzinfo=UTC).timestamp() * 1000)
        assert CALENDAR.is_workday(at) == package.is_workday(day), day
        day += timedelta(days=1)
