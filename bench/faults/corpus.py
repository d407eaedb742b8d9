"""Hourly readings of several stations as one array, from files laid out as the Beijing multi-site air quality data.

A file a station, ``*.csv`` or ``*.csv.gz``: a header, then one row an hour with ``year, month, day, hour`` (local time,
whole numbers), ``station`` and a column for each of :data:`METRICS`; NA or an empty field is no reading, other columns
are not read. Rows may come in any order; an hour that has none counts as without readings.
"""

from __future__ import annotations

import csv
import gzip
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

METRICS = {"PM2.5": 1.0, "PM10": 1.0, "SO2": 1.0, "NO2": 1.0, "CO": 100.0, "O3": 1.0}
"""The pollutants, each with the resolution that its readings mostly have, in ug/m3.

The weather columns of these files are left out: stations near each other carry copies of one weather station's, so a
neighbour would be the very sensor that is judged.
"""

HOUR = 3_600_000


@dataclass(frozen=True)
class Corpus:
    """``value`` is (stations, metrics, hours), NaN where there is none; ``t`` (hours,) ms, an hour apart."""

    stations: list[str]
    t: NDArray[np.int64]
    value: NDArray[np.float64]


def read(folder: Path) -> Corpus:
    """All stations of a folder, in order of their names.

    Raises ValueError for a folder without files, a file that lacks a column, a field that is no number, an hour twice.
    """
    files = sorted([*folder.glob("*.csv"), *folder.glob("*.csv.gz")])
    if not files:
        raise ValueError(f"{folder}: expected files *.csv or *.csv.gz, one a station, found none")
    read_files = dict(sorted(_read(path) for path in files))
    if len(read_files) != len(files):
        raise ValueError(f"{folder}: expected each station in one file, got {len(files)} for {len(read_files)}")
    hours = [hour for rows in read_files.values() for hour in rows]
    first, last = min(hours), max(hours)
    value = np.full((len(read_files), len(METRICS), last - first + 1), np.nan)
    for station, rows in enumerate(read_files.values()):
        at = np.fromiter(rows, np.int64, len(rows)) - first
        value[station][:, at] = np.array(list(rows.values())).T
    return Corpus(list(read_files), (first + np.arange(value.shape[2])) * HOUR, value)


def _read(path: Path) -> tuple[str, dict[int, list[float]]]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        lines = csv.DictReader(file)
        missing = {"year", "month", "day", "hour", "station", *METRICS} - set(lines.fieldnames or ())
        if missing:
            raise ValueError(f"{path.name}: expected columns {', '.join(sorted(missing))}, got {lines.fieldnames}")
        station, rows = "", dict[int, list[float]]()
        for number, line in enumerate(lines, 2):
            try:
                day = datetime(int(line["year"]), int(line["month"]), int(line["day"]), int(line["hour"]), tzinfo=UTC)
                reading = [_number(line[metric]) for metric in METRICS]
            except (TypeError, ValueError) as error:
                raise ValueError(f"{path.name}, line {number}: {error}") from error
            hour = int(day.timestamp()) // 3600
            if hour in rows:
                raise ValueError(f"{path.name}, line {number}: expected each hour once, got {day:%Y-%m-%d %H} again")
            rows[hour], station = reading, line["station"]
    if not rows:
        raise ValueError(f"{path.name}: expected rows, found none")
    return station, rows


def _number(text: str) -> float:
    return math.nan if text in {"", "NA"} else float(text)
