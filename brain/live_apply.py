"""What a batch of live changes makes of a set's files. Pure, and run in a process of its own: see :mod:`brain.live`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import shapely

from brain import scenarios, sets, views
from brain.judged_set import Wanted, unit_trouble
from brain.unfit import Unfit
from geo import geojson
from geo.changes import Change, apply, read_change
from geo.feature import FOREVER, Feature, Finding, MapError, check, exact
from geo.grid_map import DISTRICT, GRID, TOWN
from geo.index import EDITIONS
from geo.layers import OVERLAPPING
from geo.times import time_of
from streams.registry import Asset, Registry, RegistryError, Stood

ASSETS, FEATURES = "assets", "map.features"
TURNED = 0.2
"""Share of the grids' area that live changes may add or take away at once: a map of another place is a set."""
ROOM = 8
"""Editions that are left free when old ones have to go."""


class Record(msgspec.Struct, frozen=True, array_like=True):
    """One record of topic assets or map.features; ``value`` None deletes."""

    topic: str
    offset: int
    key: bytes
    value: bytes | None


class Refusal(msgspec.Struct, frozen=True, array_like=True):
    """A change that is not used, and why."""

    record: Record
    why: str


class Outcome(msgspec.Struct, array_like=True):
    """Files of the set that are new, none where nothing changed; how many changes are in them; the others."""

    files: dict[str, bytes]
    applied: int
    refused: list[Refusal]


def name_of(key: bytes) -> tuple[str, int]:
    """Asset and valid from (ms UTC; 0: always) of a key ``id/valid from``, or of an id alone. Raises ValueError."""
    name, slash, text = key.decode().rpartition("/")
    if not slash:
        return text, 0
    return name, 0 if text == "always" else time_of(text)


def valid_from(key: bytes) -> int:
    """The time of an asset's key; 0 where the key is wrong, which is found when the change is judged."""
    try:
        return name_of(key)[1]
    except ValueError:
        return 0


def follow(folder: Path, fresh: Sequence[Record], known: Sequence[Record], after: sets.Changes) -> Outcome:
    """The set's files after the changes.

    Parameters
    ----------
    folder : the set in force.
    fresh : changes to be made, each key once, in the order of their offsets.
    known : all records of assets that came: what an asset goes back to when its newest version is deleted.
    after : how far the new set will have followed.
    """
    refused: list[Refusal] = []
    source = (folder / sets.MAP).read_bytes()
    files = {}
    assets = _assets(folder, [r for r in fresh if r.topic == ASSETS], known, after.time, refused)
    if assets is not None:
        files[sets.ASSETS] = assets
    before = geojson.read(geojson.decode(source))
    features = _features(before, [r for r in fresh if r.topic == FEATURES], after.time, refused)
    if features != before:
        files[sets.MAP] = geojson.write(features)
    if files:
        files[sets.CHANGES] = msgspec.json.encode(
            msgspec.structs.replace(after, live_since=_live_since(features, after.live_since))
        )
    return Outcome(files, len(fresh) - len(refused), refused)


def _assets(
    folder: Path, fresh: Sequence[Record], known: Sequence[Record], now: int, refused: list[Refusal]
) -> bytes | None:
    """Lines of the registry after the changes; None where they change nothing."""
    lines: dict[str, bytes] = {}
    wanted = sets.units(folder) if fresh else {}
    for line in (folder / sets.ASSETS).read_bytes().splitlines():
        if line.strip():
            lines[msgspec.json.decode(line, type=_Id).id] = line
    before = dict(lines)
    for record in sorted(fresh, key=lambda r: (valid_from(r.key), r.offset)):
        try:
            name, since = name_of(record.key)
            was = msgspec.json.decode(lines[name], type=Asset) if name in lines else None
            asset = _version(record, name, since, was) if record.value is not None else _without(was, since, known, now)
            if asset is not None:
                _fits(asset, wanted)
            if asset is not None and asset.view is not None:
                _seen(asset, folder / sets.SCENARIOS)
        except (ValueError, RegistryError, msgspec.DecodeError) as error:
            refused.append(Refusal(record, str(error)))
            continue
        if asset is not None:
            lines[name] = msgspec.json.encode(asset)
        elif was is not None and was.since == since:
            del lines[name]
    return b"".join(line + b"\n" for line in lines.values()) if lines != before else None


class _Id(msgspec.Struct):
    id: str


def _version(record: Record, name: str, since: int, was: Asset | None) -> Asset:
    """The asset as a change states it, with where it stood before."""
    asset = msgspec.json.decode(record.value or b"", type=Asset)
    if asset.id != name:
        raise ValueError(f"the key names {name!r}, the record {asset.id!r}")
    if asset.past:
        raise ValueError("past: is kept by the registry, expected none in a change")
    past: tuple[Stood, ...] = ()
    if was is not None:
        if since < was.since:
            raise ValueError(f"valid from {since}: a version valid from {was.since} is in force already")
        past = was.past
        if since > was.since and (was.lon, was.lat, was.crs) != (asset.lon, asset.lat, asset.crs):
            past += (Stood(since, was.lon, was.lat, was.crs),)
    asset.since, asset.past = since, past
    Registry.of([asset])
    return asset


def _fits(asset: Asset, wanted: Mapping[tuple[str, str], Sequence[Wanted]]) -> None:
    """Raises ValueError where a scenario's risk model cannot take an asset's unit: the set would be refused for it."""
    for metric, measure in asset.measures().items():
        trouble = unit_trouble(wanted.get((asset.type, metric), ()), measure.unit)
        if trouble:
            raise Unfit(metric, "{trouble}", trouble=trouble)


def _seen(asset: Asset, folder: Path) -> None:
    """Raises ValueError where a camera's view cannot be used, or not by the scenarios that watch it."""
    registry = Registry.of([asset])
    views.watched(scenarios.load(folder), registry, views.compiled(registry))


def _without(was: Asset | None, since: int, known: Sequence[Record], now: int) -> Asset | None:
    """What a deleted version leaves: the one before it; None where there is none, or where it was not the newest."""
    if was is None or was.since != since:
        return was if was is not None else None
    earlier = [
        (start, record) for record in known if record.value is not None
        for name, start in [name_of(record.key)] if name == was.id and start < since and start <= now
    ]  # fmt: skip
    if not earlier:
        return None
    start, record = max(earlier, key=lambda pair: pair[0])
    asset = _version(record, was.id, start, None)
    asset.past = tuple(stood for stood in was.past if stood.until <= start)
    return asset


def _features(before: list[Feature], fresh: Sequence[Record], now: int, refused: list[Refusal]) -> list[Feature]:
    """The map's features after those changes with which it is sound."""
    good: list[tuple[Record, Change]] = []
    for record in fresh:
        try:
            good.append((record, read_change(record.key, record.value)))
        except MapError as error:
            refused.append(Refusal(record, str(error)))
    shapes = {(f.layer, f.code, exact(f.shape)) for f in before}
    redrawn = {
        record.offset for record, (key, feature) in good
        if feature is not None and (key.layer, key.code, exact(feature.shape)) not in shapes
    }  # fmt: skip
    while good:
        after = apply(before, [change for _, change in good])
        findings = _wrong(before, after, now)
        if not findings:
            return after
        blamed = [(record, why) for record, change in good if (why := _why(change, findings))]
        drawn = [(record, why) for record, why in blamed if record.offset in redrawn]
        if drawn and len(drawn) < len(blamed):
            blamed = drawn  # a neighbour that only changed its town does not answer for a border that another moved
        if not blamed:
            # Nobody is named: the whole batch is at fault, and none of it is used.
            blamed = [(record, str(MapError(findings))) for record, _ in good]
        refused += [Refusal(record, why) for record, why in blamed]
        out = {record.offset for record, _ in blamed}
        good = [(record, change) for record, change in good if record.offset not in out]
    return before


def _wrong(before: list[Feature], after: list[Feature], now: int) -> list[Finding]:
    findings = check(after, OVERLAPPING)
    findings += [
        Finding(f"{f.layer} {f.code}", f"properties.{name}: expected text, got none")
        for f in after if f.layer == GRID for name in (TOWN, DISTRICT) if not isinstance(f.attributes.get(name), str)
    ]  # fmt: skip
    if not findings:
        was, will = _area(before, now), _area(after, now)
        if was and abs(will - was) > TURNED * was:
            findings.append(
                Finding("grids", f"their area would change by {will / was - 1:+.0%}, by live changes at most "
                        f"{TURNED:.0%} at once: publish a set of its own (brain set use)")
            )  # fmt: skip
    return findings


def _why(change: Change, findings: Sequence[Finding]) -> str:
    """What is found wrong with the feature of a change, or with another that it meets; empty where nothing is."""
    name = f"{change.key.layer} {change.key.code}"
    mine = [f for f in findings if f.where == name]
    mine += [f for f in findings if f.where != name and change.key.code in f.says.split()]
    return str(MapError(mine)) if mine else ""


def _area(features: Sequence[Feature], now: int) -> float:
    """Square degrees of the grids in force."""
    shapes: list[Any] = [f.shape for f in features if f.layer == GRID and f.since <= now < f.until]
    return float(shapely.area(shapes).sum()) if shapes else 0.0


def _live_since(features: Sequence[Feature], before: int | None) -> int | None:
    """Until when the map no longer answers: moves on when it has nearly as many editions as an index can hold."""
    times = sorted({t for f in features for t in (f.since, f.until) if t != FOREVER and (before is None or t > before)})
    return times[-EDITIONS // 2] if len(times) > EDITIONS - ROOM else before
