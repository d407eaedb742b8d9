"""The real incidents under the engine's faults, by seed; and that a rule of theirs that is missing is noticed."""

from __future__ import annotations

import pytest

from brain.drill.simulate.mutants import MUTANTS, reverted
from brain.drill.simulate.run import simulate

FEW = 8
WITHIN = 200


def test_a_few_seeds_end_with_the_incidents_of_a_run_without_faults() -> None:
    outcomes = [simulate(seed) for seed in range(FEW)]
    failed = [str(o) for o in outcomes if o.failed]
    assert not failed, failed[0]
    faults = {name for o in outcomes for name in o.faults}
    assert {"crash city", "compact", "lost at end", "crash_after at end", "fetch repeat"} <= faults


def test_a_seed_gives_the_same_on_every_run() -> None:
    assert simulate(3) == simulate(3)


def _found(name: str, seeds: int) -> bool:
    with reverted(name):
        return any(simulate(seed).failed for seed in range(seeds))


QUICK = (
    "after a restart no clock fires",
    "feedback that waits is not kept",
    "what is over stays in the state",
)


@pytest.mark.parametrize("name", QUICK)
def test_a_missing_rule_is_found_at_once(name: str) -> None:
    assert _found(name, FEW)


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(MUTANTS.keys() - set(QUICK)))
def test_a_missing_rule_is_found_within_two_hundred_seeds(name: str) -> None:
    assert _found(name, WITHIN)


@pytest.mark.long
def test_two_hundred_seeds_hold() -> None:
    failed = [str(o) for o in map(simulate, range(10_000, 10_200)) if o.failed]
    assert not failed, failed[0]
