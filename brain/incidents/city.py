"""The city's incidents: signals in fold order and timers in, incident records out. The engine keeps the state.

Nothing here scans the open incidents: a signal finds its incident by dictionaries, a timer by a heap.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import msgspec

from brain.incidents import fold, publish
from brain.incidents.areas import Areas
from brain.incidents.fold import Case, FoldSettings
from brain.incidents.route import Route, Routes
from brain.incidents.value import DOMAINS, Domain, Incident, Reason, Text, incident_id
from streams.records import Headers, Signal, Summary

KEY = b"i/"
NO_ROUTE = Route("", Text(), (), "none")

_decode = msgspec.json.Decoder(Incident).decode


class ScenarioLike(Protocol):
    """What is needed of a scenario; ``name`` is a text, a mapping or an object with ``zh`` and ``en``."""

    @property
    def id(self) -> str:
        """Dotted id, its first part the domain."""
        ...

    @property
    def version(self) -> int:
        """Version of the definition."""
        ...

    @property
    def name(self) -> Any:
        """In both languages."""
        ...

    @property
    def domain(self) -> str:
        """One of the six."""
        ...

    @property
    def event_code(self) -> str:
        """Code that incidents are routed by."""
        ...

    @property
    def life(self) -> bool:
        """Never-hidden class 生命安全."""
        ...


class SetLike(Protocol):
    """What is needed of a set."""

    @property
    def scenarios(self) -> Iterable[ScenarioLike]:
        """All scenarios of the set."""
        ...

    @property
    def routes(self) -> Any:
        """Routes, a decoded routes.yaml, or None."""
        ...


class Plan(NamedTuple):
    """How incidents of a scenario are named and routed."""

    domain: Domain
    version: int
    event_code: str
    name: Text
    life: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """A set, as far as incidents are concerned."""

    plans: Mapping[str, Plan]
    routes: Routes | None

    @classmethod
    def of(cls, content: SetLike) -> Rules:
        """Raises RouteError for a table that does not hold and ValueError for an unknown domain."""
        plans = {}
        for s in content.scenarios:
            if s.domain not in DOMAINS:
                raise ValueError(f"{s.id}: domain: expected one of {', '.join(DOMAINS)}, got {s.domain!r}")
            plans[s.id] = Plan(s.domain, int(s.version), str(s.event_code), _text(s.name), bool(s.life))
        routes = content.routes
        if routes is not None and not isinstance(routes, Routes):
            routes = Routes.of(routes)
        return cls(plans, routes)

    def plan(self, scenario: str) -> Plan:
        """Of a scenario; one that the set lacks (the brain's own, or of an earlier set) is named by its id."""
        return self.plans.get(scenario) or _unlisted(scenario)

    def route(self, plan: Plan, district: str) -> Route:
        """Who leads; nobody where the set has no routes."""
        return self.routes.find(plan.event_code, plan.domain, district) if self.routes else NO_ROUTE


_OWN = {"system.inputs_down": Text("感知输入中断", "Inputs down")}


def _unlisted(scenario: str) -> Plan:
    first = scenario.partition(".")[0]
    return Plan(first if first in DOMAINS else "emergency", 0, "", _OWN.get(scenario, Text(scenario, scenario)), False)


def _text(name: Any) -> Text:
    if isinstance(name, str):
        return Text(name, name)
    if isinstance(name, Mapping):
        return Text(str(name.get("zh", "")), str(name.get("en", "")))
    return Text(str(getattr(name, "zh", "")), str(getattr(name, "en", "")))


class CityLogic:
    """Folds signals into incidents. Implements ``streams.logic.CityLogic``.

    ``sets`` finds the content of a set by id: scenario, domain and route of an incident come from the set its signal
    names. Without it the set in force in fold order is used for all. ``counts`` has,
    by reason, what became of the signals and timers since the object was made; it is for metrics and enters no result.
    """

    owner = "incidents@1"

    def __init__(self, settings: FoldSettings | None = None, sets: Callable[[str], Any] | None = None) -> None:
        self.settings = settings or FoldSettings()
        self.counts: Counter[str] = Counter()
        self._told: Counter[str] = Counter()
        self._models = Areas()
        self._sets = sets
        self._rules: dict[str, Rules] = {}
        self._force = Rules({}, None)
        self._cases: dict[str, Case] = {}
        self._members: dict[str, Case] = {}
        self._assets: defaultdict[tuple[str, bool, str], list[Case]] = defaultdict(list)
        self._places: defaultdict[tuple[str, str], list[Case]] = defaultdict(list)
        self._timers: list[tuple[int, str]] = []
        self._changed: dict[str, Incident] = {}

    def __len__(self) -> int:
        """Open incidents."""
        return len(self._cases)

    def incidents(self) -> list[Incident]:
        """Open incidents by id; to look at, not to change."""
        return [self._cases[key].incident for key in sorted(self._cases)]

    # -- what the engine calls

    def load(self, items: Mapping[bytes, bytes]) -> None:
        """Take the open incidents back; timers and indexes follow from them. Raises ValueError on foreign state."""
        for key, value in self._models.load(items).items():
            if not key.startswith(KEY):
                raise ValueError(f"state key {key!r}: expected {KEY!r} and an incident's id")
            case = Case.of(_decode(value))
            self._cases[case.incident.id] = case
            for member in case.incident.members:
                self._index(case, member.id, member.asset)
            self._place(case)
            self._schedule(case.incident)

    def enter(self, set_id: str, content: Any) -> None:
        """A set comes into force. Open incidents keep name, domain and route they were opened with."""
        self._force = self._rules[set_id] = Rules.of(content)
        self._models.enter(set_id, content)

    def signal(self, signal: Signal) -> None:
        """Fold one signal."""
        if signal.kind == "raise":
            reason = self._raise(signal)
        else:
            reason = self._follow(signal)
        self.counts[reason.value] += 1

    def summary(self, summary: Summary) -> None:
        """Keep what a lane saw in a minute for the models that need all lanes."""
        if not self._models.summary(summary):
            self.counts["late_summary"] += 1

    def due(self) -> int | None:
        """Fold time at which the next quiet period ends or a minute can be judged, or None."""
        return min((t for t in (self._quiet_due(), self._models.due()) if t is not None), default=None)

    def _quiet_due(self) -> int | None:
        timers = self._timers
        while timers:
            time, key = timers[0]
            case = self._cases.get(key)
            if case is not None and case.incident.quiet_until == time:
                return time
            heapq.heappop(timers)
        return None

    def fire(self, now: int) -> None:
        """Resolve what has been quiet until exactly ``now``, then judge the minute that ended just before."""
        while self._quiet_due() == now:
            _, key = heapq.heappop(self._timers)
            self._resolve(self._cases[key], now)
        if self._models.due() == now:
            for signal in self._models.fire(now):
                self.signal(signal)

    def fates(self) -> Mapping[str, int]:
        """What became of signals and timers since the last call, by reason."""
        out, self._told = self.counts - self._told, self.counts.copy()
        return out

    def changes(
        self,
    ) -> tuple[dict[bytes, bytes | None], Sequence[tuple[str, bytes, bytes | None, tuple[tuple[str, bytes], ...]]]]:
        """State and records since the last call: of each incident the newest revision only, by id."""
        items = self._models.changes()
        records: list[tuple[str, bytes, bytes | None, Headers]] = []
        for key in sorted(self._changed):
            incident = self._changed[key]
            value = publish.encode(incident)
            items[KEY + key.encode()] = value if incident.state == "open" else None
            records.append((publish.topic(incident), key.encode(), value, publish.headers(incident)))
        self._changed.clear()
        return items, records

    # -- what it does

    def _raise(self, signal: Signal) -> Reason:
        identity = signal.identity()
        if identity in self._members:
            return Reason.REPEATED_SIGNAL
        rules = self._rules_of(signal)
        plan = rules.plan(signal.scenario)
        life = signal.life or plan.life
        place = None if life else fold.place_of(signal)
        near = self._places.get((signal.scenario, place), []) if place is not None else []
        case, reason = fold.find_home(
            self._assets.get((signal.scenario, life, signal.asset), []), near, signal, self.settings
        )
        if case is None:
            case = self._open(signal, identity, plan, life, rules.route(plan, signal.district))
            fold.join(case, signal)
            self._place(case)
        else:
            fold.join(case, signal)
        self._index(case, identity, signal.asset)
        self._note(case.incident, signal.fold, reason, identity)
        return reason

    def _open(self, signal: Signal, identity: str, plan: Plan, life: bool, route: Route) -> Case:
        key = incident_id(identity)
        case = Case(
            Incident(
                id=key, revision=0, state="open", domain=plan.domain, scenario=signal.scenario,
                scenario_version=plan.version, event_code=plan.event_code, name=plan.name, level=signal.level,
                peak_level=signal.level, life=life, onset=signal.onset, opened=signal.fold, raised=signal.fold,
                updated=signal.fold, grid=signal.grid, town=signal.town, district=signal.district, areas=signal.areas,
                map=signal.map, set=signal.set, lead=route.lead, lead_name=route.lead_name,
                assisting=list(route.assisting), route=route.rule,
            )
        )  # fmt: skip
        self._cases[key] = case
        return case

    def _follow(self, signal: Signal) -> Reason:
        identity = signal.identity()
        case = self._members.get(identity)
        if case is None:
            return Reason.UNKNOWN_MEMBER
        member = case.by_id[identity]
        if signal.kind == "update":
            reason = fold.update(case, member, signal)
        else:
            reason = fold.clear(case, member, signal, self.settings)
        if reason.changes:
            self._note(case.incident, signal.fold, reason, identity)
            self._schedule(case.incident)
        return reason

    def _resolve(self, case: Case, now: int) -> None:
        incident = case.incident
        incident.state = "resolved"
        incident.quiet_until = None
        del self._cases[incident.id]
        for member in incident.members:
            del self._members[member.id]
        for asset in {m.asset for m in incident.members}:
            _drop(self._assets, (incident.scenario, incident.life, asset), case)
        if not incident.life:
            _drop(self._places, (incident.scenario, incident.grid), case)
        self._note(incident, now, Reason.QUIET_RESOLVED, "")
        self.counts[Reason.QUIET_RESOLVED.value] += 1

    def _note(self, incident: Incident, now: int, reason: Reason, identity: str) -> None:
        fold.note(incident, now, reason, identity)
        self._changed[incident.id] = incident

    # -- where they are found again

    def _index(self, case: Case, identity: str, asset: str) -> None:
        self._members[identity] = case
        mine = self._assets[case.incident.scenario, case.incident.life, asset]
        if case not in mine:
            mine.append(case)

    def _place(self, case: Case) -> None:
        incident = case.incident
        own = incident.members[0].source == "system"
        if not incident.life and (incident.grid or own):
            self._places[incident.scenario, incident.grid].append(case)

    def _schedule(self, incident: Incident) -> None:
        if incident.quiet_until is not None:
            heapq.heappush(self._timers, (incident.quiet_until, incident.id))

    def _rules_of(self, signal: Signal) -> Rules:
        if self._sets is None or not signal.set:
            return self._force
        rules = self._rules.get(signal.set)
        if rules is None:
            try:
                rules = Rules.of(self._sets(signal.set))
            except KeyError:
                # Its incident must come out all the same: named by the set in force, and counted.
                self.counts["unknown_set"] += 1
                return self._force
            self._rules[signal.set] = rules
        return rules


def _drop(index: dict[Any, list[Case]], key: tuple[Any, ...], case: Case) -> None:
    cases = index.get(key)
    if cases is not None and case in cases:
        cases.remove(case)
        if not cases:
            del index[key]
