"""The corpus of NAB: 58 files of `timestamp,value`, and the windows in which an anomaly is to be found."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from bench.nab.score import Truth, truth

HALF_A = ("realTweets", "realKnownCause", "artificialWithAnomaly")
HALF_B = ("realAWSCloudwatch", "realAdExchange", "realTraffic", "artificialNoAnomaly")

OWN = Path(__file__).with_name("corpus.zip")
WINDOWS, PUBLISHED = "labels/combined_windows.json", "final_results.json"

Tree = Path | zipfile.Path


@dataclass(frozen=True)
class Series:
    """One file. ``times`` are the texts as they stand, ``t`` the same in int64 ms (the corpus names no zone)."""

    group: str
    name: str
    times: list[str]
    t: NDArray[np.int64]
    value: NDArray[np.float64]
    truth: Truth


def tree(data: Path | None) -> Tree:
    """The folder or archive to read: the committed corpus unless another is named."""
    path = data or OWN
    return path if path.is_dir() else zipfile.Path(path)


def read(root: Tree) -> list[Series]:
    """All files `data/<group>/<name>.csv` with their windows, by path.

    Raises FileNotFoundError where files or windows are missing, and ValueError for a file without an entry.
    """
    labels = root / WINDOWS
    windows = msgspec.json.decode(labels.read_bytes(), type=dict[str, list[tuple[str, str]]])
    found = []
    for group in sorted((p for p in (root / "data").iterdir() if p.is_dir()), key=lambda p: p.name):
        for path in sorted((p for p in group.iterdir() if p.name.endswith(".csv")), key=lambda p: p.name):
            key = f"{group.name}/{path.name}"
            if key not in windows:
                raise ValueError(f"{WINDOWS}: expected the windows of {key}, found no such entry")
            # The windows' ends carry fractions of a second that the rows do not have.
            ends = [(a.partition(".")[0], b.partition(".")[0]) for a, b in windows[key]]
            found.append(_series(group.name, path, ends))
    if not found:
        raise FileNotFoundError(f"{root / 'data'}: expected files <group>/<name>.csv, found none")
    return found


def published(root: Tree) -> Mapping[str, Mapping[str, float]]:
    """Normalised scores by detector and profile as the corpus ships them; empty where it ships none."""
    path = root / PUBLISHED
    return msgspec.json.decode(path.read_bytes(), type=dict[str, dict[str, float]]) if path.exists() else {}


def write_results(folder: Path, detector: str, series: Sequence[Series], scores: Sequence[NDArray[np.float64]]) -> None:
    """Results in NAB's own layout, which its own scorer reads: <group>/<detector>_<name>.csv, scores in [0, 1].

    An unknown score (NaN) is written as 0, any other as 1 - 2^-score, which keeps their order.
    """
    for s, own in zip(series, scores, strict=True):
        path = folder / detector / s.group / f"{detector}_{s.name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        share = 1.0 - np.exp2(-np.nan_to_num(own))
        with path.open("w", newline="", encoding="utf-8") as lines:
            out = csv.writer(lines, lineterminator="\n")
            out.writerow(["timestamp", "value", "anomaly_score", "label"])
            label = (s.truth.labelled).astype(int)
            out.writerows(zip(s.times, s.value.tolist(), share.tolist(), label.tolist(), strict=True))


def _series(group: str, path: Tree, windows: list[tuple[str, str]]) -> Series:
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))[1:]
    times = [row[0] for row in rows]
    t = np.array([_milliseconds(text) for text in times], np.int64)
    value = np.array([float(row[1]) for row in rows])
    return Series(group, path.name.removesuffix(".csv"), times, t, value, truth(times, windows))


def _milliseconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000
