"""Trust in the assets of the whole city: what lanes and neighbours said against them, and what that does to incidents.

Kept are only those against which something speaks. Trust comes back by itself, so nothing has to be sent for that: what
an asset has at a time is worked out when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import numpy as np

from brain.incidents import publish
from brain.incidents.fold import Case
from brain.incidents.value import Member
from brain.trust import BEGINS, MODEL, Trust, columns_of, faded, learn, told
from models.detector import F8
from models.trust import REASONS, Standing, weigh
from streams.records import Headers, Summary

STATE, PENDING, NEXT = b"trust/a/", b"trust/m/", b"trust/next"
SWEEP_MS = 600_000
"""Those against which nothing speaks any more are forgotten, and called trusted again, once in so long."""
FORGOTTEN = 0.002
"""Effect of a reason below which it is as good as none: a fault of six hours' rise reaches it in a minute."""
AGAIN = 0.1
"""How far above the floor an asset that had fallen below it must come before it counts as trusted again."""
NOTES = 50
"""Notes for people in one minute; of more only the number is told."""
AGAIN_MS = 3_600_000
"""How often all that are below the floor are told again, at the full hour: for who begins to listen later."""
STILL, CHUNK = "asset.doubted_still", 1000
"""That note, and how many assets one has at most: some 100 kB."""

WORDS: Mapping[Standing, str] = {Standing.UNVERIFIED: "unverified", Standing.HELD: "doubtful"}
"""What stands among an incident's doubts; nothing is held here: who shows incidents may count the doubtful ones."""

Record = tuple[str, bytes, bytes | None, Headers]


class _Kept(msgspec.Struct, array_like=True):
    last: int
    effects: dict[str, float]
    low: bool
    since: int = 0


class AssetsTrust:
    """The suspects of all sets so far. No clock: time comes with summaries, timers and questions."""

    def __init__(self) -> None:
        self.late = 0
        """Summaries that came after their minute had been judged."""
        self._set: Trust | None = None
        self._registry: Any = None
        self._rows: dict[str, Any] = {}
        self._low: dict[str, int] = {}
        """Below the floor: since which minute, ms UTC; 0 where an earlier release did not keep it."""
        self._sweep: int | None = None
        """When the suspects are looked through next, fold time; None where there are none."""
        self._pending: dict[int, dict[str, Summary]] = {}
        self._changed: dict[bytes, bytes | None] = {}
        self._records: list[Record] = []

    @property
    def floor(self) -> float:
        """Trust below which an alarm is not verified."""
        return self._set.floor if self._set is not None else 0.0

    def load(self, items: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
        """Take what is ours of the state; answers the rest."""
        rest: dict[bytes, bytes] = {}
        for key, value in items.items():
            if key.startswith(STATE):
                asset, kept = key[len(STATE) :].decode(), msgspec.msgpack.decode(value, type=_Kept)
                row = np.zeros(1, MODEL.state)
                row["last"], row["n"] = kept.last, 1
                row["effect"][0] = [kept.effects.get(reason.name, 0.0) for reason in REASONS]
                self._rows[asset] = row
                if kept.low:
                    self._low[asset] = kept.since
            elif key == NEXT:
                self._sweep = int(value)
            elif key.startswith(PENDING):
                summary = msgspec.msgpack.decode(value, type=Summary)
                self._pending.setdefault(summary.t, {})[_name(summary)] = summary
            else:
                rest[key] = value
        return rest

    def enter(self, content: Any) -> None:
        """A set comes into force; assets that it lacks, or of types that it does not watch, are forgotten."""
        self._set, self._registry = getattr(content, "trust", None), getattr(content, "registry", None)
        if self._set is not None:  # compiled, or loaded, before a minute waits for it
            none = np.zeros(0, np.int64)
            MODEL.score(np.zeros(1, MODEL.state), none.astype(np.int32), none, np.zeros((0, len(REASONS))))
        for asset in [asset for asset in self._rows if not self._watched(asset)]:
            self._forget(asset)

    def summary(self, summary: Summary) -> bool:
        """Keep what a lane said until its minute is judged; False where it comes too late for that."""
        if summary.fold > summary.t:
            self.late += 1
            return False
        self._pending.setdefault(summary.t, {})[_name(summary)] = summary
        self._changed[_key(summary)] = msgspec.msgpack.encode(summary)
        return True

    def due(self) -> int | None:
        """When the oldest minute can be judged, or the suspects are looked through, fold time."""
        times = [t + 1 for t in self._pending]
        return min(times if self._sweep is None else [*times, self._sweep], default=None)

    def fire(self, now: int, beside: Mapping[str, F8]) -> list[str]:
        """Judge the minute that ended just before ``now``, with evidence (reasons,) by asset of the city's own models.

        Looks through the suspects when that is due. Answers the assets that fell below the floor, or are
        trusted again, sorted.
        """
        t = now - 1
        against = {asset: row.copy() for asset, row in beside.items()}
        minute = self._pending.pop(t, {})
        for name in sorted(minute):
            summary = minute[name]
            self._changed[_key(summary)] = None
            for asset, row in zip(summary.keys, columns_of(summary), strict=True):
                against[asset] = np.fmax(against[asset], row) if asset in against else row
        accused = sorted(a for a, row in against.items() if (row > BEGINS).any() and self._watched(a))
        if accused:
            self._learn(accused, np.array([against[a] for a in accused]), t)
        swept = sorted(self._rows) if now == self._sweep else []
        turned = [a for a in accused if a not in self._low and self.of(a, t)[0] < self.floor]
        turned += [a for a in swept if a in self._low and self.of(a, t)[0] >= min(self.floor + AGAIN, 1.0)]
        self._tell(sorted(turned), t)
        for asset in swept:
            if asset not in accused and asset not in self._low and (self._effects(asset, t) < FORGOTTEN).all():
                self._forget(asset)
        for asset in sorted({*accused, *turned}):
            self._save(asset)
        if now == self._sweep and t % AGAIN_MS == 0:
            self._tell_again(t)
        if (now == self._sweep or self._sweep is None) and (self._rows or self._sweep):
            self._sweep = (t // SWEEP_MS + 1) * SWEEP_MS + 1 if self._rows else None
            self._changed[NEXT] = str(self._sweep).encode() if self._sweep else None
        return sorted(turned)

    def of(self, asset: str, now: int) -> tuple[float, tuple[str, ...]]:
        """Trust in [0, 1] at a time (ms UTC), 1 where nothing is known; the reasons against it, greatest first."""
        if self._set is None or not self._watched(asset):
            return 1.0, ()
        overdue = self._overdue(asset, now)
        if asset not in self._rows and not overdue:
            return 1.0, ()
        return told(self._effects(asset, now), overdue)

    def stamp(self, case: Case, member: Member, now: int) -> None:
        """What its asset's trust does to a member, and to the incident that it belongs to.

        An incident is as sure as the most trusted of its standing members; of one whose members have all cleared
        nothing changes.
        """
        trust, doubts = self.of(member.asset, now)
        incident = case.incident
        if trust == member.trust == incident.trust == 1.0:
            return
        case.fixed = b""
        member.trust, member.doubts = trust, list(doubts)
        standing = [m.trust for m in incident.members if m.cleared is None]
        if standing:
            best, life = np.array([max(standing)]), np.array([incident.life])
            weighed, verdict = weigh(np.ones(1), best, life, self.floor)
            word = WORDS.get(Standing(int(verdict[0])))
            others = {doubt for doubt in incident.doubts if doubt not in WORDS.values()}
            incident.trust = float(weighed[0])
            incident.doubts = sorted(others | {word} if word else others)

    def changes(self) -> tuple[dict[bytes, bytes | None], list[Record]]:
        """State, and notes for topic audit, since the last call."""
        out = self._changed, self._records
        self._changed, self._records = {}, []
        return out

    # -- how

    def _watched(self, asset: str) -> bool:
        if self._set is None or self._registry is None:
            return False
        return self._set.watches(self._registry, self._registry.index.get(asset, -1))

    def _learn(self, accused: list[str], evidence: F8, t: int) -> None:
        for asset in accused:
            if asset not in self._rows:
                self._rows[asset] = np.zeros(1, MODEL.state)
        state = np.concatenate([self._rows[asset] for asset in accused])
        learn(state, np.arange(len(accused), dtype=np.int32), evidence, t)
        for k, asset in enumerate(accused):
            self._rows[asset] = state[k : k + 1].copy()

    def _effects(self, asset: str, now: int) -> F8:
        row = self._rows.get(asset)
        return np.zeros(len(REASONS)) if row is None else faded(row[0], now)

    def _overdue(self, asset: str, now: int) -> float:
        registry = self._registry
        return 0.0 if self._set is None else self._set.overdue(registry, registry.index[asset], now)

    def _tell(self, turned: Iterable[str], t: int) -> None:
        notes = []
        for asset in turned:
            trust, doubts = self.of(asset, t)
            low = asset not in self._low
            if low:
                self._low[asset] = t
            else:
                del self._low[asset]
            what = "asset.doubted" if low else "asset.trusted_again"
            notes.append({"what": what, "asset": asset, "trust": trust, "reasons": list(doubts), "t": t})
        if len(notes) > NOTES:
            notes = [*notes[:NOTES], {"what": "asset.more", "assets": len(notes) - NOTES, "t": t}]
        self._note(notes)

    def _tell_again(self, t: int) -> None:
        still = []
        for asset in sorted(self._low):
            trust, doubts = self.of(asset, t)
            still.append({"asset": asset, "trust": trust, "reasons": list(doubts), "since": self._low[asset]})
        self._note({"what": STILL, "assets": still[a : a + CHUNK], "t": t} for a in range(0, len(still), CHUNK))

    def _note(self, notes: Iterable[Mapping[str, Any]]) -> None:
        for note in notes:
            self._records.append(publish.noted(note))

    def _save(self, asset: str) -> None:
        row = self._rows[asset]
        effects = {r.name: x for r, x in zip(REASONS, row["effect"][0].tolist(), strict=True) if x}
        kept = _Kept(int(row["last"][0]), effects, asset in self._low, self._low.get(asset, 0))
        self._changed[STATE + asset.encode()] = msgspec.msgpack.encode(kept)

    def _forget(self, asset: str) -> None:
        del self._rows[asset]
        self._low.pop(asset, None)
        self._changed[STATE + asset.encode()] = None


def _name(summary: Summary) -> str:
    return f"{summary.source}/{summary.index}"


def _key(summary: Summary) -> bytes:
    return PENDING + f"{summary.t}/{_name(summary)}".encode()
