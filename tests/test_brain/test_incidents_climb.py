"""What grows speaks more than what jumps: levels that climb soon after their raise, and how weather is read."""

from __future__ import annotations

import pytest
from console_rig import WEATHER, City

from brain.explain.story import parts_of, weight
from brain.incidents.evidence import CLEAR, NOTHING, Lens, Parts, parts
from brain.incidents.fold import FoldSettings

FOLD = FoldSettings()
GUSTS = Lens(wild=True, gust=3)


def weather(city: City) -> None:
    """More than six families around, air among them, and three others of each."""
    for n, family in enumerate((*WEATHER, "air")):
        for k in range(4):
            city.raised(n, family, f"{family}-{k}", at=380 * k)


@pytest.mark.parametrize(("after", "climbed"), [(60, 1), (61, 0)])
def test_a_level_that_rises_within_a_minute_of_its_raise_has_climbed(after: int, climbed: int) -> None:
    city = City()
    one = city.raised(0, "air", "a", level=2)
    city.follow(after, one, "update", level=3)
    assert [m.climbed for m in city.of("a").members] == [climbed]


def test_what_a_level_falls_by_is_taken_off_and_a_new_raise_begins_anew() -> None:
    city = City()
    one = city.raised(0, "air", "a", level=1)
    city.follow(10, one, "update", level=3)
    city.follow(300, one, "update", level=2)
    assert city.of("a").members[0].climbed == 1
    city.follow(310, one)
    city.raised(320, "air", "a", level=2)
    assert (city.of("a").members[0].climbed, city.of("a").members[0].raises) == (0, 2)


@pytest.mark.parametrize(("first", "shown"), [(2, True), (3, False)])
def test_two_at_level_3_in_the_weather_are_shown_where_one_of_them_climbed_there(first: int, shown: bool) -> None:
    city = City(calm=0)
    weather(city)
    one = city.raised(10, "air", "air-4", at=30, level=first)
    if first < 3:
        city.follow(40, one, "update", level=3)
    city.raised(50, "air", "cam-1", at=30, level=3, source="video")
    city.until(160_000)
    assert (city.of("air-4").shown is not None) == shown


def test_in_weather_a_level_begun_at_counts_less_but_not_the_highest_nor_where_three_kinds_of_source_speak() -> None:
    city = City()
    city.raised(0, "air", "a", level=3)
    case = city.logic.book.cases[city.of("a").id]
    assert (parts(case, 0, FOLD, None, GUSTS).top, parts(case, 0, FOLD, None, CLEAR).top) == (2, 3)
    city.raised(1, "air", "b", at=20, level=3, source="video")
    assert parts(case, 1000, FOLD, None, GUSTS) == Parts(2, 2, 1, 1, anew=1)
    city.raised(2, "air", "c", at=40, level=3, source="hotline")
    assert parts(case, 2000, FOLD, None, GUSTS) == Parts(3, 3, 3, 3, anew=1)
    city.raised(3, "air", "d", at=6000, level=4)
    other = city.logic.book.cases[city.of("d").id]
    assert parts(other, 3000, FOLD, None, GUSTS).top == 4


@pytest.mark.parametrize(("level", "climbs", "assets"), [(2, False, 1), (3, False, 2), (2, True, 2)])
def test_in_weather_a_second_asset_below_level_3_confirms_nothing_unless_something_climbed(
    level: int, climbs: bool, assets: int
) -> None:
    city = City()
    first = city.raised(0, "air", "a", level=2 if climbs else 3)
    city.raised(1, "air", "b", at=20, level=level)
    if climbs:
        city.follow(20, first, "update", level=3)
    case = city.logic.book.cases[city.of("a").id]
    assert parts(case, 20_000, FOLD, None, Lens(wild=True)).assets == assets
    assert parts(case, 20_000, FOLD, None, CLEAR).assets == 2


@pytest.mark.parametrize(("before", "shown"), [(False, True), (True, False)])
def test_what_came_first_of_its_family_is_no_weather_whatever_rises_around_it_afterwards(
    before: bool, shown: bool
) -> None:
    city = City(calm=0)
    for n, family in enumerate(WEATHER):
        city.raised(n, family, f"{family}-1", at=100 * n)
    if before:
        city.raised(9, "air", "air-9", at=1250)
    one = city.raised(10, "air", "air-1", level=1)
    city.follow(30, one, "update", level=2)
    city.raised(40, "air", "air-2", at=30)
    city.raised(45, "air", "call-1", at=30, source="hotline")
    for k, at in enumerate((-800, -400, 450, 850)):
        city.raised(60 + k, "air", f"air-{k + 3}", at=at)
    city.until(101_000)
    assert (city.of("air-1").shown is not None) == shown


@pytest.mark.parametrize(("level", "beside", "shown"), [(3, False, True), (3, True, False), (2, False, False)])
def test_a_high_level_pays_only_for_the_last_place_where_no_other_of_its_family_stands_around(
    level: int, beside: bool, shown: bool
) -> None:
    city = City(calm=0, weak=0, lone=0, most=3, keep=0, hold_s=30)
    city.raised(0, "flood", "level-1", at=20_000, level=4)
    city.until(60_000)
    assert city.of("level-1").shown is not None
    if beside:
        city.raised(70, "air", "air-2", at=900)
    city.raised(80, "air", "air-1", level=level)
    city.until(120_000)
    assert (city.of("air-1").shown is not None) == shown


def test_a_climb_that_nobody_else_confirms_adds_nothing() -> None:
    assert Parts(3, 0, 1, 1, 3).worth() == Parts(3, 0, 1, 1).worth() == 3.0
    assert Parts(3, 1, 1, 2, 3).worth() == Parts(3, 1, 1, 2).worth() + 1.5


def test_an_asset_that_chatters_says_nothing_until_it_climbs() -> None:
    city = City()
    for k in range(4):
        city.follow(10 * k + 5, city.raised(10 * k, "air", "air-1"))
    last = city.raised(50, "air", "air-1", level=2)
    (case,) = city.logic.book.cases.values()
    assert parts(case, 50_000, FoldSettings()) == NOTHING
    city.follow(80, last, "update", level=3)
    assert parts(case, 80_000, FoldSettings()) == Parts(3, 0, 1, 1, 3, 1)


@pytest.mark.parametrize(
    ("before", "beside", "shown"), [(False, False, True), (True, False, False), (True, True, True)]
)
def test_one_asset_alone_that_was_raised_in_it_before_needs_more(before: bool, beside: bool, shown: bool) -> None:
    city = City(calm=0, weak=0, lone=0, hold_s=30)
    if before:
        city.follow(5, city.raised(0, "air", "air-1"))
    city.raised(60, "air", "air-1", level=3)
    if beside:
        city.raised(61, "air", "air-2", at=50)
    city.until(100_000)
    assert (city.of("air-1").shown is not None) == shown


def test_five_assets_at_one_place_say_more_than_three_but_not_in_weather() -> None:
    assert Parts(2, 1, 1, 5, 2).worth() == 3.0 > Parts(2, 1, 1, 4, 2).worth() == Parts(2, 1, 1, 3, 2).worth()
    city = City()
    for n in range(6):
        city.follow(20, city.raised(n, "air", f"air-{n}", at=20 * n), "update", level=2)
    (case,) = city.logic.book.cases.values()
    assert parts(case, 20_000, FOLD).assets == 6
    assert parts(case, 20_000, FOLD, None, Lens(wild=True)).assets == 3


@pytest.mark.parametrize(
    ("others", "climbs", "shown"), [(0, True, True), (1, True, True), (2, True, False), (0, False, False)]
)  # fmt: skip
def test_what_grows_beside_another_asset_needs_less_where_all_else_is_still(
    others: int, climbs: bool, shown: bool
) -> None:
    city = City(calm=0, weak=0, lone=0, hold_s=30)
    for n, family in enumerate(WEATHER[:others]):
        city.raised(0, family, f"other-{n}", at=200)
    first = city.raised(10, "air", "air-1", level=1 if climbs else 2)
    city.raised(15, "air", "air-2", at=50)
    if climbs:
        city.follow(20, first, "update", level=2)
    city.until(100_000)
    assert (city.of("air-1").shown is not None) == shown


def test_the_climb_is_told_and_parts_of_an_earlier_release_are_read() -> None:
    found = parts_of({"parts": [3, 1, 2, 2, 3, 0, 1]})
    assert found is not None
    assert "climbed to 3: 1.5" in weight(found.worth(), found).en
    assert parts_of({"parts": [3, 1, 2, 2]}) == parts_of({"parts": [3, 1, 2, 2, 0, 0]}) == Parts(3, 1, 2, 2)
    assert parts_of({"parts": [3, 1, 2, 2, 0, 0, 1]}) == Parts(3, 1, 2, 2, anew=1)
    assert parts_of({"parts": [3, 1, 2]}) is None
