"""Rows of lane agents per CPU-second: one condition by row, with quiet rows left out, compiled; beside its peers.

The peers say the same, in the same run: a scenario, and a plain function that gets a record at a time. The cold-chain
agent is measured as shipped. All but the function are the production lane on a log in memory, decode to flush; agents
of the bench run in the agents' process, as an author's do, whose CPU counts. Takes no ``DATA``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.agents import stand
from bench.agents.stand import Said
from bench.harness import Figure, Result
from brain.agent_kit import host

WAYS = ("by_row", "quiet", "compiled")
TIMES = 3


@dataclass(frozen=True)
class Sizes:
    """How much of each part; the defaults are those of the published run."""

    assets: int = 1_000
    seconds: int = 200
    stores: int = 2_000
    minutes: int = 90


def run(seed: int, data: Path | None) -> Result:
    """Figures of :data:`bench.harness`."""
    try:
        return measure(seed, Sizes())
    finally:
        host.shared().close()


def measure(seed: int, sizes: Sizes) -> Result:
    """Not ok where agents, scenario and function do not say the same."""
    given = stand.batches(stand.levels(sizes.assets, sizes.seconds, seed))
    n = sizes.assets * sizes.seconds
    bare, scenario = stand.of_levels(sizes.assets), stand.of_levels(sizes.assets, scenario=True)
    sets = {way: stand.of_levels(sizes.assets, way) for way in WAYS}
    runs: dict[str, Callable[[], Said]] = {
        "bare lane": lambda: stand.lane(bare, given), "scenario": lambda: stand.lane(scenario, given),
        **{way: lambda way=way: stand.lane(sets[way], given) for way in WAYS},  # type: ignore[misc]  # binds it
        "plain function": lambda: stand.function(given),
    }  # fmt: skip
    said, cpu = _measured(runs)
    told = said["plain function"]
    wrong = sum(said[name] != told for name in ("scenario", *WAYS)) + (not told)
    rows = [_row(name, n, cpu[name], cpu["bare lane"], len(said[name])) for name in runs]

    cold = stand.batches(stand.stores(sizes.stores, sizes.minutes, seed))
    without, shipped = (stand.of_stores(sizes.stores, agent=agent) for agent in (False, True))
    said, cpu = _measured({
        "stores, bare lane": lambda: stand.lane(without, cold),
        "stores, market.food.cold_kitchen": lambda: stand.lane(shipped, cold),
    })  # fmt: skip
    m = sizes.stores * sizes.minutes
    rows += [_row(name, m, cpu[name], cpu["stores, bare lane"], len(said[name])) for name in cpu]
    own = cpu["stores, market.food.cold_kitchen"] - cpu["stores, bare lane"]
    figures: dict[str, Figure] = {
        **{f"rows_per_cpu_s_{row['what']}": row["rows/CPU-s"] for row in rows[2:5]},
        "cold_agent_rows_per_cpu_s": round(m / max(own, 0.01)),
        "peer_scenario_rows_per_cpu_s": rows[1]["rows/CPU-s"], "peer_function_rows_per_cpu_s": rows[5]["rows/CPU-s"],
    }  # fmt: skip
    about: dict[str, Figure] = {
        "assets": sizes.assets, "rows": n, "stores": sizes.stores, "rows of stores": m, "wrong": wrong,
    }  # fmt: skip
    return Result(rows, figures, not wrong and bool(said["stores, market.food.cold_kitchen"]), about)


def _measured(runs: dict[str, Callable[[], Said]]) -> tuple[dict[str, list[stand.Change]], dict[str, float]]:
    """What each said, and the median of its CPU-seconds, in turn; the first time compiles and does not count."""
    said = {name: one().changes for name, one in runs.items()}
    cpu: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(TIMES):
        for name, one in runs.items():
            cpu[name].append(one().cpu_s)
    return said, {name: median(spent) for name, spent in cpu.items()}


def _row(name: str, n: int, cpu: float, bare: float, signals: int) -> dict[str, Figure]:
    beyond = None if name == "plain function" else round((cpu - bare) / n * 1e6, 2)
    return {"what": name, "rows/CPU-s": round(n / cpu), "us a row beyond the bare lane": beyond, "signals": signals}
