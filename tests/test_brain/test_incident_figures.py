"""Gauges of what stands in the city: what is over is in none, and what is zero is there."""

from __future__ import annotations

from typing import Any

from brain.incidents.books import Books
from brain.incidents.clocks import Clock
from brain.incidents.figures import fates, figures
from brain.incidents.value import Incident, Text
from streams.figures import Shows


def incident(**more: Any) -> Incident:
    given = {
        "id": "inc-1", "revision": 1, "state": "detected", "domain": "eco", "scenario": "eco.a", "scenario_version": 1,
        "event_code": "", "name": Text(), "level": 2, "peak_level": 2, "life": False, "onset": 0, "opened": 0,
        "raised": 0, "updated": 0, "shown": 5, **more,
    }  # fmt: skip
    return Incident(**given)


def test_open_incidents_are_counted_by_domain_level_and_whether_people_see_them() -> None:
    standing, withheld, _ = figures([
        incident(), incident(), incident(shown=None, withheld="held"), incident(state="resolved"),
        incident(domain="public", level=4), incident(shown=None, withheld="never_shown", state="closed"),
    ])  # fmt: skip
    assert {labels: n for labels, n in standing.values.items() if n} == {
        ("eco", "2", "yes"): 2, ("eco", "2", "no"): 1, ("public", "4", "yes"): 1,
    }  # fmt: skip
    assert standing.values["market", "0", "no"] == 0
    assert {labels: n for labels, n in withheld.values.items() if n} == {("held",): 1}


def test_clocks_that_run_are_counted_and_those_whose_limit_has_passed_apart() -> None:
    clocks = [Clock("accept", 0, 10, breached=10), Clock("dispose", 0, 99), Clock("arrive", 0, 9, stopped=3),
              Clock("review", 0, 9, held=2)]  # fmt: skip
    _, _, running = figures([incident(clocks=clocks)])
    assert {labels: n for labels, n in running.values.items() if n} == {
        ("accept", "eco", "yes"): 1, ("dispose", "eco", "no"): 1,
    }  # fmt: skip


def test_the_books_show_figures_and_every_fate_has_a_name_of_its_own() -> None:
    books = Books()
    assert isinstance(books, Shows)
    assert {f.name for f in books.figures()} == {
        "brain_incidents_open", "brain_incidents_withheld", "brain_clocks_running", "brain_agent_stopped",
    }  # fmt: skip
    assert len(set(fates())) == len(fates())
