"""Scenarios 场景: what to watch for, as YAML files that a domain team writes; checked on loading.

Unknown keys are refused. Errors say file, place in it, what was expected and what came.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from brain.chinese.below import chinese
from brain.combination import trouble
from brain.near import Both, meant, nears
from brain.scenario import Scenario
from brain.scenario_checks import check
from brain.scenario_form import DOMAINS, Clear, Detect, Duration, Match, Name, Trial
from brain.scenario_kit import cases, variant
from brain.scenario_kit.case_form import Case, Wording
from brain.scenario_kit.cases import CaseError
from brain.scenario_kit.lines import DoubleKey, decode
from brain.unfit import Unfit, both

HIDDEN = ("own", "without")
"""Fields that are no keys of the file."""
REFUSED = ("removed_but_used", "cycle", "doubled", "contradicts")
"""What is wrong between scenarios, and is refused on loading."""
_PLACE = re.compile(r"[a-z_]+(?:[.\[][\w.\[\]]*)?(?=[:, ])")


class ScenarioError(Unfit):
    """A scenario that cannot be used: ``code`` says of which kind (docs/scenarios.md), ``place`` where in the file."""

    def __init__(
        self, where: object, what: str = "", code: str = "not_of_set", place: str = "", /, **values: object
    ) -> None:
        super().__init__(where, what, **values)
        self.code, self.place = code, place


def load(
    folder: Path, fits: Callable[[Scenario], None] | None = None, beside: Iterable[Path] = ()
) -> list[Scenario]:  # fmt: skip
    """All ``*.yaml`` below a folder, sorted by id; ``fits`` raises ValueError where one does not fit its set.

    ``beside``: more folders, whose scenarios belong to them.

    Raises
    ------
    ScenarioError
        On the first file that is wrong, or an id that is there twice.
    """
    found: dict[str, Scenario] = {}
    paths: dict[str, Path] = {}
    files = (path for below in (folder, *beside) for path in sorted(below.rglob("*.yaml")))
    raw = {path: decoded(path.read_bytes(), str(path)) for path in files}
    bases = variant.bases(raw.values())
    for path, data in raw.items():
        scenario = of(data, str(path), bases)
        if scenario.id in found:
            raise ScenarioError(
                f"{path}: id",
                "{id!r} is there already; each scenario needs its own",
                "duplicate_id",
                "id",
                id=scenario.id,
            )
        try:
            if fits is not None:
                fits(scenario)
        except ValueError as error:
            raise ScenarioError(path, "{said}", "not_of_set", place_of(error), said=both(error)) from error
        found[scenario.id], paths[scenario.id] = scenario, path
    every = [found[key] for key in sorted(found)]
    for s, (code, place, zh, en) in (*variant.trouble(every), *trouble(every)):
        if code in REFUSED:
            raise ScenarioError(f"{paths[s.id]}: {place}", "{said}", code, place, said=Both(zh, en))
    for s in every:
        if s.shadow_of and s.shadow_of not in found:
            where = f"{paths[s.id]}: shadow_of"
            raise ScenarioError(where, "the set has no {id!r}", "not_of_set", "shadow_of", id=s.shadow_of)
    return variant.apart(every)


def bases(folder: Path) -> Mapping[str, Any]:
    """What a file below a folder may extend, by id, as decoded; files that are no YAML have nothing."""
    found = []
    for path in sorted(folder.rglob("*.yaml")):
        with contextlib.suppress(ScenarioError):
            found.append(decoded(path.read_bytes(), str(path)))
    return variant.bases(found)


def read(text: bytes | str, place: str = "scenario", bases: Mapping[str, Any] = {}) -> Scenario:  # never written
    """One scenario from YAML; ``place`` begins every error, ``bases`` is what it may extend. Raises ScenarioError."""
    return of(decoded(text, place), place, bases)


def decoded(text: bytes | str, place: str = "scenario") -> Any:
    """What a YAML text says. Raises ScenarioError of what is none."""
    try:
        return decode(text)
    except DoubleKey as error:
        raise ScenarioError(place, "{said}", "double_key", error.key, said=both(error)) from error
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError) as error:
        # Beside its own errors, the reader lets through those of dates, keys and depths that cannot be.
        raise ScenarioError(place, "not YAML: {said}", "not_yaml", said=both(error)) from error


def of(data: Any, place: str = "scenario", bases: Mapping[str, Any] = {}) -> Scenario:  # never written
    """One scenario from decoded YAML. Raises ScenarioError."""
    _known(data, Scenario, place, "")
    own = data
    if isinstance(data, Mapping) and "extends" in data:
        try:
            data = variant.resolved(data, bases)
        except variant.VariantError as error:
            raise ScenarioError(place, "{said}", error.code, error.place, said=both(error)) from error
    try:
        scenario = msgspec.convert(data, Scenario)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at ")
        path = where.strip("`").removeprefix("$").lstrip(".")
        near = _hint(data, path)
        said = Both(f"{chinese(message)}{near.zh}", f"{_lower(message)}{near.en}")
        raise ScenarioError(f"{place}: {path}" if path else place, "{said}", "wrong_type", path, said=said) from error
    try:
        check(scenario)
        cases.check(scenario)
    except CaseError as error:
        raise ScenarioError(place, "{said}", "bad_test", error.place, said=both(error)) from error
    except ValueError as error:
        raise ScenarioError(place, "{said}", "contradicts", place_of(error), said=both(error)) from error
    return msgspec.structs.replace(scenario, own=dict(own)) if scenario.extends else scenario


def place_of(error: ValueError) -> str:
    """Where in the file, by an error's text; empty where it does not begin with a key."""
    found = _PLACE.match(str(error))
    return found[0] if found else ""


_PARTS: Mapping[str, type[msgspec.Struct]] = {
    "name": Name, "match": Match, "detect": Detect, "for": Duration, "clear": Clear,
    "trial": Trial, "means": Wording, "first_steps": Wording, "false_alarms": Wording,
}  # fmt: skip


def _known(data: Any, kind: type[msgspec.Struct], place: str, path: str) -> None:
    if not isinstance(data, Mapping):
        return
    names = tuple(name for name in kind.__struct_encode_fields__ if kind is not Scenario or name not in HIDDEN)
    for key, value in data.items():
        if key not in names:
            raise ScenarioError(
                f"{place}: {path}{key}",
                "unknown key {key!r}{near}",
                "unknown_key",
                f"{path}{key}",
                key=key,
                near=nears(str(key), names),
            )
        if kind is Scenario and key in _PARTS:
            _known(value, _PARTS[key], place, f"{key}.")
        if kind is Scenario and key == "tests" and isinstance(value, list):
            for n, case in enumerate(value):
                _known(case, Case, place, f"tests[{n}].")


def _hint(data: Any, path: str) -> Both:
    for part in path.split(".") if path else ():
        data = data.get(part) if isinstance(data, Mapping) else None
    if not isinstance(data, str):
        return Both("", "")
    if path == "domain":
        return nears(data, DOMAINS)
    if path == "source":
        return nears(data, ("iot", "video", "hotline", "signals"))
    number = data.split()[0] if data.split() else ""
    try:
        close = meant(f"{float(number):g}")
    except ValueError:
        close = Both("", "")
    return Both(f", {data!r}{close.zh}", f", {data!r}{close.en}")


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
