"""Tables that people write as YAML files: decoded, held against their form, errors begin with the place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import msgspec

from brain.near import Both
from brain.unfit import Unfit, both


class _Versioned(Protocol):
    @property
    def version(self) -> int: ...


T = TypeVar("T", bound=_Versioned)


def decoded(text: bytes, place: str, error: type[Unfit] = Unfit) -> Any:
    """What a YAML text says. Raises ``error`` of what is none."""
    try:
        return msgspec.yaml.decode(text)
    except (msgspec.DecodeError, ValueError) as wrong:  # a date such as 30 February too
        raise error(place, "not YAML: {said}", said=both(wrong)) from wrong


def checked(
    data: object, form: type[T], place: str, error: type[Unfit], hint: Callable[[str], Both] = lambda said: Both("", "")
) -> T:
    """A decoded table as its form, of version 1. ``hint`` adds to what is said of a field. Raises ``error``."""
    try:
        file = msgspec.convert(data, form)
    except msgspec.ValidationError as wrong:
        said, near = both(wrong), hint(str(wrong))
        raise error(place, "{said}", said=Both(said.zh + near.zh, said.en + near.en)) from wrong
    if file.version != 1:
        raise error(f"{place}: version", "expected 1, got {got}", got=file.version)
    return file
