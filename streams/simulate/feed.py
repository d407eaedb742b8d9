"""The input of a simulated world: readings, bad ones, forged pulses, and transactions of others."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Protocol

import msgspec

from streams import pulse as pulses
from streams.memory import MemoryBroker
from streams.pulse import Pulse
from streams.records import TP, Write
from streams.simulate.plan import Plan

KEY = b"simulated"
"""Signs the pulses of every world."""
START_S = 1_700_000_000.0
"""When every world begins."""


class Ground(Protocol):
    """What of a world its input stands on."""

    plan: Plan
    broker: MemoryBroker
    sources: list[TP]

    def at(self, when: float, what: Callable[[], None]) -> None:
        """Call at that time, s."""
        ...

    def after(self, seconds: float, what: Callable[[], None]) -> None:
        """Call later."""
        ...


class Feed:
    """The input of one seed: readings, bad ones, forged pulses, transactions of others that commit or abort."""

    def __init__(self, world: Ground, rng: random.Random) -> None:
        self.world, self.rng = world, rng

    def schedule(self, end: float) -> None:
        """Put every append in its place."""
        for source in self.world.sources:
            when, levels = START_S, dict.fromkeys(self._assets(source), 0.0)
            specials = self._specials()
            while (when := when + self.rng.expovariate(4.0)) < end:
                if any(a <= when - START_S < a + b for a, b in self.world.plan.outages):
                    continue
                value = self._value(when, levels, specials)
                self.world.at(when, self._appender(source, value))

    def _assets(self, source: TP) -> list[str]:
        """Who speaks in a partition."""
        return [f"{'fa'[i % 2]}{source.partition}-{i}" for i in range(self.rng.randint(2, 9))]

    def _specials(self) -> list[str]:
        plan, out = self.world.plan, [""] * 25
        return (
            out
            + ["junk", "tell", "tell"]
            + ["raise"] * plan.raising
            + ["kill"] * plan.poison * (self.rng.random() < 0.5)
            + ["forged"] * (2 * plan.forged)
        )

    def _appender(self, source: TP, value: tuple[bytes | None, bool]) -> Callable[[], None]:
        broker, payload, heads = self.world.broker, value[0], pulses.HEADERS if value[1] else ()
        draw = self.rng.random()
        if draw > 0.06 or value[1]:
            return lambda: broker.partition(source).append(  # type: ignore[return-value]  # its answer is not used
                int(broker.clock * 1000), b"k", payload, heads, None
            )

        def in_transaction() -> None:
            who = f"feeder-{source.partition}-{broker.partition(source).end}"
            epoch = broker.init(who)
            broker.send(who, epoch, [Write(source, b"k", payload, heads)])
            commit = draw < 0.03
            self.world.after(draw * 10, lambda: broker.end(who, epoch, commit=commit))

        return in_transaction

    def _value(self, when: float, levels: dict[str, float], specials: list[str]) -> tuple[bytes | None, bool]:
        rng, now, special = self.rng, int(when * 1000), self.rng.choice(specials)
        if special == "junk":
            return rng.choice((None, b"", b'{"v":[[', b"\xff\xfe", b'{"v":3}')), False
        if special == "forged":
            return self._forged(now), True
        out = []
        # Assets fall silent now and then, so that absence has something to see.
        awake = [a for i, a in enumerate(levels) if (now // 6000 + i) % 3] or list(levels)
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            asset = rng.choice(awake)
            levels[asset] = rng.choice((levels[asset], rng.uniform(0, 30), rng.uniform(11, 25)))
            t = now + rng.choice((0, 0, -rng.randint(0, 3000), rng.randint(0, 1500), -200, rng.choice((0, 86_400_000))))
            out.append((asset, t, round(levels[asset], 2)))
        return msgspec.json.encode({"v": out, "do": special}), False

    def _forged(self, now: int) -> bytes:
        pulse = Pulse(self.rng.choice((0, 5, 10**6)), now + self.rng.choice((0, 10_000)), now, "s1", 0)
        if self.rng.random() < 0.2:
            return b"no pulse at all"
        value = pulses.encode(pulse, b"another key")
        if self.rng.random() < 0.5:
            return value
        return pulses.encode(pulse, KEY).replace(b'"set":"s1"', b'"set":"s2"')
