"""Assets that the city doubts 存疑资产, as its notes on the audit say: how far each is trusted, why not, since when.

Only those below the floor of the set's ``trust.yaml`` are here: milder doubts stand at the members of incidents alone.
It may be told and asked in any thread.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from brain.incidents.trust import AGAIN_MS, STILL
from brain.incidents.value import Text
from brain.incidents.words import doubt_text

LASTS_MS: Final = AGAIN_MS + 20 * 60_000
"""An asset that is not told again for so long, by the pulse, is doubted no more: a return may be one of more notes than
a minute has, and a set may have dropped it."""
MOST: Final = 100_000
"""Assets that are kept; of more the one told first is forgotten."""


class Against(msgspec.Struct, frozen=True):
    """One thing that speaks against an asset, by the name that members carry, and in words."""

    reason: str
    text: Text


class Doubt(msgspec.Struct, frozen=True):
    """Of an asset below the floor. ``trust``: in [0, 1], as it was at ``t``, ms UTC: when it fell, or at the full hour
    after; ``doubts``: greatest first; ``since``: when it fell below the floor, ms UTC, null where that was not kept."""

    trust: float
    doubts: list[Against]
    since: int | None
    t: int


class _Said(msgspec.Struct):
    asset: str
    trust: float
    reasons: list[str]
    since: int = 0
    t: int = 0


class _Still(msgspec.Struct):
    t: int
    assets: list[_Said]


class Doubted:
    """All of them, by what was told last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._doubts: dict[str, Doubt] = {}

    def hear(self, said: dict[str, Any]) -> None:
        """A note of the city task. Others than of trust are passed over. Raises msgspec.ValidationError for one of
        trust that has not its form."""
        what = said.get("what")
        if what == STILL:
            whole = msgspec.convert(said, _Still)
            for one in whole.assets:
                self._keep(one, one.since or None, whole.t)
        elif what == "asset.doubted":
            one = msgspec.convert(said, _Said)
            self._keep(one, one.t, one.t)
        elif what == "asset.trusted_again":
            one = msgspec.convert(said, _Said)
            with self._lock:
                known = self._doubts.get(one.asset)
                if known is not None and known.t <= one.t:
                    del self._doubts[one.asset]

    def of(self, asset: str, now: int) -> Doubt | None:
        """The doubt in an asset at a time of the city, ms UTC; None where it is trusted, or not told of late."""
        with self._lock:
            return _standing(self._doubts.get(asset), now)

    def among(self, assets: Iterable[str], now: int) -> dict[str, Doubt]:
        """Of these the doubted ones, sorted."""
        found = ((asset, self.of(asset, now)) for asset in sorted(set(assets)))
        return {asset: doubt for asset, doubt in found if doubt is not None}

    def names(self, now: int) -> frozenset[str]:
        """All that are doubted."""
        with self._lock:
            return frozenset(asset for asset, doubt in self._doubts.items() if _standing(doubt, now) is not None)

    def _keep(self, one: _Said, since: int | None, t: int) -> None:
        doubts = [Against(name, doubt_text(name)) for name in one.reasons]
        with self._lock:
            known = self._doubts.pop(one.asset, None)
            if known is not None and known.t > t:
                self._doubts[one.asset] = known
                return
            self._doubts[one.asset] = Doubt(one.trust, doubts, since, t)
            while len(self._doubts) > MOST:
                del self._doubts[next(iter(self._doubts))]


def _standing(doubt: Doubt | None, now: int) -> Doubt | None:
    return None if doubt is None or now - doubt.t > LASTS_MS else doubt
