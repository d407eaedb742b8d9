"""Fold times by name: those of a row for every name, in rows as few as names speak at once."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.fold_times import FOLD_DTYPE, FOLD_TABLE, FoldTimes
from streams.pulse import hold
from streams.state import Store, Table

Said = tuple[bytes, int, int, bool]


def said(seed: int, n: int, names: int) -> list[Said]:
    """Names, event times, clocks and whether a pulse said so: some late, some ahead, before the first pulse unsure."""
    rng, clock, out = random.Random(seed), 100_000, list[Said]()
    for k in range(n):
        pulsed = k > 10
        clock = clock + rng.choice((0, 0, 1_000)) if pulsed else 100_000 + rng.randrange(-3_000, 3_000)
        clock = max(clock, 101_000) if pulsed else clock
        out.append((f"n{rng.randrange(names)}".encode(), clock + rng.randrange(-5_000, 5_000), clock, pulsed))
    return out


def store() -> Store:
    return Store({FOLD_TABLE: FOLD_DTYPE}, "test")


def rows(table: Table) -> list[tuple[bytes, bytes]]:
    return [(key, table.rows[slot].tobytes()) for slot, key in enumerate(table.keys)]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), names=st.sampled_from((2, 20, 400)), every=st.integers(1, 60))
def test_they_are_those_of_a_row_for_every_name_through_restarts(seed: int, names: int, every: int) -> None:
    oracle: dict[bytes, int] = {}
    whole, cut, log = store(), store(), list[tuple[bytes, bytes]]()
    one, other = FoldTimes(whole.table(FOLD_TABLE)), FoldTimes(cut.table(FOLD_TABLE))
    waiting: list[Said] = []
    for k, (key, t, clock, pulsed) in enumerate(said(seed, 300, names)):
        oracle[key] = hold(t, clock, oracle.get(key, 0))
        assert one.hold(key, t, clock, pulsed=pulsed) == oracle[key]
        assert other.hold(key, t, clock, pulsed=pulsed) == oracle[key]
        waiting.append((key, t, clock, pulsed))
        if k % every == every - 1:
            if k % 2:
                cut.rollback()
                other = FoldTimes(cut.table(FOLD_TABLE))
                for name, at, now, sure in waiting:
                    other.hold(name, at, now, pulsed=sure)
            log += cut.flush(k)
            waiting.clear()
            cut = store()
            cut.restore(log)
            other = FoldTimes(cut.table(FOLD_TABLE))
    assert rows(whole.table(FOLD_TABLE)) == rows(cut.table(FOLD_TABLE))


def test_names_that_come_once_and_never_again_take_no_more_rows_the_longer_it_runs() -> None:
    def held(n: int) -> tuple[int, int]:
        table = store().table(FOLD_TABLE)
        folds = FoldTimes(table)
        for k in range(n):
            folds.hold(b"topic/%d" % k, 1_000 * k, 1_000 * k, pulsed=True)
        return table.n, len(folds._seats) + len(folds._names) + len(folds._ends)

    assert held(50) == held(5_000)
    assert held(50)[0] < 5


def test_rows_of_an_earlier_release_go_on_under_their_names() -> None:
    table = store().table(FOLD_TABLE)
    table.rows["fold"][table.slot(b"pump-1")] = 90_000
    folds = FoldTimes(table)
    assert folds.hold(b"pump-1", 1, 1_000, pulsed=True) == 90_000
    assert (len(folds), table.n) == (0, 1)
