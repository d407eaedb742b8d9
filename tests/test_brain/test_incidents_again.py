"""Who had raised shortly before says less, who had not says more, whichever incident took the earlier raise."""

from __future__ import annotations

import pytest
from console_rig import City
from people_rig import EPOCH, Town

from brain.incidents.evidence import Parts, parts
from brain.incidents.fold import FoldSettings
from brain.incidents.reasons import Reason
from brain.incidents.value import Member

FOLD = FoldSettings()


def _member(city: City, asset: str) -> Member:
    """Of the latest incident that has this asset."""
    found = [(i.opened, m) for i in city.logic.incidents() for m in i.members if m.asset == asset]
    return max(found, key=lambda one: one[0])[1]


def _judged(city: City, asset: str, now: int) -> Parts:
    case = city.logic.book.cases[city.of(asset).id]
    return parts(case, now * 1000, FOLD)


@pytest.mark.parametrize(("later", "again"), [(900, 1), (901, 0)])
def test_an_asset_has_raised_again_where_it_had_within_a_quarter_of_an_hour(later: int, again: int) -> None:
    city = City()
    city.raised(0, "air", "a")
    assert (_judged(city, "a", 0).again, _judged(city, "a", 0).anew) == (0, 1)
    city.raised(later, "air", "a")
    assert (_judged(city, "a", later).again, _judged(city, "a", later).anew) == (again, 1 - again)


@pytest.mark.parametrize("restart", [False, True])
def test_what_an_asset_raised_in_another_incident_is_remembered_also_after_a_restart(restart: bool) -> None:
    city = City(calm=0)
    city.follow(10, city.raised(5, "air", "a"))
    city.raised(15, "air", "b", at=700)
    if restart:
        city.restart()
    city.raised(20, "air", "a", at=400)
    assert [m.asset for m in city.of("b").members] == ["b", "a"]
    assert [m.before for m in city.of("b").members] == [None, 5000]


def test_another_scenarios_raise_of_the_same_asset_is_no_raise_before() -> None:
    city = City()
    city.raised(0, "air", "a")
    city.raised(10, "noise", "a")
    assert [m.before for i in city.logic.incidents() for m in i.members] == [None, None]


def test_an_incident_that_is_over_takes_what_was_raised_in_it_along_and_no_sooner_than_it_counts() -> None:
    city = City()
    city.follow(1, city.raised(0, "air", "a"))
    city.until(1_200_000)
    city.raised(1200, "air", "a")
    assert _member(city, "a").before == 0
    city.follow(1201, city.raised(1201, "air", "a"))
    city.until(9_000_000)
    city.raised(9001, "air", "a")
    assert _member(city, "a").before is None


@pytest.mark.parametrize(("before", "shown"), [((), True), (("air-1",), True), (("air-1", "cam-1"), False)])
def test_several_that_all_had_raised_before_need_more(before: tuple[str, ...], shown: bool) -> None:
    city = City(calm=0, weak=0, lone=0, hold_s=30)
    for n, asset in enumerate(before):
        city.follow(5, city.raised(n, "air", asset))
    city.raised(60, "air", "air-1", level=2)
    city.raised(61, "air", "cam-1", at=20, source="video")
    city.until(100_000)
    assert (city.of("air-1").shown is not None) == shown


@pytest.mark.parametrize(("before", "shown"), [(False, True), (True, False)])
def test_what_is_new_and_grows_by_several_kinds_of_source_pays_for_the_last_place_only(
    before: bool, shown: bool
) -> None:
    city = City(calm=0, weak=0, lone=0, hold_s=30, most=3, keep=0, rising=0.0)
    for n in (1, 2):
        city.raised(0, "flood", f"level-{n}", at=20_000 * n, level=4)
    if before:
        city.follow(5, city.raised(0, "air", "air-1"))
    city.until(50_000)
    assert len(city.shown()) == 2
    one = city.raised(60, "air", "air-1", level=1)
    city.follow(80, one, "update", level=2)
    city.raised(81, "air", "cam-1", at=20, source="video")
    city.until(120_000)
    assert _judged(city, "air-1", 120).worth() == 3.5
    assert (city.of("air-1").shown is not None) == shown


@pytest.mark.parametrize(("before", "carried"), [(False, False), (True, True)])
def test_what_is_new_and_grows_by_three_kinds_of_source_is_not_carried_by_another(before: bool, carried: bool) -> None:
    city = City(calm=0, hold_s=30)
    for k in range(1, 5):
        city.raised(k, "air", f"air-{k}", at=450 * k, level=3)
    if before:
        city.follow(6, city.raised(5, "air", "air-0"))
    city.until(60_000)
    one = city.raised(70, "air", "air-0", level=1)
    city.follow(90, one, "update", level=2)
    city.raised(91, "air", "cam-0", at=-20, source="video")
    city.raised(92, "air", "call-0", at=-20, source="hotline")
    city.until(140_000)
    assert (city.of("air-0").withheld == Reason.AREA_WIDE) == carried
    assert (city.of("air-0").shown is not None) == (not carried)


def test_of_two_members_that_a_merge_makes_one_the_raise_before_is_known() -> None:
    town = Town(calm=0)
    town.over(10, town.alarm(5, "air", "a"))
    first = town.id("a")
    town.alarm(15, "air", "b", at=700)
    town.alarm(20, "air", "a", at=400)
    town.act(30, "merge", town.id("b"), into=first)
    one = town.topic[first]
    (member,) = [m for m in one.members if m.asset == "a"]
    assert (len(one.members), member.raises, member.before) == (2, 2, (EPOCH + 5) * 1000)
