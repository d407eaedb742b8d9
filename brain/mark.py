"""The mark of a drill 演练标记: how a record says that nothing of it is real, from the input to the incident.

The id that every record carries as its key (asset, camera, ticket) begins with ``drill-``. It survives every bridge and
every format that drops headers, and keeps what the engine remembers of drills apart from what it remembers of the city.
A set is of a drill or of a city, never of both (:func:`of_drill`): in a city's set a marked record names an unknown
asset and is a dead letter, in a drill's set an unmarked one is.
"""

from __future__ import annotations

from collections.abc import Sequence

from brain.unfit import Unfit

DRILL = "drill-"


def marked(name: str) -> bool:
    """Whether an id is of a drill."""
    return name.startswith(DRILL)


def of_drill(ids: Sequence[str]) -> bool:
    """Whether a registry is of a drill; an empty one is a city's. Raises ValueError where it holds both."""
    drill = [name for name in ids if marked(name)]
    if drill and len(drill) < len(ids):
        real = next(name for name in ids if not marked(name))
        raise Unfit(
            "assets", "expected ids that all begin with {drill!r}, of a drill, or none; got {got!r} and {real!r}",
            drill=DRILL, got=drill[0], real=real,
        )  # fmt: skip
    return bool(drill)
