"""What the bench of the screen says of its figures, and of a machine without a browser."""

from __future__ import annotations

import pytest

from bench.screen import browser, judged
from bench.screen.city import City
from bench.screen.stand import OVER_MAP


def test_without_a_browser_the_pages_figures_are_null_and_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BRAIN_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", "")
    run = browser.run(1)
    assert set(run.figures) == set(browser.NAMES)
    assert set(run.figures.values()) == {None}
    assert run.why


@pytest.mark.parametrize(("software", "value", "holds"), [(1, 15.0, True), (1, 14.9, False), (0, 29.0, False)])
def test_frames_are_held_to_the_bar_of_what_draws_them(software: int, value: float, holds: bool) -> None:
    row = judged("fps_median", value, {"gl_software": software})
    assert row["holds"] is holds
    assert row["bar"] == f"at least {15 if software else 30}"


def test_a_figure_that_was_not_measured_is_not_judged() -> None:
    assert judged("heap_growth_mb", None, {"gl_software": None}) == {"figure": "heap_growth_mb", "value": None}


def test_a_city_over_the_map_has_all_its_incidents_there_and_one_in_twenty_not_shown() -> None:
    city, count = City(1, area=OVER_MAP), 400
    assert len(list(city.open(count))) == count
    west, south, east, north = OVER_MAP
    assert sum(incident.shown is not None for incident in city.incidents) == count - count // 20
    assert browser.INCIDENTS - browser.INCIDENTS // 20 == browser.SHOWN
    assert all(west <= (i.lon or 0) <= east and south <= (i.lat or 0) <= north for i in city.incidents)
