"""The noisy set: what callers write about places of a library, and about places that are not in it.

Shares are fixed by count, not by chance: 10 % not in the city, 38 % of all with one wrong character in a name (never in
a number: nobody could see it), others with one lost or swapped. Before its noise every text of a known place names that
place and no other of the book, which an oracle over the true columns holds: where the parts left out would leave
several, they are put back. What the wrong character then makes of it counts as it falls.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from bench.addresses.library import CITY, Library, estate_name, poi_name, road_name
from bench.addresses.sounds import wrong
from bench.addresses.writing import AFTER, BEFORE, CITIES, building, plate

ELSEWHERE, WRONG, LOST = 0.10, 0.38, 0.05
AREAS = (("city", 0.15), ("district", 0.4), ("town", 0.4), ("community", 0.25))
"""How often each area is said."""
IN_NAME = 0.7
"""Of the wrong characters, those in the name that identifies the place rather than in an area beside it."""


class Text(NamedTuple):
    """A text, the row that it means (-1: none of the book), and the kinds of noise in it."""

    text: str
    row: int
    kinds: frozenset[str]


@dataclass
class Noisy:
    """The set, and what is known about it by construction."""

    texts: list[Text] = field(default_factory=list)
    put_back: int = 0
    """Texts whose missing parts would have left several places, so they were put back."""
    twins: int = 0
    """Texts with a wrong character that are one wrong character from another place of the book too."""


class _Parts(NamedTuple):
    """What is written: (kind of part, words) in order; kinds: area, name, number, talk."""

    row: int
    parts: list[tuple[str, str]]
    kept: frozenset[str]


class _Oracle:
    """Rows by what is said of them, over the true columns: no rule of the parser's."""

    def __init__(self, made: Library) -> None:
        self.c = made.columns
        self.rows: dict[tuple[str, ...], list[int]] = defaultdict(list)
        self.patterns: dict[str, set[str]] = defaultdict(set)
        for k in range(len(made)):
            road, number, estate, house, poi = (
                self.c[name][k] for name in ("road", "number", "estate", "building", "poi")
            )
            if poi:
                self.rows["poi", poi].append(k)
            elif estate:
                self.rows["estate", estate, house].append(k)
                self.rows["gate", road, number, house].append(k)
            else:
                self.rows["road", road, number].append(k)
        for name in sorted(made.roads | made.estates | made.pois):
            for at in range(len(name)):
                self.patterns[name[:at] + "?" + name[at + 1 :]].add(name)

        self.keys = {kind: [key for key in self.rows if key[0] == kind] for kind in ("road", "estate", "poi")}

    def fits(self, key: tuple[str, ...], row: int, kept: frozenset[str]) -> list[int]:
        """Rows under a key that agree with the areas that are said of a row."""
        areas = [a for a in ("district", "town", "community") if a in kept]
        return [r for r in self.rows.get(key, ()) if all(self.c[a][r] == self.c[a][row] for a in areas)]

    def twin(self, key: tuple[str, ...], row: int, kept: frozenset[str], written: str) -> bool:
        """Whether another row is one character from what is written for its name, all else agreeing."""
        for at in range(len(written)):
            for name in self.patterns.get(written[:at] + "?" + written[at + 1 :], ()):
                if any(r != row for r in self.fits((key[0], name, *key[2:]), row, kept)):
                    return True
        return False


def noisy(made: Library, seed: int, count: int) -> Noisy:
    """The set of a seed over a library."""
    draw = Random(f"texts {seed}")
    oracle, out = _Oracle(made), Noisy()
    away = set(draw.sample(range(count), round(count * ELSEWHERE)))
    spoilt = draw.sample(range(count), round(count * (WRONG + LOST)))
    wrongs = set(spoilt[: round(count * WRONG)])
    lost = set(spoilt[len(wrongs) :])
    for k in range(count):
        words = draw.random() < 0.3
        if k in away:
            kind, parts = _away(draw, made, words)
            kinds, said = {"not here", kind}, _Parts(-1, parts, frozenset())
            key: tuple[str, ...] = ()
        else:
            said, key, kinds = _known(draw, made, oracle, out, words)
            kinds.add("Chinese numerals" if words else "digits")
        parts = said.parts
        if k in wrongs or k in lost:
            parts, where, written = _spoil(draw, parts, k in lost)
            kinds.add(("lost or swapped" if k in lost else "wrong character") + f" in {where}")
            out.twins += (
                bool(key) and where == "name" and k in wrongs and oracle.twin(key, said.row, said.kept, written)
            )
        else:
            kinds.add("no fault")
        text = "".join(words for _, words in parts)
        before, after = draw.random() < 0.6, draw.random() < 0.6
        if before or after:
            kinds.add("talk around it")
        text = (draw.choice(BEFORE) if before else "") + text + (draw.choice(AFTER) if after else "")
        out.texts.append(Text(text, said.row, frozenset(kinds)))
    return out


def _known(
    draw: Random, made: Library, oracle: _Oracle, out: Noisy, words: bool
) -> tuple[_Parts, tuple[str, ...], set[str]]:
    """A text about a row, the key it is identified by, and its kinds."""
    while True:
        kind = draw.choices(("road", "estate", "poi"), (50, 28, 22))[0]
        key = draw.choice(oracle.keys[kind])
        row = draw.choice(oracle.rows[key])
        kept = {
            a for a, p in (("city", 0.15), ("district", 0.4), ("town", 0.4), ("community", 0.25)) if draw.random() < p
        }
        if kind == "estate" and made.columns["road"][row] and draw.random() < 0.1:
            key = ("gate", made.columns["road"][row], made.columns["number"][row], key[2])
        was = set(kept)
        for more in ("town", "community"):
            if len(oracle.fits(key, row, frozenset(kept))) > 1:
                kept.add(more)
        if len(oracle.fits(key, row, frozenset(kept))) != 1:
            continue
        out.put_back += kept != was
        said = _write(draw, made, key, row, kept, words)
        all_parts = {"district", "town", "community"} | (
            {"gate"} if kind != "road" and made.columns["road"][row] else set()
        )
        missing = not all_parts <= said.kept
        return said, key, {kind if key[0] != "gate" else "estate", "parts missing" if missing else "whole"}


def _write(draw: Random, made: Library, key: tuple[str, ...], row: int, kept: set[str], words: bool) -> _Parts:
    c = made.columns
    gap = draw.choices(("", " ", "，"), (90, 6, 4))[0]
    parts = [("area", draw.choice(CITY[:1]))] if "city" in kept else []
    for area in ("district", "town", "community"):
        if area in kept:
            name = c[area][row]
            short = area == "town" and name.endswith("街道") and draw.random() < 0.15
            parts += [("area", name[:-2] if short else name), ("talk", gap)]
    said = set(kept)
    if key[0] == "road":
        parts += [("name", key[1]), ("number", plate(draw, key[2], words))]
    elif key[0] == "gate":
        said.add("gate")
        parts += [("name", key[1]), ("number", plate(draw, key[2], words=False).rstrip("院内")), ("number", key[3])]
    else:
        if c["road"][row] and draw.random() < 0.3:
            said.add("gate")
            parts += [("beside", c["road"][row]), ("number", plate(draw, c["number"][row], words))]
        elif c["road"][row] and draw.random() < 0.1:
            parts += [("beside", c["road"][row]), ("talk", draw.choice(("", "上的", "的")))]
        alias = c["aliases"][row]
        parts.append(("name", alias if alias and draw.random() < 0.3 else key[1]))
        if key[0] == "estate":
            parts += [("talk", draw.choices(("", "小区", "里", " "), (88, 4, 4, 4))[0])]
            parts += [("number", building(draw, key[2], words))]
    if draw.random() < 0.08:
        parts.append(("talk", draw.choice(("附近", "对面", "旁边"))))
    return _Parts(row, parts, frozenset(said))


def _spoil(draw: Random, parts: list[tuple[str, str]], lose: bool) -> tuple[list[tuple[str, str]], str, str]:
    """One fault: the parts anew, where it is, and the part as it is written now."""
    named = [k for k, (kind, words) in enumerate(parts) if kind == "name" and words]
    beside = [k for k, (kind, words) in enumerate(parts) if kind in {"area", "beside"} and words]
    chosen = named if not beside or draw.random() < IN_NAME else beside
    k = draw.choice(chosen)
    kind, words = parts[k]
    at = draw.randrange(len(words))
    if not lose:
        words = words[:at] + wrong(draw, words[at]) + words[at + 1 :]
    elif at + 1 < len(words) and draw.random() < 0.4:
        words = words[:at] + words[at + 1] + words[at] + words[at + 2 :]
    else:
        words = words[:at] + words[at + 1 :]
    return [*parts[:k], (kind, words), *parts[k + 1 :]], "name" if kind == "name" else "area", words


def _away(draw: Random, made: Library, words: bool) -> tuple[str, list[tuple[str, str]]]:
    """A place that is not in the book: another city, or a name that it does not have with a number as it could be."""
    number = plate(draw, f"{draw.randint(1, 120)}号", words)
    house = building(draw, f"{draw.randint(1, 20)}栋", words)
    town = [("area", draw.choice(made.columns["town"]))] if draw.random() < 0.5 else []
    kind = draw.random()
    if kind < 0.4:
        city = draw.choice(sorted(CITIES))
        road = draw.choice(made.columns["road"]) if draw.random() < 0.5 else ""
        where = city + draw.choice(("市", "市", "")) + draw.choice(CITIES[city].split())
        return "other city", [("area", where), ("name", road or _new(draw, made, road_name)), ("number", number)]
    if kind < 0.65:
        return "unknown road", [*town, ("name", _new(draw, made, road_name)), ("number", number)]
    if kind < 0.8:
        return "unknown estate", [*town, ("name", _new(draw, made, estate_name)), ("number", house)]
    if kind < 0.9:
        return "unknown poi", [*town, ("name", _new(draw, made, poi_name))]
    longer = draw.choice("东西南北新老")
    while True:
        if draw.random() < 0.5:
            name, tail = longer + draw.choice(sorted(made.roads)), number
        else:
            name, tail = draw.choice(sorted(made.estates)) + draw.choice(("三期", "A区", "东区")), house
        if name not in made.roads | made.estates:
            return "longer name", [*town, ("name", name), ("number", tail)]


def _new(draw: Random, made: Library, make: object) -> str:
    """A name of the kind that no place of the book has."""
    assert callable(make)
    while True:
        name = str(make(draw))
        if name not in made.roads | made.estates | made.pois:
            return name
