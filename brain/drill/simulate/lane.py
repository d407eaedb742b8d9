"""Lanes of a simulated city: the toy's thresholds as signals with families, levels and places, and people's actions."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import numpy as np

from brain.drill.simulate.sets import FAMILIES, FIRE, DrillSet
from brain.incidents.actions import KINDS, Accepted, Create, Place, read_action, subject
from brain.incidents.value import incident_id
from streams.logic import Output, View
from streams.records import TP, Notice, Signal
from streams.simulate.feed import Feed
from streams.simulate.toy import ROW, TOLD, ToyLane
from streams.state import Store

LON, LAT = 113.5, 22.2
SPOT: Final = 300.0 / 103_000
"""Degrees of longitude between two places: so near that neighbours share incidents."""
SPOTS: Final = 7
RAISED: Final = np.dtype([("asset", "i4"), ("what", "i4"), ("offset", "i8"), ("index", "i8")])
"""A raise of the lane: asset (its row of the toy table), 0 for over or 1 for absent, and its origin."""
KEPT: Final = 24
"""Raises that people of this lane know of: of an asset the first, which more likely opened an incident."""
SAME: Final = 20
"""Actions on so many records after one another are mostly on the same incident."""
SOURCES: Final = ("iot", "video", "hotline")
WHO: Final = ("op-1", "op-2")
OFTEN: Final = (*KINDS, *("take", "merge", "merge", "unmerge", "split", "reopen", "close", "shelve", "note") * 2)


class ManyTell(Feed):
    """Input in which people act often."""

    def _specials(self) -> list[str]:
        return [*super()._specials(), *["tell"] * 14]


class DrillLane(ToyLane):
    """The toy lane; its notices are actions on incidents that its own raises have opened, or have not."""

    tables: Mapping[str, np.dtype[Any]] = {"toy": ROW, "raised": RAISED}
    owner = "drill@1"

    def bind(self, store: Store, source: TP, partitions: int) -> None:
        """Take the store."""
        super().bind(store, source, partitions)
        self.raised = store.table("raised")

    def enter(self, set_id: str, content: DrillSet) -> None:
        """Rules from here on."""
        self.rule = content.toy

    def process(self, view: View) -> Output:
        """As the toy's, with what an incident is made of."""
        out = super().process(view)
        out.summaries.clear()  # no model of these sets judges many assets together
        return out

    def _over(self, kind: Any, asset: str, slot: int, at: tuple[int, int], t: int, x: float, out: Output) -> None:
        super()._over(kind, asset, slot, at, t, x, out)
        self._dress(out.signals[-1], slot)

    def _beat(self, beat: Any, out: Output) -> int:
        before = len(out.signals)
        up = super()._beat(beat, out)
        for signal in out.signals[before:]:
            self._dress(signal, self.table.find(signal.asset.encode()))
        return up

    def _reading(self, asset: str, slot: int, at: tuple[int, int], t: int, x: float, up: int, out: Output) -> None:
        before = len(out.signals)
        super()._reading(asset, slot, at, t, x, up, out)
        for signal in out.signals[before:]:
            if signal.scenario == "absent":
                self._dress(signal, slot)

    def _dress(self, signal: Signal, slot: int) -> None:
        """Scenario, level and place follow from the asset's name, so that raise, update and clear agree."""
        number = _number(signal.asset)
        if signal.kind == "raise":
            self._know(slot, int(signal.scenario == "absent"), signal)
        signal.scenario = _scenario(signal.scenario, signal.asset)
        if signal.level:
            signal.level = min(4, signal.level * 2 - (number % 2))
        signal.source = SOURCES[number % 3]
        spot = (number * 3 + self.source.partition) % SPOTS
        signal.district = "d1" if spot < SPOTS - 2 else "d2"
        if number % 5 != 4:
            signal.lon, signal.lat = LON + spot * SPOT, LAT
        if number % 4 != 3:
            signal.grid = f"g{spot // 2}"
        if signal.life:
            signal.areas = {"site": [f"site-{spot // 3}"]}

    def _know(self, slot: int, what: int, signal: Signal) -> None:
        table = self.raised
        mine = table.rows[: table.n]
        if ((mine["asset"] == slot) & (mine["what"] == what) & (mine["index"] > 0)).any():
            return
        ring = table.slot(b"next")
        turn = int(table.rows["asset"][ring]) % KEPT
        table.rows["asset"][ring] += 1
        at = table.slot(b"%d" % turn)
        table.rows[at] = (slot, what, signal.origin[2], signal.origin[3])
        table.dirty[[ring, at]] = 1

    def _identities(self) -> list[str]:
        topic, partition = self.source
        out = []
        for key, row in zip(self.raised.keys, self.raised.rows[: self.raised.n].tolist(), strict=True):
            if key != b"next":
                slot, what, offset, index = row
                asset = self.table.keys[slot].decode()
                name = _scenario("absent" if what else "over", asset)
                out.append(f"{name}|{asset}|{topic}/{partition}/{offset}/{index}")
        return out

    def _tell(self, offset: int, asset: str, t: int, x: float, out: Output) -> None:
        rng = random.Random(f"{self.source}/{offset}/{x}")  # by the record alone, as an action would be
        name = f"{self.source.partition}-{offset}"
        if rng.random() < 0.06:
            raw = msgspec.Raw(msgspec.json.encode(_warning(rng, name, self.source.partition, offset, t)))
            out.notices.append(Notice("warning", name, name, t, offset, TOLD, raw))
            return
        action = read_action(msgspec.json.encode(_action(rng, name, asset, t, offset // SAME, self._identities())))
        place = Place(LON + rng.randrange(SPOTS) * SPOT, LAT, "g1") if isinstance(action, Create) else None
        raw = msgspec.Raw(msgspec.json.encode(Accepted(action, place)))
        out.notices.append(Notice("feedback", name, subject(action), t, offset, TOLD, raw))


def _warning(rng: random.Random, name: str, partition: int, offset: int, t: int) -> dict[str, Any]:
    """An official warning: issued, or changing or lifting one of shortly before, for one district or both."""
    kind = rng.choice(("alert", "alert", "update", "cancel"))
    before = [f"{partition}-{offset - back}" for back in range(1, 40)] if kind != "alert" else []
    codes = rng.choice((["d1"], ["d2"], ["d1", "d2"]))
    return {
        "id": name,
        "sender": "met",
        "kind": kind,
        "event": rng.choice(("wind", "flood", "frost")),
        "onset": t,
        "colour": rng.choice(("blue", "yellow", "orange", "red")),
        "references": before,
        "drill": rng.random() < 0.1,
        "expires": t + rng.randrange(500, 5000) if rng.random() < 0.7 else None,
        "areas": [{"codes": {"district": codes}, "lon": LON, "lat": LAT}],
    }


def _action(rng: random.Random, name: str, asset: str, t: int, turn: int, known: list[str]) -> dict[str, Any]:
    """An action in JSON: any kind, on an incident that may be there; of one ``turn`` most are on the same."""
    identities = known or ["eco.none|none|none"]
    mine = identities[turn % len(identities)] if rng.random() < 0.7 else rng.choice(identities)
    alike = [other for other in identities if other != mine and _kind(other) == _kind(mine)] or identities
    other = alike[turn % len(alike)] if rng.random() < 0.7 else rng.choice(alike)
    kin = [one for one in identities if one != mine and one.split("|")[0] == mine.split("|")[0]] or identities
    do, one, role = rng.choice(OFTEN), incident_id(mine), rng.choice(("commander",) * 5 + ("operator",))
    body: dict[str, Any] = {
        "do": do, "id": name, "t": t, "by": {"id": rng.choice(WHO), "role": role}, "note": "because", "incident": one,
    }  # fmt: skip
    soon = t + rng.choice((500, 1500, 4000))
    more: dict[str, dict[str, Any]] = {
        "assign": {"lead": "x"}, "dispatch": {"units": ["u"]}, "grade": {"grade": "major"},
        "respond": {"response": "I"}, "extend": {"minutes": 1}, "take": {"expect": rng.randint(1, 9)},
        "merge": {"into": incident_id(other)}, "link": {"other": incident_id(other)},
        "split": {"members": [rng.choice(kin)]},
        "wait": {"until": soon}, "supervise": {"until": soon}, "acknowledge": {"until": soon},
    }  # fmt: skip
    body |= more.get(do, {})
    if do == "create":
        del body["incident"]
        code = rng.choice((f"{FIRE}.x", f"eco.{rng.choice(FAMILIES)}.x", "no.such"))
        body |= {"code": code, "text": "x", "level": rng.randrange(4)}
    elif do == "handover":
        body |= {"from": rng.choice(WHO), "to": rng.choice(WHO)}
        if rng.random() < 0.5:
            del body["incident"]
    elif do in {"shelve", "unshelve"}:
        scope = rng.choice(("incident", "asset", "grid"))
        if scope != "incident":
            del body["incident"]
            body[scope] = asset if scope == "asset" else f"g{rng.randrange(3)}"
        if do == "shelve":
            body["until"] = soon
    return body


def _scenario(what: str, asset: str) -> str:
    """Of an asset: fire where its name begins with f, else its family's; of absence one that no set lists."""
    if what == "absent":
        return "eco.absent"
    return FIRE if asset.startswith("f") else f"eco.{FAMILIES[(_number(asset) // 2 + int(asset[1])) % len(FAMILIES)]}"


def _kind(identity: str) -> tuple[str, bool]:
    """What may be merged: never-hidden ones with their like, all others."""
    scenario, asset, _ = identity.split("|")
    life = asset.startswith("f")
    return (scenario if life else "", life)


def _number(asset: str) -> int:
    return int(asset.rpartition("-")[2])
