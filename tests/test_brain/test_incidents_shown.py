"""What people are shown: few, at once where it matters, and every withheld incident with its reason and its end."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from console_rig import LON, SET, WEATHER, City

from brain.incidents.causes import CauseError, Causes
from brain.incidents.clocks import ClockReason
from brain.incidents.events import Events
from brain.incidents.evidence import evidence
from brain.incidents.fold import Case, FoldSettings
from brain.incidents.reasons import Reason
from brain.incidents.value import Member
from brain.incidents.withheld import Shelf
from brain.incidents.words import WORDS


def test_a_quiet_console_shows_a_single_signal_at_once() -> None:
    city = City()
    city.raised(0, "air", "a")
    assert (city.of("a").shown, city.of("a").withheld) == (0, "")


def test_a_busy_console_watches_a_weak_signal_and_shows_it_when_it_lasts() -> None:
    city = City(calm=1, hold_s=75)
    city.raised(0, "air", "a")
    city.raised(10, "air", "b", at=5000)
    assert (city.of("b").shown, city.of("b").withheld) == (None, Reason.HELD)
    city.until(85_000)
    assert (city.of("b").shown, city.of("b").reasons[-1][1]) == (85_000, Reason.SHOWN_LASTING)


def test_a_weak_signal_that_ends_while_it_is_watched_is_never_shown_and_says_so() -> None:
    city = City(calm=0)
    one = city.raised(0, "air", "a")
    city.follow(20, one)
    city.until(400_000)
    assert city.of("a").shown is None
    assert [r[1] for r in city.of("a").reasons[-2:]] == [Reason.QUIET_RESOLVED, Reason.NEVER_SHOWN]
    assert city.audit[0]["what"] == "incident.withheld"
    assert city.audit[0]["reason"] == "held"


def test_a_second_source_nearby_joins_corroborates_and_shows_what_has_lasted() -> None:
    city = City(calm=0, weak=0, lone=0, hold_s=75)
    city.raised(0, "flood", "level-1", at=0, level=2)
    assert city.of("level-1").shown is None
    city.raised(80, "flood", "g0/flooding", at=350, source="hotline")
    incident = city.of("level-1")
    assert (incident.count, incident.sources, incident.confidence) == (2, ["hotline", "iot"], "corroborated")
    assert (incident.shown, incident.rule) == (80_000, Reason.JOINED_SOURCE)
    assert [r[1] for r in incident.reasons][-2:] == [Reason.CORROBORATED, Reason.SHOWN_CORROBORATED]


def test_where_all_kinds_of_sensors_rise_at_once_a_little_of_one_kind_says_little() -> None:
    city = City(calm=0)
    for n, family in enumerate(WEATHER):
        for k in range(4):
            city.raised(n, family, f"{family}-{k}", at=380 * k)
    for k in range(4):
        city.raised(10, "air", f"air-{k}", at=380 * k, level=3)
    city.until(200_000)
    assert not city.shown()
    for source in ("video", "hotline"):
        city.raised(210, "air", f"{source}-1", at=30, level=3, source=source)
    assert [{m.asset for m in i.members} for i in city.shown()] == [{"air-0", "video-1", "hotline-1"}]


@pytest.mark.parametrize(("later", "shown"), [(60, True), (600, False)])
def test_what_rises_within_two_minutes_speaks_together_and_a_new_one_beside_an_old_one_says_less(
    later: int, shown: bool
) -> None:
    city = City(calm=0, weak=0, lone=0)
    city.raised(0, "flood", "level-1", level=2)
    city.raised(later, "flood", "cam-1", at=100, level=2, source="video")
    city.until((later + 100) * 1000)
    assert (city.of("level-1").count, city.of("level-1").shown is not None) == (2, shown)


def test_a_high_level_speaks_by_itself_whatever_has_stood_there_for_long() -> None:
    city = City(calm=0, weak=0, lone=0)
    city.raised(0, "flood", "level-1", level=1)
    city.raised(600, "flood", "level-2", at=100, level=3)
    city.until(700_000)
    assert (city.of("level-1").count, city.of("level-1").shown) == (2, 600_000)
    assert (city.audit[-1]["parts"], city.audit[-1]["late"]) == ([3, 0, 1, 1, 0, 0, 1], 0.0)


def test_weather_counts_against_a_family_only_where_others_of_it_stand() -> None:
    city = City(calm=0, weak=0)
    for n, family in enumerate(WEATHER):
        city.raised(n, family, f"{family}-1", at=100 * n)
    city.raised(10, "air", "air-1", level=3)
    city.until(100_000)
    assert [i.family for i in city.shown()] == ["eco.air"]
    assert city.audit[-1]["wild"] == 0.0


@pytest.mark.parametrize(("calm", "together"), [(0, True), (9, False)])
def test_an_asset_of_an_incident_that_nobody_saw_joins_one_beside_it_that_stands(calm: int, together: bool) -> None:
    city = City(calm=calm)
    first = city.raised(0, "air", "a")
    city.follow(10, first)
    city.raised(15, "air", "b", at=700)
    city.raised(20, "air", "a", at=400)
    assert city.of("b").count == (2 if together else 1)


def test_what_lies_over_a_whole_area_is_carried_by_the_one_that_is_shown() -> None:
    city = City(calm=0)
    for k in range(5):
        city.raised(k, "air", f"air-{k}", at=400 * k, level=3)
    city.until(100_000)
    assert len(city.shown()) == 1
    (shown,) = city.shown()
    carried = [i for i in city.topic.values() if i.withheld == Reason.AREA_WIDE]
    assert (shown.effects, {i.cause for i in carried}) == (4, {shown.id})


def test_a_camera_that_sees_nothing_any_more_contradicts_a_sensor_that_goes_on() -> None:
    city = City()
    city.raised(0, "flood", "level-1")
    seen = city.raised(5, "flood", "cam-1", source="video")
    city.follow(60, seen)
    incident = city.of("level-1")
    assert (incident.confidence, incident.doubts) == ("unconfirmed", ["contradicted:video"])
    assert incident.reasons[-1][1] == Reason.CONTRADICTED


def test_the_more_exact_place_becomes_the_incidents_place() -> None:
    city = City()
    city.raised(0, "flood", "call", at=140, source="hotline", grid="g7")
    city.raised(9, "flood", "level-1", at=0)
    incident = city.of("call")
    assert (incident.lon, incident.grid, incident.grids) == (LON, "g0", ["g0", "g7"])


def test_neighbours_across_a_grid_border_are_one_incident_and_a_kilometre_away_is_another() -> None:
    city = City()
    city.raised(0, "air", "a", at=490)
    city.raised(1, "air", "b", at=510)
    city.raised(2, "air", "c", at=1500)
    assert city.of("a").grids == ["g0", "g1"]
    assert sorted(i.count for i in city.topic.values()) == [1, 2]


def test_in_a_storm_the_weakest_wait_and_are_replayed_when_there_is_room() -> None:
    city = City(weak=2, calm=1, lone=0, hold_s=10, over_s=601)
    for n in range(8):
        city.raised(n, "air", f"a{n}", at=5000 * n)
    city.until(30_000)
    assert len(city.shown()) == 2
    waiting = [i for i in city.topic.values() if i.withheld == Reason.DEFERRED_STORM]
    assert len(waiting) == 6
    assert [n["what"] for n in city.audit].count("storm.began") == 1
    city.until(6_000_000)
    assert len(city.shown()) == 8
    assert {i.reasons[-1][1] for i in city.topic.values()} >= {Reason.SHOWN_REPLAYED}
    (ended,) = (n for n in city.audit if n["what"] == "storm.ended")
    assert (ended["deferred"], ended["waiting"]) == ({"eco.air": 6}, 6)
    times = sorted(i.shown or 0 for i in city.shown())
    assert all(sum(0 <= t - s <= 600_000 for t in times) <= 2 for s in times)


@pytest.mark.parametrize(
    ("ago", "beside", "before", "shown"),
    [(800, 9000, 0, 75_000), (300, 9000, 0, None), (800, 1100, 0, None), (800, 9000, 3, None)],
)
def test_what_stands_alone_is_no_part_of_a_storm_that_abates_but_is_beside_others_or_after_many(
    ago: int, beside: float, before: int, shown: int | None
) -> None:
    city = City(calm=0, weak=0, lone=3, hold_s=75)
    for n in range(2):
        city.raised(-ago, "flood", f"river-{n}", at=700 * n)
    city.until((80 - ago) * 1000)
    assert [n["what"] for n in city.audit].count("storm.began") == 1
    for n in range(before):
        city.raised(-100, "air", f"air-{n}", at=20_000 + 5000 * n, level=4)
    city.raised(0, "noise", "meter-1", at=beside)
    city.until(200_000)
    assert city.of("meter-1").shown == shown


def test_what_several_speak_of_goes_before_what_waits_longer() -> None:
    city = City(most=4, keep=2, weak=2, calm=0, hold_s=1, over_s=601)
    for n in range(6):
        city.raised(n, "air", f"a{n}", at=2000 * n)
    city.until(20_000)
    city.raised(20, "air", "b5", at=10_100)
    assert city.of("b5").withheld == Reason.DEFERRED_STORM
    city.until(1_300_000)
    first = min((i for i in city.shown() if (i.shown or 0) > 30_000), key=lambda i: i.shown or 0)
    assert {m.asset for m in first.members} == {"a5", "b5"}


@pytest.mark.parametrize(("t", "fires", "shown"), [(310, 0, False), (410, 0, True), (410, 1, False), (550, 2, False)])
def test_fewer_places_are_kept_for_never_hidden_ones_as_the_ten_minutes_run_out(
    t: int, fires: int, shown: bool
) -> None:
    city = City(most=3, keep=2, calm=0, free=0, hold_s=1)
    city.raised(0, "air", "a", level=4)
    for n in range(fires):
        city.raised(200 + n, "fire", f"smoke-{n}", at=5000 * n)
    city.raised(t, "air", "b", at=20_000, level=4)
    city.until(1000 * t + 2000)
    assert (city.of("b").shown is not None) == shown


def test_where_never_hidden_ones_come_evenly_no_ten_minutes_have_more_than_a_console_takes() -> None:
    city = City(most=8, keep=4, calm=0, free=0, hold_s=1)
    for n in range(120):
        if n % 15 == 0:
            city.raised(10 * n, "fire", f"smoke-{n}", at=5000 * n)
        city.raised(10 * n + 1, "air", f"a{n}", at=20_000 * n, level=4)
    times = sorted(i.shown for i in city.shown() if i.shown is not None)
    most = max(sum(t <= other < t + 600_000 for other in times) for t in times)
    assert most == 8
    assert len(times) >= 16


def _standing(case: Case, asset: str) -> Member:
    (member,) = [m for m in case.standing.values() if m.asset == asset]
    return member


def test_a_doubted_member_speaks_for_nothing_at_a_console() -> None:
    city = City()
    for asset, level in (("a", 2), ("b", 4)):
        city.raised(0, "air", asset, level=level)
    (case,) = city.logic.book.cases.values()
    both = evidence(case, 0, FoldSettings())
    _standing(case, "b").trust = 0.4
    assert 0 < evidence(case, 0, FoldSettings()) < both
    _standing(case, "a").trust = 0.4
    assert evidence(case, 0, FoldSettings()) == 0


def test_a_fire_is_shown_at_once_in_a_storm_on_a_shelf_and_inside_a_cause() -> None:
    city = City(most=2, keep=0, weak=1, calm=0, hold_s=1)
    for n in range(5):
        city.raised(n, "air", f"a{n}", at=2000 * n)
    city.logic.withheld.put(Shelf(10**9, "b", "drill", grid="g0"))
    city.raised(10, "typhoon", "t", level=4)
    for n in range(20):
        city.raised(20 + n, "fire", f"smoke-{n}", at=1000 * n)
    fires = [i for i in city.topic.values() if i.life]
    assert len(fires) == 20
    assert all(i.shown == i.opened and not i.withheld and i.provisional for i in fires)


def test_fire_signals_of_one_site_join_visibly_and_of_two_sites_never() -> None:
    city = City()
    city.raised(0, "fire", "s1", at=0, areas={"site": ["mall"]})
    city.raised(5, "fire", "s2", at=60, areas={"site": ["mall"]})
    city.raised(6, "fire", "s3", at=30, areas={"site": ["school"]})
    city.raised(7, "gas", "s4", at=0, areas={"site": ["mall"]})
    assert sorted((i.family, i.count) for i in city.topic.values()) == [
        ("eco.fire", 1),
        ("eco.fire", 2),
        ("eco.gas", 1),
    ]
    assert city.of("s2").reasons[-1][1] == Reason.JOINED_SITE


def test_a_fire_sounds_again_when_it_escalates() -> None:
    city = City()
    one = city.raised(0, "fire", "s1", level=1)
    city.follow(60, one, "update", level=3)
    assert (city.of("s1").sounded, city.of("s1").shown) == (60_000, 0)


def test_an_effect_is_carried_by_its_cause_and_stands_alone_when_that_is_over() -> None:
    city = City()
    typhoon = city.raised(0, "typhoon", "t", at=9000, level=4)
    city.raised(60, "wind", "w1", level=2)
    effect, cause = city.of("w1"), city.of("t")
    assert (effect.shown, effect.withheld, effect.cause) == (None, Reason.INHIBITED, cause.id)
    assert (cause.effects, cause.reasons[-1]) == (1, (60_000, "inhibited", effect.id))
    city.follow(100, typhoon)
    city.until(500_000)
    effect = city.of("w1")
    assert (effect.withheld, effect.cause) == ("", "")
    assert effect.shown == 400_000
    assert Reason.RELEASED in [r[1] for r in effect.reasons]


@pytest.mark.parametrize(("cause", "effect"), [
    ({"level": 3}, {}),  # not a red one
    ({}, {"level": 3}),  # worse than a cause may carry
    ({"district": "d2"}, {}),  # another district
    ({}, {"t": 8000}),  # long after
])  # fmt: skip
def test_an_effect_stands_alone_where_the_row_does_not_fit(cause: dict[str, Any], effect: dict[str, Any]) -> None:
    city = City()
    city.raised(0, "typhoon", "t", at=9000, **{"level": 4, **cause})
    city.raised(effect.pop("t", 60), "wind", "w1", **{"level": 2, **effect})
    assert city.of("w1").cause == ""


def test_a_shelved_asset_waits_for_the_shelfs_end_and_is_shown_if_it_still_stands() -> None:
    city = City()
    city.logic.withheld.put(Shelf(600_000, "ops", "sensor is being replaced", asset="a"))
    city.raised(10, "air", "a")
    assert (city.of("a").withheld, city.of("a").shown) == (Reason.SHELVED, None)
    assert city.audit[-1]["by"] == "ops"
    city.until(600_000)
    assert (city.of("a").withheld, city.of("a").shown) == ("", 600_000)


def test_an_unshelved_neighbour_brings_a_shelved_incident_up() -> None:
    city = City()
    city.logic.withheld.put(Shelf(600_000, "ops", "sensor is being replaced", asset="a"))
    city.raised(10, "air", "a")
    city.raised(20, "air", "b", at=50)
    assert city.of("a").shown == 20_000


def test_an_asset_that_raises_again_and_again_is_one_incident_in_the_state_chattering() -> None:
    city = City()
    for n in range(12):
        one = city.raised(n * 40, "air", "a")
        city.follow(n * 40 + 10, one)
    incident = city.of("a")
    assert (len(city.topic), incident.chattering, incident.raises, incident.count) == (1, True, 12, 1)
    city.until(2_000_000)
    assert (city.of("a").chattering, city.of("a").state) == (False, "closed")


def test_every_reason_has_its_words_in_both_languages() -> None:
    assert set(WORDS) == {*Reason, *ClockReason}
    assert all(text.zh and text.en for text in WORDS.values())


@pytest.mark.parametrize(("table", "said"), [
    ({"version": 2}, "version"), ({"version": 1, "causes": [{"cause": "a", "effect": "b"}]}, "neither"),
    ({"version": 1, "causes": [{"cause": "a", "effect": "b", "same": "grid", "within_m": 9}]}, "both"),
    ({"version": 1, "causes": [{"cause": "a", "effect": "b", "within_m": -1}]}, "within_m"),
    ({"version": 1, "causes": [{"cause": "a*", "effect": "a*", "within_m": 9}]}, "own effect"),
    ({"version": 1, "causes": [{"cause": "a", "effect": "b", "same": "street"}]}, "same"),
    ({"version": 1, "causes": [{"cause": "a", "effect": "b", "same": "grid", "up": 1}]}, "up"), ("x", "object"),
])  # fmt: skip
def test_a_table_of_causes_that_does_not_hold_is_refused_with_its_place(table: Any, said: str) -> None:
    with pytest.raises(CauseError, match=rf"^causes: .*{said}"):
        Causes.of(table)


def test_how_near_signals_are_one_incident_is_what_the_table_of_events_says() -> None:
    table = {"version": 1, "events": [
        {"code": "eco", "zh": "生态", "en": "Eco", "domain": "eco", "radius_m": 300, "window_s": 1800},
        {"code": "eco.air", "zh": "空气", "en": "Air", "radius_m": 2000, "window_s": 60},
    ]}  # fmt: skip
    city = City()
    city.logic.enter("s", SimpleNamespace(**{**vars(SET), "events": Events.of(table)}))
    city.raised(0, "air", "a")
    city.raised(50, "air", "b", at=1900)
    city.raised(120, "air", "c", at=1000)
    city.raised(0, "flood", "d")
    city.raised(50, "flood", "e", at=400)
    assert sorted((i.family, i.count) for i in city.topic.values()) == [
        ("eco.air", 1), ("eco.air", 2), ("eco.flood", 1), ("eco.flood", 1),
    ]  # fmt: skip
