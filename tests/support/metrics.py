"""Every metric that a process of ours has, from the very objects: name, type, labels, what it says."""

from __future__ import annotations

from typing import Any, NamedTuple

from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily

import brain.notify.run
import streams.plain  # noqa: F401  # each brings its metrics
from brain.agent_kit import meters
from brain.incidents.figures import figures
from streams.progress import CITY, CONDUCTOR, Progress


class Known(NamedTuple):
    """One metric as its table has it."""

    name: str
    type: str
    labels: str
    says: str


def registered() -> list[Known]:
    """Of the modules that were imported until now."""
    collectors: Any = REGISTRY._collector_to_names
    out = []
    for collector, names in collectors.items():
        if any(name.startswith("brain_") for name in names):
            name = collector._name + ("_total" if collector._type == "counter" else "")
            out.append(Known(name, collector._type, ", ".join(collector._labelnames), collector._documentation))
    return sorted(out)


def known() -> list[Known]:
    """By name."""
    assert brain.notify.run
    collectors: Any = REGISTRY._collector_to_names
    out = []
    for collector in {
        id(c): c for c, names in collectors.items() if any(n.startswith("brain_") for n in names)
    }.values():
        name = collector._name + ("_total" if collector._type == "counter" else "")
        out.append(Known(name, collector._type, ", ".join(collector._labelnames), collector._documentation))
    progress = Progress()
    progress.stands("t/0", "a", [*figures([]), meters.stopped({"a": False})])
    progress.conductor("beat", 1)
    progress.task(CITY), progress.task(CONDUCTOR)
    for family in progress.collect():
        assert isinstance(family, GaugeMetricFamily)
        out.append(Known(family.name, family.type, ", ".join(family._labelnames), family.documentation))
    return sorted(out)
