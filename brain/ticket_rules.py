"""What a hotline scenario says in numbers: its bound, its windows, its level."""

from __future__ import annotations

import math

from brain import shadow
from brain.scenario import Scenario

MASS_S = 7 * 86_400.0
"""Window in which callers of one text are counted where the scenario names none."""
QUIET_S = 1800.0
"""Silence that ends a case where the scenario names none."""


def turned(s: Scenario, index: int) -> bool:
    """Whether a case raised at ``index`` is on the wrong side; on trial either can be right."""
    return s.state != "trial" and bool(shadow.turned(index, shadow.side_of(s, "")))


def bound_of(s: Scenario) -> float | None:
    d = s.detect
    if d.topic is not None:
        return s.rise()
    bound = d.score_over if d.score_over is not None else d.count_over if d.count_over is not None else d.mass
    return None if bound is None else float(bound)


def mass_ms(s: Scenario) -> int:
    return round((s.detect.window_s or MASS_S) * 1000)


def quiet_s_of(s: Scenario) -> float:
    """Silence that ends a case; of a topic that names none its score does."""
    if s.detect.topic is not None:
        return s.clear.quiet_s or math.inf
    return s.clear.quiet_s or s.detect.window_s or QUIET_S


def level_of(s: Scenario, x: float) -> int:
    """Level of so many tickets or callers, or of such a surge or rise; 0 where the scenario does not hold."""
    over, d = s.detect.count_over, s.detect
    least = s.rise() if d.topic is not None else d.score_over if d.score_over is not None else d.mass
    if (least is not None and not x >= least) or (over is not None and x <= over):
        return 0
    level = s.level
    for rung in s.levels:
        if x > rung.at or (least is not None and x == rung.at):
            level = rung.level
    return level
