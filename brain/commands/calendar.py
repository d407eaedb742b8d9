"""``brain calendar``: write the working days that count into a set's file, and see when a limit ends."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from brain.commands.common import Lang, fail, load_settings

if TYPE_CHECKING:
    from brain.incidents.calendar import WorkCalendar

app = typer.Typer(no_args_is_help=True)
console = Console()

HOURS = "09:00-12:00,14:00-18:00"

_ZH = {
    "wrote": "✓ {out}: {years}, 放假 {off} 天, 调休上班 {on} 天 ({source})", "due": "到期", "used": "工作时间",
    "day": "{day}: {why}", "gone": "期限超出日历年份 {years}: 之后按周一至周五计, 节假日未知",
    "when": "应为带时区的时间, 如 2026-09-30T17:00+08:00, 实为 {text!r}", "works": "上班", "off": "休息",
    "weekday": "工作日", "weekend": "周末", "not covered": "日历未覆盖",
}  # fmt: skip
_EN = {
    "wrote": "✓ {out}: {years}, {off} days off, {on} made-up workdays ({source})", "due": "due",
    "used": "working time", "day": "{day}: {why}",
    "gone": "the end lies beyond the calendar's years {years}: Monday to Friday counted, holidays unknown",
    "when": "expected a time with offset such as 2026-09-30T17:00+08:00, got {text!r}", "works": "worked",
    "off": "off", "weekday": "weekday", "weekend": "weekend", "not covered": "not covered",
}  # fmt: skip


@app.command()
def write(
    year: Annotated[list[int], typer.Option(help="year; several, without a gap, by giving it again")],
    out: Annotated[Path, typer.Option(help="file to write")] = Path("calendar.yaml"),
    hours: Annotated[str, typer.Option(help="working hours of a day")] = HOURS,
    lang: Lang = None,
) -> None:
    """Write calendar.yaml from the package chinesecalendar / 由 chinesecalendar 生成工作日历."""
    from brain.incidents import calendar_source
    from brain.incidents.calendar import CalendarError

    words = _words(lang)
    try:
        file = calendar_source.read(year, [span.strip() for span in hours.split(",")])
        text = calendar_source.write(file)
        out.write_text(text, encoding="utf-8")
    except (CalendarError, OSError) as error:
        fail(str(error))
    console.print(
        words["wrote"].format(
            out=out, years=", ".join(map(str, file.years)), off=len(file.holidays), on=len(file.workdays),
            source=f"{file.source.name} {file.source.version}, {file.source.licence}",
        ),
        highlight=False, markup=False, soft_wrap=True,
    )  # fmt: skip


@app.command()
def due(
    start: Annotated[str, typer.Argument(help="when it begins: 2026-09-30T17:00+08:00; without offset: in China")],
    limit: Annotated[str, typer.Argument(help="30m, 4h or 3d, in working time")],
    file: Annotated[Path | None, typer.Option(help="calendar.yaml; that of the set in use when left out")] = None,
    lang: Lang = None,
) -> None:
    """Show when a limit in working time ends, and what the days until then are / 推算工作时限."""
    from brain.incidents.calendar import DAY_MS, limit_of

    words = _words(lang)
    calendar = _calendar(file)
    try:
        begins, allowed = _ms(start, words), limit_of(limit)
    except ValueError as error:
        fail(f"{limit}: {error}")
    ends = calendar.due(begins, allowed)
    console.print(f"{words['due']}: {_text(ends.at)}", highlight=False)
    console.print(f"{words['used']}: {ends.total / 3_600_000:g} h", highlight=False)
    if not ends.covered:
        console.print(words["gone"].format(years=", ".join(map(str, calendar.years))), highlight=False)
    for number in range(min(31, (ends.at - begins) // DAY_MS + 2)):
        at = begins + number * DAY_MS
        if _text(at)[:10] <= _text(ends.at)[:10]:
            why = calendar.why(at)
            state = words["works" if calendar.is_workday(at) else "off"]
            line = words["day"].format(day=_text(at)[:10], why=f"{state} ({words.get(why, why)})")
            console.print(f"  {line}", highlight=False, markup=False)


def _calendar(file: Path | None) -> WorkCalendar:
    import msgspec

    from brain.incidents.calendar import CalendarError, WorkCalendar
    from brain.set_tables import CALENDAR

    settings = load_settings()
    path = file or settings.set_folder() / settings.genesis / CALENDAR
    try:
        return WorkCalendar.of(msgspec.yaml.decode(path.read_bytes()), str(path))
    except (CalendarError, OSError, msgspec.DecodeError) as error:
        fail(str(error))


def _ms(text: str, words: dict[str, str]) -> int:
    from brain.standards import CHINA

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        fail(words["when"].format(text=text))
    return round((moment if moment.tzinfo else moment.replace(tzinfo=CHINA)).timestamp() * 1000)


def _text(at: int) -> str:
    from brain.standards import CHINA

    return datetime.fromtimestamp(at / 1000, UTC).astimezone(CHINA).strftime("%Y-%m-%d %H:%M")


def _words(lang: str | None) -> dict[str, str]:
    return _EN if load_settings(language=lang).language == "en" else _ZH
