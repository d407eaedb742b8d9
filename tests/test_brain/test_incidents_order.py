"""What is named of several follows from the incident, not from the order in which memory has them; outcomes are one."""

from __future__ import annotations

from typing import Any

import pytest
from console_rig import LAT, LON, METRE
from people_rig import EPOCH, Town

from brain.incidents.timers import GRAVE_MS
from brain.incidents.value import incident_id
from streams.records import Signal


def _air(town: Town, t: int, asset: str, at: float | None) -> None:
    """A raise ``at`` metres east of the middle, or in its grid without a place."""
    town.n += 1
    ms = (EPOCH + t) * 1000
    lon, lat = (None, None) if at is None else (LON + at * METRE, LAT)
    town.give(Signal("eco.air", asset, "raise", ("in", 0, town.n, 0), 0, town.n, 0, ms, ms, ms, lon=lon, lat=lat,
                     grid="g0", district="d1", source="iot"))  # fmt: skip


def test_an_incident_whose_placed_members_were_split_off_is_placed_by_the_next_alone() -> None:
    def story(restart: bool) -> Town:
        town = Town()
        _air(town, 0, "a", 0)
        _air(town, 1, "b", None)
        one = town.id("a")
        town.act(2, "split", one, members=[m.id for m in town.topic[one].members if m.asset == "a"], id="s1")
        if restart:
            town.restart()
        _air(town, 3, "c", 100)
        assert [m.asset for m in town.topic[one].members] == ["b", "c"]
        assert town.topic[one].lon == LON + 100 * METRE
        return town

    assert story(False).topic == story(True).topic


def test_of_two_shelves_that_end_together_the_same_is_named_after_a_restart() -> None:
    def story(restart: bool) -> list[dict[str, Any]]:
        town = Town()
        for t, asset in enumerate("aba"):
            _air(town, t, asset, 0)
        if restart:
            town.restart()
        for t, asset in enumerate("ab", 10):
            town.act(t, "shelve", asset=asset, who=f"op-{asset}", until=(EPOCH + 900) * 1000, note="works", id=asset)
        return [note for note in town.audit if note["what"] == "incident.withheld"]

    assert [note["by"] for note in story(False)] == ["op-a"]
    assert story(False) == story(True)


def test_what_is_over_stays_on_its_topic_for_as_long_after_a_note_as_after_its_end() -> None:
    town = Town()
    _air(town, 0, "a", 0)
    one = town.id("a")
    town.act(1, "false_alarm", one, note="a test")
    assert town.act(3600, "note", one, note="of the siren")["what"] == "feedback.done"
    assert town.state[f"x/{one}".encode()].split()[0] == b"%d" % ((EPOCH + 3600) * 1000 + GRAVE_MS)


@pytest.mark.parametrize("how", ["unmerge", "split"])
def test_a_provisional_record_has_its_outcome_in_one_incident_whatever_people_take_apart(how: str) -> None:
    town = Town()
    a, b = (town.alarm(t, "fire", asset, at=200.0 * t).identity() for t, asset in enumerate("ab"))
    one = town.id("a")
    assert town.topic[one].provisional == [a, b]
    town.act(2, "split", one, members=[b], id="s1")
    two = incident_id("feedback|s1")
    if how == "unmerge":
        for who in ("op-1", "op-2"):
            town.act(3, "merge", two, into=one, who=who)
        assert sorted(town.topic[one].provisional) == sorted([a, b])
        assert town.act(4, "unmerge", two)["what"] == "feedback.done"
    assert (town.topic[one].provisional, town.topic[two].provisional) == ([a], [b])
