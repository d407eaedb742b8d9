"""What is empty in incidents is one object for all: nothing that happens to one of them may show in another."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bench.incidents import mixed
from bench.incidents.content import content
from bench.incidents.stand import Kept, city, logic, step
from bench.incidents.workload import Lanes, Workload
from brain.incidents import publish, written
from brain.incidents.desk import Desk
from brain.incidents.fold import NO_FACTS, NOTHING, Case
from brain.incidents.state import restored


async def _stormy() -> list[Case]:
    made, spoken = content()
    workload, lanes = Workload(11, True, spoken[250:310], 200), Lanes()
    task = await city(Kept(), lanes.tps, made)
    for _ in range(12):
        await step(task, lanes.batches(mixed(workload, 400, 200)))
    return list(logic(task).book.cases.values())


def test_a_storm_leaves_what_is_shared_empty_and_every_incident_written_as_a_whole() -> None:
    cases = asyncio.run(_stormy())
    assert not NOTHING
    assert not NO_FACTS
    assert any(case.incident.history is NOTHING for case in cases)
    assert any(len(case.incident.members) > 1 for case in cases)
    assert any(case.incident.provisional for case in cases)
    assert any(case.incident.clocks for case in cases)
    for case in cases:
        assert written.encode(case) == publish.encode(written.whole(case))


def test_after_a_restart_they_share_it_again_and_are_the_same_bytes() -> None:
    for case in asyncio.run(_stormy()):
        value = written.encode(case)
        again = Case.of(restored(value))
        i = again.incident
        assert [getattr(i, f) is NOTHING for f in ("history", "clocks")] == [not i.history, not i.clocks]
        assert written.encode(again) == value


def test_after_a_restart_what_many_have_in_common_is_one_object_again() -> None:
    back = [Case.of(restored(written.encode(case))).incident for case in asyncio.run(_stormy())]
    names = ("scenario", "event_code", "family", "grid", "lead", "route", "name", "sources", "rule")
    for name in names:
        values = [getattr(i, name) for i in back]
        assert len({id(v) for v in values}) == len({str(v) for v in values}), name


def test_an_incident_that_waits_on_is_judged_as_one_that_is_weighed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    waits, found = Desk._waits_on, set[bool]()

    def looked_at(self: Desk, case: Case, *how: Any) -> bool:
        found.add(waits(self, case, *how))
        return False

    quick = asyncio.run(_stormy())
    monkeypatch.setattr(Desk, "_waits_on", looked_at)
    weighed = asyncio.run(_stormy())
    assert found == {True, False}
    assert [written.encode(case) for case in quick] == [written.encode(case) for case in weighed]
