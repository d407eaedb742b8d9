"""Which scenarios are raised in shadow 影子: those in shadow everywhere, those on trial outside their district.

It is decided when a condition is raised, and stays so until it ends: the raise's origin says it (SHADOW).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from brain.scenarios import Scenario
from brain.sets import CitySet
from streams.records import I4, SHADOW


def sides(scenarios: Sequence[Scenario], content: CitySet, rule: I4, asset: I4) -> I4:
    """Of pairs of scenario and asset, by number, (n,): the bit SHADOW where it is raised in shadow, else 0.

    On trial it is the asset's registered place that counts, as the newest map has it: an asset that moves out of the
    district stays live. One without a place is in shadow.
    """
    out = np.array([0 if s.state == "live" else SHADOW for s in scenarios], np.int32)[rule]
    trials = [number for number, s in enumerate(scenarios) if s.trial is not None]
    if not trials:
        return out
    grid = content.map.locate(*content.placed())[asset]
    names = np.array([*content.map.districts, ""], object)[np.where(grid < 0, -1, grid)]
    for number in trials:
        trial = scenarios[number].trial
        out[(rule == number) & (names == (trial.district if trial is not None else None))] = 0
    return out


def side_of(s: Scenario, district: str) -> int:
    """The bit SHADOW where a scenario is raised in shadow in a district, else 0."""
    return 0 if s.state == "live" or (s.trial is not None and s.trial.district == district) else SHADOW
