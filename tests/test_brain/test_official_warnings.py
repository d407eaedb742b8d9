"""Official warnings in the city task: they open incidents a district, colour others, cause, and end."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from city_rig import parted
from console_rig import CAUSES, LAT, LON, METRE, SET, City

from brain.contracts.warning import OfficialWarning, WarnedArea
from brain.incidents.reasons import Reason
from brain.incidents.warning_rules import WarningRules, WarningTableError
from streams.records import Notice

TABLE: dict[str, Any] = {
    "version": 1,
    "warnings": [
        {"id": "eco.official.typhoon", "name": {"zh": "台风预警", "en": "Typhoon warning"}, "match": ["台风"],
         "event_code": "eco.typhoon.official", "opens_from": "yellow", "colours": ["eco.wind*"]},
        {"id": "eco.official.rain", "name": {"zh": "暴雨预警", "en": "Rain warning"}, "match": ["11B99"],
         "colours": ["eco.flood*"]},
    ],
}  # fmt: skip
WARNED = SimpleNamespace(routes=None, causes=CAUSES, scenarios=SET.scenarios, warnings=TABLE)
HALF = 500 * METRE
SQUARE = [(LON - HALF, LAT - HALF), (LON + HALF, LAT - HALF), (LON + HALF, LAT + HALF), (LON - HALF, LAT + HALF)]


class Warnings(City):
    """The city of the console with a table of warnings, and a voice for them."""

    def __init__(self, **desk: Any) -> None:
        super().__init__(**desk)
        self.logic.enter("w", WARNED)
        self.said = 0

    def warn(self, t: int, id_: str, colour: Any, event: str = "台风", **more: Any) -> None:
        """A message at ``t`` seconds, for district d1 where nothing else is said."""
        areas = more.pop("areas", [WarnedArea("一区", "geocode", LON, LAT, {"district": ["d1"]})])
        made = OfficialWarning(
            id_, "met", t * 1000, more.pop("kind", "alert"), event, colour, t * 1000, areas=areas, **more
        )
        self.until(t * 1000)
        body = msgspec.Raw(msgspec.json.encode(made))
        self.said += 1
        self.logic.notice(Notice("warning", id_, id_, t * 1000, self.said, 0, body, t * 1000, source="warnings/0"))
        self.take()

    def official(self) -> list[Any]:
        return [i for i in self.topic.values() if i.scenario.startswith("eco.official")]


def test_a_warning_opens_one_incident_a_district_and_people_see_it_at_once_in_a_storm_too() -> None:
    city = Warnings(calm=0, weak=0, most=0)
    two = [WarnedArea("两区", "geocode", LON, LAT, {"district": ["d1", "d2"]})]
    city.warn(1, "w-1", "orange", areas=two)
    assert sorted((i.district, i.level, i.event_code, i.shown) for i in city.official()) == [
        ("d1", 3, "eco.typhoon.official", 1000), ("d2", 3, "eco.typhoon.official", 1000)
    ]  # fmt: skip
    assert {i.reasons[-1][1] for i in city.official()} == {Reason.SHOWN_OFFICIAL}
    assert {i.scenario_version for i in city.official()} == {1}


def test_what_a_warning_opens_in_a_drill_is_of_the_drill() -> None:
    city = Warnings()
    city.logic.enter("w", SimpleNamespace(**vars(WARNED), drill=True))
    city.warn(1, "w-1", "orange")
    assert [i.drill for i in city.official()] == [True]


def test_another_colour_moves_the_level_and_the_end_of_the_last_one_clears() -> None:
    city = Warnings()
    city.warn(1, "w-1", "yellow")
    city.warn(2, "w-2", "red", kind="update", references=["w-1"])
    (one,) = city.official()
    assert (one.level, one.count, one.cleared) == (4, 1, None)
    city.warn(3, "w-3", "yellow")  # a new number of the same sender for the same districts replaces the one before
    (one,) = city.official()
    assert (one.level, one.peak_level) == (2, 4)
    city.warn(4, "w-4", "", kind="cancel", references=["w-3"], areas=[])
    (one,) = city.official()
    assert one.cleared == 4000


def test_a_warning_below_the_table_s_colour_opens_nothing_and_an_exercise_changes_nothing() -> None:
    city = Warnings()
    city.warn(1, "w-1", "blue")
    city.warn(2, "w-2", "red", drill=True)
    city.warn(3, "w-3", "red", event="沙尘暴")
    assert city.official() == []
    city.raised(4, "wind", "mast")
    assert city.of("mast").warning == "blue"


def test_what_lies_in_the_area_carries_the_colour_while_it_is_in_force() -> None:
    city = Warnings()
    city.raised(0, "wind", "before")
    city.raised(0, "air", "other")
    city.raised(0, "wind", "elsewhere", at=9000, district="d2")
    city.warn(1, "w-1", "yellow", expires=60_000)
    assert [city.of(a).warning for a in ("before", "other", "elsewhere")] == ["yellow", "", ""]
    assert city.of("before").reasons[-1][1] == Reason.WARNED
    city.raised(2, "wind", "after", at=3000)
    assert city.of("after").warning == "yellow"
    city.until(60_000)
    assert (city.of("after").warning, city.of("before").warning) == ("", "")
    assert Reason.WARNING_OVER in [r[1] for r in city.of("after").reasons]


def test_a_drawn_area_is_taken_at_its_word() -> None:
    city = Warnings()
    drawn = WarnedArea("方块", "polygon", LON, LAT, {"district": ["d1"]}, [[*SQUARE, SQUARE[0]]])
    city.warn(1, "w-1", "orange", event="大雨", event_code="11B99A", areas=[drawn])
    city.raised(2, "flood", "inside", at=400)
    city.raised(3, "flood", "outside", at=4000)
    assert (city.of("inside").warning, city.of("outside").warning) == ("orange", "")
    assert city.official() == []  # this kind opens none


def test_a_red_typhoon_warning_carries_small_wind_alarms_of_its_district() -> None:
    city = Warnings()
    city.warn(1, "w-1", "red")
    city.raised(2, "wind", "mast", level=1)
    city.raised(3, "wind", "far", at=9000, level=1, district="d2")
    assert (city.of("mast").withheld, city.of("mast").cause) == (Reason.INHIBITED, city.official()[0].id)
    assert city.of("far").withheld != Reason.INHIBITED


@pytest.mark.parametrize("cut", range(1, 7))
def test_a_restart_anywhere_changes_nothing(cut: int) -> None:
    def told(at: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        city = Warnings()

        def step(n: int, act: Any) -> None:
            if n == at:
                assert parted(city.logic.changes()) == ({}, [])
                city.restart(WARNED, "w")
            act()

        step(1, lambda: city.warn(1, "w-1", "yellow", expires=200_000))
        step(2, lambda: city.raised(2, "wind", "a"))
        step(3, lambda: city.warn(3, "w-2", "red", kind="update", references=["w-1"], expires=90_000))
        step(4, lambda: city.raised(4, "wind", "b", at=3000, level=1))
        step(5, lambda: city.warn(5, "w-3", "blue", event="11B99", event_code="11B99"))
        step(6, lambda: city.until(120_000))
        return {k: msgspec.to_builtins(v) for k, v in city.topic.items()}, city.audit

    assert told(cut) == told(0)


@pytest.mark.parametrize(("row", "said"), [
    ({"id": "storm", "match": ["x"]}, "id: expected a domain"),
    ({"match": []}, "match: expected a beginning"),
    ({"opens_from": ""}, "opens_from: expected one of blue"),
    ({"event_code": "", "colours": []}, "it would do nothing"),
    ({"colour": "red"}, "colour"),
])  # fmt: skip
def test_a_table_that_cannot_be_meant_is_refused_with_its_place(row: dict[str, Any], said: str) -> None:
    with pytest.raises(WarningTableError, match=said):
        WarningRules.of({"version": 1, "warnings": [{**TABLE["warnings"][0], **row}]})


def test_two_rows_of_one_id_are_refused() -> None:
    with pytest.raises(WarningTableError, match="is there already"):
        WarningRules.of({"version": 1, "warnings": [TABLE["warnings"][0]] * 2})
