"""Real lanes and the real city under the engine's faults, promotions in mid-run; and that a missing rule is seen."""

from __future__ import annotations

import pytest

from brain.drill.simulate.real.mutants import MUTANTS, reverted
from brain.drill.simulate.real.run import simulate

FEW = 5
WITHIN = 100


def test_a_few_seeds_with_a_promotion_and_its_rollback_end_as_a_run_without_faults() -> None:
    outcomes = [simulate(seed) for seed in range(FEW)]
    failed = [str(o) for o in outcomes if o.failed]
    assert not failed, failed[0]
    faults = {name for o in outcomes for name in o.faults}
    assert {"kill lane-1", "kill city", "killed by a row", "compact", "fetch repeat", "move city"} <= faults


def test_a_seed_gives_the_same_on_every_run() -> None:
    assert simulate(3) == simulate(3)


def _found(name: str, seeds: int) -> bool:
    with reverted(name):
        return any(simulate(seed).failed for seed in range(seeds))


QUICK = (
    "the city promotes when a seal names the set",
    "the shadow book is not restored",
    "a signal in shadow is told live",
    "after a restart no absence comes to its end",
    "a combination on trial is live in every district",
    "what a combination raised stays as it is when it is promoted or taken back",
    "an agent's state is committed before its signals",
    "a beat is left out after a restore",
)


@pytest.mark.parametrize("name", QUICK)
def test_a_missing_rule_is_found_at_once(name: str) -> None:
    assert _found(name, FEW)


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(MUTANTS.keys() - set(QUICK)))
def test_a_missing_rule_is_found_within_a_hundred_seeds(name: str) -> None:
    assert _found(name, WITHIN)


@pytest.mark.long
def test_two_hundred_seeds_hold() -> None:
    failed = [str(o) for o in map(simulate, range(10_000, 10_200)) if o.failed]
    assert not failed, failed[0]
