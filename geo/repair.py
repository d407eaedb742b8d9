"""Mending of invalid polygons, on request only, with what it did to each: a bow-tie's area is a matter of opinion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import shapely

from geo.areas import square_metres
from geo.feature import Feature, where
from geo.layers import KINDS


class Repaired(NamedTuple):
    """One feature that was mended: why, its area before and after in square metres."""

    where: str
    why: str
    before: float
    after: float


def repair(features: Sequence[Feature]) -> tuple[list[Feature], list[Repaired]]:
    """The features with valid polygons, and what was changed.

    The rings' structure decides: what an outer ring encloses and no hole does, counted once. What collapses to a line
    is dropped; a feature of which nothing is left stays as it is, for a check to refuse. Overlaps and gaps between
    features are not touched: who gets the strip is a person's decision.
    """
    mended, told = [], []
    for f in features:
        if f.shape is None or KINDS.get(f.shape.geom_type) != "polygon" or f.shape.is_valid:
            mended.append(f)
            continue
        try:
            shape = shapely.orient_polygons(shapely.make_valid(f.shape, method="structure", keep_collapsed=False))
        except shapely.errors.GEOSException:  # not finite: nothing to mend
            shape = f.shape
        if shape.is_empty or KINDS.get(shape.geom_type) != "polygon" or not shape.is_valid:
            mended.append(f)
            continue
        mended.append(replace(f, shape=shape))
        before, after = square_metres([f.shape, shape]).tolist()
        told.append(Repaired(where(f), shapely.is_valid_reason(f.shape), before, after))
    return mended, told
