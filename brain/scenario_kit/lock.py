"""``scenarios.lock``: of which content each version of a scenario is. What changed needs a new version.

The hash is of what decides: not of wording, owner, state or tests, nor of how the file is laid out. Drafts are not
locked: they change as often as it takes.

A line may also say of which kind its version was (docs/backtest.md) and who answers for it; older lines have neither.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from brain.scenario import Scenario
from brain.scenarios import HIDDEN
from brain.unfit import Unfit

NAME = "scenarios.lock"
FREE = ("version", "name", "state", "owner", "means", "first_steps", "false_alarms", "basis", "tests",
        "trial", "shadow_of", *HIDDEN)  # fmt: skip
"""Fields that may change without a new version."""
_HEAD = "# Written by `brain scenario lock`: id, version, hash of what decides (docs/scenarios.md).\n"


KINDS = ("patch", "minor", "major")
APPROVERS = 2
"""People who answer for a major version."""


class Locked(NamedTuple):
    """A version, the hash of its content, its kind where it followed another, and the people who answer for it."""

    version: int
    hash: str
    kind: str = ""
    by: tuple[str, ...] = ()


class LockError(Unfit):
    """A lock file that cannot be read: file, line, what was expected."""


class Proof(Protocol):
    """What a backtest says of a new version: of which contents, and of which kind it is."""

    @property
    def id(self) -> str: ...
    @property
    def was_hash(self) -> str: ...
    @property
    def now_hash(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def why(self) -> str: ...


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
        if not 3 <= len(parts) <= 5 or not parts[1].isdigit() or parts[0] in found:
            raise LockError(
                f"{path}:{number}", "expected id, version and hash, each id once, got {got!r}", got=line[:80]
            )
        kind, by = [*parts[3:], "", ""][:2]
        if kind and kind not in KINDS:
            raise LockError(
                f"{path}:{number}",
                "expected {kinds} after the hash, got {kind!r}",
                kinds=", ".join(KINDS),
                kind=kind[:40],
            )
        found[parts[0]] = Locked(int(parts[1]), parts[2], kind, tuple(by.split(",")) if by else ())
    return found


def text(locked: Mapping[str, Locked]) -> str:
    """The file's text: one scenario a line, by id."""
    rows = ((id_, locked[id_]) for id_ in sorted(locked))
    lines = (" ".join((id_, str(one.version), one.hash, one.kind, ",".join(one.by))).rstrip() for id_, one in rows)
    return _HEAD + "".join(f"{line}\n" for line in lines)


def names(by: Iterable[str]) -> tuple[str, ...]:
    """People who answer for a version, each once, in their order. Raises LockError of one that is no name."""
    found = dict.fromkeys(name.strip() for name in by)
    for name in found:
        if not name or not name.isprintable() or any(c.isspace() or c == "," for c in name):
            raise LockError("--by", "expected a person's name or account without spaces, got {got!r}", got=name[:40])
    return tuple(found)


def answered(
    was: Mapping[str, Locked], now: Mapping[str, Locked], proofs: Iterable[Proof] = (), by: tuple[str, ...] = ()
) -> tuple[dict[str, Locked], list[str]]:
    """What is to be locked, with the kind of each new version and who answers for it, and what stands against it.

    The kind is what a backtest of these very contents says; without one, a content that decides otherwise is major.
    What did not change keeps what its line said.
    """
    found = {proof.id: proof for proof in proofs}
    made, against = dict(now), list[str]()
    for id_, one in now.items():
        old = was.get(id_)
        if old is None or old[:2] == one[:2]:
            made[id_] = one if old is None else old
            continue
        kind, why = "patch", "wording"
        if old.hash != one.hash:
            proof = found.get(id_)
            fits = proof is not None and (proof.was_hash, proof.now_hash) == (old.hash, one.hash)
            kind, why = (proof.kind, proof.why) if proof is not None and fits else ("major", "no_backtest")
        if kind == "major" and len(by) < APPROVERS:
            against.append(f"{id_} {old.version} → {one.version}: major ({why}), {len(by)} of {APPROVERS} approvers")
        made[id_] = one._replace(kind=kind, by=by if kind == "major" else by[:1])
    return made, against


def changes(was: Mapping[str, Locked], now: Mapping[str, Locked]) -> list[Change]:
    """What differs, by id."""
    out: list[Change] = []
    for id_ in sorted({*was, *now}):
        a, b = was.get(id_), now.get(id_)
        if a is None and b is not None:
            out.append(Change(id_, "new", 0, b.version))
        elif b is None and a is not None:
            out.append(Change(id_, "gone", a.version, 0))
        elif a is not None and b is not None and a[:2] != b[:2]:
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
