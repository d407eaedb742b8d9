"""``brain set check``: all that is wrong with the tables of a set, and what each of them would do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from brain import hotline, set_told, standards, trust
from brain.agent_kit import chosen
from brain.incidents import jurisdiction
from brain.incidents.calendar import WorkCalendar
from brain.incidents.causes import Cause, Causes
from brain.incidents.events import EventRow, Events
from brain.incidents.limits import LimitRow, Limits
from brain.incidents.route import Routes, Rule
from brain.incidents.value import Text, family_of
from brain.incidents.warning_rules import Row, WarningRules
from brain.incidents.windows import Window, Windows
from brain.near import Both, hints
from brain.scenario_kit.codes import CODES
from brain.scenario_kit.lines import broken_at
from brain.scenario_kit.lint import lint
from brain.set_faults import Fault, Source, table
from brain.set_tables import CALENDAR, CAUSES, EVENTS, LIMITS, ROUTES, WARNINGS, WINDOWS
from brain.sets import AGENTS, ASSETS, MAP, SCENARIOS, STANDARDS, TEXT, TRUST, CitySet, files, own
from brain.trust import Trust
from brain.unfit import Unfit, both
from geo.grid_map import GridMap
from streams.registry import Registry, RegistryError

T = TypeVar("T")
STAND_IN = WorkCalendar([(0, 1)], {}, {}, [2000], 0)
"""Of a set whose own calendar cannot be read."""


@dataclass
class Checked:
    """What was found, file by file and in the order of lines; and of each table that can be read what it would do."""

    faults: list[Fault] = field(default_factory=list)
    told: list[tuple[str, Text]] = field(default_factory=list)

    @property
    def refused(self) -> int:
        """Faults for which the set would be refused."""
        return sum(fault.refuses for fault in self.faults)


def check(folder: Path, now: int) -> Checked:
    """Look through a set's folder; ``now``, ms UTC, tells windows that are over from those to come.

    Every file is looked at, whatever is wrong with the others; what takes several is left out where one of them is
    wrong. A row has one fault at a time, but of maintenance.yaml and warnings.yaml, and of keys and types, all.

    Raises Unfit: no folder of a set; OSError: a file that cannot be read.
    """
    return _Check(folder, now).run()


class _Check:
    def __init__(self, folder: Path, now: int) -> None:
        if not (folder / ASSETS).is_file():
            raise Unfit(folder, "expected the folder of a set: it has no {file}", file=ASSETS)
        self.folder, self.now, self.out = folder, now, Checked()
        self.contents = own(folder)
        self.rows: dict[str, dict[int, Any]] = {}
        """Of each table that could be read, the rows with which nothing is wrong, by their numbers in the file."""
        self.loaded, self.says = False, list[Both]()
        """Whether the lint loaded the set as a whole, and what it, or loading it here, said of it."""
        self.sources = {
            name: Source(folder / name, text, self.out.faults)
            for name, text in self.contents.items() if name.endswith(".yaml") and not name.startswith(f"{SCENARIOS}/")
        }  # fmt: skip

    def run(self) -> Checked:
        registry = self._part(ASSETS, lambda: Registry.load(self.folder / ASSETS), set_told.assets)
        city = self._part(MAP, lambda: GridMap.load(self.folder / MAP), set_told.grids)
        calendar = self._file(CALENDAR, WorkCalendar.of, set_told.calendar)
        # A broken calendar is one fault, not one of each row that counts by it.
        days = STAND_IN if calendar is None and CALENDAR in self.contents else calendar
        events = self._table(EVENTS, "events", EventRow, Events.of, set_told.events)
        routes = self._table(ROUTES, "routes", Rule, Routes.of, set_told.routes)
        limits = self._table(
            LIMITS, "limits", LimitRow, lambda data, place: Limits.of(data, days, place), set_told.limits
        )
        self._table(CAUSES, "causes", Cause, Causes.of, set_told.causes)
        warnings = self._table(WARNINGS, "warnings", Row, WarningRules.of, set_told.warnings, Row.wrong)
        self._table(
            WINDOWS, "windows", Window, Windows.of, lambda w: set_told.windows(w, registry, city, self.now),
            Window.wrong,
        )  # fmt: skip
        self._trust()
        if any(name.startswith(f"{TEXT}/") for name in self.contents):
            words = files(self.folder)
            self._part(TEXT, lambda: hotline.HotlineText.of(words, self.folder), lambda _: Text("自带", "its own"))
        library = self._standards()
        if AGENTS in self.sources and registry is not None and city is not None and library is not None:
            agents = self._table(
                AGENTS, "agents", chosen.Choice, self._agents(registry, city, library), set_told.agents
            )
        else:
            agents = ()
        names = self._scenarios()
        sound = not any(f.refuses and f.file == str(self.folder / EVENTS) for f in self.out.faults)
        known = events if sound else None  # without the rows that are wrong others would look so too
        if registry is not None and city is not None:
            told = [one for agent in agents or () for one in agent.told()]
            self._fit(routes, known, limits, registry, city, warnings, told)
            self._windows(registry, city, {*names, *(one.id for one in told)}, known)
        self._warnings(known)
        if known is not None:
            self._causes(known)
        if not self.out.refused:
            self._whole()
        self.out.faults = sorted(set(self.out.faults), key=lambda f: (f.file, f.line, f.place, f.what.en))
        return self.out

    # -- one file

    def _table(
        self, name: str, part: str, form: Any, of: Callable[[Any, str], T], tell: Callable[[T], Text],
        each: Callable[[Any], Any] = lambda row: (),
    ) -> T | None:  # fmt: skip
        source = self.sources.get(name)
        found = None if source is None else table(source, part, form, of, each)
        if found is None:
            return None
        self.rows[name] = found.rows
        self.out.told.append((name, tell(found.made)))
        return found.made

    def _file(self, name: str, of: Callable[[Any, str], T], tell: Callable[[T], Text]) -> T | None:
        """A table without rows of its own: its first fault."""
        source = self.sources.get(name)
        data = None if source is None else source.data()
        return None if source is None or data is None else self._part(name, lambda: of(data, str(source.path)), tell)

    def _part(self, name: str, load: Callable[[], T], tell: Callable[[T], Text]) -> T | None:
        try:
            found = load()
        except (ValueError, RegistryError) as error:
            self._refused(name, *both(error))
            return None
        self.out.told.append((name, tell(found)))
        return found

    def _refused(self, name: str, zh: str, said: str) -> None:
        """An error that begins with its file, and mostly with a place in it, in both languages."""
        path = str(self.folder / name) if name else str(self.folder)
        inside = f"{self.folder}/"
        if said.startswith(inside) and ":" in said:
            name = said.removeprefix(inside).partition(":")[0]
            path = inside + name
        zh, en = (" ".join(text.removeprefix(path).removeprefix(":").split()) for text in (zh, said))
        first, _, rest = en.partition(": ")
        source, line = self.sources.get(name), 1
        inner = Text(zh.removeprefix(f"{first}: "), rest)
        if source is not None and rest and first in source.lines:
            source.found(first, inner)
            return
        what = Text(zh, en)
        if first.isdecimal() and rest:
            line, what = int(first), inner
        elif source is not None:
            line = broken_at(source.text)
        self.out.faults.append(Fault(path, line, "", what))

    def _trust(self) -> Trust | None:
        source = self.sources.get(TRUST)
        data = None if source is None else source.data()
        if source is None or not isinstance(data, dict):
            return None if source is None or data is None else self._file(TRUST, trust.of, set_told.trust)
        types = data.get("types")
        for name, one in types.items() if isinstance(types, dict) else ():
            try:
                trust.of({"version": 1, "types": {name: one}}, "")
            except ValueError as error:
                zh, en = (text.removeprefix(": ").partition(": ") for text in both(error))
                source.found(en[0], Text(zh[2], en[2]))
        rest = {**data, "types": {}} if isinstance(types, dict) else data
        return self._part(TRUST, lambda: trust.of(rest, str(source.path)), lambda _: set_told.trust(data))

    def _standards(self) -> standards.Library | None:
        mine = {name: text for name, text in self.contents.items() if name.startswith(f"{STANDARDS}/")}
        shipped = {f"{STANDARDS}/{p.name}": p.read_bytes() for p in sorted(standards.FOLDER.glob("*.yaml"))}
        before = self.out.refused
        for name, text in mine.items():
            try:
                standards.of_files({str(self.folder / name): text}, str(self.folder / STANDARDS))
            except ValueError as error:
                self._refused(name, *both(error))
        if self.out.refused > before:
            return None
        found = {str(self.folder / name): text for name, text in (mine or shipped).items()}
        return self._part(
            STANDARDS, lambda: standards.of_files(found, str(self.folder / STANDARDS)),
            lambda library: set_told.standards(library, bool(mine)),
        )  # fmt: skip

    def _agents(
        self, registry: Registry, city: GridMap, library: standards.Library
    ) -> Callable[[Any, str], tuple[chosen.Agent, ...]]:
        def of(data: Any, place: str) -> tuple[chosen.Agent, ...]:
            return chosen.of(msgspec.yaml.encode(data), place, registry, city, library.standards, self.folder / MAP)

        return of

    # -- what takes several

    def _scenarios(self) -> set[str]:
        """Ids of the scenarios; their errors, as ``brain scenario lint`` has them."""
        found = lint(self.folder)
        self.loaded = not any(one.severity == "error" and one.code != "set" for one in found)
        self.says = [Both(one.what.zh, one.what.en) for one in found if one.code == "set"]
        for one in found:
            if one.severity == "error" and one.code != "set":
                zh, en = (text.removeprefix(f"{one.place}: ") for text in (one.what.zh, one.what.en))
                what = Text(f"{zh} [{one.code}]", f"{en} [{one.code}]")
                hard = CODES[one.code].draft == "error"  # the others are the house's: a set is loaded with them
                self.out.faults.append(Fault(one.file, one.line, one.place, what, hard))
        ids, states = set_told.scenario_files(self.contents)
        warned = sum(one.severity != "error" for one in found)
        self.out.told.append((SCENARIOS, set_told.scenarios(states, warned)))
        return ids

    def _fit(
        self, routes: Routes | None, events: Events | None, limits: Limits | None, registry: Registry, city: GridMap,
        warnings: WarningRules | None, told: list[chosen.Told],
    ) -> None:  # fmt: skip
        """What ``brain route`` says, where the tables that it takes are sound; scenarios are the lint's."""
        ground = jurisdiction.Ground.of(city)
        wrong = {Path(fault.file).name for fault in self.out.faults if fault.refuses}
        if not wrong & {ROUTES, EVENTS, LIMITS}:
            for one in jurisdiction.check(routes, events, limits, ground, registry.owners):
                self.sources[one.file].found(one.place, one.what, refuses=one.refuses)
        if events is None:
            return
        opening = [] if warnings is None else list(warnings.opening())
        for name, part, whose in ((WARNINGS, "warnings", opening), (AGENTS, "agents", told)):
            for one in jurisdiction.check(None, events, None, ground, (), whose):
                number = next(n for n, row in self.rows[name].items() if f"{one.place}.".startswith(f"{row.id}."))
                self.sources[name].found(f"{part}[{number}]", one.what)

    def _windows(self, registry: Registry, city: GridMap, scenarios: set[str], events: Events | None) -> None:
        """Windows that would never cover anything: they refuse nothing, a live change may bring what they name."""
        families = {family_of(code, code) for code in (events.by_code if events is not None else {})}
        for number, one in self.rows.get(WINDOWS, {}).items():
            for name, names, zh, en in (
                ("asset", registry.index, "登记表没有资产", "the registry has no asset"),
                ("grid", city.codes, "地图没有网格", "the map has no grid"),
                ("scenario", scenarios, "没有场景", "there is no scenario"),
                ("family", families, "events.yaml 没有类别", "events.yaml has no family"),
            ):
                value = getattr(one, name)
                if value and names and value not in names:
                    near = hints(value, sorted(names))
                    what = Text(f"{zh} {value!r}{near[0]}", f"{en} {value!r}{near[1]}")
                    self.sources[WINDOWS].found(f"windows[{number}].{name}", what, refuses=False)
            if one.span()[1] <= self.now:
                what = Text("已经结束, 可以删去", "it is over and can be taken out")
                self.sources[WINDOWS].found(f"windows[{number}].until", what, refuses=False)

    def _warnings(self, events: Events | None) -> None:
        """Rows that never fit, because one before them takes what they would, and colours of no event."""
        before: list[Row] = []
        for number, row in self.rows.get(WARNINGS, {}).items():
            source = self.sources[WARNINGS]
            for n, match in enumerate(row.match):
                first = next((other for other in before if _takes(other, match)), None)
                if first is not None:
                    what = Text(f"{match!r} 已归前面的 {first.id}", f"{match!r} is taken by {first.id} before it")
                    source.found(f"warnings[{number}].match[{n}]", what, refuses=False)
            for n, pattern in enumerate(row.colours):
                if events is not None and not events.matching(pattern):
                    source.found(
                        f"warnings[{number}].colours[{n}]", jurisdiction.no_event(pattern, events), refuses=False
                    )
            before.append(row)

    def _causes(self, events: Events) -> None:
        for number, row in self.rows.get(CAUSES, {}).items():
            for name, pattern in (("cause", row.cause), ("effect", row.effect)):
                if not events.matching(pattern):
                    self.sources[CAUSES].found(
                        f"causes[{number}].{name}", jurisdiction.no_event(pattern, events), refuses=False
                    )

    def _whole(self) -> None:
        """Whatever else the set would be refused for."""
        if not self.loaded:
            try:
                CitySet.load(self.folder)
            except (ValueError, RegistryError) as error:
                self.says.append(both(error))
        for said in self.says:
            self._refused("", *said)


def _takes(row: Row, match: str) -> bool:
    """Whether a row fits all that a match of a later one would."""
    return row.fits("" if match[:1].isdigit() else match, match if match[:1].isdigit() else "")
