"""The bench of the city task: what it folds twice is the same, and its signals are the mix that it says."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

import bench.incidents as bench
from bench.incidents import again
from bench.incidents.content import content
from bench.incidents.stand import Kept, city, logic, step
from bench.incidents.workload import Lanes, Workload
from brain.incidents.book import _AREAS
from brain.incidents.city import CityLogic


def test_flushes_cut_elsewhere_and_restarts_give_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(again, "SIGNALS", 1800)
    assert asyncio.run(again.the_same(7))


def test_a_lost_state_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    async def forgetful(log: Kept, *, needed: bool = False) -> list[tuple[bytes, bytes | None]]:
        return [(key, value) for key, value in log.table.items() if not key.startswith(b"i/")]

    monkeypatch.setattr(again, "SIGNALS", 1800)
    monkeypatch.setattr(Kept, "restore", forgetful)
    assert not asyncio.run(again.the_same(7))


def test_signals_are_the_mix_that_is_promised_and_another_seed_gives_others() -> None:
    _, spoken = content()

    def made(seed: int) -> list[bytes]:
        workload = Workload(seed, True, spoken, 50)
        for _ in range(500):
            workload.fresh()
        signals = bench.mixed(workload, 500, 4000)
        kinds = Counter(s.kind for s in signals)
        assert abs(kinds["clear"] / 4000 - 0.30) < 0.03
        assert abs(kinds["update"] / 4000 - 0.30) < 0.03
        assert abs(len(workload.standing) - 500) < 150
        return [s.identity().encode() for s in signals]

    assert made(1) == made(1) != made(2)


def test_so_many_incidents_are_open_as_are_asked_for() -> None:
    made, spoken = content()

    async def opened() -> int:
        workload, lanes = Workload(3, False, spoken, 40), Lanes()
        task = await city(Kept(), lanes.tps, made)
        await bench.fill(task, workload, lanes, 400)
        return len(logic(task))

    assert abs(asyncio.run(opened()) - 400) <= 400 * bench.HELD


def test_what_stands_around_an_incident_and_is_shown_there_is_what_a_look_at_all_of_them_finds() -> None:
    made, spoken = content()

    async def run() -> None:
        workload, lanes, log = Workload(4, True, spoken[:60], 40), Lanes(), Kept(all=True)
        task = await city(log, lanes.tps, made)
        await bench.fill(task, workload, lanes, 400)
        for _ in range(3):
            await step(task, lanes.batches(bench.mixed(workload, 400, 500)))
        found = [_around(logic(task)), _around(logic(await city(log, lanes.tps, made)))]
        assert found[0] == found[1]
        assert any(shown for _, shown in found[0].values())

    asyncio.run(run())


def _around(fold: CityLogic) -> dict[str, tuple[tuple[int, int], list[str]]]:
    """By id what the book says, held against all cases."""
    out = {}
    for id_, case in fold.book.cases.items():
        i = case.incident
        assert i.lon is not None
        assert i.lat is not None
        near = [c for c in fold.book.cases.values() if c.area is not None and c.area - case.spot in _AREAS]
        alike = sum(c.incident.family == i.family for c in near if c is not case)
        assert fold.book.around_it(case) == (len({c.incident.family for c in near}), alike)
        since = i.opened - 900_000
        there = fold.book.around((i.family, False), i.lon, i.lat, 2000.0, since)
        shown = sorted((d, c.incident.id) for d, c in fold.book.shown(i.family, i.lon, i.lat, 2000.0, since))
        assert shown == sorted((d, c.incident.id) for d, c in there if c.incident.shown is not None)
        out[id_] = fold.book.around_it(case), [name for _, name in shown]
    return out
