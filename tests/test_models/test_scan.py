"""The space-time scan against enumeration in plain Python, against a reference program, and on awkward input."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench import scan as reference
from bench.harness import shared
from models.scan import SpaceTimeScan, best_by_centre, highest_ratio, neighbourhoods


def plain(places: np.ndarray, counts: np.ndarray, radius: float, days: int, least: int) -> float:
    """Highest ratio over all circles and spans, as the definition has it."""
    cases, best = counts.sum(), 0.0
    for centre in places:
        far = np.sqrt(((places - centre) ** 2).sum(axis=1))
        for reach in np.unique(far[far <= radius]):
            inside = far <= reach
            if counts[inside].sum() > cases / 2:
                continue
            for d in range(1, min(days, counts.shape[1]) + 1):
                seen = counts[inside, -d:].sum()
                due = counts[inside].sum() * counts[:, -d:].sum() / cases
                if seen >= least and seen > due:
                    rest = (cases - seen) * math.log((cases - seen) / (cases - due)) if seen < cases else 0.0
                    best = max(best, seen * math.log(seen / due) + rest)
    return best


@pytest.mark.parametrize("seed", range(8))
def test_the_first_cluster_is_that_of_enumeration(seed: int) -> None:
    random = np.random.default_rng(seed)
    # On a coarse lattice many sites share a distance, and some a place.
    places, counts = random.integers(0, 6, (25, 2)) * 500.0, random.poisson(0.3, (25, 20))
    found = SpaceTimeScan(1500.0, 5, replicates=0).scan(places, counts)
    assert found[0].llr == pytest.approx(plain(places, counts, 1500.0, 5, 2), rel=1e-12)


@pytest.mark.skipif(
    shared(reference.FOLDER) is None, reason="no shared/data/satscan_nycfever beside or above the project"
)
def test_all_clusters_of_the_seven_reference_outputs_are_reproduced() -> None:
    folder = shared(reference.FOLDER)
    assert folder is not None
    fever, model = reference.read(folder), SpaceTimeScan(**reference.LIMITS, replicates=0)
    outputs = sorted(folder.glob("nyc_*.txt"))
    assert len(outputs) == 7
    for path in outputs:
        theirs = reference.parse(path.read_text(encoding="utf-8"))
        ours = model.scan(fever.places, fever.counts(theirs[0].last))
        assert reference.differences(fever, ours, theirs, theirs[0].last) == [], path.name


def lattice() -> np.ndarray:
    return np.array([(x, y) for x in range(8) for y in range(8)]) * 1000.0


def test_a_planted_outbreak_is_found_where_and_since_when_it_is() -> None:
    random = np.random.default_rng(4)
    places, counts = lattice(), random.poisson(0.15, (64, 40))
    core = np.flatnonzero(((places - places[27]) ** 2).sum(axis=1) <= 1000.0**2)
    counts[core, -3:] += 2
    first = SpaceTimeScan().scan(places, counts)[0]
    assert set(core.tolist()) <= set(first.sites)
    assert (first.days, first.p, first.recurrence_days) == (3, 0.001, 1000)


def test_a_rise_everywhere_is_called_unusual_no_more_often_than_its_p_says() -> None:
    p = []
    for seed in range(60):
        random = np.random.default_rng(seed)
        counts = np.concatenate([random.poisson(0.2, (64, 37)), random.poisson(0.6, (64, 3))], axis=1)
        p.append(SpaceTimeScan(replicates=39).scan(lattice(), counts)[0].p)
    assert 1 <= sum(one <= 0.1 for one in p) <= 14
    assert 0.35 < np.mean(p) < 0.65


def test_clusters_share_no_site_and_come_by_ratio() -> None:
    random = np.random.default_rng(6)
    found = SpaceTimeScan(replicates=0).scan(lattice(), random.poisson(0.3, (64, 20)))
    sites = [s for cluster in found for s in cluster.sites]
    assert len(found) > 3
    assert len(sites) == len(set(sites))
    assert [c.llr for c in found] == sorted((c.llr for c in found), reverse=True)


def test_the_same_seed_gives_the_same_p_and_the_input_stays_as_it_is() -> None:
    counts = np.random.default_rng(7).poisson(0.3, (64, 20))
    kept = counts.copy()
    one, other = (SpaceTimeScan(replicates=99, seed=3).scan(lattice(), counts) for _ in range(2))
    assert one == other
    np.testing.assert_array_equal(counts, kept)


def test_nothing_and_a_single_case_are_no_cluster() -> None:
    counts = np.zeros((64, 20), np.int64)
    assert SpaceTimeScan().scan(lattice(), counts) == []
    counts[3, 19] = 1
    assert SpaceTimeScan().scan(lattice(), counts) == []


def test_the_units_of_the_places_and_where_they_begin_change_nothing() -> None:
    counts = np.random.default_rng(8).poisson(0.3, (64, 20))
    near = SpaceTimeScan(3000.0, replicates=0).scan(lattice(), counts)
    far = SpaceTimeScan(3.0, replicates=0).scan(lattice() / 1000.0 + 512.0, counts)
    assert [(c.sites, c.observed, c.llr) for c in near] == [(c.sites, c.observed, c.llr) for c in far]


def test_input_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected \(sites, 2\)"):
        SpaceTimeScan().scan(lattice(), np.zeros((3, 4), np.int64))
    with pytest.raises(ValueError, match="expected places within"):
        SpaceTimeScan().scan(lattice() * 1e300, np.zeros((64, 4), np.int64))
    with pytest.raises(ValueError, match="no count below 0"):
        SpaceTimeScan().scan(lattice(), np.full((64, 4), -1))
    with pytest.raises(ValueError, match="radius: expected"):
        SpaceTimeScan(radius=-1.0)


def test_the_highest_ratio_of_a_permutation_is_that_of_its_clusters() -> None:
    random = np.random.default_rng(5)
    for _ in range(20):
        places = random.uniform(0, 5, (30, 2)) if random.random() < 0.7 else lattice()[:30] / 1000.0
        near, far, start = neighbourhoods(places, 2.0)
        counts = random.poisson(0.2, (30, 12))
        recent = np.cumsum(counts[:, ::-1][:, :5], axis=1)
        limits = (5, 2, 0.5 * counts.sum())
        all_of_them = near, far, start, recent, counts.sum(axis=1), *limits
        assert highest_ratio(*all_of_them) == best_by_centre(*all_of_them)[4].max()
