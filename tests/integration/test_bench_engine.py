"""The engine bench in small: every slice runs, is exact, and fills in its figures."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import engine
from bench.engine import others
from bench.engine.stand import Stand
from bench.watch import measure, produce
from bench.watch.workload import Load, payloads, values
from streams import admin
from streams.topics import Topic

FIGURES = {
    "events_per_cpu_s", "stock_faust_events_per_cpu_s", "bare_loop_events_per_cpu_s", "signals", "p50_ms", "p99_ms",
    "rss_growth_mb", "rss_max_mb", "events_per_cpu_s_32p", "idle_cpu_32p", "growth_assets", "restore_s",
    "state_bytes_per_event",
}  # fmt: skip
RATES = {name for name in FIGURES if "_per_cpu_s" in name} | {"growth_assets"}
SMALL = engine.Sizes(
    readings=400_000, peers=200_000, faust=12_000, wide=400_000, wide_partitions=8, growth=300_000,
    few_assets=800, many_assets=40_000, idle_seconds=3, idle_settle_seconds=1,
    restore_assets=2_000, restore_deltas=200, restore_rows=100,
    latency_rate=2_000, latency_seconds=5,
)  # fmt: skip


@pytest.mark.kafka
@pytest.mark.long
def test_every_slice_of_the_engine_bench_is_exact_and_fills_in_its_figures(kafka: str, tmp_path: Path) -> None:
    result = engine.measure_all(Stand(kafka, tmp_path), 11, SMALL)
    assert [row["wrong"] for row in result.rows if "wrong" in row] == [0] * 7, result.rows
    assert result.ok
    assert set(result.figures) == FIGURES
    absent = {k: v for k, v in result.figures.items() if v is None or (isinstance(v, float) and not math.isfinite(v))}
    assert absent.keys() <= RATES, "only a rate may be unknown: a run this short may have no two samples a slice apart"
    assert int(result.figures["signals"] or 0) > 500
    assert all(float(result.figures[name] or 0) > 0 for name in FIGURES - {"rss_growth_mb"} - absent.keys())


@pytest.mark.kafka
def test_the_topic_holds_the_readings_in_order_and_a_pulse_before_each_second(kafka: str, prefix: str) -> None:
    load = Load(2_500, assets=50, partitions=3, seed=5)
    column = values(load)
    admin.ensure(kafka, [Topic(prefix + name, 3, "delete", -1) for name in ("with", "without")])
    produce.produce(kafka, load, column, prefix + "with", "sha256:x")
    produce.produce(kafka, load, column, prefix + "without", None)
    bare = [value for _, value in measure.committed(kafka, prefix + "without", 3)]
    assert sorted(bare) == sorted(value for _, value in payloads(load, column))
    full = list(measure.committed(kafka, prefix + "with", 3))
    assert [value for key, value in full if key] == bare
    assert sum(not key for key, _ in full) == 3 * 4


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3_000), st.integers(1, 1_200_000), st.integers(0, 2**31), st.integers(0, 10**9))
def test_the_kernel_writes_the_bytes_that_the_format_says(readings: int, assets: int, seed: int, skip: int) -> None:
    load = Load(readings, assets=assets, seed=seed, hot=0.01)
    column = values(load)
    rows = np.arange(skip % readings, readings)
    wanted = [value for _, value in payloads(load, column, int(rows[0]))]
    assert list(produce.blocks(load, column, rows)) == wanted


def test_a_shorter_load_is_the_beginning_of_a_longer_one() -> None:
    assert (values(Load(5_000, assets=70)) == values(Load(9_000, assets=70))[:5_000]).all()


def test_the_steady_figure_leaves_the_start_out_and_is_a_median_of_slices() -> None:
    start = [measure.Sample(0.0, 0.0, 0.0), measure.Sample(9.0, 9.0, 10.0)]
    cpu = [10.0, 11.0, 12.0, 13.0, 18.0, 19.0]
    steady = [measure.Sample(c, c, 100 + 40.0 * k) for k, c in enumerate(cpu)]
    found = measure.rates([*start, *steady], 300)
    assert (found.median, found.least, found.most, found.slices) == (40.0, 8.0, 40.0, 5)
    assert found.per_s == pytest.approx(200 / 9)


def test_a_run_that_ended_early_has_no_steady_figure_rather_than_a_wrong_one() -> None:
    assert math.isnan(measure.rates([measure.Sample(0.0, 0.0, 0.0), measure.Sample(1.0, 1.0, 20.0)], 300).median)


def test_peers_whose_folder_is_not_here_are_named_and_left_out(tmp_path: Path) -> None:
    stand = Stand("127.0.0.1:1", tmp_path)
    found, missing = others.asked_for(stand, 10, {"PEERS": "all", "PEERS_DIR": str(tmp_path / "gone")})
    assert found == []
    assert [line.split()[0] for line in missing] == ["kafka-streams", "flink", "bytewax", "quix"]
    assert others.asked_for(stand, 10, {}) == ([], [])


def test_cpu_seconds_count_a_process_that_works() -> None:
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        while measure.cpu_seconds(busy.pid) < 0.1:
            assert busy.poll() is None
    finally:
        os.kill(busy.pid, signal.SIGKILL)
        busy.wait()
    assert measure.cpu_seconds(busy.pid) == 0
