"""When Python looks for circles among a worker's values: seldom, since there are next to none.

The logic of a city is one, and large: where one is left, it is looked for at once.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable
from typing import Final

THRESHOLDS: Final = (200_000, 20, 100)
"""Of Python's three generations. Its own (700, 10, 10) would go through all open incidents, half a second of them at
50,000, every few ten thousand signals, to find nothing. The first is more than one flush makes, so that no record that
waits to be written is looked at; what it lets pile up is some ten megabytes.
"""


def collect_seldom() -> None:
    """For the whole process. Values without circles are freed at once as ever."""
    gc.set_threshold(*THRESHOLDS)


AFTER_S: Final = 5.0
"""So long after it was left somebody may still have it in hand."""


def collect_young() -> None:
    """Free circles that were made just now, without a look at what a worker has held for long."""
    gc.collect(1)


class Leavings:
    """Has the collector go through everything, once, after something large was left: a city's logic, when the task goes
    to another worker or begins anew. By itself it would do so in weeks."""

    def __init__(self) -> None:
        self._held: frozenset[int] = frozenset()
        self._at: float | None = None

    def look(self, held: Iterable[object], now: float) -> bool:
        """``held``: what is large, as it is now; ``now``: monotonic seconds. Answers whether it collected."""
        there = frozenset(id(one) for one in held)
        if self._held - there:
            self._at = now + AFTER_S
        self._held = there
        if self._at is None or now < self._at:
            return False
        self._at = None
        gc.collect()
        return True
