"""Homography: from a camera's image to metres on flat ground, out of point pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]


class Degenerate(ValueError):
    """The point pairs do not fix a homography; the text says which property they lack."""


@dataclass(frozen=True)
class Homography:
    """A camera's registration: ``matrix`` takes image points (px) to the ground (m); errors are of its own pairs.

    Does not work for ground that is not flat, for points above the ground (give the foot point of a box, not its
    centre), with a lens that bends straight lines, nor after the camera was turned. With four pairs the errors are 0
    whatever the pairs are worth: give six or more, spread over the image.

    Attributes
    ----------
    matrix : (3, 3), scaled so that its third row gives positive numbers in front of the horizon.
    rms_m, max_m : reprojection error of the pairs on the ground, in metres.
    """

    matrix: F8
    rms_m: float
    max_m: float

    def to_ground(self, image: F8) -> F8:
        """(n, 2) image points to (n, 2) metres; NaN for a point on or beyond the horizon, and for one that is NaN."""
        points = np.column_stack([image, np.ones(len(image))])
        # The sum is written out: a matrix product warns where a point is infinite.
        ground = np.full((len(image), 3), np.nan)
        known = np.isfinite(image).all(axis=1) & (np.abs(image) < 1e9).all(axis=1)
        ground[known] = points[known] @ self.matrix.T
        before = known & (ground[:, 2] > 1e-12)
        out = np.full((len(image), 2), np.nan)
        out[before] = ground[before, :2] / ground[before, 2:]
        return out


def register(image: F8, ground: F8, most_m: float = 1.0) -> Homography:
    """The homography nearest to the pairs (normalised direct linear transform).

    Parameters
    ----------
    image, ground : (n, 2), n >= 4: px and metres of a local plane (not degrees).
    most_m : greatest reprojection error that is accepted, metres.

    Raises
    ------
    Degenerate : fewer than four pairs, numbers that are not finite, three of four points on one line so that no unique
        homography exists, pairs on both sides of the horizon, or an error above ``most_m``.

    Source: Hartley and Zisserman, Multiple View Geometry, algorithm 4.2.
    """
    if image.shape != ground.shape or image.ndim != 2 or image.shape[1] != 2 or len(image) < 4:
        raise Degenerate(f"pairs: expected at least 4 of shape (n, 2) each, got {image.shape} and {ground.shape}")
    if not (np.isfinite(image).all() and np.isfinite(ground).all()):
        raise Degenerate("pairs: expected finite numbers, got NaN or infinity")
    (u, to_u), (v, to_v) = _normalised(image, "image"), _normalised(ground, "ground")
    zero, one = np.zeros(len(u)), np.ones(len(u))
    x, y = u.T
    rows = [
        np.column_stack([x, y, one, zero, zero, zero, -v[:, 0] * x, -v[:, 0] * y, -v[:, 0]]),
        np.column_stack([zero, zero, zero, x, y, one, -v[:, 1] * x, -v[:, 1] * y, -v[:, 1]]),
    ]
    _, sizes, basis = np.linalg.svd(np.concatenate(rows))
    # The eighth singular value is how firmly the pairs fix the eighth number: none where three of four are in line.
    if sizes[7] < 1e-3 * sizes[0]:
        raise Degenerate(f"pairs: expected no three of four on one line, got a rank of 8 only to {sizes[7]:.1e}")
    plane = basis[8].reshape(3, 3)
    if abs(np.linalg.det(plane)) < 1e-6:
        raise Degenerate("pairs: expected ground points that span a plane, got ones that fold onto a line")
    matrix: F8 = np.linalg.inv(to_v) @ plane @ to_u
    depth = np.column_stack([image, one]) @ matrix[2]
    if not ((depth > 0).all() or (depth < 0).all()):
        raise Degenerate("pairs: expected all on one side of the horizon, got both: one pair or more is mixed up")
    matrix = matrix / np.median(depth)
    fitted = Homography(matrix, 0.0, 0.0)
    apart = np.hypot(*(fitted.to_ground(image) - ground).T)
    rms, most = float(np.sqrt(np.mean(apart**2))), float(apart.max())
    if most > most_m:
        raise Degenerate(f"pairs: expected errors up to {most_m} m, got {most:.2f} m at pair {int(apart.argmax())}")
    return Homography(matrix, rms, most)


def _normalised(points: F8, name: str) -> tuple[F8, F8]:
    """Points moved to their mean and scaled to a mean distance of sqrt(2), with the matrix that does it."""
    middle = points.mean(axis=0)
    size = float(np.hypot(*(points - middle).T).mean())
    if not 0.0 < size < 1e12:
        raise Degenerate(f"pairs: expected {name} points apart from each other, got all at {points[0].tolist()}")
    k = np.sqrt(2.0) / size
    return (points - middle) * k, np.array([[k, 0.0, -k * middle[0]], [0.0, k, -k * middle[1]], [0.0, 0.0, 1.0]])
