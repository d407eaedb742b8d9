"""A compiled map: the index and the features in one folder, so that one process builds it and another only reads it.

Building takes seconds and would stall who serves; reading takes a few milliseconds. The next map is built beside
(:func:`build_beside`), and then one reference is swapped.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.resource_tracker  # here and not at the first reload, when somebody would wait for it
import multiprocessing.spawn
import os
import sys
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import shapely

from geo import geojson
from geo.city_map import CityMap
from geo.feature import ALWAYS, Feature, Value
from geo.index import Index
from geo.layers import OVERLAPPING

T = TypeVar("T")
FEATURES = "features.msgpack"
FORMAT = 1
PIECE = 128
"""Shapes that are read without a pause."""
TURN_S = 0.0005
NICE = 10
"""By how much the builder gives way to those who serve."""


class _Kept(msgspec.Struct, array_like=True, gc=False):
    layer: str
    code: str
    since: int
    until: int
    attributes: dict[str, Value]
    wkb: bytes


class _Head(msgspec.Struct):
    format: int
    version: str
    overlapping: list[str]
    live_since: int
    features: list[_Kept]


def write(city: CityMap, folder: Path) -> None:
    """Write a map into a folder that is there and empty."""
    kept = [
        _Kept(f.layer, f.code, f.since, f.until, dict(f.attributes), shapely.to_wkb(f.shape))
        for layer in city.layers for f in city.features(layer)
    ]  # fmt: skip
    head = _Head(FORMAT, city.version, sorted(city.overlapping), city.live_since, kept)
    city.index.save(folder)
    (folder / FEATURES).write_bytes(msgspec.msgpack.encode(head))


def read(folder: Path) -> CityMap:
    """Read what :func:`write` wrote, without building anything.

    Raises
    ------
    ValueError
        Of another format than this release writes: compile the map anew. OSError where a file is missing.
    """
    head = msgspec.msgpack.decode((folder / FEATURES).read_bytes(), type=_Head)
    if head.format != FORMAT:
        raise ValueError(f"{folder / FEATURES}: expected format {FORMAT}, got {head.format}; compile the map anew")
    # In pieces: a call into GEOS keeps the interpreter to itself, and those who serve would wait for all of it.
    wkb = [k.wkb for k in head.features]
    shapes = [s for a in range(0, len(wkb), PIECE) for s in shapely.from_wkb(wkb[a : a + PIECE])]
    features = [
        Feature(k.layer, k.code, shape, k.since, k.until, k.attributes)
        for k, shape in zip(head.features, shapes, strict=True)
    ]
    return CityMap(
        features, overlapping=head.overlapping, live_since=head.live_since, version=head.version,
        index=Index.load(folder),
    )  # fmt: skip


def build_beside(
    source: Path, folder: Path, *, overlapping: Collection[str] = OVERLAPPING, live_since: int = ALWAYS
) -> CityMap:
    """Build the map of a GeoJSON file in a process of its own, which gives way, and read it from ``folder``.

    Blocks until it is there: call it in a thread. What serves meanwhile is stalled by the reading only. Raises
    MapError with all findings where the map cannot be used; nothing is changed then.
    """
    beside(_compile, source, folder, frozenset(overlapping), live_since)
    with short_turns():
        return read(folder)


def beside(work: Callable[..., T], *args: Any) -> T:
    """What a function of a module answers in a process of its own, which gives way; blocks until it does.

    Raises what the function raises, and BrokenProcessPool where the process dies of it.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=_give_way) as pool:
        return pool.submit(work, *args).result()


def _give_way() -> None:
    with contextlib.suppress(OSError):  # where priorities cannot be lowered it works all the same
        os.nice(NICE)


@contextlib.contextmanager
def short_turns() -> Iterator[None]:
    """For work in a thread beside one that serves: the interpreter changes over every half millisecond meanwhile.

    Whoever serves asks for it several times a batch, and would wait a whole turn (5 ms by default) each time. It is the
    process's setting: of two at once the one that ends last puts back what it found.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, TURN_S))
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _compile(source: Path, folder: Path, overlapping: frozenset[str], live_since: int) -> None:
    write(CityMap(geojson.load(source), overlapping=overlapping, live_since=live_since), folder)
