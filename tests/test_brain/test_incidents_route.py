"""The routing table: the most specific rule wins, and a wrong table is refused with the place of its fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from brain.incidents.route import RouteError, Routes
from brain.incidents.value import DOMAINS

DEMO = Path(__file__).parents[2] / "config" / "demo" / "routes.yaml"


def table(*routes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "version": 1,
        "departments": {name: {"zh": name} for name in ("default", "a", "b", "c", "d")},
        "defaults": {domain: {"lead": "default"} for domain in DOMAINS},
        "routes": list(routes),
        **more,
    }


def test_the_most_specific_rule_wins() -> None:
    routes = Routes.of(
        table(
            {"event_code": "eco.air.pm25", "lead": "a"},
            {"event_code": "eco.*", "lead": "b"},
            {"event_code": "eco.*", "district": "440402", "lead": "c"},
            {"domain": "eco", "lead": "d"},
        )
    )
    asked = [("eco.air.pm25", "440402"), ("eco.air.o3", "440402"), ("eco.air.o3", "440403"), ("x", "440402")]
    assert [routes.find(code, "eco", district).lead for code, district in asked] == ["a", "c", "b", "d"]
    assert routes.find("x", "market", "").rule == "default:market"
    assert routes.find("eco.air.o3", "eco", "440402").rule == "eco.*@440402"


def test_the_demo_table_holds_and_gives_every_domain_a_lead() -> None:
    routes = Routes.load(DEMO)
    assert all(routes.find("unknown", domain, "").lead_name.zh for domain in DOMAINS)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (table({"event_code": "x", "lead": "aa"}), r"routes\[0\].lead: .* got 'aa' \(did you mean a\?\)"),
        (table({"domain": "eko", "lead": "a"}), r"routes\[0\].domain: .* got 'eko' \(did you mean eco\?\)"),
        (table({"lead": "a"}), "expected one of event_code and domain, got neither"),
        (table({"lead": "a", "domain": "eco", "event_code": "x"}), "got both"),
        (table({"domain": "eco", "lead": "a"}, {"domain": "eco", "lead": "b"}), r"routes\[1\]: 'eco' is routed twice"),
        (table({"domain": "eco", "lead": "a", "assisting": ["a"]}), "leads already"),
        (table({"domain": "eco", "lead": "a", "asisting": []}), "unknown field `asisting`"),
        (table(defaults={"eco": {"lead": "a"}}), "missing: emergency, market"),
        (table(version=2), "version: expected 1, got 2"),
    ],
)
def test_a_wrong_table_is_refused_with_the_place_of_its_fault(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(RouteError, match=says) as caught:
        Routes.of(wrong, "city/routes.yaml")
    assert str(caught.value).startswith("city/routes.yaml: ")
