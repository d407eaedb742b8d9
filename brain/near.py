"""What may have been meant, in both languages, for the errors that a person reads."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import NamedTuple


class Both(NamedTuple):
    """One text in Chinese and English."""

    zh: str
    en: str


BOTH, NEITHER = Both("两者都有", "both"), Both("都没有", "neither")
"""Of two of which one is expected."""
NONE = Both("无", "none")


def joined(names: Iterable[str], word: str = "and") -> Both:
    """Several names, as in a sentence."""
    names = list(names)
    return Both(" 与 ".join(names), f" {word} ".join(names))


def hints(value: str, names: Iterable[str]) -> Both:
    """The nearest name, for an error; empty where none is near."""
    close = difflib.get_close_matches(value, list(names), 1)
    return meant(repr(close[0]) if close else None)


def meant(name: str | None) -> Both:
    """What may have been meant; both empty where nothing may."""
    return Both(f" (是否为 {name}?)", f" (did you mean {name}?)") if name else Both("", "")


def near(value: str, names: Iterable[str]) -> str:
    """The nearest name, else all of them, in English alone."""
    return nears(value, names).en


def nears(value: str, names: Iterable[str]) -> Both:
    """The nearest name, else all of them."""
    names = list(names)
    every = ", ".join(names)
    close = hints(value, names)
    return close if close.en else Both(f"; 应为 {every} 之一", f"; expected one of {every}")
