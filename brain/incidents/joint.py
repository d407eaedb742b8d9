"""Several metrics of one asset in one view, once a minute: how rare their combination is, by half-space trees.

What the trees count is large and changes all over. Kept are the rows that they counted, those of the last two windows,
in blocks; from these the counts follow exactly.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from brain.minutes import assets_of
from brain.scenario import Scenario
from models.detector import F8
from models.halfspace import HalfSpaceTrees

STATE = b"joint/"
BLOCK = 32
"""Rows in one record of the state; an asset's last one is written anew with every row."""
BYTES_MOST = 64_000_000
"""Memory of one scenario's trees, over all its assets."""

Blocks = Mapping[str, Mapping[int, list[list[float]]]]
"""Asset → number of the block → its rows."""


class _Trees:
    """What is known of one asset."""

    def __init__(self, model: HalfSpaceTrees, blocks: Mapping[int, list[list[float]]]) -> None:
        self.model = model
        self.state: NDArray[Any] = np.zeros(1, model.state)
        last = max(blocks, default=0)
        self.n = last * BLOCK + len(blocks.get(last, ()))
        begin = self.first()
        rows = [row for number in sorted(blocks) for row in blocks[number]]
        rows = rows[len(rows) - (self.n - begin) :]
        if rows:
            self.learn(np.array(rows), 0)
        self.block = list(blocks.get(last, ())) if self.n % BLOCK else []

    def first(self) -> int:
        """Number of the oldest row that still counts: the first of the window before the one under way."""
        window = self.model.window
        return max(self.n // window - 1, 0) * window

    def learn(self, rows: F8, t: int) -> F8:
        """Scores of rows, which are then counted."""
        slot = np.zeros(len(rows), np.int32)
        return self.model.score(self.state, slot, np.full(len(rows), t, np.int64), rows)


class Joint:
    """One scenario of a set over its assets. Raises ValueError for trees too large for so many of them."""

    def __init__(self, s: Scenario, content: Any, known: Blocks) -> None:
        self.name = s.id
        m = len(s.match.metrics)
        self.model = HalfSpaceTrees((0.0,) * m, (1.0,) * m, **{k: v for k, v in s.detect.settings.items()
                                                               if k not in ("low", "high")})  # fmt: skip
        self._prefix = prefix(s)
        self._ranges = {asset: _range(s, content.registry, series) for asset, series in assets_of(s, content.registry)}
        size = len(self._ranges) * self.model.state.itemsize
        if size > BYTES_MOST:
            raise ValueError(
                f"{s.id}: halfspace: trees of {len(self._ranges)} assets take {size:,} bytes, at most {BYTES_MOST:,}: "
                "take fewer trees or less depth"
            )
        _Trees(self.model, {}).learn(np.zeros((0, m)), 0)  # compiled, or loaded, before a minute waits for it
        self._trees = {asset: _Trees(self.model, blocks) for asset, blocks in known.items() if asset in self._ranges}

    def score(self, rows: Mapping[str, F8], t: int) -> tuple[dict[str, float], dict[bytes, bytes | None]]:
        """Scores of the assets' rows at a minute's end, NaN while unknown, and the state that changed.

        Rows without a value, and assets without a range of each metric, have no score.
        """
        out: dict[str, float] = {}
        changed: dict[bytes, bytes | None] = {}
        for asset in sorted(set(rows) & set(self._ranges)):
            low, high = self._ranges[asset]
            row = (rows[asset] - low) / (high - low)
            if np.isnan(row).any():
                continue
            trees = self._trees.get(asset)
            if trees is None:
                trees = self._trees[asset] = _Trees(self.model, {})
            out[asset] = float(trees.learn(row[None, :], t)[0])
            before, number = trees.first(), trees.n // BLOCK
            trees.block.append(row.tolist())
            trees.n += 1
            changed[self._key(asset, number)] = msgspec.msgpack.encode(trees.block)
            if not trees.n % BLOCK:
                trees.block = []
            for gone in range(before // BLOCK, trees.first() // BLOCK):
                changed[self._key(asset, gone)] = None
        return out, changed

    def _key(self, asset: str, number: int) -> bytes:
        return self._prefix + f"{asset}/{number}".encode()


def prefix(s: Scenario) -> bytes:
    """Of the keys of a scenario's state: with other metrics or settings another, so that the trees begin anew."""
    form = msgspec.json.encode((s.match.metrics, sorted(s.detect.settings.items())))
    return STATE + f"{s.id}/{hashlib.blake2b(form, digest_size=4).hexdigest()}/".encode()


def known(start: bytes, items: Mapping[bytes, bytes]) -> dict[str, dict[int, list[list[float]]]]:
    """The blocks of one scenario among items of the state; ``start`` is its prefix."""
    out: dict[str, dict[int, list[list[float]]]] = {}
    for key, value in items.items():
        if key.startswith(start):
            asset, _, number = key[len(start) :].decode().rpartition("/")
            out.setdefault(asset, {})[int(number)] = msgspec.msgpack.decode(value, type=list[list[float]])
    return out


def _range(s: Scenario, registry: Any, series: list[int]) -> tuple[F8, F8]:
    """Of each metric: as the scenario states it, else as registered; NaN where that is none."""
    low, high = (np.array(s.detect.settings.get(side, given[series]), np.float64)
                 for side, given in (("low", registry.lo), ("high", registry.hi)))  # fmt: skip
    good = np.isfinite(low) & np.isfinite(high) & (low < high)
    return np.where(good, low, np.nan), np.where(good, high, np.nan)
