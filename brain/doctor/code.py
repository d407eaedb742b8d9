"""One kind of thing that can be wrong, as a value in two languages."""

from __future__ import annotations

from typing import Literal, NamedTuple

Severity = Literal["error", "warning", "note"]
"""An error keeps the brain from its work or loses data; a warning will; a note says what could not be looked at."""


class Said(NamedTuple):
    """One text in both languages, with places in braces for the finding's values."""

    zh: str
    en: str


class Code(NamedTuple):
    """What is wrong, what was expected, what to do, what came."""

    severity: Severity
    what: Said
    expected: Said
    do: Said
    got: Said = Said("{got}", "{got}")
