"""Sets of a simulated city as they are promoted: the first, what a promotion makes of it, and what takes that back.

Each step is made as :mod:`brain.promotion` rewrites a scenario's file, so nothing but states differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import shapely

from brain.agent_kit import chosen, manifest
from brain.agent_kit.find import Installed
from brain.drill.simulate.sets import limits
from brain.promotion import rewritten
from brain.scenarios import read
from brain.sets import CitySet
from geo.grid_map import Grid, GridMap
from streams.registry import Registry

LON: Final = 113.5
LAT: Final = 22.2
SPOT: Final = 300.0 / 103_000
"""Degrees of longitude between two places: so near that neighbours share incidents."""
SPOTS: Final = 7
ASSETS: Final = tuple(f"a{n}" for n in range(16))
UNKNOWN: Final = "b0"
"""Speaks, and is in no registry."""


def kind(asset: str) -> str:
    """Type of an asset, and its metric: every fourth is of the never-hidden class."""
    return "smoke" if int(asset[1:]) % 4 == 3 else "level"


def spot(asset: str) -> tuple[float, float]:
    """Where it stands."""
    return LON + (int(asset[1:]) * 3 % SPOTS) * SPOT, LAT


def _scenario(name: str, rest: str, state: str = "live", source: str = "iot", type: str = "level") -> str:
    where = f"match: {{type: {type}, metric: {type}}}\n" if source == "iot" else ""
    return (
        f"id: {name}\nversion: 1\nname: {{zh: {name}, en: {name}}}\ndomain: {name.partition('.')[0]}\n"
        f"event_code: {name}.x\nsource: {source}\nstate: {state}\n{where}{rest}\n"
    )


def _combination(name: str, kind: str, parts: tuple[str, ...], rest: str, state: str = "live") -> str:
    of = ", ".join(f"{{scenario: {part}}}" for part in parts)
    head, _, tail = rest.partition("|")
    return _scenario(
        f"emergency.both.{name}", f"detect: {{combine: {kind}, of: [{of}], {head}}}\n{tail}", state, "signals"
    )


HIGH, LOW, JUMP, SILENT, SUM, BESIDE = (
    f"emergency.flood.{name}" for name in ("high", "low", "jump", "silent", "sum", "beside")
)
SMOKE = "emergency.fire.smoke"
LACKS = "emergency.both.lacks"
TEXTS: Final = (
    _scenario(HIGH, "detect: {above: 10}\nfor: {readings: 2}\nclear: {below: 8}\nlevels: [{level: 3, at: 20}]"),
    _scenario(LOW, "detect: {below: 6}\nfor: {seconds: 1}", "shadow"),
    _scenario(JUMP, "detect: {ewma_deviation: 1.5, warmup: 3, alpha: 0.2}\nclear: {quiet_s: 2}", "shadow"),
    _scenario(SILENT, "detect: {silent_s: 3}\nlevel: 2"),
    _scenario(SUM, "detect: {sum_over: 30, by: district}\nclear: {below: 20}", "shadow"),
    _scenario(
        BESIDE,
        "detect: {detector: neighbours, within_m: 900, settings: {least: 2, warmup: 2, alpha: 0.3}, score_over: 1}",
    ),
    _scenario(SMOKE, "life: true\ndetect: {above: 10}\nclear: {below: 8}\nlevel: 2", type="smoke"),
    _combination("and", "and", (HIGH, SILENT), "within_s: 3, within_m: 700"),
    _combination("or", "or", (SMOKE, JUMP), "same: district|clear: {quiet_s: 2}", "shadow"),
    _combination("near", "or", (HIGH, SMOKE), "within_m: 700|clear: {quiet_s: 9}", "shadow"),
    _combination("then", "sequence", (HIGH, SMOKE), "within_s: 4, same: city"),
    _combination("lacks", "absence", (HIGH, SMOKE), "within_s: 2, within_m: 400"),
    _combination("chain", "and", (LACKS, LOW), "within_s: 5, same: district", "draft"),
)
PROMOTED: Final = {
    LOW: "trial:d1", JUMP: "live", SILENT: "shadow", SUM: "live", BESIDE: "shadow", "emergency.both.or": "trial:d1",
    "emergency.both.chain": "live", "emergency.both.then": "retired", "emergency.both.near": "trial:d1",
    LACKS: "trial:d1",
}  # fmt: skip
TAKEN_BACK: Final = {
    LOW: "retired", JUMP: "shadow", SILENT: "live", SUM: "trial:d2", BESIDE: "trial:d1", "emergency.both.or": "live",
    "emergency.both.then": "trial:d2", "emergency.both.near": "trial:d2", LACKS: "shadow",
}  # fmt: skip


@cache
def content(set_id: str) -> CitySet:
    """A set by its name; raises KeyError of another. The city stands still, so all share registry and map."""
    texts = TEXTS if set_id == "s0" else _stepped(TEXTS, PROMOTED)
    if set_id == "s2":
        texts = _stepped(texts, TAKEN_BACK)
    elif set_id not in ("s0", "s1"):
        raise KeyError(set_id)
    every = sorted(map(read, texts), key=lambda s: s.id)
    registry, city = _ground()
    made = CitySet(
        set_id, registry, city, [s for s in every if s.state == "live"],
        drafts=[s for s in every if s.state != "live"], limits=limits("1s", "6s", ["1s", "2s", "4s"]),
    )  # fmt: skip
    names = {"s0": ("tally", "echo"), "s1": ("tally2", "echo"), "s2": ("tally",)}[set_id]
    made.agents = tuple(_agent(name, city) for name in names)
    return made


def _stepped(texts: tuple[str, ...], steps: Mapping[str, str]) -> tuple[str, ...]:
    out = []
    for text in texts:
        state, _, district = steps.get(read(text).id, "").partition(":")
        out.append(rewritten(text, state, district) if state else text)  # type: ignore[arg-type]  # one of the five
    return tuple(out)


@cache
def _ground() -> tuple[Registry, GridMap]:
    rows = [
        {"id": name, "type": kind(name), "lon": spot(name)[0], "lat": spot(name)[1], "unit": "m", "range": [-99, 99],
         "every_s": 1.0 if int(name[1:]) % 3 else 0.5}
        for name in ASSETS
    ]  # fmt: skip
    boxes = [shapely.box(LON + (k - 0.5) * SPOT, LAT - SPOT, LON + (k + 0.5) * SPOT, LAT + SPOT) for k in range(SPOTS)]
    grids = [Grid(f"g{k}", f"t{k // 2}", "d1" if k < SPOTS - 2 else "d2", box) for k, box in enumerate(boxes)]
    return Registry.of(rows), GridMap(grids)


def _agent(name: str, city: GridMap) -> chosen.Agent:
    folder = Path(__file__).parent / name
    one = Installed(manifest.load(folder), f"{__package__}.{name}", folder)
    return chosen.made(one, one.manifest.version, one.manifest.settings({}, name), city, {}, {}, name)
