"""A set, as far as incidents are concerned: how they are named, grouped and routed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from brain.incidents.actions import Place
from brain.incidents.bed import Bed
from brain.incidents.causes import Causes
from brain.incidents.events import Events
from brain.incidents.limits import Limits
from brain.incidents.route import Route, Routes
from brain.incidents.value import DOMAINS, Domain, Text, family_of
from brain.incidents.warning_rules import WarningRules
from brain.incidents.windows import Windows
from streams.records import Signal

NO_ROUTE = Route("", Text(), (), "none")


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
    family: str
    name: Text
    life: bool
    near_m: float | None = None
    """How near signals of it may be one incident, by events.yaml; None: as the fold's settings say."""
    near_s: float | None = None
    """How soon after one another."""


def _nobody(asset: str) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the stages ask of a set."""

    plans: Mapping[str, Plan]
    routes: Routes | None
    causes: Causes = field(default_factory=Causes)
    events: Events | None = None
    limits: Limits | None = None
    warnings: WarningRules = field(default_factory=WarningRules)
    windows: Windows = field(default_factory=Windows)
    bed: Bed | None = None
    """The map's rivers, where a cause flows."""
    owner: Callable[[str], str] = _nobody
    """Of an asset, as the registry has it."""
    drill: bool = False
    """Whether the set is of a drill."""

    @classmethod
    def of(cls, content: SetLike) -> Rules:
        """Raises RouteError, CauseError for a table that does not hold and ValueError for an unknown domain."""
        plans, events = {}, getattr(content, "events", None)
        told = [event for agent in getattr(content, "agents", ()) for event in agent.told()]
        for s in (*content.scenarios, *told):
            if s.domain not in DOMAINS:
                raise ValueError(f"{s.id}: domain: expected one of {', '.join(DOMAINS)}, got {s.domain!r}")
            code = str(s.event_code)
            plans[s.id] = _plan(s.id, s.domain, int(s.version), code, _text(s.name), bool(s.life), events)
        warnings = WarningRules.of(getattr(content, "warnings", None))
        for row in warnings.opening():
            domain = _domain(row.id)
            assert domain is not None  # the table was checked
            plans[row.id] = _plan(row.id, domain, warnings.version, row.event_code, row.name, False, events)
        routes = content.routes
        if routes is not None and not isinstance(routes, Routes):
            routes = Routes.of(routes)
        registry = getattr(content, "registry", None)
        causes = Causes.of(getattr(content, "causes", None))
        return cls(
            plans, routes, causes, events, getattr(content, "limits", None), warnings,
            Windows.of(getattr(content, "windows", None)), getattr(content, "bed", None),
            _nobody if registry is None else registry.owner,
            bool(getattr(content, "drill", False)),
        )  # fmt: skip

    def plan(self, scenario: str) -> Plan:
        """Of a scenario; one that the set lacks (the brain's own, or of an earlier set) is named by its id."""
        return self.plans.get(scenario) or _unlisted(scenario)

    def coded(self, code: str) -> Plan | None:
        """How an incident by hand is named: by its event, else by a scenario of the code; None for a code of which the
        set knows neither event, scenario nor route. Never hidden where its event or any scenario of its family is."""
        family = family_of(code, code)
        mine = [plan for _, plan in sorted(self.plans.items()) if plan.family == family]
        event = self.events.find(code) if self.events is not None else None
        if event is not None and event.code != code and "." not in event.code:
            event = None  # a whole class is no event
        exact = next((plan for plan in mine if plan.event_code == code), None)
        domain = event.domain if event is not None else mine[0].domain if mine else _domain(code)
        if domain is None or (event is None and not mine and not self._routed(code, domain)):
            return None
        name = Text(code, code) if event is None else event.name
        if exact is not None and (event is None or event.code != code):
            name = exact.name
        life = (event is not None and event.life) or any(plan.life for plan in mine)
        return Plan(domain, 0 if exact is None else exact.version, code, family, name, life)

    def _routed(self, code: str, domain: str) -> bool:
        rule = self.routes.find(code, domain).rule if self.routes is not None else "default"
        return not rule.startswith("default") and rule != domain

    def route(self, plan: Plan, where: Signal | Place) -> Route:
        """Who leads: by event code, place and owner of the signal's asset; nobody where the set has no routes."""
        if self.routes is None:
            return NO_ROUTE
        return self.routes.find(
            plan.event_code, plan.domain, where.district, grid=where.grid, town=where.town,
            zones=where.areas.get("zone", ()), owner=self.owner(where.asset) if isinstance(where, Signal) else "",
        )  # fmt: skip


_OWN = {
    "system.inputs_down": Text("感知输入中断", "Inputs down"),
    "system.agent_failed": Text("智能体已停用", "Agent stopped"),
}


def _plan(
    name: str, domain: Domain, version: int, code: str, called: Text, life: bool, events: Events | None
) -> Plan:  # fmt: skip
    event = events.find(code) if events is not None else None
    near = (None, None) if event is None else (event.radius_m, event.window_s)
    return Plan(domain, version, code, family_of(code, name), called, life, *near)


def _domain(code: str) -> Domain | None:
    first = code.partition(".")[0]
    return next((domain for domain in DOMAINS if domain == first), None)


def _unlisted(scenario: str) -> Plan:
    first = scenario.partition(".")[0]
    name = _OWN.get(scenario, Text(scenario, scenario))
    if scenario == "system.agent_failed":  # whoever runs the platform mends it; no one in the street is waiting
        return Plan("public", 0, scenario, scenario, name, False)
    return Plan(first if first in DOMAINS else "emergency", 0, "", scenario, name, False)


def _text(name: Any) -> Text:
    if isinstance(name, str):
        return Text(name, name)
    if isinstance(name, Mapping):
        return Text(str(name.get("zh", "")), str(name.get("en", "")))
    return Text(str(getattr(name, "zh", "")), str(getattr(name, "en", "")))
