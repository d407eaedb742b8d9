"""Quiet weeks: the demo keeps quiet, what is broken does not, and exceptions are named, reasoned and dated."""

import functools
import shutil
from collections import Counter
from datetime import date
from pathlib import Path

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from brain.commands.scenario import app
from brain.drill.quiet import SEASONS, USUAL, Week, quiet, weeks
from brain.scenario_kit.case_form import Wording
from brain.scenario_kit.quiet import Allowed, Hit, QuietError, exceptions_of, judged, run, told
from brain.sets import CitySet

DEMO = Path(__file__).parents[2] / "config" / "demo"
TODAY = date(2026, 9, 1)
WEEK = weeks(2026, 1)[1]


@functools.cache
def demo() -> CitySet:
    return CitySet.load(DEMO)


def unwanted(content: CitySet, week: Week, seed: int, days: float) -> list[Hit]:
    hits = judged(run(content, week, seed, days=days), exceptions_of(DEMO), TODAY)
    return [hit for hit in hits if hit.allowed < 0]


def test_the_demo_keeps_quiet_for_some_hours_of_a_summer() -> None:
    assert WEEK.season == "summer"
    assert told(unwanted(demo(), WEEK, 7, 0.15)) == []


@pytest.mark.long
@pytest.mark.parametrize("week", weeks(2026, 1), ids=lambda week: week.season)
def test_the_demo_keeps_quiet_for_a_week_of_each_season(week: Week) -> None:
    assert told(unwanted(demo(), week, 3, 7.0)) == []


def test_a_scenario_whose_bound_is_too_low_is_found(tmp_path: Path) -> None:
    shutil.copytree(DEMO, tmp_path / "set")
    file = tmp_path / "set" / "scenarios" / "emergency" / "gas_sensor.yaml"
    file.write_text(file.read_text().replace("above: 25", "above: 1").replace("below: 10", "below: 0.5"))
    hits = unwanted(CitySet.load(tmp_path / "set"), WEEK, 7, 0.05)
    assert {hit.scenario for hit in hits} == {"emergency.gas.sensor"}
    assert told(hits)[0].startswith("summer: emergency.gas.sensor gas-0")


def test_a_week_is_the_same_for_a_seed_and_another_for_another() -> None:
    first, again, other = (quiet(demo().registry, demo().map, WEEK, seed, 0.02) for seed in (1, 1, 2))
    assert first == again != other
    assert [row[0] for row in first] == sorted(row[0] for row in first)
    assert Counter(row[1] for row in first).keys() >= {"iot.telemetry", "video.metadata"}


def test_weeks_begin_at_midnight_in_the_city_and_every_shape_knows_four_seasons() -> None:
    assert [week.season for week in weeks(2026, 2)] == [season for season in SEASONS for _ in range(2)]
    assert {(week.begin + 8 * 3_600_000) % 86_400_000 for week in weeks(2026, 2)} == {0}
    assert all(len(shape.middle) == 4 and np.isfinite(shape.middle).all() for shape in USUAL.values())


WHY = Wording("因为", "because")


def test_an_exception_allows_what_it_names_as_often_as_it_says_and_until_its_day() -> None:
    hits = [Hit(WEEK, "a", asset, k, 1) for k, asset in enumerate(("x-1", "x-2", "y-1"))]
    once = Allowed("a", WHY, "me", TODAY, asset="x-*", most=1)
    assert [hit.allowed for hit in judged(hits, [once], TODAY)] == [0, -1, -1]
    assert [hit.allowed for hit in judged(hits, [once], date(2026, 9, 2))] == [-1, -1, -1], "it has run out"
    winter = msgspec.structs.replace(once, season="winter")
    assert [hit.allowed for hit in judged(hits, [winter, msgspec.structs.replace(once, most=0)], TODAY)] == [1, 1, -1]


@pytest.mark.parametrize(("text", "message"), [
    ("version: 1\nexceptions: [{scenario: a, by: b, until: 2027-01-01}]", "reason"),
    ("version: 1\nexceptions: [{scenario: a, by: ' ', until: 2027-01-01, reason: {zh: x, en: y}}]", "expected by"),
    ("version: 1\nexceptions: [{scenario: a, by: b, reason: {zh: x, en: y}}]", "until"),
    ("version: 1\nexceptions: [{scenario: a, by: b, until: 2027-01-01, reason: {zh: x}}]", "in Chinese and English"),
    ("exceptions: 3", "quiet.yaml"), ("\x00", "quiet.yaml"),
])  # fmt: skip
def test_an_exception_without_name_reason_or_day_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "quiet.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(QuietError, match=message):
        exceptions_of(tmp_path)


def test_the_command_says_what_was_allowed_and_that_nothing_else_came() -> None:
    found = CliRunner().invoke(app, ["quiet", "--days", "0.05", "--set", str(DEMO), "--lang", "en"])
    assert found.exit_code == 0, found.output
    assert "0 raised that should not be" in found.output
    assert "social.topic.rising" in found.output
