"""Enter, leave and dwell: small maps against the slow replay, and each promise of the rule by itself."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.network.movement import differ, said
from bench.network.replay import Replay
from bench.network.tracks import Tracks
from geo.city_map import CityMap
from geo.feature import Feature, MapError
from geo.movement import (
    DWELL,
    ENDED,
    ENTER,
    INSIDE,
    LEAVE,
    MOVED,
    OUTCOMES,
    SILENT,
    THING,
    Movement,
    Presence,
    renumber,
)
from geo.zones import Zones
from streams.state import Store, Table

LAYERS = ("grid", "risk")
CHANGE = 1_000_000
WEST, SOUTH, SIDE = 113.5, 22.2, 0.01
METRE = 1 / 111_000


def box(west: float, south: float, size: float = 1.0) -> Any:
    return shapely.box(
        WEST + west * SIDE, SOUTH + south * SIDE, WEST + (west + size) * SIDE, SOUTH + (south + size) * SIDE
    )


FEATURES = [
    Feature("grid", "g0", box(0, 0)),
    Feature("grid", "g1", box(1, 0)),
    Feature("grid", "g2", box(0, 1), until=CHANGE),
    Feature("grid", "g2", box(0, 1, 0.5), since=CHANGE),
    Feature("grid", "g3", box(1, 1), until=CHANGE),
    Feature("risk", "r0", box(0.5, 0.5)),
    Feature("risk", "r1", box(0.9, 0.2, 0.5)),
]
ZONES = Zones(CityMap(FEATURES), LAYERS)
MIDDLE = (WEST + SIDE / 4, SOUTH + SIDE / 4)
"""In g0 alone, 250 m from its border."""


def take(rule: Movement, points: Sequence[tuple[float, float, int]], accuracy: float | None = None,
         state: Presence | None = None, zones: Zones = ZONES) -> list[tuple[int, int, str, int]]:  # fmt: skip
    """Kind, why, zone and time of the events of one thing."""
    at = np.array(points, float).reshape(-1, 3)
    radius = None if accuracy is None else np.full(len(at), accuracy)
    taken = rule.take(zones, state or Presence(), np.zeros(len(at), np.int32), at[:, 0].copy(), at[:, 1].copy(),
                      at[:, 2].astype(np.int64), radius)  # fmt: skip
    return told(taken.events, zones)


def told(events: np.ndarray, zones: Zones = ZONES) -> list[tuple[int, int, str, int]]:
    return [(int(e["kind"]), int(e["why"]), zones.code[e["zone"]], int(e["t"])) for e in events]


@st.composite
def tracks(draw: st.DrawFn) -> Tracks:
    """Two things that tremble about borders and corners, with late, repeated and missing positions, over the change."""
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    n = draw(st.integers(1, 60))
    start = np.array([[1.0, 1.0], [0.9, 0.5]])
    slot = random.integers(0, 2, n).astype(np.int32)
    at = start[slot] + np.cumsum(random.normal(0, draw(st.sampled_from([0.01, 0.1])), (n, 2)), axis=0) * 0.3
    corner = random.random(n) < 0.1
    at[corner] = np.round(at[corner] * 2) / 2
    lon, lat = WEST + at[:, 0] * SIDE, SOUTH + at[:, 1] * SIDE
    lon[random.random(n) < 0.05] = np.nan
    t = CHANGE - 20_000 * n // 2 + np.cumsum(random.integers(-5_000, 40_000, n))
    accuracy = np.where(random.random(n) < 0.3, np.nan, random.choice([0.0, 5.0, 40.0], n))
    return Tracks(slot, lon, lat, np.maximum(t, 1), accuracy)


RULES = st.builds(
    Movement, entry_m=st.sampled_from([0.0, 10.0, 60.0]), exit_m=st.sampled_from([0.0, 20.0, 60.0]),
    accuracy_m=st.sampled_from([0.0, 8.0]), dwell_s=st.sampled_from([(), (10.0, 30.0)]),
    max_gap_s=st.sampled_from([None, 30.0]),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(tracks(), RULES, st.sets(st.integers(1, 59)))
def test_events_are_those_of_a_slow_replay_however_batches_are_cut_and_things_alternate(
    went: Tracks, rule: Movement, cuts: set[int]
) -> None:
    replay = Replay(FEATURES, LAYERS, ["risk"], ZONES.metres.zone, went)
    true = replay.events(rule)
    by_thing = np.argsort(went.slot, kind="stable")
    ends = np.array([*sorted(c for c in cuts if c < len(went)), len(went)])
    for order, some in ((np.arange(len(went)), ends), (by_thing, ends), (by_thing, ends[-1:])):
        assert differ(said(ZONES, LAYERS, rule, went, order, some), true) == 0
    taken = rule.take(ZONES, Presence(), went.slot, went.lon, went.lat, went.t, went.accuracy)
    assert taken.counts() == replay.outcomes()


def test_the_replay_sees_a_buffer_that_is_a_metre_off() -> None:
    n = 60
    lon = np.full(n, WEST + SIDE) + np.linspace(-40, 40, n) * METRE
    went = Tracks(np.zeros(n, np.int32), lon, np.full(n, SOUTH + SIDE / 4), np.arange(1, n + 1), np.full(n, np.nan))
    true = Replay(FEATURES, LAYERS, ["risk"], ZONES.metres.zone, went).events(Movement())
    order, cut = np.arange(n), np.array([n])
    assert differ(said(ZONES, LAYERS, Movement(), went, order, cut), true) == 0
    assert differ(said(ZONES, LAYERS, Movement(exit_m=21.5), went, order, cut), true) > 0


@settings(max_examples=15, deadline=None)
@given(st.floats(0.02, 0.48), st.floats(0.02, 0.48), st.integers(1, 30))
def test_a_thing_that_stands_still_enters_once(x: float, y: float, n: int) -> None:
    points = [(WEST + x * SIDE, SOUTH + y * SIDE, 1000 * k) for k in range(1, n + 1)]
    assert take(Movement(), points) == [(ENTER, MOVED, "g0", 1000)]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(-18, 18), min_size=1, max_size=40))
def test_a_track_that_trembles_on_a_border_does_not_flap(metres: list[float]) -> None:
    deep = (WEST + SIDE - 60 * METRE, SOUTH + SIDE / 10)
    points = [(*deep, 1000)] + [(WEST + SIDE + m * METRE, deep[1], 2000 + k) for k, m in enumerate(metres)]
    kinds = [(kind, code) for kind, _, code, _ in take(Movement(entry_m=20, exit_m=20), points)]
    assert kinds == [(ENTER, "g0")]


def test_a_position_as_vague_as_the_zone_is_deep_neither_enters_nor_leaves() -> None:
    state = Presence()
    assert take(Movement(), [(*MIDDLE, 1000)], 300.0, state) == []
    assert take(Movement(), [(*MIDDLE, 2000)], 5.0, state) == [(ENTER, MOVED, "g0", 2000)]
    outside = (WEST - 100 * METRE, MIDDLE[1])
    assert take(Movement(), [(*outside, 3000)], 300.0, state) == []
    assert take(Movement(), [(*outside, 4000)], 5.0, state) == [(LEAVE, MOVED, "g0", 4000)]


def test_late_repeated_and_missing_positions_change_nothing_and_are_counted() -> None:
    far = (WEST - SIDE, SOUTH)
    points = [(*MIDDLE, 5000), (*far, 4000), (*far, 5000), (math.nan, SOUTH, 6000), (math.inf, SOUTH, 6000),
              (*MIDDLE, 7000)]  # fmt: skip
    at = np.array(points)
    taken = Movement().take(ZONES, Presence(), np.zeros(6, np.int32), at[:, 0].copy(), at[:, 1].copy(),
                            at[:, 2].astype(np.int64))  # fmt: skip
    assert told(taken.events) == [(ENTER, MOVED, "g0", 5000)]
    assert [OUTCOMES[k] for k in taken.outcome] == ["taken", "late", "repeated", "no_position", "no_position", "taken"]
    assert taken.counts() == {"taken": 2, "no_position": 2, "late": 1, "repeated": 1, "no_edition": 0}


def test_a_position_older_than_the_map_is_counted_and_changes_nothing() -> None:
    zones = Zones(CityMap([Feature("grid", "g", box(0, 0), since=CHANGE)]), ["grid"])
    assert take(Movement(), [(*MIDDLE, CHANGE - 1), (*MIDDLE, CHANGE)], zones=zones) == [(ENTER, MOVED, "g", CHANGE)]


def test_each_duration_is_told_once_a_visit_by_the_first_position_that_shows_it() -> None:
    rule = Movement(dwell_s=(10, 20, 60))
    points = [(*MIDDLE, t) for t in (1_000, 10_999, 11_000, 12_000, 75_000, 80_000)]
    away, back = [(WEST - SIDE, SOUTH, 90_000)], [(*MIDDLE, t) for t in (100_000, 111_000)]
    at = np.array(points + away + back)
    events = rule.take(ZONES, Presence(), np.zeros(9, np.int32), at[:, 0].copy(), at[:, 1].copy(),
                       at[:, 2].astype(np.int64)).events  # fmt: skip
    dwells = events[events["kind"] == DWELL][["t", "since", "dwell"]].tolist()
    assert dwells == [(11_000, 1_000, 10_000), (75_000, 1_000, 20_000), (75_000, 1_000, 60_000),
                      (111_000, 100_000, 10_000)]  # fmt: skip


def test_silence_ends_a_visit_only_by_rule_and_at_the_last_position_heard() -> None:
    points = [(*MIDDLE, 1000), (*MIDDLE, 40_000)]
    assert take(Movement(), points) == [(ENTER, MOVED, "g0", 1000)]
    ended = [(ENTER, MOVED, "g0", 1000), (LEAVE, SILENT, "g0", 1000), (ENTER, MOVED, "g0", 40_000)]
    assert take(Movement(max_gap_s=38.9), points) == ended
    assert take(Movement(max_gap_s=39), points) == ended[:1]


def test_a_clock_ends_silent_visits_as_the_next_position_would() -> None:
    rule, state = Movement(max_gap_s=30), Presence()
    take(rule, [(*MIDDLE, 1000)], state=state)
    assert len(rule.silent(state, 31_000)) == 0
    assert told(rule.silent(state, 31_001)) == [(LEAVE, SILENT, "g0", 1000)]
    assert len(rule.silent(state, 99_000)) == 0
    assert take(rule, [(*MIDDLE, 40_000)], state=state) == [(ENTER, MOVED, "g0", 40_000)]
    assert len(Movement().silent(state, 10**12)) == 0


def test_a_zone_out_of_force_is_left_and_one_with_a_new_shape_is_not() -> None:
    g3, g2 = (WEST + 1.8 * SIDE, SOUTH + 1.8 * SIDE), (WEST + 0.2 * SIDE, SOUTH + 1.2 * SIDE)
    assert take(Movement(), [(*g3, 1000), (*g3, CHANGE)]) == [(ENTER, MOVED, "g3", 1000), (LEAVE, ENDED, "g3", CHANGE)]
    assert take(Movement(), [(*g2, 1000), (*g2, CHANGE)]) == [(ENTER, MOVED, "g2", 1000)]
    cut_off = (WEST + 0.1 * SIDE, SOUTH + 1.8 * SIDE)
    assert take(Movement(), [(*cut_off, 1000), (*cut_off, CHANGE)])[-1] == (LEAVE, MOVED, "g2", CHANGE)


def test_visits_go_on_on_another_map_and_those_in_zones_that_are_gone_end() -> None:
    state, both = Presence(), (WEST + 0.8 * SIDE, SOUTH + 0.8 * SIDE)
    take(Movement(), [(*both, 1000)], state=state)
    later = Zones(CityMap([Feature("grid", "f", box(5, 5)), *FEATURES[1:]]), LAYERS)
    assert told(renumber(state, ZONES, later)) == [(LEAVE, ENDED, "g0", 1000)]
    assert take(Movement(), [(WEST - SIDE, SOUTH, 2000)], state=state, zones=later) == [(LEAVE, MOVED, "r0", 2000)]
    with pytest.raises(ValueError, match="expected the order of before, got"):
        renumber(state, ZONES, Zones(CityMap(FEATURES), LAYERS[::-1]))


def test_a_thing_can_be_in_more_zones_than_the_state_had_rows() -> None:
    zones = Zones(CityMap([Feature("risk", f"r{k:03d}", box(0, 0, 1 + k / 100)) for k in range(66)]), ["risk"])
    state = Presence()
    assert len(take(Movement(), [(*MIDDLE, 1000)], state=state, zones=zones)) == 66
    left = take(Movement(), [(WEST - SIDE, SOUTH, 2000)], state=state, zones=zones)
    assert [code for _, _, code, _ in left] == zones.code
    assert (state.things["n"] == 0).all()
    take(Movement(), [(*MIDDLE, 3000)], state=state, zones=zones)
    assert state.inside[0]["used"] == 66


class Kept(Presence):
    """The state in tables of the engine."""

    def __init__(self, store: Store) -> None:
        self.tables = {name: store.table(name) for name in ("things", "inside")}
        self.room(1, 1)

    def room(self, things: int, inside: int) -> None:
        for name, n in (("things", things), ("inside", inside)):
            table: Table = self.tables[name]
            table.slots(b"%d" % k for k in range(table.n, n))
            setattr(self, name, table.rows[: table.n])
            setattr(self, f"{name}_dirty", table.dirty[: table.n])


def test_the_engines_tables_carry_the_state_over_a_restart() -> None:
    random = np.random.default_rng(3)
    n, things = 400, 40
    slot = random.integers(0, things, n).astype(np.int32)
    lon, lat = WEST + random.uniform(-0.2, 2, n) * SIDE, SOUTH + random.uniform(-0.2, 2, n) * SIDE
    t, rule = np.arange(1, n + 1) * 1000, Movement(dwell_s=(20.0,))
    whole = rule.take(ZONES, Presence(), slot, lon, lat, t).events
    log: list[tuple[bytes, bytes | None]] = []
    parts = []
    for k, part in enumerate(np.array_split(np.arange(n), 8)):
        store = Store({"things": THING, "inside": INSIDE}, "lane")
        store.restore(log)
        parts.append(rule.take(ZONES, Kept(store), slot[part], lon[part], lat[part], t[part]).events)
        log += store.flush(k + 1)
    fields = [name for name in whole.dtype.names or () if name != "row"]
    assert len(whole) > 100
    assert np.concatenate(parts)[fields].tolist() == whole[fields].tolist()


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"entry_m": -1}, "entry_m: expected metres, at least 0, got -1"),
        ({"exit_m": math.nan}, "exit_m: expected metres"),
        ({"dwell_s": (10, 5)}, "dwell_s: expected seconds above 0, rising"),
        ({"dwell_s": (0,)}, "dwell_s: expected seconds above 0"),
        ({"max_gap_s": 0.0004}, "max_gap_s: expected seconds, at least 0.001, or None"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(rule: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Movement(**rule)


def test_columns_and_layers_that_cannot_be_are_refused() -> None:
    one = np.array([113.5])
    with pytest.raises(ValueError, match="columns: expected 2 of each"):
        Movement().take(ZONES, Presence(), np.zeros(2, np.int32), one, one, np.ones(1, np.int64))
    with pytest.raises(ValueError, match="times above 0, got 0 and 0"):
        Movement().take(ZONES, Presence(), np.zeros(1, np.int32), one, one, np.zeros(1, np.int64))
    with pytest.raises(MapError, match="zones: expected layers of grid, risk, each once, got sea"):
        Zones(CityMap(FEATURES), ["sea"])
