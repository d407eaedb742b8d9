"""What stands in the city at this moment, as gauges: open incidents, what is withheld, clocks. Enters no result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, get_args

from brain.incidents.clocks import ClockName, ClockReason
from brain.incidents.reasons import Reason
from brain.incidents.value import DOMAINS, OVER, Incident
from streams.figures import Figure

LEVELS: Final = range(5)
CLOCKS: Final[tuple[str, ...]] = get_args(ClockName)
WITHHOLDING: Final = (
    Reason.HELD, Reason.DEFERRED_STORM, Reason.INHIBITED, Reason.AREA_WIDE, Reason.SHELVED, Reason.MAINTENANCE,
)  # fmt: skip
"""Why people are not shown an incident that is open."""
MORE: Final = ("late_summary", "unread_memory", "unknown_set")
"""Fates beside the two enumerations."""
ENDED: Final = OVER | {"resolved"}


def fates() -> list[str]:
    """All that signals and timers can come to, of the live book."""
    return [*(r.value for r in Reason), *(r.value for r in ClockReason), *MORE]


def figures(incidents: Iterable[Incident]) -> Sequence[Figure]:
    """Of all incidents that signals may reach, one pass."""
    standing: Counter[tuple[str, ...]] = Counter()
    withheld: Counter[tuple[str, ...]] = Counter()
    clocks: Counter[tuple[str, ...]] = Counter()
    for i in incidents:
        if i.state in ENDED:
            continue
        standing[i.domain, str(i.level), "yes" if i.shown is not None else "no"] += 1
        if i.shown is None and i.withheld:
            withheld[i.withheld,] += 1
        for clock in i.clocks:
            if clock.running():
                clocks[clock.name, i.domain, "no" if clock.breached is None else "yes"] += 1
    for domain in DOMAINS:
        for shown in ("yes", "no"):
            standing.update({(domain, str(level), shown): 0 for level in LEVELS})
        clocks.update({(clock, domain, over): 0 for clock in CLOCKS for over in ("yes", "no")})
    withheld.update({(reason.value,): 0 for reason in WITHHOLDING})
    return [
        Figure("brain_incidents_open", "Incidents that are not over, by domain, level and whether people see them",
               ("domain", "level", "shown"), standing),
        Figure("brain_incidents_withheld", "Open incidents that people are not shown, by reason",
               ("reason",), withheld),
        Figure("brain_clocks_running", "Clocks that run on open incidents, and whether their limit has passed",
               ("clock", "domain", "breached"), clocks),
    ]  # fmt: skip
