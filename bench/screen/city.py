"""A made-up city's incidents as records of their topics: as many as wanted, changing. The same for a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator

from brain.incidents import publish
from brain.incidents.clocks import Clock
from brain.incidents.value import DOMAINS, Act, Incident, Member, State, Text
from brain.screen.board.board import Came

START = 1_780_000_000_000
"""Fold time of the first record, ms UTC."""
PARTITIONS = 4
AREA = (113.0, 22.0, 113.6, 22.4)
"""West, south, east, north of where incidents are by default."""
DISTRICTS = 8
GOING: tuple[State, ...] = ("detected", "confirmed", "dispatched", "handling", "resolved")
_KINDS = {
    "emergency": ("smoke", "烟感报警", "Smoke"), "market": ("lift", "电梯困人", "Lift stuck"),
    "eco": ("pm25", "扬尘超标", "Dust"), "social": ("crowd", "人员聚集", "Crowd"),
    "public": ("manhole", "井盖位移", "Manhole moved"), "economy": ("flow", "客流异常", "Visitors"),
}  # fmt: skip


class City:
    """Incidents and their records. ``t``: fold time now, ms UTC; ``area``: west, south, east, north, degrees."""

    def __init__(self, seed: int = 1, t: int = START, area: tuple[float, ...] = AREA) -> None:
        self.random = random.Random(seed)
        self._west, self._south = area[:2]
        self._wide, self._high = area[2] - area[0], area[3] - area[1]
        self.t = t
        self.incidents: list[Incident] = []
        self._offsets: dict[tuple[str, int], int] = {}

    def open(self, count: int) -> Iterator[Came]:
        """So many new ones, some of them not shown."""
        for _ in range(count):
            self.incidents.append(self._make(len(self.incidents)))
            yield self._record(len(self.incidents) - 1)

    def change(self, count: int, step_ms: int = 5) -> Iterator[Came]:
        """So many changes of those that are open: a higher level, another raise, a state on; one in fifty is over, and
        a new one opens in its place."""
        for _ in range(count):
            self.t += step_ms
            k = self.random.randrange(len(self.incidents))
            incident = self.incidents[k]
            if self.random.random() < 0.02:
                yield self.close(k)
                self.incidents[k] = self._make(len(self.incidents) + self.t)
                yield self._record(k)
                continue
            incident.revision += 1
            incident.updated = self.t
            if self.random.random() < 0.5:
                incident.raises += 1
                incident.raised = self.t
                incident.members[0].value = round(self.random.uniform(10, 200), 1)
            else:
                incident.level = self.random.randrange(1, 5)
                incident.state = self.random.choice(GOING)
            yield self._record(k)

    def close(self, k: int) -> Came:
        """The one in place ``k`` is over."""
        incident = self.incidents[k]
        incident.state, incident.revision, incident.updated = "closed", incident.revision + 1, self.t
        return self._record(k)

    def _record(self, k: int) -> Came:
        incident = self.incidents[k]
        topic, partition = publish.topic(incident), int(incident.id[-1], 16) % PARTITIONS
        offset = self._offsets[topic, partition] = self._offsets.get((topic, partition), -1) + 1
        return Came(topic, partition, offset, incident.id.encode(), publish.encode(incident))

    def _make(self, number: int) -> Incident:
        rng = self.random
        domain = DOMAINS[number % len(DOMAINS)]
        kind, zh, en = _KINDS[domain]
        district = f"9901{1 + rng.randrange(DISTRICTS):02d}"
        town = f"{district}{1 + rng.randrange(9):03d}"
        grid = f"{town}{1 + rng.randrange(40):03d}"
        opened = self.t - rng.randrange(6 * 3_600_000)
        lon = round(self._west + rng.random() * self._wide, 6)
        lat = round(self._south + rng.random() * self._high, 6)
        shown = None if number % 20 == 19 else opened
        level = rng.randrange(1, 5)
        members = [
            Member(f"{domain}.{kind}|{kind}-{number}-{n}|iot.telemetry/0/{number}/{n}", f"{kind}-{number}-{n}", opened,
                   level, kind, round(rng.uniform(10, 200), 1), 75.0, source="iot", lon=lon, lat=lat, grid=grid,
                   scenario=f"{domain}.{kind}", version=1)
            for n in range(1 + rng.randrange(3))
        ]  # fmt: skip
        return Incident(
            id=f"inc-{rng.getrandbits(64):016x}", revision=1, state="detected", domain=domain,
            scenario=f"{domain}.{kind}", scenario_version=1, event_code=f"{domain}.{kind}.sample", name=Text(zh, en),
            level=level, peak_level=level, life=kind == "smoke", onset=opened, opened=opened, raised=opened,
            updated=self.t, family=f"{domain}.{kind}", fingerprint=f"{domain}-{grid}", shown=shown,
            withheld="" if shown else "held", confidence="corroborated" if len(members) > 1 else "unconfirmed",
            grid=grid, town=town, district=district, lon=lon, lat=lat, accuracy_m=15.0, lead=f"unit-{domain}",
            lead_name=Text(f"{zh}牵头部门", f"Lead of {en}"), count=len(members), raises=len(members), members=members,
            reasons=[(opened, "opened", members[0].id), (opened, "shown", "")],
            clocks=[Clock("accept", opened, opened + 900_000), Clock("dispose", opened, opened + 7_200_000)],
            history=[Act(opened, "take", "op-1", f"unit-{domain}")] if number % 3 == 0 else [], sources=["iot"],
        )  # fmt: skip
