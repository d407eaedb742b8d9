"""Whether another set changes nothing for a lane: its scenarios mean the same assets and days."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from brain.hours import same_days

if TYPE_CHECKING:
    from brain.reach import B1
    from brain.sets import CitySet


def alike(one: CitySet, other: CitySet) -> bool:
    """Whether two sets of one registry and the same scenarios mean the same assets and days by them."""
    every = one.running()
    if any(s.match.hours for s in every) and not same_days(one.calendar, other.calendar):
        return False
    if one.map.version == other.map.version:
        return True
    here, there = one.reach(), other.reach()
    return all(
        _equal(here.assets(s), there.assets(s)) and _equal(here.tried(s), there.tried(s)) for s in every
    )  # fmt: skip


def _equal(one: B1 | None, other: B1 | None) -> bool:
    return one is other or (one is not None and other is not None and np.array_equal(one, other))
