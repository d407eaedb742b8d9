"""``scenarios.lock``: of which content each version of a scenario is. What changed needs a new version.

The hash is of what decides: not of wording, owner, state or tests, nor of how the file is laid out. Drafts are not
locked: they change as often as it takes.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from brain.scenarios import HIDDEN, Scenario

NAME = "scenarios.lock"
FREE = ("version", "name", "state", "owner", "means", "first_steps", "false_alarms", "basis", "tests",
        "trial", "shadow_of", *HIDDEN)  # fmt: skip
"""Fields that may change without a new version."""
_HEAD = "# Written by `brain scenario lock`: id, version, hash of what decides (docs/scenarios.md).\n"


class Locked(NamedTuple):
    """A version, and the hash of its content."""

    version: int
    hash: str


class LockError(ValueError):
    """A lock file that cannot be read: file, line, what was expected."""


class Change(NamedTuple):
    """What differs from the lock: ``changed`` without a new version, ``new``, ``newer``, ``older``, ``gone``."""

    id: str
    kind: Literal["changed", "new", "newer", "older", "gone"]
    was: int
    now: int


def decides(s: Scenario) -> dict[str, Any]:
    """What decides, as in the file. Defaults do not count, so a release that has more fields changes no hash."""
    if s.extends:  # its file alone: what it takes over is the base's, and locked there
        return {key: _plain(value) for key, value in s.own.items() if key not in FREE}
    found = _bare(s, FREE)
    return found if s.source == "signals" else {"match": {}, **found}  # as when every file had to have it


def hash_of(s: Scenario) -> str:
    """Content hash of what decides."""
    return hashlib.sha256(msgspec.json.encode(decides(s), order="sorted")).hexdigest()[:16]


def of(scenarios: Iterable[Scenario]) -> dict[str, Locked]:
    """What a lock of these scenarios says; drafts left out."""
    return {s.id: Locked(s.version, hash_of(s)) for s in scenarios if s.state != "draft"}


def read(path: Path) -> dict[str, Locked]:
    """A lock file; empty where there is none. Raises LockError."""
    found: dict[str, Locked] = {}
    if not path.is_file():
        return found
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        parts = line.split()
        if len(parts) != 3 or not parts[1].isdigit() or parts[0] in found:
            raise LockError(f"{path}:{number}: expected id, version and hash, each id once, got {line[:80]!r}")
        found[parts[0]] = Locked(int(parts[1]), parts[2])
    return found


def text(locked: Mapping[str, Locked]) -> str:
    """The file's text: one scenario a line, by id."""
    return _HEAD + "".join(f"{id_} {locked[id_].version} {locked[id_].hash}\n" for id_ in sorted(locked))


def changes(was: Mapping[str, Locked], now: Mapping[str, Locked]) -> list[Change]:
    """What differs, by id."""
    out: list[Change] = []
    for id_ in sorted({*was, *now}):
        a, b = was.get(id_), now.get(id_)
        if a is None and b is not None:
            out.append(Change(id_, "new", 0, b.version))
        elif b is None and a is not None:
            out.append(Change(id_, "gone", a.version, 0))
        elif a is not None and b is not None and a != b:
            kind: Literal["changed", "newer", "older"] = "changed"
            if b.version != a.version:
                kind = "newer" if b.version > a.version else "older"
            out.append(Change(id_, kind, a.version, b.version))
    return out


@functools.cache
def _fields(kind: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(kind)


def _bare(part: msgspec.Struct, without: Collection[str] = ()) -> dict[str, Any]:
    """Fields of a struct that are not at their defaults, by the names in the file."""
    out: dict[str, Any] = {}
    for field in _fields(type(part)):
        if field.name in without:
            continue
        value = getattr(part, field.name)
        if field.required or value != _default(field):
            out[field.encode_name] = _plain(value)
    return out


def _default(field: msgspec.structs.FieldInfo) -> Any:
    factory = field.default_factory
    return field.default if factory is msgspec.NODEFAULT else factory()


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return _bare(value)
    if isinstance(value, (tuple, list)):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    # 25 and 25.0 are one bound, whichever a person writes.
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
