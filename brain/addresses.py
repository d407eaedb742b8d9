"""Address books from files and from features of the map, and the matcher that a set's hotline tickets are placed by."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec
import numpy as np
import shapely

from brain.hotline import BOOK
from brain.unfit import Unfit, both
from geo import geojson
from geo.addresses import AddressBook, AddressMatcher, BookError
from geo.addresses.book import TEXTS
from geo.coords import F8
from geo.feature import FOREVER, Feature, Finding, MapError

LAYER = "address"
MAP = "map.geojson"


class BookUnfit(Unfit, BookError):
    """Addresses of a set that cannot be used, in both languages."""


@dataclass(frozen=True)
class Addresses:
    """A set's book, ready to look texts up in. ``content``: hash of the book."""

    matcher: AddressMatcher
    content: str

    def place(self, texts: Sequence[str]) -> tuple[F8, F8, F8]:
        """(lon, lat, confidence) of each text, each (n,); all NaN where no address is sure. Never raises."""
        found = self.matcher.match(texts)
        return found.lon, found.lat, np.where(found.row >= 0, found.confidence, np.nan)


def addresses_of(
    files: Mapping[str, bytes], folder: Path, city: Sequence[str], known: Iterable[Addresses | None] = ()
) -> Addresses | None:
    """What a set's files say: ``text/addresses.csv``, else the map's features of layer ``address`` that have not ended.

    None where there are neither. One of ``known`` with the same content is taken in place of building it again.
    Raises BookError or MapError with the file.
    """
    if BOOK in files:
        try:
            book = AddressBook.of(_columns(io.StringIO(files[BOOK].decode("utf-8-sig"), newline="")), city)
        except (BookError, UnicodeDecodeError, csv.Error) as error:
            raise BookUnfit(folder / BOOK, "{said}", said=both(error)) from error
    elif b'"address"' in files.get(MAP, b""):  # a large map is not read once more for nothing
        features = [f for f in geojson.read(geojson.decode(files[MAP])) if f.layer == LAYER and f.until == FOREVER]
        if not features:
            return None
        try:
            book = book_of(features, FOREVER - 1, city)
        except BookError as error:
            raise BookUnfit(folder / MAP, "{said}", said=both(error)) from error
    else:
        return None
    digest = hashlib.sha256(repr(([getattr(book, name) for name in TEXTS], book.city)).encode())
    digest.update(book.lon.tobytes() + book.lat.tobytes())
    content = digest.hexdigest()
    same = next((one for one in known if one is not None and one.content == content), None)
    return same or Addresses(AddressMatcher(book), content)


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
        raise BookUnfit(path, "{said}", said=both(error)) from error


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
        raise BookUnfit("", "address {code}: expected a Point, got {got}", code=bad.code, got=bad.shape.geom_type)
    if not mine:
        raise BookUnfit("", "expected features of layer {layer!r} in force now, got none", layer=LAYER)
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
        raise BookUnfit(
            "",
            "record {ragged}: expected {n} fields as the header, got {got}",
            ragged=ragged,
            n=len(header),
            got=len(kept[ragged - 2]),
        )
    return {name: [row[k] for row in kept] for k, name in enumerate(header)}
