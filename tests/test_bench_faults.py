"""The injector, its judge and the bench over them, on invented readings."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from bench.faults import run
from bench.faults.corpus import HOUR, METRICS, Corpus, read
from bench.faults.inject import HOURS, LEARN, Episode, Injected, inject
from bench.faults.judge import judge

HEADER = "No,year,month,day,hour,PM2.5,PM10,SO2,NO2,CO,O3,station\n"


def corpus(hours: int = 7000, stations: int = 1, seed: int = 1) -> Corpus:
    """Smooth courses that stations share, a little noise; a natural gap and a natural rest in the first series."""
    random = np.random.default_rng(seed)
    common = 60.0 + np.cumsum(random.normal(0.0, 1.0, (len(METRICS), hours)), axis=1)
    value = np.round(np.abs(common + random.normal(0.0, 2.0, (stations, len(METRICS), hours))))
    value[0, 0, 3000:3010] = np.nan
    value[0, 0, 4000:4020] = 41.0
    return Corpus([f"s{i}" for i in range(stations)], np.arange(hours) * HOUR, value)


@cache
def faults(seed: int) -> Injected:
    return inject(corpus(), seed)


def injected(episodes: list[Episode], hours: int = 100) -> Injected:
    shape = (1, 1, hours)
    return Injected(np.zeros(shape), episodes, {"flat": np.zeros(shape, bool), "missing": np.zeros(shape, bool)})


def test_the_same_seed_gives_the_same_faults_and_another_seed_others() -> None:
    one, same, other = faults(1), inject(corpus(), 1), inject(corpus(), 2)
    np.testing.assert_array_equal(one.value, same.value)
    assert one.episodes == same.episodes
    assert one.episodes != other.episodes


def test_another_station_in_the_folder_leaves_the_faults_of_this_one_where_they_were() -> None:
    both = corpus(stations=2)
    alone = replace(both, stations=both.stations[:1], value=both.value[:1])
    assert inject(alone, 1).episodes == [e for e in inject(both, 1).episodes if e.station == 0]


def test_readings_differ_from_the_source_within_episodes_only() -> None:
    source, got = corpus(), faults(1)
    inside = np.zeros(source.value.shape, bool)
    for e in got.episodes:
        inside[e.station, e.metric, e.first : e.last + 1] = True
        least, most = HOURS[e.kind]
        assert least <= e.last + 1 - e.first <= most
        assert e.first >= LEARN
    np.testing.assert_array_equal(got.value[~inside], source.value[~inside])
    assert {e.kind for e in got.episodes} == set(HOURS)


def test_natural_gaps_and_rests_are_marked_and_short_episodes_keep_clear_of_them() -> None:
    got = faults(1)
    assert got.marked["missing"][0, 0, 3000:3010].all()
    assert got.marked["flat"][0, 0, 4000:4020].all()
    for e in got.episodes:
        if e.kind in {"flat", "spike", "missing"}:
            marks = np.stack([mark[e.station, e.metric] for mark in got.marked.values()])
            assert not marks[:, e.first - 1 : e.last + 2].any()


def test_a_skew_shows_the_readings_of_another_hour() -> None:
    source, got = corpus(), faults(1)
    skew = next(e for e in got.episodes if e.kind == "skew")
    rows = np.arange(skew.first, skew.last + 1)
    x = source.value[skew.station, skew.metric]
    shown = got.value[skew.station, skew.metric, rows]
    shifts = [h for h in range(-12, 13) if np.array_equal(shown, x[rows - h], equal_nan=True)]
    assert len(shifts) == 1
    assert abs(shifts[0]) >= 2


@pytest.mark.parametrize(("at", "found", "false"), [(19, 0, 1), (20, 1, 0), (30, 1, 0), (36, 1, 0), (37, 0, 1)])
def test_an_episode_is_found_from_its_start_to_six_hours_after_its_end(at: int, found: int, false: int) -> None:
    alarms = np.zeros((1, 1, 100), bool)
    alarms[0, 0, at] = True
    got = judge(injected([Episode("spike", 0, 0, 20, 30)]), "spike", alarms)
    assert (got.found, got.false) == (found, false)


def test_alarms_in_an_episode_of_another_kind_are_false_and_in_a_marked_run_count_neither_way() -> None:
    made = injected([Episode("drift", 0, 0, 20, 30)])
    made.marked["flat"][0, 0, 50:60] = True
    alarms = np.zeros((1, 1, 100), bool)
    alarms[0, 0, [25, 55, 65, 66]] = True
    flat, spike = judge(made, "flat", alarms), judge(made, "spike", alarms)
    assert (flat.false, flat.natural) == (2, 2)
    assert (spike.false, spike.natural) == (4, 0)


def test_many_alarms_in_one_episode_find_it_once() -> None:
    alarms = np.ones((1, 1, 100), bool)
    got = judge(injected([Episode("flat", 0, 0, 0, 99)]), "flat", alarms)
    assert (got.precision, got.recall) == (1.0, 1.0)


def write(folder: Path, name: str, lines: list[str]) -> None:
    (folder / f"{name}.csv").write_text(HEADER + "".join(line + "\n" for line in lines), encoding="utf-8")


def test_hours_without_a_row_and_fields_with_na_are_no_readings(tmp_path: Path) -> None:
    write(tmp_path, "b", ["1,2020,1,1,0,1,2,3,4,500,6,b", "2,2020,1,1,2,NA,2,3,4,,6,b"])
    write(tmp_path, "a", ["1,2020,1,1,1,9,2,3,4,500,6,a"])
    got = read(tmp_path)
    assert got.stations == ["a", "b"]
    np.testing.assert_array_equal(got.value[:, 0], [[np.nan, 9, np.nan], [1, np.nan, np.nan]])
    assert np.isnan(got.value[1, 4, 2])


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["1,2020,1,1,0,1,2,3,4,500,six,a"], r"a\.csv, line 2: could not convert"),
        (["1,2020,13,1,0,1,2,3,4,500,6,a"], r"a\.csv, line 2: month must be"),
        (["1,2020,1,1,0,1,2,3,4,5,6,a"] * 2, r"line 3: expected each hour once"),
        ([], "expected rows"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_its_line(tmp_path: Path, lines: list[str], says: str) -> None:
    write(tmp_path, "a", lines)
    with pytest.raises(ValueError, match=says):
        read(tmp_path)


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="found none"):
        read(tmp_path)


def test_the_bench_reads_stations_of_others_and_gives_all_its_figures(tmp_path: Path) -> None:
    made = corpus(5000, 3)
    for station, value in zip(made.stations, made.value, strict=True):
        rows = value.T.tolist()
        write(
            tmp_path,
            station,
            [
                f"{h},{day:%Y,%m,%d,%H},{','.join(map(str, row))},{station}"
                for h, row in enumerate(rows)
                for day in [datetime.fromtimestamp(h * 3600, UTC)]
            ],
        )
    got = run(1, tmp_path)
    assert got.ok
    assert set(got.figures) == {f"{what}_{kind}" for what in ("precision", "recall") for kind in HOURS}
    assert float(got.figures["recall_missing"] or 0) > 0.9
    assert float(got.figures["recall_flat"] or 0) > 0.8
