"""One incident with something in every field that other systems are told."""

from __future__ import annotations

from typing import Any

from brain.incidents.value import Incident, Member, Text

START = 1_718_000_000_123


def make(**fields: Any) -> Incident:
    usual: dict[str, Any] = {
        "id": "inc-00ff00ff00ff00ff", "revision": 3, "state": "handling", "domain": "emergency",
        "scenario": "emergency.smoke", "scenario_version": 2, "event_code": "emergency.fire.smoke",
        "name": Text("烟感报警", "Smoke"), "level": 2, "peak_level": 3, "life": True, "onset": START,
        "opened": START + 400, "raised": START + 400, "updated": START + 9_999, "grid": "990102001001",
        "town": "990102001", "district": "990102", "lon": 113.5, "lat": 22.25, "accuracy_m": 12.5, "warning": "orange",
        "grade": "larger", "response": "III", "confidence": "corroborated", "lead": "fire_rescue",
        "lead_name": Text("消防支队", "Fire"), "assisting": ["police"], "count": 2,
        "areas": {"zone": ["z-1"]}, "members": [Member("m", "a", START)],
    }  # fmt: skip
    return Incident(**{**usual, **fields})
