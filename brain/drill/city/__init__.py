"""A sample city 样例城市: invented, the same for a seed; all that the map, the registry and the drills need."""

from brain.drill.city.model import City, make_city
from brain.drill.city.terrain import FULL, SCALES, SMALL, Scale

__all__ = ["FULL", "SCALES", "SMALL", "City", "Scale", "make_city"]
