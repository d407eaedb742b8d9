"""What is in force in the bench: the demo's routes, limits, calendar and event codes, more families, a few causes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from brain.incidents.value import DOMAINS
from brain.set_tables import tables
from brain.sets import files
from streams.registry import Registry

FOLDER = Path(__file__).resolve().parents[2] / "config" / "demo"
FAMILIES = 192
"""About as many kinds as the lists of cases of a large city have."""
CAUSES = {"version": 1, "causes": [
    {"cause": "emergency.weather*", "effect": "emergency.flood*", "same": "district", "within_s": 21_600},
    {"cause": "emergency.flood*", "effect": "public.*", "within_m": 1000},
    {"cause": "emergency.wind*", "effect": "public.*", "same": "grid"},
    {"cause": "emergency.hazmat*", "effect": "eco.air*", "within_m": 2000},
]}  # fmt: skip


class Spoken(NamedTuple):
    """What an asset may say."""

    scenario: str
    source: str
    life: bool


def content() -> tuple[Any, list[Spoken]]:
    """A set, with one scenario a leaf of the event codes, and what its assets say: seven of ten are sensors."""
    demo = tables(files(FOLDER), FOLDER)
    assert demo.events is not None
    events = demo.events.by_code
    leaves = [e for e in events.values() if len(e.path) > 1 and not any(e.code in o.path[:-1] for o in events.values())]
    scenarios = [_scenario(e.code, e.domain, e.life) for e in leaves]
    families = len({".".join(e.code.split(".", 2)[:2]) for e in leaves})
    for n in range(FAMILIES - families):
        domain = DOMAINS[n % len(DOMAINS)]
        scenarios.append(_scenario(f"{domain}.other{n:03d}.one", domain, False))
    made = SimpleNamespace(
        scenarios=scenarios, routes=demo.routes, limits=demo.limits, events=demo.events,
        registry=Registry.load(FOLDER / "assets.ndjson"), causes=CAUSES,
    )  # fmt: skip
    spoken = [
        Spoken(s.id, source, s.life) for s in scenarios
        for source, share in (("iot", 7), ("video", 1), ("hotline", 2)) for _ in range(share)
    ]  # fmt: skip
    return made, spoken


def _scenario(code: str, domain: str, life: bool) -> Any:
    return SimpleNamespace(id=code, version=1, name={"zh": code, "en": code}, domain=domain, event_code=code, life=life)
