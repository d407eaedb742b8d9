"""The engine under faults, by seed; and that the simulator notices when one of the engine's rules is missing."""

import pytest

from streams.simulate.mutants import MUTANTS, reverted
from streams.simulate.run import simulate

FEW = 100
WITHIN = 1_000


def test_a_few_seeds_hold_and_come_to_rest() -> None:
    failed = [str(o) for o in map(simulate, range(FEW)) if o.failed]
    assert not failed, failed[0]


def test_a_seed_gives_the_same_on_every_run() -> None:
    assert [simulate(s) for s in range(3)] == [simulate(s) for s in range(3)]


def test_the_faults_really_happen() -> None:
    counts: dict[str, int] = {}
    for seed in range(60):
        for name, n in simulate(seed).faults.items():
            counts[name] = counts.get(name, 0) + n
    wanted = ("lost at end", "crash at send", "late at end", "move city", "compact", "fetch repeat", "killed by a row")
    assert not [name for name in wanted if not counts.get(name)]


def _found(name: str, seeds: int) -> bool:
    with reverted(name):
        return any(simulate(seed).failed for seed in range(seeds))


QUICK = (
    "a batch at another position is taken",
    "the position is committed apart from the output",
    "open and aborted transactions are read",
    "state is restored by latest key",
    "fold time is not held around the pulse",
    "the city resumes at what it had read",
    "released up to the pulse, not B before it",
    "timers fire by how the watermark steps",
    "a pulse counts though its sequence is old",
    "a forged pulse counts",
    "an old epoch may still write",
    "up-time grows over any gap",
    "a new conductor does not copy the last pulse",
    "a set comes into force at the end of a batch",
    "an excluded lane's notices keep their time",
    "a notice may overtake another",
)


@pytest.mark.parametrize("name", QUICK)
def test_a_missing_rule_is_found_at_once(name: str) -> None:
    assert _found(name, 40)


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(MUTANTS.keys() - set(QUICK)))
def test_a_missing_rule_is_found_within_a_thousand_seeds(name: str) -> None:
    assert _found(name, WITHIN)


@pytest.mark.long
def test_two_thousand_seeds_hold() -> None:
    failed = [str(o) for o in map(simulate, range(10_000, 12_000)) if o.failed]
    assert not failed, failed[0]
