"""Everything that was committed, held against the oracle: signals, seals, final state, and the auditor's own view."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import msgspec
from rich.console import Console

from bench.chaos.oracle import Expected, expect, records
from brain.audit import Audit
from brain.lane import DECISION, EWMA, OWNER, SERIES, ReadingsLane
from streams.records import Seal, Signal
from streams.state import Store

EXAMPLES = 6
console = Console(stderr=True)


@dataclass
class Verdict:
    """What did not fit: counts, and the first few in words."""

    want: Expected
    lost: int = 0
    double: int = 0
    wrong: int = 0
    torn: int = 0
    findings: int = 0
    live: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether all fits."""
        return not (self.lost or self.double or self.wrong or self.torn or self.findings or self.live)

    def note(self, what: str, things: list[str]) -> int:
        """Keep the first few; how many there are."""
        self.examples += [f"{what}: {thing}" for thing in things[:EXAMPLES]]
        return len(things)


def judge(bootstrap: str, prefix: str, partitions: int, logs: list[str]) -> Verdict:
    """Read all topics back and compare; ``logs`` are what the workers said."""
    verdict = Verdict(expect(bootstrap, prefix + "iot.telemetry", partitions, 0.05, 20, 8.0, 4.0))
    _signals(verdict, bootstrap, prefix, partitions)
    _state(verdict, bootstrap, prefix, partitions)
    audit = Audit(bootstrap, prefix, ["iot.telemetry"], "en", "table", console)
    audit.run(from_beginning=True, until_end=True)
    verdict.findings = audit.auditor.totals.findings.total() or int(audit.broken)
    verdict.live = sum(text.count('"audit finding"') for text in logs)
    return verdict


def _signals(verdict: Verdict, bootstrap: str, prefix: str, partitions: int) -> None:
    decode, unseal = msgspec.json.Decoder(Signal).decode, msgspec.json.Decoder(Seal).decode
    got: Counter[tuple[str, str, str, int, int]] = Counter()
    before: dict[int, tuple[str, int]] = {}
    since: Counter[int] = Counter()
    for p, _, headers, _, value in records(bootstrap, prefix + "signals.iot.telemetry", partitions):
        if headers.get("ce_type") == b"city.seal":
            seal = unseal(value)
            chain, flush = before.get(p, ("", -1))
            verdict.torn += seal.before != chain or seal.flush <= flush or seal.count != since[p]
            before[p] = (seal.digest, seal.flush)
            since[p] = 0
            continue
        since[p] += 1
        if headers.get("ce_type") == b"city.signal":
            s = decode(value)
            rule = s.scenario.rpartition(".")[2]
            got[s.asset, s.kind, {"level_high": "t", "level_unusual": "d"}.get(rule, rule), p, s.offset] += 1
    want = verdict.want.signals
    verdict.lost = verdict.note("lost", [str(s) for s in sorted(want - got.keys())])
    verdict.wrong += verdict.note("wrong", [str(s) for s in sorted(got.keys() - want)])
    verdict.double = sum(n - 1 for n in got.values() if n > 1)


def _state(verdict: Verdict, bootstrap: str, prefix: str, partitions: int) -> None:
    """The state topics as a restart would read them: each asset's watermark, mean, variance, conditions."""
    seen: dict[str, list[object]] = {}
    for p in range(partitions):
        store = Store(ReadingsLane.tables, OWNER)
        rows = records(bootstrap, prefix + "state.iot.telemetry", partitions, only=p)
        store.restore((key, value) for _, _, _, key, value in rows)
        for name in (SERIES, EWMA, DECISION):
            table = store.table(name)
            for slot, key in enumerate(table.keys):
                parts = key.decode().split("\x1f")
                asset, row = parts[-2], table.rows[slot]
                mine = seen.setdefault(asset, [0, 0.0, 0.0, 0, set()])
                if name == SERIES:
                    mine[0] = int(row["t"])
                elif name == EWMA:
                    mine[1:4] = [float(row["mean"]), float(row["var"]), int(row["n"])]
                elif row["level"]:
                    mine[4].add("t" if parts[0].endswith("high") else "d")  # type: ignore[attr-defined]  # a set
    want = {name: [*end[:4], set(end[4])] for name, end in verdict.want.ends.items()}
    wrong = []
    for name in sorted(want.keys() | seen.keys()):
        w, g = want.get(name, [0, 0.0, 0.0, 0, set()]), seen.get(name, [0, 0.0, 0.0, 0, set()])
        if not all(_near(a, b) for a, b in zip(w, g, strict=True)):
            wrong.append(f"state of {name} should be {w}, is {g}")
    verdict.wrong += verdict.note("wrong", wrong)


def _near(a: object, b: object) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) <= 1e-9 * max(1.0, abs(a))  # compiled code may fuse a multiplication and an addition
    return a == b
