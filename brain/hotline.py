"""Hotline text in one pass: class, where and what, urgency, mood, copies and topics of a batch of masked tickets.

It composes models/text with the word lists of config/text and a model that was trained by ``brain hotline train``.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from brain.settings import HOME
from models.text.classify import Classifier, Verdicts
from models.text.copies import Copies, Copy
from models.text.lexicon import Lexicon, Mood, Urgency
from models.text.place import PlaceRules, Where
from models.text.topics import Topic, Topics, TopicSettings
from streams.decode.mask import mask

WORDS = HOME / "config" / "text"
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "label": ("label", "class", "一级分类", "分类", "类别"),
    "title": ("title", "留言主题", "标题", "主题"),
    "text": ("text", "留言详情", "内容", "正文"),
}
"""Names of a training file's columns, ours first."""
TAXONOMY: tuple[tuple[str, ...], ...] = (("class", "一级分类"), ("group", "二级分类"), ("words", "三级分类"))
HEAD = 400
"""Characters of a body in which words are looked for: what follows is mostly history."""


class WordsError(ValueError):
    """A word list or a training file that cannot be used; read by a person."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a training file, masked. ``label`` is "" where it has none."""

    label: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read from a batch, one entry a ticket in every column. ``verdicts`` is None without a model."""

    verdicts: Verdicts | None
    where: list[Where]
    urgency: NDArray[np.int32]
    mood: NDArray[np.float64]
    copies: list[Copy]
    topics: NDArray[np.int64]


class HotlineText:
    """Reads tickets batch by batch in the order in which they come; the same however they are cut into batches."""

    def __init__(
        self, model: Classifier | None = None, words: Path = WORDS, topics: TopicSettings | None = None
    ) -> None:
        self.model = model
        self.place = PlaceRules.of(_yaml(words / "place.yaml"))
        lexicon = lexicon_of(words / "lexicon.yaml")
        self.urgency, self.mood = Urgency(lexicon), Mood(lexicon)
        self.copies, self.topics = Copies(), Topics(topics)

    def read(
        self, t: NDArray[np.int64], callers: Sequence[str], titles: Sequence[str], texts: Sequence[str]
    ) -> Reading:
        """All columns of a batch. Texts must be masked before. ``t``: ms UTC; ``callers``: "" where unknown."""
        who = [caller_number(caller) for caller in callers]
        where = self.place.cut(titles, texts)
        heads = [f"{a}\n{b[:HEAD]}" for a, b in zip(titles, texts, strict=True)]
        return Reading(
            verdicts=None if self.model is None else self.model.judge(list(zip(titles, texts, strict=True))),
            where=where,
            urgency=self.urgency.of(heads),
            mood=self.mood.of(heads),
            copies=self.copies.add(texts, who),
            topics=self.topics.add(t, np.array(who, np.uint64), titles, texts, [w.place for w in where]),
        )

    def rising(self, now: int, first: int = 20) -> list[Topic]:
        """Topics that rise at ``now`` (ms UTC), the strongest first."""
        return self.topics.rank(now, first)


def caller_number(caller: str) -> int:
    """A number for a caller; 0 for "", which stands for unknown."""
    if not caller:
        return 0
    return int.from_bytes(hashlib.blake2b(caller.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def lexicon_of(path: Path) -> Lexicon:
    """The word list of a file. Raises WordsError with the file and the place in it."""
    try:
        return Lexicon.of(_yaml(path))
    except ValueError as error:
        raise WordsError(f"{path}: {error}") from error


def read_rows(path: Path) -> list[Row]:
    """Rows of a CSV or CSV.GZ in UTF-8 with columns ``text`` and, where there are, ``label`` and ``title``.

    Every text is masked as it is read. Raises WordsError: a file that is none, no column of text, no row.
    """
    table = list(_table(path))
    names = list(table[0]) if table else []
    column = {ours: next((n for n in known if n in names), "") for ours, known in COLUMNS.items()}
    if not column["text"]:
        raise WordsError(
            f"{path}: expected a column named {' or '.join(COLUMNS['text'])}, got {', '.join(names) or '-'}"
        )
    return [Row(*(mask((row.get(column[ours]) or "").strip()) for ours in ("label", "title", "text"))) for row in table]


def read_taxonomy(path: Path) -> list[tuple[str, str]]:
    """(class, words) pairs of a CSV with columns class, group, words: what each class contains, a group a pair."""
    groups: dict[tuple[str, str], list[str]] = {}
    for number, row in enumerate(_table(path), 2):
        found = [next((row[n] for n in names if row.get(n)), "") for names in TAXONOMY]
        if not found[0]:
            raise WordsError(f"{path}:{number}: expected columns class, group, words, got {', '.join(row)}")
        groups.setdefault((found[0], found[1]), []).append(found[2])
    return [(name, f"{group} {' '.join(words)}") for (name, group), words in groups.items()]


def _table(path: Path) -> list[dict[str, str]]:
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise WordsError(f"{path}: expected a CSV file in UTF-8, plain or gzip: {error}") from error
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    if not rows:
        raise WordsError(f"{path}: expected a line of names and at least one row, got none")
    return rows


def _yaml(path: Path) -> dict[str, Any]:
    try:
        return msgspec.yaml.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError, msgspec.ValidationError) as error:
        raise WordsError(f"{path}: {error}") from error
