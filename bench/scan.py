"""The space-time scan against reference outputs of SaTScan on the fever cases of New York that come with it.

Each reference is one end date: all clusters that it lists are compared: members, days, observed, expected as printed,
and the log likelihood ratio to four decimals. p-values are Monte Carlo on both sides and only shown.

``data`` is a folder with NYCfever.cas (site, cases, date), NYCfever.geo (site, latitude, longitude) and nyc_<day>.txt
(outputs of version 10.3.2: prospective space-time permutation, at most 3 km, 7 days, at least 2 cases, 999
replicates). Their licence asks derivatives to be shared alike, so they are no part of this project: without ``data``
a folder shared/data/satscan_nycfever beside or above the project is read. Source: github.com/scanstatistics/satscan.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.harness import Figure, Result, shared
from models.scan import Cluster, SpaceTimeScan

EARTH_KM = 6367.0
"""Radius of the sphere on which the reference places its sites."""
LIMITS: Mapping[str, Any] = {"radius": 3.0, "days": 7, "least": 2}
FOLDER = Path("shared/data/satscan_nycfever")


@dataclass(frozen=True)
class Reference:
    """One cluster as printed."""

    sites: frozenset[str]
    first: date
    last: date
    observed: int
    expected: str
    llr: float
    p: float


@dataclass(frozen=True)
class Fever:
    """Sites with their places in km, and all cases."""

    names: list[str]
    places: NDArray[np.float64]
    cases: list[tuple[str, int, date]]

    def counts(self, last: date) -> NDArray[np.int64]:
        """(sites, days) from the first of the month to ``last``."""
        first = last.replace(day=1)
        table = np.zeros((len(self.names), (last - first).days + 1), np.int64)
        row = {name: i for i, name in enumerate(self.names)}
        for name, n, day in self.cases:
            if first <= day <= last:
                table[row[name], (day - first).days] += n
        return table


def run(seed: int, data: Path | None) -> Result:
    """Figures ``references`` (how many there are) and ``equal`` (of which all clusters agree)."""
    folder = data or shared(FOLDER)
    if folder is None:
        raise FileNotFoundError(f"expected {FOLDER} beside or above the project, or DATA=<folder>; there is none")
    fever = read(folder)
    model = SpaceTimeScan(**LIMITS, seed=seed)
    rows: list[dict[str, Figure]] = []
    equal = references = 0
    for path in sorted(folder.glob("nyc_*.txt")):
        theirs = parse(path.read_text(encoding="utf-8"))
        last = theirs[0].last
        ours = model.scan(fever.places, fever.counts(last))
        wrong = differences(fever, ours, theirs, last)
        references, equal = references + 1, equal + (not wrong)
        rows.append(
            {"end": str(last), "clusters": len(theirs), "sites": len(theirs[0].sites), "observed": ours[0].observed,
             "llr": round(ours[0].llr, 6), "their llr": theirs[0].llr, "p": ours[0].p, "their p": theirs[0].p,
             "recurrence_days": round(ours[0].recurrence_days), "differs": "; ".join(wrong)}
        )  # fmt: skip
    if not references:
        raise FileNotFoundError(f"{folder}: expected reference outputs nyc_<day>.txt, found none")
    return Result(rows, {"references": references, "equal": equal}, equal == references, {"scan": model})


def read(folder: Path) -> Fever:
    """Sites and cases. Latitude and longitude become points on the sphere: distances are chords, as theirs are."""
    sites = [
        line.split() for line in (folder / "NYCfever.geo").read_text(encoding="utf-8").splitlines() if line.strip()
    ]
    places = []
    for _, latitude, longitude in sites:
        a, b = math.radians(float(latitude)), math.radians(float(longitude))
        places.append([math.cos(a) * math.cos(b), math.cos(a) * math.sin(b), math.sin(a)])
    lines = (folder / "NYCfever.cas").read_text(encoding="utf-8").splitlines()
    cases = [(name, int(n), _date(day)) for name, n, day in (line.split() for line in lines if line.strip())]
    return Fever([name for name, *_ in sites], EARTH_KM * np.array(places), cases)


def parse(text: str) -> list[Reference]:
    """All clusters of one output, in its order. Long lists of sites go on over several lines."""
    text = text.partition("CLUSTERS DETECTED")[2].partition("PARAMETER SETTINGS")[0]
    clusters = []
    for part in re.split(r"^\s*\d+\.(?=Location IDs)", text, flags=re.MULTILINE)[1:]:
        sites, _, rest = re.sub(r"\s+", " ", part).partition("Coordinates")
        field = dict(
            re.findall(r"(Time frame|Number of cases|Expected cases|Test statistic|P-value)\.*: ([^A-Z]+)", rest)
        )
        first, last = field["Time frame"].split(" to ")
        clusters.append(
            Reference(
                frozenset(re.findall(r"\d{5}", sites)), _date(first), _date(last), int(field["Number of cases"]),
                field["Expected cases"].strip(), float(field["Test statistic"]), float(field["P-value"].split()[0]),
            )
        )  # fmt: skip
    return clusters


def differences(fever: Fever, ours: list[Cluster], theirs: list[Reference], last: date) -> list[str]:
    """What does not agree, cluster by cluster; empty: all does."""
    wrong = [] if len(ours) >= len(theirs) else [f"{len(ours)} clusters for {len(theirs)}"]
    for number, (own, their) in enumerate(zip(ours, theirs, strict=False), 1):
        decimals = len(their.expected.partition(".")[2])
        pairs = {
            "sites": (frozenset(fever.names[s] for s in own.sites), their.sites),
            "days": (own.days, (last - their.first).days + 1),
            "observed": (own.observed, their.observed),
            "expected": (f"{own.expected:.{decimals}f}", their.expected),
            "llr": (round(own.llr, 4), round(their.llr, 4)),
        }
        wrong += [f"{number}: {name} {a} for {b}" for name, (a, b) in pairs.items() if a != b]
    return wrong


def _date(text: str) -> date:
    year, month, day = text.strip().split("/")
    return date(int(year), int(month), int(day))
