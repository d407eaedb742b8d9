"""The lane of readings in a simulated world, and what is said to it: good, late, repeated, foreign, broken."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import msgspec

from brain.drill.simulate.real import sets
from brain.drill.simulate.real.tally.agent import BAD
from brain.lane import ReadingsLane
from streams.logic import Output, View
from streams.partition import partition_of
from streams.records import TP
from streams.simulate.feed import Feed
from streams.simulate.toy import Killed

if TYPE_CHECKING:
    from streams.simulate.world import World

RAISE, KILL = b'"do":"raise"', b'"do":"kill"'
PAST = 12
"""Records of a partition that may come again."""


class HurtLane(ReadingsLane):
    """The real lane, which some records hurt after all the work of their stretch is done: its tables have changed."""

    def process(self, view: View) -> Output:
        """As the lane's. Raises Killed or ValueError where a record says so."""
        out = super().process(view)
        for row in view.rows.tolist():
            value = view.batch.value(row) or b""
            if KILL in value:
                raise Killed
            if RAISE in value:
                raise ValueError("this row cannot be worked")
        return out


class Readings(Feed):
    """Records of the input of readings, as the registry of :mod:`brain.drill.simulate.real.sets` has the assets."""

    def __init__(self, world: World, rng: random.Random) -> None:
        super().__init__(world, rng)
        self._past: list[bytes] = []

    def _assets(self, source: TP) -> list[str]:
        self._past = []
        lanes = self.world.plan.lanes
        mine = [name for name in sets.ASSETS if partition_of(name.encode(), lanes) == source.partition]
        return sorted(self.rng.sample(mine, self.rng.randint(2, len(mine))))

    def _specials(self) -> list[str]:
        bad = 1 + 5 * self.world.plan.raising
        return [*super()._specials(), *["bad"] * bad, "strange", "strange"]

    def _value(self, when: float, levels: dict[str, float], specials: list[str]) -> tuple[bytes | None, bool]:
        rng, now, special = self.rng, int(when * 1000), self.rng.choice(specials)
        if special == "junk":
            return rng.choice((None, b"", b'{"asset":', b"\xff\xfe", b"[]", b'{"v":3}')), False
        if special == "forged":
            return self._forged(now), True
        if special == "tell" and self._past:
            return rng.choice(self._past), False
        # Assets fall silent now and then, so that absence has something to see.
        awake = [a for i, a in enumerate(levels) if (now // 5000 + i) % 3] or list(levels)
        readings = [self._reading(rng.choice(awake), now, levels) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
        if special == "bad":
            readings[-1]["v"] = BAD
        elif special == "strange":
            readings[-1]["asset"] = rng.choice((*sets.ASSETS, sets.UNKNOWN))
        elif special in ("raise", "kill"):
            readings = [{**readings[0], "do": special}]
        value = msgspec.json.encode(readings[0] if len(readings) == 1 else [_senml(reading) for reading in readings])
        self._past = [*self._past[-PAST:], value]
        return value, False

    def _reading(self, asset: str, now: int, levels: dict[str, float]) -> dict[str, Any]:
        rng = self.rng
        levels[asset] = rng.choice((levels[asset], levels[asset], rng.uniform(0, 30), rng.uniform(9, 25)))
        t = now + rng.choice((0, 0, 0, -rng.randint(0, 2500), rng.randint(0, 1500), -200, rng.choice((0, 86_400_000))))
        out: dict[str, Any] = {"asset": asset, "metric": sets.kind(asset), "t": t, "v": round(levels[asset], 2)}
        if rng.random() < 0.08:
            out["lon"], out["lat"] = sets.spot(rng.choice(sets.ASSETS))
        return out


def _senml(reading: dict[str, Any]) -> dict[str, Any]:
    return {"n": f"{reading['asset']}/{reading['metric']}", "t": reading["t"] / 1000, "v": reading["v"]}
