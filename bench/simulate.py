"""Seeds of the fault simulator: the whole engine on the memory log with faults between any two steps.

``violations`` counts seeds with anything lost, double, wrong, torn or out of order; ``not_live`` those that did not
come to the end of their input after the faults stopped. One seed in EVERY runs the real incidents of the city
(:mod:`brain.drill.simulate`) instead of toy logic, one in EVERY_REAL real lanes and the real city with promotions in
mid-run (:mod:`brain.drill.simulate.real`): those are counted in ``incident_*`` and ``real_*`` too, and the others are
sums of all. ``data`` is a text file with one seed a line, ``incidents`` or ``real`` before it where it is of those, to
repeat some. SEEDS in the environment sets how many (default 10,000); they follow on from ``seed``.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench.harness import Figure, Result
from brain.drill.simulate.real.run import simulate as simulate_real
from brain.drill.simulate.run import simulate as simulate_incidents
from streams.simulate.run import Outcome, simulate

SEEDS = 10_000
EVERY, EVERY_REAL = 20, 50
SPAN = 1_000_000
"""Seeds of one ``--seed`` start here apart, so that no two runs share any."""


Kind = Literal["", "incident", "real"]
Job = tuple[Kind, int]
"""What it runs, ``""`` for toy logic, and its seed."""


def run(seed: int, data: Path | None) -> Result:
    """Simulate; figures ``seeds``, ``violations``, ``not_live``, and ``incident_`` and ``real_`` with each of them."""
    jobs = _jobs(seed, data)
    console = Console(stderr=True)
    faults: Counter[str] = Counter()
    found: Counter[str] = Counter()
    steps = signals = 0
    columns = (TextColumn("simulate"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    processes = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with multiprocessing.Pool(processes) as pool, Progress(*columns, console=console) as progress:
        for kind, outcome in progress.track(pool.imap_unordered(_play, jobs, chunksize=8), total=len(jobs)):
            for name in ("", f"{kind}_") if kind else ("",):
                found[name + "seeds"] += 1
                found[name + "violations"] += bool(outcome.violations)
                found[name + "not_live"] += not outcome.live
            steps, signals = steps + outcome.steps, signals + outcome.signals
            faults.update(outcome.faults)
            if outcome.failed:
                _show(console, outcome)
    rows: list[dict[str, Figure]] = [
        {"what": name, "times": count} for name, count in sorted(faults.items(), key=lambda item: -item[1])
    ]
    rows.append({"what": "seeds with the real incidents", "times": found["incident_seeds"]})
    rows.append({"what": "seeds with real lanes and promotions", "times": found["real_seeds"]})
    names = [kind + name for kind in ("", "incident_", "real_") for name in ("seeds", "violations", "not_live")]
    figures: dict[str, Figure] = {name: found[name] for name in names}
    ok = found["violations"] == 0 and found["not_live"] == 0
    return Result(rows, figures, ok, {"processes": processes, "steps": steps, "records_in_signals": signals})


def _play(job: Job) -> tuple[Kind, Outcome]:
    kind, seed = job
    return kind, {"": simulate, "incident": simulate_incidents, "real": simulate_real}[kind](seed)


def _jobs(seed: int, data: Path | None) -> Sequence[Job]:
    if data is not None:
        lines = [line.split() for line in data.read_text(encoding="utf-8").splitlines() if line.strip()]
        named: dict[str, Kind] = {"incidents": "incident", "real": "real"}
        return [(named.get(words[0], ""), int(words[-1])) for words in lines]
    first = seed * SPAN
    return [(_kind(n), first + n) for n in range(int(os.environ.get("SEEDS", SEEDS)))]


def _kind(n: int) -> Kind:
    """Those of real lanes lie half way, so that no seed would be of both."""
    if n % EVERY_REAL == EVERY_REAL // 2 - 1:
        return "real"
    return "incident" if n % EVERY == EVERY - 1 else ""


def _show(console: Console, outcome: Outcome) -> None:
    console.print(str(outcome), markup=False, soft_wrap=True)
