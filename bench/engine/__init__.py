"""Speed of the whole path on a real Kafka, decode to durable state and signals; exact by an oracle.

Environment: ``PEERS=all`` measures Kafka Streams and Flink too (and Bytewax and Quix where they are installed), from
the folder ``PEERS_DIR``. Takes no ``DATA``: its input is made from the seed, so that the oracle knows it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.engine import latency, others, restore, scale
from bench.engine.ours import speed
from bench.engine.stand import Stand, alone
from bench.harness import Figure, Result
from bench.watch import measure
from bench.watch.workload import Load
from brain.settings import Settings

NAMES = ("bare_loop_events_per_cpu_s", "stock_faust_events_per_cpu_s")


@dataclass(frozen=True)
class Sizes:
    """How much of each slice. Readings unless the name says otherwise; the defaults are those of the published run."""

    readings: int = 10_000_000
    peers: int = 3_000_000
    faust: int = 100_000
    wide: int = 3_000_000
    wide_partitions: int = 32
    growth: int = 3_000_000
    few_assets: int = scale.FEW
    many_assets: int = scale.MANY
    idle_seconds: float = 24.0
    idle_settle_seconds: float = scale.SETTLE_S
    restore_assets: int = 25_000
    restore_deltas: int = 18_000
    restore_rows: int = 1_000
    latency_rate: int = 20_000
    latency_seconds: float = 190.0


def run(seed: int, data: Path | None) -> Result:
    """All slices on one broker of its own, one after the other."""
    with alone() as stand:
        return measure_all(stand, seed, Sizes())


def measure_all(stand: Stand, seed: int, sizes: Sizes) -> Result:
    """Every slice; smaller sizes serve tests. Not ok when any answer differs from its oracle's; never for slowness."""
    rows: list[dict[str, Figure]] = []
    figures: dict[str, Figure] = {}
    peers, missing = others.asked_for(stand, sizes.peers)  # builds come first: they would disturb a measurement
    for line in missing:
        stand.say(line)

    def note(name: str, readings: int, cost: measure.Cost, wrong: int) -> None:
        rows.append(_row(name, readings, cost, wrong))
        stand.say(f"{name}: {cost.steady.median:,.0f} events per CPU-second, {wrong} wrong")

    ours = speed(stand, Load(sizes.readings, sizes.few_assets, seed=seed), "ours")
    note("ours: exactly once, map, 2 scenarios", sizes.readings, ours.cost, ours.wrong)
    figures |= {"events_per_cpu_s": _whole(ours.cost.steady.median), "signals": ours.cost.seen}
    wrong = ours.wrong

    beside = [*others.always(sizes.peers, sizes.faust), *peers]
    costs = {}
    for engine, cost, want in others.run(stand, beside, seed, sizes.few_assets):
        note(engine.name, engine.readings, cost, abs(cost.seen - want))
        costs[engine.name] = cost.steady.median
        wrong += abs(cost.seen - want)
    figures |= {name: _whole(costs[engine.name]) for name, engine in zip(NAMES, beside, strict=False)}

    wide = speed(
        stand,
        Load(sizes.wide, sizes.few_assets, sizes.wide_partitions, seed),
        f"ours, {sizes.wide_partitions} partitions",
    )
    note(f"ours, {sizes.wide_partitions} partitions", sizes.wide, wide.cost, wide.wrong)
    grown = scale.growth(stand, sizes.growth, seed, sizes.few_assets, sizes.many_assets)
    few, many = (grown[n] for n in (sizes.few_assets, sizes.many_assets))
    for n, found in grown.items():
        note(f"ours, {n:,} assets", sizes.growth, found.cost, found.wrong)
    idle = scale.idle(stand, sizes.wide_partitions, sizes.idle_seconds, sizes.few_assets, sizes.idle_settle_seconds)
    rows.append({"engine": f"idle: {sizes.wide_partitions} partitions, pulses only", "note": f"{idle:.1%} of a CPU"})
    size = restore.Size(sizes.restore_assets, sizes.restore_deltas, sizes.restore_rows)
    back = restore.measure(stand, size, seed)
    rows.append({"engine": "restore of one partition", "wrong": back.wrong, "note": back.note()})
    wrong += wide.wrong + few.wrong + many.wrong + back.wrong

    with stand.step(f"latency at {sizes.latency_rate:,} readings/s for {sizes.latency_seconds:.0f} s"):
        figures |= latency.measure(
            stand.bootstrap, stand.logs, sizes.latency_rate, sizes.few_assets, sizes.latency_seconds, seed
        )
    figures |= {
        "events_per_cpu_s_32p": _whole(wide.cost.steady.median),
        "idle_cpu_32p": round(idle, 4),
        "growth_assets": round(few.cost.steady.median / many.cost.steady.median, 3),
        "restore_s": round(back.seconds, 2),
        "state_bytes_per_event": round(ours.state_bytes, 1),
    }
    return Result(rows, figures, wrong == 0, _settings(missing))


def _settings(missing: list[str]) -> dict[str, Any]:
    defaults = Settings()
    used: dict[str, Any] = {"flush_s": defaults.flush_s, "request_timeout_s": defaults.request_timeout_s}
    if missing:
        used["left out"] = "; ".join(missing)
    return used


def _whole(rate: float) -> Figure:
    return None if math.isnan(rate) else round(rate)


def _row(name: str, readings: int, cost: measure.Cost, wrong: int) -> dict[str, Figure]:
    steady = cost.steady
    return {
        "engine": name, "readings": readings, "events/CPU-s": _whole(steady.median), "least": _whole(steady.least),
        "most": _whole(steady.most), "slices": steady.slices, "with start": _whole(cost.all_per_cpu_s),
        "events/s": _whole(steady.per_s), "signals": cost.seen, "wrong": wrong, "RSS MB": round(cost.rss_mb),
    }  # fmt: skip
