"""JSON Schema of a scenario's file, for editors that complete keys and mark slips as one types."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from brain.contracts.schema import DIALECT, of_type
from brain.scenario import Scenario
from brain.scenario_kit.case_form import Frame, Reading, Ticket
from brain.scenarios import HIDDEN
from brain.settings import HOME
from streams.registry import Asset

FILE = HOME / "config" / "scenario.schema.json"
"""Where it is committed."""


def schema() -> dict[str, Any]:
    """The schema; unknown keys are refused, as on loading."""
    whole = {"$schema": DIALECT, "title": "Scenario 场景", **of_type(Scenario)}
    parts = whole["$defs"]
    _own_keys(whole if "properties" in whole else parts["Scenario"])
    for form in (Reading, Frame, Ticket, Asset):
        one = of_type(form)
        parts |= one.pop("$defs", {})
        parts[form.__name__] = one
    case = parts["Case"]["properties"]
    case["given"] |= {"items": {"anyOf": [{"$ref": f"#/$defs/{kind.__name__}"} for kind in (Reading, Frame, Ticket)]}}
    case["assets"] |= {"items": {"$ref": "#/$defs/Asset"}}
    whole["$defs"] = {name: parts[name] for name in sorted(parts)}
    return whole


def _own_keys(form: dict[str, Any]) -> None:
    """Without what is set on loading; a variant needs fewer keys than a scenario of its own."""
    for name in HIDDEN:
        del form["properties"][name]
    wanted = form.pop("required")
    form["anyOf"] = [{"required": wanted}, {"required": ["id", "version", "extends", "match"]}]


def text() -> bytes:
    """The bytes of the committed file."""
    return (json.dumps(schema(), ensure_ascii=False, indent=1) + "\n").encode()


def stale(path: Path = FILE) -> bool:
    """Whether the committed file is not what the types say."""
    return not path.is_file() or path.read_bytes() != text()
