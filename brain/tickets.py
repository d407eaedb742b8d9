"""The lane of hotline tickets 12345 热线工单: words that raise at once, counts in a window, copies and rising topics.

Everything is decided on masked text. What texts say is worked out in columns (:mod:`brain.ticket_read`); what follows
from it, ticket by ticket, is plain Python over state in tables.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from time import perf_counter
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from brain import tallies
from brain.beside import SURGE
from brain.hours import Openings
from brain.mark import marked
from brain.placing import answer_at, put
from brain.reach import within
from brain.scenario import Scenario
from brain.sets import CitySet
from brain.shadow import side_of
from brain.ticket_read import Place, Read, matches, read_tickets
from brain.ticket_rules import bound_of, level_of, mass_ms, quiet_s_of, turned
from brain.ticket_texts import TABLES, TicketTexts
from brain.ticket_topics import ISSUE, ISSUE_STATE, Issue, Issues
from geo.grid_map import NO_POSITION
from models.surge import CountSurge
from models.text.topics import Topic
from streams.decode.tickets import Ticket, decode_tickets
from streams.logic import Beat, Output, View
from streams.records import SHADOW, TP, Dead, Reason, Signal, Stage
from streams.state import Store, Table

OWNER = "brain.tickets@1"
CASE_STATE = np.dtype(
    [
        ("onset", "i8"), ("offset", "i8"), ("up", "i8"), ("lon", "f8"), ("lat", "f8"), ("tickets", "i8"),
        ("index", "i4"), ("count", "i4"), ("level", "i4"), ("placed", "i4"), ("about", "i8"),
    ]
)  # fmt: skip
"""One scenario at one place; all zeros is "nothing yet". ``tickets`` matched so far, ``count`` signals so far.

Of a topic, or a group of copies, ``about`` is its number and 1; such a row is used again once its case has ended.
"""
SEEN_STATE = np.dtype([("id", "u8"), ("body", "u8")])
HIT_STATE = np.dtype([("t", "i8")])
METER_STATE = np.dtype([("tickets", "i8")])

REMEMBERED = 4096
"""Tickets among which a repeat is recognised."""
FUTURE_MS = 300_000
LATE_MS = 24 * 3600 * 1000
TEXT_CHARS = 200
PLACE_CHARS = 80
PER_VALUE = 64
SEPARATOR, SEAT = "\x1f", "#"
COPIES, TOPICS = "copies", "topic"


class TicketsLane:
    """Tickets to signals. A signal's asset is grid and class of the ticket, as ``grid/class``.

    Of a text that many send the asset is ``copies/<number>``, of a topic ``topic/<number>``, by the number of the
    ticket that began it. A ticket outside every grid counts for its district; one of a never-hidden class without a
    grid stands for itself, so that two fires at unknown places never become one.

    Cases at a place have rows that stay: as many as there were places, districts as tickets name them among these, and
    never-hidden tickets without a grid, some 400 bytes each. All else is in rings and seats that are used again.
    """

    owner = OWNER
    tables: Mapping[str, np.dtype[Any]] = {
        "case": CASE_STATE, "seen": SEEN_STATE, "hit": HIT_STATE, "meter": METER_STATE, "surge": CountSurge.STATE,
        ISSUE: ISSUE_STATE, tallies.TALLY: tallies.TALLY_STATE, **TABLES,
    }  # fmt: skip

    def bind(self, store: Store, source: TP, partitions: int) -> None:
        """Keep the tables and who we are."""
        self.store, self.at = store, source
        self.texts, self.issues = TicketTexts(store), Issues(store)

    def enter(self, set_id: str, content: CitySet) -> None:
        """Take the hotline scenarios of a set."""
        self.content = content
        self.scenarios = [s for s in content.running() if s.source == "hotline"]
        if len(self.scenarios) > PER_VALUE:
            raise ValueError(f"scenarios: the hotline can have {PER_VALUE}, the set has {len(self.scenarios)}")
        self.openings = Openings([s.match.hours for s in self.scenarios], content.calendar)
        self.known = {s.id: s for s in self.scenarios}
        self.surges = {s.id: CountSurge(**s.detect.settings) for s in self.scenarios if s.detect.detector == SURGE}
        self.scans = [s for s in self.scenarios if s.scans()]
        for surge in self.surges.values():  # compiled, or loaded, before a ticket waits for it
            surge.score(self.store.table("surge").rows, np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0))
        spans = sorted({mass_ms(s) for s in self.scenarios if s.detect.mass is not None})
        self.windows = np.array(spans, np.int64) if spans else None
        self.topical = [s for s in self.scenarios if s.detect.topic is not None]
        if spans or self.topical:
            self.texts.warm()

    def process(self, view: View) -> Output:
        """Decode a stretch, read its texts in columns, then tickets and beats in their order."""
        begun = perf_counter()
        tickets, dead = decode_tickets(view.batch, view.rows)
        out = Output(dead=dead, seconds={"decode": perf_counter() - begun})
        pulse = dict(zip(view.rows.tolist(), view.pulse.tolist(), strict=True))
        admitted = [ticket for ticket in tickets if self._admitted(ticket, pulse[ticket.row], out)]
        out.newest = max((ticket.t for ticket in admitted), default=-1)
        read = read_tickets(admitted, self.content, self.texts, self.windows, bool(self.topical))
        self._blind = self._not_looked_at(read)
        up, at, learned = view.up, 0, 0
        for beat in view.beats:
            before = len(view.batch) if beat.at >= len(view.rows) else int(view.rows[beat.at])
            while at < len(admitted) and admitted[at].row < before:
                self._ticket(read, at, view, up, out)
                at += 1
            up = beat.up
            self._numbers = {0: 0, SHADOW: SHADOW}
            self._beat(beat, out)
            if self.topical and beat.minute() >= 0:
                self._learn(read, learned, at)
                learned = at
                self._rise(beat, out)
        for i in range(at, len(admitted)):
            self._ticket(read, i, view, up, out)
        self._learn(read, learned, len(admitted))
        if any(signal.shadow() for signal in out.signals):
            out.signals.sort(key=lambda s: (s.offset, s.index))
        out.dead.sort(key=lambda d: (d.row, d.index))
        return out

    def _not_looked_at(self, read: Read) -> NDArray[np.bool_]:
        """Tickets outside the hours, or the places, of scenarios: (scenarios, tickets)."""
        shut = self.openings.shut(read.t)
        blind = np.zeros((len(self.scenarios), len(read.tickets)), bool)
        for row, s, bit in zip(blind, self.scenarios, self.openings.bits, strict=True):
            if bit:
                row |= shut & bit != 0
            if s.placed() and len(row):
                row |= ~within(s, self.content.map, read.answer)
        return blind

    # -- one ticket

    def _ticket(self, read: Read, i: int, view: View, up: int, out: Output) -> None:
        place = read.place(i, self.content)
        name = "placed" if place.grid >= 0 else "no_position" if place.grid == NO_POSITION else "outside"
        more = [("by_address", place.confidence is not None), ("unread", read.unread[i])]
        for count in ("tickets", name, *(count for count, so in more if so)):
            out.counts[count] = out.counts.get(count, 0) + 1
        offset, blind = int(view.batch.offsets[read.tickets[i].row]), self._blind
        for index, scenario in enumerate(self.scenarios):
            if scenario.detect.topic is not None or blind[index, i] or not matches(scenario, read, i):
                continue
            if scenario.scans():
                self._tally(scenario, place, out)
            else:
                self._hit(scenario, read, i, place, offset, index, up, out)

    def _admitted(self, ticket: Ticket, pulse: int, out: Output) -> bool:
        refused = self._other_world(ticket) or self._admit(ticket, pulse)
        if refused is None:
            return True
        reason, detail = refused
        if reason is None:
            out.counts["repeated"] = out.counts.get("repeated", 0) + 1
        else:
            out.dead.append(Dead(ticket.row, 0, Stage.SCORE, reason, detail))
        return False

    def _other_world(self, ticket: Ticket) -> tuple[Reason | None, str] | None:
        """A drill's ticket in a city's log, or a real one in a drill's: nobody there may take it for theirs."""
        if marked(ticket.id) == self.content.drill:
            return None
        of, set_ = ("a drill", "a city") if not self.content.drill else ("a city", "a drill")
        return Reason.UNKNOWN_ASSET, f"ticket {ticket.id[:80]!a} is of {of}, the set in force of {set_}"

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

    def _hit(
        self, s: Scenario, read: Read, i: int, place: Place, offset: int, index: int, up: int, out: Output
    ) -> None:
        ticket, table = read.tickets[i], self.store.table("case")
        score = math.nan
        if s.detect.mass is not None:
            found = self._mass(s, read, i)
            if found is None:
                return
            asset, slot, count = found
        else:
            where = place.name or (f"ticket {ticket.id}" if s.life else ticket.district)
            if not where:
                out.counts["unplaced"] = out.counts.get("unplaced", 0) + 1
                return
            asset = f"{where}/{s.kind()}"
            key = (s.id + SEPARATOR + asset).encode()
            score = self._surge(s, key, ticket.t)
            count = 1 if s.id in self.surges else self._count(s, key, ticket.t)
            slot = table.slot(key)
        level = level_of(s, score if s.id in self.surges else count)
        row = table.rows[slot]
        table.dirty[slot] = 1
        row["tickets"] += 1
        if row["level"] == 0:
            if level == 0:
                return
            row["onset"], row["offset"], row["count"] = ticket.t, offset, 0
            row["index"] = index | side_of(s, self.content.map.where(place.answer).district or ticket.district)
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
            signal.category, signal.urgency = read.reading.category[i], int(read.reading.urgency[i])
            signal.place, signal.confidence = read.phrase(i)[:PLACE_CHARS], place.confidence
            put(signal, self.content, place.lon, place.lat, place.answer)
            out.signals.append(signal)

    def _mass(self, s: Scenario, read: Read, i: int) -> tuple[str, int, int] | None:
        """Asset, row of the case and callers of a text that many send; None where they are too few."""
        assert read.copied is not None
        assert self.windows is not None
        first = int(read.copied.first[i])
        count = int(read.copied.recent[i, int(np.searchsorted(self.windows, mass_ms(s)))])
        if level_of(s, count) == 0:
            return None
        slot = self._standing(s).get(first, -1)
        return f"{COPIES}/{first}", self._seat(s, COPIES, first) if slot < 0 else slot, count

    def _standing(self, s: Scenario) -> dict[int, int]:
        """Open cases of a scenario on topics or copies: number of what each is about, and its row."""
        table, begin = self.store.table("case"), (s.id + SEPARATOR).encode()
        rows = table.rows[: table.n]
        found = np.flatnonzero((rows["about"] > 0) & (rows["level"] > 0)).tolist()
        return {int(rows["about"][slot]) - 1: slot for slot in found if table.keys[slot].startswith(begin)}

    def _seat(self, s: Scenario, kind: str, about: int) -> int:
        """A row for a new case about a topic or a text: the first that no open case has, so that they stay few."""
        table, k = self.store.table("case"), 0
        slot = table.slot(f"{s.id}{SEPARATOR}{kind}{SEAT}{k}".encode())
        while table.rows["level"][slot]:
            k += 1
            slot = table.slot(f"{s.id}{SEPARATOR}{kind}{SEAT}{k}".encode())  # first: the table may grow by it
        table.rows[slot] = np.zeros((), CASE_STATE)
        table.rows["about"][slot], table.dirty[slot] = about + 1, 1
        return slot

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
        case = cases.slot(key)  # first: the table may grow by it
        turn = int(cases.rows["tickets"][case]) % size
        slot = hits.slot(key + f"{SEPARATOR}{turn}".encode())
        hits.rows["t"][slot] = t
        hits.dirty[slot] = 1
        found = [hits.find(key + f"{SEPARATOR}{k}".encode()) for k in range(size)]
        times = hits.rows["t"][[f for f in found if f >= 0]]
        return int(np.count_nonzero((times > t - d.window_s * 1000) & (times <= t)))

    # -- time

    def _number(self, side: int) -> int:
        """Index of the beat's next signal, live or in shadow: those in shadow are counted for themselves."""
        number = self._numbers[side]
        self._numbers[side] = number + 1
        return number

    def _beat(self, beat: Beat, out: Output) -> None:
        """End what was silent for long enough, and what was raised live and is in shadow now, or the other way."""
        if self.scans and beat.minute() >= 0:
            out.summaries += tallies.sum_up(self.store, self.scans, beat)
        table = self.store.table("case")
        due: list[tuple[bytes, int]] = []
        for slot in np.flatnonzero(table.rows["level"][: table.n]).tolist():
            scenario = self.known.get(table.keys[slot].decode().partition(SEPARATOR)[0])
            if scenario is not None and turned(scenario, int(table.rows["index"][slot])):
                scenario = None
            quiet_s = 0.0 if scenario is None else quiet_s_of(scenario)
            if beat.outage and scenario is not None:
                table.rows["up"][slot] = beat.up  # nobody could have called in: the silence begins anew
                table.dirty[slot] = 1
            elif beat.up - int(table.rows["up"][slot]) >= quiet_s * 1000:
                due.append((table.keys[slot], slot))
        for key, slot in sorted(due):
            self._clear(key, slot, beat, out)

    def _clear(self, key: bytes, slot: int, beat: Beat, out: Output) -> None:
        table = self.store.table("case")
        scenario_id, _, asset = key.decode().partition(SEPARATOR)
        about = int(table.rows["about"][slot])
        asset = f"{asset.partition(SEAT)[0]}/{about - 1}" if about else asset
        signal = self._signal(scenario_id, asset, "clear", table, slot, beat.time)
        signal.offset, signal.index, signal.level = beat.offset, self._number(signal.origin[3] & SHADOW), 0
        row = table.rows[slot]
        row["level"] = 0
        table.dirty[slot] = 1
        if row["placed"]:
            lon, lat = float(row["lon"]), float(row["lat"])
            put(signal, self.content, lon, lat, answer_at(self.content, lon, lat, beat.time))
        out.signals.append(signal)

    # -- topics

    def _learn(self, read: Read, begin: int, end: int) -> None:
        """Tickets [begin, end) go to their topics."""
        if read.heads is not None and end > begin:
            found = self.texts.sort(read.heads, begin, end, read.t[begin:end], read.callers[begin:end])
            self.issues.learn(read, begin, found, self.content)

    def _rise(self, beat: Beat, out: Output) -> None:
        """Which topics rise, or no longer do, at the end of a minute."""
        table, cases = self.store.table("case"), [self._standing(s) for s in self.topical]
        least, open_ = min(s.rise() for s in self.topical), {id_ for standing in cases for id_ in standing}
        topics = {topic.id: topic for topic in self.texts.rank(beat.time, least, open_)}
        for s, standing in zip(self.topical, cases, strict=True):
            end = s.rise() / 2 if s.clear.score_below is None else s.clear.score_below
            for id_, slot in sorted(standing.items()):
                topic = topics.get(id_)
                if topic is not None and topic.texts > table.rows["tickets"][slot]:
                    table.rows["tickets"][slot], table.rows["up"][slot] = topic.texts, beat.up
                    table.dirty[slot] = 1
                if topic is None or (s.clear.quiet_s is None and topic.score < end):
                    self._clear(table.keys[slot], slot, beat, out)
            heard = beat.time - (s.clear.quiet_s or math.inf) * 1000
            for id_, topic in sorted(topics.items()):
                slot = standing.get(id_, -1)
                known = table.rows["level"][slot] if slot >= 0 else 0
                if topic.last <= heard or level_of(s, topic.score) <= known:
                    continue
                issue = self.issues.of(topic.slot)
                if s.match.kind in {"", issue.category}:
                    self._tell(s, topic, issue, slot, beat, out)

    def _tell(self, s: Scenario, topic: Topic, issue: Issue, slot: int, beat: Beat, out: Output) -> None:
        """Raise a topic, or say that it has come to a higher level."""
        table, level = self.store.table("case"), level_of(s, topic.score)
        kind: Literal["raise", "update"] = "raise" if slot < 0 else "update"
        side = side_of(s, issue.cell) if slot < 0 else int(table.rows["index"][slot]) & SHADOW
        number = self._number(side)
        if slot < 0:
            slot = self._seat(s, TOPICS, topic.id)
            row = table.rows[slot]
            row["onset"], row["offset"], row["index"], row["up"] = beat.time, beat.offset, number, beat.up
            row["tickets"], row["placed"] = topic.texts, issue.lon is not None
            row["lon"], row["lat"] = issue.lon or 0.0, issue.lat or 0.0
        table.rows["level"][slot], table.dirty[slot] = level, 1
        signal = self._signal(s.id, f"{TOPICS}/{topic.id}", kind, table, slot, beat.time)
        signal.offset, signal.index, signal.value, signal.score = beat.offset, number, float(topic.texts), topic.score
        signal.text, signal.place = issue.words[:TEXT_CHARS], issue.place[:PLACE_CHARS]
        signal.category, signal.urgency = issue.category, issue.urgency
        put(signal, self.content, issue.lon, issue.lat, answer_at(self.content, issue.lon, issue.lat, beat.time))
        if issue.lon is None:
            signal.district = issue.cell
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
            threshold=None if s is None else bound_of(s),
            source="hotline", life=s is not None and s.life,
        )  # fmt: skip


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
