"""Every metric that a process of ours has, from the very objects: name, type, labels, what it says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily

import brain.notify.run  # each brings its metrics
import brain.screen.api.stream  # noqa: F401
import streams.plain  # noqa: F401
from brain.agent_kit import meters
from brain.disks import Disks
from brain.incidents.figures import figures
from brain.screen.watched import Watched
from streams.progress import CITY, CONDUCTOR, Progress


class Known(NamedTuple):
    """One metric as its table has it."""

    name: str
    type: str
    labels: str
    says: str


def _registered() -> list[Known]:
    collectors: Any = REGISTRY._collector_to_names
    out = []
    for collector, names in collectors.items():
        if any(name.startswith("brain_") for name in names):
            name = collector._name + ("_total" if collector._type == "counter" else "")
            out.append(Known(name, collector._type, ", ".join(collector._labelnames), collector._documentation))
    return out


def known() -> list[Known]:
    """All of them, by name."""
    out = _registered()
    progress = Progress()
    progress.stands("t/0", "a", [*figures([]), meters.stopped({"a": False})])
    progress.conductor("beat", 1)
    progress.task(CITY), progress.task(CONDUCTOR)
    board: Any = SimpleNamespace(columns=SimpleNamespace(live=lambda: {"open": np.zeros(0)}), pulse=0)
    for family in (*progress.collect(), *Watched(board, lambda: 0).collect(), *Disks({}).collect()):
        assert isinstance(family, GaugeMetricFamily)
        out.append(Known(family.name, family.type, ", ".join(family._labelnames), family.documentation))
    return sorted(out)
