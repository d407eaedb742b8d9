"""Random signals and actions: no member is ever lost or in two places, and a restart anywhere changes nothing."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from city_rig import LIMITS
from console_rig import SET as PLAIN
from people_rig import EPOCH, Town

from brain.incidents.actions import KINDS
from brain.incidents.fold import LEVEL_BITS
from brain.incidents.value import incident_id
from streams.records import Signal

STEPS = 80
GIVEN: dict[str, Any] = {
    "assign": {"lead": "x"}, "dispatch": {"units": ["u"]}, "grade": {"grade": "major"}, "respond": {"response": "I"},
    "extend": {"minutes": 5}, "create": {"code": "eco.air.x", "text": "x"},
}  # fmt: skip
OFTEN = (*KINDS, *("merge", "unmerge", "split", "reopen", "resolve", "close") * 4)
WHO = ("op-1", "op-2", "op-3")


class Chance:
    """A town and what a seed does in it."""

    def __init__(self, seed: int, restarts: bool) -> None:
        self.rng, self.restarts = random.Random(seed), restarts
        self.town = Town(calm=self.rng.choice((0, 2)))
        self.town.logic.enter("c", SET)
        self.signals: list[Signal] = []
        self.known = ["inc-none"]
        self.t = 0.0

    def step(self, n: int) -> None:
        rng, town = self.rng, self.town
        self.t += rng.choice((0.5, 1, 5, 20, 400))
        if rng.random() < 0.4:
            family, asset = rng.choice(("air", "flood", "fire")), f"s{rng.randrange(6)}"
            self.signals.append(town.alarm(int(self.t) + 1, family, asset, at=400 * rng.randrange(6)))
            self.t = int(self.t) + 1
        elif rng.random() < 0.3 and self.signals:
            self.t = int(self.t) + 1
            town.over(int(self.t), rng.choice(self.signals))
        else:
            self.act(n)
        self.known = sorted({*self.known, *town.topic})
        if self.restarts and n % 3 == 0:
            town.restart(SET)

    def act(self, n: int) -> None:
        rng, town = self.rng, self.town
        do, one = rng.choice(OFTEN), rng.choice(self.known)
        merged = [i.id for i in town.topic.values() if i.state == "merged"]
        if do == "unmerge" and merged:
            one = rng.choice(merged)
        more: dict[str, Any] = {"note": "because", **GIVEN.get(do, {})}
        if do in {"merge", "link"}:
            more["into" if do == "merge" else "other"] = rng.choice(self.known)
        elif do == "split":
            members = town.topic[one].members if one in town.topic else []
            more["members"] = [m.id for m in members if rng.random() < 0.5] or ["none"]
        elif do == "take":
            more["expect"] = rng.randint(1, 12)
        elif do == "handover":
            more |= {"from": rng.choice(WHO), "to": rng.choice(WHO)}
            one = rng.choice((one, ""))
        elif do in {"shelve", "unshelve"} and rng.random() < 0.5:
            one, more["grid"] = "", f"g{rng.randrange(3)}"
        if do in {"shelve", "wait"}:
            more["until"] = round((EPOCH + self.t + rng.choice((10, 1000))) * 1000)
        town.act(self.t, do, "" if do == "create" else one, rng.choice(WHO), **more, id=f"r{n}")


SET = type(PLAIN)(**{**vars(PLAIN), "limits": LIMITS})


def sound(town: Town) -> list[str]:
    """What does not hold; empty when all does."""
    book, wrong = town.logic.book, []
    places: Counter[str] = Counter()
    for id_, case in book.cases.items():
        incident = case.incident
        places.update(m.id for m in incident.members)
        if any(case.member(m.scenario, m.asset) is not m for m in incident.members):
            wrong.append(f"{id_}: two members of one asset")
        if incident.count != len(incident.members) or not incident.members:
            wrong.append(f"{id_}: {incident.count} counted, {len(incident.members)} there")
        if {m.id for m in case.standing.values()} != {m.id for m in incident.members if m.cleared is None}:
            wrong.append(f"{id_}: what stands is not what is not cleared")
        if case.levels != sum(1 << m.level * LEVEL_BITS for m in case.standing.values()):
            wrong.append(f"{id_}: levels {case.levels}")
        for m in incident.members:
            found = book.raised(m.latest())
            if found is None or found[0] is not case or found[1] is not m:
                wrong.append(f"{id_}: {m.latest()} is not found in it")
        if incident.state in {"closed", "false_alarm", "merged"}:
            wrong.append(f"{id_}: {incident.state}, and in the book")
        if id_ in town.logic.people.archive:
            wrong.append(f"{id_}: in the book and in the archive")
    return wrong + [f"{m} is in {n} incidents" for m, n in places.items() if n > 1]


@pytest.mark.parametrize("seed", range(8))
def test_no_member_is_lost_and_a_restart_anywhere_changes_nothing(seed: int) -> None:
    one, two = Chance(seed, False), Chance(seed, True)
    for n in range(STEPS):
        one.step(n)
        assert sound(one.town) == [], n
        two.step(n)
        assert two.town.topic == one.town.topic, n
    assert two.town.audit == one.town.audit
    assert two.town.state == one.town.state
    raised = {s.identity() for s in one.signals}
    there = {i for incident in one.town.topic.values() for m in incident.members for i in (m.id, m.last)}
    assert all(identity in there for identity in raised if incident_id(identity) in one.town.topic)
