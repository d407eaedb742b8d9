"""An incident from the signal that opens it."""

from __future__ import annotations

from brain.incidents import fold
from brain.incidents.fold import NOTHING, Case
from brain.incidents.route import Route
from brain.incidents.rules import Plan
from brain.incidents.value import Incident, fingerprint_of, incident_id
from streams.records import Signal


def opened(signal: Signal, identity: str, plan: Plan, life: bool, route: Route, beside: Case | None) -> Case:
    """The case, in no index and without its member yet; linked to the one ``beside`` it that it may not join."""
    fold.share(signal)
    incident = Incident(
        id=incident_id(identity), revision=0, state="detected", domain=plan.domain, scenario=signal.scenario,
        scenario_version=plan.version, event_code=plan.event_code, name=plan.name, level=signal.level,
        peak_level=signal.level, life=life, onset=signal.onset, opened=signal.fold, raised=signal.fold,
        updated=signal.fold, family=plan.family,
        fingerprint=fingerprint_of(plan.family, signal.grid or signal.asset), grid=signal.grid, town=signal.town,
        district=signal.district, areas=signal.areas, map=signal.map, set=signal.set, lead=route.lead,
        lead_name=route.lead_name, assisting=fold.shared(route.assisting), route=route.rule, drill=signal.drill,
        doubts=NOTHING, clocks=NOTHING, history=NOTHING, provisional=NOTHING, links=NOTHING, merged_from=NOTHING,
        reasons=NOTHING,
    )  # fmt: skip
    if beside is not None:
        incident.links = [beside.incident.id]
    return Case(incident)
