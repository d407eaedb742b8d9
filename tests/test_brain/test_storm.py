"""The storm's generator keeps its own rules for every seed, tells as lanes tell, and its file is read strictly."""

from __future__ import annotations

import gzip
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import brain.drill.storm
from brain.cli import app
from brain.drill.city import City, make_city
from brain.drill.city.terrain import plane
from brain.drill.storm import FULL, SMALL, Size, Storm, make_storm
from brain.drill.storm.file import StormFileError, read, write
from brain.drill.storm.ground import Cell, Ground
from brain.drill.storm.kinds import BY_ID, FAMILIES, KINDS, LIFE
from brain.drill.storm.make import START
from streams.pulse import hold
from streams.records import Signal

SEEDS = (1, 2, 3, 4, 5)
TEN = 600_000


@cache
def city() -> City:
    return make_city(1, "small")


@cache
def storm(seed: int) -> Storm:
    return make_storm(seed, SMALL, city())


def at(*places: Any) -> np.ndarray[Any, Any]:
    """Plane metres (n, 2) of whatever has lon and lat."""
    x, y = plane(np.array([p.lon for p in places]), np.array([p.lat for p in places]))
    return np.column_stack((x, y))


def family(signal: Signal) -> str:
    return BY_ID[signal.scenario].family


def most_in_ten_minutes(times: list[int]) -> int:
    return max(sum(a <= b < a + TEN for b in times) for a in times)


def counts_hold(made: Storm, size: Size) -> None:
    life = [s for s in made.signals if s.life]
    assert len(made.signals) >= size.signals
    assert sum(t.life for t in made.truths) >= size.life
    assert sum(not t.life for t in made.truths) >= size.ordinary
    assert {label for label in made.labels if label} == {t.id for t in made.truths}
    assert sum(label is None for label in made.labels) > 0.75 * len(made.signals)
    assert {s.source for s in made.signals} == {"iot", "video", "hotline"}
    assert len({s.scenario.partition(".")[0] for s in made.signals}) == 6
    assert len({s.identity() for s in life}) >= 4 * size.life


def limits_hold(made: Storm) -> None:
    begun: defaultdict[str, list[int]] = defaultdict(list)
    for truth in made.truths:
        begun[truth.family.partition(".")[0]].append(truth.onset)
    assert max(map(most_in_ten_minutes, begun.values())) <= 6
    sites: dict[tuple[str, str], int] = {}
    for signal, label in zip(made.signals, made.labels, strict=True):
        if signal.life:
            sites.setdefault((family(signal), label or signal.asset), signal.t)
    lives: defaultdict[str, list[int]] = defaultdict(list)
    for (name, _), t in sites.items():
        lives[name.partition(".")[0]].append(t)
    assert max(map(most_in_ten_minutes, lives.values())) <= 4


def seconds_hold(made: Storm) -> None:
    """Of every ordinary truth: who tells of it second, and when."""
    truths = {t.id: t for t in made.truths if not t.life}
    raises: defaultdict[str, list[Signal]] = defaultdict(list)
    for signal, label in zip(made.signals, made.labels, strict=True):
        if label in truths and signal.kind == "raise" and family(signal) == truths[label].family:
            raises[label].append(signal)
    assert set(raises) == set(truths)
    for name, told in raises.items():
        first, *others = sorted(told, key=lambda s: s.t)
        second = min((s.t for s in others if s.asset != first.asset), default=None)
        assert second is not None, f"{name}: one tells of it, ever"
        lone = (first.source, first.level >= 3, second - first.t >= 120_000) == ("iot", True, True)
        assert lone or second - first.t <= 100_000, name


@pytest.mark.parametrize("seed", SEEDS)
def test_a_storm_has_what_it_promises_and_no_console_gets_too_much_at_once(seed: int) -> None:
    counts_hold(storm(seed), SMALL)
    limits_hold(storm(seed))


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2, 11])
def test_a_full_storm_has_fifty_thousand_signals_around_more_than_sixty_truths(seed: int) -> None:
    made = make_storm(seed, FULL)
    counts_hold(made, FULL)
    limits_hold(made)
    seconds_hold(made)
    assert len(made.signals) >= 50_000
    assert len(made.truths) >= 60
    assert sum(s.life and s.kind == "raise" for s in made.signals) >= 200
    assert made.signals[-1].t - made.signals[0].t <= 6 * 3_600_000


@pytest.mark.parametrize("seed", SEEDS)
def test_truths_of_one_family_are_600_m_apart(seed: int) -> None:
    for name in FAMILIES:
        places = at(*(t for t in storm(seed).truths if t.family == name)) if name else None
        if places is not None and len(places) > 1:
            away = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
            assert away[np.triu_indices(len(places), 1)].min() >= 600


@pytest.mark.parametrize("seed", SEEDS)
def test_half_the_never_hidden_truths_lie_in_storm_cells(seed: int) -> None:
    ground = Ground(seed, SMALL, START, city())
    lives = [t for t in storm(seed).truths if t.life]
    inside = sum(ground.stormy(*at(t)[0], t.onset) for t in lives)
    assert 0.4 <= inside / len(lives) <= 0.6


@pytest.mark.parametrize("seed", SEEDS)
def test_a_truth_is_first_told_of_near_it_and_at_once(seed: int) -> None:
    first: dict[str, Signal] = {}
    for signal, label in zip(storm(seed).signals, storm(seed).labels, strict=True):
        if label is not None and (label not in first or signal.t < first[label].t):
            first[label] = signal
    for truth in storm(seed).truths:
        told = first[truth.id]
        assert (told.t, family(told)) == (truth.onset, truth.family)
        assert np.hypot(*(at(told)[0] - at(truth)[0])) <= 200


RULED = (*SEEDS, 22, 35, 44, 59)
"""In 3 and the last four what was drawn breaks the rule: calls that are left out, effects that come too soon."""


@pytest.mark.parametrize("seed", RULED)
def test_of_every_ordinary_truth_a_second_one_tells_soon_or_a_lone_sensor_says_level_3_for_two_minutes(
    seed: int,
) -> None:
    seconds_hold(storm(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_callers_are_wrong_by_150_m_at_most_and_never_tell_of_two_truths_in_one_case(seed: int) -> None:
    truths = {t.id: t for t in storm(seed).truths}
    cases: defaultdict[str, set[str | None]] = defaultdict(set)
    for signal, label in zip(storm(seed).signals, storm(seed).labels, strict=True):
        if signal.source == "hotline":
            cases[signal.identity()].add(label)
            if label is not None:
                assert np.hypot(*(at(signal)[0] - at(truths[label])[0])) <= 151
    assert all(len(labels) == 1 for labels in cases.values())
    assert any(label is None for labels in cases.values() for label in labels)


@pytest.mark.parametrize("seed", SEEDS)
def test_mere_effects_never_stand_where_a_truth_of_their_own_family_is(seed: int) -> None:
    made = storm(seed)
    truths = {t.id: t for t in made.truths}
    for signal, label in zip(made.signals, made.labels, strict=True):
        if label is None or family(signal) == truths[label].family:
            continue
        others = [t for t in made.truths if t.family == family(signal)]
        assert all(np.hypot(*(at(signal)[0] - at(t)[0])) > 700 for t in others)


@pytest.mark.parametrize("seed", SEEDS)
def test_signals_are_told_as_lanes_tell_them(seed: int) -> None:
    made = storm(seed)
    lanes = {lane: rank for rank, lane in enumerate(sorted({s.origin[:2] for s in made.signals}))}
    keys = [(s.fold, lanes[s.origin[:2]], s.offset, s.index) for s in made.signals]
    assert keys == sorted(set(keys))
    last: dict[tuple[str, str], Signal] = {}
    folds: dict[str, int] = {}
    for s in sorted(made.signals, key=lambda s: (s.origin[:2], s.offset, s.index)):
        assert s.fold == hold(s.t, s.pulse, folds.get(s.asset, 0))
        folds[s.asset] = s.fold
        before = last.get((s.scenario, s.asset))
        if s.kind == "raise":
            assert before is None or before.kind == "clear"
            assert (s.n, s.onset, s.origin[2:]) == (0, s.t, (s.offset, s.index))
        else:
            assert before is not None
            assert before.kind != "clear"
            assert (s.n, s.onset, s.origin) == (before.n + 1, before.onset, before.origin)
            assert s.kind == "clear" or s.level > before.level or s.life
        last[s.scenario, s.asset] = s


def test_nothing_but_the_label_tells_noise_from_truth() -> None:
    """Assets, scenarios and levels of noise are those of truths, too."""
    true: Counter[Any] = Counter()
    false: Counter[Any] = Counter()
    for seed in SEEDS:
        for s, label in zip(storm(seed).signals, storm(seed).labels, strict=True):
            if not s.life and s.kind == "raise":
                (true if label else false).update([s.scenario, s.source, s.level, s.asset.rpartition("-")[0][:3]])
    assert set(true) <= set(false) | {"hotline"}
    spots = [
        {s.asset.split("-")[-2] for s, la in zip(storm(1).signals, storm(1).labels, strict=True)
         if s.source == "iot" and bool(la) is of}
        for of in (True, False)
    ]  # fmt: skip
    assert len(spots[0] & spots[1]) > 0.5 * len(spots[0])


def test_chattering_fleeting_and_standing_alarms_are_among_the_noise() -> None:
    made = storm(1)
    raised: defaultdict[str, list[int]] = defaultdict(list)
    ended = set()
    short = 0
    for s, label in zip(made.signals, made.labels, strict=True):
        if label is None and s.source == "iot":
            if s.kind == "raise":
                raised[f"{s.scenario}|{s.asset}"].append(s.t)
            elif s.kind == "clear":
                ended.add(s.identity())
                short += s.t - s.onset < 60_000
    per_minute = [sum(t <= other < t + 60_000 for other in times) for times in raised.values() for t in times]
    standing = [s for s in made.signals if s.kind == "raise" and s.source == "iot" and s.identity() not in ended
                and made.signals[-1].t - s.t > 3_600_000]  # fmt: skip
    assert max(per_minute) >= 3
    assert short > 200
    assert len(standing) > 5


def test_the_same_seed_gives_the_same_bytes_and_another_one_another_storm(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write(make_storm(seed, SMALL, city()) if name == "b" else storm(seed), tmp_path / f"{name}.ndjson.gz")
    a, b, c = ((tmp_path / f"{name}.ndjson.gz").read_bytes() for name in "abc")
    assert a == b
    assert gzip.decompress(a) != gzip.decompress(c)


def test_every_family_is_heard_of_by_callers_and_is_never_hidden_as_a_whole_or_not_at_all() -> None:
    assert len(BY_ID) == len(KINDS)
    for name, kinds in FAMILIES.items():
        assert any(k.source == "hotline" for k in kinds)
        assert {k.life for k in kinds} == {name in LIFE}


def test_a_cell_moves_and_says_when_it_reaches_and_leaves_a_place() -> None:
    cell = Cell(0, 1_000_000, 0.0, 0.0, (10.0, 0.0), 1_000.0)
    assert cell.covers(0, 0, 0)
    assert not cell.covers(0, 0, 200_000)
    assert cell.span(5_000, 0) == (400_000, 600_000)
    assert cell.span(5_000, 1_001) is None


# -- the file


def test_a_file_gives_back_the_storm_whatever_the_order_of_its_lines(tmp_path: Path) -> None:
    made = storm(1)
    write(made, tmp_path / "s.ndjson")
    head, *lines = (tmp_path / "s.ndjson").read_bytes().splitlines()
    (tmp_path / "s.ndjson").write_bytes(b"\n".join([head, *reversed(lines)]))
    again = read(tmp_path / "s.ndjson")
    assert (again.scenarios, again.truths, again.labels, again.about) == (
        made.scenarios, made.truths, made.labels, made.about,
    )  # fmt: skip
    assert again.signals == made.signals
    assert type(again.signals[0]) is Signal


HEAD: dict[str, Any] = {
    "format": "city.storm/1",
    "scenarios": [{"id": "eco.air.x", "event_code": "eco.air.x", "domain": "eco", "name": {"zh": "x"}, "life": False}],
    "truths": [{"id": "T1", "family": "eco.air", "lon": 113.5, "lat": 21.2}],
}
ROW: dict[str, Any] = {
    "scenario": "eco.air.x", "asset": "a", "kind": "raise", "origin": ["iot.telemetry", 0, 5, 0], "n": 0, "offset": 5,
    "index": 0, "t": 1000, "onset": 1000, "fold": 1000, "lon": 113.5, "lat": 21.2, "truth": "T1",
}  # fmt: skip


def refused(path: Path, head: Any, *rows: Any) -> str:
    path.write_bytes(b"".join((r if isinstance(r, bytes) else msgspec.json.encode(r)) + b"\n" for r in (head, *rows)))
    with pytest.raises(StormFileError) as found:
        read(path)
    return str(found.value)


def without(record: dict[str, Any], name: str) -> dict[str, Any]:
    return {k: v for k, v in record.items() if k != name}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (b"{]", "line 2: JSON is malformed"),
        (b"\xff", "line 2: "),
        (without(ROW, "truth"), "line 2: Object missing required field `truth`"),
        ({**ROW, "colour": 1}, "line 2: Object contains unknown field `colour`"),
        ({**ROW, "kind": "rise"}, "line 2: Invalid enum value 'rise' - at `$.kind`"),
        ({**ROW, "scenario": "eco.y"}, "line 2: scenario: 'eco.y' is not in the header"),
        ({**ROW, "truth": "T9"}, "line 2: truth: 'T9' is not in the header"),
        ({**ROW, "fold": 0}, "line 2: t and fold must be set, got 1000 and 0"),
        ({**ROW, "lat": None}, "line 2: lon and lat go together"),
        ({**ROW, "lat": 91}, "line 2: lon and lat must be degrees, got 113.5, 91"),
        ({**ROW, "life": True}, "line 2: life: the header says False of eco.air.x"),
        ({**ROW, "truth": None}, "line 1: truth T1: no signal belongs to it"),
    ],
)
def test_a_wrong_line_is_refused_by_number_with_what_was_expected(tmp_path: Path, row: Any, told: str) -> None:
    assert f"s.ndjson: {told}" in refused(tmp_path / "s.ndjson", HEAD, row)


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (b"", "expected a header"),
        ({**HEAD, "format": "city.storm/2"}, "format: expected 'city.storm/1', got 'city.storm/2'"),
        ({**HEAD, "more": 1}, "unknown field `more`"),
        ({**HEAD, "truths": []}, "truths: expected at least one"),
        ({**HEAD, "truths": HEAD["truths"] * 2}, "truths[1].id: 'T1' is empty or there twice"),
        ({**HEAD, "truths": [{**HEAD["truths"][0], "lon": 500}]}, "truths[0]: lon and lat must be degrees"),
        ({**HEAD, "scenarios": HEAD["scenarios"] * 2}, "scenarios[1].id: 'eco.air.x' is there twice"),
        ({**HEAD, "scenarios": [{**HEAD["scenarios"][0], "domain": "x"}]}, "scenarios[0].domain: expected one of"),
    ],
)
def test_a_wrong_header_is_refused(tmp_path: Path, head: Any, told: str) -> None:
    found = refused(tmp_path / "s.ndjson", head, ROW)
    assert "s.ndjson: line 1: " in found
    assert told in found


def test_a_record_of_a_lane_cannot_be_there_twice(tmp_path: Path) -> None:
    assert "line 3: offset 5, index 0 of iot.telemetry/0 came before" in refused(tmp_path / "s.ndjson", HEAD, ROW, ROW)


def test_a_torn_packed_file_is_refused(tmp_path: Path) -> None:
    write(storm(1), tmp_path / "s.ndjson.gz")
    (tmp_path / "torn.ndjson.gz").write_bytes((tmp_path / "s.ndjson.gz").read_bytes()[:5000])
    with pytest.raises(StormFileError, match="torn"):
        read(tmp_path / "torn.ndjson.gz")


@settings(max_examples=30, derandomize=True, deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_a_storm_or_refused(tmp_path_factory: pytest.TempPathFactory, noise: bytes, headed: bool) -> None:
    path = tmp_path_factory.mktemp("storm") / "s.ndjson"
    path.write_bytes((msgspec.json.encode(HEAD) + b"\n" if headed else b"") + noise)
    with pytest.raises(StormFileError):
        read(path)


def test_the_command_writes_a_storm_that_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brain.drill.storm, "make_storm", lambda seed, size: storm(seed))
    out = tmp_path / "s.ndjson.gz"
    done = CliRunner().invoke(app, ["drill", "storm", "--seed", "3", "--out", str(out), "--lang", "en"])
    assert done.exit_code == 0
    assert len(read(out).signals) == len(storm(3).signals)
    failed = CliRunner().invoke(app, ["drill", "storm", "--out", str(tmp_path / "none" / "s.ndjson")])
    assert failed.exit_code != 0
