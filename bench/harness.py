"""What a benchmark is: a module bench/<name>.py or bench/<name>/__init__.py with `run(seed, data) -> Result`."""

from __future__ import annotations

import importlib
import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

Figure = float | int | str | None
"""None: not measured in this run (a peer that is not there); the settings say why."""

NAMES: Mapping[str, str] = {
    "engine": "events per CPU-second on real Kafka beside the peers; latency, memory, idle cost, restore",
    "chaos": "kills, outages, freezes and rebalances on real Kafka against an oracle: lost, double, wrong, torn",
    "simulate": "seeds of the fault simulator: violations, not live",
    "badinput": "bad payloads among good ones: each ends in the dead letter with its one reason",
    "nab": "the detector for single series on NAB's corpus, by its published rule, beside the published scores",
    "kernels": "readings per second of the ordinary kernels on one thread over 100k assets",
    "scan": "the space-time scan against seven reference outputs of another program",
    "standards": "risk models against worked cases with their sources: any difference fails",
    "faults": "injected faults in hourly air quality: precision and recall per kind, beside range and repeat checks",
    "locate": "points a second to all layers of the map beside peers; mismatches with the exact answer; reload",
    "coords": "rectified points a second, error against the public formulas; assets found with a wrong CRS",
    "network": "times, distances, first arrivals by road against brute force; movement events against an exact replay",
    "storm": "a labelled storm through the fold: found, hidden, merged, split, shown; beside dedup and label grouping",
    "drill": "stories in ordinary days of a district: found, missed, delay, false a day; beside plain limits",
    "incidents": "signals a second through the city task with so many incidents open, uniform and clustered",
    "scenarios": "events per CPU-second with 1, 10 and 100 live scenarios, and of a backtest; exact by two oracles",
    "agents": "rows per CPU-second of lane agents: by row, quiet, compiled; beside a scenario and a plain function",
    "addresses": "noisy Chinese texts to door plates and points of interest: right, wrong, abstained; texts a second",
    "hotline": "classes of hotline texts beside a baseline, hot issues found early in a stream, messages a second",
    "screen": "10,000 incidents in a browser: paint, frames, lag, heap, axe; reads a second; a stream cut at random",
}
"""Permanent names, with what each measures: one is never reused for another thing."""


class UnknownBench(Exception):
    """There is no benchmark of this name."""


@dataclass(frozen=True)
class Result:
    """What a run found.

    ``rows`` is the readable table, one dict a row; a missing column is shown empty. ``figures`` have permanent names
    and units (bench/README.md). ``ok`` is False on any contradiction with the oracle or a broken promise.
    ``settings`` are those that the run used, as shipped unless named otherwise.
    """

    rows: Sequence[Mapping[str, Figure]]
    figures: Mapping[str, Figure]
    ok: bool
    settings: Mapping[str, Any] = field(default_factory=dict)


class Bench(Protocol):
    """A benchmark's module. ``data`` replaces its input where it has one (the format is in its docstring)."""

    def run(self, seed: int, data: Path | None) -> Result: ...


def present(folder: Path | None = None) -> list[str]:
    """Names of the benchmarks that are there, in order of their permanent list, others after them by name."""
    folder = folder or Path(__file__).parent
    there = [name for name in NAMES if _has(folder, name)]
    helpers = {"__init__", "__main__", "harness"}
    others = {p.stem for p in folder.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()}
    for name in sorted(others - helpers - set(there)):
        path = folder / f"{name}.py"
        source = path if path.exists() else folder / name / "__init__.py"
        if "def run(" in source.read_text(encoding="utf-8"):
            there.append(name)
    return there


def load(name: str) -> Bench:
    """The module of one benchmark. Raises UnknownBench with the names that there are."""
    there = present()
    if name not in there:
        raise UnknownBench(f"no benchmark named {name!r}; there are: {', '.join(there) or 'none'}")
    return cast("Bench", importlib.import_module(f"bench.{name}"))


def shared(folder: Path) -> Path | None:
    """A folder of data that are no part of the project, beside or above it on this machine; None where it is absent."""
    return next((p / folder for p in Path(__file__).resolve().parents if (p / folder).is_dir()), None)


def machine() -> str:
    """One line: cores, processor, Python, system, date. Results without it are worth little."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    date = time.strftime("%Y-%m-%d", time.gmtime())
    return (
        f"{cores} cores, {_processor()}, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, {date}"
    )


def _has(folder: Path, name: str) -> bool:
    return (folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file()


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "processor unknown"
