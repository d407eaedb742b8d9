"""The sets of a simulated city: what its lanes and its incidents need, with times so short that all of them end."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from brain.incidents.desk import DeskSettings
from brain.incidents.fold import FoldSettings
from brain.incidents.limits import Limits
from streams.simulate.toy import SETS as TOY_SETS
from streams.simulate.toy import ToySet

FOLDING = FoldSettings(
    quiet_s=1.0, reopen_s=1.5, window_s=3.0, members=4, age_s=8.0, chatter=2, chatter_s=5.0,
)  # fmt: skip
DESK = DeskSettings(window_s=3.0, most=4, keep=1, calm=1, weak=2, hold_s=0.7, over_s=1.5, families=2)
FAMILIES = ("air", "wind", "typhoon", "flood")
"""Of assets that may be hidden; their scenarios are ``eco.<family>``."""
FIRE = "emergency.fire"
"""The scenario of the others."""


@dataclass(frozen=True, slots=True)
class DrillSet:
    """A toy set for the lanes (``toy``) with what incidents ask of a set."""

    toy: ToySet
    scenarios: tuple[Any, ...]
    causes: dict[str, Any] | None
    limits: Limits | None
    warnings: dict[str, Any] | None = None
    routes: None = None


def _scenario(name: str, life: bool = False) -> Any:
    domain = name.partition(".")[0]
    return SimpleNamespace(id=name, version=1, name=name, domain=domain, event_code=f"{name}.x", life=life)


def limits(accept: str, dispose: str, steps: list[str]) -> Limits:
    """Limits so short that all of them are reached in a world of seconds."""
    return Limits.of({
        "version": 1, "unacknowledged": steps, "promise": {"life": "1s", "other": "2s", "repeats": 2}, "extensions": 1,
        "limits": [
            {"event_code": "*", "life": True, "calendar": "clock", "accept": accept, "arrive": "3s", "dispose": "5s"},
            {"event_code": "*", "life": False, "calendar": "clock", "accept": "2s", "dispose": dispose},
            {"event_code": "*", "levels": [3, 4], "life": False, "calendar": "clock", "accept": "1s", "dispose": "3s"},
        ],
    })  # fmt: skip


_EVERY = (_scenario(FIRE, life=True), *(_scenario(f"eco.{family}") for family in FAMILIES))
_CAUSES = [
    {"cause": "eco.air*", "effect": "eco.wind*", "same": "city", "within_s": 8, "up_to": 4},
    {"cause": "eco.typhoon*", "effect": "eco.wind*", "same": "district", "within_s": 8, "up_to": 4},
    {"cause": "eco.air*", "effect": "eco.flood*", "within_m": 900, "within_s": 6, "up_to": 4},
]
_WARNINGS = [
    {"id": "eco.official.wind", "name": {"zh": "大风", "en": "wind"}, "match": ["wind"], "event_code": "eco.gale.x",
     "opens_from": "yellow", "colours": ["eco.wind*", "emergency*"]},
    {"id": "eco.official.flood", "name": {"zh": "洪水", "en": "flood"}, "match": ["flood"], "colours": ["eco*"]},
]  # fmt: skip
SETS = {
    "s0": DrillSet(
        TOY_SETS["s0"],
        _EVERY,
        {"version": 1, "causes": _CAUSES},
        limits("1s", "6s", ["1s", "2s", "4s"]),
        {"version": 1, "warnings": _WARNINGS},
    ),
    "s1": DrillSet(
        TOY_SETS["s1"],
        _EVERY,
        {"version": 1, "causes": _CAUSES[1:2]},
        limits("2s", "4s", ["2s", "3s"]),
        {"version": 1, "warnings": _WARNINGS[:1]},
    ),
    "s2": DrillSet(TOY_SETS["s2"], _EVERY[:3], None, None),
}
"""The second has other limits and fewer causes; the third lacks scenarios, and has neither limits nor causes."""
