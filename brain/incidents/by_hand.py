"""An incident by hand 手工建单: what somebody reported, as an incident with one member that no signal will clear."""

from __future__ import annotations

from typing import Final

from brain.incidents import parts
from brain.incidents.actions import Create, Place, subject
from brain.incidents.fold import TEXT_KEPT, Case
from brain.incidents.reasons import Reason
from brain.incidents.route import Route
from brain.incidents.rules import Plan
from brain.incidents.value import Incident, Member, fingerprint_of

BY_HAND: Final = "by_hand"
"""Last part of the scenario of what people reported, after its domain."""
SOURCE: Final = "people"


def made(action: Create, place: Place, plan: Plan, route: Route, set_id: str, now: int, *, drill: bool = False) -> Case:
    """The case, in no index yet. ``now``: fold time, ms UTC."""
    onset = min(action.onset or action.t, now)
    scenario, raised = f"{plan.domain}.{BY_HAND}", f"feedback|{action.id}"
    member = Member(
        raised, raised, onset, action.level, source=SOURCE, text=action.text[:TEXT_KEPT], scenario=scenario,
        lon=place.lon, lat=place.lat, grid=place.grid,
    )  # fmt: skip
    incident = Incident(
        id=subject(action), revision=0, state="detected", domain=plan.domain, scenario=scenario,
        scenario_version=plan.version, set=set_id, event_code=action.code, name=plan.name, level=action.level,
        peak_level=action.level,
        life=action.life or plan.life, onset=onset, opened=now, raised=now, updated=now, family=plan.family,
        fingerprint=fingerprint_of(plan.family, place.grid or raised), grid=place.grid, town=place.town,
        district=place.district, areas=place.areas, lon=place.lon, lat=place.lat, map=place.map,
        lead=route.lead, lead_name=route.lead_name,
        assisting=list(route.assisting), route=route.rule, raises=1, members=[member],
        rule=Reason.OPENED_BY_HAND.value, drill=drill,
    )  # fmt: skip
    case = Case(incident)
    parts.refit(case)
    return case
