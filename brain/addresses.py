"""Address books from files and from features of the map."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec
import shapely

from geo import geojson
from geo.addresses import AddressBook, BookError
from geo.addresses.book import TEXTS
from geo.feature import Feature, Finding, MapError

LAYER = "address"


def load_book(path: Path, time_ms: int, city: Sequence[str] = ()) -> AddressBook:
    """The book of a file: CSV, GeoJSON Features a line (.ndjson), both also .gz, else one GeoJSON FeatureCollection.

    CSV has a header with the columns of :class:`geo.addresses.AddressBook`, UTF-8. Of features, those in force at a
    time (milliseconds UTC) are taken. ``city``: names of the city and its province.

    Raises
    ------
    BookError, geo.feature.MapError
        With the file, and what was expected and came. OSError where the file cannot be read.
    """
    try:
        return _load(path, time_ms, city)
    except MapError as error:
        if str(path) in str(error):
            raise
        raise MapError([Finding(f"{path}: {f.where}", f.says) for f in error.findings]) from error
    except (BookError, UnicodeDecodeError, csv.Error, msgspec.DecodeError) as error:
        raise BookError(f"{path}: {error}") from error


def _load(path: Path, time_ms: int, city: Sequence[str]) -> AddressBook:
    kind = path.name.lower().removesuffix(".gz").rpartition(".")[2]
    if kind not in {"csv", "ndjson"}:
        return book_of(geojson.load(path), time_ms, city)
    with _open(path) as file:
        if kind == "csv":
            return AddressBook.of(_columns(file), city)
        features = [msgspec.json.decode(line) for line in file if not line.isspace()]
        return book_of(geojson.read({"features": features}), time_ms, city)


def book_of(features: Iterable[Feature], time_ms: int, city: Sequence[str] = ()) -> AddressBook:
    """The book of a map's features of layer ``address`` in force at a time; their attributes are the columns.

    Rooms (attribute ``room``) are left out: a book ends at the unit. ``name`` stands for ``poi`` where a feature has
    neither poi nor estate nor number. Raises BookError.
    """
    mine = [f for f in features if f.layer == LAYER and f.since <= time_ms < f.until and not f.attributes.get("room")]
    bad = next((f for f in mine if f.shape.geom_type != "Point" or f.shape.is_empty), None)
    if bad is not None:
        raise BookError(f"address {bad.code}: expected a Point, got {bad.shape.geom_type}")
    if not mine:
        raise BookError(f"expected features of layer {LAYER!r} in force now, got none")
    columns: dict[str, Any] = {name: [f.attributes.get(name, "") for f in mine] for name in TEXTS if name != "code"}
    columns["code"] = [f.code for f in mine]
    for k, f in enumerate(mine):
        if not (columns["poi"][k] or columns["estate"][k] or columns["number"][k]):
            columns["poi"][k] = f.attributes.get("name", "")
    at = shapely.get_coordinates([f.shape for f in mine])
    return AddressBook.of({**columns, "lon": at[:, 0], "lat": at[:, 1]}, city)


def _open(path: Path) -> IO[str]:
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _columns(file: IO[str]) -> dict[str, list[str]]:
    rows = csv.reader(file)
    header = next(rows, [])
    kept = [row for row in rows if row]
    ragged = next((k for k, row in enumerate(kept, 2) if len(row) != len(header)), None)
    if ragged is not None:
        raise BookError(f"record {ragged}: expected {len(header)} fields as the header, got {len(kept[ragged - 2])}")
    return {name: [row[k] for row in kept] for k, name in enumerate(header)}
