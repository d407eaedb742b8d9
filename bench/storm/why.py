"""`python -m bench.storm.why [--seed N] [--data FILE]`: what became of truths that were missed, split, merged, hidden.

For each, what was told of it in its first minutes, and every incident that held one of its signals: when it was opened,
withheld and for which reason, and shown, in seconds from the truth's first signal.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from bench.storm.driver import Watcher, fold
from brain.drill.judge import Judge
from brain.drill.storm import Storm, make_storm
from brain.drill.storm.file import read
from brain.incidents.city import CityLogic
from streams.logic import CityLogic as Logic

TOLD_MS = 180_000
"""How long after its first signal a truth's signals are listed."""
AROUND_MS = 1_500_000
"""How long before and after it what incidents did is listed."""


class _State(msgspec.Struct):
    id: str
    event_code: str
    opened: int
    level: int
    count: int
    shown: int | None = None
    withheld: str = ""
    cause: str = ""

    def word(self) -> str:
        """Shown, or why not."""
        return "shown" if self.shown is not None else self.withheld or "withheld"


_decode = msgspec.json.Decoder(_State).decode


class _History(Watcher):
    """A watcher that keeps how each incident went from one state to the next."""

    def __init__(self) -> None:
        super().__init__()
        self.states: dict[str, list[tuple[int, _State]]] = {}

    def see(self, value: bytes | None, now: int) -> None:
        """One record; only a state that reads otherwise than the one before is kept."""
        super().see(value, now)
        if value is None:
            return
        state = _decode(value)
        before = self.states.setdefault(state.id, [])
        if not before or before[-1][1].word() != state.word():
            before.append((now, state))


def explain(storm: Storm, logic: Logic) -> Iterator[str]:
    """Lines about the truths that a fold did not show as it should."""
    watcher = _History()
    fold(storm, logic, watcher)
    judge = Judge(storm)
    verdict = judge(watcher.result())
    wrong = [watcher.shown[name] for name in verdict.wrong]
    merged = {t for one in wrong for identity in one.counted for t in judge.label.get(identity, ())}
    hidden = {t for identity in verdict.hidden for t in judge.label.get(identity, ())}
    for truth in storm.truths:
        marks = [
            word for word, is_so in (
                ("seen too late" if truth.id in verdict.late else "missed", truth.id in verdict.missed),
                (f"{verdict.extra.get(truth.id, 0)} more shown", truth.id in verdict.extra),
                ("never-hidden signals hidden", truth.id in hidden),
                ("in one incident with another truth", truth.id in merged),
            ) if is_so
        ]  # fmt: skip
        if not marks:
            continue
        first = judge.first[truth.id]
        name = " ".join((truth.id, truth.family, *truth.tags))
        yield f"{name}: {', '.join(marks)}"
        told = [s for s, label in zip(storm.signals, storm.labels, strict=True) if label == truth.id]
        for s in told:
            if s.fold - first <= TOLD_MS:
                yield f"  {(s.fold - first) / 1000:7.1f}  {s.kind:6} {s.level} {s.source:7} {s.scenario} {s.asset}"
        for incident in dict.fromkeys(i for s in told for i in watcher.holders.get(s.identity(), ())):
            yield f"  {incident} {watcher.states[incident][0][1].event_code}"
            for now, state in watcher.states[incident]:
                if abs(now - first) <= AROUND_MS:
                    because = f" of {state.cause}" if state.cause else ""
                    what = f"{state.word()}{because}, level {state.level}, count {state.count}"
                    yield f"  {(now - first) / 1000:7.1f}    {what}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints it."""
    parser = argparse.ArgumentParser(prog="python -m bench.storm.why", description="What became of truths.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, help="a storm's file (docs/storm.md)")
    chosen = parser.parse_args(arguments)
    for line in explain(read(chosen.data) if chosen.data else make_storm(chosen.seed), CityLogic()):
        print(line)


if __name__ == "__main__":
    main()
