"""Which of our two languages a client reads, and texts that exist in both."""

from __future__ import annotations

import re
from typing import NamedTuple

LANGUAGES = ("zh", "en")
DEFAULT = "zh"
_RANGE = re.compile(r"\s*([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9-]*)?\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?", re.ASCII)


class Say(NamedTuple):
    """One text in both languages."""

    zh: str
    en: str

    def to(self, language: str) -> str:
        """In English for ``en``, in Chinese for all else."""
        return self.en if language == "en" else self.zh

    def but(self, **values: object) -> Say:
        """With its ``{names}`` filled in."""
        return Say(self.zh.format_map(values), self.en.format_map(values))


def same(text: str) -> Say:
    """A text that needs no translation."""
    return Say(text, text)


def choose(header: str) -> str:
    """The best of ours for an ``Accept-Language`` header (RFC 9110, 12.5.4): ``zh`` or ``en``.

    Chinese where nothing of the header is ours, also where it is malformed: a page in the wrong language is of more use
    than none.
    """
    best, weight = DEFAULT, 0.0
    for part in header.split(","):
        found = _RANGE.fullmatch(part)
        if found is None:
            continue
        tag, q = found[1].lower(), float(found[2] or 1)
        language = DEFAULT if tag == "*" else tag
        if language in LANGUAGES and q > weight:
            best, weight = language, q
    return best
