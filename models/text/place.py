"""Where and what apart 地点与事由: the place phrase is cut from a text, the rest of the title says what it is about.

Rules, not learning: administrative names and names with a place's ending (road, estate, school ...), the left end
found at a region, a preposition or a verb of complaint. Turning the phrase into a position is the map's work.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

BREAK = r"\s\u0021-\u002f\u003a-\u0040\u2010-\u206f\u3000-\u301f\uff01-\uff0f\uff1a-\uff20"
"""Inside brackets of an expression: white space and punctuation, narrow and wide."""
NUMBER = r"(?:[0-9A-Za-z一二三四五六七八九十百]{1,5}(?:栋|号楼|号院|号|单元|组|期))"


@dataclass(frozen=True, slots=True)
class Where:
    """``regions``: administrative names, the largest first. ``place``: the phrase or "". ``what``: the rest."""

    regions: tuple[str, ...]
    place: str
    what: str


@dataclass(frozen=True)
class PlaceRules:
    """The words that the rules use, as data.

    ``regions``: endings of administrative names (市 区 县 镇 街道 ...). ``endings``: endings of places. ``cues``: what
    stands before a place and is no part of it (在 位于 投诉 ...). ``never``: phrases that look like places and are none
    (本小区, 这条路). ``names``: words of names that contain a cue (和平 contains 和).

    Does not work for a name without an ending ("the old market's corner"), for a name that contains a cue and is not
    listed (cut too short), and for two places in one phrase (the first is taken as one name with the second).
    """

    regions: tuple[str, ...]
    endings: tuple[str, ...]
    cues: tuple[str, ...]
    never: tuple[str, ...]
    names: tuple[str, ...]
    head: int = 120

    @classmethod
    def of(cls, words: Mapping[str, Any]) -> PlaceRules:
        """From lists by name; other names are passed over. Raises ValueError where one is missing, empty or no list."""
        for name in ("regions", "endings", "cues", "never", "names"):
            found = words.get(name)
            if not isinstance(found, list) or not found or not all(isinstance(w, str) and w for w in found):
                raise ValueError(f"place.{name}: expected a list of words, got {found!r}")
        return cls(
            tuple(words["regions"]), tuple(words["endings"]), tuple(words["cues"]), tuple(words["never"]),
            tuple(words["names"]),
        )  # fmt: skip

    @cached_property
    def _region(self) -> re.Pattern[str]:
        return re.compile(rf"[A-Z]\d{{0,3}}(?:{_any(self.regions)})|[\u4e00-\u9fff]{{1,4}}?(?:{_any(self.regions)})")

    @cached_property
    def _place(self) -> re.Pattern[str]:
        ends = _any((*self.endings, *self.regions))
        return re.compile(rf"[^{BREAK}]{{1,16}}?(?:{ends})(?:{NUMBER})*")

    @cached_property
    def _cue(self) -> re.Pattern[str]:
        return re.compile(_any(self.cues))

    @cached_property
    def _whole(self) -> re.Pattern[str]:
        return re.compile(_any(self.names))

    def cut(self, titles: Sequence[str], texts: Sequence[str]) -> list[Where]:
        """Where and what of each text: the title is read first, then the beginning of the body."""
        return [self._one(title, text) for title, text in zip(titles, texts, strict=True)]

    def _one(self, title: str, text: str) -> Where:
        regions: dict[str, None] = {}
        place, what = "", title
        for source in (title, text[: self.head]):
            for found in self._place.finditer(source):
                phrase = self._stripped(found.group())
                while region := self._region.match(phrase):
                    if region.group().endswith(self.endings):
                        break
                    regions.setdefault(region.group())
                    phrase = phrase[region.end() :]
                if not place and len(phrase) > 2 and not phrase.startswith(self.never):
                    place = phrase
            if place:
                break
        for name in (*regions, place):
            what = what.replace(name, "") if name else what
        return Where(tuple(regions), place, what.strip())

    def _stripped(self, phrase: str) -> str:
        """The phrase after its last cue; a cue within one of ``names`` is none."""
        whole = [found.span() for found in self._whole.finditer(phrase)]
        ends = [f.end() for f in self._cue.finditer(phrase) if not any(a < f.end() and f.start() < b for a, b in whole)]
        return phrase[ends[-1] :] if ends else phrase


def _any(words: Sequence[str]) -> str:
    """An expression for any of the words, the longest first. The look-ahead spares most places the whole list."""
    first = "".join(sorted({re.escape(word[0]) for word in words}))
    return f"(?=[{first}])(?:{'|'.join(re.escape(word) for word in sorted(words, key=lambda w: (-len(w), w)))})"
