"""Free text to door plates and points of interest: right, wrong and abstained together, and the dictionary's speed.

Judged by what the generator knows: right is the row that a text was written about, or no row for the tenth that are not
in the city; a row of another place, or any row for those, is wrong; the rest abstained. An answer that is coarser or
finer than the row meant is wrong. All texts count, also those whose wrong character makes them another place's name.

``data``: a folder with ``book.csv`` (columns of geo.addresses.AddressBook, ``aliases`` separated by #) and
``texts.csv`` (columns ``text``, ``code``; an empty code for what is not in the book), UTF-8, with header; optional
``city.txt``, names of the city and its province, one a line. Without it the invented library and texts of the seed.
"""

from __future__ import annotations

import csv
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from bench.addresses.library import CITY, COLUMNS, Library, library
from bench.addresses.peers import Nearest, Substrings, timed
from bench.addresses.texts import ELSEWHERE, LOST, WRONG, Noisy, Text, noisy
from bench.harness import Figure, Result
from geo.addresses import AddressBook, AddressMatcher, Why, assumptions

TEXTS = 20_000
SLICES = 5
NEAREST_TEXTS = 2000
"""How many the nearest neighbour answers: at its speed, all would take minutes."""
OF_ALL = "all"


def run(seed: int, data: Path | None) -> Result:
    """Figures ``right``, ``wrong``, ``abstain`` (shares of all texts), ``dictionary_texts_per_s`` (of one CPU).

    ok is always True: how good it is is reported.
    """
    made, city = (library(seed), CITY) if data is None else _book(data)
    texts = noisy(made, seed, TEXTS) if data is None else _texts(made, data)
    began = time.process_time()
    book = AddressBook.of({**made.columns, "lon": made.lon, "lat": made.lat}, city)
    matcher = AddressMatcher(book)
    build_s = time.process_time() - began
    words = [t.text for t in texts.texts]
    began = time.process_time()
    found = matcher.match(words)
    all_per_s = len(words) / (time.process_time() - began)
    rows = found.row.tolist()
    ours = _shares(rows, texts.texts)
    speed = _speed(matcher, words)
    table: list[dict[str, Figure]] = [
        {"what": "ours", "texts": len(words), **ours[OF_ALL], "texts/s": round(all_per_s)},
        {"what": "  its dictionary alone, on all texts", "texts/s": round(speed)},
    ]
    nearest = words[:NEAREST_TEXTS]
    peers: list[tuple[str, Substrings | Nearest, list[str]]] = [
        ("substrings, regex, inverted index", Substrings(made), words),
        ("tf-idf nearest, always answers", Nearest(made), nearest),
    ]
    for name, peer, asked in peers:
        answered, per_s = timed(peer, asked)
        shares = _shares(answered, texts.texts)[OF_ALL]
        table.append({"what": name, "texts": len(asked), **shares, "texts/s": round(per_s)})
    table += [
        {"what": kind, "texts": sum(kind in t.kinds for t in texts.texts), **share}
        for kind, share in ours.items() if kind != OF_ALL
    ]  # fmt: skip
    table += [
        {"what": f"abstained: {Why(why).name.lower()}", "texts": count}
        for why, count in sorted(Counter(found.why[found.row < 0].tolist()).items())
    ]
    if data is None:
        table += [
            {"what": "parts put back: without them several places fit", "texts": texts.put_back},
            {"what": "one wrong character from another place too", "texts": texts.twins},
        ]
    figures: dict[str, Figure] = {**ours[OF_ALL], "dictionary_texts_per_s": round(speed)}
    settings: dict[str, float] = {"addresses": len(book), "build_cpu_s": round(build_s, 2), **assumptions()}
    if data is None:
        settings |= {"not_here": ELSEWHERE, "wrong_character": WRONG, "lost_or_swapped": LOST}
    return Result(table, figures, ok=True, settings=settings)


def _shares(rows: Sequence[int], texts: Sequence[Text]) -> dict[str, dict[str, Figure]]:
    """Right, wrong and abstained of all texts and of each kind, of the first so many as there are rows."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row, text in zip(rows, texts, strict=False):
        verdict = "right" if row == text.row else "abstain" if row < 0 else "wrong"
        for kind in (OF_ALL, *text.kinds):
            counts[kind][verdict] += 1
    return {
        kind: {verdict: round(count[verdict] / count.total(), 4) for verdict in ("right", "wrong", "abstain")}
        for kind, count in sorted(counts.items())
    }


def _speed(matcher: AddressMatcher, words: Sequence[str]) -> float:
    """Texts per CPU-second of the dictionary without the second pass, columns included: the median of slices."""
    speeds = []
    for k in range(SLICES):
        part = words[k::SLICES]
        began = time.process_time()
        matcher.match(part, forgive=False)
        speeds.append(len(part) / (time.process_time() - began))
    return statistics.median(speeds)


def _book(folder: Path) -> tuple[Library, tuple[str, ...]]:
    made = Library()
    with (folder / "book.csv").open(encoding="utf-8", newline="") as file:
        for record in csv.DictReader(file):
            for name in COLUMNS:
                made.columns[name].append(record.get(name) or "")
            made.lon.append(float(record["lon"]))
            made.lat.append(float(record["lat"]))
    city = folder / "city.txt"
    return made, tuple(city.read_text(encoding="utf-8").split()) if city.exists() else ()


def _texts(made: Library, folder: Path) -> Noisy:
    rows = {code: row for row, code in enumerate(made.columns["code"])} | {"": -1}
    out = Noisy()
    with (folder / "texts.csv").open(encoding="utf-8", newline="") as file:
        for line, r in enumerate(csv.DictReader(file), 2):
            if r["code"] not in rows:
                raise ValueError(f"texts.csv, line {line}: expected a code of book.csv or none, got {r['code']!r}")
            out.texts.append(Text(r["text"], rows[r["code"]], frozenset()))
    return out
