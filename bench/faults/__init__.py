"""Injected faults in the air quality readings of several stations: which the detectors find, beside plain checks.

The injector with its lengths is bench/faults/inject.py, the judgement bench/faults/judge.py: episodes, not rows; found
when an alarm of its kind begins between the episode's start and six hours after its end; an alarm elsewhere, in
episodes of other kinds too, is false; natural runs without readings and of equal values as long as an injectable one
are marked before and count neither way. Each metric of each station is one series; the other stations are its
neighbours. All settings are one for all stations and metrics; they were chosen on seeds 100 to 104 of the six stations
named below, the reported seeds are 1 to 5.

``data`` is a folder of hourly readings, a file a station (format: bench/faults/corpus.py); fewer than three stations
leave drift and skew unknown. Without it a folder shared/data/beijing_prsa beside or above the project is read: Beijing
multi-site air quality, six stations, UCI 501, CC BY 4.0; Zhang et al. 2017, Proc. R. Soc. A 473:20170457. The licence
allows copies; 4 MB of readings that only this bench reads are no part of the project.

The run holds if the judge gives 1 to one alarm an episode and 0 to none: quality itself is reported, not demanded.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.faults import checks
from bench.faults.corpus import Corpus, read
from bench.faults.inject import KINDS, Injected, inject
from bench.faults.judge import Verdict, judge
from bench.harness import Figure, Result, shared

FOLDER = Path("shared/data/beijing_prsa")


def run(seed: int, data: Path | None) -> Result:
    """Figures ``precision_<kind>`` and ``recall_<kind>`` of our detectors, fractions of 1."""
    folder = data or shared(FOLDER)
    if folder is None:
        raise FileNotFoundError(f"expected {FOLDER} beside or above the project, or DATA=<folder>; there is none")
    corpus = read(folder)
    injected = inject(corpus, seed)
    rows: list[dict[str, Figure]] = []
    figures: dict[str, Figure] = {}
    detectors = checks.ours(len(corpus.stations))
    for kind in KINDS:
        verdict = judge(injected, kind, detectors[kind].alarms(injected.value, corpus.t))
        rows.append(_row(kind, detectors[kind].name, verdict, corpus))
        figures[f"precision_{kind}"], figures[f"recall_{kind}"] = verdict.precision, verdict.recall
        rows += [
            _row(kind, plain.name, judge(injected, kind, plain.alarms(injected.value, corpus.t)), corpus)
            for plain in checks.PLAIN[kind]
        ]
    settings = {kind: check.setting for kind, check in detectors.items()}
    about = {"stations": ", ".join(corpus.stations), "hours": len(corpus.t), "folder": folder.name}
    return Result(rows, figures, _sound(injected), about | settings)


def _row(kind: str, name: str, verdict: Verdict, corpus: Corpus) -> dict[str, Figure]:
    years = np.isfinite(corpus.value).sum() / (365.25 * 24)
    return {
        "kind": kind, "by": name, "precision": verdict.precision, "recall": verdict.recall, "found": verdict.found,
        "of": verdict.episodes, "false": verdict.false, "false a sensor year": verdict.false / max(years, 1e-9),
        "in natural runs": verdict.natural,
    }  # fmt: skip


def _sound(injected: Injected) -> bool:
    """Whether the judge gives one alarm at each episode's end 1 and 1, and none at all a recall of 0."""
    for kind in KINDS:
        exact: NDArray[np.bool_] = np.zeros(injected.value.shape, bool)
        own = [e for e in injected.episodes if e.kind == kind]
        for e in own:
            exact[e.station, e.metric, e.last] = True
        best, none = judge(injected, kind, exact), judge(injected, kind, np.zeros_like(exact))
        if own and ((best.precision, best.recall) != (1.0, 1.0) or none.found or none.false):
            return False
    return True
