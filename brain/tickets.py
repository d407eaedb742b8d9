"""The lane of hotline tickets 12345 热线工单: words that raise at once, and counts of a class in a grid in a window.

Everything is decided on masked text. Tickets are few, so this is plain Python over state in tables.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from brain import tallies
from brain.placing import answer_at, put
from brain.scenarios import SURGE, Scenario
from brain.sets import CitySet
from geo.grid_map import NO_POSITION
from models.surge import CountSurge
from streams.decode import Ticket, decode_tickets
from streams.logic import Beat, Output, View
from streams.records import I4, TP, Dead, Reason, Signal, Stage
from streams.state import Store, Table

OWNER = "brain.tickets@1"
CASE_STATE = np.dtype(
    [
        ("onset", "i8"), ("offset", "i8"), ("up", "i8"), ("lon", "f8"), ("lat", "f8"), ("tickets", "i8"),
        ("index", "i4"), ("count", "i4"), ("level", "i4"), ("placed", "i4"),
    ]
)  # fmt: skip
"""One scenario at one place; all zeros is "nothing yet". ``tickets`` matched so far, ``count`` signals so far."""
SEEN_STATE = np.dtype([("id", "u8"), ("body", "u8")])
HIT_STATE = np.dtype([("t", "i8")])
METER_STATE = np.dtype([("tickets", "i8")])

REMEMBERED = 4096
"""Tickets among which a repeat is recognised."""
FUTURE_MS = 300_000
LATE_MS = 24 * 3600 * 1000
QUIET_S = 1800.0
"""Silence that ends a case where the scenario names none."""
TEXT_CHARS = 200
PER_VALUE = 64
SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ticket is: rectified position or None, the map's answer, grid number or below 0, and its grid's code."""

    lon: float | None
    lat: float | None
    answer: I4
    grid: int
    name: str


class TicketsLane:
    """Tickets to signals. A signal's asset is grid and class of the ticket, as ``grid/class``.

    A ticket outside every grid counts for its district; one of a never-hidden class without a grid stands for itself,
    so that two fires at unknown places never become one.
    """

    owner = OWNER
    tables: Mapping[str, np.dtype[Any]] = {
        "case": CASE_STATE, "seen": SEEN_STATE, "hit": HIT_STATE, "meter": METER_STATE, "surge": CountSurge.STATE,
        tallies.TALLY: tallies.TALLY_STATE,
    }  # fmt: skip

    def bind(self, store: Store, source: TP, partitions: int) -> None:
        """Keep the tables and who we are."""
        self.store, self.at = store, source

    def enter(self, set_id: str, content: CitySet) -> None:
        """Take the hotline scenarios of a set."""
        self.content = content
        self.scenarios = [s for s in content.scenarios if s.source == "hotline"]
        if len(self.scenarios) > PER_VALUE:
            raise ValueError(f"scenarios: the hotline can have {PER_VALUE}, the set has {len(self.scenarios)}")
        self.known = {s.id: s for s in self.scenarios}
        self.surges = {s.id: CountSurge(**s.detect.settings) for s in self.scenarios if s.detect.detector == SURGE}
        self.scans = [s for s in self.scenarios if s.scans()]
        for surge in self.surges.values():  # compiled, or loaded, before a ticket waits for it
            surge.score(self.store.table("surge").rows, np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0))

    def process(self, view: View) -> Output:
        """Decode a stretch, then tickets and beats in their order."""
        tickets, dead = decode_tickets(view.batch, view.rows)
        out = Output(dead=dead)
        pulse = dict(zip(view.rows.tolist(), view.pulse.tolist(), strict=True))
        up, at = view.up, 0
        for beat in view.beats:
            before = len(view.batch) if beat.at >= len(view.rows) else int(view.rows[beat.at])
            while at < len(tickets) and tickets[at].row < before:
                self._ticket(tickets[at], view, pulse[tickets[at].row], up, out)
                at += 1
            up = beat.up
            self._beat(beat, out)
        for ticket in tickets[at:]:
            self._ticket(ticket, view, pulse[ticket.row], up, out)
        out.dead.sort(key=lambda d: (d.row, d.index))
        return out

    # -- one ticket

    def _ticket(self, ticket: Ticket, view: View, pulse: int, up: int, out: Output) -> None:
        refused = self._admit(ticket, pulse)
        if refused is not None:
            reason, detail = refused
            if reason is None:
                out.counts["repeated"] = out.counts.get("repeated", 0) + 1
            else:
                out.dead.append(Dead(ticket.row, 0, Stage.SCORE, reason, detail))
            return
        place = self._place(ticket)
        name = "placed" if place.grid >= 0 else "no_position" if place.grid == NO_POSITION else "outside"
        for count in ("tickets", name):
            out.counts[count] = out.counts.get(count, 0) + 1
        text = f"{ticket.title}\n{ticket.text}"
        offset = int(view.batch.offsets[ticket.row])
        for index, scenario in enumerate(self.scenarios):
            words = scenario.match.words
            hit = all(w in text for w in words) if scenario.detect.words == "all" else any(w in text for w in words)
            if hit and scenario.scans():
                self._tally(scenario, place, out)
            elif hit:
                self._hit(scenario, ticket, place, offset, index, up, out)

    def _tally(self, s: Scenario, place: Place, out: Output) -> None:
        area = tallies.area_of(self.content, s.detect.by or "grid", place.grid)
        if area:
            tallies.count(self.store, s, area)
        else:
            out.counts["unplaced"] = out.counts.get("unplaced", 0) + 1

    def _admit(self, ticket: Ticket, pulse: int) -> tuple[Reason | None, str] | None:
        """None for a ticket to work on; else why not, the reason being None for a mere repeat."""
        if ticket.t > pulse + FUTURE_MS:
            return Reason.FUTURE, f"ticket {ticket.id}: {ticket.t} is over {FUTURE_MS // 1000} s ahead of the clock"
        if ticket.t < pulse - LATE_MS:
            return Reason.LATE, f"ticket {ticket.id}: {ticket.t} is over {LATE_MS // 3_600_000} h behind the clock"
        body = _hash(str((ticket.t, ticket.title, ticket.text, ticket.address, ticket.lon, ticket.lat)))
        mine = np.uint64(_hash(ticket.id))
        table = self.store.table("seen")
        found = np.flatnonzero(table.rows["id"][: table.n] == mine)
        if len(found):
            if int(table.rows["body"][found[0]]) == body:
                return None, ""
            return Reason.CONFLICT, f"ticket {ticket.id}: came before with other content"
        meter = self.store.table("meter")
        slot = meter.slot(b"n")
        number = int(meter.rows["tickets"][slot])
        meter.rows["tickets"][slot] = number + 1
        meter.dirty[slot] = 1
        slot = table.slot(f"{number % REMEMBERED}".encode())
        table.rows[slot] = (mine, body)
        table.dirty[slot] = 1
        return None

    def _place(self, ticket: Ticket) -> Place:
        return self._at(ticket.lon, ticket.lat, ticket.t)

    def _at(self, lon: float | None, lat: float | None, t: int) -> Place:
        answer = answer_at(self.content, lon, lat, t)
        grid = int(answer[self.content.map.column])
        return Place(lon, lat, answer, grid, self.content.map.codes[grid] if grid >= 0 else "")

    def _hit(self, s: Scenario, ticket: Ticket, place: Place, offset: int, index: int, up: int, out: Output) -> None:
        where = place.name or (f"ticket {ticket.id}" if s.life else ticket.district)
        if not where:
            out.counts["unplaced"] = out.counts.get("unplaced", 0) + 1
            return
        asset = f"{where}/{s.kind()}"
        key = (s.id + SEPARATOR + asset).encode()
        score = self._surge(s, key, ticket.t)
        count = 1 if s.id in self.surges else self._count(s, key, ticket.t)
        level = _level(s, score if s.id in self.surges else count)
        table = self.store.table("case")
        slot = table.slot(key)
        row = table.rows[slot]
        table.dirty[slot] = 1
        row["tickets"] += 1
        if row["level"] == 0:
            if level == 0:
                return
            row["onset"], row["offset"], row["index"], row["count"] = ticket.t, offset, index, 0
            row["placed"] = place.lon is not None
            row["lon"], row["lat"] = place.lon or 0.0, place.lat or 0.0
            kind: Literal["raise", "update"] = "raise"
        else:
            kind = "update"
        if level:
            row["up"] = up
        # A life-safety case tells of every further ticket; others only of a higher level.
        tell = kind == "raise" or s.life or level > row["level"]
        row["level"] = max(int(row["level"]), level)
        if tell:
            signal = self._signal(s.id, asset, kind, table, slot, ticket.t)
            signal.offset, signal.index, signal.value = offset, index, float(count)
            signal.score = None if math.isnan(score) else score
            signal.text = f"{ticket.title} {ticket.text}".strip()[:TEXT_CHARS]
            put(signal, self.content, place.lon, place.lat, place.answer)
            out.signals.append(signal)

    def _surge(self, s: Scenario, key: bytes, t: int) -> float:
        """How far the tickets of the class at the place exceed their own past, this one included; NaN while unknown."""
        model = self.surges.get(s.id)
        if model is None:
            return math.nan
        table = self.store.table("surge")
        slot = table.slot(key)
        table.dirty[slot] = 1
        return float(model.score(table.rows, np.array([slot], np.int32), np.array([t], np.int64), np.ones(1))[0])

    def _count(self, s: Scenario, key: bytes, t: int) -> int:
        """Tickets of the class at the place within the window, this one included, as far as the ladder asks."""
        d = s.detect
        if d.count_over is None or d.window_s is None:
            return 1
        size = max([d.count_over, *(int(r.at) for r in s.levels)]) + 1
        cases, hits = self.store.table("case"), self.store.table("hit")
        turn = int(cases.rows["tickets"][cases.slot(key)]) % size
        slot = hits.slot(key + f"{SEPARATOR}{turn}".encode())
        hits.rows["t"][slot] = t
        hits.dirty[slot] = 1
        found = [hits.find(key + f"{SEPARATOR}{k}".encode()) for k in range(size)]
        times = hits.rows["t"][[f for f in found if f >= 0]]
        return int(np.count_nonzero((times > t - d.window_s * 1000) & (times <= t)))

    # -- time

    def _beat(self, beat: Beat, out: Output) -> None:
        if self.scans and beat.minute() >= 0:
            out.summaries += tallies.sum_up(self.store, self.scans, beat)
        table = self.store.table("case")
        due: list[tuple[bytes, int]] = []
        for slot in np.flatnonzero(table.rows["level"][: table.n]).tolist():
            scenario = self.known.get(table.keys[slot].decode().partition(SEPARATOR)[0])
            quiet_s = 0.0 if scenario is None else scenario.clear.quiet_s or scenario.detect.window_s or QUIET_S
            if beat.outage and scenario is not None:
                table.rows["up"][slot] = beat.up  # nobody could have called in: the silence begins anew
                table.dirty[slot] = 1
            elif beat.up - int(table.rows["up"][slot]) >= quiet_s * 1000:
                due.append((table.keys[slot], slot))
        for number, (key, slot) in enumerate(sorted(due)):
            scenario_id, _, asset = key.decode().partition(SEPARATOR)
            signal = self._signal(scenario_id, asset, "clear", table, slot, beat.time)
            signal.offset, signal.index, signal.level = beat.offset, number, 0
            row = table.rows[slot]
            row["level"] = 0
            table.dirty[slot] = 1
            if row["placed"]:
                lon, lat = float(row["lon"]), float(row["lat"])
                place = self._at(lon, lat, beat.time)
                put(signal, self.content, lon, lat, place.answer)
            out.signals.append(signal)

    def _signal(
        self, scenario_id: str, asset: str, kind: Literal["raise", "update", "clear"], table: Table, slot: int, t: int
    ) -> Signal:
        """The case's next signal; its running number moves on."""
        row = table.rows[slot]
        number = int(row["count"])
        row["count"] = number + 1
        s = self.known.get(scenario_id)
        origin = (self.at.topic, self.at.partition, int(row["offset"]), int(row["index"]))
        return Signal(
            scenario_id, asset, kind, origin, number, -1, -1, t, int(row["onset"]), level=int(row["level"]),
            threshold=None if s is None else s.detect.score_over if s.id in self.surges else _bound(s),
            source="hotline", life=s is not None and s.life,
        )  # fmt: skip


def _bound(s: Scenario) -> float | None:
    return None if s.detect.count_over is None else float(s.detect.count_over)


def _level(s: Scenario, x: float) -> int:
    """Level of so many tickets, or of such a surge; 0 where the scenario does not hold."""
    surge = s.detect.score_over
    if (surge is not None and not x >= surge) or (s.detect.count_over is not None and x <= s.detect.count_over):
        return 0
    level = s.level
    for rung in s.levels:
        if x > rung.at or (surge is not None and x == rung.at):
            level = rung.level
    return level


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
