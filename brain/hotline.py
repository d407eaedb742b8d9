"""What is read of hotline texts one by one: class, urgency, mood, where and what; and files of texts to train on.

It composes models/text with the word lists and the trained classifier of a set, or with the lists of config/text.
What needs the texts that came before, copies and topics, is in :mod:`brain.ticket_texts`.
"""

from __future__ import annotations

import csv
import functools
import gzip
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from brain.settings import HOME
from brain.unfit import Unfit, both
from models.text.lexicon import Lexicon, Mood, Urgency
from models.text.place import PlaceRules, Where
from streams.decode.mask import mask

if TYPE_CHECKING:  # scikit-learn takes a second to load, which who has no classifier need not wait for
    from models.text.classify import Classifier

WORDS = HOME / "config" / "text"
PLACE, LEXICON, CLASSES, BOOK = "text/place.yaml", "text/lexicon.yaml", "text/classes.skops", "text/addresses.csv"
FILES = (PLACE, LEXICON, CLASSES, BOOK)
"""Files of a set's folder ``text``; where it lacks one of the first two, the shipped one stands in."""
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "label": ("label", "class", "一级分类", "分类", "类别"),
    "title": ("title", "留言主题", "标题", "主题"),
    "text": ("text", "留言详情", "内容", "正文"),
}
"""Names of a training file's columns, ours first."""
TAXONOMY: tuple[tuple[str, ...], ...] = (("class", "一级分类"), ("group", "二级分类"), ("words", "三级分类"))
HEAD = 400
"""Characters of a title and of a body in which words are looked for: what follows is mostly history."""


class WordsError(Unfit):
    """A word list or a training file that cannot be used; read by a person."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a training file, masked. ``label`` is "" where it has none."""

    label: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of n texts, an entry each. ``category``: the class where the classifier is sure, else ""."""

    category: list[str]
    where: list[Where]
    urgency: NDArray[np.int32]
    mood: NDArray[np.float64]


@dataclass(frozen=True)
class HotlineText:
    """Reads texts, each alone: however they come in batches, each gets the same answer. Immutable.

    ``model`` None: no class is ever said. ``city``: names of the city and its province, as place.yaml has them.
    """

    place: PlaceRules
    lexicon: Lexicon
    model: Classifier | None = None
    city: tuple[str, ...] = ()
    content: str = ""
    """Hash of what it was made of."""

    @classmethod
    def of(cls, files: Mapping[str, bytes], folder: Path = WORDS.parent) -> HotlineText:
        """From a set's files; a word list that is not among them is the shipped one.

        Raises WordsError or models.text.store.NotAModel (both ValueErrors) with the file and what is wrong in it.
        """
        own = _read_from(files)
        words, kinds = (_decoded(own[name], folder / name) for name in (PLACE, LEXICON))
        try:
            city, place = msgspec.convert(words.get("city", []), tuple[str, ...]), PlaceRules.of(words)
        except ValueError as error:
            raise WordsError(folder / PLACE, "{said}", said=both(error)) from error
        try:
            lexicon = Lexicon.of(kinds)
        except ValueError as error:
            raise WordsError(folder / LEXICON, "{said}", said=both(error)) from error
        model = None
        if CLASSES in own:
            from models.text.store import loads

            model = loads(own[CLASSES], str(folder / CLASSES))
        return cls(place, lexicon, model, city, content_of(files))

    def read(self, titles: Sequence[str], texts: Sequence[str]) -> Reading:
        """All columns of a batch. Texts must be masked before."""
        heads = [title[:HEAD] for title in titles]
        hits = [self.lexicon.hits(f"{a}\n{b[:HEAD]}") for a, b in zip(heads, texts, strict=True)]
        return Reading(
            self._categories(titles, texts), self.place.cut(heads, texts),
            Urgency(self.lexicon).judge(hits), Mood(self.lexicon).judge(hits),
        )  # fmt: skip

    def _categories(self, titles: Sequence[str], texts: Sequence[str]) -> list[str]:
        if self.model is None or not titles:
            return [""] * len(titles)
        said = self.model.judge(list(zip(titles, texts, strict=True)))
        names = self.model.classes
        return [names[k] if sure else "" for k, sure in zip(said.number.tolist(), said.sure.tolist(), strict=True)]


def shipped() -> dict[str, bytes]:
    """The word lists that come with the release, under the names that a set gives them."""
    return {name: (WORDS.parent / name).read_bytes() for name in (PLACE, LEXICON)}


def content_of(files: Mapping[str, bytes]) -> str:
    """Hash of the files that a reader is made of."""
    own = _read_from(files)
    return hashlib.sha256(b"".join(f"{k}\0{len(own[k])}\0".encode() + own[k] for k in sorted(own))).hexdigest()


def _read_from(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {**shipped(), **{name: data for name, data in files.items() if name in {PLACE, LEXICON, CLASSES}}}


@functools.cache
def shipped_text() -> HotlineText:
    """The reader of the shipped word lists, without a classifier."""
    return HotlineText.of({})


def caller_number(caller: str) -> int:
    """A number for a caller; 0 for "", which stands for unknown."""
    if not caller:
        return 0
    return int.from_bytes(hashlib.blake2b(caller.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


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


def _decoded(data: bytes, path: Path) -> dict[str, Any]:
    try:
        return msgspec.yaml.decode(data, type=dict[str, Any])
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise WordsError(path, "{said}", said=both(error)) from error
