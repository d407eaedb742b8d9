"""How often anyone may ask: token buckets by key, in bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

MOST: Final = 10_000
"""Keys that are remembered; the one that was silent longest is forgotten first."""


class Buckets:
    """``rate`` tokens a second come into each bucket, which holds ``burst``; a rate of 0 is no limit."""

    def __init__(self, rate: float, burst: int, most: int = MOST) -> None:
        self._rate, self._burst, self._most = rate, float(burst), most
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._left)

    def take(self, key: str, now: float) -> float:
        """Take one token; 0, or the seconds until there is one. ``now`` in seconds; it may go back, and then nothing
        comes in."""
        if not self._rate:
            return 0.0
        left, at = self._left.pop(key, (self._burst, now))
        left = min(self._burst, left + max(0.0, now - at) * self._rate)
        wait = 0.0 if left >= 1.0 else (1.0 - left) / self._rate
        self._left[key] = (left if wait else left - 1.0, now)
        if len(self._left) > self._most:
            self._left.popitem(last=False)
        return wait
