"""The book of a city's standard addresses 标准地址库: columns, what they mean, and what is wrong with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]
TEXTS = (
    "code", "district", "town", "community", "road", "number", "estate", "building", "unit", "poi", "aliases",
)  # fmt: skip
"""Columns of texts; all but ``code`` may be absent or empty."""
ALIAS = "#"
SHOWN = 5


class BookError(ValueError):
    """A book that cannot be used; the text names the first rows that are wrong, and what was expected."""


@dataclass(frozen=True)
class AddressBook:
    """Addresses in columns of one length n. Immutable; the columns are lists of texts and (n,) degrees WGS 84.

    A row is one place: a door plate (``road``, ``number``), a building of an ``estate`` (with ``unit`` where the book
    goes that far; ``road`` and ``number`` of the estate's gate may stand beside), a whole estate (no building), or a
    point of interest (``poi``). Rooms are in no book: they share their building's place. ``aliases``: other names of
    what the row is most (poi, else estate, else road), separated by ``#``.
    ``city``: names of the city and of what it lies in (珠海市, 广东省); all else that is a province or a city is
    elsewhere. Without it no text is called elsewhere by the name of its city.
    """

    code: Sequence[str]
    district: Sequence[str]
    town: Sequence[str]
    community: Sequence[str]
    road: Sequence[str]
    number: Sequence[str]
    estate: Sequence[str]
    building: Sequence[str]
    unit: Sequence[str]
    poi: Sequence[str]
    aliases: Sequence[str]
    lon: F8
    lat: F8
    city: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.code)

    @classmethod
    def of(cls, columns: Mapping[str, Any], city: Sequence[str] = ()) -> AddressBook:
        """Checked columns: those of :data:`TEXTS` and ``lon``, ``lat``; other columns are not looked at.

        Raises
        ------
        BookError
            No row, no ``code``, ``lon`` or ``lat``, lengths that differ, a value that is no text, a code twice, a
            position that is not finite or no degrees, a row without road and number, estate, or poi.
        """
        for name in ("code", "lon", "lat"):
            if name not in columns:
                raise BookError(f"address book: expected a column {name!r}, got {', '.join(sorted(columns)) or 'none'}")
        n = len(columns["code"])
        texts = {name: list(columns[name]) if name in columns else [""] * n for name in TEXTS}
        try:
            lon, lat = (np.asarray(columns[name], np.float64) for name in ("lon", "lat"))
        except (TypeError, ValueError) as error:
            raise BookError(f"address book: lon, lat: expected numbers in degrees: {error}") from error
        lengths = {name: len(values) for name, values in texts.items()} | {"lon": lon.size, "lat": lat.size}
        if n == 0 or set(lengths.values()) != {n}:
            raise BookError(f"address book: expected columns of one length above 0, got {lengths}")
        for name, values in texts.items():
            bad = [k for k, v in enumerate(values) if not isinstance(v, str)]
            if bad:
                raise BookError(f"address book: row {bad[0]}: {name}: expected text, got {values[bad[0]]!r}")
        book = cls(**texts, lon=lon, lat=lat, city=tuple(city))
        book._check()
        return book

    def _check(self) -> None:
        found = [f"code {code!r} is there {k} times" for code, k in Counter(self.code).items() if k > 1]
        off = ~((np.abs(self.lon) <= 180) & (np.abs(self.lat) <= 90))  # NaN is off too
        found += [
            f"row {k} ({self.code[k]}): expected degrees, got {self.lon[k]}, {self.lat[k]}"
            for k in np.flatnonzero(off).tolist()
        ]
        found += [
            f"row {k} ({self.code[k]}): expected road and number, or an estate, or a poi; got none of them"
            for k in range(len(self))
            if not (self.poi[k] or self.estate[k] or (self.road[k] and self.number[k]))
        ]
        if found:
            more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
            raise BookError("address book: " + "; ".join(found[:SHOWN]) + more)

    def text(self, row: int) -> str:
        """The whole address of a row, in the order of the standards: areas, road, plate, estate, building, poi."""
        b = self
        number = b.number[row] + ("" if b.number[row][-1:] in {"", "号"} else "号")
        building = b.building[row] + ("栋" if b.building[row][-1:].isalnum() and b.building[row].isascii() else "")
        unit = b.unit[row] + ("单元" if b.unit[row].isascii() and b.unit[row] else "")
        parts = (b.district[row], b.town[row], b.community[row], b.road[row], number, b.estate[row], building, unit)
        return "".join(parts) + b.poi[row]


def other_names(aliases: str) -> list[str]:
    """Names of the column ``aliases``."""
    return [name for name in (part.strip() for part in aliases.split(ALIAS)) if name]
