"""What config/operations says: queries of dashboards, expressions of alerts, names of metrics in either."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "config" / "operations"
_COMPARED = re.compile(r"(==|!=|>=|<=|>|<)\s*(-?[\d.]+)")
_NAME = re.compile(r"\b(brain_[a-z_]+)")


class Query(NamedTuple):
    """One expression and where it stands."""

    where: str
    expr: str

    def metrics(self) -> set[str]:
        """Names of ours that it asks for, without what a histogram adds to them."""
        return {re.sub(r"_(bucket|sum|count)$", "", name) for name in _NAME.findall(self.expr)}


def panels() -> list[Query]:
    """Of every panel of every dashboard, as committed."""
    out = []
    for path in sorted((FOLDER / "dashboards").glob("*.json")):
        for panel in json.loads(path.read_text("utf-8"))["panels"]:
            out += [Query(f"{path.stem} {panel['title']}", t["expr"]) for t in panel.get("targets", ())]
    return out


def alerts() -> list[dict[str, Any]]:
    """All rules."""
    groups = yaml.safe_load((FOLDER / "alerts.yaml").read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def asked(rule: dict[str, Any]) -> Query:
    """An alert's expression with its comparisons answering 0 or 1, so that it says something when all is well."""
    return Query(rule["alert"], _COMPARED.sub(r"\1 bool \2", rule["expr"]))
