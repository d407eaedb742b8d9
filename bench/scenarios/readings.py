"""Readings of the engine benchmark's form for the mix: one flat JSON object a record, every series in turn.

Values wander about each series' middle; now and then a run of five lies far from it, above or below.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bench.scenarios.mix import FAR, SET, City, level
from bench.watch.produce import PULSE_EVERY, integer, text_at
from bench.watch.workload import KEY, START_MS
from streams import pulse as pulses
from streams.decode.fast import Names
from streams.partition import partitions_of
from streams.pulse import Pulse

BAD, LASTS = 0.0013, 5
"""Chance that a reading begins a run of bad values, and how many there are."""
LONGEST = 320
"""Bytes that one reading has at most."""


@dataclass(frozen=True)
class Feed:
    """So many readings, one ms of event time each, with a pulse a second. ``seed`` decides order and values."""

    city: City
    readings: int
    seed: int

    @cached_property
    def series(self) -> NDArray[np.int64]:
        """Which series speaks when, once a round: reading n is of ``series[n % len(series)]``."""
        order: NDArray[np.int64] = np.random.default_rng(self.seed).permutation(len(self.city.registry.series_asset))
        return order

    @cached_property
    def values(self) -> NDArray[np.int64]:
        """All values (readings,), in thousandths."""
        registry, draw = self.city.registry, np.random.default_rng([self.seed, 1])
        around = np.array([
            level(registry.metrics[m], low, high)
            for m, low, high in zip(registry.series_metric.tolist(), registry.lo, registry.hi, strict=True)
        ])[self.series]  # fmt: skip
        off = draw.standard_normal(self.readings).clip(-4, 4)
        _bad(draw.random(self.readings), len(self.series), off)
        turn = np.arange(self.readings) % len(self.series)
        made: NDArray[np.int64] = np.rint(1000 * (around[turn, 0] + off * around[turn, 1]).clip(0)).astype(np.int64)
        return made

    @cached_property
    def _texts(self) -> tuple[Names, Names, Names]:
        """What stands before the time, between value and longitude, and before the latitude, of each series."""
        r = self.city.registry
        places = [(r.ids[a], r.metrics[m], r.units[u], float(r.lon[a]), float(r.lat[a])) for a, m, u in zip(
            r.series_asset.tolist(), r.series_metric.tolist(), r.series_unit.tolist(), strict=True
        )]  # fmt: skip
        heads = [b'{"asset":"%s","metric":"%s","t":' % (a.encode(), m.encode()) for a, m, *_ in places]
        tails = [b',"unit":"%s","lon":%.4f' % (u.encode(), lon) for _, _, u, lon, _ in places]
        ends = [b',"lat":%.4f' % lat for *_, lat in places]
        return Names.of(heads), Names.of(tails), Names.of(ends)

    def payloads(self, rows: NDArray[np.int64]) -> list[bytes]:
        """Bytes of some readings, in their order."""
        out, ends = np.empty(len(rows) * LONGEST, np.uint8), np.zeros(len(rows) + 1, np.int64)
        heads, tails, lats = self._texts
        which = self.series[rows % len(self.series)]
        rest = Names.of([b',"v":', b',"crs":"wgs84","q":"good","seq":', b"}"])
        _write(
            rows, which, self.values[rows], START_MS, heads.text, heads.ends, tails.text, tails.ends, lats.text,
            lats.ends, rest.text, rest.ends, out, ends,
        )  # fmt: skip
        data = out[: ends[-1]].tobytes()
        return [data[a:b] for a, b in itertools.pairwise(ends.tolist())]

    def keys(self) -> list[bytes]:
        """Key of every asset."""
        return [name.encode() for name in self.city.registry.ids]

    def seconds(
        self, partitions: int
    ) -> Iterator[tuple[bytes, NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]]:
        """Second by second: its pulse, the numbers of its readings, their assets and partitions. A pulse ends it."""
        of_asset = partitions_of(self.keys(), partitions)
        asset = self.city.registry.series_asset[self.series].astype(np.int64)
        for start in range(0, self.readings, PULSE_EVERY):
            rows = np.arange(start, min(start + PULSE_EVERY, self.readings))
            who = asset[rows % len(asset)]
            yield pulse(start // PULSE_EVERY), rows, who, of_asset[who]
        none = np.zeros(0, np.int64)
        yield pulse(self.readings // PULSE_EVERY + 1), none, none, none.astype(np.int32)


def pulse(second: int) -> bytes:
    """The pulse of a second."""
    return pulses.encode(Pulse(second, START_MS + second * 1000, second * 1000, SET, 0), KEY)


@njit(cache=True)
def _bad(chance, series, off):  # type: ignore[no-untyped-def]  # numba infers
    left, side = np.zeros(series, np.int64), np.ones(series)
    for n in range(len(off)):
        s = n % series
        if left[s]:
            left[s] -= 1
            off[n] = side[s] * FAR
        elif chance[n] < BAD:
            left[s] = LASTS
            side[s] = 1.0 if chance[n] < BAD / 2 else -1.0


@njit(cache=True)
def _write(rows, which, values, begun, heads, head, tails, tail, lats, lat, rest, cut, out, ends):  # type: ignore[no-untyped-def]  # numba infers
    at = 0
    for i in range(len(rows)):
        n, s, v = rows[i], which[i], values[i]
        at = integer(out, text_at(out, at, heads, head[s], head[s + 1]), begun + n, 1)
        at = integer(out, text_at(out, at, rest, cut[0], cut[1]), v // 1000, 1)
        out[at] = 46
        at = integer(out, at + 1, v % 1000, 3)
        while out[at - 1] == 48 and out[at - 2] != 46:
            at -= 1
        # A few metres of jitter in the last three of seven digits, as in the engine's readings.
        at = integer(out, text_at(out, at, tails, tail[s], tail[s + 1]), n % 97, 3)
        at = integer(out, text_at(out, at, lats, lat[s], lat[s + 1]), n % 89, 3)
        at = integer(out, text_at(out, at, rest, cut[1], cut[2]), n, 1)
        at = text_at(out, at, rest, cut[2], cut[3])
        ends[i + 1] = at
