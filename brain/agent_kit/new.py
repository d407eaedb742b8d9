"""A new agent's folder, as ``brain agent new`` writes it: it passes the suite at once and is then made one's own."""

from __future__ import annotations

from pathlib import Path

from brain.agent_kit.manifest import AgentError, read
from brain.incidents.value import DOMAINS

_MANIFEST = """\
# 智能体清单，说明见 docs/agents.md · the agent's manifest; docs/agents.md
id: {id}
version: 1
owner: {owner}
name: {{zh: {name}, en: {name}}}
domain: {domain}
events:
  - {{event_code: {id}, name: {{zh: {name}, en: {name}}}}}
shape: {shape}
source: iot
reads: [{{type: {word}, metrics: [{word}]}}]
params:
  over: {{default: 10, range: [0, 1000], unit: "1", note: the level is 2 above it}}
means: {{zh: 读数超过设定值, en: the reading is above what is set}}
first_steps: {{zh: 核实, en: have a look}}
false_alarms: {{zh: 探头故障, en: a broken probe}}
basis: sample
"""
_LANE = '''\
"""{name}: what holds after each record, by its value and how long it has been so."""

import numpy as np

from brain.agent_kit import Verdict

STATE = np.dtype([("since", "i8")])
"""Of each asset: since when the value is above the bound, ms; 0: it is not."""


def features(rows, world):
    """Of each record by itself: how far above the bound."""
    return {{"over": rows.values["{word}"] - world.params["over"]}}


def decide(rows, features, state, world):
    """Each record after the one before it of the same asset."""
    over = features["over"]
    level, seconds = np.zeros(len(rows), np.int8), np.zeros(len(rows))
    for i, a in enumerate(rows.asset):
        if not np.isfinite(over[i]):
            level[i] = -1
            continue
        if over[i] <= 0:
            state["since"][a] = 0
            continue
        state["since"][a] = state["since"][a] or rows.t[i]
        seconds[i] = (rows.t[i] - state["since"][a]) / 1000
        level[i] = 2
    return Verdict(level, value=rows.values["{word}"], facts={{"over": over, "for_s": seconds}})
'''
_CITY = '''\
"""{name}: once a minute all assets in one view."""

import msgspec
import numpy as np

from brain.agent_kit import Said


class State(msgspec.Struct):
    """Of each asset that is above the bound: for how many minutes."""

    minutes: dict[str, int] = {{}}


def features(minute, world):
    """Which assets reported, and how far above the bound they are."""
    assets = minute.assets["{word}"]
    return assets.values["{word}"] - world.params["over"]


def decide(minute, features, state, world):
    """What stands after this minute."""
    said = []
    for k, asset in enumerate(minute.assets["{word}"].ids):
        if not np.isfinite(features[k]):
            continue
        n = state.minutes.pop(asset, 0) + 1
        if features[k] > 0:
            state.minutes[asset] = n
        said.append(Said(asset, 2 if features[k] > 0 else 0, value=float(features[k]), facts={{"minutes": n}}))
    return said
'''
_TESTS = """\
- name: above the bound, and back
  assets: [{{id: a1, type: {word}, lon: 113.5, lat: 22.2}}]
  given:
    - {{at: {at}, asset: a1, values: {{{word}: [5, 12, 3]}}, every_s: 60}}
  expect:
    - {{at: {first}, kind: raise, asset: a1, level: 2}}
    - {{at: {second}, kind: clear, asset: a1}}
- name: at the bound is not above it
  assets: [{{id: a1, type: {word}, lon: 113.5, lat: 22.2}}]
  given:
    - {{at: {at}, asset: a1, values: {{{word}: 10}}, every_s: 60, times: 3}}
"""


def write(id: str, folder: Path, owner: str, shape: str) -> list[Path]:
    """Write the folder; answers its files. Raises AgentError for an id that is none, or a folder that is there."""
    domain, _, rest = id.partition(".")
    if domain not in DOMAINS or not rest:
        raise AgentError(f"{id}: expected an id such as emergency.bridge.sway, the domain first: {', '.join(DOMAINS)}")
    word = id.rpartition(".")[2]
    city = shape == "city"
    more = {
        "id": id, "domain": domain, "owner": owner, "shape": shape, "word": word, "name": word.replace("_", " "),
        "at": 30 if city else 0, "first": 120 if city else 60, "second": 180 if city else 120,
    }  # fmt: skip
    texts = {
        "agent.yaml": _MANIFEST.format(**more), "agent.py": (_CITY if city else _LANE).format(**more),
        "tests.yaml": _TESTS.format(**more), "__init__.py": f'"""{more["name"]}."""\n',
    }  # fmt: skip
    read(texts["agent.yaml"], id)
    if folder.exists() and any(folder.iterdir()):
        raise AgentError(f"{folder}: is there already, and not empty")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]
