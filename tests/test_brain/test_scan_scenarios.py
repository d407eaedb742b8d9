"""Clusters of tickets in space and time: found alike in every run, held at one place, refused where too costly."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from city_rig import put_into
from lane_rig import Rig, ticket

from brain.incidents.areas import Areas
from brain.incidents.scan import period_end
from brain.lane import TicketsLane
from brain.scenarios import ScenarioError, read
from brain.sets import CitySet
from geo.grid_map import Grid, GridMap
from streams.records import Signal, Summary
from streams.registry import Registry

HOUR = 3_600_000
T0 = 1_718_000_000_000 // HOUR * HOUR
SICK = """
id: market.food.cluster
version: 1
name: {zh: 腹泻投诉聚集, en: Food complaints cluster}
domain: market
event_code: market.food
source: hotline
match: {words: [腹泻], class: food}
detect: {detector: scan, by: grid, every_s: 3600, periods: 24, score_over: 45,
  settings: {radius: 1500, days: 3, least: 4, replicates: 49}}
"""
SIDE = 0.01
GRIDS = [
    Grid(f"g{x}{y}", f"t{x // 3}", "d1", shapely.box(*(np.array([x, y, x + 1, y + 1]) * SIDE + [113, 22, 113, 22])))
    for x in range(6) for y in range(6)
]  # fmt: skip


def city(text: str = SICK) -> CitySet:
    return CitySet("s", Registry.of([]), GridMap(GRIDS), [read(text)])


def hours(n: int) -> list[dict[str, int]]:
    """Tickets an hour and grid: few everywhere, many around g22 in the hours 26 and 27."""
    draw = np.random.default_rng(3)
    out = []
    for hour in range(n):
        counts = {g.code: int(k) for g, k in zip(GRIDS, draw.poisson(0.3, len(GRIDS)), strict=True)}
        for near, more in (("g22", 4), ("g23", 3), ("g32", 2)) if hour in (26, 27) else ():
            counts[near] += more
        out.append({g: k for g, k in counts.items() if k})
    return out


def run(n: int, restart: int, order: int) -> tuple[list[Signal], dict[bytes, bytes]]:
    models, items, out = Areas(), dict[bytes, bytes](), list[Signal]()
    models.enter("s", city())
    for hour, counts in enumerate(hours(n)):
        t = T0 + hour * HOUR + 60_000
        said = [dict(list(counts.items())[k::2]) for k in range(2)]
        for lane in range(2)[::order]:
            columns = {"n": np.array(list(said[lane].values()), "<f8").tobytes()}
            one = Summary("market.food.cluster", t, 7, 1 << 29, list(said[lane]), columns, t, "s", f"hotline/{lane}")
            assert models.summary(one)
        assert models.due() == T0 + (hour + 1) * HOUR + 1
        if restart and hour % restart == 0:
            models = reloaded(models, items)
        out += models.fire(T0 + (hour + 1) * HOUR + 1)
        if restart and hour % restart == restart - 1:
            models = reloaded(models, items)
    while (due := models.due()) is not None:
        out += models.fire(due)
    reloaded(models, items)
    return out, items


def reloaded(models: Areas, items: dict[bytes, bytes]) -> Areas:
    put_into(items, models.changes())
    again = Areas()
    assert again.load(dict(items)) == {}
    again.enter("s", city())
    return again


def test_a_cluster_is_raised_at_its_middle_with_all_its_areas_and_ends_when_it_is_over() -> None:
    signals, items = run(34, 0, 1)
    first = signals[0]
    assert (first.kind, first.t, first.threshold) == ("raise", T0 + 27 * HOUR, 45.0)
    assert first.asset in {"grid:g22", "grid:g23", "grid:g32"}
    assert first.asset == f"grid:{first.grid}"
    assert {"g22", "g23", "g32"} <= set(first.text.partition(": ")[2].split(", "))
    assert first.score == 50.0
    assert first.lon == pytest.approx(113.025, abs=0.011)
    assert [s.kind for s in signals] == ["raise", "clear"]
    assert {s.asset for s in signals} == {first.asset}
    assert items == {}


def test_restarts_and_the_order_of_lanes_find_the_same_clusters() -> None:
    assert run(29, 9, -1)[0] == run(29, 0, 1)[0]


def test_a_lane_of_tickets_counts_by_area_and_minute_however_its_log_is_cut() -> None:
    rig = Rig(TicketsLane, city(SICK.replace("by: grid", "by: town")))
    for k in range(60):
        where = {"lon": 113 + (k % 6 + 0.5) * SIDE, "lat": 22.005} if k % 10 else {"lon": 120.0, "lat": 22.0}
        rig.say(ticket(f"a{k}", k * 9, "腹泻" if k % 3 else "噪音", **where))
        rig.beat(9)
    whole = rig.run()
    assert whole.signals == []
    said = [(s.name, s.keys, s.column("n").tolist()) for s in whole.summaries]
    assert {name for name, *_ in said} == {"market.food.cluster"}
    waiting = int(rig.store.table("tally").rows["n"].sum())
    assert sum(sum(n) for *_, n in said) + waiting == sum(1 for k in range(60) if k % 3 and k % 10)
    assert waiting < 6
    assert all(set(keys) <= {"t0", "t1"} for _, keys, _ in said)
    state = [t.rows[: t.n].tobytes() for t in rig.store.tables.values()]
    rig.begin()
    assert rig.run([3, 17, 18, 40, 77]).summaries == whole.summaries
    assert state == [t.rows[: t.n].tobytes() for t in rig.store.tables.values()]


def test_a_period_of_a_day_begins_at_midnight_in_the_city() -> None:
    s = read(SICK.replace("every_s: 3600", "every_s: 86400"))
    midnight = 1_717_948_800_000  # 2024-06-10 00:00 at UTC+8
    assert period_end(midnight, s) == midnight
    assert period_end(midnight + 1, s) == midnight + 24 * HOUR


def test_a_scan_that_would_keep_the_city_task_too_long_is_refused_when_the_set_is_tried() -> None:
    heavy = SICK.replace("radius: 1500", "radius: 9000").replace("replicates: 49", "replicates: 99999")
    with pytest.raises(ValueError, match=r"market\.food\.cluster: a scan of 36 areas within 9000 m would take"):
        Areas().enter("s", city(heavy))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("by: grid, ", "", "expected score_over and by"),
        ("every_s: 3600", "every_s: 90", "detect.every_s: expected whole minutes"),
        ("periods: 24", "periods: 1", "detect.periods: expected 2 to 400"),
        ("score_over: 45", "score_over: 900", r"at most replicates \+ 1 = 50"),
        ("days: 3", "day: 3", r"detect.settings.day: .*\(did you mean 'days'\?\)"),
        ("days: 3", "seed: 3", "detect.settings.seed: follows"),
        ("days: 3", "days: 0", "detect.settings.days: expected"),
        ("version: 1", "version: 1\nclear: {quiet_s: 60}", "expected score_below"),
        ("version: 1", "version: 1\nlife: true", "no life"),
    ],
)
def test_a_scan_that_cannot_work_is_refused(old: str, new: str, says: str) -> None:
    with pytest.raises(ScenarioError, match=says):
        read(SICK.replace(old, new))
