"""What one would write first: names as substrings and a regular expression; the nearest by n-grams alone."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Sequence

import ahocorasick
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from bench.addresses.library import Library

_NUMBER = re.compile(r"(\d+)(?:号之|-|号附)?(\d+)?")
_WIDE = str.maketrans("０１２３４５６７８９", "0123456789")
BATCH = 256


class Substrings:
    """Longest names in the text, digits after them, an inverted index; no areas, no numerals in words, no faults."""

    def __init__(self, made: Library) -> None:
        c = made.columns
        self.rows: dict[tuple[str, str], list[int]] = defaultdict(list)
        for k in range(len(made)):
            if c["poi"][k]:
                self.rows[c["poi"][k], ""].append(k)
            elif c["estate"][k]:
                self.rows[c["estate"][k], c["building"][k].rstrip("栋座")].append(k)
            else:
                self.rows[c["road"][k], c["number"][k].replace("号之", "-").rstrip("号")].append(k)
        self.names = ahocorasick.Automaton()
        for name in {name for name, _ in self.rows}:
            self.names.add_word(name, name)
        self.names.make_automaton()

    def answer(self, texts: Sequence[str]) -> list[int]:
        """A row for each text, -1 where none or several are found."""
        out = []
        for text in texts:
            plain = text.translate(_WIDE)
            found: set[int] = set()
            for last, name in self.names.iter_long(plain):
                m = _NUMBER.match(plain, last + 1)
                key = "" if m is None else m[1] + (f"-{m[2]}" if m[2] else "")
                found.update(self.rows.get((name, key), self.rows.get((name, ""), ())))
            out.append(found.pop() if len(found) == 1 else -1)
        return out


class Nearest:
    """The nearest whole address by tf-idf of one to three characters, always answered: sklearn's recipe."""

    def __init__(self, made: Library) -> None:
        c = made.columns
        parts = ("district", "town", "community", "road", "number", "estate", "building", "poi")
        whole = ["".join(c[name][k] for name in parts) for k in range(len(made))]
        self.vectors = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), dtype=np.float32)
        self.matrix = self.vectors.fit_transform(whole).T.tocsr()

    def answer(self, texts: Sequence[str]) -> list[int]:
        """The nearest row for each text."""
        out: list[int] = []
        for k in range(0, len(texts), BATCH):
            close = self.vectors.transform(texts[k : k + BATCH]) @ self.matrix
            out += [int(row.indices[row.data.argmax()]) if row.nnz else -1 for row in close]
        return out


def timed(peer: Substrings | Nearest, texts: Sequence[str]) -> tuple[list[int], float]:
    """A peer's rows, and texts per second of CPU."""
    began = time.process_time()
    rows = peer.answer(texts)
    return rows, len(texts) / (time.process_time() - began)
