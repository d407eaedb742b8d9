"""Conditions on many assets at once: what the lanes saw in a minute, in one view, judged in the city task.

Either added up by area, or each asset against its neighbours.

A lane sends one summary a minute and scenario; one millisecond after the minute's end in fold order all of them are in,
so every run adds up the same. An area of which nothing came keeps its state: no data is not zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from brain.agent_kit.city import Audit, CityAgents
from brain.beside import NEIGHBOURS
from brain.hours import Openings
from brain.incidents import joint, neighbours
from brain.incidents.joint import Joint
from brain.incidents.neighbours import Group
from brain.incidents.scan import Found, Scans
from brain.incidents.value import Incident
from brain.placing import answer_at, put
from brain.scenario import Scenario
from brain.scored import SIDES, turned
from brain.trust import COLUMN, observed
from models.decision import CLEAR, DECISION_STATE, RAISE, UPDATE, decide_step
from models.detector import F8
from streams.records import CITY, Signal, Summary

STATE, PENDING = b"a/", b"m/"
ON_TRIAL = 1 << 20
"""Index of a minute's first signal on trial: those move no other's, as most of them are dropped."""

_json = msgspec.json.Encoder().encode


class Areas:
    """The models of one set and their state over all sets. No clock: time comes with summaries and timers.

    ``agents``: those of the city, which see the same minutes; ``audit`` hears what they fail at.
    """

    def __init__(self, audit: Audit | None = None) -> None:
        self.agents = CityAgents(audit)
        self.late = 0
        """Summaries that came after their minute had been judged, because their lane had been excluded."""
        self.unread = 0
        """Records of neighbours' memory that an earlier release wrote in another form."""
        self.keeps: Callable[[Signal], bool] | None = None
        """Which raises are of this book; None: all."""
        self._set_id = ""
        self._content: Any = None
        self._scenarios: dict[str, Scenario] = {}
        self._rules: dict[str, tuple[Any, Any]] = {}
        self._areas: dict[str, tuple[dict[str, str], dict[str, tuple[float, float]]]] = {}
        self._above: dict[str, tuple[str, str]] | None = None
        """Grid or town → its town and district; None: not looked up in this set yet."""
        self._pending: dict[int, dict[str, Summary]] = {}
        self._groups: dict[str, Group] = {}
        self._scans = Scans()
        self._joints: dict[str, Joint] = {}
        self._memory: dict[bytes, bytes] = {}
        """State of neighbours and of joint metrics as it was last written, by key."""
        self._openings: dict[str, Openings] = {}
        self._here: dict[str, NDArray[np.bool_]] = {}
        """Assets that lie where a scenario looks, of those that do not look everywhere."""
        self._rows: dict[str, Any] = {}
        self._evidence: dict[str, F8] = {}
        self._changed: dict[bytes, bytes | None] = {}
        self._numbers = [0, ON_TRIAL]
        """Index of the minute's next signal, of others and of those on trial."""

    def load(self, items: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
        """Take what is ours of the state; answers the rest."""
        rest: dict[bytes, bytes] = {}
        for key, value in items.items():
            if key.startswith(STATE):
                self._rows[key[len(STATE) :].decode()] = self._row(msgspec.json.decode(value, type=dict[str, int]))
            elif key.startswith(PENDING):
                summary = msgspec.msgpack.decode(value, type=Summary)
                self._pending.setdefault(summary.t, {})[f"{summary.name}|{summary.source}"] = summary
            elif key.startswith((neighbours.STATE, joint.STATE)):
                self._memory[key] = value
            elif not self._scans.load(key, value):
                rest[key] = value
        return self.agents.load(rest)

    def enter(self, set_id: str, content: Any) -> None:
        """A set comes into force. Raises ValueError of one with more assets than a detector may have."""
        trust = getattr(content, "trust", None)
        wanted = [s for s in content.scenarios if isinstance(s, Scenario) and (s.together() or s.scans())]
        wanted += [] if trust is None else trust.together(content.registry)
        for s in wanted:
            if s.beside():
                neighbours.bounded(s, content)
        joints = {s.id: Joint(s, content, joint.known(joint.prefix(s), self._memory)) for s in wanted if s.joint()}
        scans = {s.id: s for s in wanted if s.scans()}
        self._scans.enter(scans, content.map if scans else None)
        self._set_id, self._content = set_id, content
        self.agents.enter(set_id, content)
        self._scenarios = {s.id: s for s in wanted}
        self._rules = {s.id: s.decision().compile() for s in wanted}
        self._areas, self._groups, self._joints, self._above = {}, {}, joints, None
        self._openings = {s.id: Openings([s.match.hours], content.calendar) for s in wanted if s.match.hours}
        self._here = {s.id: content.reach().assets(s) for s in wanted if s.placed()}
        stay = tuple(neighbours.STATE + f"{name}/".encode() for name in self._scenarios)
        stay += tuple(joint.prefix(self._scenarios[name]) for name in joints)
        self._forget(key for key in self._memory if not key.startswith(stay))

    def summary(self, summary: Summary) -> bool:
        """Keep a lane's view until its minute is judged; False for one that comes too late for that."""
        if summary.fold > summary.t:
            self.late += 1
            return False
        if self.agents.ours(summary):
            return self.agents.summary(summary)
        if summary.name in self._scenarios and self._scenarios[summary.name].scans():
            return self._scans.summary(summary)
        self._pending.setdefault(summary.t, {})[f"{summary.name}|{summary.source}"] = summary
        self._changed[self._key(summary)] = msgspec.msgpack.encode(summary)
        return True

    def due(self) -> int | None:
        """When the oldest minute, or a period of a scan, can be judged, fold time."""
        times = [*(t + 1 for t in self._pending), self._scans.due(), self.agents.due()]
        return min((t for t in times if t is not None), default=None)

    def fire(self, now: int) -> list[Signal]:
        """Judge the minute that ended just before ``now``; signals in the order of scenario and area or asset."""
        minute = self._pending.pop(now - 1, {})
        last: dict[str, dict[str, float]] = {}
        several: dict[str, dict[str, F8]] = {}
        for summary in minute.values():
            self._changed[self._key(summary)] = None
            metrics = self._scenarios[summary.name].match.metrics if summary.name in self._joints else ()
            if metrics and set(metrics) <= set(summary.columns):
                table = np.column_stack([summary.column(m) for m in metrics])
                several.setdefault(summary.name, {}).update(zip(summary.keys, table, strict=True))
            elif summary.name in self._scenarios and "last" in summary.columns and not metrics:
                values = zip(summary.keys, summary.column("last").tolist(), strict=True)
                last.setdefault(summary.name, {}).update(values)
        out: list[Signal] = []
        self._numbers = [0, ON_TRIAL]
        for name in sorted(last):
            s = self._scenarios[name]
            if s.beside():
                self._beside(s, last[name], now, out)
            else:
                sums = self._sums(name, last[name])
                for area in sorted(sums):
                    self._judge(s, area, sums[area], now, out, sums[area])
        for name in sorted(several):
            s = self._scenarios[name]
            scores, changed = self._joints[name].score(several[name], now - 1)
            for key, value in changed.items():
                self._keep(key, value)
            for asset in self._looked_at(s, scores):
                self._judge(s, asset, scores[asset], now, out, None, scores[asset])
        for name, found in self._scans.fire(now).items():
            self._clusters(self._scenarios[name], found, now, out)
        return out + (self.agents.fire(now) if self.agents.due() == now else [])

    def _clusters(self, s: Scenario, found: list[Found], now: int, out: list[Signal]) -> None:
        """Clusters by their middles; one that moves a little, or grows, stays where it was raised."""
        start = f"{s.id}\x1f"
        rows = self._rows.items()
        left = sorted(k[len(start) :] for k, r in rows if k.startswith(start) and (r["level"][0] or r["run"][0]))
        for cluster in found:
            who = next((area for area in left if area in cluster.areas), cluster.areas[0])
            left = [area for area in left if area not in cluster.areas]
            self._judge(s, who, cluster.recurrence, now, out, cluster.observed, cluster.recurrence, cluster.text())
        for area in left:
            self._judge(s, area, 0.0, now, out, 0.0, 0.0)

    def _sums(self, name: str, last: Mapping[str, float]) -> dict[str, float]:
        areas, _ = self._places(name)
        sums: dict[str, float] = {}
        for asset in sorted(last):  # in one order, whichever lane spoke first: sums of floats depend on it
            area = areas.get(asset)
            if area:
                sums[area] = sums.get(area, 0.0) + last[asset]
        return sums

    def _beside(self, s: Scenario, last: Mapping[str, float], now: int, out: list[Signal]) -> None:
        """Each asset against its neighbours; all learn."""
        group, mine = self._groups.get(s.id), neighbours.STATE + f"{s.id}/".encode()
        if group is None:
            known: dict[str, dict[str, Any]] = {}
            for key, value in self._memory.items():
                if key.startswith(mine):
                    try:
                        known |= neighbours.remembered(value, s.detect.detector or NEIGHBOURS)
                    except msgspec.ValidationError:  # as an earlier release wrote it: its assets warm up anew
                        self.unread += 1
            drift = self._content.trust.drift_of(s) if observed(s) else None
            group = self._groups[s.id] = Group(s, self._content, known, drift)
        scores = group.score(last, now - 1)
        if observed(s):
            self._accuse(s.detect.detector or NEIGHBOURS, scores)
            self._accuse("drift", group.creeping(scores, now - 1))
        for asset in self._looked_at(s, scores) if not observed(s) else ():
            x = turned(scores[asset], SIDES[s.detect.side])
            self._judge(s, asset, x, now, out, last[asset], scores[asset])
        records = group.records(s.id)
        self._forget(key for key in self._memory if key.startswith(mine) and key not in records)
        for key, value in records.items():
            self._keep(key, value)

    def _looked_at(self, s: Scenario, scores: Mapping[str, float]) -> list[str]:
        here, index = self._here.get(s.id), self._content.registry.index
        return sorted(asset for asset in scores if here is None or here[index[asset]])

    def _keep(self, key: bytes, value: bytes | None) -> None:
        self._changed[key] = value
        if value is None:
            self._memory.pop(key, None)
        else:
            self._memory[key] = value

    def evidence(self) -> dict[str, F8]:
        """What was found against assets since the last call, for trust: (reasons,) by asset, NaN nothing known."""
        out, self._evidence = self._evidence, {}
        return out

    def _accuse(self, reason: str, scores: Mapping[str, float]) -> None:
        column = COLUMN[reason]
        for asset, score in scores.items():
            if not math.isnan(score):
                row = self._evidence.setdefault(asset, np.full(len(COLUMN), np.nan))
                row[column] = np.fmax(row[column], abs(score))

    def _forget(self, keys: Iterable[bytes]) -> None:
        for key in list(keys):
            del self._memory[key]
            self._changed[key] = None

    def left(self, incidents: Iterable[Incident], now: int) -> list[Signal]:
        """Clears of what minutes raised and the set in force does not judge here any more, by incident and member; what
        is known of it is forgotten."""
        gone = {key: row[0] for key, row in self._rows.items() if not self._here_still(*key.partition("\x1f")[::2])}
        out: list[Signal] = []
        for incident in incidents if gone else ():
            for m in incident.members:
                keys = (f"{m.scenario}\x1f{who}" for who in (m.asset, m.asset.partition(":")[2]))
                row = next((gone[key] for key in keys if key in gone), None)
                if row is None or m.cleared is not None:
                    continue
                ended = Signal(
                    m.scenario, m.asset, "clear", (CITY, 0, int(row["offset"]), int(row["index"])), int(row["count"]),
                    now, len(out), now, m.onset, fold=now, set=self._set_id, source=m.source, drill=incident.drill,
                )  # fmt: skip
                if ended.identity() == m.latest():
                    out.append(ended)
        for key in gone:
            del self._rows[key]
            self._changed[STATE + key.encode()] = None
        return out

    def _here_still(self, name: str, who: str) -> bool:
        """Whether a scenario is judged in this book, and has that asset or area; on trial, whether it is for it.

        Clusters of tickets are not moved when a trial begins: those end first.
        """
        s = self._scenarios.get(name)
        if s is None or s.scans():
            return s is not None
        there = self._content.registry.index if s.beside() or s.joint() else self._places(name)[1]
        if who not in there or s.state != "trial" or self.keeps is None:
            return who in there
        return self.keeps(self._signal(s, who, CLEAR, np.zeros(1, DECISION_STATE)[0], None, 0, 0))

    def changes(self) -> dict[bytes, bytes | None]:
        """State since the last call."""
        out, self._changed = self._changed, {}
        return out | self._scans.changes() | self.agents.changes()

    def _judge(
        self,
        s: Scenario,
        who: str,
        x: float,
        now: int,
        out: list[Signal],
        value: float | None,
        score: float | None = None,
        text: str = "",
    ) -> None:
        """Decide on one area or asset; its signal's index is its place among the minute's.

        As after a restart, nothing is kept of one that is neither raised nor about to be: assets come and go.
        """
        key = f"{s.id}\x1f{who}"
        row = self._rows.pop(key, None)
        if row is None:
            row = np.zeros(1, DECISION_STATE)
        before = row.tobytes()
        rules, rungs = self._rules[s.id]
        if s.id in self._openings and self._openings[s.id].shut_at(now - 1):
            x = -math.inf
        action = decide_step(rules, 0, rungs, row, 0, x, now - 1)
        r = row[0]
        number = self._numbers[s.state == "trial"]
        if action == RAISE:
            r["offset"], r["index"], r["count"] = now - 1, number, 0
        if action in (RAISE, UPDATE, CLEAR):
            signal = self._signal(s, who, action, r, value, now, number)
            if action == RAISE and self.keeps is not None and not self.keeps(signal):
                row[:] = np.frombuffer(before, DECISION_STATE)  # nobody would hear its end either
                self._hold(key, row)
                return
            self._numbers[s.state == "trial"] += 1
            signal.score, signal.text = score, text
            out.append(signal)
            r["count"] += 1
        kept = self._hold(key, row)
        if row.tobytes() != before:
            fields = {name: int(r[name]) for name in DECISION_STATE.names or ()}
            self._changed[STATE + key.encode()] = _json(fields) if kept else None

    def _hold(self, key: str, row: Any) -> bool:
        if row["run"][0] or row["level"][0]:
            self._rows[key] = row
            return True
        return False

    def _signal(self, s: Scenario, who: str, action: int, r: Any, value: float | None, now: int, number: int) -> Signal:
        by, of_asset = s.detect.by or "city", s.beside() or s.joint()
        signal = Signal(
            s.id, who if of_asset else f"{by}:{who}", {RAISE: "raise", UPDATE: "update"}.get(action, "clear"),  # type: ignore[arg-type]  # the three kinds
            (CITY, 0, int(r["offset"]), int(r["index"])), int(r["count"]), now - 1, number, now - 1, int(r["onset"]),
            fold=now, level=int(r["level"]), metric=s.match.metric or ",".join(s.match.metrics), value=value,
            threshold=s.detect.sum_over if s.detect.score_over is None else s.detect.score_over, set=self._set_id,
            map=self._content.map.version, source=s.source,
        )  # fmt: skip
        if of_asset:
            a = self._content.registry.index[who]
            lon, lat = (float(side[a]) for side in self._content.placed())
            put(signal, self._content, lon, lat, answer_at(self._content, lon, lat, now - 1))
        else:
            place = self._scans.site(s.id, who) if s.scans() else self._places(s.id)[1][who]
            if place is not None:
                signal.lon, signal.lat = place
            if by != "city":
                setattr(signal, by, who)
                self._lies(signal)
        return signal

    def _lies(self, signal: Signal) -> None:
        """Of a sum or cluster of a grid or a town, what lies above it by the map in force: by that it is routed, and on
        trial is told or is in shadow."""
        city_map = self._content.map
        if self._above is None:
            towns, districts = city_map.towns, city_map.districts
            self._above = {town: ("", district) for town, district in zip(towns, districts, strict=True)}
            self._above |= dict(zip(city_map.codes, zip(towns, districts, strict=True), strict=True))
        town, district = self._above.get(signal.grid or signal.town, ("", ""))
        signal.town, signal.district = signal.town or town, signal.district or district

    def _places(self, name: str) -> tuple[dict[str, str], dict[str, tuple[float, float]]]:
        """Asset → area of a scenario, and area → middle of its assets; assets outside every area are left out."""
        if name not in self._areas:
            s, content = self._scenarios[name], self._content
            registry, city_map = content.registry, content.map
            lon, lat = content.placed()
            grid = city_map.locate(lon, lat)
            names = {"grid": city_map.codes, "town": city_map.towns, "district": city_map.districts}.get(
                s.detect.by or ""
            )
            areas: dict[str, str] = {}
            here = self._here.get(s.id)
            members: dict[str, list[int]] = {}
            for a, asset in enumerate(registry.ids):
                if here is not None and not here[a]:
                    continue
                if registry.types[registry.asset_type[a]] == s.match.type and (names is None or grid[a] >= 0):
                    areas[asset] = "city" if names is None else names[grid[a]]
                    members.setdefault(areas[asset], []).append(a)
            middle = {area: (float(lon[m].mean()), float(lat[m].mean())) for area, m in members.items()}
            self._areas[name] = areas, middle
        return self._areas[name]

    @staticmethod
    def _key(summary: Summary) -> bytes:
        return PENDING + f"{summary.t}/{summary.name}/{summary.source}".encode()

    @staticmethod
    def _row(fields: Mapping[str, int]) -> Any:
        row = np.zeros(1, DECISION_STATE)
        for name, value in fields.items():
            if name in (DECISION_STATE.names or ()):
                row[name] = value
        return row
