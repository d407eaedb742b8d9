"""The competition's files as they lie beside the project: read here, never copied into it.

TipDM cup 2020, problem C. A folder has labelled_sample.csv.gz, unlabelled_2801.csv.gz, hot_issue_4326.csv.gz and
taxonomy_3level.csv. No licence is stated, so texts of it occur nowhere in the project; truth.json has message numbers
only: found by a search for words, then read one by one.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

FOLDER = Path("shared/data/tipdm2020c")


class Issue(msgspec.Struct, frozen=True):
    """One issue that was publicly known: its name, words that are its own, numbers of its messages."""

    issue: str
    words: tuple[str, ...]
    ids: frozenset[str]


@dataclass(frozen=True)
class Messages:
    """Messages in the order of their time, as they came: not masked."""

    ids: Sequence[str]
    t: NDArray[np.int64]
    callers: Sequence[str]
    titles: Sequence[str]
    texts: Sequence[str]


def issues() -> list[Issue]:
    """The truth on hot issues."""
    return msgspec.json.decode((Path(__file__).parent / "truth.json").read_bytes(), type=list[Issue])


def raw_texts(path: Path) -> list[str]:
    """Title and body of each row of the labelled sample, in its order, not masked."""
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
        return [f"{row['留言主题'].strip()}\n{row['留言详情'].strip()}" for row in csv.DictReader(file)]


def messages(path: Path) -> Messages:
    """All messages of a file by time, then by number. Times are taken as UTC: only their distances count."""
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda r: (r["留言时间"], r["留言编号"]))
    return Messages(
        [r["留言编号"] for r in rows], np.array([_ms(r["留言时间"]) for r in rows], np.int64),
        [r["留言用户"] for r in rows], [r["留言主题"].strip() for r in rows], [r["留言详情"].strip() for r in rows],
    )  # fmt: skip


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
