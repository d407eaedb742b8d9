"""Which alarms found an episode, and which were false; shares no code with the detectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.faults.inject import Injected

AFTER = 6
"""Hours after an episode's end in which an alarm still finds it."""


@dataclass(frozen=True)
class Verdict:
    """Episodes of one kind and the alarms for it. ``natural``: alarms in marked runs, which count neither way."""

    episodes: int
    found: int
    false: int
    natural: int

    @property
    def precision(self) -> float:
        """Found episodes over those and the false alarms; NaN without either. Later alarms in one count no more."""
        return self.found / (self.found + self.false) if self.found + self.false else float("nan")

    @property
    def recall(self) -> float:
        """Found episodes over all; NaN without any."""
        return self.found / self.episodes if self.episodes else float("nan")


def judge(injected: Injected, kind: str, alarms: NDArray[np.bool_]) -> Verdict:
    """Alarms (the rows in which one begins, in the corpus' shape) against the episodes of a kind.

    An alarm in an episode of another kind is as false as one in good readings.
    """
    own = [e for e in injected.episodes if e.kind == kind]
    inside = np.zeros(alarms.shape, bool)
    found = 0
    for e in own:
        window = (e.station, e.metric, slice(e.first, e.last + 1 + AFTER))
        inside[window] = True
        found += bool(alarms[window].any())
    natural = np.zeros(alarms.shape, bool)
    if kind in injected.marked:
        natural = injected.marked[kind].copy()
        for _ in range(AFTER):
            natural[..., 1:] |= natural[..., :-1]
    natural &= ~inside
    return Verdict(len(own), found, int((alarms & ~inside & ~natural).sum()), int((alarms & natural).sum()))
