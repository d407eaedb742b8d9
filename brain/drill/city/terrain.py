"""Ground of the sample city: heights, coast, islands and where people live, as formulas of a seed.

Plane metres about the south-west corner of a box. The box lies in open sea on the globe, where nothing invented here
can be taken for a real border, street or site.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
B1 = NDArray[np.bool_]

WEST, SOUTH, EAST, NORTH = 113.05, 20.95, 114.05, 21.50
METRES_EAST, METRES_NORTH = 103_860.0, 110_730.0
"""Metres of one degree in the middle of the box: for drawing; lengths that are written down are worked out anew."""
WIDTH, HEIGHT = (EAST - WEST) * METRES_EAST, (NORTH - SOUTH) * METRES_NORTH
DECIMALS = 7
"""Of degrees: a centimetre."""
MAINLAND, BRIDGED = 0, 1
"""Bodies of land: the mainland, the island with bridges; from 2 on those that only boats reach."""
WAVES = 36


class Scale(NamedTuple):
    """How many of everything; ``detail``: a border between two grids is cut into at most 2 ** detail pieces."""

    name: str
    towns: int
    communities: int
    grids: int
    sites: int
    addresses: int
    nodes: int
    assets: int
    cameras: int
    reservoirs: int
    islands: int
    detail: int


FULL = Scale("full", 25, 320, 2_000, 5_000, 100_000, 30_000, 10_000, 2_000, 18, 9, 4)
SMALL = Scale("small", 10, 40, 200, 500, 4_000, 2_400, 1_000, 200, 6, 5, 3)
SCALES = {s.name: s for s in (FULL, SMALL)}


def stream(seed: int, part: str) -> np.random.Generator:
    """Random numbers of one part of the city: another part that draws more or less does not move this one."""
    return np.random.default_rng([seed, *part.encode()])


def degrees(x: F8, y: F8) -> tuple[F8, F8]:
    """Longitude and latitude of plane metres, rounded as they are written."""
    return np.round(WEST + x / METRES_EAST, DECIMALS), np.round(SOUTH + y / METRES_NORTH, DECIMALS)


def plane(lon: F8, lat: F8) -> tuple[F8, F8]:
    """Plane metres of longitude and latitude."""
    return (lon - WEST) * METRES_EAST, (lat - SOUTH) * METRES_NORTH


@dataclass(frozen=True)
class Terrain:
    """Heights and people of one seed. Immutable.

    ``centres`` (c, 2) metres, the first ``mainland`` of them on the mainland, those after on islands; ``weight`` and
    ``spread`` (c,): how crowded a centre is, and how far its crowd reaches in metres. ``islands`` (i, 2) middles and
    ``radius`` (i,); the first is the bridged one.
    """

    scale: Scale
    waves: F8
    hills: F8
    islands: F8
    radius: F8
    centres: F8
    weight: F8
    spread: F8
    mainland: int
    urban: B1

    def heights(self, x: F8, y: F8) -> F8:
        """Metres above the sea of (n,) places; below 0 is sea."""
        return np.asarray(self._fields(x, y).max(axis=1))

    def bodies(self, x: F8, y: F8) -> I8:
        """Which body of land a place belongs to, or would if it were land: MAINLAND, BRIDGED, or a further island."""
        return np.asarray(np.argmax(self._fields(x, y), axis=1))

    def inside(self, x: F8, y: F8) -> B1:
        """On the city's side of its border with the neighbours on land, which is far from all islands."""
        wave = 900 * np.sin(x / 4_700 + 1.0) + 600 * np.sin(y / 3_100)
        margin = np.minimum(np.minimum(x - 5_000, WIDTH - 5_000 - x), HEIGHT - 4_000 - y)
        return np.asarray(margin + wave > 0)

    def crowd(self, x: F8, y: F8) -> F8:
        """How crowded places (n,) are, without unit: 0 in the hills, about 1 in the main centre."""
        away = np.hypot(x[:, None] - self.centres[:, 0], y[:, None] - self.centres[:, 1])
        return np.asarray((self.weight * np.exp(-away / self.spread)).sum(axis=1))

    def people(self, draw: np.random.Generator, n: int, background: float) -> tuple[F8, F8]:
        """Places (n,) drawn as people are spread, and this share of them anywhere in the box; land or not."""
        mass = self.weight * self.spread**2
        which = draw.choice(len(mass), n, p=mass / mass.sum())
        away, turn = draw.gamma(2.0, self.spread[which]), draw.uniform(0, 2 * np.pi, n)
        x, y = self.centres[which, 0] + away * np.cos(turn), self.centres[which, 1] + away * np.sin(turn)
        anywhere = draw.random(n) < background
        x[anywhere], y[anywhere] = draw.uniform(0, WIDTH, anywhere.sum()), draw.uniform(0, HEIGHT, anywhere.sum())
        return x, y

    def _fields(self, x: F8, y: F8) -> F8:
        """(n, bodies) height that each body of land has of its own; the highest counts."""
        noise = np.zeros(len(x))
        for east, north, phase, high in self.waves:
            noise += high * np.sin(east * x + north * y + phase)
        fields = np.empty((len(x), 1 + len(self.radius)))
        coast = HEIGHT * (0.47 + 0.05 * np.sin(x / 15_000 + 0.6) - 0.16 * np.exp(-(((x - 0.46 * WIDTH) / 9_000) ** 2)))
        ramp = (y - coast) * 0.004
        hills = sum(
            high * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * s * s)) for cx, cy, s, high in self.hills.tolist()
        )
        # Hills rise inland only: noise and hills fade towards the coast, so that the shelf stays sea.
        fields[:, MAINLAND] = ramp + noise + hills / (1 + np.exp(-(y - coast) / 2_500))
        for k, ((cx, cy), r) in enumerate(zip(self.islands, self.radius, strict=True), 1):
            away = np.hypot(x - cx, (y - cy) * 1.25) / r
            fields[:, k] = 40 * (1 - away**1.5) * np.minimum(1.0, r / 1_500) + 0.5 * noise
        # A strait keeps off the mainland: it yields to each island by some kilometre and a half of sea.
        for (cx, cy), r in zip(self.islands, self.radius, strict=True):
            away = np.hypot(x - cx, (y - cy) * 1.25)
            fields[:, MAINLAND] -= 60 * np.exp(-((np.maximum(away - r, 0) / 1_800) ** 2))
        return fields


def terrain(seed: int, scale: Scale) -> Terrain:
    """Ground of a seed. A smaller scale has fewer islands and centres on the same coast."""
    draw = stream(seed, "terrain")
    length = draw.uniform(3_000, 16_000, WAVES)
    turn = draw.uniform(0, 2 * np.pi, WAVES)
    waves = np.column_stack((
        2 * np.pi / length * np.cos(turn), 2 * np.pi / length * np.sin(turn), draw.uniform(0, 2 * np.pi, WAVES),
        3.2 * (length / 16_000) ** 0.8,
    ))  # fmt: skip
    hills = np.column_stack((
        draw.uniform(0.05, 0.95, 16) * WIDTH, draw.uniform(0.62, 1.0, 16) * HEIGHT,
        draw.uniform(2_500, 5_500, 16), draw.uniform(120, 420, 16),
    ))  # fmt: skip
    islands, radius = _islands(draw, scale)
    return _settled(draw, scale, Terrain(
        scale, waves, hills, islands, radius, np.zeros((1, 2)), np.ones(1), np.ones(1), 0, np.zeros(0, np.bool_)
    ))  # fmt: skip


def _islands(draw: np.random.Generator, scale: Scale) -> tuple[F8, F8]:
    """The bridged island off the main bay, the others far enough apart for the sea between them."""
    middles, radius = [(0.66 * WIDTH, 0.27 * HEIGHT)], [5_200.0]
    wanted = np.linspace(3_600, 1_100, scale.islands - 1)
    while len(radius) < scale.islands:
        r = float(wanted[len(radius) - 1])
        x, y = draw.uniform(0.08, 0.92) * WIDTH, draw.uniform(0.07, 0.2) * HEIGHT
        if all(np.hypot(x - a, y - b) > 1.4 * (r + s) + 3_000 for (a, b), s in zip(middles, radius, strict=True)):
            middles.append((x, y))
            radius.append(r)
    return np.array(middles), np.array(radius)


def _settled(draw: np.random.Generator, scale: Scale, bare: Terrain) -> Terrain:
    """The ground with its centres: the old town by the bay, a ring of streets around it, two more seats, the towns."""
    mainland = scale.towns - (3 if scale.towns >= 20 else 2)
    streets = mainland * 2 // 5
    centres: list[tuple[float, float]] = []
    core = (0.44 * WIDTH, 0.46 * HEIGHT)
    fixed = [core, (0.2 * WIDTH, 0.66 * HEIGHT), (0.78 * WIDTH, 0.68 * HEIGHT)]
    for middle, apart, reach in [(m, 0.0, 2_000.0) for m in fixed] + [
        *[(core, 2_600.0, 7_500.0)] * (streets - 1),
        *[((WIDTH / 2, HEIGHT / 2), 7_000.0, WIDTH)] * (mainland - streets - 2),
    ]:
        centres.append(_place(draw, bare, MAINLAND, middle, reach, apart, centres))
    for k in range(scale.towns - mainland - 1):
        # On the bridged island; with two, one on each side of its middle.
        at = bare.islands[0] + np.array([(2 * k - 1) * 2_600.0 if scale.towns - mainland > 2 else 0.0, 0.0])
        centres.append((float(at[0]), float(at[1])))
    centres += [(float(a), float(b)) for a, b in bare.islands[1:]]
    n, outer = len(centres), len(bare.islands) - 1
    urban = np.zeros(n, np.bool_)
    urban[:3] = urban[3 : 2 + streets] = True
    weight, spread = draw.uniform(0.10, 0.25, n), draw.uniform(900, 1_500, n)
    weight[urban], spread[urban] = draw.uniform(0.45, 0.7, urban.sum()), draw.uniform(1_300, 1_800, urban.sum())
    weight[0], spread[0] = 1.0, 1_800.0
    weight[n - outer :], spread[n - outer :] = 0.06, 0.3 * bare.radius[1:]
    return Terrain(scale, bare.waves, bare.hills, bare.islands, bare.radius, np.array(centres), weight, spread,
                   mainland, urban)  # fmt: skip


def _place(
    draw: np.random.Generator, ground: Terrain, body: int, middle: tuple[float, float], reach: float, apart: float,
    taken: list[Any],
) -> tuple[float, float]:  # fmt: skip
    """A low place on the body within reach, away from those taken; nearer to them, and higher, where there is none."""
    while True:
        for _ in range(4):
            turn, away = draw.uniform(0, 2 * np.pi, 400), reach * np.sqrt(draw.random(400))
            x, y = middle[0] + away * np.cos(turn), middle[1] + away * np.sin(turn)
            good = ground.inside(x, y + 2_000) & (ground.bodies(x, y) == body) & (ground.heights(x, y) > 4)
            good &= (x > 0) & (x < WIDTH) & (y > 0)
            for a, b in taken:
                good &= np.hypot(x - a, y - b) >= apart
            if good.any():
                k = int(np.flatnonzero(good)[np.argmin(ground.heights(x, y)[good])])
                return float(x[k]), float(y[k])
        apart, reach = apart * 0.9, reach * 1.1
