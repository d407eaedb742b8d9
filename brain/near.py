"""What may have been meant, for the errors that a person reads."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def hint(value: str, names: Iterable[str]) -> str:
    """The nearest name, for an error; empty where none is near."""
    return hints(value, names)[1]


def hints(value: str, names: Iterable[str]) -> tuple[str, str]:
    """The same in Chinese and English."""
    close = difflib.get_close_matches(value, list(names), 1)
    return meant(repr(close[0]) if close else None)


def meant(name: str | None) -> tuple[str, str]:
    """What may have been meant, in Chinese and English; both empty where nothing may."""
    return (f" (是否为 {name}?)", f" (did you mean {name}?)") if name else ("", "")


def near(value: str, names: Iterable[str]) -> str:
    """The nearest name, else all of them, for an error."""
    return hint(value, names) or f"; expected one of {', '.join(names)}"
