"""Which scenarios are raised in shadow 影子: those in shadow everywhere, those on trial outside their district.

It is decided when a condition is raised, and stays so until it ends: the raise's origin says it (SHADOW). Of
combinations the book that tells them does (:mod:`brain.incidents.combine`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from brain.scenario import Scenario
from brain.sets import CitySet
from streams.records import I4, SHADOW


def sides(scenarios: Sequence[Scenario], content: CitySet, rule: I4, asset: I4) -> I4:
    """Of pairs of scenario and asset, by number, (n,): the bit SHADOW where it is raised in shadow, else 0.

    On trial it is the asset's registered place that counts, as the newest map has it: an asset that moves out of the
    district stays live. One without a place is in shadow.
    """
    out = np.array([0 if s.state == "live" else SHADOW for s in scenarios], np.int32)[rule]
    for number, s in enumerate(scenarios):
        there = content.reach().tried(s)
        if there is not None:
            out[(rule == number) & there[asset]] = 0
    return out


def turned(index: Any, side: Any) -> Any:
    """Whether what was raised at ``index`` was in shadow and its scenario now is not, or the other way round: a set
    promoted it, or took it back."""
    return (index & SHADOW) != side


def side_of(s: Scenario, district: str) -> int:
    """The bit SHADOW where a scenario is raised in shadow in a district, else 0."""
    return 0 if s.state == "live" or (s.trial is not None and s.trial.district == district) else SHADOW
