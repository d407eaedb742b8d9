"""Small logic for the simulator: a threshold with duration, absence on up-time, summaries, notices, incidents.

A record is ``{"v": [[asset, t, x], ...], "do": ""}``; ``do`` is ``raise`` (the agent raises after the first value),
``kill`` (the worker dies there) or ``tell`` (the first value is also a notice of its
asset). Not meant for anything but :mod:`streams.simulate`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from streams.logic import FAR, Beat, Change, Output, View
from streams.records import AUDIT_TYPE, CE_TYPE, TP, Dead, Headers, Notice, Reason, Signal, Stage, Summary
from streams.state import Store, Table

ABSENT_MS = 4_000
FUTURE_MS = 30_000
STEP = 10.0
"""Above the limit by this much is the second level."""
SPAN_MS = 3_000
"""A toy minute: what came within it is summed up at the beat that ends it."""
TOLD = 1 << 28
"""Index of a record's notice: above those of its signals."""
BACK = 2.0
"""Hysteresis: cleared below the limit by this much."""


class Killed(BaseException):
    """The process is gone: nothing catches it."""


@dataclass(frozen=True, slots=True)
class ToySet:
    """What is in force: limit, duration in ms, and the quiet period in ms after which an incident closes."""

    limit: float
    hold_ms: int
    quiet_ms: int


SETS = {"s0": ToySet(10.0, 1500, 3000), "s1": ToySet(14.0, 0, 2000), "s2": ToySet(8.0, 2500, 5000)}


class Reading(msgspec.Struct):
    """One record of the toy input."""

    v: list[tuple[str, int, float]]
    do: str = ""


_reading = msgspec.json.Decoder(Reading).decode
_json = msgspec.json.Encoder().encode

ROW = np.dtype([
    ("last", "i8"), ("since", "i8"), ("up", "i8"), ("n", "i4"), ("offset", "i8"), ("index", "i4"), ("onset", "i8"),
    ("raised", "i1"), ("level", "i1"), ("gone", "i1"), ("gone_offset", "i8"), ("gone_onset", "i8"), ("seen", "i4"),
])  # fmt: skip


class ToyLane:
    """Row by row, on purpose: easy to see through, and the engine under it is the same."""

    tables: Mapping[str, np.dtype[Any]] = {"toy": ROW}
    owner = "toy@1"

    def bind(self, store: Store, source: TP, partitions: int) -> None:
        """Take the store."""
        self.table: Table = store.table("toy")
        self.source = source

    def enter(self, set_id: str, content: Any) -> None:
        """Rules from here on."""
        self.rule: ToySet = content

    def process(self, view: View) -> Output:
        """Rows and beats, merged by their places."""
        out, up, beats = Output(), view.up, list(view.beats)
        for i, row in enumerate(view.rows.tolist()):
            while beats and beats[0].at <= i:
                up = self._beat(beats.pop(0), out)
            self._row(view, row, int(view.pulse[i]), up, out)
        for beat in beats:
            self._beat(beat, out)
        return out

    def _row(self, view: View, row: int, pulse: int, up: int, out: Output) -> None:
        try:
            reading = _reading(view.batch.value(row) or b"")
        except msgspec.DecodeError:
            out.dead.append(Dead(row, 0, Stage.DECODE, Reason.NOT_JSON, "no reading"))
            return
        if reading.do == "kill":
            raise Killed
        if reading.do == "tell" and reading.v:
            self._tell(int(view.batch.offsets[row]), *reading.v[0], out)
        for index, (asset, t, x) in enumerate(reading.v):
            if reading.do == "raise" and index == len(reading.v) - 1:
                raise ValueError("this row cannot be scored")
            if t > pulse + FUTURE_MS:
                out.dead.append(Dead(row, index, Stage.SCORE, Reason.FUTURE, asset))
                continue
            slot = self.table.slot(asset.encode())
            r = self.table.rows[slot]
            if t < r["last"]:
                out.dead.append(Dead(row, index, Stage.SCORE, Reason.LATE, asset))
            elif t > r["last"]:
                self._reading(asset, slot, (int(view.batch.offsets[row]), index), t, x, up, out)

    def _tell(self, offset: int, asset: str, t: int, x: float, out: Output) -> None:
        name = f"{self.source.partition}-{offset}"
        out.notices.append(Notice("feedback", name, asset, t, offset, TOLD, msgspec.Raw(_json({"x": x}))))
        out.audits.append(("told", {"id": name}))

    def _reading(self, asset: str, slot: int, at: tuple[int, int], t: int, x: float, up: int, out: Output) -> None:
        r, rule = self.table.rows[slot], self.rule
        self.table.dirty[slot] = 1
        offset, index = at[0], at[1] * 4
        r["last"], r["up"] = t, up + 1
        r["seen"] += 1
        if r["gone"]:
            r["gone"] = 0
            origin = (*self.source, int(r["gone_offset"]), slot * 4 + 2)
            out.signals.append(
                Signal("absent", asset, "clear", origin, 1, offset, index, t, int(r["gone_onset"]), life=_life(asset))
            )
        level = 2 if x > rule.limit + STEP else 1
        if not r["raised"]:
            r["since"] = (r["since"] or t) if x > rule.limit else 0
            if r["since"] and t - r["since"] >= rule.hold_ms:
                r["raised"], r["level"], r["n"], r["onset"] = 1, level, 0, r["since"]
                r["offset"], r["index"] = offset, index + 1
                self._over("raise", asset, slot, (offset, index + 1), t, x, out)
        elif x < rule.limit - BACK:
            r["raised"], r["since"], r["n"] = 0, 0, r["n"] + 1
            self._over("clear", asset, slot, (offset, index + 1), t, x, out)
        elif level != r["level"]:
            r["level"], r["n"] = level, r["n"] + 1
            self._over("update", asset, slot, (offset, index + 1), t, x, out)

    def _over(self, kind: Any, asset: str, slot: int, at: tuple[int, int], t: int, x: float, out: Output) -> None:
        r = self.table.rows[slot]
        origin = (*self.source, int(r["offset"]), int(r["index"]))
        out.signals.append(
            Signal(
                "over",
                asset,
                kind,
                origin,
                int(r["n"]),
                at[0],
                at[1],
                t,
                int(r["onset"]),
                level=int(r["level"]),
                value=x,
                threshold=self.rule.limit,
                life=_life(asset),
            )
        )

    def _beat(self, beat: Beat, out: Output) -> int:
        rows = self.table.rows[: self.table.n]
        if beat.before >= 0 and beat.before // SPAN_MS != beat.time // SPAN_MS:
            self._sum_up((beat.before // SPAN_MS + 1) * SPAN_MS, beat, out)
        for slot in np.flatnonzero((rows["up"] > 0) & (rows["gone"] == 0) & (beat.up - rows["up"] + 1 >= ABSENT_MS)):
            r = rows[slot]
            r["gone"], r["gone_offset"], r["gone_onset"] = 1, beat.offset, beat.time
            self.table.dirty[slot] = 1
            asset, index = self.table.keys[slot].decode(), int(slot) * 4 + 2
            origin = (*self.source, beat.offset, index)
            out.signals.append(
                Signal("absent", asset, "raise", origin, 0, beat.offset, index, beat.time, beat.time, level=1,
                       life=_life(asset))
            )  # fmt: skip
        return beat.up

    def _sum_up(self, end: int, beat: Beat, out: Output) -> None:
        rows = self.table.rows[: self.table.n]
        slots = np.flatnonzero(rows["seen"])
        keys, seen = [self.table.keys[s].decode() for s in slots], rows["seen"][slots].astype("<f8")
        out.summaries.append(Summary("seen", end, beat.offset, 1 << 29, keys, {"n": seen.tobytes()}))
        rows["seen"][slots] = 0
        self.table.dirty[slots] = 1


def _life(asset: str) -> bool:
    return asset.startswith("f")


class ToyIncident(msgspec.Struct):
    """Signals of one asset with less than the quiet period between them; ``due`` is when it closes."""

    id: str
    members: list[str]
    opened: int
    due: int
    status: str = "open"


class ToyCity:
    """One open incident an asset; every change is a record, and so is every signal released (to see the order)."""

    owner = "toycity@1"

    def __init__(self) -> None:
        self.open: dict[str, ToyIncident] = {}
        self.sums: dict[int, dict[str, float]] = {}
        self.told: dict[str, int] = {}
        self._state: dict[bytes, bytes | None] = {}
        self._records: list[tuple[str, bytes, bytes | None, Headers]] = []

    def load(self, items: Mapping[bytes, bytes]) -> None:
        """Open incidents by asset."""
        mine = {k: v for k, v in items.items() if not k.startswith((b"m/", b"n/"))}
        self.told = {k[2:].decode(): int(v) for k, v in items.items() if k.startswith(b"n/")}
        self.open = {k.decode(): msgspec.json.decode(v, type=ToyIncident) for k, v in mine.items()}
        self.sums = {
            int(k[2:]): msgspec.json.decode(v, type=dict[str, float]) for k, v in items.items() if k.startswith(b"m/")
        }

    def enter(self, set_id: str, content: Any) -> None:
        """Quiet period from here on."""
        self.set, self.rule = set_id, content

    def signal(self, signal: Signal) -> None:
        """Open or join."""
        name, due = f"{signal.identity()}|{signal.n}|{signal.kind}", signal.fold + self.rule.quiet_ms
        incident = self.open.get(signal.asset)
        if incident is None:
            incident = self.open[signal.asset] = ToyIncident(signal.identity(), [], signal.fold, due)
        incident.members.append(name)
        incident.due = due
        self._records.append(("released", b"", _json([signal.fold, name, self.set]), ()))
        self._say(signal.asset, incident)

    def summary(self, summary: Summary) -> None:
        """Add to the span's view; a view that comes after its timer is of its own: the lane had been excluded."""
        view = self.sums.setdefault(max(summary.t, summary.fold), {})
        for asset, n in zip(summary.keys, summary.column("n").tolist(), strict=True):
            view[asset] = view.get(asset, 0.0) + n
        self._state[b"m/%d" % max(summary.t, summary.fold)] = _json(view)

    def notice(self, notice: Notice) -> None:
        """Joins the open incident of its asset, or is refused: there is none. Either way somebody can read it."""
        incident = self.open.get(notice.key)
        number = self.told[notice.key] = self.told.get(notice.key, 0) + 1
        self._state[b"n/" + notice.key.encode()] = b"%d" % number
        what = {"what": "notice", "id": notice.id, "fold": notice.fold, "set": self.set, "number": number,
                "incident": incident.id if incident else "", **msgspec.json.decode(notice.body)}  # fmt: skip
        self._records.append(("audit", b"city", _json(what), ((CE_TYPE, AUDIT_TYPE),)))
        if incident is not None:
            incident.members.append(notice.id)
            self._say(notice.key, incident)

    def due(self, until: int = FAR) -> int | None:
        """The earliest end of quiet, or the moment after a span's views."""
        return min([*(i.due for i in self.open.values()), *(end + 1 for end in self.sums)], default=None)

    def fire(self, now: int) -> None:
        """Close what has been quiet, and say what a span's views add up to."""
        if now - 1 in self.sums:
            view = self.sums.pop(now - 1)
            self._state[b"m/%d" % (now - 1)] = None
            self._records.append(("spans", b"", _json([now - 1, dict(sorted(view.items()))]), ()))
        for asset in sorted(a for a, i in self.open.items() if i.due == now):
            incident = self.open.pop(asset)
            incident.status = "closed"
            self._say(asset, incident)

    def _say(self, asset: str, incident: ToyIncident) -> None:
        self._state[asset.encode()] = _json(incident) if incident.status == "open" else None
        self._records.append(("incidents.toy", incident.id.encode(), _json(incident), ()))

    def fates(self) -> Mapping[str, int]:
        """Nothing to count."""
        return {}

    def changes(self) -> Iterator[Change]:
        """Everything since the last call."""
        state, records = self._state, self._records
        self._state, self._records = {}, []
        yield from ((None, key, value, ()) for key, value in state.items())
        yield from records
