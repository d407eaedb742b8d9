"""Camera metadata: from boxes to places on the ground, tracks, events of zones and lines, and crowds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.harness import shared
from models.video.crowd import crowd
from models.video.homography import Degenerate, register
from models.video.link import CAPACITY, NO_ID, Linked, Linker
from models.video.measure import Frames, Measure, Measures
from models.video.watch import Crossing, Dwell, Intrusion, Kind, Rule, Standing, Watch, WrongWay

F8 = NDArray[np.float64]
SQUARE = ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0))
FRAME = 200
REAL = shared(Path("shared/data/mot_tud_tracks/TUD-Campus"))


def columns(rows: Any) -> tuple[Any, ...]:
    """(frame, id, x, y) a row to the linker's columns of one camera, all of class 0."""
    table = np.array(rows, np.float64).reshape(-1, 4)
    n = len(table)
    return (
        np.zeros(n, np.int32), (table[:, 0] * FRAME).astype(np.int64), table[:, 1].astype(np.int64),
        np.zeros(n, np.int32), table[:, 2].copy(), table[:, 3].copy(),
    )  # fmt: skip


def link(rows: Any, model: Linker | None = None, state: NDArray[Any] | None = None) -> Linked:
    model = model or Linker()
    return model.link(np.zeros(1, model.state) if state is None else state, *columns(rows))


def events(rules: Sequence[Rule], rows: Any, cut: int = 10**9) -> list[tuple[int, int, float]]:
    """(frame, kind, value) of all events, in batches of ``cut`` rows."""
    linker, watch = Linker(), Watch(rules)
    tracks, stays = np.zeros(1, linker.state), np.zeros(1, watch.state)
    table = np.array(rows, np.float64)
    out = []
    for a in range(0, len(table), cut):
        camera, t, ids, kind, x, y = columns(table[a : a + cut])
        linked = linker.link(tracks, camera, t, ids, kind, x, y)
        found = watch.look(stays, camera, t, kind, x, y, linked)
        out += [(int(e["t"]) // FRAME, int(e["kind"]), float(e["value"])) for e in found]
    return out


def walk(xs: Any, ys: Any, number: int = 7) -> list[tuple[int, int, float, float]]:
    return [(f, number, float(x), float(y)) for f, (x, y) in enumerate(zip(xs, ys, strict=True)) if not math.isnan(x)]


CORNERS = np.array([[100.0, 400.0], [540.0, 410.0], [420.0, 120.0], [220.0, 110.0], [320.0, 250.0], [300.0, 380.0]])
CAMERA = np.array([[0.02, 0.001, -3.0], [0.0005, -0.05, 25.0], [0.00005, 0.002, 0.1]])


def seen(points: F8) -> F8:
    flat = np.column_stack([points, np.ones(len(points))]) @ CAMERA.T
    ground: F8 = flat[:, :2] / flat[:, 2:]
    return ground


def test_a_registered_camera_puts_other_points_where_they_are() -> None:
    got = register(CORNERS, seen(CORNERS))
    others = np.array([[150.0, 300.0], [400.0, 200.0]])
    np.testing.assert_allclose(got.to_ground(others), seen(others), atol=1e-6)
    assert got.max_m < 1e-6


def test_the_error_of_the_pairs_is_reported_in_metres_and_a_pair_that_is_off_is_named() -> None:
    ground = seen(CORNERS)
    ground[4] += [0.4, 0.0]
    got = register(CORNERS, ground)
    assert 0.05 < got.rms_m <= got.max_m < 0.4
    with pytest.raises(Degenerate, match=r"errors up to 0\.01 m, got .* at pair 4"):
        register(CORNERS, ground, most_m=0.01)


def test_what_is_beyond_the_horizon_is_nowhere_on_the_ground() -> None:
    got = register(CORNERS, seen(CORNERS))
    horizon = -CAMERA[2, 2] / CAMERA[2, 1]
    assert np.isnan(got.to_ground(np.array([[0.0, horizon - 5.0], [np.nan, 1.0], [np.inf, 1.0], [1e300, 1.0]]))).all()
    assert np.isfinite(got.to_ground(np.array([[0.0, horizon + 5.0]]))).all()


@pytest.mark.parametrize(
    ("image", "ground", "says"),
    [
        (CORNERS[:3], CORNERS[:3], "at least 4"),
        (np.array([[0, 0], [1, 1], [2, 2], [0, 5.0]]), np.array([[0, 0], [1, 1], [2, 2], [0, 5.0]]), "on one line"),
        (np.array([[0, 0], [1, 0], [1, 1], [0, 1.0]]), np.array([[0, 0], [1, 1], [2, 2], [3, 3.0]]), "one line|fold"),
        (np.ones((4, 2)), CORNERS[:4], "apart from each other"),
        (np.array([[0, 0], [1, 0], [1, 1], [0, 1.0]]), np.array([[0, 0], [1, 0], [0, 1], [1, 1.0]]), "horizon"),
        (np.array([[0, 0], [1, 0], [1, 1], [0, np.nan]]), CORNERS[:4], "finite"),
    ],
)
def test_pairs_that_fix_no_homography_are_refused_with_the_reason(image: F8, ground: F8, says: str) -> None:
    with pytest.raises(Degenerate, match=says):
        register(image, ground)


def test_a_track_goes_on_over_a_gap_and_a_new_id() -> None:
    rows = [(f, 7 if f < 10 else 9, 0.2 * f, 0.0) for f in range(20) if not 10 <= f < 15]
    got = link(rows)
    assert set(got.track) == {1}
    assert got.fresh.tolist() == [True] + [False] * 14
    assert got.vx[-1] == pytest.approx(1.0, abs=0.2)


def test_a_gap_that_is_too_long_or_a_leap_that_is_too_far_begins_a_new_track() -> None:
    assert link([(0, 7, 0, 0), (11, 7, 0, 0)]).track.tolist() == [1, 2]
    assert link([(0, 7, 0, 0), (1, 7, 500, 0)]).track.tolist() == [1, 2]


def test_two_objects_that_lose_their_ids_at_once_are_joined_by_their_places_in_any_order() -> None:
    before = [(0, 1, 0.0, 0.0), (0, 2, 1.0, 0.0)]
    for after in ([(1, 3, 0.1, 0.0), (1, 4, 1.1, 0.0)], [(1, 4, 1.1, 0.0), (1, 3, 0.1, 0.0)]):
        got = link(before + after).track[2:]
        assert {round(row[2]): int(k) for row, k in zip(after, got, strict=True)} == {0: 1, 1: 2}


def test_another_class_does_not_take_over_a_track() -> None:
    model = Linker()
    camera, t, ids, _, x, y = columns([(0, 1, 0, 0), (1, 2, 0, 0)])
    got = model.link(np.zeros(1, model.state), camera, t, ids, np.array([0, 1], np.int32), x, y)
    assert got.track.tolist() == [1, 2]


def test_frames_that_come_late_and_places_that_are_none_are_not_followed() -> None:
    got = link([(5, 1, 0, 0), (4, 1, 0, 0), (6, 1, np.nan, 0), (7, 1, np.inf, 0), (8, 1, 0, 0)])
    assert got.track.tolist() == [1, 0, 0, 0, 1]


def test_more_objects_than_there_are_places_for_are_not_followed_and_say_so() -> None:
    rows = [(0, k, 10.0 * k, 0.0) for k in range(CAPACITY + 5)]
    assert (link(rows).track == 0).sum() == 5


def test_cutting_between_frames_changes_nothing() -> None:
    random = np.random.default_rng(1)
    rows = [(f, k + 10 * (f // 8), k + random.normal(0, 0.1), 0.05 * f) for f in range(30) for k in range(5)]
    state, cut = np.zeros(1, Linker().state), np.zeros(1, Linker().state)
    whole = link(rows, state=state)
    parts = [link(rows[a : a + 5], state=cut) for a in range(0, len(rows), 5)]
    np.testing.assert_array_equal(whole.track, np.concatenate([p.track for p in parts]))
    assert state.tobytes() == cut.tobytes()


def test_an_intrusion_is_told_once_a_stay_and_again_after_a_real_absence() -> None:
    xs = [-1, 5, 5, -1, 5, 5] + [-1] * 8 + [5, 5]
    assert [e[0] for e in events([Intrusion(0, SQUARE)], walk(xs, [5] * len(xs)))] == [1, 14]


def test_dwell_counts_through_gaps_and_a_changed_id() -> None:
    rows = walk([5.0] * 60, [5.0] * 60)
    torn = [(f, 7 if f < 30 else 8, x, y) for f, _, x, y in rows if not 20 <= f < 28]
    assert events([Dwell(0, SQUARE, 10.0)], torn) == [(50, Kind.DWELL, 10.0)]


def test_standing_means_one_spot_and_dwelling_does_not() -> None:
    round_and_round = [5 + 3 * math.cos(f / 5) for f in range(80)], [5 + 3 * math.sin(f / 5) for f in range(80)]
    rules: list[Rule] = [Standing(0, SQUARE, 10.0), Dwell(0, SQUARE, 10.0)]
    assert [e[1] for e in events(rules, walk(*round_and_round))] == [Kind.DWELL]
    trembling = np.random.default_rng(2).normal(5.0, 0.2, (2, 80))
    assert [e[1] for e in events(rules, walk(*trembling))] == [Kind.STANDING, Kind.DWELL]


def test_wrong_way_needs_a_way_and_trembling_is_none() -> None:
    rule = WrongWay(0, SQUARE, heading=(1.0, 0.0), distance=3.0)
    along, against = np.linspace(1, 9, 40), np.linspace(9, 1, 40)
    trembling = 5 + np.random.default_rng(3).normal(0, 0.1, 40)
    assert events([rule], walk(along, [5] * 40)) == []
    assert events([rule], walk(trembling, [5] * 40)) == []
    found = events([rule], walk(against, [5] * 40))
    assert [e[1] for e in found] == [Kind.WRONG_WAY]
    assert found[0][2] == pytest.approx(3.0, abs=0.25)


def test_a_line_is_crossed_with_its_direction_and_hesitating_on_it_counts_once() -> None:
    line = Crossing(0, (5.0, 0.0), (5.0, 10.0))  # looking up: left is the smaller x
    hesitating = [4.0, 4.5, 4.9, 5.1, 4.9, 5.2, 5.0, 5.5, 6.0]
    assert events([line], walk(hesitating, [5] * 9)) == [(7, Kind.CROSSING, 1.0)]
    assert events([line], walk(hesitating[::-1], [5] * 9)) == [(7, Kind.CROSSING, -1.0)]


def test_who_goes_past_the_end_of_a_line_has_not_crossed_it() -> None:
    assert events([Crossing(0, (5.0, 0.0), (5.0, 10.0))], walk([4.0, 6.0], [12.0, 12.0])) == []


def test_rules_are_for_their_camera_and_classes_only() -> None:
    rows = walk([5.0] * 5, [5.0] * 5)
    assert events([Intrusion(1, SQUARE)], rows) == []
    assert events([Intrusion(0, SQUARE, frozenset({3}))], rows) == []


@pytest.mark.parametrize("cut", [1, 3])
def test_the_size_of_a_batch_changes_no_event(cut: int) -> None:
    rules: list[Rule] = [Intrusion(0, SQUARE), Standing(0, SQUARE, 2.0), Crossing(0, (5.0, 0.0), (5.0, 10.0))]
    rows = walk(np.repeat([-1.0, 3.0, 6.0, 9.0, 12.0], 12), [5.0] * 60)
    assert len(events(rules, rows)) >= 4
    assert events(rules, rows, cut) == events(rules, rows)


def test_a_crowd_is_counted_per_frame_and_its_flow_has_a_direction_and_an_order() -> None:
    one_way = [(f, k, 1.0 + k + 0.1 * f, 5.0) for f in range(10) for k in range(5)]
    all_ways = [(f, k, 5.0 + 0.1 * f * (-1) ** k, 2.0 + k) for f in range(10) for k in range(4)]
    for rows, order in ((one_way, 1.0), (all_ways, 0.0)):
        camera, t, _, _, x, y = columns(rows)
        got = crowd([(0, SQUARE), (1, SQUARE)], camera, t, x, y, link(rows))
        assert len(got) == 10
        assert (got["count"] == len(rows) // 10).all()
        assert got["density"][0] == pytest.approx(len(rows) / 1000)
        assert np.isnan(got["vx"][0])
        assert got["order"][-1] == pytest.approx(order, abs=0.05)
    camera, t, _, _, x, y = columns([])
    assert len(crowd([(0, SQUARE)], camera, t, x, y, link([]))) == 0


def test_objects_without_an_id_are_joined_by_their_places_alone() -> None:
    rows = [(f, NO_ID, x + 0.1 * f, 0.0) for f in range(5) for x in (0.0, 3.0, 5.0)]
    assert link(rows).track.reshape(5, 3).tolist() == [[1, 2, 3]] * 5


def measured(model: Measures, rows: Any, cut: int) -> tuple[F8, bytes]:
    """(frames, measures), frames 0 to the last, in batches of ``cut`` frames; and the state in the end."""
    camera, t, ids, kind, x, y = columns(rows)
    state, last = model.fresh(), int(t.max()) // FRAME
    out = []
    for a in range(0, last + 1, cut):
        times = np.arange(a, min(a + cut, last + 1)) * FRAME
        first = np.searchsorted(t, np.append(times, times[-1] + 1))
        mine = slice(first[0], first[-1])
        frames = Frames(times + 1, first - first[0], ids[mine], kind[mine], camera[mine], x[mine], y[mine])
        out.append(model.run(state, frames).value)
    return np.concatenate(out), b"".join(part.tobytes() for part in state)


ALL_MEASURES = [
    Measure("count", SQUARE), Measure("density", SQUARE, area=50.0), Measure("flow", SQUARE, exits=((20.0, 5.0),)),
    Measure("intrusion", SQUARE), Measure("dwell", SQUARE), Measure("standing", SQUARE),
    Measure("wrong_way", SQUARE, heading=(-1.0, 0.0)),
    Measure("crossing", a=(5.0, 0.0), b=(5.0, 10.0), window_s=2.0, most=4),
]  # fmt: skip


def test_each_measure_is_its_number_of_the_frame() -> None:
    value, _ = measured(Measures(Linker(), ALL_MEASURES), walk(np.arange(-1.0, 12.0, 0.25), [5.0] * 52), 100)
    count, density, flow, intrusion, dwell, standing, wrong, crossed = value[40]  # at 9 m, since 0 m in frame 4 within
    assert (count, density, intrusion, crossed) == (1.0, 0.02, 1.0, 0.0)
    assert flow == pytest.approx(60 * 1.25 / 100, rel=1e-3)
    assert dwell == pytest.approx(36 * 0.2 - 0.2, abs=0.21)
    assert wrong == pytest.approx(9.0, abs=0.26)
    assert 0 <= standing <= 1.4
    assert value[28, 7] == 1.0
    assert value[51, :5].tolist() == [0.0, 0.0, 0.0, 0.0, 0.0]


def test_a_number_falls_back_to_the_next_object_when_the_one_that_made_it_is_gone() -> None:
    rows = sorted([(f, 1, 3.0, 3.0) for f in range(30)] + [(f, 2, 7.0, 7.0) for f in range(10, 60)])
    value, _ = measured(Measures(Linker(gap_s=1.0), ALL_MEASURES[4:5]), rows, 7)
    assert value[29, 0] == pytest.approx(5.8)
    assert value[34, 0] == pytest.approx(5.8)
    assert value[36, 0] == pytest.approx(5.2)


def test_a_window_holds_as_many_crossings_as_are_asked_for() -> None:
    rows = [(f, 100 * k + f // 2, 4.0 if f % 2 == 0 else 6.0, 1.0 + k) for f in range(12) for k in range(3)]
    value, _ = measured(Measures(Linker(reach=0.1), ALL_MEASURES[7:]), rows, 5)
    assert value[:, 0].max() == 4


@pytest.mark.parametrize("cut", [1, 4])
def test_the_size_of_a_batch_of_frames_changes_neither_numbers_nor_memory(cut: int) -> None:
    random = np.random.default_rng(4)
    rows = [
        (f, k + 10 * (f // 8), k + random.normal(0, 0.3), 0.2 * f + random.normal(0, 0.1))
        for f in range(50) for k in range(8) if (f + k) % 7
    ]  # fmt: skip
    whole, parts = (measured(Measures(Linker(), ALL_MEASURES), rows, c) for c in (1000, cut))
    np.testing.assert_array_equal(whole[0], parts[0])
    assert whole[1] == parts[1]


NUMBERS = st.one_of(st.floats(), st.sampled_from([0.0, 5.0, 1e300, -1e9, math.nan, math.inf]))


@settings(deadline=None, max_examples=30)
@given(
    rows=st.lists(
        st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(0, 3), st.integers(-5, 99), NUMBERS, NUMBERS),
        max_size=15,
    )
)
def test_nothing_that_can_be_sent_raises(rows: list[tuple[int, int, int, float, float]]) -> None:
    t, ids, kind, x, y = (np.array([r[k] for r in rows]) for k in range(5))
    args = (t.astype(np.int64), ids.astype(np.int64), kind.astype(np.int32), x.astype(np.float64), y.astype(np.float64))
    camera = np.zeros(len(rows), np.int32)
    linker = Linker()
    linked = linker.link(np.zeros(1, linker.state), camera, *args)
    watch = Watch([Intrusion(0, SQUARE), WrongWay(0, SQUARE, (0.0, 1.0)), Crossing(0, (0.0, 0.0), (1.0, 0.0))])
    found = watch.look(np.zeros(1, watch.state), camera, args[0], args[2], args[3], args[4], linked)
    assert len(found) <= 3 * len(rows)
    assert not np.isinf(crowd([(0, SQUARE)], camera, args[0], args[3], args[4], linked)["density"]).any()


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (Intrusion(0, SQUARE[:2]), r"rules\[0\]: zone: expected at least 3"),
        (Dwell(0, ((0.0, 0.0), (1.0, 1.0), (2.0, 2.0)), 1.0), "expected corners around an area"),
        (Dwell(0, SQUARE, 0.0), "seconds: expected"),
        (Standing(0, SQUARE, 1.0, radius=-1.0), "radius: expected"),
        (WrongWay(0, SQUARE, (0.0, 0.0)), "heading: expected"),
        (Crossing(0, (1.0, 1.0), (1.0, 1.0)), "a, b: expected"),
        (Intrusion(-1, SQUARE), "camera: expected"),
        (Intrusion(0, SQUARE, frozenset({63})), "classes: expected"),
    ],
)
def test_rules_without_meaning_are_refused_by_name(rule: Rule, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Watch([rule])


def test_columns_that_do_not_fit_are_refused() -> None:
    model = Linker()
    camera, t, ids, kind, x, y = columns([(0, 1, 0, 0)])
    state = np.zeros(1, model.state)
    with pytest.raises(ValueError, match="columns: expected 1 rows"):
        model.link(state, camera, t, ids, kind, x[:0], y)
    with pytest.raises(ValueError, match="camera: expected 0 to 0"):
        model.link(state, camera + np.int32(1), t, ids, kind, x, y)
    with pytest.raises(ValueError, match="state: expected rows"):
        model.link(np.zeros(1), camera, t, ids, kind, x, y)
    with pytest.raises(ValueError, match="gap_s: expected"):
        Linker(gap_s=0.0)


def purity(person: NDArray[np.int64], track: NDArray[np.int64]) -> float:
    """Share of rows that belong to the person whom most rows of their track belong to."""
    kept = sum(int(np.unique(person[track == k], return_counts=True)[1].max()) for k in np.unique(track))
    return kept / len(track)


@pytest.mark.skipif(REAL is None, reason="no shared/data/mot_tud_tracks beside or above the project")
def test_on_a_real_street_broken_tracks_are_mended_without_mixing_people_and_true_ones_are_left_alone() -> None:
    assert REAL is not None
    read = {}
    for name in ("gt", "test"):
        table = np.loadtxt(REAL / f"{name}.txt", delimiter=",")
        table = table[np.lexsort((table[:, 1], table[:, 0]))]
        frame, ids, left, top, wide, high = table[:, :6].T
        n, model = len(table), Linker(gap_s=1.0, reach=30.0, top=3000.0)
        t, x, y = (frame * 40).astype(np.int64), left + wide / 2, top + high
        zeros = np.zeros(n, np.int32)
        got = model.link(np.zeros(1, model.state), zeros, t, ids.astype(np.int64), zeros, x, y)
        read[name] = (t, ids.astype(np.int64), x, y, got.track)
    t, ids, x, y, track = read["test"]
    true_t, true_ids, true_x, true_y, true_track = read["gt"]
    assert len(set(true_ids)) == len(set(true_track))
    far = np.hypot(x[:, None] - true_x, y[:, None] - true_y) + np.where(t[:, None] == true_t, 0.0, np.inf)
    person = np.where(far.min(axis=1) < 40.0, true_ids[far.argmin(axis=1)], 0)
    assert len(set(track)) <= len(set(ids)) - 3
    assert purity(person, track) >= purity(person, ids)
