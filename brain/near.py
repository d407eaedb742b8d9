"""What may have been meant, for the errors that a person reads."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def hint(value: str, names: Iterable[str]) -> str:
    """The nearest name, for an error; empty where none is near."""
    close = difflib.get_close_matches(value, list(names), 1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def near(value: str, names: Iterable[str]) -> str:
    """The nearest name, else all of them, for an error."""
    return hint(value, names) or f"; expected one of {', '.join(names)}"
