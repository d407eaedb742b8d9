"""Tests in a scenario's file: records at stated times, and exactly the signals that must come of them.

Times are seconds after the test's ``begin``. The form of a record follows from the scenario's source.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from brain.near import Both, nears
from brain.scenario import Scenario
from brain.scenario_kit.case_form import Case, Frame, Reading, Record, Ticket
from brain.unfit import Unfit, both
from streams.registry import Registry, RegistryError

MOST_RECORDS = 20_000
"""Records of one test."""
MOST_S = 60 * 86_400.0
"""Longest test, seconds."""


class CaseError(Unfit):
    """A test that cannot be run; ``place`` is where in the file."""

    @property
    def place(self) -> str:
        """Of its own."""
        return self.where


SOURCES = ("iot", "video", "hotline")
"""Those that records come from."""
FORMS: Mapping[str, type[Reading] | type[Frame] | type[Ticket]] = {"iot": Reading, "video": Frame, "hotline": Ticket}
"""Form of a given record by the scenario's source."""


def source_of(record: Record) -> str:
    """Where a record comes from."""
    return "iot" if isinstance(record, Reading) else "video" if isinstance(record, Frame) else "hotline"


def records(case: Case, source: str, place: str) -> list[Record]:
    """The given records, in their order. Raises CaseError.

    Of a scenario of source signals each record is of whichever source it has the key of: asset, sensorId or text.
    """
    found: list[Record] = []
    for n, raw in enumerate(case.given):
        where = f"{place}.given[{n}]"
        said = source
        if source == "signals":
            mine = [name for name, key in zip(SOURCES, ("asset", "sensorId", "text"), strict=True) if key in raw]
            if len(mine) != 1:
                raise CaseError(where, "expected one of asset (a reading), sensorId (a frame) and text (a ticket)")
            said = mine[0]
        form = FORMS[said]
        if source == "signals" and said == "iot" and not raw.get("metric"):
            raise CaseError(where, "expected a metric: a combination has none")
        for key in raw:
            if key not in form.__struct_encode_fields__:
                raise CaseError(
                    f"{where}.{key}",
                    "unknown key {key!r}{near}",
                    key=key,
                    near=nears(str(key), form.__struct_encode_fields__),
                )
        try:
            found.append(msgspec.convert(raw, form))
        except msgspec.ValidationError as error:
            what = Both(*(text.replace("`$", "`").replace("Object", "object") for text in both(error)))
            raise CaseError(where, "{said}", said=what) from error
    return found


def last(record: Record) -> float:
    """When the last of what a record stands for comes, seconds."""
    return record.at + (times(record) - 1) * record.every_s


def times(record: Record) -> int:
    """How many records it stands for."""
    if isinstance(record, Reading):
        return len(record.v) if isinstance(record.v, tuple) else 1
    return record.times


def check(s: Scenario) -> None:
    """Whether all tests of a scenario can be run. Raises CaseError."""
    names: set[str] = set()
    for n, case in enumerate(s.tests):
        place = f"tests[{n}]"
        if not case.name or case.name in names:
            raise CaseError(f"{place}.name", "expected a name of its own, got {got!r}", got=case.name)
        names.add(case.name)
        try:
            case.start()
        except ValueError as error:
            raise CaseError(f"{place}.begin", "{said}", said=both(error)) from error
        _given(case, s.source, place)
        _stand_ins(case, place)
        for k, signal in enumerate(case.expect):
            where = f"{place}.expect[{k}]"
            if not 0 <= signal.at <= MOST_S:
                raise CaseError(f"{where}.at", "expected seconds from 0, got {got}", got=signal.at)
            if signal.kind != "clear" and signal.level is None:
                raise CaseError(where, "a {kind} needs its level", kind=signal.kind)


def _given(case: Case, source: str, place: str) -> None:
    found = records(case, source, place)
    if not found:
        raise CaseError(f"{place}.given", "expected at least one record: of nothing comes nothing")
    count = 0
    for n, record in enumerate(found):
        where = f"{place}.given[{n}]"
        many = times(record)
        if not many >= 1 or not record.every_s > 0:
            raise CaseError(where, "expected one value or more, times of at least 1, every_s above 0")
        if not (record.at >= 0 and last(record) <= MOST_S):
            raise CaseError(f"{where}.at", "expected seconds from 0 to {most:g}, got {got}", most=MOST_S, got=record.at)
        if isinstance(record, Frame) and record.crowd is not None and not 0 <= record.crowd.count <= 500:
            raise CaseError(f"{where}.crowd.count", "expected 0 to 500, got {got}", got=record.crowd.count)
        count += many
    if count > MOST_RECORDS:
        raise CaseError(f"{place}.given", "expected at most {most} records, got {got}", most=MOST_RECORDS, got=count)
    end = max(last(record) for record in found)
    if case.until is not None and not end <= case.until <= MOST_S:
        raise CaseError(
            f"{place}.until",
            "expected seconds from the last record's {end:g} on, got {got}",
            end=end,
            got=case.until,
        )


def _stand_ins(case: Case, place: str) -> None:
    if case.assets:
        try:
            Registry.of(case.assets)
        except RegistryError as error:
            raise CaseError(f"{place}.assets", "{said}", said=both(error)) from error
    for n, square in enumerate(case.map):
        west, south, east, north = square.box
        if bool(square.grid) == bool(square.layer and square.code):
            raise CaseError(f"{place}.map[{n}]", "expected grid, or layer and code")
        if not (-180 <= west < east <= 180 and -90 <= south < north <= 90) or not all(map(math.isfinite, square.box)):
            raise CaseError(f"{place}.map[{n}].box", "expected west < east, south < north in degrees")
