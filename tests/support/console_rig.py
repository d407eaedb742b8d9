"""A city of a few families with causes, and its incidents as people last saw them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
from city_rig import parted, put_into

from brain.incidents.city import CityLogic
from brain.incidents.desk import DeskSettings
from brain.incidents.fold import FoldSettings
from brain.incidents.value import Incident
from streams.records import Signal


def scenario(id: str, code: str, life: bool = False) -> Any:
    return SimpleNamespace(id=id, version=1, name=id, domain=id.split(".", maxsplit=1)[0], event_code=code, life=life)


LIFE = ("fire", "gas")
WEATHER = ("wind", "pipe", "pressure", "flood", "typhoon", "noise", "dust")
KINDS = ("air", *WEATHER, *LIFE)
CAUSES = {
    "version": 1,
    "causes": [
        {"cause": "eco.typhoon*", "effect": "eco.wind*", "same": "district", "level_from": 4, "within_s": 7200},
        {"cause": "eco.pipe*", "effect": "eco.pressure*", "within_m": 1000},
    ],
}
SET = SimpleNamespace(
    routes=None, causes=CAUSES,
    scenarios=[scenario(f"eco.{k}", f"eco.{k}.x", k in LIFE)
               for k in KINDS],
)  # fmt: skip
LON, LAT = 113.5, 22.2
METRE = 1 / 103_000
"""Degrees of longitude here."""


class City:
    """A city with its incidents as people last saw them; ``state`` is what it would come back from."""

    def __init__(self, **desk: Any) -> None:
        self.logic = CityLogic(FoldSettings(), desk=DeskSettings(**desk))
        self.logic.enter("s", SET)
        self.state: dict[bytes, bytes] = {}
        self.topic: dict[str, Incident] = {}
        self.audit: list[dict[str, Any]] = []
        self.n = 0

    def raised(self, t: int, family: str, asset: str, at: float = 0.0, **more: Any) -> Signal:
        """A raise ``at`` metres east of the middle, at ``t`` seconds."""
        self.n += 1
        signal = Signal(
            f"eco.{family}", asset, "raise", ("in", 0, self.n, 0), 0, self.n, 0, t * 1000, t * 1000, t * 1000,
            **{"lon": LON + at * METRE, "lat": LAT, "grid": f"g{int(at // 500)}", "district": "d1", "source": "iot",
               "life": family in LIFE, **more},
        )  # fmt: skip
        self.give(signal)
        return signal

    def follow(self, t: int, signal: Signal, kind: Any = "clear", **more: Any) -> None:
        self.n += 1
        self.give(msgspec.structs.replace(signal, kind=kind, n=1, offset=self.n, t=t * 1000, fold=t * 1000, **more))

    def give(self, signal: Signal) -> None:
        self.until(signal.fold)
        self.logic.signal(signal)
        self.take()

    def until(self, fold: int) -> None:
        while (due := self.logic.due()) is not None and due <= fold:
            self.logic.fire(due)
            self.take()

    def take(self) -> None:
        items, records = parted(self.logic.changes())
        put_into(self.state, items)
        for topic, key, value, _ in records:
            if topic == "audit":
                self.audit.append(msgspec.json.decode(value or b""))
            elif value is not None:
                self.topic[key.decode()] = msgspec.json.decode(value, type=Incident)

    def restart(self, rules: Any = SET, id: str = "s") -> None:
        """All that is known comes back from the state."""
        self.logic = CityLogic(self.logic.settings, desk=self.logic.desk.settings)
        self.logic.load(self.state)
        self.logic.enter(id, rules)

    def of(self, asset: str) -> Incident:
        return next(i for i in self.topic.values() if any(m.asset == asset for m in i.members))

    def shown(self) -> list[Incident]:
        return [i for i in self.topic.values() if i.shown is not None]
