"""Lint: all that is wrong with a set's scenarios, each finding with code, file, line, severity, in both languages."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from brain import judged_set, standards, views
from brain.hours import Openings
from brain.incidents.value import Text
from brain.scenario import Scenario
from brain.scenario_kit import codes, lock, variant
from brain.scenario_kit.codes import CODES, Severity
from brain.scenario_kit.findings import Found, Ground, of_one
from brain.scenario_kit.grades import out_of_grade
from brain.scenario_kit.lines import broken_at, layout, line_of
from brain.scenario_kit.relations import between, shadowed
from brain.scenario_kit.silence import unheard
from brain.scenarios import ScenarioError, decoded, place_of, read
from brain.set_tables import findings, tables
from brain.sets import ASSETS, MAP, SCENARIOS, STANDARDS, CitySet, files
from brain.unfit import both
from geo.grid_map import GridMap
from streams.registry import Registry, RegistryError

T = TypeVar("T")


class Finding(NamedTuple):
    """One finding; ``place`` is the key in the file, ``id`` the scenario's where it could be read."""

    code: str
    severity: Severity
    file: str
    line: int
    place: str
    what: Text
    id: str = ""

    def text(self, lang: str = "en") -> str:
        """One line: ``file:line: severity: place: what [code]``."""
        what = self.what.zh if lang == "zh" else self.what.en
        named = what if not self.place or what.startswith(self.place) else f"{self.place}: {what}"
        return f"{self.file}:{self.line}: {self.severity}: {named} [{self.code}]"


class Source(NamedTuple):
    """A file that was read."""

    path: Path
    scenario: Scenario
    lines: dict[str, int]

    def finding(self, found: Found) -> Finding:
        """With file, line and severity."""
        code = CODES[found.code]
        severity = code.draft if self.scenario.state == "draft" else code.severity
        where = line_of(self.lines, found.place)
        return Finding(found.code, severity, str(self.path), where, found.place, found.what, self.scenario.id)


def lint(folder: Path, only: Collection[Path] = (), heard: Collection[str] | None = None) -> list[Finding]:
    """Everything found in a set's scenarios, by file and line; ``only``: what is of these files, in the set or not.
    ``heard``: assets that spoke of late (:func:`brain.scenario_kit.silence.speakers`); None: not looked at.

    A set in which nothing is an error can be loaded. Raises OSError where a file cannot be read.
    """
    inside = sorted((folder / SCENARIOS).rglob("*.yaml"))
    known = {path.resolve() for path in inside}
    paths = [*inside, *(path for path in only if path.resolve() not in known)]
    out: list[Finding] = []
    sources: list[Source] = []
    known_as = variant.bases(_decoded(path) for path in paths)
    for path in paths:
        got = read_file(path, known_as)
        out += got if isinstance(got, list) else []
        if isinstance(got, Source):
            sources.append(got)
    parts = _Parts(folder, out)
    seen: dict[str, Path] = {}
    for source in sources:
        s = source.scenario
        if s.id in seen:
            zh, en = f"{s.id} 已在 {seen[s.id]}", f"{s.id} is in {seen[s.id]} already"
            out.append(source.finding(Found("duplicate_id", "id", Text(zh, en))))
        seen.setdefault(s.id, source.path)
    every = variant.apart([source.scenario for source in sources])
    sources = [source._replace(scenario=s) for source, s in zip(sources, every, strict=True)]
    for source in sources:
        s = source.scenario
        silent = [] if heard is None or parts.ground is None else unheard(s, parts.ground, heard)
        out += [source.finding(found) for found in (*parts.fits(s), *of_one(s, parts.ground), *silent)]
    by_id = {source.scenario.id: source for source in reversed(sources)}
    running = [source.scenario for source in by_id.values() if source.scenario.state not in ("draft", "retired")]
    running.sort(key=lambda s: s.id)
    named = sorted((source.scenario for source in by_id.values()), key=lambda s: s.id)
    out += [by_id[s.id].finding(found) for s, found in (*shadowed(running), *between(named))]
    out += _locked(folder, by_id, len(sources) == len(paths))
    if not any(finding.severity == "error" for finding in out):
        out += _whole(folder)
    wanted = {path.resolve() for path in only}
    mine = [finding for finding in out if not wanted or Path(finding.file).resolve() in wanted]
    return sorted(mine, key=lambda f: (f.file, f.line, f.code, f.place))


def _decoded(path: Path) -> Any:
    with contextlib.suppress(ScenarioError):
        return decoded(path.read_bytes(), str(path))


def read_file(path: Path, known: Mapping[str, Any] = {}) -> Source | list[Finding]:
    """A scenario file, or why it is refused; ``known``: what it may extend, by id. Raises OSError."""
    text = path.read_bytes()
    where = layout(text)
    if where.doubled:
        twice, hard = Text("这个键出现两次", "this key stands twice"), CODES["double_key"].severity
        return [Finding("double_key", hard, str(path), n, place, twice) for place, n in where.doubled]
    try:
        scenario = read(text, str(path), known)
    except ScenarioError as error:
        zh, en = (said.removeprefix(f"{path}: ") for said in both(error))
        line = broken_at(text) if error.code == "not_yaml" else line_of(where.lines, error.place)
        return [Finding(error.code, CODES[error.code].severity, str(path), line, error.place, Text(zh, en))]
    return Source(path, scenario, where.lines)


class _Parts:
    """The other parts of the set, each None where it cannot be read, which is then found."""

    def __init__(self, folder: Path, out: list[Finding]) -> None:
        contents = files(folder)

        def part(name: str, load: Callable[[], T]) -> T | None:
            try:
                return load()
            except (ValueError, RegistryError, OSError) as error:
                out.append(_of_set(folder / name, error))
                return None

        shelf = {f"{folder}/{name}": data for name, data in contents.items() if name.startswith(f"{STANDARDS}/")}
        self.registry = part(ASSETS, lambda: Registry.load(folder / ASSETS))
        self.map = part(MAP, lambda: GridMap.load(folder / MAP))
        self.tables = part("", lambda: tables(contents, folder))
        self.library = part(STANDARDS, lambda: standards.of_files(shelf, f"{folder}/{STANDARDS}"))
        self.ground = None if self.registry is None or self.map is None else Ground.of(self.registry, self.map)

    def fits(self, s: Scenario) -> Iterator[Found]:
        """Why the set would refuse the scenario."""
        if self.library is None or self.registry is None or self.map is None:
            return
        try:
            judged_set.check(s, self.library)
            judged_set.check_units(s, self.library, self.registry)
            if s.match.hours is not None:
                Openings([s.match.hours], self.tables.calendar if self.tables is not None else None)
            yield from out_of_grade(s, self.library, self.ground)
            if s.detect.watch is not None:
                views.watched([s], self.registry, views.compiled(self.registry))
        except ValueError as error:
            yield Found("not_of_set", place_of(error), Text(*both(error)))
        for one in findings(self.tables, self.map, self.registry, [s]) if self.tables is not None else ():
            if one.file == SCENARIOS:
                yield Found(one.code, "life" if one.code == "life_differs" else "event_code", one.what)


def _locked(folder: Path, by_id: dict[str, Source], complete: bool) -> Iterator[Finding]:
    """What differs from the lock; what is gone only where every file could be read."""
    path = folder / lock.NAME
    try:
        was = lock.read(path)
    except lock.LockError as error:
        yield Finding("bad_lock", CODES["bad_lock"].severity, str(path), 1, "", Text(*both(error)))
        return
    inside = (folder / SCENARIOS).resolve()
    mine = [source.scenario for source in by_id.values() if inside in source.path.resolve().parents]
    kinds = {"changed": "changed", "new": "not_locked", "newer": "not_locked", "older": "version_back"}
    for change in lock.changes(was, lock.of(mine)):
        if change.kind != "gone":
            zh = f"version {change.now}, 锁文件中为 {change.was or '无'}"
            en = f"version {change.now}, in the lock {change.was or 'none'}"
            if change.kind == "changed":
                zh, en = f"内容变了, 版本仍是 {change.now}", f"it changed, and is still version {change.now}"
            yield by_id[change.id].finding(Found(kinds[change.kind], "version", Text(zh, en)))
        elif complete and change.id not in by_id:
            zh, en = f"没有文件含 {change.id}", f"no file has {change.id}"
            code = CODES["lock_gone"]
            yield Finding("lock_gone", code.severity, str(path), 1, "", Text(zh, en), change.id)


def _whole(folder: Path) -> Sequence[Finding]:
    """Whatever else the set is refused for."""
    try:
        CitySet.load(folder)
    except (ValueError, RegistryError, OSError) as error:
        return [_of_set(folder, error)]
    return ()


def _of_set(path: Path, error: Exception) -> Finding:
    return Finding("set", codes.CODES["set"].severity, str(path), 1, "", Text(*both(error)))
