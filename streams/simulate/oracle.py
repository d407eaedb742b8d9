"""What must come out, by a straight pass in plain Python. It shares no code with the engine, nor with the toy logic.

Times in ms. Input is what is committed: (offset, log time, value, headers) in offset order, and the journal.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

B, AHEAD, GAP, SPAN = 2_000, 1_000, 5_000, 3_000
RULES = {"s0": (10.0, 1500, 3000), "s1": (14.0, 0, 2000), "s2": (8.0, 2500, 5000)}
"""Set → limit, duration, quiet period."""

Records = list[tuple[int, int, bytes | None, tuple[tuple[str, bytes], ...]]]


@dataclass
class Asset:
    """What is known of one asset."""

    last: int | None = None
    since: int | None = None
    seen: int | None = None
    raised: list[Any] | None = None
    n: int = 0
    level: int = 0
    gone: tuple[int, int] | None = None
    rows: float = 0
    number: int = 0
    fold: int = 0


@dataclass
class LaneAnswer:
    """Signals as dicts with their fold time, dead letters as (offset, index, stage, reason), and where it ended."""

    signals: list[dict[str, Any]] = field(default_factory=list)
    dead: list[tuple[int, int, str, str]] = field(default_factory=list)
    assets: dict[str, Asset] = field(default_factory=dict)
    pulses: list[tuple[int, int]] = field(default_factory=list)
    sets: list[tuple[int, str]] = field(default_factory=list)
    views: list[tuple[int, int, dict[str, float]]] = field(default_factory=list)
    """(end of the span, offset of the pulse that ended it, asset → readings in it)."""
    notices: list[dict[str, Any]] = field(default_factory=list)
    clock: int = -1
    up: int = 0
    set: str = "s0"


class LaneOracle:
    """One lane, record by record."""

    def __init__(self, topic: str, partition: int, key: bytes, poison: set[int]) -> None:
        self.where, self.key, self.poison = (topic, partition), key, poison
        self.out = LaneAnswer()
        self.last_pulse: dict[str, Any] | None = None
        self.log_clock = -1
        self.rows = 0
        self.system_fold = 0
        self.notice_fold = 0

    def run(self, records: Records) -> LaneAnswer:
        """All records of the lane."""
        for offset, stamp, value, headers in records:
            self.log_clock = max(self.log_clock, stamp)
            if offset in self.poison:
                self.out.dead.append((offset, 0, "score", "poison"))
            elif ("ce_type", b"city.pulse") in headers:
                self.pulse(offset, value)
            else:
                self.row(offset, value)
        return self.out

    def pulse(self, offset: int, value: bytes | None) -> None:
        out, p = self.out, self.genuine(value)
        if p is None:
            out.dead.append((offset, 0, "decode", "forged_pulse"))
            return
        last = self.last_pulse
        if last is not None and (p["seq"] <= last["seq"] or p["time"] <= last["time"]):
            return
        gap = p["time"] - last["time"] if last is not None else 0
        if last is not None and gap <= GAP:
            out.up += max(0, min(gap, p["up"] - last["up"]))
        self.last_pulse, out.clock = p, p["time"]
        out.pulses.append((p["seq"], p["time"]))
        if last is not None and last["time"] // SPAN != p["time"] // SPAN:
            view = {name: a.rows for name, a in out.assets.items() if a.rows}
            out.views.append(((last["time"] // SPAN + 1) * SPAN, offset, view))
            for a in out.assets.values():
                a.rows = 0
        for name, a in sorted(out.assets.items(), key=lambda item: item[1].number):
            if a.seen is not None and a.gone is None and out.up - a.seen >= 4000:
                a.gone = (offset, p["time"])
                origin = [*self.where, offset, a.number * 4 + 2]
                self.say("absent", name, "raise", origin, 0, offset, a.number * 4 + 2, p["time"], p["time"], 1)
        if gap > GAP and self.rows == 0:
            name, origin = f"{self.where[0]}/{self.where[1]}", [*self.where, offset, 1 << 30]
            common = ("system.inputs_down", name)
            self.say(*common, "raise", origin, 0, offset, 1 << 30, p["time"], p["time"] - gap, 2)
            self.say(*common, "clear", origin, 1, offset, (1 << 30) + 1, p["time"], p["time"] - gap, 0)
        self.rows = 0
        if p["set"] != out.set:
            out.set = p["set"]
            out.sets.append((p["time"], p["set"]))

    def genuine(self, value: bytes | None) -> dict[str, Any] | None:
        try:
            p = json.loads(value or b"")
            text = "|".join(str(p[k]) for k in ("seq", "time", "up", "set", "epoch"))
            mac = p["mac"]
        except (ValueError, KeyError, TypeError):
            return None
        return p if hashlib.blake2b(text.encode(), key=self.key, digest_size=16).hexdigest() == mac else None

    def row(self, offset: int, value: bytes | None) -> None:
        try:
            document = json.loads(value or b"")
            readings = [(a, t, x) for a, t, x in document["v"]]
        except (ValueError, KeyError, TypeError):
            self.rows += 1
            self.out.dead.append((offset, 0, "decode", "not_json"))
            return
        if document["do"] == "raise":
            self.out.dead.append((offset, 0, "score", "agent_error"))
            return
        if document["do"] == "kill":
            raise AssertionError(f"offset {offset} kills every worker and is not in the journal")
        self.rows += 1
        if document["do"] == "tell":
            name, t, x = readings[0]
            clock = self.now()
            self.notice_fold = max(clock - B, min(clock + AHEAD, t), self.notice_fold)
            self.out.notices.append({
                "kind": "feedback", "id": f"{self.where[1]}-{offset}", "key": name, "t": t, "offset": offset,
                "index": 1 << 28, "body": {"x": x}, "fold": self.notice_fold, "pulse": self.out.clock,
                "set": self.out.set, "source": f"{self.where[0]}/{self.where[1]}",
            })  # fmt: skip
        for index, (name, t, x) in enumerate(readings):
            clock = self.now()
            if t > clock + 30_000:
                self.out.dead.append((offset, index, "score", "future"))
                continue
            a = self.out.assets.setdefault(name, Asset(number=len(self.out.assets)))
            if a.last is not None and t < a.last:
                self.out.dead.append((offset, index, "score", "late"))
            elif a.last is None or t > a.last:
                self.reading(offset, index, name, a, t, x)

    def now(self) -> int:
        return self.out.clock if self.last_pulse is not None else self.log_clock

    def reading(self, offset: int, index: int, name: str, a: Asset, t: int, x: float) -> None:
        limit, hold, _ = RULES[self.out.set]
        a.last, a.seen, a.rows = t, self.out.up, a.rows + 1
        if a.gone is not None:
            origin = [*self.where, a.gone[0], a.number * 4 + 2]
            self.say("absent", name, "clear", origin, 1, offset, index * 4, t, a.gone[1], 0)
            a.gone = None
        level, at = (2 if x > limit + 10 else 1), index * 4 + 1
        if a.raised is None:
            if x <= limit:
                a.since = None
                return
            a.since = t if a.since is None else a.since
            if t - a.since >= hold:
                a.raised, a.n, a.level = [[*self.where, offset, at], a.since], 0, level
                self.say("over", name, "raise", a.raised[0], 0, offset, at, t, a.since, level)
        elif x < limit - 2:
            origin, onset = a.raised
            a.n, a.raised, a.since = a.n + 1, None, None
            self.say("over", name, "clear", origin, a.n, offset, at, t, onset, a.level)
        elif level != a.level:
            a.n, a.level = a.n + 1, level
            self.say("over", name, "update", a.raised[0], a.n, offset, at, t, a.raised[1], level)

    def say(self, scenario: str, name: str, kind: str, origin: list[Any], n: int, offset: int, index: int, t: int,
            onset: int, level: int) -> None:  # fmt: skip
        clock, a = self.now(), self.out.assets.get(name)
        fold = max(clock - B, min(clock + AHEAD, t), a.fold if a else self.system_fold)
        if a is not None:
            a.fold = fold
        else:
            self.system_fold = fold
        self.out.signals.append({
            "scenario": scenario, "asset": name, "kind": kind, "origin": origin, "n": n, "offset": offset,
            "index": index, "t": t, "onset": onset, "level": level, "fold": fold, "set": self.out.set,
            "pulse": self.out.clock,
        })  # fmt: skip


@dataclass
class CityAnswer:
    """Released signals as [fold, name, set], incident records in order, and the incidents still open by asset."""

    released: list[list[Any]] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    open: dict[str, Any] = field(default_factory=dict)
    spans: list[list[Any]] = field(default_factory=list)
    notices: list[dict[str, Any]] = field(default_factory=list)
    """What the city says of each notice on the audit topic."""


def city(lanes: list[LaneAnswer], absences: list[dict[int, tuple[int, int]]]) -> CityAnswer:
    """Fold all lanes; ``absences`` by lane: since → (until, bound)."""
    out, rule = CityAnswer(), "s0"
    end = min(lane.clock for lane in lanes) - B
    items: list[tuple[tuple[int, int, int, int], dict[str, Any]]] = []
    for rank, lane in enumerate(lanes):
        for signal in [*lane.signals, *lane.notices]:
            fold = signal["fold"]
            for since, (until, bound) in absences[rank].items():
                if since <= signal["offset"] < until:
                    fold = max(fold, bound)
            if fold < end:
                items.append(((fold, rank, signal["offset"], signal["index"]), signal))
    spans: dict[int, dict[str, float]] = {}
    for rank, lane in enumerate(lanes):
        for end_of_span, offset, view in lane.views:
            fold = end_of_span
            for since, (until, bound) in absences[rank].items():
                if since <= offset < until:
                    fold = max(fold, bound)
            if fold < end:
                whole = spans.setdefault(fold, {})
                for name, n in view.items():
                    whole[name] = whole.get(name, 0.0) + n
    out.spans = [[fold, dict(sorted(view.items()))] for fold, view in sorted(spans.items()) if fold + 1 < end]
    items.sort(key=lambda item: item[0])
    changes = sorted({change for lane in lanes for change in lane.sets})
    quiet = RULES[rule][2]
    told: dict[str, int] = {}

    def before_signals(limit: int) -> None:
        """Everything that comes before the signals of this time."""
        nonlocal rule, quiet
        while True:
            due = min((i["due"] for i in out.open.values()), default=1 << 62)
            change = changes[0][0] if changes else 1 << 62
            if min(due, change) > limit:
                return
            if change <= due:
                rule = changes.pop(0)[1]
                quiet = RULES[rule][2]
            else:
                for name in sorted(out.open):
                    if out.open[name]["due"] == due:
                        out.records.append({**out.open.pop(name), "status": "closed"})

    for (fold, *_), s in items:
        before_signals(fold)
        if "body" in s:
            told[s["key"]] = told.get(s["key"], 0) + 1
            open_one = out.open.get(s["key"])
            out.notices.append({
                "what": "notice", "id": s["id"], "fold": fold, "set": rule, "number": told[s["key"]],
                "incident": open_one["id"] if open_one else "", **s["body"],
            })  # fmt: skip
            if open_one:
                out.open[s["key"]] = {**open_one, "members": [*open_one["members"], s["id"]]}
                out.records.append(out.open[s["key"]])
            continue
        topic, partition, offset, index = s["origin"]
        identity = f"{s['scenario']}|{s['asset']}|{topic}/{partition}/{offset}/{index}"
        name = f"{identity}|{s['n']}|{s['kind']}"
        before = out.open.get(s["asset"], {"id": identity, "members": [], "opened": fold})
        after = {**before, "members": [*before["members"], name], "due": fold + quiet, "status": "open"}
        out.open[s["asset"]] = after
        out.records.append(after)
        out.released.append([fold, name, rule])
    before_signals(end - 1)
    out.open |= {f"m/{fold}": view for fold, view in spans.items() if fold + 1 >= end}
    out.open |= {f"n/{name}": n for name, n in told.items()}
    return out
