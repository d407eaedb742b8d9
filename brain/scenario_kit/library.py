"""The library of scenarios 场景库: ``config/scenarios``, for sets to take, and the demo's, which it builds on."""

from __future__ import annotations

from pathlib import Path

from brain import scenarios
from brain.scenario import Scenario
from brain.settings import HOME

LIBRARY = HOME / "config" / "scenarios"
DEMO = HOME / "config" / "demo" / "scenarios"


def paths(*folders: Path) -> dict[str, Path]:
    """File of each scenario below some folders, by id. Raises ScenarioError of what is no YAML."""
    return {
        str(scenarios.decoded(path.read_bytes(), str(path))["id"]): path
        for folder in folders
        for path in sorted(folder.rglob("*.yaml"))
    }


def whole() -> list[Scenario]:
    """All of them, by id. Raises ScenarioError."""
    return scenarios.load(DEMO, beside=(LIBRARY,))


def own(folder: Path = LIBRARY) -> list[Scenario]:
    """Those of a folder that is no set, the demo's beside it. Raises ScenarioError."""
    every = scenarios.load(folder, beside=(DEMO,))
    mine = paths(folder)
    return [s for s in every if s.id in mine]
