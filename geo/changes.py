"""Changes 变更 of the map, one version of one feature each: as records of a compacted topic, applied, and found.

A version is named by its layer, its code and the time from which it is in force, so the past survives compaction. What
counts is the last change of each name; in which order those of different names came does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import msgspec

from geo import geojson
from geo.feature import ALWAYS, Feature, MapError, alone, exact
from geo.times import text_of, time_of

ALWAYS_TEXT = "always"
LIMIT = 1_000_000
"""Bytes of a record's value: below Kafka's own default limit, and some 25,000 positions. More is not even parsed."""
LONGEST_KEY = 1024


class Key(NamedTuple):
    """Name of a version: layer, code, and from when on it is in force (milliseconds UTC)."""

    layer: str
    code: str
    since: int

    def __str__(self) -> str:
        return f"{self.layer}/{self.code}/{ALWAYS_TEXT if self.since == ALWAYS else text_of(self.since)}"


class Change(NamedTuple):
    """A version that is new or replaces the one of its name, or, with ``feature`` None, takes it away."""

    key: Key
    feature: Feature | None

    @classmethod
    def of(cls, feature: Feature) -> Change:
        """The change that brings a version in."""
        return cls(name_of(feature), feature)

    def record(self) -> tuple[bytes, bytes | None]:
        """Key and value on ``map.features``: a GeoJSON Feature, or None for a tombstone.

        Raises
        ------
        MapError
            The value would be larger than a record may be, or a time has no text.
        """
        try:
            key = str(self.key).encode()
            value = None if self.feature is None else msgspec.json.encode(geojson.raw(self.feature))
        except ValueError as error:
            raise MapError(f"{self.key.layer} {self.key.code}: {error}") from error
        if value is not None and len(value) > LIMIT:
            raise MapError(f"{self.key}: {_too_large(len(value))}")
        return key, value


def name_of(feature: Feature) -> Key:
    """The name of a feature's version."""
    return Key(feature.layer, feature.code, feature.since)


def key_of(feature: Feature) -> str:
    """The name as text: ``layer/code/valid-from``, the time in UTC or ``always``. Raises ValueError as text_of."""
    return str(name_of(feature))


def parse_key(text: str) -> Key:
    """The name of a version from its text. A code may hold ``/``, a layer may not.

    Raises
    ------
    MapError
        It is none, or is spelled otherwise than :func:`key_of` does: compaction would take it for another version.
    """
    layer, slash, rest = text.partition("/")
    code, slash_too, since = rest.rpartition("/")
    if not (slash and slash_too and layer and code) or len(text) > LONGEST_KEY:
        raise MapError(f"key: expected layer/code/valid-from as grid/440402001/always, got {text[:100]!r}")
    try:
        key = Key(layer, code, ALWAYS if since == ALWAYS_TEXT else time_of(since))
        spelled = str(key)
    except ValueError as error:
        raise MapError(f"key {text!r}: {error}; or {ALWAYS_TEXT}") from error
    if spelled != text:
        raise MapError(f"key: expected {spelled!r}, the one spelling of that version, got {text!r}")
    return key


def read_change(key: bytes, value: bytes | None) -> Change:
    """A change from a record, by anyone: its bytes, its key against its value, and the feature by itself.

    Whether the map is sound with it is for :func:`geo.feature.check` of what :func:`apply` gives.

    Raises
    ------
    MapError
        With all that is wrong, and nothing else whatever the bytes are.
    """
    try:
        name = parse_key(key[: LONGEST_KEY + 1].decode())
    except UnicodeDecodeError as error:
        raise MapError(f"key: expected UTF-8, got {key[:100]!r}") from error
    if value is None:
        return Change(name, None)
    try:
        return Change(name, _feature(name, value))
    except MapError as error:
        raise MapError([f._replace(where=str(name)) for f in error.findings]) from error


def _feature(name: Key, value: bytes) -> Feature:
    if len(value) > LIMIT:
        raise MapError(_too_large(len(value)))
    decoded = geojson.decode(value)
    if decoded.get("type") != "Feature":
        raise MapError(f"type: expected Feature, got {str(decoded.get('type'))[:60]!r}")
    feature = geojson.feature(decoded)
    if name_of(feature) != name:
        raise MapError(f"the key names another version than the feature, which is {name_of(feature)}")
    findings = list(alone(feature))
    if findings:
        raise MapError(findings)
    return feature


def _too_large(size: int) -> str:
    return f"expected at most {LIMIT} bytes, got {size}; simplify its border, or make it several features"


def apply(features: Iterable[Feature], changes: Iterable[tuple[Key | str, Feature | None]]) -> list[Feature]:
    """The versions after the changes, sorted by layer, code and time.

    - A version that comes in ends that of its code which was in force when it begins; itself it ends where the next
      one begins, or before that where it says so.
    - A version that is taken away leaves its time to the one that ended exactly where it began. One that is not there
      is no error: it may have been compacted away.
    - Of several changes with one name the last counts, as if the others had never been.

    So a compacted log gives what the whole log gives, on the same ``features``. Applied in steps it differs in one
    case: where a version that ends early by its own word is taken away in a later step, the one before it inherits
    just that time. Codes that no change names are left as they are, sound or not.

    Raises
    ------
    MapError
        Two of ``features`` have one name; a change's feature has another name than the change or no time at all.
    """
    last: dict[Key, Feature | None] = {}
    for key, feature in changes:
        name = parse_key(key) if isinstance(key, str) else key
        if feature is not None and name_of(feature) != name:
            raise MapError(f"{name}: expected a feature of that name, got {name_of(feature)}")
        if feature is not None and feature.until <= feature.since:
            raise MapError(f"{name}: expected since before until, got {feature.since} and {feature.until}")
        last[name] = feature
    codes: dict[tuple[str, str], tuple[dict[Key, Feature], dict[Key, Feature | None]]] = {}
    for name, new in last.items():
        codes.setdefault(name[:2], ({}, {}))[1][name] = new
    result = {}
    for name, f in _by_name(features).items():
        if name[:2] in codes:
            codes[name[:2]][0][name] = f
        else:
            result[name] = f
    for before, after in codes.values():
        result.update({name_of(f): f for f in _timeline(before, after)})
    return [result[name] for name in sorted(result)]


def _by_name(features: Iterable[Feature]) -> dict[Key, Feature]:
    versions: dict[Key, Feature] = {}
    for f in features:
        if versions.setdefault(name_of(f), f) is not f:
            raise MapError(f"{name_of(f)}: there twice; each version may be there once")
    return versions


def _timeline(before: Mapping[Key, Feature], new: Mapping[Key, Feature | None]) -> list[Feature]:
    """Versions of one code after its changes: those that stayed inherit from those taken away, then all are clipped."""
    gone = {f.since: f.until for name, f in before.items() if name in new and new[name] is None}
    stay = [f for name, f in before.items() if name not in new]
    versions = [f for f in new.values() if f is not None]
    for f in stay:
        until = f.until
        while gone.get(until, until) > until:
            until = gone[until]
        versions.append(replace(f, until=until))
    versions.sort(key=lambda f: f.since)
    ends = [f.since for f in versions[1:]]
    return [replace(f, until=min(f.until, end)) for f, end in zip(versions, ends, strict=False)] + versions[-1:]


def diff(old: Sequence[Feature], new: Sequence[Feature]) -> list[Change]:
    """The fewest changes that turn one list of versions into another, tombstones first: ``apply`` gives ``new``.

    Shapes are compared exactly, but for where a ring begins and how it winds; attributes with their types. What
    follows from another change, such as the end of the version before, is no change of its own.

    Raises
    ------
    MapError
        Two versions of one list have one name, or two of ``new`` with one code are in force at one time: no changes
        lead there.
    """
    was, will = _by_name(old), _by_name(new)
    changes = [Change(name, None) for name in sorted(was) if name not in will]
    changes += [
        Change(name, will[name]) for name in sorted(will)
        if name not in was or not same(replace(was[name], until=will[name].until), will[name])
    ]  # fmt: skip
    named = {c.key for c in changes}
    after = {name_of(f): f.until for f in apply(old, changes)}
    ends = [Change(name, f) for name, f in sorted(will.items()) if name not in named and after[name] != f.until]
    changes += ends
    for f in apply(old, changes):
        if f.until != will[name_of(f)].until:
            raise MapError(f"{name_of(f)}: still in force when the next version of its code begins")
    return changes


def same(a: Feature, b: Feature) -> bool:
    """Whether two versions are equal in all that counts: name, times, attributes with their types, shape exactly."""
    return (
        (name_of(a), a.until) == (name_of(b), b.until)
        and {k: (type(v), v) for k, v in a.attributes.items()} == {k: (type(v), v) for k, v in b.attributes.items()}
        and (a.shape == b.shape or exact(a.shape) == exact(b.shape))
    )
