"""Where in a YAML file a key stands, for findings that a person, or an editor, goes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import yaml

from brain.unfit import Unfit

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DEEPEST = 40
"""Levels that are looked at: a scenario has six, and an anchor within itself has no end."""


class DoubleKey(Unfit):
    """A key stands twice in one mapping, of which YAML would silently take the last."""

    def __init__(self, key: str, line: int) -> None:
        super().__init__(key, "stands twice (line {line})", line=line)
        self.key = key


def decode(text: bytes | str) -> Any:
    """What a YAML text says. Raises DoubleKey, and of what is not YAML yaml's errors, ValueError or RecursionError."""
    loader = _LOADER(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        for place, line, again in _walk(root, "", 0, set()):
            if again:
                raise DoubleKey(place, line)
        return loader.construct_document(root)
    finally:
        loader.dispose()


class Layout(NamedTuple):
    """Where things stand: place (``tests[0].given[1].at``) → line, the first being 1; and keys that stand twice in one
    mapping, of which YAML silently takes the last."""

    lines: dict[str, int]
    doubled: list[tuple[str, int]]


def layout(text: bytes | str) -> Layout:
    """Of a YAML text; empty of what is none."""
    try:
        root = yaml.compose(text, _LOADER)
    except (yaml.YAMLError, ValueError, RecursionError):
        root = None
    every = [] if root is None else list(_walk(root, "", 0, set()))
    return Layout({place: line for place, line, _ in every}, [(place, line) for place, line, again in every if again])


def line_of(places: Mapping[str, int], place: str) -> int:
    """Line of a place, or of the nearest thing around it; 1 where there is none."""
    while place and place not in places:
        place = place[: max(place.rfind("."), place.rfind("["), 0)]
    return places.get(place, 1)


def broken_at(text: bytes | str) -> int:
    """Line at which a text stops being YAML; 1 where that is not known."""
    try:
        yaml.compose(text, _LOADER)
    except yaml.MarkedYAMLError as error:
        return error.problem_mark.line + 1 if error.problem_mark is not None else 1
    except (yaml.YAMLError, ValueError, RecursionError):
        return 1
    return 1


def _walk(node: yaml.Node, place: str, depth: int, met: set[int]) -> Iterator[tuple[str, int, bool]]:
    """Places in the order of the file; what an anchor names is entered once, where it stands first."""
    if depth > DEEPEST or id(node) in met:
        return
    met.add(id(node))
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            inner = f"{place}.{name}" if place else name
            yield inner, key.start_mark.line + 1, name in seen
            seen.add(name)
            yield from _walk(value, inner, depth + 1, met)
    elif isinstance(node, yaml.SequenceNode):
        for n, value in enumerate(node.value):
            yield f"{place}[{n}]", value.start_mark.line + 1, False
            yield from _walk(value, f"{place}[{n}]", depth + 1, met)
