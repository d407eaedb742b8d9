"""What keeps incidents from being shown is forgotten once it is over."""

from __future__ import annotations

from city_rig import put_into
from people_rig import EPOCH, Town

from brain.incidents.withheld import Shelf, Withheld


def test_a_shelf_whose_incident_is_over_ends_though_nobody_asks_for_it_again() -> None:
    state: dict[bytes, bytes] = {}
    withheld = Withheld()
    for n in range(50):
        withheld.put(Shelf(n * 1000 + 5000, "op-1", "known", incident=f"inc-{n}", since=n * 1000))
        put_into(state, withheld.changes())
    assert len(withheld.shelves) == len(state) <= 6
    withheld.put(Shelf(10**9, "op-1", "known", asset="a", since=10**8))
    assert list(withheld.shelves) == ["asset:|a"]


def test_people_may_put_aside_what_was_put_aside_before_and_is_over() -> None:
    town = Town()
    for n in range(3):
        until = (EPOCH + 1000 * n + 500) * 1000
        told = town.act(1000 * n, "shelve", asset="a", until=until, note="works")
        assert told["what"] == "feedback.done"
    assert len(town.logic.withheld.shelves) == 1
