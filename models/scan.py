"""Space-time scan: where and since when more cases come than place and time alone explain.

The prospective space-time permutation scan: every circle around a site, every span of the last days, against what
the margins let expect; significance by permuting the days among the cases. It needs no population and no history
beyond the study period. Kulldorff, Heffernan, Hartman, Assunção and Mostashari 2005 (PLoS Medicine 2: e59).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.detector import F8, LARGEST, within

I8 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Cluster:
    """One circle and span that stands out.

    Attributes
    ----------
    centre, sites : number of the site in the middle, and of all sites within, by distance; the centre is the first.
    radius : distance of the last site, in the unit of the places.
    days : length of the span; it ends with the last day.
    observed, expected : cases within, and what the margins let expect.
    llr : log likelihood ratio.
    p : share of permutations, the data among them, whose highest ratio is at least this one; NaN without any.
    recurrence_days : days of daily scans between two such chance finds, 1/p; NaN without p.
    """

    centre: int
    sites: tuple[int, ...]
    radius: float
    days: int
    observed: int
    expected: float
    llr: float
    p: float
    recurrence_days: float


@dataclass(frozen=True, slots=True)
class SpaceTimeScan:
    """The scan's limits. One call judges one day: the last column of the counts.

    Does not work where the share of places changes through the study period for other reasons (a new clinic reports,
    a district's reporting stops): it shows as a cluster; nor for a rise that is equal everywhere, which it cannot see
    (a count surge can). Days with no report count as days with no case. Adjacent days' finds are not independent: a
    recurrence interval holds for one look a day, not for several.

    Parameters
    ----------
    radius : largest circle, in the unit of the places, above 0.
    days : longest span, at least 1.
    least : fewest cases of a cluster, at least 1.
    share : largest share of all cases in a circle, over all days, in (0, 1].
    replicates : permutations; 0: no p. 999 resolve a recurrence interval up to 1,000 days.
    seed : of the permutations.
    """

    radius: float = 3000.0
    days: int = 7
    least: int = 2
    share: float = 0.5
    replicates: int = 999
    seed: int = 1

    def __post_init__(self) -> None:
        within("radius", self.radius, 0, open_low=True)
        within("days", self.days, 1)
        within("least", self.least, 1)
        within("share", self.share, 0, 1, open_low=True)
        within("replicates", self.replicates, 0)

    def scan(self, places: F8, counts: NDArray[np.integer]) -> list[Cluster]:
        """Clusters that share no site, highest ratio first; of each centre its best only. No cases: none.

        Parameters
        ----------
        places : (sites, 2 or 3) plane or space coordinates in one unit, finite.
        counts : (sites, days) cases, at least 0; the last column is today.

        Raises
        ------
        ValueError : shapes that do not fit, places that are not finite or absurd, negative counts.
        """
        if places.ndim != 2 or counts.ndim != 2 or len(places) != len(counts) or not counts.shape[1]:
            raise ValueError(
                f"places, counts: expected (sites, 2) and (sites, days), got {places.shape}, {counts.shape}"
            )
        if not (np.abs(places) <= LARGEST).all() or (counts < 0).any():
            raise ValueError(f"places, counts: expected places within {LARGEST:g} of 0 and no count below 0")
        if not counts.sum():
            return []
        near, far, start = neighbourhoods(places, self.radius)
        site, day = np.nonzero(counts)
        times = counts[site, day].astype(np.int64)
        site, day = np.repeat(site, times), np.repeat(day, times)
        longest = min(self.days, counts.shape[1])
        limits = (longest, self.least, self.share * len(site))
        size, span, observed, expected, llr = best_by_centre(
            near, far, start, _recent(site, day, counts.shape, longest), counts.sum(axis=1).astype(np.int64), *limits
        )
        chance = self._chance(near, far, start, site, day, counts.shape, limits)
        found: list[Cluster] = []
        taken: set[int] = set()
        # Of equal ratios the smallest circle says most precisely where: sites without a case add nothing to it.
        for c in np.lexsort((np.arange(len(llr)), size, -llr)).tolist():
            sites = tuple(near[start[c] : start[c] + size[c]].tolist())
            if llr[c] <= 0 or taken.intersection(sites):
                continue
            taken.update(sites)
            p = (1 + int((chance >= llr[c]).sum())) / (1 + len(chance)) if len(chance) else np.nan
            found.append(
                Cluster(
                    c, sites, float(far[start[c] + size[c] - 1]), int(span[c]), int(observed[c]), float(expected[c]),
                    float(llr[c]), p, 1 / p,
                )
            )  # fmt: skip
        return found

    def _chance(
        self, near: I8, far: F8, start: I8, site: I8, day: I8, shape: tuple[int, ...], limits: tuple[int, int, float]
    ) -> F8:
        """Highest ratio of each permutation of the days among the cases; both margins stay as they are."""
        random = np.random.default_rng(self.seed)
        total = np.bincount(site, minlength=shape[0])
        highest = np.zeros(self.replicates)
        for k in range(self.replicates):
            recent = _recent(site, random.permutation(day), shape, limits[0])
            highest[k] = highest_ratio(near, far, start, recent, total, *limits)
        return highest


def _recent(site: I8, day: I8, shape: tuple[int, ...], longest: int) -> I8:
    """(sites, longest) cases of each site in the last 1, 2, ... days."""
    age = shape[1] - 1 - day
    young = age < longest
    counts = np.zeros((shape[0], longest), np.int64)
    np.add.at(counts, (site[young], age[young]), 1)
    return np.cumsum(counts, axis=1)


def neighbourhoods(places: F8, radius: float) -> tuple[I8, F8, I8]:
    """Sites within the radius of each site, by distance and number: (sites, distances, first entry of each)."""
    near: list[I8] = []
    far: list[F8] = []
    for place in places:
        distance = np.sqrt(((places - place) ** 2).sum(axis=1))
        order = np.lexsort((np.arange(len(places)), distance))
        order = order[distance[order] <= radius]
        near.append(order)
        far.append(distance[order])
    start = np.cumsum([0, *(len(one) for one in near)])
    return np.concatenate(near), np.concatenate(far), start


@njit(cache=True)
def best_by_centre(
    near: I8, far: F8, start: I8, recent: I8, total: I8, longest: int, least: int, most: float
) -> tuple[I8, I8, I8, F8, F8]:
    """For each centre the circle and span of the highest ratio: (sites, days, observed, expected, ratio or 0)."""
    centres = len(start) - 1
    size, span, observed = np.zeros(centres, np.int64), np.zeros(centres, np.int64), np.zeros(centres, np.int64)
    expected, llr = np.zeros(centres), np.zeros(centres)
    cases = total.sum()
    in_span = np.zeros(longest, np.int64)
    for s in range(len(total)):
        for d in range(longest):
            in_span[d] += recent[s, d]
    inside = np.zeros(longest, np.int64)
    for c in range(centres):
        inside[:] = 0
        ever = 0
        for k in range(start[c], start[c + 1]):
            s = near[k]
            ever += total[s]
            for d in range(longest):
                inside[d] += recent[s, d]
            # A circle holds all sites at its rim: sites of one distance come and go together.
            if k + 1 < start[c + 1] and far[k + 1] == far[k]:
                continue
            if ever > most:
                break
            for d in range(longest):
                if inside[d] < least:
                    continue
                due = ever * in_span[d] / cases
                ratio = log_ratio(inside[d], due, cases)
                if ratio > llr[c]:
                    llr[c], size[c], span[c] = ratio, k + 1 - start[c], d + 1
                    observed[c], expected[c] = inside[d], due
    return size, span, observed, expected, llr


@njit(cache=True)
def highest_ratio(
    near: I8, far: F8, start: I8, recent: I8, total: I8, longest: int, least: int, most: float
) -> float:  # fmt: skip
    """The highest ratio that :func:`best_by_centre` finds. Logarithms are taken only of what can be higher.

    As log x <= x - 1, a ratio is at most (seen - due)^2 cases / (due (cases - due)).
    """
    cases = total.sum()
    in_span = np.zeros(longest, np.int64)
    for s in range(len(total)):
        for d in range(longest):
            in_span[d] += recent[s, d]
    inside, share, best = np.zeros(longest, np.int64), in_span / cases, 0.0
    for c in range(len(start) - 1):
        inside[:] = 0
        ever = 0
        for k in range(start[c], start[c + 1]):
            s = near[k]
            ever += total[s]
            for d in range(longest):
                inside[d] += recent[s, d]
            if k + 1 < start[c + 1] and far[k + 1] == far[k]:
                continue
            if ever > most:
                break
            for d in range(longest):
                due = ever * share[d]
                over = inside[d] - due
                if inside[d] < least or over <= 0.0 or over * over * cases < 0.999999 * best * due * (cases - due):
                    continue
                best = max(best, log_ratio(inside[d], ever * in_span[d] / cases, cases))
    return best


@njit(cache=True, inline="always")
def log_ratio(seen: int, due: float, cases: int) -> float:
    """Log likelihood ratio of more cases than due; 0 where there are not more."""
    if seen <= due:
        return 0.0
    ratio = seen * np.log(seen / due)
    if seen < cases:
        ratio += (cases - seen) * np.log((cases - seen) / (cases - due))
    return float(ratio)
