"""Rivers 河网 with their direction: what lies downstream of a spill, and what upstream may have caused it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]


class RiverLoop(ValueError):
    """Reaches that flow in a circle: one of them is drawn against its direction."""


class Rivers:
    """Reaches from node to node, downstream. Immutable.

    Does not know tides, weirs or how fast water runs: distances are along the bed. A braid counts by its shortest arm.
    """

    def __init__(self, nodes: int, start: I8, end: I8, metres: F8) -> None:
        """Of reaches (m,): node numbers, upstream end first, and lengths.

        Raises
        ------
        ValueError
            A node number out of range, or a length not above 0. RiverLoop names reaches that flow in a circle.
        """
        bad = np.flatnonzero((start < 0) | (start >= nodes) | (end < 0) | (end >= nodes) | ~(metres > 0))
        if len(bad):
            k = bad[0]
            raise ValueError(f"reach {k}: expected nodes 0 to {nodes - 1} and a length above 0, got "
                             f"{start[k]}, {end[k]}, {metres[k]}")  # fmt: skip
        _, strong = connected_components(csr_array((np.ones(len(start)), (start, end)), (nodes, nodes)),
                                         directed=True, connection="strong")  # fmt: skip
        loop = np.flatnonzero(strong[start] == strong[end])
        if len(loop):
            raise RiverLoop(f"reaches {', '.join(map(str, loop[:10]))} flow in a circle: one is drawn upstream")
        order = np.lexsort((metres, end, start))
        a, b = start[order], end[order]
        kept = order[np.concatenate((a[:1] == a[:1], (a[1:] != a[:-1]) | (b[1:] != b[:-1])))]
        self._down = csr_array((metres[kept], (start[kept], end[kept])), (nodes, nodes))
        self._up = csr_array((metres[kept], (end[kept], start[kept])), (nodes, nodes))

    def downstream(self, node: int, limit: float = np.inf) -> F8:
        """Metres along the bed from a node to every node (n,) below it; infinite for all others, 0 for itself."""
        metres: F8 = dijkstra(self._down, indices=node, limit=limit)
        return metres

    def upstream(self, node: int, limit: float = np.inf) -> F8:
        """Metres along the bed to a node from every node (n,) above it; infinite for all others, 0 for itself."""
        metres: F8 = dijkstra(self._up, indices=node, limit=limit)
        return metres
