"""Areas of shapes in square metres, wherever they lie."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer


@lru_cache(maxsize=1)
def _equal_area() -> Transformer:
    return Transformer.from_crs("EPSG:4326", "EPSG:6933", always_xy=True)


def square_metres(shapes: Any) -> NDArray[np.float64]:
    """Areas of (n,) shapes in WGS 84 degrees, on the ellipsoid; 0 for points, lines and None.

    Edges are straight in degrees, as the map has them. An invalid polygon has the area its rings enclose with sign: a
    bow-tie's is about 0.
    """
    plane = shapely.transform(np.atleast_1d(np.asarray(shapes, object)), _metres)
    return np.nan_to_num(np.asarray(shapely.area(plane), np.float64))


def _metres(at: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack(_equal_area().transform(at[:, 0], at[:, 1]))
