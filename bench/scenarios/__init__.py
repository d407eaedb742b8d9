"""Events per CPU-second with one, ten and a hundred live scenarios, and of a backtest; exact by two oracles.

Takes no ``DATA``: its input is made from the seed. What the mix is: bench/scenarios/mix.py.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.engine.stand import Stand, alone
from bench.harness import Figure, Result
from bench.scenarios import live, memory, oracle
from bench.scenarios.mix import City, city
from bench.scenarios.readings import Feed
from brain.cells import matching
from brain.settings import Settings
from streams.partition import partitions_of

COUNTS = (1, 10, 100)
ENOUGH, BACKTEST, SHARE = 150_000, 300_000, 0.5
"""Promised with a hundred: events a CPU-second live, events a second backtested, share of the rate with one."""


@dataclass(frozen=True)
class Sizes:
    """How much of each part; the defaults are those of the published run."""

    readings: int = 3_000_000
    checked: int = 800_000
    assets: int = 10_000


def run(seed: int, data: Path | None) -> Result:
    """All parts on one broker of its own."""
    with alone() as stand:
        return measure_all(stand, seed, Sizes())


def measure_all(stand: Stand, seed: int, sizes: Sizes) -> Result:
    """Not ok when anything said differs from its oracle, or the set is slower than promised."""
    made = city(sizes.assets)
    feed, short = Feed(made, sizes.readings, seed), Feed(made, sizes.checked, seed + 1)
    wrong = sum(check(stand, made, short))
    rows: list[dict[str, Figure]] = []
    rates: dict[int, float] = {}
    said = {}
    for n in COUNTS:
        found = live.speed(stand, feed, n)
        rates[n], said[n] = found.cost.steady.median, found.said
        steady = found.cost.steady
        stand.say(f"{n} scenarios on Kafka: {steady.median:,.0f} events per CPU-second")
        row = _row(f"live on Kafka, {n} scenarios", [steady.least, steady.median, steady.most], None, made, n)
        rows.append(row | {"signals": found.cost.seen})
    again: dict[int, dict[str, list[memory.Change]]] = {n: {} for n in COUNTS}
    with stand.step("the same on a log in memory"):
        for p in range(memory.PARTITIONS):
            given = memory.batches(feed, p)
            for n in COUNTS:
                log = memory.run(made.content(n), given)
                for name, changes in memory.said(log.signals, []).items():
                    again[n].setdefault(name, []).extend(changes)
                if p == 0:
                    rows.append(_row(f"live in memory, {n} scenarios", memory.rate(log), log, made, n))
    log = memory.run(made.content(100), given, backtest=True)
    backtest = statistics.median(memory.rate(log))
    rows.append(_row("backtest, 100 scenarios", memory.rate(log), log, made, 100))
    for n in COUNTS:
        wrong += differences(said[n], {name: sorted(changes, key=repr) for name, changes in again[n].items()})
    figures: dict[str, Figure] = {"scenarios": len(made.scenarios)}
    figures |= {f"events_per_cpu_s_{n}": round(rates[n]) for n in COUNTS}
    figures["backtest_events_per_s"] = round(backtest)
    quick = rates[100] >= ENOUGH and rates[100] >= SHARE * rates[1] and backtest >= BACKTEST
    settings = {"flush_s": Settings().flush_s, "assets": sizes.assets, "readings": sizes.readings, "wrong": wrong}
    return Result(rows, figures, wrong == 0 and quick, settings)


def check(stand: Stand, made: City, feed: Feed) -> tuple[int, int]:
    """Wrong against the plain oracle, and against each scenario alone: a hundred together must say the same."""
    given = memory.batches(feed)
    log = memory.run(made.content(100), given)
    together = memory.said(log.signals, log.summaries)
    mine = set(np.flatnonzero(partitions_of(feed.keys(), memory.PARTITIONS) == 0).tolist())
    plain = 0
    with stand.step("thresholds and deviations against the plain oracle"):
        for s in filter(oracle.knows, made.scenarios):
            got = [(s.id, c[0], c[2], c[3], c[6]) for c in together.get(s.id, [])]
            plain += len(set(got) ^ oracle.expected(feed, s, mine)) + len(got) - len(set(got))
    apart: dict[str, list[memory.Change]] = {}
    with stand.step("each scenario alone") as told:
        for k, s in enumerate(made.scenarios):
            log = memory.run(made.alone((s,)), given)
            apart |= memory.said(log.signals, log.summaries)
            told(k / len(made.scenarios))
    alone = differences(together, apart)
    stand.say(f"{sum(map(len, together.values())):,} changes: {plain} unlike the plain oracle, {alone} unlike alone")
    return plain, alone


def differences(one: dict[str, list[memory.Change]], other: dict[str, list[memory.Change]]) -> int:
    """Changes that one has and the other has not, and more of one than of the other."""
    total = 0
    for name in one.keys() | other.keys():
        a, b = (list(map(repr, side.get(name, []))) for side in (one, other))
        total += len(set(a) ^ set(b)) + abs(len(a) - len(b)) * (set(a) == set(b))
    return total


def matches(made: City, n: int) -> float:
    """Scenarios that a reading matches, on average over the series: each speaks as often as any other."""
    series = len(made.registry.series_asset)
    rule, _ = matching(list(made.scenarios[:n]), made.registry, np.ones(series, bool))
    return len(rule) / series


def _row(name: str, rates: list[float], log: memory.Kept | None, made: City, n: int) -> dict[str, Figure]:
    return {
        "what": name, "events/CPU-s": round(statistics.median(rates)), "least": round(min(rates)),
        "most": round(max(rates)), "signals": len(log.signals) if log is not None and log.keep else None,
        "matches a reading": round(matches(made, n), 2),
    }  # fmt: skip
