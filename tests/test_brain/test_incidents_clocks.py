"""Clocks in the city task: begun when people see an incident, told once each, whatever is restarted in between."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from city_rig import SET, parted, put_into

from brain.incidents.city import CityLogic
from brain.incidents.desk import DeskSettings
from brain.incidents.value import Incident
from streams.records import Signal

T = 1_790_000_000_000
MINUTE = 60_000


def raised(kind: str, t: int, level: int = 1) -> Signal:
    return Signal(f"emergency.{kind}", "a", "raise", ("in", 0, t, 0), 0, t, 0, T + t, T + t, T + t, level=level,
                  lon=113.5, lat=22.2, grid="g", source="iot", life=kind == "fire")  # fmt: skip


class City:
    def __init__(self, restarts: bool) -> None:
        self.restarts = restarts
        self.state: dict[bytes, bytes] = {}
        self.published: list[bytes] = []
        self.audit: list[dict[str, Any]] = []
        self.start()

    def start(self) -> None:
        self.logic = CityLogic(desk=DeskSettings(weak=3))
        self.logic.load(self.state)
        self.logic.enter("s", SET)

    def flush(self) -> None:
        items, records = parted(self.logic.changes())
        put_into(self.state, items)
        self.published += [value for topic, _, value, _ in records if topic.startswith("incidents.") and value]
        self.audit += [msgspec.json.decode(value or b"") for topic, _, value, _ in records if topic == "audit"]
        if self.restarts:
            self.start()

    def until(self, t: int) -> None:
        while (due := self.logic.due()) is not None and due <= T + t:
            self.logic.fire(due)
            self.flush()

    def give(self, signal: Signal) -> None:
        self.until(signal.fold - T)
        self.logic.signal(signal)
        self.flush()

    def last(self) -> Incident:
        return msgspec.json.decode(self.published[-1], type=Incident)


def reasons(incident: Incident) -> list[tuple[float, str, str]]:
    return [
        ((t - T) / MINUTE, why, what) for t, why, what in incident.reasons if "shown" not in why and why != "opened"
    ]


@pytest.mark.parametrize("restarts", [False, True])
def test_a_fire_that_nobody_takes_escalates_in_steps_and_its_limits_are_foreseen_and_missed(restarts: bool) -> None:
    city = City(restarts)
    city.give(raised("fire", 0))
    city.until(9 * MINUTE)
    assert reasons(city.last()) == [
        (0.75, "breach_predicted", "accept"), (1, "breached", "accept"), (2, "unacknowledged", "escalate:1"),
        (5, "unacknowledged", "escalate:2"), (6, "breach_predicted", "arrive"), (8, "breached", "arrive"),
    ]  # fmt: skip
    assert city.last().sounded == T + 5 * MINUTE
    told = [(a["what"], a["clock"]) for a in city.audit if a["what"].startswith("clock.")]
    assert len(told) == 6
    assert ("clock.breached", "accept") in told


def test_restarts_after_every_flush_and_an_outage_change_no_byte() -> None:
    runs = [City(False), City(True)]
    for city in runs:
        city.give(raised("fire", 0))
        city.give(raised("flood", 90_000))
        one = raised("flood", 90_000)
        city.give(msgspec.structs.replace(one, kind="update", level=3, fold=T + 30 * MINUTE, t=T + 30 * MINUTE, n=1))
        city.until(3 * 24 * 60 * MINUTE)  # an outage: all of it is due at once, each with its own time
    assert runs[0].published == runs[1].published
    assert runs[0].state == runs[1].state


def test_an_incident_that_is_not_shown_has_no_clocks_until_it_is() -> None:
    city = City(False)
    for n in range(3):
        signal = raised("flood", n * 1000)
        city.give(msgspec.structs.replace(signal, asset=f"a{n}", lon=113.5 + 0.05 * n))
    waiting = msgspec.json.decode(city.published[-1], type=Incident)
    assert (waiting.withheld, waiting.clocks) == ("held", [])
    city.until(2 * MINUTE)
    published = [msgspec.json.decode(value, type=Incident) for value in city.published]
    shown = next(i for i in published if i.id == waiting.id and i.shown)
    assert {c.name for c in shown.clocks} == {"accept", "arrive", "dispose"}
    assert {c.started for c in shown.clocks} == {shown.shown}
