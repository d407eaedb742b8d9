"""Agents that tests write into folders, and sets that name them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lane_rig import city

from brain.agent_kit import chosen, manifest
from brain.agent_kit.find import Installed
from brain.sets import CitySet

LANE = """
id: emergency.flood.steps
version: 1
owner: team
name: {zh: 水位, en: Steps}
domain: emergency
events:
  - {event_code: emergency.flood.level, name: {zh: 水位, en: Steps}}
shape: lane
reads: [{type: water_level, metrics: [water_level]}]
params:
  over: {default: 10, range: [0, 100], unit: m}
"""
STEPS = """
import os, time
import numpy as np
from brain.agent_kit import Verdict

STATE = np.dtype([("n", "i8"), ("sum", "f8")])

def features(rows, world):
    return {"v": rows.values["water_level"]}

def decide(rows, features, state, world):
    v = features["v"]
    FAULT
    level, mean = np.zeros(len(rows), np.int8), np.zeros(len(rows))
    for i, a in enumerate(rows.asset):
        state["n"][a] += 1
        state["sum"][a] += v[i]
        mean[i] = state["sum"][a] / state["n"][a]
        level[i] = 2 if v[i] > world.params["over"] else 0
    return Verdict(level, value=v, facts={"mean": mean})
"""
FAULTS = {
    "none": "",
    "raise": "if (v == 666).any():\n        raise ValueError('row')",
    "exit": "if (v == 666).any():\n        os._exit(3)",
    "hang": "while (v == 666).any():\n        time.sleep(0.05)",
}


def write(folder: Path, text: str, code: str) -> Installed:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "agent.yaml").write_text(text, encoding="utf-8")
    (folder / "agent.py").write_text(code, encoding="utf-8")
    return Installed(manifest.load(folder), "", folder)


def steps(folder: Path, fault: str = "none", **more: str) -> Installed:
    text = LANE
    for key, value in more.items():
        text = text.replace(f"\n{key}: ", f"\n{key}: {value} #")
    return write(folder, text, STEPS.replace("FAULT", FAULTS[fault]))


def with_agents(*agents: Installed, scenarios: tuple[str, ...] = (), **params: Any) -> CitySet:
    content = city(*scenarios)
    content.agents = tuple(
        chosen.made(one, one.manifest.version, one.manifest.settings(params, "test"), content.map, {}, {}, "test")
        for one in sorted(agents, key=lambda one: one.manifest.id)
    )
    return content
