"""The risk models against worked cases that no code of ours made: every difference counts.

``data`` is a folder of case files in the format of bench/standards/cases, judged by the tables that are shipped. A
file names a ``model`` and for all its cases ``source`` (where the numbers are from), ``by`` (who worked them out),
``at`` (a day, at noon in China, or a time with offset), ``base`` (inputs shared) and ``tolerance`` (relative); a case
has ``in`` and ``want`` and may have its own of each, and ``settings`` of the model. ``want`` names columns of the
judgement: value, grade, level, reason, verified, or one of the model's own; null is "unknown". A case with ``call`` is
of one function instead. The seed shuffles each model's rows: an answer must not depend on its neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime, time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from bench.harness import Figure, Result
from brain.standards import CHINA, Library, load
from models.standards import plume
from models.standards.model import Judgement, TextInput
from models.standards.registry import MODELS

FOLDER = Path(__file__).parent / "cases"
LEAST, LEAST_A_MODEL = 150, 10
"""Cases that there must be in all, and of each model."""
CALLS: Mapping[str, Callable[..., Any]] = {"plume.concentration": plume.concentration}


class Case(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One worked case, as written; what it leaves out is the file's."""

    want: dict[str, float | str | bool | None]
    inputs: dict[str, float | str | None] = msgspec.field(name="in", default_factory=dict)
    at: Any = None
    settings: dict[str, Any] = {}
    call: str = ""
    tolerance: float | None = None
    source: str = ""
    by: str = ""
    why: str = ""


class CaseFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The cases of one model."""

    model: str
    source: str
    by: str
    at: Any
    """A date, or text in ISO 8601 with an offset."""
    cases: tuple[Case, ...]
    base: dict[str, float | str | None] = {}
    tolerance: float = 0.0


def run(seed: int, data: Path | None) -> Result:
    """Figures ``models`` (that have cases), ``cases`` and ``wrong`` (cases of which anything differs)."""
    library, rows = load(), list[dict[str, Figure]]()
    seen: dict[str, int] = {}
    wrong = 0
    for path in sorted((data or FOLDER).glob("*.yaml")):
        file = read(path)
        found = differences(library, file, np.random.default_rng(seed).permutation(len(file.cases)))
        seen[file.model] = seen.get(file.model, 0) + len(file.cases)
        wrong += len(found)
        model = MODELS[file.model]
        rows.append({
            "file": path.stem, "model": file.model, "cases": len(file.cases), "wrong": len(found),
            "experimental": "yes" if model.experimental else "", "first difference": next(iter(found), ""),
        })  # fmt: skip
    cases = sum(seen.values())
    few = [] if data else [name for name in MODELS if seen.get(name, 0) < LEAST_A_MODEL]
    rows += [{"file": "", "model": name, "first difference": f"fewer than {LEAST_A_MODEL} cases"} for name in few]
    figures: dict[str, Figure] = {"models": len(seen), "cases": cases, "wrong": wrong}
    unverified = sum(not row.verified for document in library.documents for row in document.rows)
    settings = {"tables": len(library.documents), "rows that are not verified": unverified}
    ok = wrong == 0 and cases > 0 and not few and (data is not None or cases >= LEAST)
    return Result(rows, figures, ok, settings)


def read(path: Path) -> CaseFile:
    """One file of cases. Raises ValueError with the file, and what is wrong in it."""
    try:
        file = msgspec.yaml.decode(path.read_bytes(), type=CaseFile)
    except msgspec.DecodeError as error:  # of which a value of the wrong type is one
        raise ValueError(f"{path}: {error}") from error
    if file.model not in MODELS:
        raise ValueError(f"{path}: model: expected one of {', '.join(MODELS)}, got {file.model!r}")
    known = {"value", "grade", "level", "reason", "verified", *MODELS[file.model].more}
    for number, case in enumerate(file.cases, 1):
        strange = sorted(set(case.want) - known)
        if strange or (case.call and case.call not in CALLS):
            what = f"want: {strange[0]}" if strange else f"call: {case.call}"
            raise ValueError(f"{path}: case {number}: {what}: expected one of {', '.join(sorted(known | set(CALLS)))}")
    return file


def differences(library: Library, file: CaseFile, order: NDArray[np.intp]) -> list[str]:
    """One line a case that is not as worked. The rows are judged together, in the order given."""
    found = []
    groups: dict[str, list[int]] = {}
    for i in order:
        groups.setdefault(f"{file.cases[i].call}{file.cases[i].settings}", []).append(int(i))
    for members in groups.values():
        cases = [file.cases[i] for i in members]
        if cases[0].call:
            answers = [{"value": float(v)} for v in _called(cases)]
        else:
            answers = _answers(judged(library, file, cases))
        for i, case, got in zip(members, cases, answers, strict=True):
            tolerance = file.tolerance if case.tolerance is None else case.tolerance
            for column, want in case.want.items():
                if not _same(got[column], want, tolerance):
                    found.append(f"case {i + 1}: {column}: worked out {want}, got {got[column]}")
                    break
    return sorted(found)


def judged(library: Library, file: CaseFile, cases: list[Case]) -> Judgement:
    """All cases of equal settings in one call."""
    model = type(MODELS[file.model])(**_tuples(cases[0].settings))
    given = [{**file.base, **case.inputs} for case in cases]
    columns: dict[str, Any] = {}
    for name in {name for row in given for name in row}:
        empty = "" if isinstance(model.inputs.get(name), TextInput) else math.nan
        values = [row.get(name) for row in given]
        columns[name] = [empty if value is None else value for value in values]
    t = np.array([milliseconds(file.at if case.at is None else case.at) for case in cases], np.int64)
    return library.judge(model, t, columns)


def milliseconds(at: Any) -> int:
    """A day's noon in China, or a time with offset, in ms UTC."""
    moment = datetime.fromisoformat(at) if isinstance(at, str) else datetime.combine(at, time(12), CHINA)
    return round(moment.timestamp() * 1000)


def _answers(judgement: Judgement) -> list[dict[str, Any]]:
    columns: dict[str, NDArray[Any]] = {
        "value": judgement.value,
        "level": judgement.level,
        "verified": judgement.verified,
        **judgement.more,
    }
    names, reasons = judgement.names(), judgement.reasons()
    return [
        {**{name: column[i].item() for name, column in columns.items()}, "grade": names[i], "reason": reasons[i]}
        for i in range(len(judgement.value))
    ]


def _called(cases: list[Case]) -> list[float]:
    function = CALLS[cases[0].call]
    out = function(**{name: np.array([case.inputs[name] for case in cases], float) for name in cases[0].inputs})
    return [float(v) for v in out]


def _same(got: Any, want: Any, tolerance: float) -> bool:
    if want is None:
        return isinstance(got, float) and math.isnan(got)
    if isinstance(want, str | bool):
        return bool(got == want)
    return math.isclose(got, want, rel_tol=max(tolerance, 1e-12), abs_tol=1e-12)


def _tuples(settings: Mapping[str, Any]) -> dict[str, Any]:
    """YAML has lists where settings have tuples."""
    return {k: tuple(tuple(x) if isinstance(x, list) else x for x in v) if isinstance(v, list) else v
            for k, v in settings.items()}  # fmt: skip
