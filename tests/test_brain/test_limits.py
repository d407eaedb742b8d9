"""Limits by event code and level: the most specific row wins, a wrong table is refused with the place of its fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from brain.incidents.calendar import Limit, WorkCalendar
from brain.incidents.limits import LimitError, Limits

CONFIG = Path(__file__).parents[2] / "config"
CALENDAR = WorkCalendar.of(msgspec.yaml.decode((CONFIG / "demo" / "calendar.yaml").read_bytes()))


def table(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    basis = [
        {"event_code": "*", "life": True, "calendar": "clock", "dispose": "1h"},
        {"event_code": "*", "life": False, "calendar": "working", "dispose": "1d"},
    ]
    return {
        "version": 1, "unacknowledged": ["2m", "5m"], "promise": {"life": "10m", "other": "4h"},
        "limits": [*basis, *rows], **more,
    }  # fmt: skip


def row(code: str, calendar: str = "clock", **more: Any) -> dict[str, Any]:
    return {"event_code": code, "calendar": calendar, "accept": "5m", **more}


def test_code_goes_before_level_and_level_before_life() -> None:
    limits = Limits.of(
        table(
            row("eco.air.pm25"), row("eco.*"), row("eco.air*", levels=[3, 4]), row("eco.air*"),
            row("eco.air*", life=False), row("eco.air*", levels=[2], life=False),
        ),
        CALENDAR,
    )  # fmt: skip
    asked = [
        ("eco.air.pm25", 4, False, "eco.air.pm25"), ("eco.air.o3", 4, False, "eco.air*/3/4"),
        ("eco.air.o3", 4, True, "eco.air*/3/4"), ("eco.air.o3", 2, False, "eco.air*/2/other"),
        ("eco.air.o3", 2, True, "eco.air*"), ("eco.air.o3", 1, False, "eco.air*/other"),
        ("eco.water", 4, False, "eco.*"), ("x", 0, False, "*/other"), ("", 0, True, "*/life"),
    ]  # fmt: skip
    assert [limits.plan(code, level, life).rule for code, level, life, _ in asked] == [rule for *_, rule in asked]


def test_life_safety_never_counts_on_working_time_and_alone_escalates() -> None:
    limits = Limits.of(table(row("eco.gas*", "working")), CALENDAR)
    assert limits.plan("eco.gas.x", 0, False).kind == "working"
    life = limits.plan("eco.gas.x", 0, True)
    assert (life.rule, life.kind, life.steps, life.pausable) == ("*/life", "clock", (120_000, 300_000), False)
    assert limits.plan("eco.gas.x", 0, False).steps == ()


def test_the_shipped_tables_hold_and_have_something_for_every_level_of_every_code() -> None:
    for folder in ("demo", "jurisdiction"):
        limits = Limits.load(CONFIG / folder / "limits.yaml", CALENDAR)
        for code in ("emergency.fire.smoke", "eco.air.pm25", "market.food.complaints", "nobody.knows", ""):
            for level in range(5):
                for life in (True, False):
                    plan = limits.plan(code, level, life)
                    assert plan.limits
                    assert (plan.kind == "clock") or not life
        assert limits.plan("market.food.complaints", 1, False).limits[2] == ("dispose", Limit(7, days=True))


def test_any_number_of_invented_codes_costs_no_memory_for_good() -> None:
    limits = Limits.of(table(), CALENDAR)
    for number in range(12_000):
        limits.plan(f"made.up.{number}", 0, False)
    assert len(limits._found) <= 10_000


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (table(version=2), "version: expected 1, got 2"),
        (table(row("x", accept="2 h")), r"limits\[2\].accept: expected a whole number and one of s, m, h, d.*'2 h'"),
        (table(row("x", accept="")), r"limits\[2\]: expected at least one of accept, arrive, dispose"),
        (table(row("x", "worktime")), r"Invalid enum value 'worktime' - at `\$.limits\[2\].calendar`"),
        (table(row("x", levels=[5])), r"limits\[2\].levels: expected 0 to 4, got 5"),
        (table(row("x", levels=[1, 1])), "a level is named twice"),
        (table(row("x", warn=1.0)), r"limits\[2\].warn: expected a share between 0 and 1, got 1"),
        (table(row("x", "working", life=True)), r"limits\[2\].calendar: life-safety counts round the clock"),
        (table(row("*x")), r"limits\[2\].event_code: expected a code, or the beginning of one and \*"),
        (table(row("x"), row("x")), r"limits\[3\] and limits\[2\]: 'x' and 'x' fit the same incidents"),
        (table(row("x", levels=[1, 2]), row("x", levels=[2, 3])), r"'x/2/3' and 'x/1/2' fit the same"),
        (table(row("x", "working"), row("x", life=False)), r"'x/other' and 'x' fit the same"),
        (table(warn=0), "warn: expected a share between 0 and 1, got 0"),
        (table(extensions=-1), "extensions: expected 0 or more"),
        (table(unacknowledged=[]), "unacknowledged: expected 1 to 20 steps, got 0"),
        (table(unacknowledged=["5m", "300s"]), r"unacknowledged\[1\]: 300s: expected more than 5m"),
        (table(promise={"life": "soon", "other": "1h"}), "promise.life: expected a whole number"),
        (table(promise={"life": "5m", "other": "1h", "repeats": 0}), "promise.repeats: expected 1 or more"),
        (table(limits=[row("*", life=True)]), r"expected a row for event_code '\*' without levels for all others"),
        (table(limits=[row("*", "working")]), r"without levels for life-safety \(calendar clock\)"),
        ({**table(), "limitz": []}, "unknown field `limitz`"),
        ([], "Expected `object`, got `array`"),
    ],
)
def test_a_wrong_table_is_refused_with_the_place_of_its_fault(wrong: Any, says: str) -> None:
    with pytest.raises(LimitError, match=says) as caught:
        Limits.of(wrong, CALENDAR, "city/limits.yaml")
    assert str(caught.value).startswith("city/limits.yaml: ")


def test_working_time_needs_a_calendar_and_a_file_that_is_no_yaml_is_named(tmp_path: Path) -> None:
    with pytest.raises(LimitError, match=r"limits\[1\].calendar: working: the set has no calendar.yaml"):
        Limits.of(table(), None, "city/limits.yaml")
    path = tmp_path / "limits.yaml"
    path.write_text("a: [")
    with pytest.raises(LimitError, match="not YAML"):
        Limits.load(path)


def test_rows_that_differ_in_specificity_are_no_double() -> None:
    Limits.of(
        table(
            row("x"), row("x", levels=[1]), row("x", life=True), row("x", "working"), row("x*"), row("x", levels=[2])
        ),
        CALENDAR,
    )
