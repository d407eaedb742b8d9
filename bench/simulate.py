"""Seeds of the fault simulator: the whole engine on the memory log with faults between any two steps.

``violations`` counts seeds with anything lost, double, wrong, torn or out of order; ``not_live`` those that did not
come to the end of their input after the faults stopped. ``data`` is a text file with one seed a line, to repeat some.
SEEDS in the environment sets how many (default 10,000); they follow on from ``seed``.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench.harness import Figure, Result
from streams.simulate.run import Outcome, simulate

SEEDS = 10_000
SPAN = 1_000_000
"""Seeds of one ``--seed`` start here apart, so that no two runs share any."""


def run(seed: int, data: Path | None) -> Result:
    """Simulate; figures ``seeds``, ``violations``, ``not_live``."""
    seeds = _seeds(seed, data)
    console = Console(stderr=True)
    faults: Counter[str] = Counter()
    violations = not_live = steps = signals = 0
    columns = (TextColumn("simulate"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    processes = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with multiprocessing.Pool(processes) as pool, Progress(*columns, console=console) as progress:
        for outcome in progress.track(pool.imap_unordered(simulate, seeds, chunksize=8), total=len(seeds)):
            violations += bool(outcome.violations)
            not_live += not outcome.live
            steps, signals = steps + outcome.steps, signals + outcome.signals
            faults.update(outcome.faults)
            if outcome.failed:
                _show(console, outcome)
    rows: list[dict[str, Figure]] = [
        {"what": name, "times": count} for name, count in sorted(faults.items(), key=lambda item: -item[1])
    ]
    figures: dict[str, Figure] = {"seeds": len(seeds), "violations": violations, "not_live": not_live}
    ok = violations == 0 and not_live == 0
    return Result(rows, figures, ok, {"processes": processes, "steps": steps, "records_in_signals": signals})


def _seeds(seed: int, data: Path | None) -> Sequence[int]:
    if data is not None:
        return [int(line) for line in data.read_text(encoding="utf-8").split()]
    first = seed * SPAN
    return range(first, first + int(os.environ.get("SEEDS", SEEDS)))


def _show(console: Console, outcome: Outcome) -> None:
    console.print(str(outcome), markup=False, soft_wrap=True)
