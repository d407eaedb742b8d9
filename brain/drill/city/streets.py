"""Which pieces of street are one road, its name, and where along it each piece lies."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from brain.drill.city import names
from brain.drill.city.terrain import F8, I8

STRAIGHT_ON = 0.70
"""Cosine of the bend up to which a road goes on under its name: about 45 degrees."""
SUFFIXES = ("高速", "大道", "路", "路", "街", "大桥")
LANE_M = 350.0
"""Metres below which a local street is a lane 巷."""


def chains(x: F8, y: F8, a: I8, b: I8, kind: I8, metres: F8) -> tuple[I8, F8, I8]:
    """Roads of streets (m,) between nodes a and b.

    Returns
    -------
    Number of the road, metres from the road's beginning to this street, and the node at which the street is entered
    from there: each (m,).
    """
    partner = _partners(x, y, a, b, kind)
    road, along, first = np.full(len(a), -1), np.zeros(len(a)), a.copy()
    ends = np.flatnonzero((partner < 0).any(axis=1)).tolist()
    number = 0
    # Roads that run in a ring have no end; they begin anywhere.
    for k in [*ends, *range(len(a))]:
        if road[k] >= 0:
            continue
        street, node, far = k, int(b[k] if partner[k, 0] >= 0 else a[k]), 0.0
        while street >= 0 and road[street] < 0:
            road[street], along[street], first[street] = number, far, node
            far += float(metres[street])
            out = 1 if node == a[street] else 0
            node = int(b[street] if out else a[street])
            street = int(partner[street, out])
        number += 1
    return road, along, first


def _partners(x: F8, y: F8, a: I8, b: I8, kind: I8) -> I8:
    """(m, 2) street that goes on at either end, -1 where none does: straightest pairs first."""
    m = len(a)
    node = np.concatenate((a, b))
    other = np.concatenate((b, a))
    street = np.concatenate((np.arange(m), np.arange(m)))
    away = np.hypot(x[other] - x[node], y[other] - y[node])
    east, north = (x[other] - x[node]) / away, (y[other] - y[node]) / away
    order = np.argsort(node, kind="stable")
    first = np.searchsorted(node[order], np.arange(len(x) + 1)).tolist()
    at = order.tolist()
    e, n, s, k = east.tolist(), north.tolist(), street.tolist(), kind.tolist()
    partner = np.full((m, 2), -1)
    for low, high in pairwise(first):
        ends = at[low:high]
        pairs = sorted(
            (e[p] * e[q] + n[p] * n[q], p, q)
            for i, p in enumerate(ends) for q in ends[i + 1 :]
            if k[s[p]] == k[s[q]] and e[p] * e[q] + n[p] * n[q] < -STRAIGHT_ON
        )  # fmt: skip
        used: set[int] = set()
        for _, p, q in pairs:
            if p not in used and q not in used:
                used |= {p, q}
                partner[s[p], int(p >= m)], partner[s[q], int(q >= m)] = s[q], s[p]
    return partner


def street_names(draw: np.random.Generator, road: I8, kind: I8, metres: F8) -> list[str]:
    """A name for each road, none twice."""
    named = names.Names(draw)
    roads = int(road.max()) + 1
    long = np.bincount(road, metres, roads)
    of = np.zeros(roads, np.int64)
    of[road] = kind
    local = SUFFIXES.index("街")
    return [
        named.before("巷" if k == local and far < LANE_M else SUFFIXES[k])
        for k, far in zip(of.tolist(), long.tolist(), strict=True)
    ]
